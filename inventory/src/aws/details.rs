//! `aws iam get-account-authorization-details`: users, groups, roles and managed policies of an account.

use super::{Asked, Reader};
use crate::fact::{Fact, Listing, Origin, Page};
use crate::item::Item;
use crate::json::{Fields, Node};
use crate::lines::{is_iam, last_name};
use iamc_policy::Arn;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::world::{
    Group, IdentityRecord, InstanceProfile, LastUse, ManagedPolicy, NamedPolicy, Role, SessionDefaults, User,
};
use std::collections::BTreeSet;

/// Reads one page. The account is named by the ARNs; a page without any takes it from where it lies.
pub(crate) fn read(reader: &mut Reader<'_>, fields: &mut Fields<'_>, asked: &Asked<'_>) {
    let mut accounts: BTreeSet<AccountId> = BTreeSet::new();
    let mut note = |arn: &Arn| accounts.extend(arn.account().parse::<AccountId>());
    for mut user in reader.objects(fields, "UserDetailList") {
        if let Some(arn) = read_user(reader, &mut user) {
            note(&arn);
        }
    }
    for mut group in reader.objects(fields, "GroupDetailList") {
        if let Some(arn) = read_group(reader, &mut group) {
            note(&arn);
        }
    }
    for mut role in reader.objects(fields, "RoleDetailList") {
        if let Some(arn) = read_role(reader, &mut role) {
            note(&arn);
        }
    }
    for mut policy in reader.objects(fields, "Policies") {
        if let Some((policy, version)) = managed_policy(reader, &mut policy) {
            note(&policy.arn);
            reader.facts.push(Fact::Item(Item::Policy(Box::new(policy), version)));
        }
    }
    let truncated = reader.is_truncated(fields);
    if accounts.is_empty() {
        accounts.extend(asked.account.or(asked.file_account));
    }
    if accounts.is_empty() {
        let why = "account authorization details that name no account: wrap them, or name the file after the account";
        reader.skip(fields.node, why);
    }
    for id in accounts {
        let place = fields.node.place();
        reader.facts.push(Fact::Account { id, origin: Origin::Outputs, place: place.clone() });
        reader.facts.push(Fact::Page(Box::new(Page { of: Listing::Identities(id), truncated, place })));
    }
}

