//! One principal at a time: what a question falls back to, and the callers that stand for many.

use super::inverse::Run;
use super::rows::get;
use crate::ask::{ActionRef, Ask, Asker, Parts, ResourceRef, Who};
use crate::bulk::{DecisionCode, PreparedContext, PrincipalId, who};
use crate::caller::Caller;
use crate::eval::Eval;
use crate::refusal::Refusal;
use crate::scratch::Scratch;
use crate::set::CompiledPolicySet;
use iamc_policy::Principal;
use iamc_policy::request::{Context, Facts, GivenKeys, Mode, RequestError, ThroughEndpoint};
use std::sync::LazyLock;

/// What is asked, but for the principal.
#[derive(Clone, Copy)]
pub(crate) struct Template<'a> {
    /// Different for each context, as that of a prepared context.
    pub(crate) id: u64,
    pub(crate) facts: &'a Facts,
    pub(crate) context: &'a Context,
    pub(crate) given_keys: GivenKeys,
    pub(crate) mode: Mode,
    pub(crate) endpoint: &'a ThroughEndpoint,
    pub(crate) parts: Parts<'a>,
    /// The name of role sessions.
    pub(crate) session: &'a str,
}

static NO_CONTEXT: LazyLock<Context> = LazyLock::new(Context::new);
static NO_FACTS: LazyLock<Facts> = LazyLock::new(Facts::default);
static UNKNOWN_SESSION: LazyLock<Facts> = LazyLock::new(|| Facts { session_unknown: true, ..Facts::default() });

impl<'a> Template<'a> {
    /// A question about nothing: callers and their own keys are all that can be looked at.
    pub(crate) fn nothing(mode: Mode) -> Template<'static> {
        let action = ActionRef { service: "", name: "" };
        let resource = ResourceRef { arn: None, account: None, context: &NO_CONTEXT, row: None };
        Template {
            id: 0,
            facts: &NO_FACTS,
            context: &NO_CONTEXT,
            given_keys: GivenKeys::Checked,
            mode,
            endpoint: &ThroughEndpoint::None,
            parts: Parts::Row { action, resource },
            session: "",
        }
    }

    /// What is asked in a context.
    pub(crate) fn of_context(context: &'a PreparedContext, parts: Parts<'a>) -> Template<'a> {
        Template {
            id: context.id,
            facts: &context.facts,
            context: &context.context,
            given_keys: context.given_keys,
            mode: context.mode,
            endpoint: &context.endpoint,
            parts,
            session: &context.session,
        }
    }

    /// The same, where the names of sessions are not known.
    pub(crate) fn of_unknown_session(mode: Mode) -> Template<'static> {
        Template { facts: &UNKNOWN_SESSION, ..Template::nothing(mode) }
    }

    fn ask(&self, set: &'a CompiledPolicySet, lane: u32) -> Option<Ask<'a>> {
        Some(Ask {
            who: Asker::listed(set, lane, self.session)?,
            facts: self.facts,
            context: self.context,
            given_keys: self.given_keys,
            mode: self.mode,
            endpoint: self.endpoint,
            parts: self.parts,
        })
    }
}

/// The evaluation of one principal, without units. `None`: its ARN is none of a caller's.
pub(crate) fn caller<'a>(
    set: &'a CompiledPolicySet,
    template: &Template<'a>,
    scratch: &'a mut Scratch,
    lane: u32,
) -> Option<Eval<'a>> {
    let ask = template.ask(set, lane)?;
    let noted = template.id != 0 && scratch.begin_row(set, template.id);
    if template.id == 0 {
        scratch.begin_request(set);
    }
    let mut eval = Eval::new(set, ask, None, scratch);
    if !noted {
        eval.note_request_keys();
        if template.id != 0 {
            eval.s.keep_row_prefix(set, template.id);
        }
    }
    eval.take_principal(lane);
    Some(eval)
}

/// The same with units.
pub(crate) fn begin<'a>(
    set: &'a CompiledPolicySet,
    template: &Template<'a>,
    scratch: &'a mut Scratch,
    lane: u32,
) -> Option<Result<Eval<'a>, RequestError>> {
    let mut eval = caller(set, template, scratch, lane)?;
    Some(eval.find_units().map(|()| eval))
}

/// The decision about one principal.
pub(crate) fn code(set: &CompiledPolicySet, template: &Template<'_>, scratch: &mut Scratch, lane: u32) -> DecisionCode {
    let Some(eval) = begin(set, template, scratch, lane) else { return DecisionCode::refused(Refusal::UnknownId) };
    let decision = eval.and_then(|mut eval| {
        eval.check_units()?;
        eval.decide()
    });
    decision.map_or_else(|error| DecisionCode::refused(Refusal::of(&error)), DecisionCode::of)
}

impl CompiledPolicySet {
    /// The caller behind an id: the user, or a session with that name of the role. `None`: the set has no such principal,
    /// or its ARN is none of a caller's.
    pub fn caller(&self, id: PrincipalId, session: &str) -> Option<Principal> {
        if id.get() >= self.n_principals() {
            return None;
        }
        Some(match who(self, id.get(), session)? {
            Who::User { partition, account, path_name } => {
                Principal::User { partition: partition.into(), account, path_name: path_name.into() }
            }
            Who::RoleSession { partition, account, role, path_name, session } => Principal::RoleSession {
                partition: partition.into(),
                account,
                role: role.into(),
                role_path_name: path_name.map(Into::into),
                session: session.into(),
            },
            _ => return None,
        })
    }
}

/// Some caller of an account, to see which guardrails hold for it; not one of a service-linked role if there is another.
pub(crate) fn caller_for_plans<'a>(
    set: &'a CompiledPolicySet,
    scratch: &'a mut Scratch,
    run: Run,
    service_linked: &[u64],
) -> Option<Eval<'a>> {
    let mut lanes = (run.first..run.end).filter(|lane| who(set, *lane, "").is_some());
    let first = lanes.clone().next()?;
    let lane = lanes.find(|lane| !get(service_linked, *lane)).unwrap_or(first);
    caller(set, &Template::nothing(Mode::Closed), scratch, lane)
}

impl<'a> Eval<'a> {
    /// Another caller in the same unit, whose resource has an ARN, or an owner that does not depend on the caller.
    ///
    /// What the last caller left in the arena behind `mark` (bytes, values) is forgotten.
    pub(crate) fn change_caller(&mut self, template: &Template<'a>, lane: u32, mark: (usize, usize)) -> bool {
        let Some(ask) = template.ask(self.set, lane) else { return false };
        self.s.arena.bytes.truncate(mark.0);
        self.s.arena.values.truncate(mark.1);
        self.ask = ask;
        self.caller = Caller::nobody(&ask);
        self.take_principal(lane);
        if self.unit.resource.context.is_empty() {
            self.s.unit_epoch = self.s.next_epoch();
        } else if let Some(at) = self.entered.take() {
            self.enter(at);
        }
        true
    }
}
