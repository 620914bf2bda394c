//! Explanations (section 7) and residuals: section 0 once more, on formulas, recording.

use crate::actions::ActionFlags;
use crate::caller::Kind;
use crate::conditions::{Manner, read_operator};
use crate::decide::{At, Factors, Levels, Line, Located, Open, PolicyName, Recorder, Role, Settled, Verdict, table};
use crate::eval::{Eval, Whose};
use crate::formula::{atom, collect_keys, truth};
use crate::keys::{MFA_PRESENT, SPECIAL};
use crate::layout::{INSTANCE_ROW, NONE};
use crate::logic::{K, Logic, Tri};
use crate::plan::{Side, Single};
use crate::principals::EntryKind;
use crate::restype;
use crate::scratch::{Scratch, State};
use crate::set::{CompiledPolicySet, CompiledSession, rows};
use crate::units::Implied;
use iamc_policy::decision::{
    AtomKind, Attachment, Contribution, GrantLevel, Missing, PolicyRef, ReasonCode, Residual, ResidualAtom,
    StatementRef, UnitExplanation, UnitId,
};
use iamc_policy::request::RequestError;
use iamc_policy::settings::{EmptyVariable, SubstitutedWildcards};
use iamc_policy::source::Place;
use iamc_policy::template::{Piece, Template, Variable};
use iamc_policy::{Answer, Decision, Effect, Explanation, Formula, PolicyKind, Request, Truth};

/// Decides one request and tells why: every statement and every requirement that has a part in it, the witness
/// of an Allow, the residual of a Conditional answer, and what is worth knowing of the request.
///
/// The decision is that of [`crate::decide_with`]. Session policies replace those of the request.
///
/// # Errors
/// As [`crate::decide()`].
///
/// Cost: O(bytes of the request + statements of the applicable policies), with allocations for what is reported.
pub fn explain(
    set: &CompiledPolicySet,
    request: &Request,
    session: Option<&CompiledSession>,
    scratch: &mut Scratch,
) -> Result<Answer, RequestError> {
    let mut eval = Eval::begin(set, request, session, scratch)?;
    match eval.settle() {
        Some(Settled::PolicyFree) => return Ok(settled(&eval, Decision::Allow, None)),
        Some(Settled::Gate) => {
            return Ok(settled(&eval, Decision::ImplicitDeny, Some(ReasonCode::GateCredential)));
        }
        None => {}
    }
    let gate = if eval.gate_is_open() {
        Formula::False
    } else {
        eval.enter(0);
        let unit = eval.unit.spec.id(&eval.ask);
        eval.credential_gate(&mut Recording::new(unit, false))
    };
    let n_units = eval.s.units.len();
    let mut whole = Whole::default();
    for at in 0..n_units {
        let spec = eval.s.units[at];
        let id = spec.id(&eval.ask);
        let asked = match spec.origin.asks_in() {
            None => Formula::True,
            Some((implied, first)) => {
                eval.enter(first);
                eval.asked(&mut Recording::new(id.clone(), false), implied)
            }
        };
        eval.enter(at);
        let mut recording = Recording::new(id, eval.root_escapes());
        let verdict = eval.evaluate(&mut recording)?;
        whole.warnings.extend(eval.warnings(request, &verdict));
        whole.add(&eval, recording, verdict, asked, &gate, n_units > 1);
    }
    Ok(whole.finish())
}

/// An answer that no policy has a part in.
fn settled(eval: &Eval<'_>, decision: Decision, code: Option<ReasonCode>) -> Answer {
    let allowed = if decision == Decision::Allow { Truth::True } else { Truth::False };
    let missing: Vec<Missing> =
        code.into_iter().map(|code| Missing { code, argument: None, value: Truth::False }).collect();
    let units = eval.s.units.iter().map(|spec| UnitExplanation {
        unit: spec.id(&eval.ask),
        action: spec.action_of(&eval.ask).to_string(),
        resource: spec.resource_of(&eval.ask).to_string(),
        deny: Vec::new(),
        allow: Vec::new(),
        missing: missing.clone(),
        denied: Truth::False,
        allowed,
    });
    let explanation = Explanation { units: units.collect(), witness: Vec::new() };
    Answer { decision, explanation, residual: None, residual_keys: Vec::new(), warnings: Vec::new() }
}

