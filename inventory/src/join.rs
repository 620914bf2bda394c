//! The facts of all files -> one [`Assembly`], and the gaps that the export leaves.

use crate::assemble::{Assembly, error_at, same_policy};
use crate::aws::resources::bucket_coverage;
use crate::config::Newest;
use crate::documents::{DocumentText, Documents, Notes};
use crate::error::shorten;
use crate::fact::{Fact, Grants, KeyUse, Listing, OrganizationFact, Origin, Page, Snapshot, gap_of};
use crate::item::Item;
use crate::json::Source;
use crate::shared::Shared;
use iamc_policy::World;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::request::KmsGrant;
use iamc_policy::source::Place;
use iamc_policy::world::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is known of an SCP or RCP.
struct PolicyRecord {
    kind: PolicyKind,
    name: String,
    text: Option<NamedPolicy>,
    place: Place,
}

/// To what a policy is attached, in the order read.
#[derive(Default)]
struct Targets {
    list: Vec<String>,
    known: HashSet<String>,
}

/// What is known of a root or unit.
struct UnitRecord {
    organization: Option<String>,
    name: Option<String>,
    place: Place,
}

/// Time, Region and place of the last use of an access key.
type UseOfKey = (Option<String>, Option<String>, Place);

/// Everything that files say about organizations, and which listings are complete.
#[derive(Default)]
pub(crate) struct Joined {
    /// Whether a listing is complete, and where it was seen last.
    pages: BTreeMap<Listing, (bool, Place)>,
    /// Accounts that are exported, with what kinds of exports name them and where one does.
    exported: BTreeMap<AccountId, (BTreeSet<Origin>, Place)>,
    configured: Newest,
    /// Last uses of access keys, by account and name of the user.
    key_uses: BTreeMap<(AccountId, String), Vec<UseOfKey>>,
    /// Resources that are shared.
    pub(crate) shared: Shared,
    organizations: BTreeMap<String, (AccountId, Place)>,
    policy_types: BTreeMap<Option<String>, (bool, bool)>,
    units: BTreeMap<String, UnitRecord>,
    members: BTreeMap<AccountId, (Option<String>, Place)>,
    outside: BTreeSet<AccountId>,
    parents: BTreeMap<String, (String, Place)>,
    policies: BTreeMap<String, PolicyRecord>,
    attached: BTreeMap<String, Targets>,
    delegated: BTreeSet<AccountId>,
    grants: BTreeMap<String, (Resource, BTreeSet<KmsGrant>)>,
}

impl Joined {
    /// Takes in a fact. What is complete in itself goes to `assembly` at once, in the order of the files.
    pub(crate) fn add(&mut self, fact: Fact, assembly: &mut Assembly) {
        match fact {
            Fact::Item(item) => assembly.add(item),
            Fact::Page(page) => self.page(*page),
            Fact::Account { id, origin, place } => {
                let known = self.exported.entry(id).or_insert((BTreeSet::new(), place));
                known.0.insert(origin);
            }
            Fact::KeyUse(fact) => {
                let KeyUse { account, user, at, region, place } = *fact;
                let uses = self.key_uses.entry((account, user)).or_default();
                uses.push((at, region, place));
            }
            Fact::Shared(shared) => self.shared.add(*shared),
            Fact::Config(facts) => self.configured.add(*facts),
            Fact::Snapshot(fact) => {
                let Snapshot { id, account, region, place } = *fact;
                assembly.errors.extend(self.configured.snapshot(id, account, region, place));
            }
            Fact::Organization(fact) => self.organization(*fact, assembly),
            Fact::Grants(fact) => {
                let Grants { key, account, grants, place } = *fact;
                let known = self.grants.entry(key.to_string()).or_insert_with(|| {
                    let account = if key.account().is_empty() { account } else { None };
                    let resource = Resource {
                        arn: key,
                        account,
                        policy: ResourcePolicy::NotExported,
                        tags: None,
                        s3_restrict_public_buckets: None,
                        kms_grants: None,
                        aws_managed_key: false,
                        place: Some(place),
                    };
                    (resource, BTreeSet::new())
                });
                // Pages may come in any order, and twice: a key's grants are a set.
                known.1.extend(grants);
            }
        }
    }

