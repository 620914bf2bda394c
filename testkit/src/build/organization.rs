//! The organization of a case: units, accounts, and the entities to which levels of SCPs and RCPs are attached.

use super::{BuildError, Builder, misfit};
use crate::case::{CasePolicy, Organization, Policies};
use iamc_policy::document::{Policy, PolicyKind};
use iamc_policy::ids::AccountId;
use iamc_policy::request::{KeyState, RequestResource};
use iamc_policy::world::{self, Guardrail, NamedPolicy, Unit};

/// The keys that follow from an organization; pinned where the case's organization is made up.
const KEYS: [&str; 4] = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths"];
/// Those of [`KEYS`] that name a path.
const PATH_KEYS: [&str; 2] = ["aws:PrincipalOrgPaths", "aws:ResourceOrgPaths"];

/// An account of the case and the entities above it, itself last.
struct Chain {
    account: AccountId,
    entities: Vec<String>,
}

impl Builder {
    pub(super) fn organization(
        &mut self,
        policies: &Policies,
        organization: Option<&Organization>,
    ) -> Result<(), BuildError> {
        match organization {
            // Guardrails are given and no path is: they apply somewhere in that organization, whose paths stay unsaid.
            Some(organization)
                if organization.principal_path.is_none()
                    && organization.resource_path.is_none()
                    && (policies.scp.is_some() || policies.rcp.is_some()) =>
            {
                PATH_KEYS.iter().for_each(|key| self.pin(key, KeyState::Absent));
                let path = format!("{}/r-case/", organization.id);
                let resource_path = policies.rcp.is_some().then(|| path.clone());
                let organization = Organization { principal_path: Some(path), resource_path, ..organization.clone() };
                self.place_accounts(policies, &organization)
            }
            Some(organization) => self.place_accounts(policies, organization),
            None if policies.scp.is_none() && policies.rcp.is_none() => Ok(()),
            None => {
                KEYS.iter().for_each(|key| self.pin(key, KeyState::Absent));
                let path = "o-case/r-case/".to_owned();
                let management_account =
                    "000000000000".parse().map_err(|error| BuildError::Misfit(format!("{error}")))?;
                self.place_accounts(
                    policies,
                    &Organization {
                        id: "o-case".to_owned(),
                        management_account,
                        principal_path: Some(path.clone()),
                        resource_path: policies.rcp.is_some().then_some(path),
                    },
                )
            }
        }
    }

    /// Builds the paths, then attaches `scp[i]` to entity `i` of the principal's path, `rcp[i]` to that of the
    /// resource's. Policies that apply to nobody in the case are attached too, to the path there is.
    fn place_accounts(&mut self, policies: &Policies, organization: &Organization) -> Result<(), BuildError> {
        let principal = self.request.principal.account();
        let mut owners: Vec<AccountId> = Vec::new();
        for resource in self.all_resources() {
            let owner = match resource.resource {
                RequestResource::Star => resource.account.or(principal),
                RequestResource::Arn(_) => resource.account,
            };
            owners.extend(owner);
        }
        owners.sort();
        owners.dedup();

        let (principal_path, resource_path) = (&organization.principal_path, &organization.resource_path);
        if let (Some(a), Some(b), Some(account)) = (principal_path, resource_path, principal)
            && a != b
            && owners == [account]
        {
            return misfit("principal and resource are of one account and have different paths");
        }
        let own_path = principal_path
            .as_ref()
            .or(resource_path.as_ref().filter(|_| principal.is_some_and(|account| owners.contains(&account))));

        let scp_levels = policies.scp.as_ref().map_or(0, Vec::len);
        let rcp_levels = policies.rcp.as_ref().map_or(0, Vec::len);
        let mut own = None;
        if let (Some(account), Some(path)) = (principal, own_path) {
            let levels = if owners.contains(&account) { scp_levels.max(rcp_levels) } else { scp_levels };
            own = Some(self.chain(account, path, levels, "ou-level", policies)?);
        }
        let mut others = Vec::new();
        if let Some(path) = resource_path {
            let levels = if own.is_none() { scp_levels.max(rcp_levels) } else { rcp_levels };
            for owner in owners.iter().filter(|owner| Some(**owner) != principal) {
                others.push(self.chain(*owner, path, levels, "ou-resource-level", policies)?);
            }
        }

        let principal_chains: Vec<&Chain> = if own.is_some() { own.iter().collect() } else { others.iter().collect() };
        let owning = own.iter().filter(|chain| owners.contains(&chain.account));
        let mut resource_chains: Vec<&Chain> = owning.chain(&others).collect();
        if resource_chains.is_empty() {
            resource_chains = principal_chains.clone();
        }
        let scp_covered = self.attach(PolicyKind::Scp, policies.scp.as_deref(), &principal_chains)?;
        let rcp_covered = self.attach(PolicyKind::Rcp, policies.rcp.as_deref(), &resource_chains)?;

        self.management_account(organization, own.iter().chain(&others));
        self.organizations(policies, organization, own_path.into_iter().chain(resource_path));
        self.imply(PolicyKind::Scp, policies.scp.is_some(), &scp_covered);
        self.imply(PolicyKind::Rcp, policies.rcp.is_some(), &rcp_covered);
        Ok(())
    }

