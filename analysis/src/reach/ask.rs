//! Requests of steps, decided: the bindings of section 2, choices included.

use super::fact::{Form, Holds, Identity};
use super::world::Base;
use iamc_catalogue::Catalogue;
use iamc_compiler::{CompileError, Compiler, Limits, compile};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::{Answer, AtomKind, Decision, Formula};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Context, GivenKeys, KeyState, Mode, Request, RequestResource, ResourceInRequest};
use iamc_policy::{Action, Arn, World};
use iamc_runtime::{CompiledPolicySet, Scratch, decide, explain};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

/// The Region of services that have none (P-2.9).
pub(super) const GLOBAL_REGION: &str = "us-east-1";
/// So many combinations of values are tried for keys at the caller's choice (P-2.10).
const COMBINATIONS_MAX: usize = 256;

/// So many parts of variants are kept; then they are compiled anew.
const PARTS_MAX: usize = 256;
/// So many variants of the whole world are kept, each for one question.
const ASSUMING_MAX: usize = 4;

/// Keys, and by key the values of its atoms.
type Residual = (Vec<String>, HashMap<String, Vec<String>>);

/// One variant of the world, compiled.
pub(crate) struct Compiled {
    pub(crate) set: Arc<CompiledPolicySet>,
    scratch: Scratch,
}

impl Compiled {
    fn new(set: CompiledPolicySet) -> Compiled {
        let set = Arc::new(set);
        let scratch = Scratch::new(&set);
        Compiled { set, scratch }
    }
}

fn compiled(world: &World, catalogue: &Catalogue) -> Result<Compiled, CompileError> {
    Ok(Compiled::new(compile(world, catalogue, &Limits::default())?))
}

/// A request with the decision that a step rests on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) holds: Holds,
}

/// The variants of a world, each compiled when it is first asked.
pub(crate) struct Worlds {
    catalogue: Cow<'static, Catalogue>,
    /// The world as it is.
    whole: Option<Compiled>,
    /// Parts of variants, by form and accounts.
    parts: BTreeMap<(Form, BTreeSet<u32>), Compiled>,
    /// Variants of everybody, for who may assume roles of other accounts.
    assuming: BTreeMap<Form, Compiled>,
    /// Decisions so far.
    pub(crate) n_decided: u64,
}

