//! Residuals under completions (R-8.23, R-8.35), and the states of keys that completions start from (R-8.2, R-8.4).

use crate::caller::Caller;
use crate::condition;
use crate::context::UnitContext;
use crate::evaluate;
use crate::formula::truth;
use crate::resolve::{self, Located, Pool, Rcps};
use crate::units::{self, StsActions, Unit};
use crate::variables::Keys;
use crate::{s3, table};
use iamc_catalogue::Catalogue;
use iamc_policy::decision::{AtomKind, ResidualAtom, UnitId};
use iamc_policy::request::RequestError;
use iamc_policy::{
    Answer, ConditionAtom, ConditionKey, Decision, Formula, KeyState, Operator, Principal, Request, Template, Truth,
    World,
};

/// What section 5 says of one key for one authorisation unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitKeyState {
    /// The unit.
    pub unit: UnitId,
    /// Whose keys the unit has beside the request's.
    pub holder: Holder,
    /// The state (R-8.2).
    pub state: KeyState,
    /// Whether the key is multi-valued there (R-4.3).
    pub multi: bool,
}

/// The part of a request that carries keys of its own (R-6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// The resource with this index.
    Resource(usize),
    /// The resource of the additional action with this index.
    Additional(usize),
}

/// The state of a key in each unit of a request: given, derived, or what the mode says (R-5.6, R-5.7).
///
/// Units are in the order of the explanation; those that the request certainly does not ask for are not among them.
///
/// # Errors
/// As [`decide`](crate::decide).
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_policy::{ConditionKey, KeyState, Principal, Request, World};
/// let world = World { assume_complete: true, ..World::default() };
/// let ana = Principal::from_arn("arn:aws:iam::111111111111:user/ana").unwrap();
/// let action = "sqs:SendMessage".parse().unwrap();
/// let request = Request::new(ana, action, "arn:aws:sqs:us-east-1:111111111111:q".parse().unwrap());
/// let key = ConditionKey::new("aws:username");
/// let states = iamc_reference::key_states(&world, Catalogue::embedded(), &request, &key).unwrap();
/// assert_eq!(states[0].state, KeyState::one("ana"));
/// ```
pub fn key_states(
    world: &World,
    catalogue: &Catalogue,
    request: &Request,
    key: &ConditionKey,
) -> Result<Vec<UnitKeyState>, RequestError> {
    let caller = Caller::new(world, request);
    let sts = StsActions::new();
    let units = units::units(world, catalogue, request, &caller, &sts)?;
    let mut states = Vec::new();
    for unit in &units {
        let context = UnitContext { world, catalogue, request, caller: &caller, unit };
        let state = crate::variables::state(key, &context);
        states.push(UnitKeyState {
            unit: unit.id.clone(),
            holder: holder(request, unit),
            state,
            multi: context.is_multi(key),
        });
    }
    Ok(states)
}

/// A unit borrows its resource from the request, which tells whose it is.
fn holder(request: &Request, unit: &Unit<'_>) -> Holder {
    let own = request.resources.iter().position(|resource| std::ptr::eq(&resource.resource, unit.resource));
    let additional =
        || request.additional.iter().position(|additional| std::ptr::eq(&additional.resource.resource, unit.resource));
    match own {
        Some(index) => Holder::Resource(index),
        None => Holder::Additional(additional().unwrap_or(0)),
    }
}

/// The decision that the residual of an open answer gives under a completion (R-8.23, R-8.35): each atom is evaluated
/// again under the completed request, then follow Kleene's connectives and the table of R-8.20.
///
/// `answer` is the answer to `request`; where it has no residual, its decision is the result. `completion` is the same
/// request but for states of keys, the name of the session, and facts. What it leaves open stays open, and policies
/// whose text is not known stay unknown (an atom of theirs stands for allows and for denies, which one truth value
/// could not say), so that the result may be `Conditional`.
///
/// # Errors
/// As [`decide`](crate::decide), for either request.
pub fn residual_decision(
    world: &World,
    catalogue: &Catalogue,
    request: &Request,
    answer: &Answer,
    completion: &Request,
) -> Result<Decision, RequestError> {
    let Some(residual) = &answer.residual else { return Ok(answer.decision) };
    let sts = StsActions::new();
    let before_caller = Caller::new(world, request);
    let after_caller = Caller::new(world, completion);
    let before_units = units::units(world, catalogue, request, &before_caller, &sts)?;
    let after_units = units::units(world, catalogue, completion, &after_caller, &sts)?;
    let mut pairs = Vec::new();
    for unit in &before_units {
        let holder = holder(request, unit);
        let same = |after: &&Unit<'_>| after.id == unit.id && self::holder(completion, after) == holder;
        let before = UnitContext { world, catalogue, request, caller: &before_caller, unit };
        // A unit that is not asked for any more is not there; its atoms have no say, whatever they are.
        let after = after_units.iter().find(same).map(|unit| UnitContext {
            world,
            catalogue,
            request: completion,
            caller: &after_caller,
            unit,
        });
        pairs.push(Pair { before, after });
    }
    let evaluation = Evaluation { pairs, completion };
    Ok(table(evaluation.formula(&residual.deny)?, evaluation.formula(&residual.allow)?))
}

/// One unit before and after the completion.
struct Pair<'a> {
    before: UnitContext<'a>,
    after: Option<UnitContext<'a>>,
}

struct Evaluation<'a> {
    pairs: Vec<Pair<'a>>,
    completion: &'a Request,
}

