//! Who calls: the request's principal together with what the world and the request's facts say of it.

use iamc_policy::arn::Arn;
use iamc_policy::principal::last_segment;
use iamc_policy::world::{GapKind, Role, User};
use iamc_policy::{AccountId, Principal, Request, World};

/// The kinds of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    User,
    RoleSession,
    FedUser,
    Service,
    FedIdp,
    Anonymous,
}

/// The caller of a request.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) kind: Kind,
    pub(crate) account: Option<AccountId>,
    /// The caller's own ARN, service name or provider; empty for anonymous callers.
    pub(crate) own: String,
    /// The ARN of the role behind a session or the user (or root) behind a federated user.
    pub(crate) base: Option<String>,
    /// Unique id of the user, or of the role behind a session, or of the user behind a federated user.
    pub(crate) unique_id: Option<String>,
    /// False: the name of the session is not known.
    pub(crate) session_known: bool,
    /// The record of the user, or of the user behind a federated user.
    pub(crate) user: Option<&'a User>,
    /// The record of the role behind a session.
    pub(crate) role: Option<&'a Role>,
    /// The federated user was made by a root user, who may do everything.
    pub(crate) base_is_root: bool,
    /// True iff the principal's policies are not in the inventory although they may exist.
    pub(crate) policies_unknown: bool,
    /// True iff the inventory should know the principal and does not.
    pub(crate) not_found: bool,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(world: &'a World, request: &'a Request) -> Caller<'a> {
        let principal = &request.principal;
        let facts = &request.facts;
        let mut caller = Caller {
            principal,
            kind: Kind::Anonymous,
            account: principal.account(),
            own: principal.to_string(),
            base: None,
            unique_id: None,
            session_known: !facts.session_unknown,
            user: None,
            role: None,
            base_is_root: false,
            policies_unknown: false,
            not_found: false,
        };
        match principal {
            Principal::Root { .. } => caller.kind = Kind::Root,
            Principal::User { account, .. } => {
                caller.kind = Kind::User;
                caller.set_user(world, *account, &principal.to_string());
            }
            Principal::RoleSession { partition, account, role, role_path_name, .. } => {
                caller.kind = Kind::RoleSession;
                let named = role_path_name
                    .as_ref()
                    .map(|path_name| format!("arn:{partition}:iam::{account}:role/{path_name}"))
                    .or_else(|| facts.role.as_ref().map(Arn::to_string));
                caller.role = find_role(world, partition, *account, role, named.as_deref());
                caller.base = Some(match (caller.role, named) {
                    (Some(role), _) => role.identity.arn.to_string(),
                    (None, Some(named)) => named,
                    // The path of a role that nobody has recorded is not known; role names are unique, and most
                    // roles have none.
                    (None, None) => format!("arn:{partition}:iam::{account}:role/{role}"),
                });
                caller.unique_id =
                    caller.role.and_then(|role| role.identity.unique_id.as_ref().map(ToString::to_string));
                caller.note_missing(world, *account, caller.role.is_none());
            }
            Principal::FederatedUser { account, .. } => {
                caller.kind = Kind::FedUser;
                match &facts.federated_user_base {
                    Some(Principal::Root { partition, account }) => {
                        caller.base_is_root = true;
                        caller.base = Some(format!("arn:{partition}:iam::{account}:root"));
                    }
                    Some(base) => {
                        caller.base = Some(base.to_string());
                        caller.set_user(world, *account, &base.to_string());
                    }
                    None => caller.note_missing(world, *account, true),
                }
            }
            Principal::Service(name) => {
                caller.kind = Kind::Service;
                caller.own = name.to_lowercase();
            }
            Principal::Federated(provider) | Principal::Saml(provider) => {
                caller.kind = Kind::FedIdp;
                caller.own = provider.to_string();
            }
            Principal::Anonymous => caller.own = String::new(),
        }
        if let Some(unique_id) = &facts.unique_id {
            caller.unique_id = Some(unique_id.clone());
        }
        caller
    }

    fn set_user(&mut self, world: &'a World, account: AccountId, arn: &str) {
        self.user = world.users.iter().find(|user| user.identity.arn.as_str() == arn);
        self.unique_id = self.user.and_then(|user| user.identity.unique_id.as_ref().map(ToString::to_string));
        self.note_missing(world, account, self.user.is_none());
    }

    /// a principal that the inventory does not list has unknown policies, unless the inventory claims to
    /// know all identities of that account.
    fn note_missing(&mut self, world: &World, account: AccountId, missing: bool) {
        self.not_found = missing;
        self.policies_unknown = missing && !identities_complete(world, account);
    }

    /// The name of an IAM user, without path.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match self.principal {
            Principal::User { path_name, .. } => Some(last_segment(path_name)),
            _ => None,
        }
    }

    /// a service-linked role is recognised by its path.
    pub(crate) fn is_service_linked_role(&self) -> bool {
        self.kind == Kind::RoleSession
            && self.base.as_deref().and_then(role_path_name).is_some_and(|path| path.starts_with("aws-service-role/"))
    }

    /// does a boundary limit the caller? `None`: not known.
    pub(crate) fn has_boundary(&self) -> Option<bool> {
        if self.policies_unknown {
            return None;
        }
        let identity = self.user.map(|user| &user.identity).or(self.role.map(|role| &role.identity));
        Some(identity.is_some_and(|identity| identity.boundary.is_some()))
    }
}

/// Path and name in a role's ARN: what stands behind `role/`.
pub(crate) fn role_path_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    resource.strip_prefix("role/")
}

/// True iff the world claims to list every user, group, role and policy of the account.
pub(crate) fn identities_complete(world: &World, account: AccountId) -> bool {
    world.assume_complete
        || (world.accounts.iter().any(|known| known.id == account)
            && !has_gap(world, GapKind::Identities, &account.to_string()))
}

/// True iff the world records that kind of gap for that subject, and gaps count.
pub(crate) fn has_gap(world: &World, kind: GapKind, subject: &str) -> bool {
    !world.assume_complete && world.gaps.iter().any(|gap| gap.kind == kind && gap.subject == subject)
}

/// The role of that ARN, or, where only the session is known, the role of that name (names are unique in an account).
fn find_role<'a>(
    world: &'a World,
    partition: &str,
    account: AccountId,
    name: &str,
    arn: Option<&str>,
) -> Option<&'a Role> {
    let account = account.to_string();
    world.roles.iter().find(|role| {
        let own = &role.identity.arn;
        match arn {
            Some(arn) => own.as_str() == arn,
            None => {
                own.partition() == partition
                    && own.account() == account
                    && role_path_name(own.as_str()).map(last_segment) == Some(name)
            }
        }
    })
}
