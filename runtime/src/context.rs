//! The context of a unit (section 5): what is derived, what is given, and what a key is otherwise.

use crate::actions::ActionFlags;
use crate::ask::Who;
use crate::caller::{Kind, account_id, digits};
use crate::eval::{Eval, Key, Whose};
use crate::keys::*;
use crate::layout::*;
use crate::scratch::{State, Text};
use iamc_catalogue::lists;
use iamc_policy::AccountId;
use iamc_policy::request::{Credential, GivenKeys, ThroughEndpoint};

/// Where an account lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In that organization, with the text of its path.
    Member {
        organization: u32,
        path: u32,
    },
    Outside,
    /// Not exported.
    Unknown,
}

/// Where the tags of a principal or a resource come from.
#[derive(Clone, Copy)]
enum Tags<'a> {
    Stated(&'a [(String, String)]),
    Recorded { first: u32, count: u32 },
}

impl<'a> Eval<'a> {
    // ---- the state of a key ----

    /// the declared cardinality; else the form in which the request gives the key.
    pub(crate) fn is_multi(&self, key: &Key<'_>) -> bool {
        match self.cardinality(key) {
            Cardinality::Single => false,
            Cardinality::Multi => true,
            Cardinality::Undeclared => matches!(self.given(key), Some(State::Values { many: true, .. })),
        }
    }

    /// the state of a key in this unit.
    pub(crate) fn state(&mut self, key: &Key<'_>) -> State {
        if key.id != NONE {
            let (stamp, state) = self.s.states[key.id as usize];
            if stamp == self.s.unit_epoch {
                return state;
            }
        }
        let state = match self.work_out(key) {
            // an empty list is absent.
            State::Values { count: 0, .. } => State::Absent,
            state => state,
        };
        if key.id != NONE {
            self.s.states[key.id as usize] = (self.s.unit_epoch, state);
        }
        state
    }

    fn work_out(&mut self, key: &Key<'_>) -> State {
        let given = self.given(key);
        if let Some(given) = given
            && self.ask.given_keys == GivenKeys::Pinned
        {
            return given;
        }
        match (given, self.derived(key)) {
            (Some(given), Some(derived)) => match (given, derived) {
                // The more precise of two states that do not conflict.
                (_, State::Unknown) | (State::Values { .. }, State::Present) => given,
                _ => derived,
            },
            (Some(state), None) | (None, Some(state)) => state,
            (None, None) => self.otherwise(key),
        }
    }

    /// What is not known in open mode is absent in closed mode.
    fn unknown_or_absent(&self) -> State {
        if self.open() { State::Unknown } else { State::Absent }
    }

    /// Table 5.2, column "derived from". `None`: not derived.
    pub(crate) fn derived(&mut self, key: &Key<'_>) -> Option<State> {
        match key.class {
            KeyClass::Special(id) => self.derived_special(id, key),
            KeyClass::PrincipalTag => self.principal_tag(key.tag),
            KeyClass::ResourceTag => self.resource_tag(key.tag),
            KeyClass::Oidc | KeyClass::Saml => self.federation_key(key),
            KeyClass::RequestTag | KeyClass::Other => None,
        }
    }