    /// Units and account of one path; more levels than the path has entities get OUs of their own in between.
    fn chain(
        &mut self,
        account: AccountId,
        path: &str,
        levels: usize,
        made_up: &str,
        policies: &Policies,
    ) -> Result<Chain, BuildError> {
        let mut parts = path.trim_end_matches('/').split('/').map(str::to_owned);
        let organization = parts.next().unwrap_or_default();
        let mut entities: Vec<String> = parts.collect();
        let n_real = entities.len();
        entities.extend((n_real..levels.saturating_sub(1)).map(|level| format!("{made_up}-{level}")));
        if entities.len() > n_real {
            // The OUs are made up, so the keys say what the case says.
            let paths = KeyState::list(vec![path.to_owned()]);
            if self.request.principal.account() == Some(account) {
                self.pin("aws:PrincipalOrgPaths", paths.clone());
            }
            if self.request.principal.account() != Some(account) || policies.rcp.is_some() {
                self.pin_owner_paths(account, paths);
            }
        }
        for (index, id) in entities.iter().enumerate() {
            let parent = index.checked_sub(1).map(|above| entities[above].clone());
            let unit = Unit { id: id.clone(), organization: organization.clone(), parent, name: None, place: None };
            match self.world.units.iter().find(|known| known.id == *id) {
                Some(known) if *known == unit => {}
                Some(_) => return misfit(format!("`{id}` cannot lie in two places")),
                None => self.world.units.push(unit),
            }
        }
        self.account(account).parent = entities.last().cloned();
        entities.push(account.to_string());
        Ok(Chain { account, entities })
    }

    /// `aws:ResourceOrgPaths` for the resources that belong to `account`.
    fn pin_owner_paths(&mut self, account: AccountId, paths: KeyState) {
        let key = iamc_policy::ConditionKey::new("aws:ResourceOrgPaths");
        let given = self.request.context.contains_key(&key);
        let additional = self.request.additional.iter_mut().map(|additional| &mut additional.resource);
        for resource in self.request.resources.iter_mut().chain(additional) {
            if !given && resource.account == Some(account) {
                resource.context.entry(key.clone()).or_insert(paths.clone());
            }
        }
    }

    /// Attaches level `i` to entity `i` of every chain; gives back the entities whose level the case gives.
    fn attach(
        &mut self,
        kind: PolicyKind,
        levels: Option<&[Vec<CasePolicy>]>,
        chains: &[&Chain],
    ) -> Result<Vec<String>, BuildError> {
        let mut covered = Vec::new();
        for (level, list) in levels.unwrap_or_default().iter().enumerate() {
            let mut targets: Vec<String> =
                chains.iter().filter_map(|chain| chain.entities.get(level)).cloned().collect();
            targets.sort();
            targets.dedup();
            // A service, say, lies on no path: such policies are read, and apply to nobody.
            for (index, policy) in list.iter().enumerate() {
                let policy = self.policy(kind, &format!("{}[{level}]", kind.field()), policy);
                let id = format!("p-{}-{level}-{index}", kind.field());
                let targets = targets.clone();
                self.world.guardrails.push(Guardrail { id, kind, policy, targets, implied: false });
            }
            covered.extend(targets);
        }
        Ok(covered)
    }

    fn management_account<'a>(&mut self, organization: &Organization, mut chains: impl Iterator<Item = &'a Chain>) {
        // Only a root that is there can hold it; it matters to nobody where both accounts are outside.
        let id = organization.management_account;
        let in_path = |chain: &&Chain| self.unit_is_in(chain.entities.first(), &organization.id);
        if let Some(root) = chains.find(in_path).and_then(|chain| chain.entities.first().cloned()) {
            self.account(id).parent.get_or_insert(root);
        }
    }

    fn unit_is_in(&self, unit: Option<&String>, organization: &str) -> bool {
        self.world.units.iter().any(|known| Some(&known.id) == unit && known.organization == organization)
    }

    /// The organization of the case, and those of paths that begin with another id.
    fn organizations<'a>(
        &mut self,
        policies: &Policies,
        organization: &Organization,
        paths: impl Iterator<Item = &'a String>,
    ) {
        let mut ids = vec![organization.id.as_str()];
        ids.extend(paths.filter_map(|path| path.split('/').next()));
        for id in ids {
            if self.world.organizations.iter().any(|known| known.id == id) {
                continue;
            }
            // A foreign organization's management account is not in the case; nothing asks for it.
            let management_account =
                if id == organization.id { Some(organization.management_account) } else { "000000000000".parse().ok() };
            let Some(management_account) = management_account else { continue };
            self.world.organizations.push(world::Organization {
                id: id.to_owned(),
                management_account,
                scp_enabled: Some(policies.scp.is_some()),
                rcp_enabled: Some(policies.rcp.is_some()),
                delegated_administrators: Vec::new(),
                place: None,
            });
        }
    }

    /// Full access for every entity of which the case says nothing, so that no level is empty (R-6.22).
    fn imply(&mut self, kind: PolicyKind, enabled: bool, covered: &[String]) {
        let accounts = self.world.accounts.iter().filter(|account| account.parent.is_some());
        let accounts = accounts.map(|account| account.id.to_string());
        let entities = self.world.units.iter().map(|unit| unit.id.clone()).chain(accounts);
        let targets: Vec<String> = entities.filter(|entity| !covered.contains(entity)).collect();
        if !enabled || targets.is_empty() {
            return;
        }
        let (name, principal) = match kind {
            PolicyKind::Rcp => ("RCPFullAWSAccess", r#""Principal":"*","#),
            _ => ("FullAWSAccess", ""),
        };
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{principal}"Action":"*","Resource":"*"}}]}}"#
        );
        let parsed = Policy::parse(kind, self.strictness, &text).policy;
        let parsed = parsed.expect("AWS's own full-access policy is valid in both modes");
        let policy = NamedPolicy::new(name, parsed);
        self.world.guardrails.push(Guardrail { id: format!("p-{name}"), kind, policy, targets, implied: true });
    }
}
