//! What the engine is compared with: a fair evaluator without any index.
//!
//! Policies are lowered once, as anybody would: patterns are cut into pieces, values of conditions read, action names put
//! into lower case. Each user and role has a flat list of the statements of its policies, groups' included; an account
//! one of the SCPs of each level and one of its RCPs; a resource that of its policy. A decision visits *every* statement
//! of the policies that apply, up to the first explicit deny, and counts them.
//!
//! It is written from docs/semantics.md for the subset that the requests of a corpus use, and shares nothing with the
//! engines but parsed policies and the catalogue. What it does not know it refuses ([`Outside`]): it never guesses.
//! `tests/naive_equals_reference.rs` compares it with the reference.

mod build;
mod condition;
mod keys;
mod pattern;
mod statement;

use iamc_catalogue::{Catalogue, lists};
use iamc_policy::request::{Facts, GivenKeys, RequestResource, ThroughEndpoint, Values};
use iamc_policy::{AccountId, Decision, KeyState, Mode, Principal, Request, World};
use keys::{Keys, Place, Tags};
use statement::{Caller, Levels, Lowered, Subject};
use std::collections::HashMap;
use std::fmt::Write;

/// A world or request is outside the subset; the text says what it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside(pub &'static str);

/// Positions in [`Naive::statements`].
type List = Box<[u32]>;

/// A lowered world.
#[derive(Debug)]
pub struct Naive {
    statements: Vec<Lowered>,
    principals: Vec<PrincipalRow>,
    /// Users and roles by ARN.
    by_arn: HashMap<String, u32>,
    /// Roles by account and name.
    by_role: HashMap<(AccountId, String), u32>,
    accounts: HashMap<AccountId, AccountRow>,
    resources: HashMap<String, ResourceRow>,
    /// Actions of the catalogue, `service:name` in lower case.
    actions: HashMap<String, ActionRow>,
}

/// A user or role.
#[derive(Debug)]
struct PrincipalRow {
    arn: String,
    is_role: bool,
    account: AccountId,
    account_text: String,
    partition: String,
    unique_id: Option<String>,
    name: String,
    tags: Tags,
    identity: List,
    boundary: Option<List>,
    /// Of a role.
    trust: List,
    service_linked: bool,
}

/// An account of an organization.
#[derive(Debug)]
struct AccountRow {
    place: Place,
    /// One list a level; empty where no SCP applies.
    scps: Vec<List>,
    rcps: List,
}

/// A resource that the world lists.
#[derive(Debug)]
struct ResourceRow {
    account: Option<AccountId>,
    policy: Option<List>,
    tags: Tags,
}

/// Facts about an action.
#[derive(Debug, Clone, Copy)]
struct ActionRow {
    /// It acts on a resource, so `*` is refused.
    needs_resource: bool,
    /// It has no resource type.
    wildcard_only: bool,
}

/// A request, everything about it looked up: what is left to do is to visit statements.
#[derive(Debug)]
pub struct Prepared<'n> {
    caller: Caller<'n>,
    row: &'n PrincipalRow,
    keys: Keys<'n>,
    /// `service:name` in lower case.
    action: String,
    /// `None`: the pseudo-resource.
    resource: Option<String>,
    same_account: bool,
    mandatory: bool,
    scps: &'n [List],
    rcps: &'n [u32],
    resource_policy: &'n [u32],
    /// A gate that is no policy is closed.
    gate_closed: bool,
    /// Decided before any policy is asked, or refused.
    settled: Option<Answer>,
}

/// What comes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// `None`: the request is not well-formed.
    pub decision: Option<Decision>,
    /// Statements that were visited.
    pub n_visited: usize,
}

