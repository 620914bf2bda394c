//! Decisions by number: for inventories and logs, where names were looked up once and millions of rows follow.

use crate::ask::{ActionRef, Ask, Asker, Parts, ResourceRef, Who};
use crate::caller::Kind;
use crate::eval::{ActionIds, Eval};
use crate::layout::{ACCOUNT_ROW, NONE, PRINCIPAL_ROLE};
use crate::programs::Program;
use crate::refusal::Refusal;
use crate::scratch::{Scratch, Text};
use crate::set::CompiledPolicySet;
use iamc_catalogue::ActionId as CatalogueId;
use iamc_policy::request::{Context, Facts, GivenKeys, Mode, ThroughEndpoint};
use iamc_policy::{AccountId, Decision, Outcomes};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The number, dense from 0. It means something within one set only.
            pub fn get(self) -> u32 {
                self.0
            }

            /// The id with this number. One that the set does not have is refused where it is used.
            pub fn new(number: u32) -> $name {
                $name(number)
            }
        })*
    };
}

ids!(
    /// A user or role of a set. Principals are numbered account by account.
    PrincipalId,
    /// An action of the catalogue in a set.
    ActionId,
    /// A resource of a set.
    ResourceId,
);

/// A decision in one byte: the set of possible outcomes in bits 0 to 2, of which one alone is a definite decision; or,
/// in bits 3 to 7, why the request cannot be decided ([`Refusal`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionCode(u8);

impl DecisionCode {
    /// `Allow`.
    pub const ALLOW: DecisionCode = DecisionCode(1);
    /// `ExplicitDeny`.
    pub const EXPLICIT_DENY: DecisionCode = DecisionCode(2);
    /// `ImplicitDeny`.
    pub const IMPLICIT_DENY: DecisionCode = DecisionCode(4);
    /// The request is not well-formed, and nobody said why; [`crate::decide()`] of the same request does.
    pub const REFUSED: DecisionCode = DecisionCode(0);

    /// The code of a decision.
    pub fn of(decision: Decision) -> DecisionCode {
        let Outcomes { allow, explicit_deny, implicit_deny } = decision.outcomes();
        DecisionCode(u8::from(allow) | u8::from(explicit_deny) << 1 | u8::from(implicit_deny) << 2)
    }

    /// The code of a request that cannot be decided.
    pub const fn refused(why: Refusal) -> DecisionCode {
        DecisionCode(why.number() << 3)
    }

    /// Why there is no decision; `None`: there is one, or nobody said why.
    pub fn refusal(self) -> Option<Refusal> {
        if self.0 & 7 == 0 { Refusal::from_number(self.0 >> 3) } else { None }
    }

    /// The code with these bits; `None`: there is no such code.
    pub fn from_bits(bits: u8) -> Option<DecisionCode> {
        let known = bits < 8 || (bits & 7 == 0 && Refusal::from_number(bits >> 3).is_some());
        known.then_some(DecisionCode(bits))
    }

    /// The byte: below 8 for decisions.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The decision; `None`: refused.
    pub fn decision(self) -> Option<Decision> {
        Some(match self {
            DecisionCode(bits) if bits & 7 == 0 => return None,
            DecisionCode::ALLOW => Decision::Allow,
            DecisionCode::EXPLICIT_DENY => Decision::ExplicitDeny,
            DecisionCode::IMPLICIT_DENY => Decision::ImplicitDeny,
            DecisionCode(bits) => Decision::Conditional(Outcomes {
                allow: bits & 1 != 0,
                explicit_deny: bits & 2 != 0,
                implicit_deny: bits & 4 != 0,
            }),
        })
    }
}

/// What many rows have in common: key states, mode, endpoint and facts.
///
/// It is noted in a [`Scratch`] once and stays there as long as rows with the same context follow.
#[derive(Debug, Clone)]
pub struct PreparedContext {
    /// Different for each one that was made, so that a scratch knows it again.
    pub(crate) id: u64,
    pub(crate) context: Context,
    pub(crate) mode: Mode,
    pub(crate) given_keys: GivenKeys,
    pub(crate) endpoint: ThroughEndpoint,
    pub(crate) facts: Facts,
    pub(crate) session: String,
}

pub(crate) static NO_KEYS: LazyLock<Context> = LazyLock::new(Context::new);

impl PreparedContext {
    /// Key states for rows that pass through no endpoint, without facts, sessions of roles being named `session`.
    pub fn new(context: Context, mode: Mode) -> PreparedContext {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        PreparedContext {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            context,
            mode,
            given_keys: GivenKeys::default(),
            endpoint: ThroughEndpoint::None,
            facts: Facts::default(),
            session: "session".to_owned(),
        }
    }

    /// The same with an endpoint.
    pub fn through(self, endpoint: ThroughEndpoint) -> PreparedContext {
        PreparedContext { endpoint, ..self.anew() }
    }

