//! Completions and refinements of abstract requests.
//!
//! What is open in a request: states SOME and UNKNOWN of keys, the name of a session, facts, and texts of policies
//! that nobody has. A completion settles all of it, a refinement some. Only keys that could matter are settled: those
//! that the request gives or that some policy asks about. The states that keys have in a request, given or derived,
//! are those that the reference derives ([`iamc_reference::key_states`]).

use super::entropy::Entropy;
use super::words::{KEYS, SESSIONS, STS_KEYS};
use super::{Sample, policy_for};
use crate::parts::{keys_in_policies, policies_mut};
use iamc_catalogue::Catalogue;
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::{AtomKind, Formula, Truth};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Context, KeyState, Request, Values};
use iamc_policy::world::{GapKind, ManagedPolicy, NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{Answer, Policy, PolicyKind};
use iamc_reference::{Holder, UnitKeyState, key_states};
use std::collections::{BTreeMap, BTreeSet};

/// What [`narrow`] settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Everything that can be settled, completely; else some of it, and keys perhaps only in part.
    pub whole: bool,
    /// Texts of policies too. Then the world changes as well.
    pub texts: bool,
}

/// A completion or refinement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The world and the request.
    pub sample: Sample,
    /// Keys that had to be left open, since units that share their keys disagree on them.
    pub left_open: BTreeSet<ConditionKey>,
    /// How many things were settled.
    pub n_settled: usize,
}

/// Draws a completion or refinement of `sample`, to which `answer` is the answer.
///
/// Whether the completed request is consistent is for the engine to say: a given address and a given endpoint, for
/// example, exclude each other, and such a request is refused. `None`: the request is refused as it is.
///
/// Deterministic. Cost: O(keys × cost of the context).
pub fn narrow(entropy: &mut Entropy<'_>, sample: &Sample, answer: &Answer, scope: Scope) -> Option<Narrowed> {
    let mut narrowing =
        Narrowing { entropy, before: sample, sample: sample.clone(), scope, left_open: BTreeSet::new(), n_settled: 0 };
    // Texts come first, for they may ask about further keys.
    if scope.texts {
        narrowing.texts();
    }
    narrowing.session();
    narrowing.facts(answer);
    narrowing.keys()?;
    let Narrowing { sample, left_open, n_settled, .. } = narrowing;
    Some(Narrowed { sample, left_open, n_settled })
}

struct Narrowing<'a, 'e, 'b> {
    entropy: &'e mut Entropy<'b>,
    before: &'a Sample,
    sample: Sample,
    scope: Scope,
    left_open: BTreeSet<ConditionKey>,
    n_settled: usize,
}

