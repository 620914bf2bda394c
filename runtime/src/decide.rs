//! Section 0: explicit denies, guardrails, grants, and the formula over them, written once for truth values and for
//! formulas.
//!
//! [`decide()`] runs it on truth values, reads the service sections of policies and stops at the first certain deny.
//! [`crate::explain()`] runs it on formulas, reads every statement and records.

use crate::actions::ActionFlags;
use crate::ask::Ask;
use crate::bulk::read_ahead;
use crate::caller::{Caller, Kind};
use crate::eval::{Eval, Target, Unit};
use crate::factors::{Factors, Line};
use crate::layout::{LEVEL_PASSES, NONE};
use crate::logic::{K, Logic, Tri};
use crate::plan::{Guardrails, Plan, Pool, Side, Single};
use crate::record::{Open, Plain, PolicyName, Recorder, Role};
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, CompiledSession};
use crate::units::UnitSpec;
use iamc_policy::decision::{GrantLevel, ReasonCode};
use iamc_policy::request::{EndpointType, RequestError};
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

/// D and A of one unit.
pub(crate) struct Verdict<V> {
    pub(crate) denied: V,
    pub(crate) allowed: V,
    /// the owner is outside the snapshot.
    pub(crate) foreign_rcp: bool,
    pub(crate) plan: Plan,
}

/// What is said of a request that is about nothing.
pub(crate) fn resource_needed() -> RequestError {
    RequestError {
        code: "E-RESOURCE-NEEDED",
        message: "a request names at least one resource: give its ARN, or `*`".into(),
        field: "resource",
        rule: "R-5.1",
    }
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
            return Err(resource_needed());
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
        let ask = Ask::of(request);
        ask.read_ahead();
        let mut eval = Eval::new(set, ask, session, scratch);
        eval.find_caller();
        if let Some(record) = eval.caller.record {
            let resource = ask.resource(0).arn.and_then(|arn| set.find_resource(arn.as_bytes()));
            read_ahead(set, record, resource, None);
        }
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
                // Without a record, the denies of all levels are one, and levels that pass anyway need no look.
                let guards = self.set.programs().of_guardrail_set(set);
                let denies = guards.denies.filter(|_| !R::RECORDS);
                if let Some(program) = denies {
                    deny!(self.scp_denies(recorder, set, program));
                }
                let levels = (denies.is_none() || !guards.pass).then(|| self.levels_of(set));
                for (index, level) in levels.into_iter().flatten() {
                    if denies.is_some() && level[1] & LEVEL_PASSES != 0 {
                        continue;
                    }
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
                let denies = self.set.programs().of_guardrail_set(set).denies.filter(|_| !R::RECORDS);
                if let Some(program) = denies {
                    deny!(self.guardrail_denies(recorder, program, PolicyKind::Rcp));
                }
                let levels = denies.is_none().then(|| self.levels_of(set));
                for (index, level) in levels.into_iter().flatten() {
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
    pub(crate) fn line(&self, side: Side) -> Line {
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
}