impl Naive {
    /// Finds the caller, the owner of the resource, and which policies apply.
    ///
    /// # Errors
    /// The request uses something outside the subset: open mode, an endpoint, session policies, facts, several
    /// resources, other callers than listed users and role sessions, other keys than those the corpus gives, an action
    /// that has rules of its own. Cost: some lookups by text.
    pub fn prepare<'n>(&'n self, request: &'n Request) -> Result<Prepared<'n>, Outside> {
        let Request { principal, action, resources, additional, context, given_keys, mode, facts, session, endpoint } =
            request;
        if *mode != Mode::Closed || *given_keys != GivenKeys::Checked || *endpoint != ThroughEndpoint::None {
            return Err(Outside("open mode, pinned keys or an endpoint"));
        }
        if session.is_some() || !additional.is_empty() || *facts != Facts::default() {
            return Err(Outside("session policies, additional actions or facts"));
        }
        let [asked] = resources.as_slice() else { return Err(Outside("several resources")) };
        if !asked.context.is_empty() {
            return Err(Outside("keys of a resource"));
        }
        for (key, state) in context {
            const KEYS: [&str; 5] =
                ["aws:requestedregion", "aws:securetransport", "aws:sourceip", "aws:useragent", "s3:tlsversion"];
            if !KEYS.contains(&key.as_str()) || !matches!(state, KeyState::Values(Values::One(_))) {
                return Err(Outside("a key that the corpus does not give"));
            }
        }
        let mut text = String::with_capacity(action.service().len() + action.name().len() + 1);
        let _ = write!(text, "{}:{}", action.service(), action.name());
        text.make_ascii_lowercase();
        let action = text;
        let (kind, named) = match &asked.resource {
            RequestResource::Star => ("", ""),
            RequestResource::Arn(arn) => (arn.service(), arn.resource()),
        };
        //
        let own_rules = match &*action {
            "sts:assumeroot" => kind == "iam" && named == "root",
            "kms:createalias" | "kms:updatealias" | "kms:deletealias" => named.starts_with("alias/aws/"),
            "kms:retiregrant" => named.starts_with("key/"),
            _ => named.is_empty() && lists::PSEUDO_ARN_DYNAMODB.contains(&&*action),
        };
        if own_rules {
            return Err(Outside("an action with rules of its own"));
        }
        let row = self.caller(principal)?;
        let caller = Caller {
            is_role: row.is_role,
            arn: &row.arn,
            session: row.is_role.then(|| principal.to_string()),
            unique_id: row.unique_id.as_deref(),
            account: row.account,
            partition: &row.partition,
            has_boundary: row.boundary.is_some(),
        };
        let facts = self.actions.get(&action).copied();
        let service = action.split(':').next().unwrap_or("");

        let mut gate_closed = false;
        let (mut resource, mut record) = (None, None);
        let mut resource_policy: &[u32] = &[];
        let mut mandatory = false;
        let mut refused = false;
        let owner = match &asked.resource {
            RequestResource::Star => {
                refused = facts.is_some_and(|facts| facts.needs_resource);
                if lists::PSEUDO_ARN_S3.contains(&&*action) {
                    //
                    resource = Some(format!("arn:{}:s3:::*", row.partition));
                }
                asked.account.unwrap_or(row.account)
            }
            RequestResource::Arn(arn) => {
                let text = arn.as_str();
                resource = Some(text.to_owned());
                gate_closed = arn.partition() != row.partition;
                let carriers = || self.carriers(text, arn.service());
                let owner = match asked.account {
                    Some(account) => account,
                    None if !arn.account().is_empty() => {
                        arn.account().parse().map_err(|_| Outside("a resource of AWS's own"))?
                    }
                    None => match carriers().find_map(|record| record.account) {
                        Some(account) => account,
                        None => {
                            refused = true;
                            row.account
                        }
                    },
                };
                record = self.resources.get(text);
                let identity = self.by_arn.get(text).map(|row| &self.principals[*row as usize]);
                let is_role = arn.service() == "iam" && arn.resource().starts_with("role/");
                if is_role && lists::TRUST_POLICY_ACTIONS.contains(&&*action) {
                    mandatory = true;
                    resource_policy = identity.map_or(&[], |identity| &identity.trust);
                } else {
                    mandatory = arn.service() == "kms" && arn.resource().starts_with("key/") && service == "kms";
                    resource_policy = carriers().find_map(|record| record.policy.as_deref()).unwrap_or(&[]);
                }
                if arn.service() == "organizations" && owner != row.account {
                    return Err(Outside("an Organizations resource of another account"));
                }
                owner
            }
        };
        let same_account = owner == row.account;
        if !same_account {
            let name = action.split_once(':').map_or("", |(_, name)| name);
            gate_closed |= service == "kms" && !lists::KMS_CROSS_ACCOUNT.contains(&name);
            gate_closed |= lists::NO_CROSS_ACCOUNT.contains(&&*action);
        }

        let settle = |decision| Some(Answer { decision, n_visited: 0 });
        let settled = match &*action {
            _ if refused => settle(None),
            "sts:getcalleridentity" => settle(Some(Decision::Allow)),
            "sts:getsessiontoken" if !row.is_role => settle(Some(Decision::Allow)),
            "sts:getfederationtoken" | "sts:getsessiontoken" if row.is_role => settle(Some(Decision::ImplicitDeny)),
            _ => None,
        };

        let own_account = self.accounts.get(&row.account);
        let owner_account = self.accounts.get(&owner);
        let governed = lists::RCP_SERVICES.iter().any(|listed| listed.prefix == service)
            && facts.is_none_or(|facts| !facts.wildcard_only)
            && action != "kms:retiregrant";
        let resource_tags = match (&asked.resource, record) {
            (RequestResource::Star, _) => [].as_slice(),
            (_, Some(record)) => &record.tags,
            (RequestResource::Arn(arn), None) => {
                self.by_arn.get(arn.as_str()).map_or(&[][..], |row| &*self.principals[*row as usize].tags)
            }
        };
        let excepted = lists::NO_RESOURCE_ACCOUNT
            .iter()
            .any(|entry| *entry == action || entry.strip_suffix('*').is_some_and(|all| action.starts_with(all)));
        // "some" of these across accounts.
        let excepted = excepted || (action == "events:putevents" && !same_account);
        let keys = Keys {
            principal_arn: &row.arn,
            principal_account: &row.account_text,
            principal_org: own_account.map(|account| &account.place),
            is_role: row.is_role,
            user_id: row.unique_id.as_ref().map(|id| match principal {
                Principal::RoleSession { session, .. } => format!("{id}:{session}"),
                _ => id.clone(),
            }),
            user_name: (!row.is_role).then_some(row.name.as_str()),
            principal_tags: &row.tags,
            resource_account: (!excepted).then(|| owner.to_string()),
            resource_org: owner_account.filter(|_| !excepted).map(|account| &account.place),
            resource_tags,
            given: Some(context),
        };
        Ok(Prepared {
            caller,
            row,
            keys,
            action,
            resource,
            same_account,
            mandatory,
            scps: own_account.filter(|_| !row.service_linked).map_or(&[], |account| &account.scps),
            rcps: owner_account.filter(|_| governed && !row.service_linked).map_or(&[], |account| &account.rcps),
            resource_policy,
            gate_closed,
            settled,
        })
    }