    /// Hands on what Config said last of each resource; to be called when every file has been taken in.
    pub(crate) fn settle_config(&mut self, assembly: &mut Assembly) {
        for fact in std::mem::take(&mut self.configured).into_facts() {
            self.add(fact, assembly);
        }
    }

    fn page(&mut self, page: Page) {
        let known = self.pages.entry(page.of).or_insert((false, page.place.clone()));
        known.0 |= !page.truncated;
        if page.truncated {
            known.1 = page.place;
        }
    }

    fn organization(&mut self, fact: OrganizationFact, assembly: &mut Assembly) {
        let mut contradiction = |what: String, place: &Place, before: &Place| {
            let message = format!("{what} differs from what {before} says");
            assembly.errors.push(error_at(Some(place), message, "export again what is older"));
        };
        match fact {
            OrganizationFact::Seen { id, management_account, place } => {
                let known = self.organizations.entry(id.clone()).or_insert((management_account, place.clone()));
                if known.0 != management_account {
                    let what =
                        format!("the management account {management_account} of organization `{}`", shorten(&id));
                    contradiction(what, &place, &known.1);
                }
            }
            OrganizationFact::NotInUse { account } => {
                self.outside.insert(account);
            }
            OrganizationFact::PolicyTypes { organization, scp, rcp } => {
                // More roots than one do not occur; were there several, a type would be enabled if one has it.
                let known = self.policy_types.entry(organization).or_default();
                known.0 |= scp;
                known.1 |= rcp;
            }
            OrganizationFact::Unit { id, organization, name, place } => {
                let known = self.units.entry(id.clone()).or_insert_with(|| UnitRecord {
                    organization: organization.clone(),
                    name: name.clone(),
                    place: place.clone(),
                });
                let other =
                    known.organization.is_some() && organization.is_some() && known.organization != organization;
                let renamed = known.name.is_some() && name.is_some() && known.name != name;
                known.organization = known.organization.take().or(organization);
                known.name = known.name.take().or_else(|| name.clone());
                if other || renamed {
                    contradiction(format!("the unit `{}`", shorten(&id)), &place, &known.place);
                }
            }
            OrganizationFact::Account { id, organization, name, place } => {
                let account = Account {
                    id,
                    name,
                    parent: None,
                    canonical_user: None,
                    s3_restrict_public_buckets: None,
                    place: Some(place.clone()),
                };
                assembly.add(Item::Account(Box::new(account)));
                let known = self.members.entry(id).or_insert((None, place));
                known.0 = known.0.take().or(organization);
            }
            OrganizationFact::Parent { child, parent, place } => {
                let known = self.parents.entry(child.clone()).or_insert((parent.clone(), place.clone()));
                if known.0 != parent {
                    contradiction(format!("what lies above `{}`", shorten(&child)), &place, &known.1);
                }
            }
            OrganizationFact::Policy { id, kind, name, text, place } => {
                let known = self.policies.entry(id.clone()).or_insert_with(|| PolicyRecord {
                    kind,
                    name: name.clone(),
                    text: None,
                    place: place.clone(),
                });
                let same_text = match (&known.text, &text) {
                    (Some(a), Some(b)) => same_policy(a, b),
                    _ => true,
                };
                if known.kind != kind || known.name != name || !same_text {
                    contradiction(format!("the {kind} `{}`", shorten(&id)), &place, &known.place);
                }
                if known.text.is_none() {
                    known.text = text;
                }
            }
            OrganizationFact::Attached { policy, target } => {
                let targets = self.attached.entry(policy).or_default();
                if targets.known.insert(target.clone()) {
                    targets.list.push(target);
                }
            }
            OrganizationFact::Delegated(account) => {
                self.delegated.insert(account);
            }
        }
    }