/// A user; gives back its ARN.
pub(crate) fn read_user(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<Arn> {
    let record = identity(reader, f, Names::USER);
    let groups = f.get_strings("GroupList", reader.mistakes());
    let identity = record?;
    let arn = identity.arn.clone();
    reader.facts.push(Fact::Item(Item::User(Box::new(User { identity, groups }))));
    Some(arn)
}

/// A group; gives back its ARN.
pub(crate) fn read_group(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<Arn> {
    let identity = identity(reader, f, Names::GROUP)?;
    let arn = identity.arn.clone();
    reader.facts.push(Fact::Item(Item::Group(Box::new(Group { identity }))));
    Some(arn)
}

/// A role with its instance profiles and its last use; gives back its ARN.
pub(crate) fn read_role(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<Arn> {
    let record = identity(reader, f, Names::ROLE);
    let document = f.get("AssumeRolePolicyDocument");
    for mut profile in reader.objects(f, "InstanceProfileList") {
        read_instance_profile(reader, &mut profile);
    }
    let used = f.get("RoleLastUsed");
    let identity = record?;
    let arn = identity.arn.clone();
    let trust = match document {
        Some(node) => reader.document(PolicyKind::Trust, arn.as_str().to_owned(), node),
        None => Some(NamedPolicy::unknown(arn.as_str())),
    };
    // An empty object says that no use is on record.
    if let Some(mut used) = used.and_then(|node| node.fields(reader.mistakes())) {
        let at = used.get_string("LastUsedDate", reader.mistakes());
        let region = used.get_string("Region", reader.mistakes());
        let place = Some(f.node.place());
        reader.facts.push(Fact::Item(Item::LastUse(Box::new(LastUse { arn: arn.clone(), at, region, place }))));
    }
    let session_defaults = SessionDefaults::default();
    reader.facts.push(Fact::Item(Item::Role(Box::new(Role { identity, trust: trust?, session_defaults }))));
    Some(arn)
}

/// An instance profile, as it stands in a role and in `iam list-instance-profiles`.
pub(crate) fn read_instance_profile(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    let arn = f.need("Arn", reader.mistakes()).and_then(|node| iam_arn(reader, node, "instance-profile"));
    let mut roles = Vec::new();
    for mut role in reader.objects(f, "Roles") {
        let node = role.need("Arn", reader.mistakes());
        roles.extend(node.and_then(|node| iam_arn(reader, node, "role")));
    }
    if let Some(arn) = arn {
        let place = Some(f.node.place());
        reader.facts.push(Fact::Item(Item::InstanceProfile(Box::new(InstanceProfile { arn, roles, place }))));
    }
}

/// Gives tags to a user, group or role that has none so far.
pub(crate) fn add_tags(fact: &mut Fact, tags: &[(String, String)]) {
    let identity = match fact {
        Fact::Item(Item::User(user)) => &mut user.identity,
        Fact::Item(Item::Role(role)) => &mut role.identity,
        _ => return,
    };
    identity.tags.get_or_insert_with(|| tags.to_vec());
}

/// `aws iam get-policy-version`: the document of one version of a managed policy.
pub(crate) fn read_policy_version(reader: &mut Reader<'_>, fields: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(node) = asked.argument("policy-arn") else {
        reader.skip(fields.node, "get-policy-version does not say which policy was asked: wrap it, with `policy-arn`");
        return;
    };
    let Some(arn) = iam_arn(reader, node, "policy") else { return };
    let Some(node) = fields.get("PolicyVersion") else { return };
    let Some(mut version) = node.fields(reader.mistakes()) else { return };
    // Only the default version is in force.
    if version.get_boolean("IsDefaultVersion", reader.mistakes()) != Some(true) {
        reader.skip(node, format!("not the default version of {arn}, or it does not say so"));
        return;
    }
    let number = version.get_string("VersionId", reader.mistakes()).and_then(|id| version_number(&id));
    let name = last_name(&arn).to_owned();
    let Some(document) = version.need("Document", reader.mistakes()) else { return };
    if let Some(policy) = reader.document(PolicyKind::Identity, name, document) {
        reader.facts.push(Fact::Item(Item::Policy(Box::new(ManagedPolicy { arn, policy }), number)));
    }
}

/// The names of the fields of one type.
struct Names {
    word: &'static str,
    unique_id: &'static str,
    inline: &'static str,
    /// Users and roles have boundaries and tags.
    is_principal: bool,
}

impl Names {
    const USER: Names = Names { word: "user", unique_id: "UserId", inline: "UserPolicyList", is_principal: true };
    const GROUP: Names = Names { word: "group", unique_id: "GroupId", inline: "GroupPolicyList", is_principal: false };
    const ROLE: Names = Names { word: "role", unique_id: "RoleId", inline: "RolePolicyList", is_principal: true };
}

pub(crate) fn iam_arn(reader: &mut Reader<'_>, node: Node<'_>, word: &str) -> Option<Arn> {
    let arn = reader.parse_arn(node)?;
    if is_iam(&arn, word) {
        return Some(arn);
    }
    let message = format!("expected the ARN of an IAM {word}, got `{}`", crate::error::shorten(arn.as_str()));
    reader.mistakes().push(node.error(message, "export it again"));
    None
}

fn identity(reader: &mut Reader<'_>, f: &mut Fields<'_>, names: Names) -> Option<IdentityRecord> {
    let place = f.node.place();
    let arn = f.need("Arn", reader.mistakes()).and_then(|node| iam_arn(reader, node, names.word));
    let unique_id = f.get_string(names.unique_id, reader.mistakes());
    let mut inline = Vec::new();
    for mut policy in reader.objects(f, names.inline) {
        let name = policy.need_string("PolicyName", reader.mistakes()).map(|name| name.into_owned());
        let document = policy.any("PolicyDocument");
        let Some(name) = name else { continue };
        match document {
            Some(node) => inline.extend(reader.document(PolicyKind::Identity, name, node)),
            None => {
                let mut unknown = NamedPolicy::unknown(name);
                unknown.place = Some(policy.node.place());
                inline.push(unknown);
            }
        }
    }
    let mut attached = Vec::new();
    for mut policy in reader.objects(f, "AttachedManagedPolicies") {
        let node = policy.need("PolicyArn", reader.mistakes());
        attached.extend(node.and_then(|node| iam_arn(reader, node, "policy")));
    }
    let (mut boundary, mut tags) = (None, None);
    if names.is_principal {
        if let Some(mut object) = f.get("PermissionsBoundary").and_then(|node| node.fields(reader.mistakes())) {
            let node = object.need("PermissionsBoundaryArn", reader.mistakes());
            // A boundary that cannot be read must not become "no boundary".
            boundary = Some(node.and_then(|node| iam_arn(reader, node, "policy"))?);
        }
        tags = f.get("Tags").and_then(|node| reader.tags(node));
    }
    let unique_id = unique_id.map(Into::into);
    Some(IdentityRecord { arn: arn?, unique_id, inline, attached, boundary, tags, place: Some(place) })
}

pub(crate) fn managed_policy(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<(ManagedPolicy, Option<u64>)> {
    let arn = f.need("Arn", reader.mistakes()).and_then(|node| iam_arn(reader, node, "policy"));
    let name = f.get_string("PolicyName", reader.mistakes());
    let default_id = f.get_string("DefaultVersionId", reader.mistakes());
    let versions = reader.objects(f, "PolicyVersionList");
    let arn = arn?;
    let name = name.unwrap_or_else(|| last_name(&arn).to_owned());
    let only = versions.len() == 1;
    let mut policy = NamedPolicy::unknown(name.clone());
    policy.place = Some(f.node.place());
    let mut number = default_id.as_deref().and_then(version_number);
    for mut version in versions {
        let id = version.get_string("VersionId", reader.mistakes());
        let is_default = match (version.get_boolean("IsDefaultVersion", reader.mistakes()), &id, &default_id) {
            (Some(stated), _, _) => stated,
            (None, Some(id), Some(default_id)) => id == default_id,
            // Some tools keep the default version alone, without its number.
            _ => only,
        };
        if !is_default {
            continue;
        }
        if let Some(node) = version.any("Document") {
            policy = reader.document(PolicyKind::Identity, name, node)?;
            number = id.as_deref().and_then(version_number).or(number);
        }
        break;
    }
    Some((ManagedPolicy { arn, policy }, number))
}

/// `v12` -> 12.
pub(crate) fn version_number(id: &str) -> Option<u64> {
    id.strip_prefix('v')?.parse().ok()
}
