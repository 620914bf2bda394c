//! Worlds in which the requests of some drafts have a chance: an organization, principals, resources, gaps.

use super::document::{Aim, Mood, document, full_access, named};
use super::entropy::Entropy;
use super::request::{Draft, account, arn, grant, some_tags, unique_id};
use super::words::{
    ACCOUNT_A, ACCOUNT_B, ACCOUNT_M, ACCOUNT_X, CANONICAL, ENDPOINT, GROUPS, OIDC, ORGANIZATION, ROLES, ROOT, SAML,
    USERS,
};
use iamc_policy::document::Strictness;
use iamc_policy::principal::{Principal, last_segment};
use iamc_policy::request::{EndpointType, Request, RequestResource, ResourceInRequest, ThroughEndpoint};
use iamc_policy::settings::Settings;
use iamc_policy::world::{
    Account, Coverage, Endpoint, Gap, GapKind, Group, Guardrail, IdentityRecord, ManagedPolicy, NamedPolicy,
    Organization, Provider, Resource, ResourcePolicy, Role, SessionDefaults, Unit, User, World,
};
use iamc_policy::{AccountId, PolicyKind};

/// The switches: the defaults mostly, else a few of them turned.
pub(super) fn settings(entropy: &mut Entropy<'_>) -> Settings {
    let mut settings = Settings::default();
    if !entropy.chance(25) {
        return settings;
    }
    for _ in 0..1 + entropy.below(3) {
        // Strict mode stands first in the list of names and is rare, for it quarantines much.
        let first = usize::from(!entropy.chance(20));
        let name = Settings::NAMES[first + entropy.below(Settings::NAMES.len() - first)];
        let values: Vec<&str> = ["true", "false", "any", "negated_true", "every", "none", "text", "skip", "pattern"]
            .into_iter()
            .chain(["reject", "insensitive", "principal_arn", "lenient", "unknown", "one", "literal"])
            .filter(|value| Settings::default().set(name, value).is_ok())
            .collect();
        if !values.is_empty() {
            let value = *entropy.pick(&values);
            settings.set(name, value).expect("the value was tried before");
        }
    }
    settings
}

pub(super) struct Maker<'e, 'b> {
    entropy: &'e mut Entropy<'b>,
    aims: Vec<Aim>,
    strictness: Strictness,
    world: World,
}

/// A world for these drafts.
pub(super) fn world(entropy: &mut Entropy<'_>, drafts: &[Draft], settings: Settings, strictness: Strictness) -> World {
    let assume_complete = entropy.chance(55);
    let world = World { settings, assume_complete, ..World::default() };
    let aims = drafts.iter().map(|draft| draft.aim.clone()).collect();
    let mut maker = Maker { entropy, aims, strictness, world };
    maker.organization();
    maker.guardrails(PolicyKind::Scp);
    maker.guardrails(PolicyKind::Rcp);
    maker.managed_policies();
    maker.groups();
    for draft in drafts {
        maker.principal(&draft.request);
        let additional = draft.request.additional.iter().map(|additional| &additional.resource);
        for resource in draft.request.resources.iter().chain(additional) {
            maker.resource(resource, &draft.request);
        }
        maker.endpoint(&draft.request);
    }
    maker.others();
    if !assume_complete {
        maker.gaps();
    }
    maker.world
}

impl Maker<'_, '_> {
    fn policy(&mut self, kind: PolicyKind, name: &str, mood: Mood) -> NamedPolicy {
        if self.entropy.chance(2) {
            return NamedPolicy::unknown(name);
        }
        let text = document(self.entropy, kind, &self.aims, mood);
        named(kind, name, self.strictness, &text)
    }

    fn full(&mut self, kind: PolicyKind, name: &str) -> NamedPolicy {
        named(kind, name, self.strictness, &full_access(kind))
    }