    fn caller(&self, principal: &Principal) -> Result<&PrincipalRow, Outside> {
        let row = match principal {
            Principal::User { .. } => self.by_arn.get(&principal.to_string()),
            Principal::RoleSession { partition, account, role_path_name: Some(path_name), .. } => {
                self.by_arn.get(&format!("arn:{partition}:iam::{account}:role/{path_name}"))
            }
            Principal::RoleSession { account, role, .. } => self.by_role.get(&(*account, role.to_string())),
            _ => return Err(Outside("a caller that is neither user nor role session")),
        };
        let row = row.ok_or(Outside("a caller that the world does not list"))?;
        Ok(&self.principals[*row as usize])
    }

    /// the resource and those that contain it, the nearest first.
    fn carriers<'n>(&'n self, arn: &'n str, service: &str) -> impl Iterator<Item = &'n ResourceRow> {
        let by_slash = lists::SLASH_CONTAINS.contains(&service);
        let contains = service != "iam";
        let ends = arn.bytes().enumerate().rev();
        let ends = ends.filter(move |(_, byte)| contains && (*byte == b':' || (by_slash && *byte == b'/')));
        std::iter::once(arn.len()).chain(ends.map(|(at, _)| at)).filter_map(|end| self.resources.get(&arn[..end]))
    }