    fn derived_special(&mut self, id: u32, key: &Key<'_>) -> Option<State> {
        let caller = self.caller;
        let kind = caller.kind;
        let absent_unless = |possible: bool| (!possible).then_some(State::Absent);
        match id {
            PRINCIPAL_ARN => Some(match kind {
                Kind::RoleSession => caller.base.map_or(State::Absent, |base| self.one(base)),
                Kind::Root | Kind::User | Kind::FedUser => self.one(caller.own),
                Kind::Service | Kind::FedIdp | Kind::Anonymous => State::Absent,
            }),
            PRINCIPAL_ACCOUNT => match (caller.account, kind) {
                (Some(account), _) => Some(self.account_value(account)),
                (None, Kind::Anonymous) => Some(self.one_str("anonymous")),
                (None, _) => self.unless_given(key),
            },
            PRINCIPAL_ORG_ID => Some(self.organization_id(caller.account, caller.account_row)),
            PRINCIPAL_ORG_PATHS => Some(self.organization_paths(caller.account, caller.account_row)),
            PRINCIPAL_IS_AWS_SERVICE => Some(match kind {
                Kind::Anonymous | Kind::FedIdp => State::Absent,
                Kind::Service => self.one_str("true"),
                _ => self.one_str("false"),
            }),
            PRINCIPAL_SERVICE_NAME => Some(match kind {
                Kind::Service => self.one(caller.own),
                _ => State::Absent,
            }),
            PRINCIPAL_SERVICE_NAMES_LIST => absent_unless(kind == Kind::Service),
            PRINCIPAL_TYPE => match kind {
                Kind::Root => Some(self.one_str("Account")),
                Kind::User => Some(self.one_str("User")),
                Kind::FedUser => Some(self.one_str("FederatedUser")),
                Kind::RoleSession => Some(self.one_str("AssumedRole")),
                Kind::Anonymous => Some(self.one_str("Anonymous")),
                Kind::Service | Kind::FedIdp => self.unless_given(key),
            },
            USER_ID => self.user_id(),
            USER_NAME => Some(match self.ask.who.named() {
                Who::User { path_name, .. } => {
                    self.one_str(path_name.rsplit_once('/').map_or(path_name, |(_, name)| name))
                }
                _ => State::Absent,
            }),
            ASSUMED_ROOT => Some(match kind {
                Kind::Root if self.ask.facts.assumed_root => self.one_str("true"),
                _ => State::Absent,
            }),
            FEDERATED_PROVIDER if kind == Kind::FedIdp => Some(match self.ask.who.named() {
                Who::Federated(_) => self.one(caller.own),
                _ => State::Absent,
            }),
            _ if is_session_origin(id) => absent_unless(kind == Kind::RoleSession),
            TOKEN_ISSUE_TIME | SIGN_IN_SESSION | CHATBOT_SOURCE => {
                absent_unless(!matches!(kind, Kind::Service | Kind::FedIdp | Kind::Anonymous))
            }
            MFA_AGE | MFA_PRESENT => absent_unless(match kind {
                Kind::Root | Kind::User => true,
                Kind::RoleSession => !self.is_federated_session(),
                _ => false,
            }),
            SOURCE_IP | SOURCE_VPCE | SOURCE_VPC | VPC_SOURCE_IP | SOURCE_VPC_ARN | VPCE_ACCOUNT | VPCE_ORG_PATHS
            | VPCE_ORG_ID => self.network_key(id),
            RESOURCE_ACCOUNT | RESOURCE_ORG_ID | RESOURCE_ORG_PATHS => self.owner_key(id, key),
            CALLED_VIA_FIRST | CALLED_VIA_LAST => match self.given_special(CALLED_VIA) {
                Some(State::Values { count: 0, .. }) => None,
                Some(State::Values { first, count, .. }) => {
                    let at = if id == CALLED_VIA_FIRST { first } else { first + count - 1 };
                    let value = self.value(at);
                    Some(self.one(value))
                }
                Some(State::Absent) => Some(State::Absent),
                _ => None,
            },
            // in open mode only: a closed request says for itself what it carries.
            SOURCE_ARN | SOURCE_ACCOUNT | SOURCE_ORG_ID | SOURCE_ORG_PATHS => {
                absent_unless(!self.open() || kind == Kind::Service || self.given(key).is_some())
            }
            //
            STS_DURATION | STS_SERVICE_NAME => absent_unless(!self.unit.has(ActionFlags::ASSUME_ROLE_ANY)),
            SAML_NAME_QUALIFIER | SAML_SUB | SAML_SUB_TYPE => self.federation_key(key),
            _ => None,
        }
    }

    /// a value that nobody knows is not derived where the caller of the engine gives it.
    fn unless_given(&self, key: &Key<'_>) -> Option<State> {
        self.given(key).is_none().then(|| self.unknown_or_absent())
    }

    fn account_value(&mut self, account: AccountId) -> State {
        let text = self.s.arena.push(&digits(account.number()));
        self.one(text)
    }