/// Section 0, step 4, over the units.
#[derive(Default)]
struct Whole {
    units: Vec<UnitExplanation>,
    denials: Vec<Formula>,
    grants: Vec<Formula>,
    witness: Vec<StatementRef>,
    warnings: Vec<String>,
}

impl Whole {
    fn add(
        &mut self,
        eval: &Eval<'_>,
        recording: Recording,
        verdict: Verdict<Formula>,
        asked: Formula,
        gate: &Formula,
        several: bool,
    ) {
        if verdict.allowed.is_certain() && verdict.denied.is_impossible() {
            self.witness.extend(recording.witness());
        }
        //
        let denied = Formula::all(vec![verdict.denied, asked.clone(), gate.clone().not()]);
        let allowed = Formula::all(vec![verdict.allowed.or(asked.not()), gate.clone().not()]);
        let mut missing = recording.missing;
        let mut note = |code, argument: Option<String>, value: &Formula| {
            if !value.is_certain() {
                missing.push(Missing { code, argument, value: truth(value) });
            }
        };
        note(ReasonCode::GateCredential, None, &gate.clone().not());
        if several {
            let argument = match &recording.unit {
                UnitId::Resource(index) => index.to_string(),
                UnitId::Action(action) => action.clone(),
            };
            note(ReasonCode::Unit, Some(argument), &allowed);
        }
        missing.sort();
        let (mut deny, mut allow) = (recording.deny, recording.allow);
        deny.sort();
        allow.sort();
        self.units.push(UnitExplanation {
            unit: recording.unit,
            action: eval.unit.action.to_string(),
            resource: eval.unit.resource.to_string(),
            deny,
            allow,
            missing,
            denied: truth(&denied),
            allowed: truth(&allowed),
        });
        self.denials.push(denied);
        self.grants.push(allowed);
    }

    fn finish(self) -> Answer {
        let Whole { mut units, denials, grants, mut witness, mut warnings } = self;
        let residual = Residual { deny: Formula::any(denials), allow: Formula::all(grants) };
        let decision = table(tri(&residual.deny), tri(&residual.allow));
        let open = matches!(decision, Decision::Conditional(_));
        if !open {
            // Deny statements that are unknown belong to a Conditional answer only.
            units.iter_mut().for_each(|unit| unit.deny.retain(|deny| deny.value == Truth::True));
        }
        if decision != Decision::Allow {
            witness.clear();
        }
        let mut keys = Vec::new();
        if open {
            collect_keys(&residual.deny, &mut keys);
            collect_keys(&residual.allow, &mut keys);
        }
        for list in [&mut keys, &mut warnings] {
            list.sort();
            list.dedup();
        }
        witness.sort();
        witness.dedup();
        Answer {
            decision,
            explanation: Explanation { units, witness },
            residual: open.then_some(residual),
            residual_keys: keys,
            warnings,
        }
    }
}

fn tri(formula: &Formula) -> Tri {
    match formula {
        Formula::True => K::TRUE,
        Formula::False => K::FALSE,
        _ => K::UNKNOWN,
    }
}

/// An Allow statement of the resource policy: whether everything but the principal is true, and the levels that are.
struct ResourceAllow {
    statement: StatementRef,
    body: bool,
    levels: Vec<GrantLevel>,
}

/// What one unit leaves behind.
struct Recording {
    unit: UnitId,
    /// denies of the resource policy have no part in the decision.
    escapes: bool,
    deny: Vec<Contribution>,
    allow: Vec<Contribution>,
    missing: Vec<Missing>,
    role: Role,
    /// The first visible Allow that is true, by pool; guardrails have one a level.
    identity: Option<StatementRef>,
    boundary: Option<StatementRef>,
    session: Option<StatementRef>,
    guardrails: Vec<Option<StatementRef>>,
    resource: Vec<ResourceAllow>,
    factors: Option<Factors<Formula>>,
}

impl Recording {
    fn new(unit: UnitId, escapes: bool) -> Recording {
        Recording {
            unit,
            escapes,
            deny: Vec::new(),
            allow: Vec::new(),
            missing: Vec::new(),
            role: Role::Identity,
            identity: None,
            boundary: None,
            session: None,
            guardrails: Vec::new(),
            resource: Vec::new(),
            factors: None,
        }
    }

    fn residual_atom(&self, kind: AtomKind, keys: Vec<String>) -> ResidualAtom {
        ResidualAtom { unit: self.unit.clone(), policy: None, statement: None, kind, keys }
    }

