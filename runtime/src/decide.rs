//! Section 0: explicit denies, guardrails, grants, and the formula over them, written once for truth values and for
//! formulas.
//!
//! [`decide()`] runs it on truth values, reads the service sections of policies and stops at the first certain deny.
//! [`crate::explain()`] runs it on formulas, reads every statement and records.

use crate::actions::ActionFlags;
use crate::ask::Ask;
use crate::caller::{Caller, Kind};
use crate::eval::{Eval, Key, Target, Unit, Whose};
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::pattern;
use crate::plan::{Guardrails, Plan, Pool, Side, Single};
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, CompiledSession};
use crate::statements;
use crate::units::{Implied, Origin, UnitSpec};
use iamc_policy::decision::{GrantLevel, ReasonCode};
use iamc_policy::request::{EndpointType, RequestError};
use iamc_policy::settings::{NullNotResource, StarGrant};
use iamc_policy::{Decision, Outcomes, PolicyKind, Request};

/// Decides one request (section 0).
///
/// # Errors
/// A request that is not well-formed in this world: see [`RequestError`]. `E-SESSION-POLICIES`: the request carries
/// session policies, which have to be compiled and passed to [`decide_with`].
///
/// Panics: never. Cost: O(bytes of the request) to look things up, then O(statements of the applicable policies that
/// are about the action's service); no heap allocation once `scratch` has grown.
pub fn decide(set: &CompiledPolicySet, request: &Request, scratch: &mut Scratch) -> Result<Decision, RequestError> {
    decide_with(set, request, None, scratch)
}

/// Decides one request with session policies that were compiled on their own; they replace those of the request.
///
/// # Errors
/// As [`decide()`].
pub fn decide_with(
    set: &CompiledPolicySet,
    request: &Request,
    session: Option<&CompiledSession>,
    scratch: &mut Scratch,
) -> Result<Decision, RequestError> {
    let mut eval = Eval::begin(set, request, session, scratch)?;
    eval.decide()
}

/// the decision table.
pub(crate) fn table(denied: Tri, allowed: Tri) -> Decision {
    if denied.is_true() {
        return Decision::ExplicitDeny;
    }
    match (denied.possible, allowed.definite, allowed.possible) {
        (false, true, _) => Decision::Allow,
        (false, false, false) => Decision::ImplicitDeny,
        (explicit_deny, definite, possible) => {
            Decision::Conditional(Outcomes { allow: possible, explicit_deny, implicit_deny: !definite })
        }
    }
}

/// What ends a decision before any policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    ///
    PolicyFree,
    ///
    Gate,
}

