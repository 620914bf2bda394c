//! What is asked, borrowed: from a request, or from the names behind a row of ids.

use crate::bulk::who;
use crate::layout::{NONE, PRINCIPAL_AWS};
use crate::set::CompiledPolicySet;
use iamc_policy::request::{
    Context, Facts, GivenKeys, Mode, Request, RequestResource, ResourceInRequest, ThroughEndpoint,
};
use iamc_policy::{AccountId, Action, KeyState, Principal};
use std::fmt;

/// The caller as it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    Root { partition: &'a str, account: AccountId },
    User { partition: &'a str, account: AccountId, path_name: &'a str },
    RoleSession { partition: &'a str, account: AccountId, role: &'a str, path_name: Option<&'a str>, session: &'a str },
    FederatedUser { partition: &'a str, account: AccountId, name: &'a str },
    Service(&'a str),
    Federated(&'a str),
    Saml(&'a str),
    Anonymous,
}

impl<'a> Who<'a> {
    pub(crate) fn of(principal: &'a Principal) -> Who<'a> {
        match principal {
            Principal::Root { partition, account } => Who::Root { partition, account: *account },
            Principal::User { partition, account, path_name } => Who::User { partition, account: *account, path_name },
            Principal::RoleSession { partition, account, role, role_path_name, session } => {
                let path_name = role_path_name.as_deref();
                Who::RoleSession { partition, account: *account, role, path_name, session }
            }
            Principal::FederatedUser { partition, account, name } => {
                Who::FederatedUser { partition, account: *account, name }
            }
            Principal::Service(name) => Who::Service(name),
            Principal::Federated(provider) => Who::Federated(provider),
            Principal::Saml(provider) => Who::Saml(provider),
            Principal::Anonymous => Who::Anonymous,
        }
    }

    /// The same caller in a session of that name, if it is one of a role.
    pub(crate) fn in_session(self, name: &'a str) -> Who<'a> {
        match self {
            Who::RoleSession { partition, account, role, path_name, .. } => {
                Who::RoleSession { partition, account, role, path_name, session: name }
            }
            other => other,
        }
    }

    pub(crate) fn account(self) -> Option<AccountId> {
        match self {
            Who::Root { account, .. }
            | Who::User { account, .. }
            | Who::RoleSession { account, .. }
            | Who::FederatedUser { account, .. } => Some(account),
            _ => None,
        }
    }

    pub(crate) fn partition(self) -> Option<&'a str> {
        match self {
            Who::Root { partition, .. }
            | Who::User { partition, .. }
            | Who::RoleSession { partition, .. }
            | Who::FederatedUser { partition, .. } => Some(partition),
            _ => None,
        }
    }
}

/// The caller: as it is named, or as a row of the set, whose name few decisions read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asker<'a> {
    Named(Who<'a>),
    /// A user or role of the partition `aws`, in that account.
    Listed {
        set: &'a CompiledPolicySet,
        row: u32,
        account: AccountId,
        session: &'a str,
    },
}

impl<'a> Asker<'a> {
    /// The user with that row of `principals`, or a session of the role; `None`: its ARN is none of a caller's.
    pub(crate) fn listed(set: &'a CompiledPolicySet, row: u32, session: &'a str) -> Option<Asker<'a>> {
        let [flags, account, ..] = set.principal(row);
        let is_plain = flags & PRINCIPAL_AWS != 0 && account != NONE && set.path_start(row) == PATH_START;
        if !is_plain {
            return who(set, row, session).map(Asker::Named);
        }
        let account = AccountId::from_number(set.account_number(account))?;
        Some(Asker::Listed { set, row, account, session })
    }

    /// The caller by name.
    pub(crate) fn named(self) -> Who<'a> {
        match self {
            Asker::Named(who) => who,
            // Rows like this have a name: see `listed`.
            Asker::Listed { set, row, session, .. } => who(set, row, session).unwrap_or(Who::Anonymous),
        }
    }

    /// The same caller in a session of that name, if it is one of a role.
    pub(crate) fn in_session(self, name: &'a str) -> Asker<'a> {
        match self {
            Asker::Named(who) => Asker::Named(who.in_session(name)),
            Asker::Listed { set, row, account, .. } => Asker::Listed { set, row, account, session: name },
        }
    }

    pub(crate) fn account(self) -> Option<AccountId> {
        match self {
            Asker::Named(who) => who.account(),
            Asker::Listed { account, .. } => Some(account),
        }
    }

    pub(crate) fn partition(self) -> Option<&'a str> {
        match self {
            Asker::Named(who) => who.partition(),
            Asker::Listed { .. } => Some("aws"),
        }
    }
}

/// Where the path begins in the ARN of a user or role of the partition `aws`.
const PATH_START: u32 = "arn:aws:iam::123456789012:role/".len() as u32;

/// An action as it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionRef<'a> {
    /// In ASCII lower case.
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> ActionRef<'a> {
    pub(crate) fn of(action: &'a Action) -> ActionRef<'a> {
        ActionRef { service: action.service(), name: action.name() }
    }
}

impl fmt::Display for ActionRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.name)
    }
}