    fn organization(&mut self) {
        let entropy = &mut *self.entropy;
        let exists = !entropy.chance(20);
        let depth = entropy.below(3);
        let mut units = vec![ROOT];
        units.extend(&["ou-a", "ou-b"][..depth]);
        for (index, number) in [ACCOUNT_A, ACCOUNT_B, ACCOUNT_M, ACCOUNT_X].into_iter().enumerate() {
            if entropy.chance(if index == 3 { 60 } else { 5 }) {
                continue;
            }
            // Account A lies deepest, the management account under the root.
            let parent = match number {
                ACCOUNT_X => None,
                ACCOUNT_M => Some(ROOT),
                ACCOUNT_A => Some(units[units.len() - 1 - entropy.below(2).min(depth)]),
                _ => Some(*entropy.pick(&units)),
            };
            self.world.accounts.push(Account {
                id: account(number),
                name: None,
                parent: parent.filter(|_| exists).map(str::to_owned),
                canonical_user: (index < 2 && entropy.chance(60)).then(|| CANONICAL[index].to_owned()),
                s3_restrict_public_buckets: [Some(false), None, Some(true)][entropy.weighted(&[60, 25, 15])],
                place: None,
            });
        }
        if !exists {
            return;
        }
        let enabled = |entropy: &mut Entropy<'_>| [Some(true), None, Some(false)][entropy.weighted(&[76, 12, 12])];
        self.world.organizations.push(Organization {
            id: ORGANIZATION.to_owned(),
            management_account: account(ACCOUNT_M),
            scp_enabled: enabled(entropy),
            rcp_enabled: enabled(entropy),
            delegated_administrators: if entropy.chance(20) { vec![account(ACCOUNT_A)] } else { Vec::new() },
            place: None,
        });
        for (index, unit) in units.iter().enumerate() {
            self.world.units.push(Unit {
                id: (*unit).to_owned(),
                organization: ORGANIZATION.to_owned(),
                parent: (index > 0).then(|| units[index - 1].to_owned()),
                name: None,
                place: None,
            });
        }
    }

    /// Policies on all levels. Each level has full access, mostly, so that something passes.
    fn guardrails(&mut self, kind: PolicyKind) {
        let mut entities: Vec<String> = self.world.units.iter().map(|unit| unit.id.clone()).collect();
        let members = self.world.accounts.iter().filter(|account| account.parent.is_some());
        entities.extend(members.map(|account| account.id.to_string()));
        if entities.is_empty() {
            return;
        }
        let word = kind.name();
        let put = |world: &mut World, name: String, policy: NamedPolicy, targets: Vec<String>, implied| {
            let id = format!("p-{word}-{name}");
            world.guardrails.push(Guardrail { id, kind, policy, targets, implied });
        };
        let mut full_targets = Vec::new();
        let mut n_own = 0;
        for entity in &entities {
            match self.entropy.weighted(&[88, 6, 1, 5]) {
                0 => full_targets.push(entity.clone()),
                1 => {
                    let name = format!("{word}{n_own}");
                    n_own += 1;
                    let mood = if self.entropy.chance(80) { Mood::Allowing } else { Mood::Mixed };
                    let policy = self.policy(kind, &name, mood);
                    put(&mut self.world, name, policy, vec![entity.clone()], false);
                }
                2 => {}
                _ => {
                    let name = format!("{word}{n_own}");
                    n_own += 1;
                    put(&mut self.world, name.clone(), NamedPolicy::unknown(name), vec![entity.clone()], false);
                    full_targets.push(entity.clone());
                }
            }
        }
        let full = self.full(kind, if kind == PolicyKind::Scp { "FullAWSAccess" } else { "RCPFullAWSAccess" });
        let implied = self.entropy.chance(15);
        put(&mut self.world, "full".to_owned(), full, full_targets, implied);
        let n_denies = self.entropy.weighted(&[62, 30, 8]);
        for _ in 0..n_denies {
            let name = format!("{word}{n_own}");
            n_own += 1;
            let policy = self.policy(kind, &name, Mood::Denying);
            let mut targets = vec![self.entropy.pick(&entities).clone()];
            if self.entropy.chance(20) {
                let more = self.entropy.pick(&entities).clone();
                if !targets.contains(&more) {
                    targets.push(more);
                }
            }
            put(&mut self.world, name, policy, targets, false);
        }
        self.entropy.shuffle(&mut self.world.guardrails);
    }