    /// The same with facts; those about one principal or resource hold for every row.
    pub fn with_facts(self, facts: Facts) -> PreparedContext {
        PreparedContext { facts, ..self.anew() }
    }

    /// The same with another name for the sessions of roles.
    pub fn with_session_name(self, session: impl Into<String>) -> PreparedContext {
        PreparedContext { session: session.into(), ..self.anew() }
    }

    /// The same with given keys that win over derived ones.
    pub fn with_given_keys(self, given_keys: GivenKeys) -> PreparedContext {
        PreparedContext { given_keys, ..self.anew() }
    }

    fn anew(self) -> PreparedContext {
        PreparedContext { id: PreparedContext::new(Context::new(), Mode::Closed).id, ..self }
    }
}

impl CompiledPolicySet {
    /// The user or role with this ARN.
    pub fn principal_id(&self, arn: &str) -> Option<PrincipalId> {
        self.find_principal(arn.as_bytes()).map(PrincipalId)
    }

    /// The action `service:Name` of the catalogue, without regard to ASCII case.
    pub fn action_id(&self, action: &str) -> Option<ActionId> {
        let lower = action.to_ascii_lowercase();
        let service = self.find_service(lower.split(':').next()?.as_bytes())?;
        if !lower.contains(':') {
            return None;
        }
        self.find_action(service, lower.as_bytes()).map(ActionId)
    }

    /// The resource with this ARN. Resources that policies only name by patterns are not listed: ask by text.
    pub fn resource_id(&self, arn: &str) -> Option<ResourceId> {
        self.find_resource(arn.as_bytes()).map(ResourceId)
    }

    /// The ARN of a user or role; `None`: no such id.
    pub fn principal_arn(&self, id: PrincipalId) -> Option<&str> {
        (id.0 < self.n_principals()).then(|| self.text(self.principal(id.0)[2]))
    }

    /// The ARN of a resource; `None`: no such id.
    pub fn resource_arn(&self, id: ResourceId) -> Option<&str> {
        (id.0 < self.n_resources()).then(|| self.text(self.resource(id.0)[0]))
    }
}

/// Decides one row: may this user, or a session of this role, do this to that resource (`None`: to `*`)?
///
/// The same as [`crate::decide()`] of the request that the names make. Ids that the set does not have are refused
/// ([`Refusal::UnknownId`]).
///
/// Panics: never. Cost: that of [`crate::decide()`] without looking up principal and action by name; no heap
/// allocation once `scratch` has grown.
pub fn decide_ids(
    set: &CompiledPolicySet,
    principal: PrincipalId,
    action: ActionId,
    resource: Option<ResourceId>,
    context: &PreparedContext,
    scratch: &mut Scratch,
) -> DecisionCode {
    if principal.0 >= set.n_principals() || resource.is_some_and(|resource| resource.0 >= set.n_resources()) {
        return DecisionCode::refused(Refusal::UnknownId);
    }
    let unknown = DecisionCode::refused(Refusal::UnknownId);
    let Some(facts) = set.catalogue().action_by_id(CatalogueId::new(action.0)) else { return unknown };
    let service = set.service_of_action(action.0);
    if service == NONE {
        return unknown;
    }
    read_ahead(set, principal.0, resource.map(ResourceId::get), Some(service));
    let Some(who) = Asker::listed(set, principal.0, &context.session) else { return unknown };
    let named = ActionRef { service: set.service_name(service), name: facts.name() };
    let arn = resource.map(|resource| set.text(set.resource(resource.0)[0]));
    let ask = Ask {
        who,
        facts: &context.facts,
        context: &context.context,
        given_keys: context.given_keys,
        mode: context.mode,
        endpoint: &context.endpoint,
        parts: Parts::Row {
            action: named,
            resource: ResourceRef { arn, account: None, context: &NO_KEYS, row: resource.map(ResourceId::get) },
        },
    };
    let noted = scratch.begin_row(set, context.id);
    let mut eval = Eval::new(set, ask, None, scratch);
    if !noted {
        eval.note_request_keys();
        let by_id = eval.s.given.iter().all(|given| given.id != NONE);
        eval.s.batch.begin_single(set, by_id, context.mode);
        eval.s.keep_row_prefix(set, context.id);
    }
    eval.take_principal(principal.0);
    let ids = eval.ids_of(action.0, service, named.name);
    let decision = eval.find_units_of(ids).and_then(|()| eval.check_units()).and_then(|()| eval.decide());
    decision.map_or_else(|error| DecisionCode::refused(Refusal::of(&error)), DecisionCode::of)
}

/// Policies that are read ahead.
const AHEAD: usize = 8;

