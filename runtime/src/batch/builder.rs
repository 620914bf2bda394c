//! Names and requests become rows; what cannot be one is said, and never guessed.

use super::contexts::RowContext;
use super::names::{SessionPoliciesId, UNNAMED};
use super::texts::Texts;
use super::{BatchTables, NOTHING, Rows};
use crate::ask::{Asker, Who};
use crate::bulk::who;
use crate::caller::{account_id, role_key, role_of_key};
use crate::hash::hash;
use crate::layout::{NONE, PRINCIPAL_ROLE};
use crate::set::{CompiledPolicySet, CompiledSession};
use iamc_policy::request::{Mode, Request, RequestResource};
use iamc_policy::{AccountId, Arn, Principal};
use std::collections::BTreeMap;

/// Why names or a request are no row of ids. [`crate::decide()`] answers such a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotARow {
    /// The set has no user or role of that name.
    #[error("the set has no such user or role")]
    UnknownPrincipal,
    /// The catalogue has no action of that name.
    #[error("the catalogue has no such action")]
    UnknownAction,
    /// The caller is no user and no role session.
    #[error("the caller is no user and no session of a role")]
    OtherCaller,
    /// The resource is no ARN and not `*`, or belongs to another account than the one that is given.
    #[error("the resource is no ARN, or belongs to another account than the one that is given")]
    Resource,
    /// The request is about several resources or further actions, or has keys of one resource.
    #[error("the request is about more than one action on one resource")]
    SeveralParts,
    /// The request carries session policies that are not compiled.
    #[error("the request carries session policies that are not compiled")]
    SessionPolicies,
}

/// A caller as rows name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrincipalRow {
    /// For the column `principal`.
    pub principal: u32,
    /// For the column `session`.
    pub session: u32,
}

/// Names that the set does not know, and how often they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Rows with such a name.
    pub n_rows: u64,
    /// Name → rows, in order; of [`Unknown::NAMES_MAX`] names the first.
    pub names: BTreeMap<String, u64>,
    /// Rows with a name beyond those.
    pub n_other_rows: u64,
}

impl Unknown {
    /// So many names are kept, so that a stream of garbage takes no more memory.
    pub const NAMES_MAX: usize = 10_000;

    /// Counts one row.
    pub fn count(&mut self, name: &str) {
        self.count_many(name, 1);
    }

    fn count_many(&mut self, name: &str, n: u64) {
        self.n_rows += n;
        if let Some(n_rows) = self.names.get_mut(name) {
            *n_rows += n;
        } else if self.names.len() < Unknown::NAMES_MAX {
            self.names.insert(name.to_owned(), n);
        } else {
            self.n_other_rows += n;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Unknown) {
        other.names.iter().for_each(|(name, n)| self.count_many(name, *n));
        self.n_rows += other.n_other_rows;
        self.n_other_rows += other.n_other_rows;
    }
}

/// Makes rows of names and requests, for one set.
///
/// Columns are looked up one by one ([`RowsBuilder::principal`] and its like, for dictionaries of whole columns) and
/// pushed as ids, or requests are pushed whole.
///
/// ```no_run
/// use iamc_policy::Request;
/// use iamc_runtime::batch::{BatchScratch, RowsBuilder, decide_batch};
/// # fn f(set: &iamc_runtime::CompiledPolicySet, requests: &[Request]) -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = RowsBuilder::new(set);
/// let mut others = Vec::new();
/// for request in requests {
///     if let Err(why) = builder.push_request(request, None) {
///         others.push((request, why));
///     }
/// }
/// let mut codes = vec![0; builder.len()];
/// decide_batch(set, &builder.rows(), builder.tables(), &mut BatchScratch::new(), &mut codes)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RowsBuilder<'s> {
    pub(super) set: &'s CompiledPolicySet,
    pub(super) tables: BatchTables,
    principal: Vec<u32>,
    action: Vec<u32>,
    resource: Vec<u32>,
    context: Vec<u32>,
    session: Vec<u32>,
    /// Actions as they were written, and their numbers.
    actions: Texts,
    action_ids: Vec<u32>,
    /// Labels of contexts, and the contexts.
    pub(super) labels: Texts,
    pub(super) labelled: Vec<u32>,
    spare: Vec<u8>,
    /// Keys of resources that are being looked up.
    pub(super) keys: Vec<u8>,
    unknown_principals: Unknown,
    unknown_actions: Unknown,
}