impl Narrowing<'_, '_, '_> {
    fn wanted(&mut self) -> bool {
        let wanted = self.scope.whole || self.entropy.chance(45);
        self.n_settled += usize::from(wanted);
        wanted
    }

    ///
    fn session(&mut self) {
        if !self.before.request.facts.session_unknown || !self.wanted() {
            return;
        }
        let name = *self.entropy.pick(&SESSIONS);
        if let Principal::RoleSession { session, role_path_name, partition, account, .. } =
            &mut self.sample.request.principal
        {
            *session = name.into();
            // A caller named by the role's ARN would be the session `session`; the fact says as much of the role.
            if let Some(path_name) = role_path_name.take() {
                self.sample.request.facts.role =
                    format!("arn:{partition}:iam::{account}:role/{path_name}").parse().ok();
            }
        }
        self.sample.request.facts.session_unknown = false;
    }

    fn facts(&mut self, answer: &Answer) {
        let truths = [Truth::True, Truth::False];
        if self.before.request.facts.acl_allows == Some(Truth::Unknown) && self.wanted() {
            self.sample.request.facts.acl_allows = Some(*self.entropy.pick(&truths));
        }
        for index in 0..self.before.request.facts.kms_grants.len() {
            if self.before.request.facts.kms_grants[index].holds == Truth::Unknown && self.wanted() {
                self.sample.request.facts.kms_grants[index].holds = *self.entropy.pick(&truths);
            }
        }
        // The fact speaks of all buckets of the request, so it settles nothing but a single one.
        let single = self.before.request.resources.len() == 1 && self.before.request.additional.is_empty();
        if single && names_fact(answer, "s3_block_public_access") && self.wanted() {
            self.sample.request.facts.s3_block_public_access = Some(*self.entropy.pick(&[true, false]));
        }
    }

    fn keys(&mut self) -> Option<()> {
        let Sample { world, request } = self.before;
        let mut texts: BTreeMap<ConditionKey, Vec<String>> =
            keys_in_policies(&self.sample.world, &self.sample.request).into_iter().collect();
        for key in given_keys(request) {
            texts.entry(key).or_default();
        }
        for key in STS_KEYS.iter().chain(&["aws:MultiFactorAuthPresent", "aws:RequestedRegion", "aws:SourceIdentity"]) {
            texts.entry(ConditionKey::new(key)).or_default();
        }
        // Whether tags were passed is settled first, for the tags depend on it.
        let mut keys: Vec<ConditionKey> = texts.keys().cloned().collect();
        keys.sort_by_key(|key| key.as_str() != "aws:tagkeys");
        for key in keys {
            let states = key_states(world, Catalogue::embedded(), request, &key).ok()?;
            self.key(&key, &states, &texts[&key]);
        }
        Some(())
    }

    fn key(&mut self, key: &ConditionKey, states: &[UnitKeyState], texts: &[String]) {
        let is_open = |state: &KeyState| matches!(state, KeyState::Present | KeyState::Unknown);
        if !states.iter().any(|own| is_open(&own.state)) {
            return;
        }
        // With the role's id, the name of the session makes the caller's, unless the request gives the key.
        let named = self.before.request.facts.session_unknown && !self.sample.request.facts.session_unknown;
        let made = named && states.iter().any(|own| own.state == KeyState::Present);
        if made && key.as_str() == "aws:userid" && !given_keys(&self.before.request).contains(key) {
            return;
        }
        if !self.wanted() {
            return;
        }
        // these ask for a unit only where the request gives them, so an absent one is all that is left.
        let asks = ["aws:requesttag/", "sts:requestcontext"].iter().any(|family| key.as_str().starts_with(family));
        let sts = std::iter::once(&self.before.request.action)
            .chain(self.before.request.additional.iter().map(|additional| &additional.action))
            .any(|action| action.service() == "sts");
        let absent_only = asks && sts && !given_keys(&self.before.request).contains(key);
        let mut holders: Vec<(Holder, Vec<&UnitKeyState>)> = Vec::new();
        for own in states {
            match holders.iter_mut().find(|(holder, _)| *holder == own.holder) {
                Some((_, list)) => list.push(own),
                None => holders.push((own.holder, vec![own])),
            }
        }
        let all_alike = states.iter().all(|own| own.state == states[0].state && own.multi == states[0].multi);
        let in_common = all_alike && !holders.iter().any(|(holder, _)| self.context(*holder).contains_key(key));
        if in_common {
            let state = self.draw(key, states[0].state.clone(), states[0].multi, absent_only, texts);
            self.sample.request.context.insert(key.clone(), state);
            return;
        }
        for (holder, list) in holders {
            let alike = list.iter().all(|own| own.state == list[0].state);
            let all_may_be_absent = list.iter().all(|own| matches!(own.state, KeyState::Absent | KeyState::Unknown));
            let state = match alike {
                true if is_open(&list[0].state) => {
                    self.draw(key, list[0].state.clone(), list[0].multi, absent_only, texts)
                }
                true => continue,
                false if all_may_be_absent => KeyState::Absent,
                false => {
                    self.left_open.insert(key.clone());
                    continue;
                }
            };
            self.context(holder).insert(key.clone(), state);
        }
    }

    fn context(&mut self, holder: Holder) -> &mut Context {
        match holder {
            Holder::Resource(index) => &mut self.sample.request.resources[index].context,
            Holder::Additional(index) => &mut self.sample.request.additional[index].resource.context,
        }
    }

    /// A state inside the open one.
    fn draw(
        &mut self,
        key: &ConditionKey,
        state: KeyState,
        multi: bool,
        absent_only: bool,
        texts: &[String],
    ) -> KeyState {
        let may_be_absent = state == KeyState::Unknown;
        if may_be_absent && (absent_only || self.entropy.chance(30)) {
            return KeyState::Absent;
        }
        if may_be_absent && !self.scope.whole && self.entropy.chance(25) {
            return KeyState::Present;
        }
        let empty = may_be_absent && self.entropy.chance(10);
        let n_values = if multi && !empty { 1 + self.entropy.below(3) } else { 1 };
        let mut values = Vec::new();
        for index in 0..n_values {
            // A further value of a list may be empty.
            let value =
                if empty || index > 0 && self.entropy.chance(10) { String::new() } else { self.value(key, texts) };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        match values.as_slice() {
            [only] if !multi => KeyState::one(only.clone()),
            _ => KeyState::Values(Values::Many(values.into_iter().map(Into::into).collect())),
        }
    }

    /// A value that is not empty: one that a policy or the vocabulary names, or a part of a resource.
    fn value(&mut self, key: &ConditionKey, texts: &[String]) -> String {
        let value = match self.entropy.below(8) {
            0..=3 if !texts.is_empty() => {
                let text = self.entropy.pick(texts).clone();
                let filler = *self.entropy.pick(&["", "x", "x/y", ":"]);
                text.replace('*', filler).replace('?', "x")
            }
            4 => {
                let name = self.before.request.resources[0].resource.to_string();
                let parts: Vec<&str> = name.split([':', '/']).collect();
                (*self.entropy.pick(&parts)).to_owned()
            }
            5 => (*self.entropy.pick(&["*", "x", "0", "true", "\u{e9}"])).to_owned(),
            _ => match KEYS.iter().find(|word| ConditionKey::new(word.name) == *key) {
                Some(word) => (*self.entropy.pick(word.values)).to_owned(),
                None => "red".to_owned(),
            },
        };
        if value.is_empty() { "x".to_owned() } else { value }
    }

    /// texts that nobody has, and kinds that nobody exported.
    fn texts(&mut self) {
        let request = self.before.request.clone();
        let sites = policies_mut(&mut self.sample.world, &mut self.sample.request);
        let unknown = sites.iter().enumerate().filter(|(_, (_, named))| matches!(named.text, PolicyText::Unknown(_)));
        let unknown: Vec<_> = unknown.map(|(index, (site, named))| (index, site.kind(), named.name.clone())).collect();
        let mut texts = Vec::new();
        for (index, kind, name) in unknown {
            if self.wanted() {
                texts.push((index, text_for(self.entropy, kind, &name, &request)));
            }
        }
        let mut sites = policies_mut(&mut self.sample.world, &mut self.sample.request);
        for (index, text) in texts {
            *sites[index].1 = text;
        }
        self.not_exported(&request);
    }

    fn not_exported(&mut self, request: &Request) {
        for index in 0..self.sample.world.resources.len() {
            let resource = &self.sample.world.resources[index];
            let name = resource.arn.to_string();
            let is_key = resource.arn.service() == "kms" && resource.arn.resource().starts_with("key/");
            let kind = if is_key { PolicyKind::Key } else { PolicyKind::Resource };
            if resource.policy == ResourcePolicy::NotExported && !self.before.world.assume_complete && self.wanted() {
                let policy = text_for(self.entropy, kind, &name, request);
                self.sample.world.resources[index].policy = ResourcePolicy::Policy(policy);
            }
        }
        for index in 0..self.sample.world.endpoints.len() {
            let endpoint = &self.sample.world.endpoints[index];
            let name = endpoint.id.clone();
            if endpoint.policy == ResourcePolicy::NotExported && !self.before.world.assume_complete && self.wanted() {
                let policy = text_for(self.entropy, PolicyKind::Endpoint, &name, request);
                self.sample.world.endpoints[index].policy = ResourcePolicy::Policy(policy);
            }
        }
        if self.before.world.assume_complete {
            return;
        }
        let missing: BTreeSet<_> = {
            let world = &self.before.world;
            let identities = world.users.iter().map(|user| &user.identity);
            let identities = identities.chain(world.roles.iter().map(|role| &role.identity));
            let identities = identities.chain(world.groups.iter().map(|group| &group.identity));
            let named = identities.flat_map(|identity| identity.attached.iter().chain(&identity.boundary));
            named.filter(|arn| !world.policies.iter().any(|policy| policy.arn == **arn)).cloned().collect()
        };
        for arn in missing {
            if self.wanted() {
                let name = iamc_policy::principal::last_segment(arn.resource()).to_owned();
                let policy = text_for(self.entropy, PolicyKind::Identity, &name, request);
                self.sample.world.policies.push(ManagedPolicy { arn, policy });
            }
        }
        // Nothing more is attached than what is listed: one of the texts that the missing part may have is none.
        for kind in [GapKind::Scps, GapKind::Rcps] {
            if self.before.world.gaps.iter().any(|gap| gap.kind == kind) && self.wanted() {
                self.sample.world.gaps.retain(|gap| gap.kind != kind);
            }
        }
    }
}