    /// Hands everything that was gathered to `assembly`.
    pub(crate) fn hand_over(&mut self, assembly: &mut Assembly, documents: &Documents) {
        let mut all = self.organizations.keys();
        let only = all.next().filter(|_| self.organizations.len() == 1);
        for (id, (management_account, place)) in &self.organizations {
            let types = self.policy_types.get(&Some(id.clone()));
            let types = types.or_else(|| self.policy_types.get(&None).filter(|_| only.is_some()));
            assembly.add(Item::Organization(Box::new(Organization {
                id: id.clone(),
                management_account: *management_account,
                scp_enabled: types.map(|types| types.0),
                rcp_enabled: types.map(|types| types.1),
                delegated_administrators: self.delegated.iter().copied().collect(),
                place: Some(place.clone()),
            })));
        }
        for (id, unit) in &self.units {
            assembly.add(Item::Unit(Box::new(Unit {
                id: id.clone(),
                // Without any, the unit's organization counts as one that was not exported.
                organization: unit.organization.as_ref().or(only).cloned().unwrap_or_default(),
                parent: self.parents.get(id).map(|(parent, _)| parent.clone()),
                name: unit.name.clone(),
                place: Some(unit.place.clone()),
            })));
        }
        let mut accounts = std::mem::take(&mut self.exported);
        for (id, (_, place)) in &self.members {
            accounts.entry(*id).or_insert_with(|| (BTreeSet::new(), place.clone()));
        }
        // Accounts that only list-children or list-parents names.
        for (child, (_, place)) in &self.parents {
            if let Ok(id) = child.parse::<AccountId>() {
                accounts.entry(id).or_insert_with(|| (BTreeSet::new(), place.clone()));
            }
        }
        for (id, (_, place)) in &accounts {
            assembly.add(Item::Account(Box::new(Account {
                id: *id,
                name: None,
                parent: self.parents.get(&id.to_string()).map(|(parent, _)| parent.clone()),
                canonical_user: None,
                s3_restrict_public_buckets: None,
                place: Some(place.clone()),
            })));
        }
        self.exported = accounts;
        self.hand_over_policies(assembly, documents);
        for (key, (resource, grants)) in &mut self.grants {
            // Half of the grants would pass for all of them.
            if self.pages.get(&Listing::Grants(key.clone())).is_some_and(|page| page.0) {
                resource.kms_grants = Some(std::mem::take(grants).into_iter().collect());
            }
            assembly.add(Item::Resource(Box::new(resource.clone())));
        }
        for (listing, (complete, place)) in &self.pages {
            if let (Listing::Buckets(account), true) = (listing, complete) {
                assembly.add(Item::Coverage(Box::new(bucket_coverage(*account, place.clone()))));
            }
        }
    }

    /// Adds the last uses of access keys, whose users the world now knows with their paths.
    pub(crate) fn hand_over_key_uses(&mut self, assembly: &mut Assembly) {
        let uses = std::mem::take(&mut self.key_uses);
        if uses.is_empty() {
            return;
        }
        let mut found = Vec::new();
        for arn in assembly.users() {
            let name = crate::lines::last_name(arn).to_owned();
            if let Ok(account) = arn.account().parse::<AccountId>()
                && let Some(uses) = uses.get(&(account, name))
            {
                found.extend(uses.iter().map(|use_of_key| (arn.clone(), use_of_key.clone())));
            }
        }
        for (arn, (at, region, place)) in found {
            assembly.add(Item::LastUse(Box::new(LastUse { arn, at, region, place: Some(place) })));
        }
    }

    fn hand_over_policies(&self, assembly: &mut Assembly, documents: &Documents) {
        for (id, record) in &self.policies {
            let policy = record.text.clone().or_else(|| aws_managed(id, record, documents)).unwrap_or_else(|| {
                let mut unknown = NamedPolicy::unknown(record.name.clone());
                unknown.place = Some(record.place.clone());
                unknown
            });
            let targets = self.attached.get(id).map(|targets| targets.list.clone()).unwrap_or_default();
            let guardrail = Guardrail { id: id.clone(), kind: record.kind, policy, targets, implied: false };
            assembly.add(Item::Guardrail(Box::new(guardrail)));
        }
    }

    fn is_complete(&self, listing: &Listing) -> bool {
        self.pages.get(listing).is_some_and(|page| page.0)
    }