/// A resource as it is named, with what belongs to it alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceRef<'a> {
    /// `None`: the pseudo-resource.
    pub(crate) arn: Option<&'a str>,
    /// The owner that the caller of the engine gives.
    pub(crate) account: Option<AccountId>,
    pub(crate) context: &'a Context,
    /// Its row, where it was named by number.
    pub(crate) row: Option<u32>,
}

impl<'a> ResourceRef<'a> {
    pub(crate) fn of(resource: &'a ResourceInRequest) -> ResourceRef<'a> {
        let arn = match &resource.resource {
            RequestResource::Arn(arn) => Some(arn.as_str()),
            RequestResource::Star => None,
        };
        ResourceRef { arn, account: resource.account, context: &resource.context, row: None }
    }
}

impl fmt::Display for ResourceRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.arn.unwrap_or("*"))
    }
}

/// The action and the resources.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parts<'a> {
    Request(&'a Request),
    Row { action: ActionRef<'a>, resource: ResourceRef<'a> },
}

/// Everything that is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) who: Asker<'a>,
    pub(crate) facts: &'a Facts,
    pub(crate) context: &'a Context,
    pub(crate) given_keys: GivenKeys,
    pub(crate) mode: Mode,
    pub(crate) endpoint: &'a ThroughEndpoint,
    pub(crate) parts: Parts<'a>,
}

impl<'a> Ask<'a> {
    /// Looks at the texts of a request, which lie scattered in memory, so that misses of the cache overlap.
    pub(crate) fn read_ahead(&self) {
        let first = |text: &str| text.as_bytes().first().copied().unwrap_or(0);
        let Asker::Named(who) = self.who else { return };
        let named = match who {
            Who::Root { partition, .. } => first(partition),
            Who::User { partition, path_name, .. } => first(partition) ^ first(path_name),
            Who::RoleSession { partition, role, path_name, session, .. } => {
                first(partition) ^ first(role) ^ path_name.map_or(0, first) ^ first(session)
            }
            Who::FederatedUser { partition, name, .. } => first(partition) ^ first(name),
            Who::Service(name) | Who::Federated(name) | Who::Saml(name) => first(name),
            Who::Anonymous => 0,
        };
        let resource = self.resource(0).arn.map_or(0, first);
        let action = self.action();
        let mut sum = named ^ resource ^ first(action.service) ^ first(action.name);
        for (key, state) in self.context {
            sum ^= first(key.as_str());
            if let KeyState::Values(values) = state {
                sum = values.as_slice().iter().take(4).fold(sum, |sum, value| sum ^ first(value));
            }
        }
        std::hint::black_box(sum);
    }

    pub(crate) fn of(request: &'a Request) -> Ask<'a> {
        Ask {
            who: Asker::Named(Who::of(&request.principal)),
            facts: &request.facts,
            context: &request.context,
            given_keys: request.given_keys,
            mode: request.mode,
            endpoint: &request.endpoint,
            parts: Parts::Request(request),
        }
    }

    pub(crate) fn action(&self) -> ActionRef<'a> {
        match self.parts {
            Parts::Request(request) => ActionRef::of(&request.action),
            Parts::Row { action, .. } => action,
        }
    }

    pub(crate) fn n_resources(&self) -> usize {
        match self.parts {
            Parts::Request(request) => request.resources.len(),
            Parts::Row { .. } => 1,
        }
    }

    /// The resource with that position.
    pub(crate) fn resource(&self, at: usize) -> ResourceRef<'a> {
        match self.parts {
            Parts::Request(request) => ResourceRef::of(&request.resources[at]),
            Parts::Row { resource, .. } => resource,
        }
    }

    pub(crate) fn n_additional(&self) -> usize {
        match self.parts {
            Parts::Request(request) => request.additional.len(),
            Parts::Row { .. } => 0,
        }
    }

    /// The further action with that position, and its resource; rows have none.
    pub(crate) fn additional(&self, at: usize) -> (ActionRef<'a>, ResourceRef<'a>) {
        match self.parts {
            Parts::Request(request) => {
                let additional = &request.additional[at];
                (ActionRef::of(&additional.action), ResourceRef::of(&additional.resource))
            }
            Parts::Row { action, resource } => (action, resource),
        }
    }
}