    /// An atom of a statement.
    fn of_statement(&self, eval: &Eval<'_>, located: &Located, kind: AtomKind, keys: Vec<String>) -> Formula {
        let statement = eval.statement_ref(located);
        atom(ResidualAtom {
            policy: Some(statement.policy),
            statement: Some((statement.index, statement.sid)),
            ..self.residual_atom(kind, keys)
        })
    }

    fn note(&mut self, code: ReasonCode, value: &Formula) {
        self.require(code, None, value);
    }

    /// one Allow a requirement, which together make A true.
    fn witness(&self) -> Vec<StatementRef> {
        let Some(factors) = &self.factors else { return Vec::new() };
        let mut chosen: Vec<StatementRef> = self.guardrails.iter().flatten().cloned().collect();
        let at = |levels: &[GrantLevel]| {
            let fits = |allow: &&ResourceAllow| allow.body && allow.levels.iter().any(|level| levels.contains(level));
            self.resource.iter().find(fits).map(|allow| allow.statement.clone())
        };
        let limits = || [&self.boundary, &self.session].into_iter().flatten().cloned();
        use GrantLevel::{Account, Base, SelfLevel, Star};
        match factors.line {
            Line::NoAccount => chosen.extend(at(&[Star, SelfLevel])),
            Line::Cross => {
                chosen.extend(at(&[Star, SelfLevel, Base, Account]));
                chosen.extend(self.identity.clone());
                chosen.extend(limits());
            }
            Line::SameStandard | Line::SameMandatory if factors.unlim.is_certain() => {
                chosen.extend(at(&[Star, SelfLevel]));
            }
            Line::SameStandard if factors.identity.is_certain() => {
                chosen.extend(self.identity.clone());
                chosen.extend(limits());
            }
            Line::SameStandard | Line::SameMandatory if factors.lim.is_certain() => {
                chosen.extend(at(&[Base, Star]));
                chosen.extend(limits());
            }
            Line::SameStandard | Line::SameMandatory => {
                chosen.extend(at(&[Account]));
                chosen.extend(self.identity.clone());
                chosen.extend(limits());
            }
        }
        chosen.sort();
        chosen.dedup();
        chosen
    }
}

impl Recorder for Recording {
    type Value = Formula;
    const RECORDS: bool = true;