    /// What the export leaves open.
    pub(crate) fn gaps(&self, world: &World) -> Vec<Gap> {
        let mut gaps = Vec::new();
        self.truncated(&mut gaps);
        self.accounts(world, &mut gaps);
        for organization in &world.organizations {
            self.hierarchy(world, organization, &mut gaps);
            self.guardrails(organization, PolicyKind::Scp, &mut gaps);
            self.guardrails(organization, PolicyKind::Rcp, &mut gaps);
        }
        let is_known = |guardrail: &&Guardrail| matches!(guardrail.policy.text, PolicyText::Known(_));
        let known: HashSet<&str> =
            world.guardrails.iter().filter(is_known).map(|guardrail| guardrail.id.as_str()).collect();
        for (id, record) in &self.policies {
            if !known.contains(id.as_str()) && self.attached.contains_key(id) {
                let message = format!("the text of the {} {id} ({}) was not exported", record.kind, record.name);
                gaps.push(gap(GapKind::ManagedPolicy, id.clone(), message, Some(&record.place)));
            }
        }
        for (policy, targets) in &self.attached {
            // Attached, and described nowhere: it may be an SCP as well as an RCP, or neither.
            if !self.policies.contains_key(policy) {
                let message = {
                    let first = targets.list.first().map_or("", String::as_str);
                    format!("the policy {policy} is attached to {first} and described nowhere")
                };
                for organization in &world.organizations {
                    for kind in [GapKind::Scps, GapKind::Rcps] {
                        let place = organization.place.as_ref();
                        gaps.push(gap(kind, organization.id.clone(), message.clone(), place));
                    }
                }
            }
        }
        gaps
    }

    fn truncated(&self, gaps: &mut Vec<Gap>) {
        for (listing, (complete, place)) in &self.pages {
            if *complete {
                continue;
            }
            let (mut kind, subject, message) = gap_of(listing);
            if let Listing::Targets(policy) = listing
                && self.policies.get(policy).is_some_and(|record| record.kind == PolicyKind::Rcp)
            {
                kind = GapKind::Rcps;
            }
            match subject {
                Some(subject) => gaps.push(gap(kind, subject, message, Some(place))),
                None => {
                    for id in self.organizations.keys() {
                        gaps.push(gap(kind, id.clone(), message.clone(), Some(place)));
                    }
                }
            }
        }
    }

    fn accounts(&self, world: &World, gaps: &mut Vec<Gap>) {
        let placed: HashSet<AccountId> =
            world.accounts.iter().filter(|account| account.parent.is_some()).map(|account| account.id).collect();
        let of_endpoints = |listing: &Listing| match listing {
            Listing::Endpoints(account, _) => Some(*account),
            _ => None,
        };
        let with_endpoints: HashSet<AccountId> = self.pages.keys().filter_map(of_endpoints).collect();
        for (id, (origins, place)) in &self.exported {
            let subject = id.to_string();
            if !self.pages.contains_key(&Listing::Identities(*id)) {
                let message = match origins.last() {
                    None | Some(Origin::Outputs) => {
                        format!("the account authorization details of {id} were not exported")
                    }
                    Some(Origin::Config) => format!(
                        "AWS Config records what its recorders were told to: account {id} may have more identities than the export names"
                    ),
                    Some(Origin::Collect) => format!(
                        "iam-collect does not say that it read all of IAM: account {id} may have more identities than the export names"
                    ),
                };
                gaps.push(gap(GapKind::Identities, subject.clone(), message, Some(place)));
            }
            let message = format!("resources of account {id} that the export does not name may exist");
            gaps.push(gap(GapKind::Resources, subject.clone(), message, Some(place)));
            if !with_endpoints.contains(id) {
                let message = match origins.last() {
                    None | Some(Origin::Outputs) => format!("the VPC endpoints of account {id} were not exported"),
                    _ => format!("VPC endpoints of account {id} that the export does not name may exist"),
                };
                gaps.push(gap(GapKind::Endpoints, subject.clone(), message, Some(place)));
            }
            if placed.contains(id) || self.outside.contains(id) {
                continue;
            }
            let message = match (self.members.get(id), world.organizations.is_empty()) {
                (Some((organization, _)), _) => {
                    let organization = organization.as_deref().unwrap_or("its organization");
                    format!("where account {id} lies in {organization} was not exported (list-accounts-for-parent)")
                }
                (None, true) => format!("whether account {id} is in an organization was not exported"),
                (None, false) => format!("account {id} is in none of the organizations exported; it may be in another"),
            };
            gaps.push(gap(GapKind::Hierarchy, subject, message, Some(place)));
        }
    }

