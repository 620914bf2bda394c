//! What can a principal do? Its identity policies after boundary, session policies and SCPs, as grants: actions,
//! resources, conditions, and what else has to allow or must not deny.
//!
//! For each action of the catalogue the statements about it are gathered; actions about which the same ones are form a
//! grant. A statement that needs nothing else is folded away: an Allow without conditions on any resource satisfies a
//! level, such a Deny ends it. Conditions that the principal alone decides are decided here.

use super::grants::{ActionBits, patterns_of};
use super::points::{self, Template};
use super::postings::names_any;
use crate::bulk::{ActionId, PrincipalId};
use crate::conditions::read_operator;
use crate::eval::{Eval, Whose};
use crate::layout::*;
use crate::plan::{Guardrails, Pool, Single};
use crate::record::{At, Located};
use crate::scratch::Scratch;
use crate::set::CompiledPolicySet;
use crate::statements;
use iamc_policy::PolicyKind;
use iamc_policy::decision::{AtomKind, StatementRef};
use iamc_policy::request::{Mode, RequestError};

/// One condition, its values as far as the principal decides them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantCondition {
    /// The operator, such as `StringEquals`.
    pub operator: String,
    /// The canonical key.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
}

/// A statement as a part of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause {
    /// Which statement.
    pub statement: StatementRef,
    /// The entries of `Resource` or `NotResource`; `*` alone for any resource.
    pub resources: Vec<String>,
    /// They are those of `NotResource`.
    pub not_resources: bool,
    /// Conditions, all of which have to hold.
    pub conditions: Vec<GrantCondition>,
}

/// What a grant needs besides its own statement: one of some Allow statements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit {
    /// The kind of the policies.
    pub kind: PolicyKind,
    /// For SCPs the entity to which they are attached.
    pub entity: Option<String>,
    /// One of these has to apply.
    pub any_of: Vec<Clause>,
    /// A policy whose text is not known may allow it.
    pub unknown: bool,
}

/// Actions that a principal can do under the same conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Actions of the catalogue, as patterns that cover exactly them.
    pub actions: Vec<String>,
    /// The Allow statement; `None`: an identity policy whose text is not known.
    pub allow: Option<Clause>,
    /// What else has to allow.
    pub only_if: Vec<Limit>,
    /// Deny statements none of which may apply.
    pub unless: Vec<Clause>,
    /// A policy whose text is not known may deny it.
    pub perhaps_denied: bool,
}

/// A statement that is looked at.
struct Part {
    located: Located,
    actions: ActionBits,
    /// It applies to any resource under all conditions that are left.
    is_plain: bool,
    atoms: Vec<u32>,
}

/// Policies one of which has to allow.
struct Level {
    kind: PolicyKind,
    entity: Option<String>,
    allows: Vec<Part>,
    unknown: bool,
}

/// What the principal's identity policies grant, within the limits of boundary, default session policies and SCPs.
///
/// `actions`: only these, `None`: all of the catalogue. Grants come statement by statement in the order of the policies.
/// Policies of resources are not looked at: they may grant more within the account, and have to grant as well outside it.
/// Keys that nobody knows are open.
///
/// # Errors
/// `E-ID`: the set has no such principal, or its ARN is none of a caller's. `E-SCP-EMPTY-LEVEL` in strict mode.
///
/// Cost: O(statements of the principal x actions of the catalogue / 64). Panics: never.
pub fn what_can(
    set: &CompiledPolicySet,
    principal: PrincipalId,
    actions: Option<&[ActionId]>,
    scratch: &mut Scratch,
) -> Result<Vec<Grant>, RequestError> {
    let unknown = || RequestError {
        code: "E-ID",
        message: "the set has no such user or role".into(),
        field: "principal",
        rule: "R-5.1",
    };
    if principal.get() >= set.n_principals() {
        return Err(unknown());
    }
    let template = Template::of_unknown_session(Mode::Open);
    let mut eval = points::caller(set, &template, scratch, principal.get()).ok_or_else(unknown)?;
    let mut walk = Walk { eval: &mut eval, denies: Vec::new(), perhaps_denied: false };
    let identity = walk.identity();
    let limits = walk.limits()?;
    let Walk { denies, perhaps_denied, .. } = walk;
    let asked = match actions {
        Some(ids) => ActionBits::of_ids(set, ids),
        None => ActionBits::all(set),
    };
    let mut possible = asked;
    for level in limits.iter().filter(|level| !level.unknown) {
        let mut any = ActionBits::none(set);
        level.allows.iter().for_each(|part| any.join(&part.actions));
        possible.keep(&any);
    }
    denies.iter().filter(|part| part.is_plain).for_each(|part| possible.remove(&part.actions));
    let mut grants = Vec::new();
    let named = identity.allows.iter().map(Some).chain(identity.unknown.then_some(None));
    for allow in named {
        let mut own = possible.clone();
        if let Some(allow) = allow {
            own.keep(&allow.actions);
        }
        for class in classes(set, own, &limits, &denies) {
            grants.push(grant(&mut eval, allow, &class, &limits, &denies, perhaps_denied));
        }
    }
    Ok(grants)
}

