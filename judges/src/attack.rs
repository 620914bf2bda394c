//! Brute force with the reference: whoever is controlled tries every action of docs/reach.md on everything of its account,
//! and the world is really changed.
//!
//! It knows only what can be done in the organizations of [`iamc_testkit::generators::organization`]: users, roles, groups,
//! managed policies, providers and one bucket.

use crate::scene::parsed;
use iamc_catalogue::Catalogue;
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::Strictness;
use iamc_policy::request::{KeyState, Mode, RequestResource, ResourceInRequest};
use iamc_policy::world::{IdentityRecord, NamedPolicy, PolicyText, ResourcePolicy};
use iamc_policy::{Decision, Effect, Policy, PolicyKind, Principal, Request, World};
use iamc_testkit::generators::{BUCKET, EVERYTHING, OBJECT, document_of};
use std::collections::BTreeSet;

/// The policy that an attacker would attach.
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// What an attacker holds, and the world as it has been changed.
pub(crate) struct Attack {
    world: World,
    /// ARNs of users and roles.
    pub(crate) controlled: BTreeSet<String>,
    /// Providers that were made.
    providers: BTreeSet<String>,
}

impl Attack {
    /// Everything that follows from one user or role.
    pub(crate) fn of(world: &World, start: &str) -> Attack {
        let controlled = BTreeSet::from([start.to_owned()]);
        let mut attack = Attack { world: world.clone(), controlled, providers: BTreeSet::new() };
        while attack.round() {}
        attack
    }

    /// Whether somebody who is controlled reads the object of the bucket in the end: at once, or after writing the
    /// policy of the bucket.
    pub(crate) fn reads(&mut self) -> bool {
        if self.may("s3:GetObject", OBJECT) {
            return true;
        }
        if !self.may("s3:PutBucketPolicy", BUCKET) {
            return false;
        }
        let controlled: Vec<String> = self.controlled.iter().map(|arn| format!("\"{arn}\"")).collect();
        let opening = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["{BUCKET}","{BUCKET}/*"],"Condition":{{"StringEquals":{{"aws:PrincipalArn":[{}]}}}}}}"#,
            controlled.join(",")
        );
        let policy = NamedPolicy::new(BUCKET, policy(PolicyKind::Resource, &opening));
        for bucket in self.world.resources.iter_mut().filter(|resource| resource.arn.as_str() == BUCKET) {
            bucket.policy = ResourcePolicy::Policy(policy.clone());
        }
        self.may("s3:GetObject", OBJECT)
    }

    /// Whether somebody who is controlled may.
    fn may(&self, action: &str, target: &str) -> bool {
        self.controlled.iter().any(|caller| holds(&self.world, caller, action, target, &[]))
    }

    /// One round: every action of everybody who is controlled, each effect applied at once. False: nothing is different.
    fn round(&mut self) -> bool {
        let before = (self.controlled.len(), self.providers.len(), self.world.clone());
        for provider in &self.providers {
            for role in self.world.roles.iter().filter(|role| role.identity.arn.account() == account_of(provider)) {
                let arn = role.identity.arn.as_str();
                if holds(&self.world, provider, "sts:AssumeRoleWithWebIdentity", arn, &[]) {
                    self.controlled.insert(arn.to_owned());
                }
            }
        }
        for caller in self.controlled.clone() {
            let provider = provider_of(account_of(&caller));
            if holds(&self.world, &caller, "iam:CreateOpenIDConnectProvider", &provider, &[]) {
                self.providers.insert(provider);
            }
            self.change_users(&caller);
            self.change_roles(&caller);
            self.change_groups(&caller);
            self.change_policies(&caller);
        }
        before != (self.controlled.len(), self.providers.len(), self.world.clone())
    }

    fn change_users(&mut self, caller: &str) {
        for at in 0..self.world.users.len() {
            let record = &self.world.users[at].identity;
            let arn = record.arn.clone();
            if arn.account() != account_of(caller) {
                continue;
            }
            let (opens, unbinds) = self.edits(caller, "User", record);
            if holds(&self.world, caller, "iam:CreateAccessKey", arn.as_str(), &[]) {
                self.controlled.insert(arn.to_string());
            }
            change(&mut self.world.users[at].identity, opens, unbinds);
        }
    }

    fn change_roles(&mut self, caller: &str) {
        for at in 0..self.world.roles.len() {
            let record = &self.world.roles[at].identity;
            let arn = record.arn.clone();
            if holds(&self.world, caller, "sts:AssumeRole", arn.as_str(), &[]) {
                self.controlled.insert(arn.to_string());
            }
            if arn.account() != account_of(caller) {
                continue;
            }
            let (opens, unbinds) = self.edits(caller, "Role", record);
            let keys = [boundary_of(record)];
            let opens_trust = holds(&self.world, caller, "iam:UpdateAssumeRolePolicy", arn.as_str(), &keys);
            let role = &mut self.world.roles[at];
            change(&mut role.identity, opens, unbinds);
            if opens_trust {
                open(&mut role.trust, &provider_of(account_of(caller)));
            }
        }
    }

    /// Whether the caller may give a user or role all rights, and free it of its boundary.
    fn edits(&self, caller: &str, kind: &str, record: &IdentityRecord) -> (bool, bool) {
        let boundary = boundary_of(record);
        let allowed = |action: String, keys: &[(&str, Option<String>)]| {
            holds(&self.world, caller, &action, record.arn.as_str(), keys)
        };
        let opens = allowed(format!("iam:Put{kind}Policy"), std::slice::from_ref(&boundary))
            || allowed(format!("iam:Attach{kind}Policy"), &[boundary.clone(), administrator("iam:PolicyARN")]);
        let unbinds = boundary.1.is_some()
            && (allowed(format!("iam:Delete{kind}PermissionsBoundary"), &[boundary])
                || allowed(format!("iam:Put{kind}PermissionsBoundary"), &[administrator("iam:PermissionsBoundary")]));
        (opens, unbinds)
    }

    fn change_groups(&mut self, caller: &str) {
        for at in 0..self.world.groups.len() {
            let arn = self.world.groups[at].identity.arn.clone();
            if arn.account() != account_of(caller) {
                continue;
            }
            let allowed =
                |action: &str, keys: &[(&str, Option<String>)]| holds(&self.world, caller, action, arn.as_str(), keys);
            let opens = allowed("iam:PutGroupPolicy", &[])
                || allowed("iam:AttachGroupPolicy", &[administrator("iam:PolicyARN")]);
            if allowed("iam:AddUserToGroup", &[]) {
                let name = arn.resource().trim_start_matches("group/").to_owned();
                let own = |user: &&mut iamc_policy::world::User| user.identity.arn.account() == account_of(caller);
                for user in self.world.users.iter_mut().filter(own).filter(|user| !user.groups.contains(&name)) {
                    user.groups.push(name.clone());
                }
            }
            change(&mut self.world.groups[at].identity, opens, false);
        }
    }

    fn change_policies(&mut self, caller: &str) {
        for at in 0..self.world.policies.len() {
            let arn = self.world.policies[at].arn.clone();
            if arn.account() == account_of(caller)
                && holds(&self.world, caller, "iam:CreatePolicyVersion", arn.as_str(), &[])
            {
                self.world.policies[at].policy.text = everything().text;
            }
        }
    }
}