/// Reads ahead what a decision will read, one step of the way for all of it before the next: misses of the cache then
/// overlap, where the decision would wait for each by itself. Of policies only those are read that are about the service,
/// where it is known.
pub(crate) fn read_ahead(set: &CompiledPolicySet, principal: u32, resource: Option<u32>, service: Option<u32>) {
    let [_, account, _, _, boundary, first, count, ..] = set.principal(principal);
    let of_resource = resource.map(|resource| set.resource(resource));
    let [flags, _, _, scps, _] = if account == NONE { [NONE; ACCOUNT_ROW] } else { set.account(account) };
    let mut sum = flags;
    // The resource's text, and what is attached.
    let text = of_resource.map_or(&[][..], |row| set.string(row[0]));
    let programs = set.programs();
    let mut ahead = [None; AHEAD + 3];
    for (ahead, program) in ahead.iter_mut().zip(programs.of_attachments(first, count.min(AHEAD as u32))) {
        *ahead = Some(*program);
    }
    let of_instance = |instance: u32| (instance != NONE).then(|| programs.of_instance(instance));
    ahead[AHEAD] = of_instance(boundary);
    ahead[AHEAD + 1] = of_resource.and_then(|row| of_instance(row[2]));
    ahead[AHEAD + 2] = if scps == NONE { None } else { programs.of_guardrail_set(scps).denies };
    sum ^= u32::from(text.first().copied().unwrap_or(0));
    let is_read = |program: &Program| service.is_none_or(|service| program.is_about(service));
    for program in ahead.into_iter().flatten().filter(is_read) {
        sum ^= programs.read_ahead(set.tables(), program, service);
    }
    std::hint::black_box(sum);
}

/// The caller behind a row of `principals`; `None`: its ARN is none of a caller's.
pub(crate) fn who<'a>(set: &'a CompiledPolicySet, row: u32, session: &'a str) -> Option<Who<'a>> {
    let [flags, account, arn, ..] = set.principal(row);
    if account == NONE {
        return None;
    }
    let account = AccountId::from_number(set.account_number(account))?;
    let path_name = set.path_name(row);
    // What stands between the partition and the path has the same length for users and roles of all accounts.
    let arn = set.text(arn);
    let end = (arn.len() - path_name.len()).checked_sub(":iam::123456789012:role/".len())?;
    let partition = arn.get("arn:".len()..end)?;
    Some(if flags & PRINCIPAL_ROLE == 0 {
        Who::User { partition, account, path_name }
    } else {
        let role = path_name.bytes().rposition(|byte| byte == b'/').map_or(path_name, |slash| &path_name[slash + 1..]);
        Who::RoleSession { partition, account, role, path_name: Some(path_name), session }
    })
}

impl Eval<'_> {
    /// The caller is the user with that row, or a session of the role with that row.
    pub(crate) fn take_principal(&mut self, row: u32) {
        let [flags, account, arn, ..] = self.set.principal(row);
        self.caller.account_row = Some(account);
        if flags & PRINCIPAL_ROLE != 0 {
            self.caller.kind = Kind::RoleSession;
            // Few policies name sessions, so its own ARN is written when one asks for it.
            self.caller.own_is_written = false;
            self.caller.base = Some(Text::String(arn));
        } else {
            self.caller.kind = Kind::User;
            self.caller.own = Text::String(arn);
        }
        self.take_record(Some(row));
        self.take_facts();
    }

    pub(crate) fn ids_of(&mut self, action: u32, service: u32, name: &str) -> ActionIds {
        let flags = self.set.action_flags(action);
        // Session policies have tables of their own, in which actions are compared by name.
        let name = if self.session.is_some() {
            let start = self.s.arena.bytes.len();
            let name = self.s.arena.push(name.as_bytes());
            self.s.arena.bytes[start..].make_ascii_lowercase();
            name
        } else {
            Text::EMPTY
        };
        ActionIds { service, position: self.set.position(service, action), flags, name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_decisions() {
        for bits in 1..8 {
            let code = DecisionCode(bits);
            assert_eq!(DecisionCode::of(code.decision().unwrap()), code);
        }
        assert_eq!(DecisionCode::REFUSED.decision(), None);
        assert_eq!(DecisionCode::of(Decision::Allow), DecisionCode::ALLOW);
    }

    #[test]
    fn ids_of_another_set_are_refused() {
        let set = CompiledPolicySet::from_tables(crate::testing::minimal()).unwrap();
        let mut scratch = Scratch::new(&set);
        let context = PreparedContext::new(Context::new(), Mode::Closed);
        let code = decide_ids(&set, PrincipalId(0), ActionId(0), None, &context, &mut scratch);
        assert_eq!(code, DecisionCode::refused(Refusal::UnknownId));
        assert_eq!(code.decision(), None);
        assert_eq!(set.principal_arn(PrincipalId(0)), None);
        assert_eq!(set.action_id("s3:GetObject"), None);
    }
}