impl<'s> RowsBuilder<'s> {
    /// No rows.
    pub fn new(set: &'s CompiledPolicySet) -> RowsBuilder<'s> {
        RowsBuilder {
            set,
            tables: BatchTables::new(set),
            principal: Vec::new(),
            action: Vec::new(),
            resource: Vec::new(),
            context: Vec::new(),
            session: Vec::new(),
            actions: Texts::new(),
            action_ids: Vec::new(),
            labels: Texts::new(),
            labelled: Vec::new(),
            spare: Vec::new(),
            keys: Vec::new(),
            unknown_principals: Unknown::default(),
            unknown_actions: Unknown::default(),
        }
    }

    // ---- names ----

    /// The user, role or role session with that ARN, as [`Principal::from_arn`] reads it.
    ///
    /// # Errors
    /// [`NotARow::UnknownPrincipal`], and [`NotARow::OtherCaller`], also for a text that names no caller at all.
    ///
    /// Cost: O(bytes of the ARN); no allocation but that of a session's new name.
    pub fn principal(&mut self, arn: &str) -> Result<PrincipalRow, NotARow> {
        let Some(named) = Named::read(arn) else { return Err(NotARow::OtherCaller) };
        let hash = self.hash_of_named(arn, named);
        self.named_principal(arn, named, hash)
    }

    /// What [`RowsBuilder::named_principal`] takes: the caller's hash among roles by name or among principals by ARN.
    pub(super) fn hash_of_named(&mut self, arn: &str, named: Named<'_>) -> u64 {
        let Named::Session { partition, account, role, .. } = named else { return hash(arn.as_bytes()) };
        self.spare.clear();
        role_key(&mut self.spare, partition, account, role);
        hash(&self.spare)
    }

    /// The caller with that ARN, which was read.
    pub(super) fn named_principal(&mut self, arn: &str, named: Named<'_>, hash: u64) -> Result<PrincipalRow, NotARow> {
        let found = match named {
            Named::Identity { role } => {
                let found = self.set.find_principal_by(hash, arn.as_bytes());
                found.filter(|id| self.is_role(*id) == role).map(|principal| (principal, NOTHING))
            }
            Named::Session { partition, account, role, session } => {
                let principal = self.role_by(hash, partition, account, role);
                principal.map(|principal| (principal, self.session(session, None)))
            }
        };
        let found = found.filter(|(principal, _)| Asker::listed(self.set, *principal, UNNAMED).is_some());
        found.map(|(principal, session)| PrincipalRow { principal, session }).ok_or(NotARow::UnknownPrincipal)
    }

    /// The role of that name: names are unique in an account.
    fn role(&mut self, partition: &str, account: AccountId, name: &str) -> Option<u32> {
        self.spare.clear();
        role_key(&mut self.spare, partition, account, name);
        self.role_by(hash(&self.spare), partition, account, name)
    }

    fn role_by(&self, hash: u64, partition: &str, account: AccountId, name: &str) -> Option<u32> {
        role_of_key(self.set, hash, partition, account, name)
    }

    fn is_role(&self, id: u32) -> bool {
        self.set.principal(id)[0] & PRINCIPAL_ROLE != 0
    }

    fn identity(&self, arn: &str, role: bool) -> Option<u32> {
        self.set.find_principal(arn.as_bytes()).filter(|id| self.is_role(*id) == role)
    }

    /// The session with that name and those policies. Sessions that nobody named are [`NOTHING`].
    pub fn session(&mut self, name: &str, policies: Option<SessionPoliciesId>) -> u32 {
        if name == UNNAMED && policies.is_none() { NOTHING } else { self.tables.sessions.intern(name, policies) }
    }

    /// Takes in session policies, compiled for the set.
    pub fn add_policies(&mut self, policies: CompiledSession) -> SessionPoliciesId {
        self.tables.sessions.add_policies(policies)
    }

    /// The action `service:Name` of the catalogue.
    ///
    /// # Errors
    /// [`NotARow::UnknownAction`].
    pub fn action(&mut self, action: &str) -> Result<u32, NotARow> {
        let hash = self.actions.hash(action.as_bytes());
        if let Some(known) = self.actions.find_by(hash, action.as_bytes()) {
            return Ok(self.action_ids[known as usize]);
        }
        let found = self.find_action(action)?;
        self.actions.intern_by(hash, action.as_bytes());
        self.action_ids.push(found);
        Ok(found)
    }

    fn find_action(&mut self, action: &str) -> Result<u32, NotARow> {
        self.spare.clear();
        self.spare.extend_from_slice(action.as_bytes());
        self.spare.make_ascii_lowercase();
        let service = self.spare.split(|byte| *byte == b':').next().filter(|service| service.len() < action.len());
        let service = service.and_then(|service| self.set.find_service(service));
        service.and_then(|service| self.set.find_action(service, &self.spare)).ok_or(NotARow::UnknownAction)
    }

    /// The resource with that ARN, or `*`; `owner` is its account, where the caller of the engine says it (R-5.2).
    ///
    /// # Errors
    /// [`NotARow::Resource`].
    ///
    /// Cost: O(bytes of the ARN); no allocation but that of a new ARN.
    pub fn resource(&mut self, arn: &str, owner: Option<AccountId>) -> Result<u32, NotARow> {
        let mut key = std::mem::take(&mut self.keys);
        key.clear();
        self.tables.resources.write_key(&mut key, arn, owner);
        let by_key = self.tables.resources.keys().hash(&key);
        let found = self.hashed_resource(arn, owner, hash(arn.as_bytes()), &key, by_key);
        self.keys = key;
        found
    }

    /// The same by the hash of the ARN, and the key of the resource in text with the hash of that.
    pub(super) fn hashed_resource(
        &mut self,
        arn: &str,
        owner: Option<AccountId>,
        by_arn: u64,
        key: &[u8],
        by_key: u64,
    ) -> Result<u32, NotARow> {
        if arn == "*" && owner.is_none() {
            return Ok(NOTHING);
        }
        if let Some(id) = self.set.find_resource_by(by_arn, arn.as_bytes())
            && owner.is_none_or(|owner| self.is_owner(id, arn, owner))
        {
            return Ok(id);
        }
        if let Some(id) = self.tables.resources.find_by(key, by_key) {
            return Ok(id);
        }
        let arn: Arn = arn.parse().map_err(|_| NotARow::Resource)?;
        let own = account_id(arn.account().as_bytes());
        if owner.is_some() && own.is_some() && own != owner {
            return Err(NotARow::Resource);
        }
        Ok(self.tables.resources.intern_by(key, by_key, owner))
    }

    /// Would the resource of the set be found to belong to that account anyway?
    fn is_owner(&self, id: u32, arn: &str, owner: AccountId) -> bool {
        match arn.split(':').nth(4) {
            Some("") | None => {
                let [_, account, ..] = self.set.resource(id);
                account != NONE && self.set.account_number(account) == owner.number()
            }
            Some(account) => account_id(account.as_bytes()) == Some(owner),
        }
    }

    /// The context.
    pub fn context(&mut self, context: RowContext<'_>) -> u32 {
        self.tables.contexts.intern(self.set, context)
    }

    /// Notes a context under a label: any bytes that stand for it alone, such as the text that it was read from.
    /// [`RowsBuilder::look_up`] then finds it.
    pub fn label_context(&mut self, label: &[u8], context: u32) {
        let (_, new) = self.labels.intern(label);
        if new {
            self.labelled.push(context);
        }
    }

    /// The context that was noted under that label.
    pub fn labelled_context(&self, label: &[u8]) -> Option<u32> {
        self.labels.find_by(self.labels.hash(label), label).map(|label| self.labelled[label as usize])
    }

    /// The context in which keys have these values, one each, and nothing else is known: what
    /// [`RowsBuilder::context`] gives for it, found faster. `None`: ask that.
    ///
    /// Cost: O(bytes of the context); nothing is allocated for it alone.
    pub fn context_of_singles(&mut self, mode: Mode, keys: &[(&str, &str)]) -> Option<u32> {
        self.tables.contexts.intern_singles(self.set, mode, keys)
    }

    // ---- rows ----

    /// Adds a row of numbers that this builder gave out.
    pub fn push(&mut self, principal: PrincipalRow, action: u32, resource: u32, context: u32) {
        self.principal.push(principal.principal);
        self.session.push(principal.session);
        self.action.push(action);
        self.resource.push(resource);
        self.context.push(context);
    }

    /// Adds a row by its names; a name that the set does not know is counted ([`RowsBuilder::unknown_principals`] and
    /// [`RowsBuilder::unknown_actions`]).
    ///
    /// # Errors
    /// It is no row: see [`NotARow`]. Nothing was added then.
    pub fn push_names(
        &mut self,
        principal: &str,
        action: &str,
        resource: &str,
        owner: Option<AccountId>,
        context: u32,
    ) -> Result<(), NotARow> {
        let (caller, number) = (self.principal(principal), self.action(action));
        if caller == Err(NotARow::UnknownPrincipal) {
            self.unknown_principals.count(principal);
        }
        if number == Err(NotARow::UnknownAction) {
            self.unknown_actions.count(action);
        }
        let row = (caller?, number?, self.resource(resource, owner)?);
        self.push(row.0, row.1, row.2, context);
        Ok(())
    }

    /// Adds a request; names that the set does not know are counted. Its session policies, if it has any, are `policies`.
    ///
    /// # Errors
    /// It is no row: see [`NotARow`]. Nothing was added then.
    pub fn push_request(&mut self, request: &Request, policies: Option<SessionPoliciesId>) -> Result<(), NotARow> {
        if request.session.is_some() && policies.is_none() {
            return Err(NotARow::SessionPolicies);
        }
        let [resource] = request.resources.as_slice() else { return Err(NotARow::SeveralParts) };
        if !request.additional.is_empty() || !resource.context.is_empty() {
            return Err(NotARow::SeveralParts);
        }
        let (principal, action) = (self.caller(request, policies), self.action_of(request));
        if principal == Err(NotARow::UnknownPrincipal) {
            self.unknown_principals.count(&request.principal.to_string());
        }
        if action == Err(NotARow::UnknownAction) {
            self.unknown_actions.count(&request.action.to_string());
        }
        let (principal, action) = (principal?, action?);
        let resource = match (&resource.resource, resource.account) {
            (RequestResource::Star, None) => NOTHING,
            // `*` in another account: no number says that.
            (RequestResource::Star, Some(_)) => return Err(NotARow::Resource),
            (RequestResource::Arn(arn), owner) => match self.set.find_resource(arn.as_str().as_bytes()) {
                Some(id) if owner.is_none_or(|owner| self.is_owner(id, arn.as_str(), owner)) => id,
                _ => self.tables.resources.intern(arn, owner),
            },
        };
        let context = self.context(RowContext::of(request));
        self.push(principal, action, resource, context);
        Ok(())
    }

    fn action_of(&mut self, request: &Request) -> Result<u32, NotARow> {
        let (service, name) = (request.action.service(), request.action.name());
        self.spare.clear();
        [service, ":", name].iter().for_each(|part| self.spare.extend_from_slice(part.as_bytes()));
        self.spare.make_ascii_lowercase();
        let service = self.set.find_service(service.as_bytes());
        service.and_then(|service| self.set.find_action(service, &self.spare)).ok_or(NotARow::UnknownAction)
    }

    /// The caller of a request, as the engine finds it by its names and facts.
    fn caller(&mut self, request: &Request, policies: Option<SessionPoliciesId>) -> Result<PrincipalRow, NotARow> {
        let (found, session) = match &request.principal {
            Principal::User { .. } => {
                let session = if policies.is_some() { self.session("", policies) } else { NOTHING };
                (self.identity(&request.principal.to_string(), false), session)
            }
            Principal::RoleSession { partition, account, role, role_path_name, session } => {
                let by_arn = |path_name: &str| format!("arn:{partition}:iam::{account}:role/{path_name}");
                let found = match (role_path_name, &request.facts.role) {
                    (Some(path_name), _) => self.identity(&by_arn(path_name), true),
                    (None, Some(arn)) => self.identity(arn.as_str(), true),
                    (None, None) => self.role(partition, *account, role),
                };
                (found, self.session(session, policies))
            }
            _ => return Err(NotARow::OtherCaller),
        };
        let principal = found.ok_or(NotARow::UnknownPrincipal)?;
        // A fact may name a role that is not the one of the session's ARN.
        match (who(self.set, principal, UNNAMED), Who::of(&request.principal)) {
            (Some(of_row @ Who::User { .. }), named @ Who::User { .. }) if of_row == named => {}
            (
                Some(Who::RoleSession { partition, account, role, .. }),
                Who::RoleSession { partition: own_partition, account: own_account, role: own_role, .. },
            ) if (partition, account, role) == (own_partition, own_account, own_role) => {}
            _ => return Err(NotARow::OtherCaller),
        }
        Ok(PrincipalRow { principal, session })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.principal.len()
    }

    /// True iff there is none.
    pub fn is_empty(&self) -> bool {
        self.principal.is_empty()
    }

    /// The rows.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            context: &self.context,
            session: Some(&self.session),
        }
    }

    /// What the rows refer to.
    pub fn tables(&self) -> &BatchTables {
        &self.tables
    }

    /// Takes the rows out. Numbers that were given out stay good.
    pub fn clear_rows(&mut self) {
        self.principal.clear();
        self.action.clear();
        self.resource.clear();
        self.context.clear();
        self.session.clear();
    }

    /// Takes everything out but what was unknown; numbers that were given out mean nothing any more.
    pub fn clear(&mut self) {
        self.clear_rows();
        self.tables.clear();
        self.actions.clear();
        self.action_ids.clear();
        self.labels.clear();
        self.labelled.clear();
    }

    /// Heap bytes, about: what a caller who bounds memory looks at.
    pub fn heap_bytes(&self) -> usize {
        let names = self.actions.heap_bytes() + self.labels.heap_bytes();
        self.tables.heap_bytes() + names + self.len() * 5 * size_of::<u32>()
    }

    /// Takes out what was counted as unknown so far: principals and actions.
    pub fn take_unknown(&mut self) -> (Unknown, Unknown) {
        (std::mem::take(&mut self.unknown_principals), std::mem::take(&mut self.unknown_actions))
    }

    /// Principals that the set does not know.
    pub fn unknown_principals(&self) -> &Unknown {
        &self.unknown_principals
    }

    /// Actions that the catalogue does not know.
    pub fn unknown_actions(&self) -> &Unknown {
        &self.unknown_actions
    }
}