    /// All accounts are known if they were listed, or if the tree was walked to its leaves.
    fn hierarchy(&self, world: &World, organization: &Organization, gaps: &mut Vec<Gap>) {
        if !self.organizations.contains_key(&organization.id) || self.is_complete(&Listing::Accounts) {
            return;
        }
        let mut units = world.units.iter().filter(|unit| unit.organization == organization.id).peekable();
        let walked = units.peek().is_some()
            && units.all(|unit| {
                self.is_complete(&Listing::AccountsOf(unit.id.clone()))
                    && self.is_complete(&Listing::UnitsOf(unit.id.clone()))
            });
        if !walked {
            let message = format!("the accounts of {} were not exported (list-accounts)", organization.id);
            gaps.push(gap(GapKind::Hierarchy, organization.id.clone(), message, organization.place.as_ref()));
        }
    }

    /// The guardrails of one kind are known if all were listed with all their targets, or all those of every entity.
    fn guardrails(&self, organization: &Organization, kind: PolicyKind, gaps: &mut Vec<Gap>) {
        if !self.organizations.contains_key(&organization.id) {
            return;
        }
        let is_scp = kind == PolicyKind::Scp;
        let enabled = if is_scp { organization.scp_enabled } else { organization.rcp_enabled };
        let (gap_kind, words) = match is_scp {
            true => (GapKind::Scps, "SERVICE_CONTROL_POLICY"),
            false => (GapKind::Rcps, "RESOURCE_CONTROL_POLICY"),
        };
        let message = match enabled {
            Some(false) => return,
            None => {
                format!("whether {} has the policy type {words} enabled was not exported (list-roots)", organization.id)
            }
            Some(true) => {
                let mut of_kind = self.policies.iter().filter(|(_, record)| record.kind == kind);
                let untold = of_kind.find(|(id, _)| !self.is_complete(&Listing::Targets((*id).clone())));
                let listed = self.is_complete(&Listing::Policies(kind));
                let units = self.units.keys().cloned();
                let mut entities = units.chain(self.members.keys().map(AccountId::to_string)).peekable();
                let asked_each = entities.peek().is_some()
                    && entities.all(|entity| self.is_complete(&Listing::PoliciesFor(entity, kind)));
                match untold {
                    _ if asked_each => return,
                    _ if !listed => {
                        format!("the policies of type {words} of {} were not exported (list-policies)", organization.id)
                    }
                    None => return,
                    Some((id, _)) => {
                        format!("where the {kind} {id} is attached was not exported (list-targets-for-policy)")
                    }
                }
            }
        };
        gaps.push(gap(gap_kind, organization.id.clone(), message, organization.place.as_ref()));
    }
}

fn gap(kind: GapKind, subject: String, message: String, place: Option<&Place>) -> Gap {
    Gap { kind, subject, message, place: place.cloned() }
}

/// The text of the policies that AWS attaches itself; they are the same everywhere.
fn aws_managed(id: &str, record: &PolicyRecord, documents: &Documents) -> Option<NamedPolicy> {
    let text = match (id, record.kind) {
        ("p-FullAWSAccess", PolicyKind::Scp) => {
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
        }
        ("p-RCPFullAWSAccess", PolicyKind::Rcp) => {
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
        }
        _ => return None,
    };
    let source = Source::new(record.place.file.clone(), text, (record.place.line, 1));
    let at = source.parse(text).ok()?;
    let document = DocumentText { text, literal: false, at, verbatim: false };
    Some(documents.read(record.kind, record.name.clone(), &document, &mut Notes::default()))
}