/// Whether the reference allows it, open, with the keys that a question of reach states and these.
fn holds(world: &World, caller: &str, action: &str, target: &str, keys: &[(&str, Option<String>)]) -> bool {
    let principal = match caller.contains(":oidc-provider/") {
        true => Principal::Federated(caller.into()),
        false => Principal::from_arn(caller).unwrap_or_else(|error| panic!("`{caller}` is a caller: {error}")),
    };
    let mut request = Request::new(principal, parsed(action), RequestResource::Star);
    request.resources = vec![ResourceInRequest::new(parsed(target))];
    request.mode = Mode::Open;
    let is_role = caller.contains(":role/");
    request.facts.session_unknown = is_role;
    let mut put = |key: &str, state| request.context.insert(ConditionKey::new(key), state);
    put("aws:ViaAWSService", KeyState::one("false"));
    put("aws:CalledVia", KeyState::Absent);
    put("aws:SecureTransport", KeyState::one("true"));
    put("aws:RequestedRegion", KeyState::one("us-east-1"));
    put("aws:TagKeys", KeyState::Absent);
    put("sts:SourceIdentity", KeyState::Absent);
    if is_role {
        put("aws:SourceIdentity", KeyState::Absent);
    }
    for (key, value) in keys {
        put(key, value.clone().map_or(KeyState::Absent, KeyState::one));
    }
    let answer = iamc_reference::decide(world, Catalogue::embedded(), &request);
    answer.is_ok_and(|answer| answer.decision == Decision::Allow)
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The provider that an attacker would make.
fn provider_of(account: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/iamc-new")
}

fn administrator(key: &str) -> (&str, Option<String>) {
    (key, Some(ADMINISTRATOR.to_owned()))
}

fn boundary_of(record: &IdentityRecord) -> (&'static str, Option<String>) {
    ("iam:PermissionsBoundary", record.boundary.as_ref().map(ToString::to_string))
}

fn change(record: &mut IdentityRecord, opens: bool, unbinds: bool) {
    if opens && !record.inline.iter().any(|policy| policy.name == "opened") {
        record.inline.push(everything());
    }
    if unbinds {
        record.boundary = None;
    }
}

/// The trust becomes one that denies nobody and lets in everybody.
fn open(trust: &mut NamedPolicy, provider: &str) {
    let PolicyText::Known(own) = &trust.text else { return };
    if own.to_json().contains("sts:SetSourceIdentity") {
        return;
    }
    let mut opened = (**own).clone();
    opened.statements.retain(|statement| statement.effect == Effect::Allow);
    let more = format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}},
        {{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity"}}"#
    );
    opened.statements.extend(policy(PolicyKind::Trust, &more).statements);
    *trust = NamedPolicy::new(trust.name.clone(), opened);
}

fn everything() -> NamedPolicy {
    let policy = Policy::parse(PolicyKind::Identity, Strictness::Lenient, EVERYTHING).policy;
    NamedPolicy::new("opened", policy.expect("it is a policy"))
}

fn policy(kind: PolicyKind, statements: &str) -> Policy {
    Policy::parse(kind, Strictness::Lenient, &document_of(statements)).policy.expect("it is a policy")
}