    ///
    fn user_id(&mut self) -> Option<State> {
        let caller = self.caller;
        match (self.ask.who.named(), caller.unique_id) {
            (Who::Root { account, .. }, _) => Some(self.account_value(account)),
            (Who::User { .. }, Some(unique_id)) => Some(self.one(unique_id)),
            (Who::FederatedUser { account, name, .. }, _) => {
                let text = self.s.arena.concat(&[&digits(account.number()), b":", name.as_bytes()]);
                Some(self.one(text))
            }
            (Who::RoleSession { session, .. }, Some(unique_id)) if caller.session_known => {
                self.s.batch.note_session();
                let start = self.s.arena.bytes.len();
                let arena = &mut self.s.arena;
                arena.append(self.set, unique_id);
                arena.bytes.push(b':');
                arena.bytes.extend_from_slice(session.as_bytes());
                let len = arena.bytes.len() - start;
                Some(self.one(Text::Buffer { start, len }))
            }
            (Who::RoleSession { .. }, Some(_)) => Some(State::Present),
            (Who::Anonymous, _) => Some(self.one_str("anonymous")),
            _ => None,
        }
    }

    // ---- tags ----

    /// 5.2: stated tags win, then those of the session, then those of the user or role.
    fn principal_tag(&mut self, tag: &[u8]) -> Option<State> {
        let caller = self.caller;
        if matches!(caller.kind, Kind::Service | Kind::FedIdp | Kind::Anonymous) {
            return Some(State::Absent);
        }
        let stated = self.ask.facts.principal_tags.as_deref();
        if let Some(state) = stated.and_then(|tags| self.tag(Tags::Stated(tags), tag)) {
            return Some(state);
        }
        let Some(record) = caller.record else {
            let none_exist = caller.kind == Kind::Root || caller.base_is_root;
            return (none_exist || stated.is_some()).then_some(State::Absent);
        };
        let [.., first, count, first_session, n_session, _, _, _, _, _] = self.set.principal(record);
        if caller.kind == Kind::RoleSession
            && let Some(state) = self.tag(Tags::Recorded { first: first_session, count: n_session }, tag)
        {
            return Some(state);
        }
        if count == NONE {
            return stated.map(|_| State::Absent);
        }
        Some(self.tag(Tags::Recorded { first, count }, tag).unwrap_or(State::Absent))
    }

    /// 5.2: tags of the resource itself; if they are known at all, a missing tag is absent.
    fn resource_tag(&mut self, tag: &[u8]) -> Option<State> {
        let Some(arn) = self.unit.arn else { return Some(State::Absent) };
        let of_resource = || {
            let [_, _, _, _, first, count, ..] = self.set.resource(self.unit.record?);
            (count != NONE).then_some(Tags::Recorded { first, count })
        };
        let of_principal = || {
            let row = self.set.find_principal(arn.as_bytes())?;
            let [.., first, count, _, _, _, _, _, _, _] = self.set.principal(row);
            (count != NONE).then_some(Tags::Recorded { first, count })
        };
        let stated = self.ask.facts.resource_tags.as_deref().map(Tags::Stated);
        let tags = stated.or_else(of_resource).or_else(of_principal)?;
        Some(self.tag(tags, tag).unwrap_or(State::Absent))
    }