    /// Managed policies that several principals share.
    fn managed_policies(&mut self) {
        for (text, mood) in [
            ("arn:aws:iam::aws:policy/ReadOnly", Mood::Allowing),
            ("arn:aws:iam::111111111111:policy/Limit", Mood::Helping),
            ("arn:aws:iam::111111111111:policy/team/Shared", Mood::Mixed),
        ] {
            if self.entropy.chance(6) {
                continue;
            }
            let arn = arn(text);
            let name = last_segment(arn.resource()).to_owned();
            let full = name == "Limit" && self.entropy.chance(40);
            // As the readers of inventories do, a managed policy is parsed once, as an identity policy.
            let policy = if full {
                self.full(PolicyKind::Identity, &name)
            } else {
                self.policy(PolicyKind::Identity, &name, mood)
            };
            self.world.policies.push(ManagedPolicy { arn, policy });
        }
    }

    fn attached(&mut self) -> Vec<iamc_policy::Arn> {
        let mut attached = Vec::new();
        if self.entropy.chance(18) {
            attached.push(arn("arn:aws:iam::aws:policy/ReadOnly"));
        }
        if self.entropy.chance(10) {
            attached.push(arn("arn:aws:iam::111111111111:policy/team/Shared"));
        }
        if self.entropy.chance(2) {
            attached.push(arn("arn:aws:iam::aws:policy/Missing"));
        }
        attached
    }

    fn groups(&mut self) {
        for number in [ACCOUNT_A, ACCOUNT_B] {
            for name in &GROUPS[..2] {
                if self.entropy.chance(20) {
                    continue;
                }
                let mut identity = record(&format!("arn:aws:iam::{number}:group/{name}"));
                if self.entropy.chance(60) {
                    identity.inline.push(self.policy(PolicyKind::Identity, "GroupInline", Mood::Mixed));
                }
                identity.attached = self.attached();
                self.world.groups.push(Group { identity });
            }
        }
    }

    /// Gives the record its policies, boundary and tags.
    fn fill(&mut self, identity: &mut IdentityRecord) {
        for index in 0..[1, 2, 0][self.entropy.weighted(&[62, 31, 7])] {
            let mood = [Mood::Mixed, Mood::Allowing, Mood::Helping][self.entropy.weighted(&[27, 28, 45])];
            identity.inline.push(self.policy(PolicyKind::Identity, &format!("Inline{index}"), mood));
        }
        if self.entropy.chance(9) {
            identity.inline.push(self.policy(PolicyKind::Identity, "InlineDeny", Mood::Denying));
        }
        identity.attached = self.attached();
        if self.entropy.chance(18) {
            let boundary = self.entropy.weighted(&[90, 8, 2]);
            identity.boundary = Some(arn([
                "arn:aws:iam::111111111111:policy/Limit",
                "arn:aws:iam::111111111111:policy/team/Shared",
                "arn:aws:iam::aws:policy/Missing",
            ][boundary]));
        }
        identity.tags = some_tags(self.entropy);
    }

    fn user(&mut self, text: &str) {
        if self.world.users.iter().any(|user| user.identity.arn.as_str() == text) {
            return;
        }
        let mut identity = record(text);
        if self.entropy.chance(75) {
            identity.unique_id = Some(unique_id("AIDA", text).into());
        }
        self.fill(&mut identity);
        let mut groups = Vec::new();
        for (name, percent) in GROUPS.iter().zip([22, 12, 2]) {
            if self.entropy.chance(percent) {
                groups.push((*name).to_owned());
            }
        }
        self.world.users.push(User { identity, groups });
    }

    fn role(&mut self, text: &str) {
        if self.world.roles.iter().any(|role| role.identity.arn.as_str() == text) {
            return;
        }
        let mut identity = record(text);
        if self.entropy.chance(75) {
            identity.unique_id = Some(unique_id("AROA", text).into());
        }
        self.fill(&mut identity);
        let mood = [Mood::Mixed, Mood::Allowing, Mood::Helping][self.entropy.weighted(&[20, 30, 50])];
        let trust = self.policy(PolicyKind::Trust, text, mood);
        let mut session_defaults = SessionDefaults::default();
        if self.entropy.chance(7) {
            session_defaults.policies.push(self.policy(PolicyKind::Session, "Default", Mood::Helping));
        }
        if self.entropy.chance(10) {
            session_defaults.tags.push(("team".to_owned(), "blue".to_owned()));
        }
        self.world.roles.push(Role { identity, trust, session_defaults });
    }