/// What is not known, for whoever turns it into an atom of a residual.
#[derive(Clone, Copy)]
pub(crate) enum Open<'o, 'a> {
    /// A condition atom of a statement.
    Condition { located: &'o Located, atom: u32 },
    /// A resource entry of a statement.
    Resource { located: &'o Located, pattern: u32 },
    /// Whether a resource entry of a statement is null (R-3.10, by its switch).
    NullResource { located: &'o Located, pattern: u32 },
    /// A principal entry that names a session.
    SessionName { located: &'o Located, text: u32 },
    /// A policy without text, attached to nothing in particular.
    Policy { kind: PolicyKind, name: PolicyName },
    /// A policy without text, with its attachment.
    Attached { kind: PolicyKind, name: PolicyName, at: At },
    /// A fact of the request.
    Fact(&'static str),
    /// Whether the constraints of a grant hold: of those of the request, then those of the inventory.
    GrantHolds { index: usize },
    /// A grant that names a session.
    GrantSession { principal: &'o [u8] },
    /// The presence of a key that asks for an action.
    Asks { key: Key<'a>, implied: Implied },
    /// `Bool {aws:MultiFactorAuthPresent: true}`.
    MultiFactor,
}

/// The name of a policy without text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyName {
    /// `*`: all that was not exported.
    Any,
    /// That of an instance.
    Instance(Whose, u32),
}

impl PolicyName {
    pub(crate) fn of_base(instance: u32) -> PolicyName {
        PolicyName::Instance(Whose::Base, instance)
    }
}

/// Where a policy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Direct,
    /// To a group with that name.
    Group(u32),
    /// To the entity with that name, at that position of the path.
    Level(u32, u32),
}

/// A statement of an applicable policy, with its origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    pub(crate) whose: Whose,
    pub(crate) instance: u32,
    pub(crate) kind: PolicyKind,
    pub(crate) at: At,
    /// Left out of explanations.
    pub(crate) hidden: bool,
    /// At a gateway endpoint.
    pub(crate) gateway: bool,
    pub(crate) statement: u32,
    /// Position in the document.
    pub(crate) index: u32,
    pub(crate) deny: bool,
}

/// The part that a pool plays, for the witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Identity,
    Boundary,
    Session,
    /// SCP levels and the endpoint policy: each needs an Allow.
    Guardrail,
    /// RCPs, which only deny.
    Rcp,
    Resource,
}

/// What an evaluation computes with, and what it leaves behind.
pub(crate) trait Recorder: Sized {
    type Value: Logic;
    /// True: read every statement and stop at nothing.
    const RECORDS: bool;

    /// The value of something that is not known.
    fn open<'a>(&mut self, eval: &mut Eval<'a>, what: Open<'_, 'a>) -> Self::Value;

    /// True: a certain deny ends the evaluation of a unit.
    fn stops_at_deny(&self) -> bool {
        false
    }

    /// A pool begins.
    fn begin(&mut self, _role: Role) {}

    /// A statement of the pool that began last: action, resource and conditions; levels of the principal; the whole.
    fn statement(
        &mut self,
        _eval: &Eval<'_>,
        _located: &Located,
        _body: &Self::Value,
        _levels: &Levels<Self::Value>,
        _applies: &Self::Value,
    ) {
    }

    /// A requirement and its value.
    fn require(&mut self, _code: ReasonCode, _entity: Option<&str>, _value: &Self::Value) {}

    /// The factors of `core`, once they are known.
    fn factors(&mut self, _factors: &Factors<Self::Value>, _side: Side) {}
}

/// Truth values, and nothing recorded.
pub(crate) struct Plain {
    /// A certain deny settles the unit; what else it says does not matter.
    pub(crate) stops_at_deny: bool,
}

impl Plain {
    pub(crate) fn new() -> Plain {
        Plain { stops_at_deny: false }
    }
}

impl Recorder for Plain {
    type Value = Tri;
    const RECORDS: bool = false;

    fn open<'a>(&mut self, _: &mut Eval<'a>, _: Open<'_, 'a>) -> Tri {
        K::UNKNOWN
    }

    fn stops_at_deny(&self) -> bool {
        self.stops_at_deny
    }
}

/// A value for each level of.
#[derive(Debug, Clone)]
pub(crate) struct Levels<V>([V; 4]);

impl<V: Logic> Levels<V> {
    pub(crate) fn nothing() -> Levels<V> {
        Levels([(); 4].map(|()| V::constant(false)))
    }

    fn position(level: GrantLevel) -> usize {
        match level {
            GrantLevel::Star => 0,
            GrantLevel::SelfLevel => 1,
            GrantLevel::Base => 2,
            GrantLevel::Account => 3,
        }
    }

    pub(crate) fn add(&mut self, level: GrantLevel, value: V) {
        let own = &mut self.0[Self::position(level)];
        *own = std::mem::replace(own, V::constant(false)).or(value);
    }

    pub(crate) fn at(&self, level: GrantLevel) -> &V {
        &self.0[Self::position(level)]
    }

    /// the principal test is the OR over the levels.
    pub(crate) fn any(&self) -> V {
        let [star, own, base, account] = self.0.clone();
        star.or(own).or(base).or(account)
    }
}

/// Whether some Allow of a pool applies, and whether some Deny does.
pub(crate) struct PoolValue<V> {
    pub(crate) allows: V,
    pub(crate) denies: V,
}

/// A pool that is being evaluated.
struct Gathering<V: Logic> {
    allows: V::Many,
    denies: V::Many,
}

impl<V: Logic> Gathering<V> {
    fn new() -> Gathering<V> {
        Gathering { allows: V::Many::default(), denies: V::Many::default() }
    }

    /// a policy whose text is not known may allow, and it may deny.
    fn push_unknown(&mut self, value: V) {
        V::push(&mut self.allows, value.clone());
        V::push(&mut self.denies, value);
    }

    fn finish(self) -> PoolValue<V> {
        PoolValue { allows: V::any(self.allows), denies: V::any(self.denies) }
    }
}

/// What the resource policy says, by grant class (section 0, step 3).
pub(crate) struct ResourceValue<V> {
    pub(crate) denies: V,
    pub(crate) unlim: V,
    pub(crate) lim: V,
    pub(crate) acct: V,
}

/// Which line of `core` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Anonymous, Service, FedIdp.
    NoAccount,
    SameStandard,
    SameMandatory,
    Cross,
}

