//! The recorder of explanations: section 0 on formulas, with everything that contributes.

use crate::eval::Eval;
use crate::factors::{Factors, Levels, Line};
use crate::formula::{atom, truth};
use crate::keys::{MFA_PRESENT, SPECIAL};
use crate::layout::NONE;
use crate::logic::Logic;
use crate::plan::Side;
use crate::record::{At, Located, Open, PolicyName, Recorder, Role};
use crate::set::{CompiledPolicySet, rows};
use crate::statements;
use crate::units::Origin;
use iamc_policy::decision::{
    AtomKind, Attachment, Contribution, GrantLevel, Missing, PolicyRef, ReasonCode, ResidualAtom, StatementRef, UnitId,
};
use iamc_policy::settings::StarGrant;
use iamc_policy::source::Place;
use iamc_policy::{Effect, Formula, PolicyKind, Truth};

/// An Allow statement of the resource policy: whether everything but the principal is true, and the levels that are.
struct ResourceAllow {
    statement: StatementRef,
    body: bool,
    levels: Vec<GrantLevel>,
    /// its star escapes boundary and session policy.
    star_escapes: bool,
}

/// What one unit leaves behind.
pub(crate) struct Recording {
    pub(crate) unit: UnitId,
    /// denies of the resource policy have no part in the decision.
    escapes: bool,
    pub(crate) deny: Vec<Contribution>,
    pub(crate) allow: Vec<Contribution>,
    pub(crate) missing: Vec<Missing>,
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
    pub(crate) fn new(unit: UnitId, escapes: bool) -> Recording {
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
    pub(crate) fn witness(&self) -> Vec<StatementRef> {
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
                let fits = |allow: &&ResourceAllow| {
                    let star = allow.star_escapes && allow.levels.contains(&Star);
                    allow.body && (star || allow.levels.contains(&SelfLevel))
                };
                chosen.extend(self.resource.iter().find(fits).map(|allow| allow.statement.clone()));
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
                let (pattern, keys) = eval.resource_atom(located.whose, pattern, located.home);
                self.of_statement(eval, located, AtomKind::Resource { pattern }, keys)
            }
            Open::NullResource { located, pattern } => {
                // Not the question whether it matches, hence another name.
                let (pattern, keys) = eval.resource_atom(located.whose, pattern, located.home);
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
                let unit = match eval.unit.spec.origin {
                    Origin::Resource(resource) | Origin::Implied(_, resource) => implied.unit(resource),
                    Origin::Additional(_) => self.unit.clone(),
                };
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
                star_escapes: eval.set.settings().star_grant != StarGrant::PrincipalArn
                    || eval.set.statement(located.statement)[0] & statements::ABOUT_PRINCIPAL_ARN != 0,
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
            PolicyName::Instance(whose, instance) => policy_name(eval.tables_of(whose), instance),
        };
        let policy = PolicyRef { kind, attachment: eval.attachment(at), policy };
        atom(ResidualAtom { policy: Some(policy), ..self.residual_atom(AtomKind::Policy, Vec::new()) })
    }
}

impl<'a> Eval<'a> {
    fn attachment(&self, at: At) -> Attachment {
        match at {
            At::Direct => Attachment::Direct,
            At::Group(row) => Attachment::Group(match self.set.tables().explain_groups.get(row as usize) {
                Some(name) if *name != NONE => self.set.explain_text(*name).to_owned(),
                // Left out.
                _ => "#".to_owned(),
            }),
            At::Level(index, entity) => Attachment::Level(index, self.set.text(entity).to_owned()),
        }
    }

    /// A statement as explanations name it.
    pub(crate) fn statement_ref(&self, located: &Located) -> StatementRef {
        let set = self.tables_of(located.whose);
        let policy = policy_name(set, located.instance);
        let policy = PolicyRef { kind: located.kind, attachment: self.attachment(located.at), policy };
        let Some([_, explain, file, first_line]) = set.explain_instance(located.instance) else {
            return StatementRef { policy, index: located.index, sid: None, place: None };
        };
        let text = |id: u32| (id != NONE).then(|| set.explain_text(id));
        let (sid, line) = if explain == NONE {
            (None, 1)
        } else {
            let [sid, line] = rows::<2>(&set.tables().explain_statements)[(explain + located.index) as usize];
            (text(sid).map(str::to_owned), line)
        };
        let place = text(file).map(|file| {
            let (first_line, verbatim) = (first_line >> 1, first_line & 1 == 1);
            let line = if verbatim { first_line.saturating_add(line).saturating_sub(1) } else { first_line };
            Place { file: file.into(), line }
        });
        StatementRef { policy, index: located.index, sid, place }
    }
}

/// The name of a policy, or its number where names were left out.
fn policy_name(set: &CompiledPolicySet, instance: u32) -> String {
    match set.explain_instance(instance) {
        Some([name, ..]) => set.explain_text(name).to_owned(),
        None => format!("#{instance}"),
    }
}