    fn principal(&mut self, request: &Request) {
        if self.entropy.chance(4) {
            return;
        }
        match &request.principal {
            Principal::User { .. } => self.user(&request.principal.to_string()),
            Principal::RoleSession { partition, account, role, .. } => {
                let path_name = ROLES.iter().find(|path_name| last_segment(path_name) == role).unwrap_or(&ROLES[0]);
                self.role(&format!("arn:{partition}:iam::{account}:role/{path_name}"));
            }
            Principal::FederatedUser { .. } => {
                if let Some(base @ Principal::User { .. }) = &request.facts.federated_user_base {
                    self.user(&base.to_string());
                }
            }
            Principal::Federated(provider) | Principal::Saml(provider) => {
                if let Ok(arn) = provider.parse::<iamc_policy::Arn>()
                    && !self.world.providers.iter().any(|known| known.arn == arn)
                {
                    self.world.providers.push(Provider { arn, place: None });
                }
            }
            _ => {}
        }
    }

    fn resource(&mut self, requested: &ResourceInRequest, request: &Request) {
        let RequestResource::Arn(requested_arn) = &requested.resource else { return };
        let text = requested_arn.as_str();
        if requested_arn.service() == "iam" {
            // A damaged ARN may name no role that could exist.
            let is_role = matches!(Principal::from_arn(text), Ok(Principal::RoleSession { .. }));
            if is_role && requested_arn.resource().starts_with("role/") && !self.entropy.chance(4) {
                self.role(text);
            }
            return;
        }
        if self.entropy.chance(6) {
            return;
        }
        // The record of an object is that of its bucket; of a version that of its function, mostly.
        let container = match requested_arn.service() {
            "s3" => text.split('/').next().unwrap_or(text),
            "lambda" => text.strip_suffix(":PROD").unwrap_or(text),
            _ => text,
        };
        let carrier = if self.entropy.chance(6) { text } else { container };
        self.record(carrier, requested.account, request);
        if carrier != text && self.entropy.chance(8) {
            self.record(text, requested.account, request);
        }
    }

    fn record(&mut self, text: &str, owner: Option<AccountId>, request: &Request) {
        let Ok(arn) = text.parse::<iamc_policy::Arn>() else { return };
        if self.world.resources.iter().any(|resource| resource.arn == arn) {
            return;
        }
        let is_key = arn.service() == "kms" && arn.resource().starts_with("key/");
        let kind = if is_key { PolicyKind::Key } else { PolicyKind::Resource };
        let mood = [Mood::Mixed, Mood::Allowing, Mood::Helping][self.entropy.weighted(&[28, 24, 48])];
        let policy = match self.entropy.weighted(if is_key { &[90, 2, 8] } else { &[62, 30, 8] }) {
            0 => ResourcePolicy::Policy(self.policy(kind, text, mood)),
            1 => ResourcePolicy::None,
            _ => ResourcePolicy::NotExported,
        };
        let kms_grants = if !is_key || self.entropy.chance(60) {
            Some(Vec::new())
        } else if self.entropy.chance(20) {
            None
        } else {
            let home = request.principal.account().map_or(ACCOUNT_A.to_owned(), |account| account.to_string());
            let base = request.facts.federated_user_base.as_ref();
            Some(vec![grant(self.entropy, &request.principal, base, &home)])
        };
        self.world.resources.push(Resource {
            account: owner.filter(|_| arn.account().is_empty()),
            policy,
            tags: some_tags(self.entropy),
            s3_restrict_public_buckets: match arn.service() {
                "s3" => [Some(false), None, Some(true)][self.entropy.weighted(&[65, 20, 15])],
                _ => None,
            },
            // Only keys have grants; for others the field says nothing.
            kms_grants: kms_grants.filter(|_| is_key),
            aws_managed_key: is_key && self.entropy.chance(5),
            place: None,
            arn,
        });
    }