/// The factors of `core`.
#[derive(Debug, Clone)]
pub(crate) struct Factors<V> {
    pub(crate) line: Line,
    pub(crate) is_root: bool,
    pub(crate) id: V,
    pub(crate) pb: V,
    pub(crate) sp: V,
    pub(crate) unlim: V,
    pub(crate) lim: V,
    pub(crate) acct: V,
    /// a KMS grant that suffices by itself across accounts.
    pub(crate) grant: V,
    /// The identity policies' own Allow, whoever the caller is.
    pub(crate) identity: V,
}

impl<V: Logic> Factors<V> {
    fn limits(&self) -> V {
        self.pb.clone().and(self.sp.clone())
    }

    /// The resource side of a cross-account request.
    pub(crate) fn any_level(&self) -> V {
        self.unlim.clone().or(self.lim.clone()).or(self.acct.clone())
    }

    /// Same account, Standard: what identity and role grant.
    pub(crate) fn standard_side(&self) -> V {
        self.id.clone().or(self.lim.clone())
    }

    /// Same account, Mandatory: what the resource policy grants to the role, or hands on to identity policies.
    pub(crate) fn mandatory_side(&self) -> V {
        self.lim.clone().or(self.acct.clone().and(self.id.clone()))
    }

    /// Both sides of a cross-account request.
    pub(crate) fn cross_side(&self) -> V {
        self.any_level().and(self.id.clone()).or(self.grant.clone())
    }

    /// Section 0, `core`.
    pub(crate) fn core(&self) -> V {
        let unlim = || self.unlim.clone();
        match (self.line, self.is_root) {
            (Line::NoAccount, _) | (Line::SameMandatory | Line::Cross, true) => unlim(),
            (Line::SameStandard, true) => V::constant(true),
            (Line::SameStandard, false) => unlim().or(self.standard_side().and(self.limits())),
            (Line::SameMandatory, false) => {
                let by_role = self.lim.clone().and(self.limits());
                let by_account = self.acct.clone().and(self.id.clone()).and(self.limits());
                unlim().or(by_role).or(by_account)
            }
            (Line::Cross, false) => self.cross_side().and(self.limits()),
        }
    }
}

/// D and A of one unit.
pub(crate) struct Verdict<V> {
    pub(crate) denied: V,
    pub(crate) allowed: V,
    /// the owner is outside the snapshot.
    pub(crate) foreign_rcp: bool,
    pub(crate) plan: Plan,
}