    /// Section 0, over every statement that applies.
    ///
    /// # Errors
    /// A condition reads a date or a binary value.
    pub fn decide(&self, asked: &Prepared<'_>) -> Result<Answer, Outside> {
        if let Some(settled) = asked.settled {
            return Ok(settled);
        }
        let mut n_visited = 0;
        let decided = self.walk(asked, &mut n_visited)?;
        Ok(Answer { decision: Some(decided), n_visited })
    }

    fn walk(&self, asked: &Prepared<'_>, n_visited: &mut usize) -> Result<Decision, Outside> {
        const UNREAD: Outside = Outside("a condition on a date or a binary value");
        let subject = asked.resource.as_deref().map_or(Subject::Star, Subject::Text);
        let applies = |statement: &Lowered| statement.applies(&asked.action, subject, &asked.keys).ok_or(UNREAD);
        let Prepared { caller, row, .. } = asked;

        // Policies without levels: whether one denies, and whether one allows.
        let mut pool = |list: &[u32]| {
            *n_visited += list.len();
            let mut allowed = false;
            for id in list {
                let statement = &self.statements[*id as usize];
                // A further Allow changes nothing.
                if (statement.deny || !allowed) && statement.is_about(caller) && applies(statement)? {
                    if statement.deny {
                        return Ok((true, false));
                    }
                    allowed = true;
                }
            }
            Ok((false, allowed))
        };
        let (denied, identity) = pool(&row.identity)?;
        if denied {
            return Ok(Decision::ExplicitDeny);
        }
        let mut boundary = true;
        if let Some(list) = &row.boundary {
            let (denied, allowed) = pool(list)?;
            if denied {
                return Ok(Decision::ExplicitDeny);
            }
            boundary = allowed;
        }
        let mut guardrails = true;
        for level in asked.scps {
            let (denied, allowed) = pool(level)?;
            if denied {
                return Ok(Decision::ExplicitDeny);
            }
            guardrails &= allowed;
        }
        if pool(asked.rcps)?.0 {
            return Ok(Decision::ExplicitDeny);
        }

        let mut grants = Levels::default();
        *n_visited += asked.resource_policy.len();
        for id in asked.resource_policy {
            let statement = &self.statements[*id as usize];
            let levels = statement.levels(caller);
            if levels != Levels::default() && applies(statement)? {
                if statement.deny {
                    return Ok(Decision::ExplicitDeny);
                }
                grants.unlimited |= levels.unlimited;
                grants.limited |= levels.limited;
                grants.account |= levels.account;
            }
        }
        let Levels { unlimited, limited, account } = grants;
        let core = match (asked.same_account, asked.mandatory) {
            (true, false) => unlimited || ((identity || limited) && boundary),
            (true, true) => unlimited || (limited && boundary) || (account && identity && boundary),
            (false, _) => (unlimited || limited || account) && identity && boundary,
        };
        let allowed = core && guardrails && !asked.gate_closed;
        Ok(if allowed { Decision::Allow } else { Decision::ImplicitDeny })
    }
}

impl Naive {
    /// Lowers a world.
    ///
    /// # Errors
    /// The world uses something outside the subset: settings, gaps, unknown policies, session policies or tags of roles,
    /// KMS grants, S3 Block Public Access, tags that differ in case alone. Cost: O(bytes of the world).
    pub fn new(world: &World, catalogue: &Catalogue) -> Result<Naive, Outside> {
        build::build(world, catalogue)
    }

    /// Statements that are held, each once.
    pub fn n_statements(&self) -> usize {
        self.statements.len()
    }
}