    fn open<'a>(&mut self, eval: &mut Eval<'a>, what: Open<'_, 'a>) -> Formula {
        match what {
            Open::Condition { located, atom } => {
                let (kind, keys) = eval.condition_atom(located.whose, atom);
                self.of_statement(eval, located, kind, keys)
            }
            Open::Resource { located, pattern } => {
                let (pattern, keys) = eval.resource_atom(located.whose, pattern);
                self.of_statement(eval, located, AtomKind::Resource { pattern }, keys)
            }
            Open::NullResource { located, pattern } => {
                // Not the question whether it matches, hence another name.
                let (pattern, keys) = eval.resource_atom(located.whose, pattern);
                let kind = AtomKind::Resource { pattern: format!("null({pattern})") };
                self.of_statement(eval, located, kind, keys)
            }
            Open::SessionName { located, text } => {
                let entry = eval.tables_of(located.whose).text(text).to_owned();
                self.of_statement(eval, located, AtomKind::SessionName { entry }, Vec::new())
            }
            Open::Policy { kind, name } => self.unknown_policy(eval, kind, name, At::Direct),
            Open::Attached { kind, name, at } => self.unknown_policy(eval, kind, name, at),
            Open::Fact(name) => atom(self.residual_atom(AtomKind::Fact { name: name.into() }, Vec::new())),
            Open::GrantHolds { index } => {
                // Two grants may hold independently, so their atoms differ.
                let name = format!("kms_grants[{index}]");
                atom(self.residual_atom(AtomKind::Fact { name }, Vec::new()))
            }
            Open::GrantSession { principal } => {
                let entry = String::from_utf8_lossy(principal).into_owned();
                atom(self.residual_atom(AtomKind::SessionName { entry }, Vec::new()))
            }
            Open::Asks { key, implied } => {
                let key = String::from_utf8_lossy(key.text).into_owned();
                let kind =
                    AtomKind::Condition { operator: "Null".into(), key: key.clone(), values: vec!["false".into()] };
                // The atoms belong to the unit that they ask for.
                let unit = UnitId::Action(Implied::action(implied).to_string());
                atom(ResidualAtom { unit, ..self.residual_atom(kind, vec![key]) })
            }
            Open::MultiFactor => {
                let key = SPECIAL[MFA_PRESENT as usize].to_owned();
                let kind =
                    AtomKind::Condition { operator: "Bool".into(), key: key.clone(), values: vec!["true".into()] };
                atom(self.residual_atom(kind, vec![key]))
            }
        }
    }

    fn begin(&mut self, role: Role) {
        self.role = role;
        if role == Role::Guardrail {
            self.guardrails.push(None);
        }
    }

    fn statement(
        &mut self,
        eval: &Eval<'_>,
        located: &Located,
        body: &Formula,
        levels: &Levels<Formula>,
        applies: &Formula,
    ) {
        use GrantLevel::{Account, Base, SelfLevel, Star};
        let of_resource = self.role == Role::Resource;
        let value = truth(applies);
        if value == Truth::False || located.hidden || (of_resource && located.deny && self.escapes) {
            return;
        }
        let statement = eval.statement_ref(located);
        let effect = if located.deny { Effect::Deny } else { Effect::Allow };
        let mut reached = Vec::new();
        if of_resource && !located.deny {
            let all = [Star, SelfLevel, Base, Account];
            reached.extend(all.into_iter().filter(|level| !levels.at(*level).is_impossible()));
            self.resource.push(ResourceAllow {
                statement: statement.clone(),
                body: body.is_certain(),
                levels: all.into_iter().filter(|level| levels.at(*level).is_certain()).collect(),
            });
        }
        if !located.deny && value == Truth::True {
            let first = match self.role {
                Role::Identity => Some(&mut self.identity),
                Role::Boundary => Some(&mut self.boundary),
                Role::Session => Some(&mut self.session),
                Role::Guardrail => self.guardrails.last_mut(),
                Role::Rcp | Role::Resource => None,
            };
            if let Some(first) = first {
                first.get_or_insert_with(|| statement.clone());
            }
        }
        let list = if located.deny { &mut self.deny } else { &mut self.allow };
        list.push(Contribution { statement, effect, value, levels: reached });
    }

    fn require(&mut self, code: ReasonCode, entity: Option<&str>, value: &Formula) {
        if !value.is_certain() {
            self.missing.push(Missing { code, argument: entity.map(str::to_owned), value: truth(value) });
        }
    }

    /// the codes of each factor of `core` that is not true.
    fn factors(&mut self, factors: &Factors<Formula>, side: Side) {
        self.factors = Some(factors.clone());
        if factors.core().is_certain() {
            return;
        }
        let resource_code = match side {
            Side::Trust => ReasonCode::NoTrustAllow,
            Side::Key => ReasonCode::NoKeyPolicyAllow,
            Side::Standard => ReasonCode::NoResourceAllow,
        };
        match factors.line {
            Line::NoAccount => return self.note(resource_code, &factors.unlim),
            Line::SameMandatory | Line::Cross if factors.is_root => return self.note(resource_code, &factors.unlim),
            Line::SameStandard => {
                let code = if factors.acct.is_impossible() {
                    ReasonCode::NoIdentityAllow
                } else {
                    ReasonCode::ResourceAllowAccountOnly
                };
                self.note(code, &factors.standard_side());
            }
            Line::SameMandatory if !factors.mandatory_side().is_certain() => {
                let code = match side {
                    Side::Key if !factors.id.is_impossible() => ReasonCode::KeyPolicyNoDelegation,
                    _ => resource_code,
                };
                self.note(code, &factors.acct);
                if !factors.acct.is_impossible() {
                    self.note(ReasonCode::NoIdentityAllow, &factors.id);
                }
            }
            Line::Cross if !factors.cross_side().is_certain() => {
                self.note(ReasonCode::NoIdentityAllow, &factors.id);
                self.note(resource_code, &factors.any_level());
            }
            Line::SameMandatory | Line::Cross => {}
        }
        self.note(ReasonCode::NoBoundaryAllow, &factors.pb);
        self.note(ReasonCode::NoSessionAllow, &factors.sp);
    }
}

