//! World -> rows: everything of an inventory that a decision may ask for, lowered and interned, part by part.
//!
//! A world may come whole or in parts, for instance account by account: each part is lowered when it is given and can
//! be dropped then. References between parts (a user to a managed policy, an account to its unit) are resolved by the
//! Datalog program at the end, so the order of parts does not matter for what is decided.
//!
//! Of two entries with one ARN or id the first counts. A world has no such entries, see [`World`].

use crate::error::{CompileError, id};
use crate::intern::{Lists, NONE, StringId};
use crate::lower::Lowered;
use iamc_policy::arn::Arn;
use iamc_policy::decision::Truth;
use iamc_policy::principal::last_segment;
use iamc_policy::request::EndpointType;
use iamc_policy::source::Place;
use iamc_policy::world::{
    Account, Endpoint, GapKind, Guardrail, IdentityRecord, ManagedPolicy, Organization, Resource, ResourcePolicy, Role,
    User, World,
};
use iamc_policy::{AccountId, ConditionKey, PolicyKind, Settings};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

/// A stretch of [`Collected::pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    start: u32,
    len: u32,
}

/// What an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IdentityKind {
    User,
    Role,
    Group,
}

/// A user, role or group.
#[derive(Debug)]
pub(crate) struct IdentityRow {
    pub(crate) kind: IdentityKind,
    pub(crate) arn: StringId,
    /// The ARN's account; `None` if that is no account number.
    pub(crate) account: Option<u64>,
    /// The account component as written.
    pub(crate) account_text: StringId,
    /// What stands behind the last slash of the ARN.
    pub(crate) name: StringId,
    pub(crate) unique_id: u32,
    /// Documents.
    pub(crate) inline: Range,
    /// ARNs of managed policies.
    pub(crate) attached: Range,
    pub(crate) boundary: Option<StringId>,
    /// A list of tags; `None`: not exported.
    pub(crate) tags: Option<u32>,
    /// Names of groups; of users only.
    pub(crate) groups: Range,
    /// The document of the trust policy or NONE; of roles only.
    pub(crate) trust: u32,
    /// Documents of session policies that every session carries; of roles only.
    pub(crate) session: Range,
    /// A list of tags that every session carries; of roles only.
    pub(crate) session_tags: u32,
}

/// An account of the inventory.
#[derive(Debug)]
pub(crate) struct AccountRow {
    pub(crate) number: u64,
    pub(crate) text: StringId,
    pub(crate) unit: Option<StringId>,
    pub(crate) canonical_user: Option<StringId>,
    pub(crate) restrict_public_buckets: Option<bool>,
}

/// A root or organizational unit.
#[derive(Debug)]
pub(crate) struct UnitRow {
    pub(crate) id: StringId,
    pub(crate) organization: StringId,
    pub(crate) above: Option<StringId>,
}

/// An organization.
#[derive(Debug)]
pub(crate) struct OrganizationRow {
    pub(crate) id: StringId,
    pub(crate) management: u64,
    pub(crate) management_text: StringId,
    pub(crate) scp_enabled: Option<bool>,
    pub(crate) rcp_enabled: Option<bool>,
    pub(crate) delegated: Vec<u64>,
}

/// An SCP or RCP.
#[derive(Debug)]
pub(crate) struct GuardrailRow {
    /// `scp` or `rcp`.
    pub(crate) kind: &'static str,
    pub(crate) document: u32,
    /// Ids of entities, each once.
    pub(crate) targets: Range,
    pub(crate) implied: bool,
}

/// What is known of the policy of a resource or endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyRow {
    None,
    Document(u32),
    NotExported,
}

/// A KMS grant.
#[derive(Debug)]
pub(crate) struct GrantRow {
    pub(crate) grantee: u32,
    pub(crate) retiring: u32,
    /// Operations in lower case.
    pub(crate) operations: Range,
    pub(crate) holds: Truth,
}