/// An ARN of a caller that may be a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    /// Of a user or of a role itself.
    Identity {
        role: bool,
    },
    Session {
        partition: &'a str,
        account: AccountId,
        role: &'a str,
        session: &'a str,
    },
}

impl<'a> Named<'a> {
    /// As [`Principal::from_arn`], without taking the text apart on the heap.
    pub(super) fn read(arn: &'a str) -> Option<Named<'a>> {
        if arn.len() > Arn::BYTES_MAX {
            return None;
        }
        let (partition, rest) = split_once(arn.strip_prefix("arn:")?, b':')?;
        let (of_iam, rest) = match rest.strip_prefix("iam::") {
            Some(rest) => (true, rest),
            None => (false, rest.strip_prefix("sts::")?),
        };
        let (account, rest) = rest.split_at_checked(12)?;
        let (account, resource) = (account_id(account.as_bytes())?, rest.strip_prefix(':')?);
        if partition.is_empty() {
            return None;
        }
        if of_iam {
            let (role, rest) = match resource.strip_prefix("role/") {
                Some(rest) => (true, rest),
                None => (false, resource.strip_prefix("user/")?),
            };
            let named = !rest.is_empty() && !rest.starts_with('/') && !rest.ends_with('/');
            return named.then_some(Named::Identity { role });
        }
        let (role, session) = split_once(resource.strip_prefix("assumed-role/")?, b'/')?;
        let named = !role.is_empty() && !session.is_empty() && split_once(session, b'/').is_none();
        named.then_some(Named::Session { partition, account, role, session })
    }
}

fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let position = memchr::memchr(at, text.as_bytes())?;
    Some((&text[..position], &text[position + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_read_as_everywhere() {
        for text in [
            "arn:aws:iam::111122223333:user/a/b",
            "arn:aws:iam::111122223333:role/a",
            "arn:aws:sts::111122223333:assumed-role/a/b",
            "arn:aws:sts::111122223333:assumed-role/a/b/c",
            "arn:aws:sts::111122223333:assumed-role//b",
            "arn:aws:sts::111122223333:federated-user/a",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/a/",
            "arn:aws:iam::111122223333:group/a",
            "arn::iam::111122223333:role/a",
            "arn:aws:iam:r:111122223333:role/a",
            "arn:aws:iam::1:role/a",
            "arn:aws:iam",
            "anonymous",
        ] {
            let expected = match Principal::from_arn(text) {
                Ok(Principal::User { .. }) => Some("user".to_owned()),
                Ok(Principal::RoleSession { role_path_name: Some(_), .. }) => Some("role".to_owned()),
                Ok(Principal::RoleSession { role, session, .. }) => Some(format!("{role} {session}")),
                _ => None,
            };
            let got = Named::read(text).map(|named| match named {
                Named::Identity { role } => if role { "role" } else { "user" }.to_owned(),
                Named::Session { role, session, .. } => format!("{role} {session}"),
            });
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn unknown_names_are_counted_and_bounded() {
        let mut unknown = Unknown::default();
        for _ in 0..2 {
            (0..Unknown::NAMES_MAX + 5).for_each(|number| unknown.count(&format!("name-{number}")));
        }
        assert_eq!((unknown.names.len(), unknown.n_other_rows), (Unknown::NAMES_MAX, 10));
        assert_eq!(unknown.n_rows, 2 * (Unknown::NAMES_MAX as u64 + 5));
        assert_eq!(unknown.names["name-0"], 2);
    }
}