    /// the state of the key that stands for a tag; `None`: there is no such tag.
    fn tag(&mut self, tags: Tags<'a>, canonical: &[u8]) -> Option<State> {
        let set = self.set;
        let n = match tags {
            Tags::Stated(tags) => tags.len(),
            Tags::Recorded { count, .. } => count as usize,
        };
        let value = |at: usize| -> Option<&'a [u8]> {
            match tags {
                Tags::Stated(tags) => {
                    let (name, value) = &tags[at];
                    let lower = name.chars().flat_map(char::to_lowercase);
                    let same = lower.eq(std::str::from_utf8(canonical).unwrap_or_default().chars());
                    same.then_some(value.as_bytes())
                }
                Tags::Recorded { first, count } => {
                    let [name, value, _] = set.tags(first, count)[at];
                    (set.string(name) == canonical).then(|| set.string(value))
                }
            }
        };
        let mut values = (0..n).filter_map(value);
        let first = values.next()?;
        let (mut differ, mut some_empty) = (false, first.is_empty());
        for value in values {
            differ |= value != first;
            some_empty |= value.is_empty();
        }
        if !differ {
            let text = self.s.arena.push(first);
            return Some(self.one(text));
        }
        Some(if some_empty { State::Unknown } else { State::Present })
    }

    // ---- organizations ----

    /// The place of an account, which has a row or not.
    pub(crate) fn place(&self, row: Option<u32>) -> Place {
        let Some(row) = row else {
            return if self.set.places_unknown() { Place::Unknown } else { Place::Outside };
        };
        let [flags, organization, path, ..] = self.set.account(row);
        match (flags & ACCOUNT_PLACE_UNKNOWN != 0, organization) {
            (true, _) => Place::Unknown,
            (false, NONE) => Place::Outside,
            (false, organization) => Place::Member { organization, path },
        }
    }

    fn organization_id(&mut self, account: Option<AccountId>, row: Option<u32>) -> State {
        match account.map(|_| self.place(row)) {
            Some(Place::Member { organization, .. }) => {
                let [id, _] = self.set.organizations()[organization as usize];
                self.one(Text::String(id))
            }
            Some(Place::Unknown) => self.unknown_or_absent(),
            Some(Place::Outside) | None => State::Absent,
        }
    }

    fn organization_paths(&mut self, account: Option<AccountId>, row: Option<u32>) -> State {
        match account.map(|_| self.place(row)) {
            Some(Place::Member { path, .. }) => self.list(Text::String(path)),
            Some(Place::Unknown) => self.unknown_or_absent(),
            Some(Place::Outside) | None => State::Absent,
        }
    }

    /// 5.2 (resource), R-5.9, R-5.10.
    fn owner_key(&mut self, id: u32, key: &Key<'_>) -> Option<State> {
        if self.unit.has(ActionFlags::NO_RESOURCE_ACCOUNT) {
            return Some(State::Absent);
        }
        let (owner, row) = (self.unit.owner(), self.unit.owner_row);
        // "Some" cross-account PutEvents lack the keys.
        if self.unit.has(ActionFlags::PUT_EVENTS) && self.caller.account != owner {
            return (self.open() && self.given(key).is_none()).then_some(State::Unknown);
        }
        Some(match id {
            RESOURCE_ACCOUNT => owner.map_or(State::Absent, |owner| self.account_value(owner)),
            RESOURCE_ORG_ID => self.organization_id(owner, row),
            _ => self.organization_paths(owner, row),
        })
    }

    // ---- network: 5.2, R-5.14, C.2, C.3 ----

    /// The row of the request's endpoint.
    pub(crate) fn endpoint(&self) -> Option<[u32; ENDPOINT_ROW]> {
        match self.ask.endpoint {
            ThroughEndpoint::None => None,
            ThroughEndpoint::Id(id) => self.set.find_endpoint(id.as_bytes()),
        }
    }

    fn network_key(&mut self, id: u32) -> Option<State> {
        if id == SOURCE_IP {
            // For services, and where FAS leaves an endpoint behind, both keys may be absent.
            let through = *self.ask.endpoint != ThroughEndpoint::None
                || (self.given_present(SOURCE_VPCE) && self.caller.kind != Kind::Service);
            return through.then_some(State::Absent);
        }
        let supplied = match id {
            SOURCE_VPC_ARN => self.unit.has(ActionFlags::SOURCE_VPC_ARN),
            VPCE_ACCOUNT | VPCE_ORG_PATHS => self.unit.has(ActionFlags::VPCE_ACCOUNT),
            VPCE_ORG_ID => self.unit.has(ActionFlags::VPCE_ORG_ID),
            _ => true,
        };
        let none_used = self.given_present(SOURCE_IP)
            || (id != SOURCE_VPCE && self.given_special(SOURCE_VPCE) == Some(State::Absent));
        if !supplied || none_used {
            return Some(State::Absent);
        }
        if let (SOURCE_VPCE, ThroughEndpoint::Id(endpoint)) = (id, self.ask.endpoint) {
            return Some(self.one_str(endpoint));
        }
        let [_, account_row, vpc, ..] = self.endpoint()?;
        let account = account_id(&digits(self.set.account_number(account_row)));
        match id {
            SOURCE_VPC if vpc != NONE => Some(self.one(Text::String(vpc))),
            VPCE_ACCOUNT => account.map(|account| self.account_value(account)),
            VPCE_ORG_ID => Some(self.organization_id(account, Some(account_row))),
            VPCE_ORG_PATHS => Some(self.organization_paths(account, Some(account_row))),
            _ => None,
        }
    }

    // ---- federation, R-5.18 ----

    fn is_federated_session(&self) -> bool {
        [FEDERATED_PROVIDER, SAML_NAME_QUALIFIER, SAML_SUB, SAML_SUB_TYPE].into_iter().any(|id| self.given_present(id))
    }

    /// OIDC and SAML keys are there during federation; few of them continue into the session.
    fn federation_key(&self, key: &Key<'_>) -> Option<State> {
        if !self.open() || self.given(key).is_some() {
            return None;
        }
        let name = std::str::from_utf8(key.text).unwrap_or_default();
        let saml = name.starts_with("saml:");
        let possible = match self.ask.who.named() {
            Who::Federated(_) => !saml,
            Who::Saml(_) => saml,
            Who::RoleSession { .. } if saml => lists::SAML_SESSION_KEYS.contains(&name),
            Who::RoleSession { .. } => {
                oidc_ending(name).is_some_and(|ending| lists::OIDC_SESSION_KEY_ENDINGS.contains(&ending))
            }
            _ => false,
        };
        (!possible).then_some(State::Absent)
    }

    // ---- neither derived nor given, R-5.13 ----

    fn otherwise(&mut self, key: &Key<'_>) -> State {
        if key.class == KeyClass::Special(MFA_PRESENT) {
            return self.multi_factor();
        }
        if !self.open() {
            return State::Absent;
        }
        match key.class {
            KeyClass::Special(
                CURRENT_TIME | EPOCH_TIME | USER_AGENT | SECURE_TRANSPORT | REQUESTED_REGION | VIA_AWS_SERVICE,
            ) => State::Present,
            _ if self.is_foreign_to_action(key) => State::Absent,
            _ => State::Unknown,
        }
    }

    fn multi_factor(&mut self) -> State {
        let temporary = |eval: &mut Self| if eval.open() { State::Present } else { eval.one_str("false") };
        match self.caller.kind {
            // A session of which the request says that it may be federated may lack the key, in both modes.
            Kind::RoleSession if self.given_special(FEDERATED_PROVIDER) == Some(State::Unknown) => State::Unknown,
            Kind::RoleSession => temporary(self),
            _ if self.ask.facts.credential == Some(Credential::SessionToken) => temporary(self),
            // Nobody said whether the keys of the user are long-term ones.
            _ if self.open() => State::Unknown,
            Kind::User => match self.given_special(VIA_AWS_SERVICE) {
                Some(State::Values { first, count: 1, .. }) if self.value_bytes(first) == b"true" => {
                    self.one_str("false")
                }
                Some(State::Unknown | State::Present) => State::Unknown,
                _ if self.given_present(CALLED_VIA) => self.one_str("false"),
                _ => State::Absent,
            },
            _ => State::Absent,
        }
    }

    /// a key of the action's own service that the tables list neither for it nor for its resource types.
    fn is_foreign_to_action(&self, key: &Key<'_>) -> bool {
        let action = self.unit.action;
        let Some(rest) = key.text.strip_prefix(action.service.as_bytes()) else { return false };
        if !rest.starts_with(b":") || matches!(key.class, KeyClass::Special(id) if is_session_origin(id)) {
            return false;
        }
        if !self.unit.has(ActionFlags::KNOWN) {
            return false;
        }
        let position = self.unit.spec.action.position;
        if let Some(bits) = key.bits
            && position != NONE
        {
            return !self.set.lists_key(bits, position);
        }
        let facts = self.set.catalogue().action(action.service, action.name);
        let name = std::str::from_utf8(key.text).unwrap_or_default();
        facts.is_some_and(|facts| !facts.lists_key(name))
    }

    /// The state of a variable or key of some table, for whoever prints it.
    pub(crate) fn state_of(&mut self, whose: Whose, id: u32) -> State {
        let key = self.key(whose, id);
        self.state(&key)
    }
}