impl<'a> Eval<'a> {
    /// Finds caller and units, and refuses ill-formed requests.
    pub(crate) fn begin(
        set: &'a CompiledPolicySet,
        request: &'a Request,
        session: Option<&'a CompiledSession>,
        scratch: &'a mut Scratch,
    ) -> Result<Eval<'a>, RequestError> {
        if request.resources.is_empty() {
            return Err(RequestError {
                code: "E-RESOURCE-NEEDED",
                message: "a request names at least one resource: give its ARN, or `*`".into(),
                field: "resource",
                rule: "R-5.1",
            });
        }
        if request.session.is_some() && session.is_none() {
            return Err(RequestError {
                code: "E-SESSION-POLICIES",
                message: "the request carries session policies: compile them and pass them with it".into(),
                field: "policies.session",
                rule: "R-6.12",
            });
        }
        scratch.begin_request(set);
        let mut eval = Eval::new(set, Ask::of(request), session, scratch);
        eval.find_caller();
        eval.note_request_keys();
        eval.find_units()?;
        eval.check_units()?;
        Ok(eval)
    }

    /// An evaluation without caller and units. What is asked has at least one resource.
    pub(crate) fn new(
        set: &'a CompiledPolicySet,
        ask: Ask<'a>,
        session: Option<&'a CompiledSession>,
        scratch: &'a mut Scratch,
    ) -> Eval<'a> {
        let unit = Unit {
            spec: UnitSpec::nothing(),
            action: ask.action(),
            resource: ask.resource(0),
            arn: None,
            colons: [0; 5],
            owner_row: None,
            record: None,
            target: Target::Star,
            session_service: NONE,
        };
        Eval { set, ask, session, caller: Caller::nobody(&ask), unit, entered: None, s: scratch }
    }

    /// Refuses units whose keys contradict the tables or each other.
    pub(crate) fn check_units(&mut self) -> Result<(), RequestError> {
        for at in 0..self.s.units.len() {
            self.enter(at);
            self.check()?;
        }
        Ok(())
    }

    /// what comes before all policies.
    pub(crate) fn settle(&mut self) -> Option<Settled> {
        let first = self.s.units.first()?;
        if self.is_policy_free(first.action.flags) {
            return Some(Settled::PolicyFree);
        }
        if self.gate_is_open() {
            return None;
        }
        self.enter(0);
        self.credential_gate(&mut Plain::new()).is_true().then_some(Settled::Gate)
    }

    /// Section 0, `decide`, once the units are known.
    pub(crate) fn decide(&mut self) -> Result<Decision, RequestError> {
        let mut gate = K::FALSE;
        match self.settle() {
            Some(Settled::PolicyFree) => return Ok(Decision::Allow),
            Some(Settled::Gate) => return Ok(Decision::ImplicitDeny),
            None if self.gate_is_open() => {}
            None => gate = self.credential_gate(&mut Plain::new()),
        }
        let (mut denied, mut allowed) = (K::FALSE, K::TRUE);
        for at in 0..self.s.units.len() {
            self.enter(at);
            if denied.is_true() {
                // Nothing can change the decision any more, but a later unit may still make the request ill-formed.
                self.plan()?;
                continue;
            }
            let asked = self.unit.spec.asked;
            // Where the unit may not count at all, its A matters even if it is denied.
            let verdict = self.evaluate(&mut Plain { stops_at_deny: asked.is_true() && gate.is_false() })?;
            denied = denied.or(verdict.denied.and(asked).and(gate.not()));
            allowed = allowed.and(verdict.allowed.or(asked.not()).and(gate.not()));
        }
        Ok(table(denied, allowed))
    }

    /// speaks of STS and IAM only.
    pub(crate) fn gate_is_open(&self) -> bool {
        self.s
            .units
            .first()
            .is_none_or(|first| !first.action.flags.has(ActionFlags::STS) && !first.action.flags.has(ActionFlags::IAM))
    }

    /// A truth value as the recorder computes with it.
    pub(crate) fn lift<R: Recorder>(&mut self, recorder: &mut R, value: Tri, what: Open<'_, 'a>) -> R::Value {
        match (value.definite, value.possible) {
            (true, _) => R::Value::constant(true),
            (false, false) => R::Value::constant(false),
            (false, true) => recorder.open(self, what),
        }
    }

    /// Section 0, `evaluate`, for the current unit.
    pub(crate) fn evaluate<R: Recorder>(&mut self, recorder: &mut R) -> Result<Verdict<R::Value>, RequestError> {
        let plan = self.plan()?;
        let mut denials = <R::Value as Logic>::Many::default();
        let mut guardrails = <R::Value as Logic>::Many::default();
        macro_rules! deny {
            ($value:expr) => {
                let value = $value;
                if recorder.stops_at_deny() && value.is_certain() {
                    return Ok(Verdict { denied: value, allowed: R::Value::constant(false), foreign_rcp: false, plan });
                }
                R::Value::push(&mut denials, value);
            };
        }

        recorder.begin(Role::Identity);
        let identity = self.pool(recorder, plan.identity, PolicyKind::Identity);
        deny!(identity.denies);
        recorder.begin(Role::Boundary);
        let boundary = self.single(recorder, plan.boundary, PolicyKind::Boundary, false);
        let pb = match boundary {
            None => R::Value::constant(true),
            Some(boundary) => {
                deny!(boundary.denies);
                boundary.allows
            }
        };
        recorder.begin(Role::Session);
        let sp = if plan.session == Pool::None {
            R::Value::constant(self.caller.kind != Kind::FedUser)
        } else {
            let session = self.pool(recorder, plan.session, PolicyKind::Session);
            deny!(session.denies);
            session.allows
        };

        // Guardrails.
        match plan.scps {
            Guardrails::Set(set) => {
                for (index, level) in self.levels_of(set) {
                    recorder.begin(Role::Guardrail);
                    let value = self.level(recorder, index, level, PolicyKind::Scp);
                    deny!(value.denies);
                    if R::RECORDS {
                        recorder.require(ReasonCode::NoScpAllow, Some(self.set.text(level[0])), &value.allows);
                    }
                    R::Value::push(&mut guardrails, value.allows);
                }
            }
            Guardrails::Unknown => {
                let what = Open::Policy { kind: PolicyKind::Scp, name: PolicyName::Any };
                let value = recorder.open(self, what);
                recorder.require(ReasonCode::NoScpAllow, Some("*"), &value);
                R::Value::push(&mut denials, value.clone());
                R::Value::push(&mut guardrails, value);
            }
            Guardrails::None | Guardrails::Foreign(_) => {}
        }
        match plan.rcps {
            Guardrails::Set(set) => {
                for (index, level) in self.levels_of(set) {
                    recorder.begin(Role::Rcp);
                    let value = self.level(recorder, index, level, PolicyKind::Rcp);
                    deny!(value.denies);
                }
            }
            Guardrails::Unknown | Guardrails::Foreign(true) => {
                let what = Open::Policy { kind: PolicyKind::Rcp, name: PolicyName::Any };
                let value = recorder.open(self, what);
                R::Value::push(&mut denials, value);
            }
            Guardrails::None | Guardrails::Foreign(false) => {}
        }
        recorder.begin(Role::Guardrail);
        let gateway = plan.endpoint_type == EndpointType::Gateway;
        if let Some(endpoint) = self.single(recorder, plan.endpoint, PolicyKind::Endpoint, gateway) {
            deny!(endpoint.denies);
            recorder.require(ReasonCode::NoEndpointAllow, None, &endpoint.allows);
            R::Value::push(&mut guardrails, endpoint.allows);
        }

        // Grants.
        let line = self.line(plan.side);
        recorder.begin(Role::Resource);
        // for RetireGrant the key policy has no effect, whatever it says.
        let retires_grant = plan.side == Side::Key && self.unit.has(ActionFlags::RETIRE_GRANT);
        let single = if retires_grant { Single::None } else { plan.resource };
        let resource = self.resource(recorder, single, plan.side, line);
        if !self.root_escapes() {
            deny!(resource.denies);
        }
        let grants = self.grants(recorder, plan.side);
        let acl = self.acl(recorder);
        let at = |level: GrantLevel| grants.at(level).clone();
        use GrantLevel::{Account, Base, SelfLevel, Star};
        let all_of_them = self.caller.kind == Kind::Root || self.caller.base_is_root;
        let factors = Factors {
            line,
            is_root: self.caller.kind == Kind::Root,
            id: if all_of_them { R::Value::constant(true) } else { identity.allows.clone() },
            pb,
            sp,
            unlim: resource.unlim.or(at(SelfLevel)).or(at(Star)).or(acl.at(Star).clone()).or(acl.at(SelfLevel).clone()),
            lim: resource.lim.or(at(Base)),
            acct: resource.acct.or(at(Account)).or(acl.at(Account).clone()),
            grant: if self.set.settings().kms_grant_identity {
                R::Value::constant(false)
            } else {
                at(SelfLevel).or(at(Base))
            },
            identity: identity.allows,
        };
        recorder.factors(&factors, plan.side);
        R::Value::push(&mut guardrails, factors.core());
        for (code, closed) in self.closed_gates() {
            let open = R::Value::constant(!closed);
            recorder.require(code, None, &open);
            R::Value::push(&mut guardrails, open);
        }
        let open = self.public_access_blocked(recorder, &plan).not();
        recorder.require(ReasonCode::GateS3Bpa, None, &open);
        R::Value::push(&mut guardrails, open);
        Ok(Verdict {
            denied: R::Value::any(denials),
            allowed: R::Value::all(guardrails),
            foreign_rcp: matches!(plan.rcps, Guardrails::Foreign(_)),
            plan,
        })
    }

    /// Section 0: `same`, and Standard or Mandatory.
    fn line(&self, side: Side) -> Line {
        if self.caller.account.is_none() {
            return Line::NoAccount;
        }
        if self.identity_alone_suffices() {
            return Line::SameStandard;
        }
        if self.is_cross_account() || self.unit.owner().is_none() {
            return Line::Cross;
        }
        if side == Side::Standard { Line::SameStandard } else { Line::SameMandatory }
    }

    // ---- pools ----

    fn levels_of(&self, set: u32) -> impl Iterator<Item = (u32, &'a [u32; 4])> + use<'a> {
        self.guardrail_levels(set).iter().zip(0..).map(|(level, index)| (index, level))
    }

    /// Policies that are one OR.
    fn pool<R: Recorder>(&mut self, recorder: &mut R, pool: Pool, kind: PolicyKind) -> PoolValue<R::Value> {
        let mut gathering = Gathering::new();
        let place = |whose, instance, at| Located { whose, instance, kind, at, ..Located::nowhere() };
        match pool {
            Pool::None => {}
            Pool::Unknown => {
                gathering.push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
            }
            Pool::Attached { first, count } => {
                let set = self.set;
                for [instance, group] in set.attachments(first, count) {
                    let at = if *group == NONE { At::Direct } else { At::Group(*group) };
                    self.instance(recorder, &mut gathering, place(Whose::Base, *instance, at));
                }
            }
            Pool::Passed => {
                for instance in 0..self.tables_of(Whose::Session).instances().len() as u32 {
                    self.instance(recorder, &mut gathering, place(Whose::Session, instance, At::Direct));
                }
            }
        }
        gathering.finish()
    }

    /// At most one policy; `None`: none.
    fn single<R: Recorder>(
        &mut self,
        recorder: &mut R,
        single: Single,
        kind: PolicyKind,
        gateway: bool,
    ) -> Option<PoolValue<R::Value>> {
        let mut gathering = Gathering::new();
        match single {
            Single::None => return None,
            Single::Unknown => {
                gathering.push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
            }
            Single::Instance(instance) => {
                self.instance(recorder, &mut gathering, Located { instance, kind, gateway, ..Located::nowhere() });
            }
        }
        Some(gathering.finish())
    }

    /// One level of guardrails.
    fn level<R: Recorder>(
        &mut self,
        recorder: &mut R,
        index: u32,
        level: &[u32; 4],
        kind: PolicyKind,
    ) -> PoolValue<R::Value> {
        let at = At::Level(index, level[0]);
        let mut gathering = Gathering::new();
        for [instance, flags] in self.level_attachments(level) {
            let hidden = flags & ATTACHMENT_IMPLIED != 0;
            let located = Located { instance: *instance, kind, at, hidden, ..Located::nowhere() };
            self.instance(recorder, &mut gathering, located);
        }
        if level[1] & LEVEL_INCOMPLETE != 0 {
            gathering.push_unknown(recorder.open(self, Open::Attached { kind, name: PolicyName::Any, at }));
        }
        gathering.finish()
    }

    /// The statements of one policy; `located` says where it is.
    fn instance<R: Recorder>(&mut self, recorder: &mut R, gathering: &mut Gathering<R::Value>, located: Located) {
        let set = self.tables_of(located.whose);
        let [body, ..] = set.instance(located.instance);
        if body == NONE {
            let name = PolicyName::Instance(located.whose, located.instance);
            let what = Open::Attached { kind: located.kind, name, at: located.at };
            gathering.push_unknown(recorder.open(self, what));
            return;
        }
        self.each_statement(recorder, body, located, &mut |eval, recorder: &mut R, located| {
            let settled = if located.deny {
                R::Value::is_settled(&gathering.denies)
            } else {
                // RCPs have no part in A.
                R::Value::is_settled(&gathering.allows) || located.kind == PolicyKind::Rcp
            };
            if settled && !R::RECORDS {
                return;
            }
            let body = eval.body(recorder, located);
            if body.is_impossible() && !R::RECORDS {
                return;
            }
            let levels = eval.principal_levels(recorder, located);
            let applies = body.clone().and(levels.any());
            recorder.statement(eval, located, &body, &levels, &applies);
            let side = if located.deny { &mut gathering.denies } else { &mut gathering.allows };
            R::Value::push(side, applies);
        });
    }

    /// the resource policy by grant class.
    fn resource<R: Recorder>(
        &mut self,
        recorder: &mut R,
        single: Single,
        side: Side,
        line: Line,
    ) -> ResourceValue<R::Value> {
        let kind = side.kind();
        let [mut denies, mut unlim, mut lim, mut acct] = [(); 4].map(|()| <R::Value as Logic>::Many::default());
        let mut push_unknown = |value: R::Value| {
            // it may allow at every level.
            for many in [&mut denies, &mut unlim, &mut lim, &mut acct] {
                R::Value::push(many, value.clone());
            }
        };
        let instance = match single {
            Single::None => None,
            Single::Unknown => {
                push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
                None
            }
            Single::Instance(instance) => Some(instance),
        };
        if let Some(instance) = instance {
            let [body, ..] = self.set.instance(instance);
            if body == NONE {
                let what = Open::Policy { kind, name: PolicyName::of_base(instance) };
                push_unknown(recorder.open(self, what));
            } else {
                let limited_star = self.set.settings().star_grant == StarGrant::PrincipalArn
                    && matches!(line, Line::SameStandard | Line::SameMandatory);
                let located = Located { instance, kind, ..Located::nowhere() };
                self.each_statement(recorder, body, located, &mut |eval, recorder: &mut R, located| {
                    let body = eval.body(recorder, located);
                    if body.is_impossible() && !R::RECORDS {
                        return;
                    }
                    let levels = eval.principal_levels(recorder, located);
                    let applies = body.clone().and(levels.any());
                    recorder.statement(eval, located, &body, &levels, &applies);
                    if located.deny {
                        return R::Value::push(&mut denies, applies);
                    }
                    use GrantLevel::{Account, Base, SelfLevel, Star};
                    let at = |level: GrantLevel| body.clone().and(levels.at(level).clone());
                    let about_arn = eval.set.statement(located.statement)[0] & statements::ABOUT_PRINCIPAL_ARN != 0;
                    let star = if limited_star && !about_arn { &mut lim } else { &mut unlim };
                    R::Value::push(star, at(Star));
                    R::Value::push(&mut unlim, at(SelfLevel));
                    R::Value::push(&mut lim, at(Base));
                    R::Value::push(&mut acct, at(Account));
                });
            }
        }
        ResourceValue {
            denies: R::Value::any(denies),
            unlim: R::Value::any(unlim),
            lim: R::Value::any(lim),
            acct: R::Value::any(acct),
        }
    }

    /// Calls `visit` for each statement of a body that is about the action: from the sections of its service, or, to
    /// record, all of them in document order.
    fn each_statement<R: Recorder>(
        &mut self,
        recorder: &mut R,
        body: u32,
        located: Located,
        visit: &mut dyn FnMut(&mut Eval<'a>, &mut R, &Located),
    ) {
        let set = self.tables_of(located.whose);
        let ids = self.unit.spec.action;
        let (service, position) = match located.whose {
            Whose::Base => (ids.service, ids.position),
            Whose::Session => (self.unit.session_service, NONE),
        };
        if R::RECORDS {
            for (index, statement) in set.body_statements(body).iter().enumerate() {
                let [flags, element, ..] = set.statement(*statement);
                if set.action_test(element, service, position, self.bytes(ids.name)) {
                    let deny = flags & statements::DENY != 0;
                    visit(self, recorder, &Located { statement: *statement, index: index as u32, deny, ..located });
                }
            }
            return;
        }
        for rules in set.rules(body, service) {
            for [statement, place, actions, flags] in rules {
                let is_about = if flags & RULE_BY_ELEMENT != 0 {
                    let [_, element, ..] = set.statement(*statement);
                    set.action_test(element, service, position, self.bytes(ids.name))
                } else {
                    *actions == NONE || set.in_action_set(*actions, position, self.bytes(ids.name))
                };
                if is_about {
                    let (index, deny) = (place >> 1, place & 1 == 1);
                    visit(self, recorder, &Located { statement: *statement, index, deny, ..located });
                }
            }
        }
    }

    // ---- statements: R-6.4 ----

    /// Resource and condition of a statement whose action test is true.
    fn body<R: Recorder>(&mut self, recorder: &mut R, located: &Located) -> R::Value {
        let set = self.tables_of(located.whose);
        let [_, _, resource, block, _] = set.statement(located.statement);
        // without the element, or in a trust policy, it is the resource that the policy is attached to.
        let mut body = if resource == NONE || located.kind == PolicyKind::Trust {
            R::Value::constant(true)
        } else {
            self.resource_test(recorder, located, resource)
        };
        if block == NONE || body.is_impossible() {
            return body;
        }
        let (flags, atoms) = set.block(block);
        if flags & BLOCK_MEANINGLESS != 0 {
            return R::Value::constant(false);
        }
        for atom in atoms {
            let value = self.atom(located.whose, *atom);
            let value = self.lift(recorder, value, Open::Condition { located, atom: *atom });
            body = body.and(value);
            if body.is_impossible() {
                break;
            }
        }
        body
    }

    ///
    fn resource_test<R: Recorder>(&mut self, recorder: &mut R, located: &Located, test: u32) -> R::Value {
        let (flags, patterns) = self.tables_of(located.whose).resource_test(test);
        let negated = flags & NEGATED != 0;
        let skips_null = negated && self.set.settings().null_notresource == NullNotResource::Skip;
        let mut some = <R::Value as Logic>::Many::default();
        let mut perhaps_null = <R::Value as Logic>::Many::default();
        for pattern in patterns {
            let entry = self.entry(located.whose, *pattern);
            if skips_null && entry.null {
                return R::Value::constant(false);
            }
            if skips_null && entry.unknown {
                let value = recorder.open(self, Open::NullResource { located, pattern: *pattern });
                R::Value::push(&mut perhaps_null, value);
            }
            if entry.truth.is_true() && !skips_null {
                return R::Value::constant(!negated);
            }
            let value = self.lift(recorder, entry.truth, Open::Resource { located, pattern: *pattern });
            R::Value::push(&mut some, value);
        }
        let some = R::Value::any(some);
        match (negated, skips_null) {
            (false, _) => some,
            (true, false) => some.not(),
            (true, true) => some.not().and(R::Value::any(perhaps_null).not()),
        }
    }

    /// One entry of `Resource` or `NotResource` against the unit's resource.
    pub(crate) fn entry(&mut self, whose: Whose, id: u32) -> Entry {
        use crate::atoms::Filled;
        let entry = self.tables_of(whose).pattern(id);
        if entry.shape & pattern::IS_NULL != 0 {
            // It depends on the Region of the pseudo-resource all the same.
            let open = matches!(self.unit.target, Target::AnyRegion(..)) && !entry.is_of_another_service(b"dynamodb");
            let truth = if open { K::UNKNOWN } else { K::FALSE };
            return Entry { truth, null: true, unknown: open, by_region: open };
        }
        let (mut filled, mut unknown) = (Filled::Known, false);
        if entry.shape & pattern::HAS_VARIABLES != 0 {
            unknown = self.has_unknown_variable(whose, entry.code);
            filled = self.fill(whose, entry.code, false);
        }
        let everything = entry.kind() == pattern::EVERYTHING;
        let null = filled == Filled::Null;
        let holes = filled == Filled::Holes && !everything;
        let matched = |eval: &mut Self, text: Option<crate::scratch::Text>| {
            if everything || null {
                return everything;
            }
            let set = eval.set;
            let Scratch { arena, slots, reached, .. } = &mut *eval.s;
            let filling = |slot: usize| crate::atoms::filling(set, arena, slots[slot]);
            let subject = match (text, eval.unit.target) {
                (Some(text), _) => pattern::Subject::new(arena.get(set, text)),
                (None, Target::Arn(subject)) => subject,
                (None, _) => return false,
            };
            pattern::matches(&entry, &subject, set.settings(), reached, filling)
        };
        let tri = |matched: bool| K { definite: matched && !holes, possible: matched };
        let truth = match self.unit.target {
            Target::Star => tri(everything),
            Target::Arn(_) => tri(matched(self, None)),
            Target::Pseudo(text) => tri(matched(self, Some(text))),
            Target::AnyRegion(one, two) => {
                // an entry that matches both Regions alike does so by a star; anything else depends on it.
                let (one, two) = (tri(matched(self, Some(one))), tri(matched(self, Some(two))));
                if one == two && !one.is_false() {
                    one
                } else if entry.is_of_another_service(b"dynamodb") {
                    K::FALSE
                } else {
                    return Entry { truth: K::UNKNOWN, null, unknown: true, by_region: true };
                }
            }
        };
        Entry { truth, null, unknown, by_region: false }
    }
}

/// How one entry of `Resource` or `NotResource` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) truth: Tri,
    /// it matches nothing.
    pub(crate) null: bool,
    /// It has a variable that is SOME or UNKNOWN, or depends on an unknown Region.
    pub(crate) unknown: bool,
    /// it depends on an unknown Region.
    pub(crate) by_region: bool,
}

impl Located {
    fn nowhere() -> Located {
        Located {
            whose: Whose::Base,
            instance: NONE,
            kind: PolicyKind::Identity,
            at: At::Direct,
            hidden: false,
            gateway: false,
            statement: NONE,
            index: 0,
            deny: false,
        }
    }
}

impl Origin {
    /// The unit in which it is evaluated whether an implied action is asked for.
    pub(crate) fn asks_in(self) -> Option<(Implied, usize)> {
        match self {
            Origin::Implied(implied, first) => Some((implied, first as usize)),
            Origin::Resource(_) | Origin::Additional(_) => None,
        }
    }
}