/// Actions by the statements that are about them and do not settle themselves.
fn classes(set: &CompiledPolicySet, own: ActionBits, limits: &[Level], denies: &[Part]) -> Vec<ActionBits> {
    let mut classes = if own.is_empty() { Vec::new() } else { vec![own] };
    let mut split = |by: &ActionBits| {
        for at in 0..classes.len() {
            let mut inside = classes[at].clone();
            inside.keep(by);
            if !inside.is_empty() && inside != classes[at] {
                classes[at].remove(by);
                classes.push(inside);
            }
        }
    };
    for level in limits {
        let free = free(set, level);
        for part in level.allows.iter().filter(|part| !part.is_plain) {
            let mut limited = part.actions.clone();
            limited.remove(&free);
            split(&limited);
        }
        // Where some actions are free and others are limited.
        split(&free);
    }
    denies.iter().filter(|part| !part.is_plain).for_each(|part| split(&part.actions));
    classes.sort();
    classes
}

/// The actions for which a level needs no look.
fn free(set: &CompiledPolicySet, level: &Level) -> ActionBits {
    let mut free = ActionBits::none(set);
    level.allows.iter().filter(|part| part.is_plain).for_each(|part| free.join(&part.actions));
    free
}

fn grant(
    eval: &mut Eval<'_>,
    allow: Option<&Part>,
    class: &ActionBits,
    limits: &[Level],
    denies: &[Part],
    perhaps_denied: bool,
) -> Grant {
    let set = eval.set;
    let only_if = limits
        .iter()
        .filter(|level| !class.is_within(&free(set, level)))
        .map(|level| Limit {
            kind: level.kind,
            entity: level.entity.clone(),
            any_of: level
                .allows
                .iter()
                .filter(|part| !part.is_plain && class.is_within(&part.actions))
                .map(|part| clause(eval, part))
                .collect(),
            unknown: level.unknown,
        })
        .collect();
    let unless = denies.iter().filter(|part| !part.is_plain && class.is_within(&part.actions));
    let unless = unless.map(|part| clause(eval, part)).collect();
    Grant {
        actions: patterns_of(set, class),
        allow: allow.map(|part| clause(eval, part)),
        only_if,
        unless,
        perhaps_denied,
    }
}

/// A statement as text.
fn clause(eval: &mut Eval<'_>, part: &Part) -> Clause {
    let set = eval.set;
    let [_, _, resource, ..] = set.statement(part.located.statement);
    let (mut resources, mut not_resources) = (vec!["*".to_owned()], false);
    if !names_any(set, resource) {
        let (flags, patterns) = set.resource_test(resource);
        not_resources = flags & NEGATED != 0;
        let home = part.located.home;
        resources = patterns.iter().map(|pattern| eval.resource_atom(Whose::Base, *pattern, home).0).collect();
    }
    let conditions = part.atoms.iter().filter_map(|atom| match eval.condition_atom(Whose::Base, *atom).0 {
        AtomKind::Condition { operator, key, values } => Some(GrantCondition { operator, key, values }),
        _ => None,
    });
    let conditions = conditions.collect();
    Clause { statement: eval.statement_ref(&part.located), resources, not_resources, conditions }
}