impl Recording {
    /// the atom `policy(TYPE/NAME)`.
    fn unknown_policy(&self, eval: &Eval<'_>, kind: PolicyKind, name: PolicyName, at: At) -> Formula {
        let policy = match name {
            PolicyName::Any => "*".to_owned(),
            PolicyName::Instance(whose, instance) => {
                let set = eval.tables_of(whose);
                set.text(set.instance(instance)[2]).to_owned()
            }
        };
        let policy = PolicyRef { kind, attachment: eval.attachment(at), policy };
        atom(ResidualAtom { policy: Some(policy), ..self.residual_atom(AtomKind::Policy, Vec::new()) })
    }
}

impl<'a> Eval<'a> {
    fn attachment(&self, at: At) -> Attachment {
        match at {
            At::Direct => Attachment::Direct,
            At::Group(name) => Attachment::Group(self.set.text(name).to_owned()),
            At::Level(index, entity) => Attachment::Level(index, self.set.text(entity).to_owned()),
        }
    }

    /// A statement as explanations name it.
    fn statement_ref(&self, located: &Located) -> StatementRef {
        let set = self.tables_of(located.whose);
        let [_, _, name, explain, file, first_line, verbatim]: [u32; INSTANCE_ROW] = set.instance(located.instance);
        let (sid, line) = if explain == NONE {
            (None, 1)
        } else {
            let [sid, line] = rows::<2>(&set.tables().explain_statements)[(explain + located.index) as usize];
            (set.optional_text(sid).map(str::to_owned), line)
        };
        let place = set.optional_text(file).map(|file| {
            let line = if verbatim == 1 { first_line.saturating_add(line).saturating_sub(1) } else { first_line };
            Place { file: file.into(), line }
        });
        let policy = set.text(name).to_owned();
        let policy = PolicyRef { kind: located.kind, attachment: self.attachment(located.at), policy };
        StatementRef { policy, index: located.index, sid, place }
    }

    // ---- residual atoms ----

    /// A condition atom with its values as far as they are resolved, and the keys that it depends on.
    fn condition_atom(&mut self, whose: Whose, id: u32) -> (AtomKind, Vec<String>) {
        let set = self.tables_of(whose);
        let [code, key, first, count] = set.atom(id);
        let key_text = self.key(whose, key).text;
        let mut keys = Vec::new();
        if matches!(self.state_of(whose, key), State::Present | State::Unknown) {
            keys.push(String::from_utf8_lossy(key_text).into_owned());
        }
        let operator = read_operator(code);
        let base = operator.map(|operator| operator.base);
        let mut values = Vec::new();
        for id in first..first + count {
            let template = set.value(id).template();
            self.note_unknown_variables(&template, &mut keys);
            let resolved = match base {
                Some(base) if base.supports_variables() => self.print(&template, Manner::of(base).wildcards),
                _ => None,
            };
            values.push(resolved.unwrap_or_else(|| template.text().to_owned()));
        }
        keys.sort();
        keys.dedup();
        let kind = AtomKind::Condition {
            operator: operator.map(|operator| operator.to_string()).unwrap_or_default(),
            key: String::from_utf8_lossy(key_text).into_owned(),
            values,
        };
        (kind, keys)
    }

    /// A resource entry as far as it is resolved, and the keys that it depends on.
    fn resource_atom(&mut self, whose: Whose, id: u32) -> (String, Vec<String>) {
        let template = self.tables_of(whose).pattern(id).template();
        let mut keys = Vec::new();
        if self.entry(whose, id).by_region {
            keys.push("aws:requestedregion".to_owned());
        } else {
            self.note_unknown_variables(&template, &mut keys);
            keys.sort();
            keys.dedup();
        }
        let has_variables = template.variables().next().is_some();
        let resolved = if has_variables { self.print(&template, true) } else { None };
        (resolved.unwrap_or_else(|| template.text().to_owned()), keys)
    }

    fn note_unknown_variables(&mut self, template: &Template, keys: &mut Vec<String>) {
        for variable in template.variables() {
            let key = self.named_key(variable.key.as_str().as_bytes());
            if matches!(self.state(&key), State::Present | State::Unknown) {
                keys.push(variable.key.as_str().to_owned());
            }
        }
    }