/// A policy in place of one whose text is not known: about the request, or empty.
fn text_for(entropy: &mut Entropy<'_>, kind: PolicyKind, name: &str, request: &Request) -> NamedPolicy {
    let made = policy_for(entropy, kind, name, request);
    if matches!(made.text, PolicyText::Known(_)) && !entropy.chance(15) {
        return made;
    }
    let empty = Policy { kind, version: iamc_policy::document::Version::V2012, id: None, statements: Vec::new() };
    NamedPolicy::new(name, empty)
}

/// Every key that the request gives, for all of it or for a resource.
pub(crate) fn given_keys(request: &Request) -> BTreeSet<ConditionKey> {
    let additional = request.additional.iter().map(|additional| &additional.resource);
    let resources = request.resources.iter().chain(additional);
    request.context.keys().chain(resources.flat_map(|resource| resource.context.keys())).cloned().collect()
}

fn names_fact(answer: &Answer, fact: &str) -> bool {
    let mut found = false;
    if let Some(residual) = &answer.residual {
        for formula in [&residual.deny, &residual.allow] {
            each_atom(formula, &mut |kind| found |= matches!(kind, AtomKind::Fact { name } if name == fact));
        }
    }
    found
}

/// Visits the atoms of a formula.
pub(crate) fn each_atom(formula: &Formula, visit: &mut dyn FnMut(&AtomKind)) {
    match formula {
        Formula::True | Formula::False => {}
        Formula::Atom(atom) => visit(&atom.kind),
        Formula::And(operands) | Formula::Or(operands) => {
            operands.iter().for_each(|operand| each_atom(operand, visit));
        }
        Formula::Not(operand) => each_atom(operand, visit),
    }
}