    fn endpoint(&mut self, request: &Request) {
        let listed = self.world.endpoints.iter().any(|endpoint| endpoint.id == ENDPOINT);
        if request.endpoint != ThroughEndpoint::Id(ENDPOINT.to_owned()) || listed || self.entropy.chance(3) {
            return;
        }
        let gateway = self.entropy.chance(35);
        let mood = if self.entropy.chance(50) { Mood::Mixed } else { Mood::Helping };
        let policy = match self.entropy.weighted(&[75, 15, 10]) {
            0 => ResourcePolicy::Policy(self.policy(PolicyKind::Endpoint, ENDPOINT, mood)),
            1 => ResourcePolicy::None,
            _ => ResourcePolicy::NotExported,
        };
        self.world.endpoints.push(Endpoint {
            id: ENDPOINT.to_owned(),
            account: account(if self.entropy.chance(20) { ACCOUNT_B } else { ACCOUNT_A }),
            vpc: self.entropy.chance(80).then(|| "vpc-1".to_owned()),
            region: None,
            service: None,
            endpoint_type: if gateway { EndpointType::Gateway } else { EndpointType::Interface },
            policy,
            place: None,
        });
    }

    /// Things that no request is about.
    fn others(&mut self) {
        if self.entropy.chance(40) {
            let number = *self.entropy.pick(&[ACCOUNT_A, ACCOUNT_B]);
            let path_name = *self.entropy.pick(&USERS);
            self.user(&format!("arn:aws:iam::{number}:user/{path_name}"));
        }
        if self.entropy.chance(30) {
            let number = *self.entropy.pick(&[ACCOUNT_A, ACCOUNT_B]);
            let path_name = ROLES[self.entropy.below(2)];
            self.role(&format!("arn:aws:iam::{number}:role/{path_name}"));
        }
        if self.entropy.chance(20) {
            let text = (*self.entropy.pick(&[OIDC[0], SAML[0], SAML[1]])).to_owned();
            if !self.world.providers.iter().any(|known| known.arn.as_str() == text) {
                self.world.providers.push(Provider { arn: arn(&text), place: None });
            }
        }
    }

    /// What the export lacks; none of it where everything is assumed to be there.
    fn gaps(&mut self) {
        let missing_groups: Vec<String> = self
            .world
            .users
            .iter()
            .filter(|user| user.groups.iter().any(|name| !self.has_group(user, name)))
            .map(|user| user.identity.arn.to_string())
            .collect();
        let attached = self.world.users.iter().map(|user| &user.identity);
        let attached = attached.chain(self.world.roles.iter().map(|role| &role.identity));
        let mut missing_policies: Vec<String> = attached
            .flat_map(|identity| identity.attached.iter().chain(&identity.boundary))
            .filter(|arn| !self.world.policies.iter().any(|policy| policy.arn == **arn))
            .map(ToString::to_string)
            .collect();
        missing_policies.sort();
        missing_policies.dedup();
        let mut gaps: Vec<(GapKind, String)> = Vec::new();
        gaps.extend(missing_groups.into_iter().map(|arn| (GapKind::Group, arn)));
        gaps.extend(missing_policies.into_iter().map(|arn| (GapKind::ManagedPolicy, arn)));
        for number in [ACCOUNT_A, ACCOUNT_B, ACCOUNT_X] {
            for (kind, percent) in
                [(GapKind::Identities, 7), (GapKind::Resources, 14), (GapKind::Hierarchy, 2), (GapKind::Endpoints, 2)]
            {
                if self.entropy.chance(percent) {
                    gaps.push((kind, number.to_owned()));
                }
            }
        }
        for (kind, subject) in [
            (GapKind::Scps, ORGANIZATION),
            (GapKind::Rcps, ORGANIZATION),
            (GapKind::Hierarchy, ORGANIZATION),
            (GapKind::Hierarchy, "ou-a"),
        ] {
            if self.entropy.chance(4) {
                gaps.push((kind, subject.to_owned()));
            }
        }
        for (kind, subject) in gaps {
            if kind == GapKind::Resources && self.entropy.chance(50) {
                let service = (*self.entropy.pick(&["s3", "sqs", "kms"])).to_owned();
                self.world.coverage.push(Coverage { account: account(&subject), service, place: None });
            }
            self.world.gaps.push(Gap { kind, subject, message: "not exported".to_owned(), place: None });
        }
    }

    fn has_group(&self, user: &User, name: &str) -> bool {
        let account = user.identity.arn.account();
        self.world.groups.iter().any(|group| {
            let arn = &group.identity.arn;
            arn.account() == account && last_segment(arn.resource()) == name
        })
    }
}

fn record(text: &str) -> IdentityRecord {
    IdentityRecord {
        arn: arn(text),
        unique_id: None,
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: None,
        place: None,
    }
}