    /// The policy text of a template whose known variables are replaced; `None`: it is null. Where wildcards
    /// count, a `*` or `?` that is none is written as an escape; read again, the text means the same.
    fn print(&mut self, template: &Template, wildcards: bool) -> Option<String> {
        enum Sign<'t> {
            Char(char),
            Wildcard(char),
            Hole(&'t Variable),
        }
        if template.fault().is_some() {
            return None;
        }
        let mut signs = Vec::new();
        let pattern = |c: char| if matches!(c, '*' | '?') { Sign::Wildcard(c) } else { Sign::Char(c) };
        for piece in template.pieces() {
            match piece {
                Piece::Literal(text) => signs.extend(text.chars().map(pattern)),
                Piece::Escape(c) => signs.push(Sign::Char(*c)),
                Piece::Variable(variable) => {
                    let key = self.named_key(variable.key.as_str().as_bytes());
                    let state = if self.is_multi(&key) { State::Absent } else { self.state(&key) };
                    let known = match state {
                        State::Present | State::Unknown => {
                            signs.push(Sign::Hole(variable));
                            continue;
                        }
                        State::Values { first, count: 1, .. } => {
                            let text = self.text(self.value(first));
                            let counts = !text.is_empty() || self.set.settings().empty_variable == EmptyVariable::Text;
                            counts.then_some(text)
                        }
                        State::Values { .. } | State::Absent => None,
                    };
                    let text = known.or_else(|| variable.default.clone())?;
                    match self.set.settings().substituted_wildcards {
                        SubstitutedWildcards::Literal => signs.extend(text.chars().map(Sign::Char)),
                        SubstitutedWildcards::Pattern => signs.extend(text.chars().map(pattern)),
                    }
                }
            }
        }
        let mut text = String::new();
        for (i, sign) in signs.iter().enumerate() {
            match sign {
                Sign::Char(c @ ('*' | '?')) if wildcards => text.push_str(&format!("${{{c}}}")),
                // a `$` is literal unless `{` follows.
                Sign::Char('$') if matches!(signs.get(i + 1), Some(Sign::Char('{'))) => text.push_str("${$}"),
                Sign::Char(c) | Sign::Wildcard(c) => text.push(*c),
                Sign::Hole(Variable { key, default: None }) => text.push_str(&format!("${{{key}}}")),
                Sign::Hole(Variable { key, default: Some(default) }) => {
                    text.push_str(&format!("${{{key}, '{default}'}}"));
                }
            }
        }
        Some(text)
    }

    // ---- findings about the request, R-1.28 ----

    fn warnings(&self, request: &Request, verdict: &Verdict<Formula>) -> Vec<String> {
        let unit = &self.unit;
        let mut warnings = Vec::new();
        match self.set.catalogue().action(unit.action.service, unit.action.name) {
            None => warnings.push(format!("W-UNKNOWN-ACTION: the tables do not know `{}`", unit.action)),
            Some(facts) => {
                if let Some(arn) = unit.arn
                    && !restype::fits(facts, arn)
                {
                    let action = unit.action;
                    warnings.push(format!("W-RESTYPE: the tables list no resource like `{arn}` for `{action}`"));
                }
            }
        }
        if verdict.foreign_rcp {
            warnings.push(
                "W-FOREIGN-RCP: the owner of the resource is outside the inventory, its RCPs are not known".into(),
            );
        }
        let across = self.caller.kind == Kind::Anonymous || self.is_cross_account();
        let no_acl = self.ask.facts.acl_allows.is_none();
        if unit.has(ActionFlags::S3) && unit.arn.is_some() && across && no_acl {
            warnings.push("W-S3-ACL: access control lists are not modelled and taken to allow nothing".into());
        }
        if self.caller.not_found && !self.set.assume_complete() {
            let principal = &request.principal;
            warnings.push(format!("W-UNKNOWN-PRINCIPAL: the inventory does not list `{principal}`"));
        }
        if let Single::Instance(instance) = verdict.plan.resource {
            let [body, ..] = self.set.instance(instance);
            let statements = if body == NONE { &[] } else { self.set.body_statements(body) };
            for statement in statements {
                let [.., test] = self.set.statement(*statement);
                let entries = if test == NONE { &[] } else { self.set.principal_test(test).1 };
                for entry in entries {
                    if EntryKind::read(entry[0]) == Some(EntryKind::CanonicalUser)
                        && self.canonical_account(self.set.string(entry[1])).is_none()
                    {
                        let id = self.set.text(entry[1]);
                        warnings.push(format!("W-CANONICAL: no account is known for the canonical user `{id}`"));
                    }
                }
            }
        }
        warnings
    }
}