/// A resource.
#[derive(Debug)]
pub(crate) struct ResourceRow {
    pub(crate) arn: StringId,
    /// Its owner: the account in the ARN, or where that is empty the one that the inventory states.
    pub(crate) account: Option<u64>,
    pub(crate) kind: PolicyKind,
    pub(crate) policy: PolicyRow,
    pub(crate) tags: Option<u32>,
    pub(crate) restrict_public_buckets: Option<bool>,
    /// A stretch of [`Collected::grants`]; `None`: not exported.
    pub(crate) grants: Option<(u32, u32)>,
    pub(crate) aws_managed_key: bool,
}

/// A VPC endpoint.
#[derive(Debug)]
pub(crate) struct EndpointRow {
    pub(crate) id: StringId,
    pub(crate) account: u64,
    pub(crate) vpc: u32,
    pub(crate) gateway: bool,
    pub(crate) policy: PolicyRow,
}

/// Something that the export lacks.
#[derive(Debug)]
pub(crate) struct GapRow {
    pub(crate) kind: GapKind,
    pub(crate) subject: StringId,
    pub(crate) message: StringId,
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// The rows of all parts so far.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) settings: Settings,
    pub(crate) assume_complete: bool,
    pub(crate) organizations: Vec<OrganizationRow>,
    pub(crate) units: Vec<UnitRow>,
    pub(crate) accounts: Vec<AccountRow>,
    pub(crate) guardrails: Vec<GuardrailRow>,
    /// The documents of managed policies by ARN.
    pub(crate) managed: FxHashMap<StringId, u32>,
    pub(crate) identities: Vec<IdentityRow>,
    pub(crate) resources: Vec<ResourceRow>,
    pub(crate) grants: Vec<GrantRow>,
    pub(crate) endpoints: Vec<EndpointRow>,
    /// Account, service.
    pub(crate) coverage: Vec<(u64, StringId)>,
    pub(crate) gaps: Vec<GapRow>,
    /// `[(canonical key, value, key as written)…]`, in the order of the inventory.
    pub(crate) tags: Lists,
    /// What ranges are stretches of.
    pool: Vec<u32>,
    /// Every account that anything speaks of, with the text of its number.
    numbers: BTreeMap<u64, StringId>,
    seen: Seen,
}

/// What was there before: ids of each kind of thing.
#[derive(Debug, Default)]
struct Seen {
    organizations: FxHashSet<StringId>,
    units: FxHashSet<StringId>,
    accounts: FxHashSet<u64>,
    users: FxHashSet<StringId>,
    roles: FxHashSet<StringId>,
    /// By account and name: that is how users name their groups.
    groups: FxHashSet<(StringId, StringId)>,
    resources: FxHashSet<StringId>,
    endpoints: FxHashSet<StringId>,
}