/// The policies of a principal, read one after the other.
struct Walk<'w, 'a> {
    eval: &'w mut Eval<'a>,
    /// Of all kinds.
    denies: Vec<Part>,
    perhaps_denied: bool,
}

impl Walk<'_, '_> {
    fn identity(&mut self) -> Level {
        let pool = self.eval.identity();
        self.pool(pool, PolicyKind::Identity)
    }

    /// Boundary, session policies, levels of SCPs.
    fn limits(&mut self) -> Result<Vec<Level>, RequestError> {
        let mut limits = Vec::new();
        let boundary = self.eval.boundary();
        if let Single::Instance(instance) = boundary {
            let mut level = Level { kind: PolicyKind::Boundary, entity: None, allows: Vec::new(), unknown: false };
            self.instance(&mut level, instance, At::Direct);
            limits.push(level);
        }
        let session = self.eval.session_policies();
        if session != Pool::None {
            limits.push(self.pool(session, PolicyKind::Session));
        }
        let scp = |entity| Level { kind: PolicyKind::Scp, entity, allows: Vec::new(), unknown: false };
        match self.eval.scps()? {
            Guardrails::Set(id) => {
                for (index, row) in self.eval.levels_of(id) {
                    let mut level = scp(Some(self.eval.set.text(row[0]).to_owned()));
                    for [instance, _] in self.eval.level_attachments(row) {
                        self.instance(&mut level, *instance, At::Level(index, row[0]));
                    }
                    if row[1] & LEVEL_INCOMPLETE != 0 {
                        level.unknown = true;
                        self.perhaps_denied = true;
                    }
                    limits.push(level);
                }
            }
            Guardrails::Unknown => {
                self.perhaps_denied = true;
                limits.push(Level { unknown: true, ..scp(None) });
            }
            Guardrails::None | Guardrails::Foreign(_) => {}
        }
        Ok(limits)
    }

    fn pool(&mut self, pool: Pool, kind: PolicyKind) -> Level {
        let mut level = Level { kind, entity: None, allows: Vec::new(), unknown: false };
        match pool {
            Pool::Attached { first, count } => {
                for (row, attached) in (first..).zip(self.eval.set.attachments(first, count)) {
                    let at = if attached & ATTACHED_TO_GROUP != 0 { At::Group(row) } else { At::Direct };
                    self.instance(&mut level, attached >> 1, at);
                }
            }
            Pool::Unknown => {
                level.unknown = true;
                self.perhaps_denied = true;
            }
            Pool::None | Pool::Passed => {}
        }
        level
    }

    fn instance(&mut self, level: &mut Level, instance: u32, at: At) {
        let set = self.eval.set;
        let [body, home, _] = set.instance(instance);
        if body == NONE {
            level.unknown = true;
            self.perhaps_denied = true;
            return;
        }
        for (index, statement) in (0..).zip(set.body_statements(body)) {
            let [flags, element, resource, block, _] = set.statement(*statement);
            let Some(atoms) = self.atoms(block) else { continue };
            let deny = flags & statements::DENY != 0;
            let located = Located {
                instance,
                home,
                kind: level.kind,
                at,
                statement: *statement,
                index,
                deny,
                ..Located::nowhere()
            };
            let is_plain = atoms.is_empty() && names_any(set, resource);
            let part = Part { located, actions: ActionBits::of_element(set, element), is_plain, atoms };
            if deny { self.denies.push(part) } else { level.allows.push(part) }
        }
    }

    /// The conditions of a block that the principal does not decide. `None`: one of them is false.
    fn atoms(&mut self, block: u32) -> Option<Vec<u32>> {
        let mut left = Vec::new();
        if block == NONE {
            return Some(left);
        }
        let (flags, atoms) = self.eval.set.block(block);
        if flags & BLOCK_MEANINGLESS != 0 {
            return None;
        }
        for atom in atoms {
            let [operator, ..] = self.eval.set.atom(*atom);
            let follows = read_operator(operator).is_none()
                || super::dependence::of_atom(self.eval.set, *atom).is_of_principals(false);
            let value = if follows { self.eval.atom(Whose::Base, *atom) } else { crate::logic::K::UNKNOWN };
            if value.is_false() {
                return None;
            }
            if !value.is_true() {
                left.push(*atom);
            }
        }
        Some(left)
    }
}
