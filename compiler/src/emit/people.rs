//! Organizations, accounts with their guardrails, users and roles with what is attached to them.

use crate::collect::{Collected, IdentityKind, IdentityRow};
use crate::emit::Emitter;
use crate::emit::policies::{GUARDRAIL_GENERAL_MAX, table_of};
use crate::error::{CompileError, id};
use crate::facts::Derived;
use crate::intern::{NONE, StringId};
use iamc_policy::PolicyKind;
use iamc_policy::principal::last_segment;
use iamc_policy::world::GapKind;
use iamc_runtime::hash::{TableBuilder, hash};
use iamc_runtime::layout::{
    ACCOUNT_IDENTITIES_COMPLETE, ACCOUNT_LISTED, ACCOUNT_MANAGEMENT, ACCOUNT_PLACE_UNKNOWN, ACCOUNT_RESOURCES_COMPLETE,
    ACCOUNT_S3_KNOWN, ACCOUNT_S3_ON, ATTACHED_TO_GROUP, ATTACHMENT_IMPLIED, BODY_ROW, ELEMENT_ANY, ELEMENT_EMPTY,
    INSTANCE_ROW, LEVEL_INCOMPLETE, LEVEL_PASSES, NEGATED, PRINCIPAL_AWS, PRINCIPAL_ROLE, PRINCIPAL_SERVICE_LINKED,
    SET_PROGRAM, SET_SPLIT, SET_UNKNOWN, STATEMENT_ROW,
};
use iamc_runtime::principals::is_service_linked;
use iamc_runtime::statements;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The index of each account by its number.
pub(crate) struct Accounts(HashMap<u64, u32>);

impl Accounts {
    /// The index, or NONE where there is no number. Every number of a row was noted when the row was collected.
    pub(crate) fn index(&self, number: Option<u64>) -> u32 {
        number.and_then(|number| self.0.get(&number).copied()).unwrap_or(NONE)
    }
}

/// The part of a sorted list whose first element is that number.
fn of<T>(list: &[T], number: u32, first: impl Fn(&T) -> u32) -> &[T] {
    let start = list.partition_point(|tuple| first(tuple) < number);
    let len = list[start..].partition_point(|tuple| first(tuple) == number);
    &list[start..start + len]
}