impl Collected {
    pub(crate) fn new(settings: Settings, assume_complete: bool) -> Collected {
        Collected {
            settings,
            assume_complete,
            organizations: Vec::new(),
            units: Vec::new(),
            accounts: Vec::new(),
            guardrails: Vec::new(),
            managed: FxHashMap::default(),
            identities: Vec::new(),
            resources: Vec::new(),
            grants: Vec::new(),
            endpoints: Vec::new(),
            coverage: Vec::new(),
            gaps: Vec::new(),
            tags: Lists::new("lists of tags"),
            pool: Vec::new(),
            numbers: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    /// Nothing will be added any more: gives back the memory that only that needs.
    pub(crate) fn freeze(&mut self) {
        self.seen = Seen::default();
    }

    /// The numbers in a range.
    pub(crate) fn list(&self, range: Range) -> &[u32] {
        &self.pool[range.start as usize..(range.start + range.len) as usize]
    }

    /// Every account that anything speaks of, ascending, with the text of its number.
    pub(crate) fn account_numbers(&self) -> impl ExactSizeIterator<Item = (u64, StringId)> {
        self.numbers.iter().map(|(&number, &text)| (number, text))
    }

    /// Takes in one part of a world.
    ///
    /// Errors: [`CompileError::Settings`], and limits.
    pub(crate) fn add(&mut self, world: &World, lowered: &mut Lowered) -> Result<(), CompileError> {
        if world.settings != self.settings || world.assume_complete != self.assume_complete {
            return Err(CompileError::Settings);
        }
        world.organizations.iter().try_for_each(|organization| self.organization(organization, lowered))?;
        for unit in &world.units {
            let unit_id = lowered.string(&unit.id)?;
            if self.seen.units.insert(unit_id) {
                let organization = lowered.string(&unit.organization)?;
                let above = unit.parent.as_deref().map(|above| lowered.string(above)).transpose()?;
                self.units.push(UnitRow { id: unit_id, organization, above });
            }
        }
        world.accounts.iter().try_for_each(|account| self.account(account, lowered))?;
        world.guardrails.iter().try_for_each(|guardrail| self.guardrail(guardrail, lowered))?;
        world.policies.iter().try_for_each(|managed| self.managed(managed, lowered))?;
        world.users.iter().try_for_each(|user| self.user(user, lowered))?;
        for group in &world.groups {
            let row = self.identity(IdentityKind::Group, &group.identity, lowered)?;
            if self.seen.groups.insert((row.account_text, row.name)) {
                self.push(row)?;
            }
        }
        world.roles.iter().try_for_each(|role| self.role(role, lowered))?;
        world.resources.iter().try_for_each(|resource| self.resource(resource, lowered))?;
        world.endpoints.iter().try_for_each(|endpoint| self.endpoint(endpoint, lowered))?;
        for covered in &world.coverage {
            self.number(covered.account, lowered)?;
            self.coverage.push((covered.account.number(), lowered.string(&covered.service)?));
        }
        for gap in &world.gaps {
            if let Ok(account) = gap.subject.parse() {
                self.number(account, lowered)?;
            }
            let (file, line) = place(gap.place.as_ref(), lowered)?;
            let (subject, message) = (lowered.string(&gap.subject)?, lowered.string(&gap.message)?);
            self.gaps.push(GapRow { kind: gap.kind, subject, message, file, line });
        }
        Ok(())
    }

    fn number(&mut self, account: AccountId, lowered: &mut Lowered) -> Result<StringId, CompileError> {
        if let Some(&known) = self.numbers.get(&account.number()) {
            return Ok(known);
        }
        let text = lowered.string(&account.to_string())?;
        self.numbers.insert(account.number(), text);
        Ok(text)
    }

    fn range(&mut self, list: &[u32]) -> Result<Range, CompileError> {
        let start = id("list entries", self.pool.len())?;
        self.pool.extend_from_slice(list);
        id("list entries", self.pool.len())?;
        // Below 2^32 by the line above.
        Ok(Range { start, len: list.len() as u32 })
    }

    fn tags(&mut self, tags: &[(String, String)], lowered: &mut Lowered) -> Result<u32, CompileError> {
        let mut words = Vec::with_capacity(3 * tags.len());
        for (key, value) in tags {
            words.push(lowered.string(ConditionKey::new(key).as_str())?.0);
            words.push(lowered.string(value)?.0);
            words.push(lowered.string(key)?.0);
        }
        self.tags.intern(&words)
    }

    fn organization(&mut self, organization: &Organization, lowered: &mut Lowered) -> Result<(), CompileError> {
        let organization_id = lowered.string(&organization.id)?;
        if !self.seen.organizations.insert(organization_id) {
            return Ok(());
        }
        let management_text = self.number(organization.management_account, lowered)?;
        let mut delegated = Vec::new();
        for account in &organization.delegated_administrators {
            self.number(*account, lowered)?;
            delegated.push(account.number());
        }
        self.organizations.push(OrganizationRow {
            id: organization_id,
            management: organization.management_account.number(),
            management_text,
            scp_enabled: organization.scp_enabled,
            rcp_enabled: organization.rcp_enabled,
            delegated,
        });
        Ok(())
    }

    fn account(&mut self, account: &Account, lowered: &mut Lowered) -> Result<(), CompileError> {
        if !self.seen.accounts.insert(account.id.number()) {
            return Ok(());
        }
        let text = self.number(account.id, lowered)?;
        let unit = account.parent.as_deref().map(|unit| lowered.string(unit)).transpose()?;
        let canonical_user = account.canonical_user.as_deref().map(|user| lowered.string(user)).transpose()?;
        self.accounts.push(AccountRow {
            number: account.id.number(),
            text,
            unit,
            canonical_user,
            restrict_public_buckets: account.s3_restrict_public_buckets,
        });
        Ok(())
    }

    fn guardrail(&mut self, guardrail: &Guardrail, lowered: &mut Lowered) -> Result<(), CompileError> {
        let kind = match guardrail.kind {
            PolicyKind::Scp => "scp",
            PolicyKind::Rcp => "rcp",
            // No other kind governs accounts.
            _ => return Ok(()),
        };
        // SCPs and RCPs govern accounts and belong to none.
        let document = lowered.document(guardrail.kind, &guardrail.policy, None)?;
        let mut targets = Vec::with_capacity(guardrail.targets.len());
        for target in &guardrail.targets {
            targets.push(lowered.string(target)?.0);
        }
        targets.sort_unstable();
        targets.dedup();
        let targets = self.range(&targets)?;
        id("guardrails", self.guardrails.len())?;
        self.guardrails.push(GuardrailRow { kind, document, targets, implied: guardrail.implied });
        Ok(())
    }

    fn managed(&mut self, managed: &ManagedPolicy, lowered: &mut Lowered) -> Result<(), CompileError> {
        let arn = lowered.string(managed.arn.as_str())?;
        // Policies of AWS belong to no account.
        let home = managed.arn.account().parse().ok();
        if let Entry::Vacant(vacant) = self.managed.entry(arn) {
            vacant.insert(lowered.document(PolicyKind::Identity, &managed.policy, home)?);
            if let Some(home) = home {
                self.number(home, lowered)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, row: IdentityRow) -> Result<(), CompileError> {
        id("identities", self.identities.len())?;
        self.identities.push(row);
        Ok(())
    }

    fn identity(
        &mut self,
        kind: IdentityKind,
        record: &IdentityRecord,
        lowered: &mut Lowered,
    ) -> Result<IdentityRow, CompileError> {
        let arn = lowered.string(record.arn.as_str())?;
        let account = record.arn.account().parse::<AccountId>().ok();
        if let Some(account) = account {
            self.number(account, lowered)?;
        }
        let mut inline = Vec::with_capacity(record.inline.len());
        for policy in &record.inline {
            inline.push(lowered.document(PolicyKind::Identity, policy, account)?);
        }
        let attached = arns(&record.attached, lowered)?;
        let (inline, attached) = (self.range(&inline)?, self.range(&attached)?);
        let empty = self.range(&[])?;
        Ok(IdentityRow {
            kind,
            arn,
            account: account.map(AccountId::number),
            account_text: lowered.string(record.arn.account())?,
            name: lowered.string(last_segment(record.arn.resource()))?,
            unique_id: lowered.maybe(record.unique_id.as_deref())?,
            inline,
            attached,
            boundary: record.boundary.as_ref().map(|arn| lowered.string(arn.as_str())).transpose()?,
            tags: record.tags.as_deref().map(|tags| self.tags(tags, lowered)).transpose()?,
            groups: empty,
            trust: NONE,
            session: empty,
            session_tags: self.tags(&[], lowered)?,
        })
    }

    fn user(&mut self, user: &User, lowered: &mut Lowered) -> Result<(), CompileError> {
        if !self.seen.users.insert(lowered.string(user.identity.arn.as_str())?) {
            return Ok(());
        }
        let mut row = self.identity(IdentityKind::User, &user.identity, lowered)?;
        let mut groups = Vec::with_capacity(user.groups.len());
        for name in &user.groups {
            groups.push(lowered.string(name)?.0);
        }
        row.groups = self.range(&groups)?;
        self.push(row)
    }

    fn role(&mut self, role: &Role, lowered: &mut Lowered) -> Result<(), CompileError> {
        if !self.seen.roles.insert(lowered.string(role.identity.arn.as_str())?) {
            return Ok(());
        }
        let mut row = self.identity(IdentityKind::Role, &role.identity, lowered)?;
        let home = role.identity.arn.account().parse().ok();
        row.trust = lowered.document(PolicyKind::Trust, &role.trust, home)?;
        let mut session = Vec::with_capacity(role.session_defaults.policies.len());
        for policy in &role.session_defaults.policies {
            session.push(lowered.document(PolicyKind::Session, policy, home)?);
        }
        row.session = self.range(&session)?;
        row.session_tags = self.tags(&role.session_defaults.tags, lowered)?;
        self.push(row)
    }

    fn resource(&mut self, resource: &Resource, lowered: &mut Lowered) -> Result<(), CompileError> {
        let arn = lowered.string(resource.arn.as_str())?;
        if !self.seen.resources.insert(arn) {
            return Ok(());
        }
        let account = match resource.arn.account() {
            "" => resource.account,
            text => text.parse().ok(),
        };
        if let Some(account) = account {
            self.number(account, lowered)?;
        }
        let is_key = resource.arn.service() == "kms" && resource.arn.resource().starts_with("key/");
        let kind = if is_key { PolicyKind::Key } else { PolicyKind::Resource };
        let grants = match &resource.kms_grants {
            None => None,
            Some(grants) => {
                let start = id("KMS grants", self.grants.len())?;
                for grant in grants {
                    let mut operations = Vec::with_capacity(grant.operations.len());
                    for operation in &grant.operations {
                        operations.push(lowered.string(&operation.to_ascii_lowercase())?.0);
                    }
                    let operations = self.range(&operations)?;
                    let grantee = lowered.maybe(grant.grantee.as_deref())?;
                    let retiring = lowered.maybe(grant.retiring.as_deref())?;
                    self.grants.push(GrantRow { grantee, retiring, operations, holds: grant.holds });
                }
                Some((start, id("KMS grants", self.grants.len())? - start))
            }
        };
        let row = ResourceRow {
            arn,
            account: account.map(AccountId::number),
            kind,
            policy: policy(kind, &resource.policy, account, lowered)?,
            tags: resource.tags.as_deref().map(|tags| self.tags(tags, lowered)).transpose()?,
            restrict_public_buckets: resource.s3_restrict_public_buckets,
            grants,
            aws_managed_key: resource.aws_managed_key,
        };
        id("resources", self.resources.len())?;
        self.resources.push(row);
        Ok(())
    }

    fn endpoint(&mut self, endpoint: &Endpoint, lowered: &mut Lowered) -> Result<(), CompileError> {
        let endpoint_id = lowered.string(&endpoint.id)?;
        if !self.seen.endpoints.insert(endpoint_id) {
            return Ok(());
        }
        self.number(endpoint.account, lowered)?;
        id("endpoints", self.endpoints.len())?;
        self.endpoints.push(EndpointRow {
            id: endpoint_id,
            account: endpoint.account.number(),
            vpc: lowered.maybe(endpoint.vpc.as_deref())?,
            gateway: endpoint.endpoint_type == EndpointType::Gateway,
            policy: policy(PolicyKind::Endpoint, &endpoint.policy, Some(endpoint.account), lowered)?,
        });
        Ok(())
    }
}

fn arns(list: &[Arn], lowered: &mut Lowered) -> Result<Vec<u32>, CompileError> {
    list.iter().map(|arn| lowered.string(arn.as_str()).map(|id| id.0)).collect()
}

fn policy(
    kind: PolicyKind,
    policy: &ResourcePolicy,
    home: Option<AccountId>,
    lowered: &mut Lowered,
) -> Result<PolicyRow, CompileError> {
    Ok(match policy {
        ResourcePolicy::None => PolicyRow::None,
        ResourcePolicy::NotExported => PolicyRow::NotExported,
        ResourcePolicy::Policy(policy) => PolicyRow::Document(lowered.document(kind, policy, home)?),
    })
}

fn place(place: Option<&Place>, lowered: &mut Lowered) -> Result<(u32, u32), CompileError> {
    Ok(match place {
        None => (NONE, 0),
        Some(place) => (lowered.string(&place.file)?.0, place.line),
    })
}