impl Evaluation<'_> {
    /// R-8.1.
    fn formula(&self, formula: &Formula) -> Result<Truth, RequestError> {
        let all = |operands: &[Formula], neutral: Truth, absorbing: Truth| -> Result<Truth, RequestError> {
            let mut result = neutral;
            for operand in operands {
                let value = self.formula(operand)?;
                if value == absorbing {
                    return Ok(absorbing);
                }
                if value == Truth::Unknown {
                    result = Truth::Unknown;
                }
            }
            Ok(result)
        };
        match formula {
            Formula::True => Ok(Truth::True),
            Formula::False => Ok(Truth::False),
            Formula::Atom(atom) => self.atom(atom),
            Formula::And(operands) => all(operands, Truth::True, Truth::False),
            Formula::Or(operands) => all(operands, Truth::False, Truth::True),
            Formula::Not(operand) => Ok(match self.formula(operand)? {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            }),
        }
    }

    /// One atom under the completion; Unknown where nothing says what it means there.
    fn atom(&self, atom: &ResidualAtom) -> Result<Truth, RequestError> {
        // Several units may share an id (the same additional action on two resources). An atom that could be that of
        // two of them has a value only if they agree.
        let mut found: Option<Truth> = None;
        for pair in self.pairs.iter().filter(|pair| self.concerns(pair, atom)) {
            let Some(value) = self.atom_of(pair, atom)? else { continue };
            match found {
                Some(other) if other != value => return Ok(Truth::Unknown),
                _ => found = Some(value),
            }
        }
        Ok(found.unwrap_or(Truth::Unknown))
    }

    /// Conditions that come from no policy ask whether a further action is needed (R-6.43) or gate the call (R-6.71);
    /// both look at the units of the request's own action.
    fn concerns(&self, pair: &Pair<'_>, atom: &ResidualAtom) -> bool {
        match (&atom.policy, &atom.kind) {
            (None, AtomKind::Condition { .. }) => matches!(pair.before.unit.id, UnitId::Resource(_)),
            _ => pair.before.unit.id == atom.unit,
        }
    }

    fn atom_of(&self, pair: &Pair<'_>, atom: &ResidualAtom) -> Result<Option<Truth>, RequestError> {
        let Some(after) = &pair.after else { return Ok(None) };
        Ok(match &atom.kind {
            AtomKind::Policy => None,
            AtomKind::Fact { name } => self.fact(after, name),
            AtomKind::SessionName { entry } => Some(match &self.completion.principal {
                _ if self.completion.facts.session_unknown => Truth::Unknown,
                principal @ Principal::RoleSession { .. } if principal.to_string() == *entry => Truth::True,
                _ => Truth::False,
            }),
            AtomKind::Condition { operator, key, values } if atom.policy.is_none() => {
                Operator::parse(operator).map(|operator| {
                    let values = values.iter().map(|value| Template::literal(value.as_str())).collect();
                    let own = ConditionAtom { operator, key: ConditionKey::new(key), values, span: Default::default() };
                    condition::atom(&own, after, &after.world.settings).truth
                })
            }
            AtomKind::Condition { operator, key, values } => statements(&pair.before)?.find(atom).find_map(|located| {
                let mut atoms = located.statement.condition.atoms.iter();
                let same = |own: &&ConditionAtom| {
                    own.operator.to_string() == *operator && own.key.as_str() == key && {
                        let result = condition::atom(own, &pair.before, &pair.before.world.settings);
                        result.truth == Truth::Unknown && result.resolved == *values
                    }
                };
                atoms.find(same).map(|own| condition::atom(own, after, &after.world.settings).truth)
            }),
            AtomKind::Resource { pattern } => statements(&pair.before)?.find(atom).find_map(|located| {
                let kind = located.policy.kind;
                let element = located.statement.resource.as_ref()?;
                element.patterns.iter().find_map(|entry| {
                    let before = evaluate::entry_result(&pair.before, kind, entry);
                    let result = || evaluate::entry_result(after, kind, entry);
                    if evaluate::null_pattern(&before) == *pattern {
                        let result = result();
                        Some(match (result.null, result.unknown_keys.is_empty()) {
                            (true, _) => Truth::True,
                            (false, true) => Truth::False,
                            (false, false) => Truth::Unknown,
                        })
                    } else if before.resolved == *pattern && before.truth == Truth::Unknown {
                        Some(result().truth)
                    } else {
                        None
                    }
                })
            }),
        })
    }

    fn fact(&self, after: &UnitContext<'_>, name: &str) -> Option<Truth> {
        match name {
            "acl_allows" => self.completion.facts.acl_allows,
            "s3_block_public_access" => Some(truth(&s3::effective(after))),
            _ => crate::kms::fact_of_name(after, name),
        }
    }
}

/// All statements that take part in a unit, whatever the part.
struct Statements<'a>(Vec<Pool<'a>>);

impl<'a> Statements<'a> {
    fn find<'s>(&'s self, atom: &'s ResidualAtom) -> impl Iterator<Item = &'s Located<'a>> {
        let all = self.0.iter().flat_map(|pool| &pool.statements);
        all.filter(|located| {
            Some(&*located.policy) == atom.policy.as_ref()
                && atom.statement.as_ref().is_some_and(|(index, _)| *index == located.index)
        })
    }
}

fn statements<'a>(context: &UnitContext<'a>) -> Result<Statements<'a>, RequestError> {
    let UnitContext { world, request, caller, unit, catalogue } = *context;
    let mut pools = vec![resolve::identity(world, caller), resolve::resource(world, unit)];
    pools.extend(resolve::boundary(world, caller));
    pools.extend(resolve::session(request, caller));
    pools.extend(resolve::endpoint(world, request)?.map(|(pool, _)| pool));
    pools.extend(resolve::scps(world, caller, unit)?.into_iter().flatten().map(|level| level.pool));
    if let Rcps::Levels(levels) = resolve::rcps(world, catalogue, request, caller, unit) {
        pools.extend(levels.into_iter().map(|level| level.pool));
    }
    Ok(Statements(pools))
}