impl Emitter<'_> {
    pub(super) fn accounts(&mut self, world: &Collected, derived: &Derived) -> Result<Accounts, CompileError> {
        let mut indices = HashMap::new();
        for (index, (number, _)) in world.account_numbers().enumerate() {
            indices.insert(number, id("accounts", index)?);
            self.tables.account_numbers.push(number);
        }
        let accounts = Accounts(indices);
        let organizations = self.organizations(world, &accounts)?;
        let gaps: HashSet<StringId> = world
            .gaps
            .iter()
            .filter(|gap| gap.kind == GapKind::Resources && !world.assume_complete)
            .map(|gap| gap.subject)
            .collect();
        let listed: HashMap<u64, usize> =
            world.accounts.iter().enumerate().map(|(row, account)| (account.number, row)).collect();
        let mut sets = HashMap::new();
        for (number, text) in world.account_numbers() {
            let mut flags = 0;
            if let Some(&row) = listed.get(&number) {
                flags |= ACCOUNT_LISTED;
                flags |= match world.accounts[row].restrict_public_buckets {
                    None => 0,
                    Some(false) => ACCOUNT_S3_KNOWN,
                    Some(true) => ACCOUNT_S3_KNOWN | ACCOUNT_S3_ON,
                };
                if derived.identities_known.binary_search(&text.0).is_ok() {
                    flags |= ACCOUNT_IDENTITIES_COMPLETE;
                }
                if !gaps.contains(&text) {
                    flags |= ACCOUNT_RESOURCES_COMPLETE;
                }
            }
            let (mut organization, mut path) = (NONE, NONE);
            let unknown = derived.place_unknown.binary_search(&text.0).is_ok();
            if unknown {
                flags |= ACCOUNT_PLACE_UNKNOWN;
            } else if let Some(&(_, member)) = of(&derived.member_of, text.0, |tuple| tuple.0).first() {
                let index = organizations[&member];
                organization = index;
                path = self.organization_path(member, of(&derived.levels, text.0, |tuple| tuple.0), text)?;
                if world.organizations[index as usize].management == number {
                    flags |= ACCOUNT_MANAGEMENT;
                }
            }
            let scps = self.guardrail_set(PolicyKind::Scp, "scp", text, unknown, derived, &mut sets)?;
            let rcps = self.guardrail_set(PolicyKind::Rcp, "rcp", text, unknown, derived, &mut sets)?;
            self.tables.accounts.extend([flags, organization, path, scps, rcps]);
        }
        self.canonical_users(world, &accounts)?;
        Ok(accounts)
    }

    /// Rows of all organizations; the result gives the index by the number of the id.
    fn organizations(&mut self, world: &Collected, accounts: &Accounts) -> Result<HashMap<u32, u32>, CompileError> {
        let mut indices = HashMap::new();
        for (index, organization) in world.organizations.iter().enumerate() {
            let index = id("organizations", index)?;
            indices.insert(organization.id.0, index);
            let text = self.string(organization.id.0)?;
            self.tables.organizations.extend([text, accounts.index(Some(organization.management))]);
            for &account in &organization.delegated {
                self.tables.delegated.extend([index, accounts.index(Some(account))]);
            }
        }
        Ok(indices)
    }

    /// `aws:PrincipalOrgPaths` and its like (5.2): the organization, then every level but the account itself.
    fn organization_path(
        &mut self,
        organization: u32,
        levels: &[(u32, u32, u32)],
        account: StringId,
    ) -> Result<u32, CompileError> {
        let mut path = format!("{}/", self.lowered.strings.get(StringId(organization)));
        for &(_, _, entity) in levels.iter().filter(|(_, _, entity)| *entity != account.0) {
            path.push_str(self.lowered.strings.get(StringId(entity)));
            path.push('/');
        }
        self.text(&path)
    }

    /// The guardrails of one kind that hold in an account, level by level; NONE: none do.
    fn guardrail_set(
        &mut self,
        kind: PolicyKind,
        name: &'static str,
        account: StringId,
        unknown: bool,
        derived: &Derived,
        sets: &mut HashMap<Vec<u32>, u32>,
    ) -> Result<u32, CompileError> {
        // Flags, then for each level: entity, flags, number of attachments, attachments.
        let mut content = vec![if unknown { SET_UNKNOWN } else { 0 }];
        let mut n_levels = 0;
        if !unknown {
            if derived.governed.binary_search(&(name, account.0)).is_err() {
                return Ok(NONE);
            }
            let incomplete = derived.more_may_hold.binary_search(&(name, account.0)).is_ok();
            let start = derived.holds.partition_point(|tuple| (tuple.0, tuple.1) < (name, account.0));
            let mut holds =
                derived.holds[start..].iter().take_while(|tuple| (tuple.0, tuple.1) == (name, account.0)).peekable();
            for &(_, level, entity) in of(&derived.levels, account.0, |tuple| tuple.0) {
                content.extend([self.string(entity)?, if incomplete { LEVEL_INCOMPLETE } else { 0 }]);
                let count = content.len();
                content.push(0);
                while let Some(&&(_, _, _, _, document, implied)) = holds.peek().filter(|tuple| tuple.2 == level) {
                    let instance = self.instance(kind, document)?;
                    content.extend([instance, if implied == 1 { ATTACHMENT_IMPLIED } else { 0 }]);
                    content[count] += 1;
                    holds.next();
                }
                n_levels += 1;
            }
        }
        if let Some(&known) = sets.get(&content) {
            return Ok(known);
        }
        let set = id("guardrail sets", sets.len())?;
        let first = id("guardrail levels", self.tables.guardrail_levels.len() / 4)?;
        let program = if unknown { None } else { self.guardrail_program(&content[1..])? };
        let (flags, first_section, n_sections) = program.unwrap_or_default();
        self.tables.guardrail_sets.extend([content[0] | flags, first, n_levels, first_section, n_sections]);
        let mut rest = &content[1..];
        while let [entity, flags, count, more @ ..] = rest {
            let (attachments, behind) = more.split_at(2 * *count as usize);
            let passes = attachments.chunks_exact(2).any(|attachment| self.always_allows(attachment[0]));
            let flags = flags | if passes { LEVEL_PASSES } else { 0 };
            let first = id("guardrail attachments", self.tables.guardrail_attachments.len() / 2)?;
            self.tables.guardrail_levels.extend([*entity, flags, first, *count]);
            self.tables.guardrail_attachments.extend_from_slice(attachments);
            rest = behind;
        }
        sets.insert(content, set);
        Ok(set)
    }

    /// The Deny statements of all levels as one index: flags of the set, first section and number of sections. `None`:
    /// something about the levels is not known. Accounts with the same denies share it, whatever their names.
    fn guardrail_program(&mut self, levels: &[u32]) -> Result<Option<(u32, u32, u32)>, CompileError> {
        let mut denies = Vec::new();
        let mut rest = levels;
        while let [_, flags, count, more @ ..] = rest {
            let (attachments, behind) = more.split_at(2 * *count as usize);
            if flags & LEVEL_INCOMPLETE != 0 {
                return Ok(None);
            }
            for attachment in attachments.chunks_exact(2) {
                let body = self.tables.instances[INSTANCE_ROW * attachment[0] as usize];
                if body == NONE {
                    return Ok(None);
                }
                denies.extend(self.statements_of(body).iter().filter(|&&statement| {
                    self.tables.statements[STATEMENT_ROW * statement as usize] & statements::DENY != 0
                }));
            }
            rest = behind;
        }
        denies.sort_unstable();
        denies.dedup();
        if let Some(&known) = self.guardrail_programs.get(&denies) {
            return Ok(Some(known));
        }
        let (split, first_section, n_sections) = self.sections(&denies, GUARDRAIL_GENERAL_MAX)?;
        let program = (SET_PROGRAM | if split == 0 { 0 } else { SET_SPLIT }, first_section, n_sections);
        self.guardrail_programs.insert(denies, program);
        Ok(Some(program))
    }

    /// Does the policy hold an Allow of every action on everything, without condition?
    fn always_allows(&self, instance: u32) -> bool {
        let body = self.tables.instances[INSTANCE_ROW * instance as usize];
        let always = |statement: &u32| {
            let row = &self.tables.statements[STATEMENT_ROW * *statement as usize..][..STATEMENT_ROW];
            let [flags, element, resource, block, _] = [row[0], row[1], row[2], row[3], row[4]];
            let element = self.tables.action_elements[3 * element as usize];
            flags & statements::DENY == 0
                && element & (NEGATED | ELEMENT_ANY | ELEMENT_EMPTY) == ELEMENT_ANY
                && self.resource_word(resource) == NONE
                && block == NONE
        };
        body != NONE && self.statements_of(body).iter().any(always)
    }

    fn statements_of(&self, body: u32) -> &[u32] {
        let row = &self.tables.bodies[BODY_ROW * body as usize..][..BODY_ROW];
        &self.tables.body_statements[row[1] as usize..][..row[2] as usize]
    }

    /// the first account of each canonical user id, sorted by id.
    fn canonical_users(&mut self, world: &Collected, accounts: &Accounts) -> Result<(), CompileError> {
        let mut users = BTreeMap::new();
        for account in &world.accounts {
            if let Some(user) = account.canonical_user {
                let text = self.lowered.strings.get(user).to_owned();
                users.entry(text).or_insert((user, accounts.index(Some(account.number))));
            }
        }
        for (user, account) in users.into_values() {
            let text = self.string(user.0)?;
            self.tables.canonical_users.extend([text, account]);
        }
        Ok(())
    }

    /// Users and roles: by account (those without an account number last), users first, then as the world has them.
    pub(super) fn principals(
        &mut self,
        world: &Collected,
        derived: &Derived,
        accounts: &Accounts,
    ) -> Result<(), CompileError> {
        let mut order: Vec<(u32, IdentityKind, u32)> = Vec::new();
        for (holder, identity) in (0u32..).zip(&world.identities) {
            if identity.kind != IdentityKind::Group {
                order.push((accounts.index(identity.account), identity.kind, holder));
            }
        }
        order.sort_unstable();
        for &(account, _, holder) in &order {
            self.principal(world, derived, account, holder)?;
        }
        self.principal_hashes(world, &order);
        Ok(())
    }

    fn principal(
        &mut self,
        world: &Collected,
        derived: &Derived,
        account: u32,
        holder: u32,
    ) -> Result<(), CompileError> {
        let identity = &world.identities[holder as usize];
        let is_role = identity.kind == IdentityKind::Role;
        let arn = self.string(identity.arn.0)?;
        let unique_id = self.maybe(identity.unique_id)?;
        let boundary = self.boundary(derived, holder)?;
        let attachments = self.attachments(world, derived, holder)?;
        let tags = match identity.tags {
            None => (0, NONE),
            Some(tags) => self.tags(world, tags)?,
        };
        let session_tags = self.tags(world, identity.session_tags)?;
        let first_session = id("attachments", self.tables.attachments.len())?;
        let session = world.list(identity.session);
        for &document in session {
            let instance = self.instance(PolicyKind::Session, document)?;
            self.tables.attachments.push(instance << 1);
            self.tables.explain_groups.push(NONE);
        }
        let trust = if is_role { self.instance(PolicyKind::Trust, identity.trust)? } else { NONE };
        let path_at = self.path_at(identity)?;
        let text = self.lowered.strings.get(identity.arn);
        let kind = match (is_role, is_service_linked(text)) {
            (true, true) => PRINCIPAL_ROLE | PRINCIPAL_SERVICE_LINKED,
            (true, false) => PRINCIPAL_ROLE,
            (false, _) => 0,
        };
        let flags = kind | if text.starts_with("arn:aws:") { PRINCIPAL_AWS } else { 0 };
        self.tables.principals.extend([
            flags,
            account,
            arn,
            unique_id,
            boundary,
            attachments.0,
            attachments.1,
            tags.0,
            tags.1,
            session_tags.0,
            session_tags.1,
            first_session,
            // Bounded by the list that it comes from.
            session.len() as u32,
            trust,
            path_at,
            // Known when all principals are.
            NONE,
        ]);
        Ok(())
    }

    /// Where path and name begin in the ARN: what stands behind `user/` or `role/`, or the whole resource part of an ARN
    /// of another form.
    fn path_at(&self, identity: &IdentityRow) -> Result<u32, CompileError> {
        let arn = self.lowered.strings.get(identity.arn);
        let resource = arn.splitn(6, ':').nth(5).unwrap_or("");
        let word = if identity.kind == IdentityKind::Role { "role/" } else { "user/" };
        let path_name = resource.strip_prefix(word).unwrap_or(resource);
        id("bytes of an ARN", arn.len() - path_name.len())
    }

    ///
    fn boundary(&mut self, derived: &Derived, holder: u32) -> Result<u32, CompileError> {
        let document = if let Some(&(_, document)) = of(&derived.boundaries, holder, |tuple| tuple.0).first() {
            document
        } else if let Some(&(_, arn)) = of(&derived.boundaries_unknown, holder, |tuple| tuple.0).first() {
            let name = self.managed_name(arn);
            self.lowered.unknown_document(&name)?
        } else if let Some(&(_, arn)) = of(&derived.boundaries_missing, holder, |tuple| tuple.0).first() {
            let name = self.managed_name(arn);
            self.lowered.empty_document(&name)?
        } else {
            return Ok(NONE);
        };
        self.instance(PolicyKind::Boundary, document)
    }

    /// The name of a managed policy of which only the ARN is known.
    fn managed_name(&self, arn: u32) -> String {
        let arn = self.lowered.strings.get(StringId(arn));
        last_segment(arn.splitn(6, ':').nth(5).unwrap_or(arn)).to_owned()
    }

    /// first attachment and number.
    fn attachments(&mut self, world: &Collected, derived: &Derived, holder: u32) -> Result<(u32, u32), CompileError> {
        // Place of the group, place, and what stands there: a document, or what is missing.
        enum Attached {
            Document(u32),
            Managed(u32),
            Group,
        }
        let mut list: Vec<(u32, u32, Attached)> = Vec::new();
        for &(_, at, place, document) in of(&derived.attached, holder, |tuple| tuple.0) {
            list.push((at, place, Attached::Document(document)));
        }
        for &(_, at, place, arn) in of(&derived.attached_unknown, holder, |tuple| tuple.0) {
            list.push((at, place, Attached::Managed(arn)));
        }
        for &(_, at, _) in of(&derived.unknown_groups, holder, |tuple| tuple.0) {
            list.push((at, 0, Attached::Group));
        }
        list.sort_by_key(|&(at, place, _)| (at, place));
        let groups = world.list(world.identities[holder as usize].groups);
        let first = id("attachments", self.tables.attachments.len())?;
        let count = id("attachments", list.len())?;
        for (at, _, attached) in list {
            let document = match attached {
                Attached::Document(document) => document,
                Attached::Managed(arn) => {
                    let name = self.managed_name(arn);
                    self.lowered.unknown_document(&name)?
                }
                Attached::Group => self.lowered.unknown_document("*")?,
            };
            let instance = self.instance(PolicyKind::Identity, document)?;
            // Places of groups count from 1; 0 is the principal itself.
            let (word, group) = match at.checked_sub(1) {
                None => (instance << 1, NONE),
                Some(at) => (instance << 1 | ATTACHED_TO_GROUP, self.explain_string(groups[at as usize])?),
            };
            self.tables.attachments.push(word);
            self.tables.explain_groups.push(group);
        }
        Ok((first, count))
    }

    /// First tag and number of a list of tags.
    pub(super) fn tags(&mut self, world: &Collected, list: u32) -> Result<(u32, u32), CompileError> {
        let words = world.tags.get(list);
        // Bounded by the list that it comes from.
        let count = words.len() as u32 / 3;
        if let Some(&first) = self.tags.get(&list) {
            return Ok((first, count));
        }
        let first = id("tags", self.tables.tags.len())? / 3;
        for &word in words {
            let text = self.string(word)?;
            self.tables.tags.push(text);
        }
        self.tags.insert(list, first);
        Ok((first, count))
    }

    fn principal_hashes(&mut self, world: &Collected, order: &[(u32, IdentityKind, u32)]) {
        let identity = |&(_, _, holder): &(u32, IdentityKind, u32)| &world.identities[holder as usize];
        let arns: Vec<&str> = order.iter().map(|row| self.lowered.strings.get(identity(row).arn)).collect();
        let principal_hash = table_of(arns.iter().copied());
        let mut names: Vec<Option<String>> = Vec::with_capacity(arns.len());
        for (arn, row) in arns.iter().zip(order) {
            let identity = identity(row);
            let mut parts = arn.splitn(6, ':').skip(1);
            let partition = parts.next().unwrap_or("");
            let path_name = parts.nth(3).and_then(|resource| resource.strip_prefix("role/"));
            names.push(match (identity.kind, identity.account, path_name) {
                (IdentityKind::Role, Some(account), Some(path_name)) => {
                    Some(format!("{partition}/{account:012}/{}", last_segment(path_name)))
                }
                _ => None,
            });
        }
        let mut table = TableBuilder::new(names.len());
        for (principal, name) in (0u32..).zip(&names) {
            if let Some(name) = name {
                table.insert(hash(name.as_bytes()), principal, |other| names[other as usize].as_ref() == Some(name));
            }
        }
        self.tables.principal_hash = principal_hash;
        self.tables.role_name_hash = table.finish();
    }
}