impl Worlds {
    pub(crate) fn new(catalogue: Cow<'static, Catalogue>) -> Worlds {
        Worlds { catalogue, whole: None, parts: BTreeMap::new(), assuming: BTreeMap::new(), n_decided: 0 }
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The world as it is, compiled.
    pub(crate) fn plain(&mut self, base: &Base) -> Result<&mut Compiled, CompileError> {
        if self.whole.is_none() {
            self.whole = Some(compiled(&base.world, &self.catalogue)?);
        }
        Ok(self.whole.as_mut().expect("it was compiled"))
    }

    /// A variant that answers the request: of the accounts that it is about, or for who may assume roles elsewhere.
    fn get(&mut self, base: &Base, form: Form, request: &Request) -> Result<&mut Compiled, CompileError> {
        if form == Form::default() {
            return self.plain(base);
        }
        if !form.trust && !form.resource && base.is_assuming_elsewhere(request) {
            return self.assuming(base, form);
        }
        self.part(base, form, &base.accounts_of(request))
    }

    /// A variant of everybody that answers who may assume roles of other accounts, and nothing else. Its policies lack
    /// statements.
    pub(crate) fn assuming(&mut self, base: &Base, form: Form) -> Result<&mut Compiled, CompileError> {
        if !self.assuming.contains_key(&form) {
            if self.assuming.len() >= ASSUMING_MAX {
                self.assuming.clear();
            }
            let world = &base.world;
            let limits = Limits::default();
            let mut compiler = Compiler::new(&self.catalogue, &world.settings, world.assume_complete, &limits);
            base.assuming(form, &mut |piece| compiler.add(piece))?;
            self.assuming.insert(form, Compiled::new(compiler.finish()?));
        }
        Ok(self.assuming.get_mut(&form).expect("it was compiled"))
    }

    /// A variant, as far as it answers for some accounts.
    pub(crate) fn part(
        &mut self,
        base: &Base,
        form: Form,
        accounts: &BTreeSet<u32>,
    ) -> Result<&mut Compiled, CompileError> {
        let key = (form, accounts.clone());
        if self.parts.contains_key(&key) {
            return Ok(self.parts.get_mut(&key).expect("it is there"));
        }
        if self.parts.len() >= PARTS_MAX {
            self.parts.clear();
        }
        let part = compiled(&base.variant(form, &key.1), &self.catalogue)?;
        Ok(self.parts.entry(key).or_insert(part))
    }

    /// P-1.5, without choices.
    pub(crate) fn decide(&mut self, base: &Base, form: Form, request: &Request) -> Result<Option<Holds>, CompileError> {
        self.n_decided += 1;
        let world = self.get(base, form, request)?;
        Ok(match decide(&world.set, request, &mut world.scratch) {
            Ok(Decision::Allow) => Some(Holds::Definitely),
            Ok(Decision::Conditional(outcomes)) if outcomes.allow => Some(Holds::Possibly),
            _ => None,
        })
    }

    /// The whole answer; `None` where the request is invalid.
    pub(crate) fn explain(
        &mut self,
        base: &Base,
        form: Form,
        request: &Request,
    ) -> Result<Option<Answer>, CompileError> {
        let world = match form == Form::default() {
            true => self.plain(base)?,
            false => self.part(base, form, &base.accounts_of(request))?,
        };
        Ok(explain(&world.set, request, None, &mut world.scratch).ok())
    }

    /// The keys on which the decision depends, and values that they are compared with (P-2.10).
    fn residual(&mut self, base: &Base, form: Form, request: &Request) -> Result<Option<Residual>, CompileError> {
        let world = self.get(base, form, request)?;
        let Ok(answer) = explain(&world.set, request, None, &mut world.scratch) else { return Ok(None) };
        let mut values = HashMap::new();
        if let Some(residual) = &answer.residual {
            collect(&residual.deny, &mut values);
            collect(&residual.allow, &mut values);
        }
        Ok(Some((answer.residual_keys, values)))
    }

    /// P-1.5 with P-2.10: the request is made definite, if values at the caller's choice can do that. `new`: resources
    /// that the step makes.
    pub(crate) fn ask(
        &mut self,
        base: &Base,
        form: Form,
        request: Request,
        new: &[Arn],
    ) -> Result<Option<Asked>, CompileError> {
        let Some(holds) = self.decide(base, form, &request)? else { return Ok(None) };
        if holds == Holds::Definitely {
            return Ok(Some(Asked { request, holds }));
        }
        let open = Asked { request, holds };
        let Some((keys, values)) = self.residual(base, form, &open.request)? else { return Ok(None) };
        let keys = &keys;
        let absent = self.without_choices(base, form, open.clone(), keys, new)?;
        if absent.holds == Holds::Definitely || !keys.iter().all(|key| self.is_choice(key, &open.request, new)) {
            return Ok(Some(absent));
        }
        let tags_are_free = open.request.action.service() == "sts";
        let choices: Vec<Vec<KeyState>> = keys
            .iter()
            .map(|key| {
                let is_tag = key.starts_with("aws:requesttag/") || key == "aws:tagkeys";
                // A session always has a name.
                let absent = (key != "sts:rolesessionname").then_some(KeyState::Absent);
                let texts = values.get(key).into_iter().flatten().filter(|_| !is_tag || tags_are_free);
                absent.into_iter().chain(texts.map(|text| KeyState::one(text.clone()))).collect()
            })
            .collect();
        let n: usize = choices.iter().map(Vec::len).try_fold(1, usize::checked_mul).unwrap_or(usize::MAX);
        for at in 0..n.min(COMBINATIONS_MAX) {
            let mut request = open.request.clone();
            let mut rest = at;
            // Lexicographic: the last key changes first.
            for (key, states) in keys.iter().zip(&choices).rev() {
                request.context.insert(ConditionKey::new(key), states[rest % states.len()].clone());
                rest /= states.len();
            }
            if self.decide(base, form, &request)? == Some(Holds::Definitely) {
                return Ok(Some(Asked { request, holds: Holds::Definitely }));
            }
        }
        Ok(Some(open))
    }

    /// The request with those keys absent that are at the caller's choice, if it is still possible then: what remains open
    /// is what the caller cannot choose.
    fn without_choices(
        &mut self,
        base: &Base,
        form: Form,
        open: Asked,
        keys: &[String],
        new: &[Arn],
    ) -> Result<Asked, CompileError> {
        let mut request = open.request.clone();
        if keys.iter().all(|key| key == "sts:rolesessionname") {
            return Ok(open);
        }
        for key in keys.iter().filter(|key| *key != "sts:rolesessionname") {
            if self.is_choice(key, &open.request, new) {
                request.context.insert(ConditionKey::new(key), KeyState::Absent);
            }
        }
        Ok(match self.decide(base, form, &request)? {
            Some(holds) => Asked { request, holds },
            None => open,
        })
    }

    /// P-2.10, P-2.11: whether the caller chooses the key.
    pub(crate) fn is_choice(&self, key: &str, request: &Request, new: &[Arn]) -> bool {
        if key.starts_with("aws:requesttag/") {
            return true;
        }
        match key {
            "aws:tagkeys" | "sts:rolesessionname" | "sts:sourceidentity" | "sts:transitivetagkeys" => return true,
            "sts:externalid" | "iam:associatedresourcearn" => return false,
            _ => {}
        }
        let Some((prefix, name)) = key.split_once(':') else { return false };
        let own = request.resources.iter().map(|resource| (&request.action, resource));
        let more = request.additional.iter().map(|more| (&more.action, &more.resource));
        own.chain(more).any(|(action, resource)| {
            if action.service() != prefix {
                return false;
            }
            let is_new = matches!(&resource.resource, RequestResource::Arn(arn) if new.contains(arn));
            if is_new {
                return !name.starts_with("resourcetag/");
            }
            let facts = self.catalogue.action(action.service(), action.name());
            facts.is_some_and(|facts| facts.condition_keys().any(|listed| listed.names(key)))
        })
    }
}

/// Values that atoms of a residual compare with, by key, made concrete as in P-2.7.
fn collect(formula: &Formula, values: &mut HashMap<String, Vec<String>>) {
    match formula {
        Formula::True | Formula::False => {}
        Formula::Not(inner) => collect(inner, values),
        Formula::And(parts) | Formula::Or(parts) => parts.iter().for_each(|part| collect(part, values)),
        Formula::Atom(atom) => {
            if let AtomKind::Condition { key, values: texts, .. } = &atom.kind {
                let known = values.entry(key.clone()).or_default();
                for text in texts.iter().filter(|text| !text.contains("${")) {
                    let text = text.replace('*', super::names::NEW).replace('?', "x");
                    if !known.contains(&text) {
                        known.push(text);
                    }
                }
            }
        }
    }
}

/// What is bound in every request, but for the Region, which is that of global services.
static BOUND: LazyLock<Context> = LazyLock::new(|| {
    let bound = [
        ("aws:ViaAWSService", KeyState::one("false")),
        ("aws:CalledVia", KeyState::Absent),
        ("aws:SecureTransport", KeyState::one("true")),
        ("aws:RequestedRegion", KeyState::one(GLOBAL_REGION)),
    ];
    bound.into_iter().map(|(key, state)| (ConditionKey::new(key), state)).collect()
});
static REGION: LazyLock<ConditionKey> = LazyLock::new(|| ConditionKey::new("aws:RequestedRegion"));
static SOURCE_IDENTITY: LazyLock<ConditionKey> = LazyLock::new(|| ConditionKey::new("aws:SourceIdentity"));

/// What is bound in every request (P-2.9).
pub(super) fn bindings(region: &str) -> Context {
    let mut bound = BOUND.clone();
    if region != GLOBAL_REGION {
        bound.insert(REGION.clone(), KeyState::one(region));
    }
    bound
}

/// A request of nobody yet, about which nothing more is said than P-2.9 says.
pub(super) fn blank(principal: Principal, action: Action, region: &str) -> Request {
    let mut request = Request::new(principal, action, RequestResource::Star);
    request.resources.clear();
    request.mode = Mode::Open;
    request.given_keys = GivenKeys::Pinned;
    request.context = bindings(region);
    request
}

/// A request by an identity.
pub(super) fn by_identity(base: &Base, caller: Identity, action: Action, region: &str) -> Request {
    let mut request = blank(base.principal(caller), action, region);
    if matches!(request.principal, Principal::RoleSession { .. }) {
        request.facts.session_unknown = true;
        // P-4.5: no source identity is carried.
        request.context.insert(SOURCE_IDENTITY.clone(), KeyState::Absent);
    }
    request
}

/// A resource of a request; the owner is named where the ARN does not say it.
pub(super) fn resource(arn: &Arn, base: &Base, account: u32) -> ResourceInRequest {
    let mut resource = ResourceInRequest::new(RequestResource::Arn(arn.clone()));
    if arn.account().is_empty() {
        resource.account = Some(base.accounts[account as usize].id);
    }
    resource
}
