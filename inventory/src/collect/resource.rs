//! What an account's part of a store holds: identities, resources, endpoints, providers, shares.

use super::{Folder, lacking, text, texts};
use crate::aws::resources::{endpoint_service, push, resource};
use crate::aws::{Asked, Reader, details};
use crate::error::shorten;
use crate::fact::{Fact, Origin};
use crate::item::Item;
use crate::json::{Fields, Node};
use crate::lines::{is_iam, last_name, policy_kind};
use iamc_policy::Arn;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::request::EndpointType;
use iamc_policy::world::*;

/// Files that say nothing about access.
const PASSED_OVER: &[&str] =
    &["encryption", "key-policy-name", "metadata-document", "endpoints", "aliases", "saml-metadata", "private-keys"];

/// Files in which the policy of a thing stands: the name of today, and those of earlier versions.
const POLICY: &[&str] = &["policy", "current-policy", "resource-policy", "endpoint-policy"];

/// Reads the folder of one thing; `metadata.json` names it.
pub(super) fn read(reader: &mut Reader<'_>, folder: &Folder<'_>, account: AccountId) {
    let Some(mut metadata) = folder.fields("metadata", reader.mistakes()) else {
        let why = "a folder of iam-collect without `metadata.json`: its name is not known";
        return reader.skipped.push(crate::report::Skipped { place: folder.place.clone(), why: why.into() });
    };
    folder.pass_over(PASSED_OVER);
    let Some(arn) = metadata.get("arn").and_then(|node| reader.parse_arn(node)) else {
        // A fault of the ARN was told already.
        if metadata.get("arn").is_none() {
            let error = lacking(folder, "`arn`");
            reader.mistakes().push(error);
        }
        return;
    };
    note_account(reader, folder, account);
    let word = arn.resource().split('/').next().unwrap_or_default().to_owned();
    match (arn.service(), word.as_str()) {
        ("iam", "user" | "group" | "role" | "policy" | "instance-profile") if !is_iam(&arn, &word) => {
            let message = format!("expected the ARN of an IAM {word}, got `{}`", shorten(arn.as_str()));
            reader.mistakes().push(metadata.node.error(message, "download it again"));
        }
        ("iam", "user" | "group" | "role") => identity(reader, folder, &mut metadata, arn),
        ("iam", "policy") => managed_policy(reader, folder, arn),
        ("iam", "oidc-provider" | "saml-provider") => {
            folder.pass_over(&["tags", "metadata-document"]);
            reader
                .facts
                .push(Fact::Item(Item::Provider(Box::new(Provider { arn, place: Some(folder.place.clone()) }))));
        }
        ("iam", "instance-profile") => instance_profile(reader, folder, &mut metadata, arn),
        ("ec2", "vpc-endpoint") => endpoint(reader, folder, &mut metadata, arn, account),
        _ => other(reader, folder, &mut metadata, arn, account),
    }
}

fn note_account(reader: &mut Reader<'_>, folder: &Folder<'_>, id: AccountId) {
    reader.facts.push(Fact::Account { id, origin: Origin::Collect, place: folder.place.clone() });
}

fn named<'a>(f: &mut Fields<'a>, names: &[&'static str]) -> Option<Node<'a>> {
    names.iter().find_map(|name| f.get(name))
}

/// The ARN of a thing of IAM, alone or in an object.
fn arn_of(reader: &mut Reader<'_>, node: Node<'_>, word: &str) -> Option<Arn> {
    if node.is_object() {
        let mut f = node.fields(reader.mistakes())?;
        let inner = named(&mut f, &["permissionsBoundaryArn", "policyArn", "roleArn", "arn"])?;
        return details::iam_arn(reader, inner, word);
    }
    details::iam_arn(reader, node, word)
}

fn identity(reader: &mut Reader<'_>, folder: &Folder<'_>, metadata: &mut Fields<'_>, arn: Arn) {
    let unique_id = text(metadata, &["id", "userId", "groupId", "roleId", "uniqueId"], reader.mistakes());
    let inline = folder.first(&["inline-policies", "inline"]).map(|node| inline_policies(reader, node));
    let listed = folder.first(&["managed-policies", "attached-policies"]);
    let listed = listed.or_else(|| named(metadata, &["managedPolicies", "attachedManagedPolicies"]));
    let nodes = listed.and_then(|node| node.list(reader.mistakes())).unwrap_or_default();
    let attached = nodes.into_iter().filter_map(|node| arn_of(reader, node, "policy")).collect();
    let boundary = folder
        .first(&["permission-boundary", "permissions-boundary"])
        .or_else(|| named(metadata, &["permissionBoundary", "permissionsBoundary", "permissionBoundaryArn"]));
    let boundary = match boundary {
        None => None,
        // A boundary that cannot be read must not become "no boundary".
        Some(node) => match arn_of(reader, node, "policy") {
            Some(arn) => Some(arn),
            None => return,
        },
    };
    let tags = folder.get("tags").or_else(|| metadata.get("tags")).and_then(|node| reader.tags(node));
    let place = Some(folder.place.clone());
    let is = |word: &str| is_iam(&arn, word);
    let record = IdentityRecord {
        arn: arn.clone(),
        unique_id: unique_id.map(Into::into),
        inline: inline.unwrap_or_default(),
        attached,
        boundary,
        tags,
        place,
    };
    let item = if is("user") {
        let groups = folder.get("groups").or_else(|| metadata.get("groups"));
        let groups =
            groups.map(|node| texts(node, &["groupName", "name", "arn"], reader.mistakes())).unwrap_or_default();
        // By name, or by ARN.
        let name = |group: String| group.rsplit('/').next().map(str::to_owned).unwrap_or(group);
        Item::User(Box::new(User { identity: record, groups: groups.into_iter().map(name).collect() }))
    } else if is("group") {
        Item::Group(Box::new(Group { identity: record }))
    } else {
        let name = arn.to_string();
        let trust = match folder.first(&["trust-policy", "assume-role-policy"]) {
            Some(node) => reader.document(PolicyKind::Trust, name, node),
            None => Some(NamedPolicy::unknown(name)),
        };
        let Some(trust) = trust else { return };
        // They have folders of their own.
        folder.pass_over(&["instance-profiles"]);
        last_use(reader, folder, metadata, &arn);
        Item::Role(Box::new(Role { identity: record, trust, session_defaults: SessionDefaults::default() }))
    };
    reader.facts.push(Fact::Item(item));
}

fn last_use(reader: &mut Reader<'_>, folder: &Folder<'_>, metadata: &mut Fields<'_>, arn: &Arn) {
    let node =
        folder.first(&["last-used", "role-last-used"]).or_else(|| named(metadata, &["roleLastUsed", "lastUsed"]));
    let Some(mut f) = node.filter(|node| node.is_object()).and_then(|node| node.fields(reader.mistakes())) else {
        return;
    };
    let at = text(&mut f, &["lastUsedDate", "date"], reader.mistakes());
    let region = text(&mut f, &["region"], reader.mistakes());
    let place = Some(folder.place.clone());
    reader.facts.push(Fact::Item(Item::LastUse(Box::new(LastUse { arn: arn.clone(), at, region, place }))));
}

/// A list of inline policies, or an object with the list in `policies`, or an object name -> document.
fn inline_policies(reader: &mut Reader<'_>, node: Node<'_>) -> Vec<NamedPolicy> {
    let mut list = Some(node);
    if node.is_object() {
        let Some(mut f) = node.fields(reader.mistakes()) else { return Vec::new() };
        list = f.get("policies");
        if list.is_none() {
            let named = f.all().iter().map(|field| (field.name.to_string(), field.value)).collect::<Vec<_>>();
            let read = |(name, node)| reader.document(PolicyKind::Identity, name, node);
            return named.into_iter().filter_map(read).collect();
        }
    }
    let items = list.and_then(|node| node.list(reader.mistakes())).unwrap_or_default();
    let mut policies = Vec::with_capacity(items.len());
    for item in items {
        let Some(mut f) = item.fields(reader.mistakes()) else { continue };
        let Some(name) = text(&mut f, &["policyName", "name"], reader.mistakes()) else {
            let error = item.error("an inline policy without `PolicyName`", "download it again");
            reader.mistakes().push(error);
            continue;
        };
        match named(&mut f, &["policyDocument", "document", "policy"]) {
            Some(node) => policies.extend(reader.document(PolicyKind::Identity, name, node)),
            None => policies.push(NamedPolicy { place: Some(item.place()), ..NamedPolicy::unknown(name) }),
        }
    }
    policies
}

fn managed_policy(reader: &mut Reader<'_>, folder: &Folder<'_>, arn: Arn) {
    folder.pass_over(&["tags"]);
    let name = last_name(&arn).to_owned();
    let policy = match folder.first(POLICY) {
        Some(node) => reader.document(PolicyKind::Identity, name, node),
        None => Some(NamedPolicy { place: Some(folder.place.clone()), ..NamedPolicy::unknown(name) }),
    };
    if let Some(policy) = policy {
        let version = folder.fields("metadata", reader.mistakes());
        let version =
            version.and_then(|mut f| text(&mut f, &["defaultVersionId", "defaultVersion"], reader.mistakes()));
        let number = version.as_deref().and_then(details::version_number);
        reader.facts.push(Fact::Item(Item::Policy(Box::new(ManagedPolicy { arn, policy }), number)));
    }
}

fn instance_profile(reader: &mut Reader<'_>, folder: &Folder<'_>, metadata: &mut Fields<'_>, arn: Arn) {
    folder.pass_over(&["tags"]);
    let nodes = folder.get("roles").or_else(|| metadata.get("roles")).and_then(|node| node.list(reader.mistakes()));
    let roles = nodes.unwrap_or_default().into_iter().filter_map(|node| arn_of(reader, node, "role")).collect();
    let place = Some(folder.place.clone());
    reader.facts.push(Fact::Item(Item::InstanceProfile(Box::new(InstanceProfile { arn, roles, place }))));
}

fn endpoint(reader: &mut Reader<'_>, folder: &Folder<'_>, f: &mut Fields<'_>, arn: Arn, account: AccountId) {
    folder.pass_over(&["tags"]);
    let id = last_name(&arn).to_owned();
    let vpc = text(f, &["vpc", "vpcId"], reader.mistakes());
    let service_name = text(f, &["serviceName", "service"], reader.mistakes());
    let endpoint_type = match text(f, &["type", "vpcEndpointType"], reader.mistakes()).as_deref() {
        Some("Gateway") | None => EndpointType::Gateway,
        Some("Interface") => EndpointType::Interface,
        Some(_) => return folder.pass_over(POLICY),
    };
    let policy = match folder.first(POLICY) {
        None => ResourcePolicy::NotExported,
        Some(node) => match reader.document(PolicyKind::Endpoint, id.clone(), node) {
            Some(policy) => ResourcePolicy::Policy(policy),
            None => return,
        },
    };
    let (of_name, service) = service_name.as_deref().map_or((None, None), endpoint_service);
    let region = of_name.or_else(|| Some(arn.region().to_owned()).filter(|region| !region.is_empty()));
    let place = Some(folder.place.clone());
    let endpoint = Endpoint { id, account, vpc, region, service, endpoint_type, policy, place };
    reader.facts.push(Fact::Item(Item::Endpoint(Box::new(endpoint))));
}

fn empty(folder: &Folder<'_>, arn: Arn, account: AccountId, at: Node<'_>) -> Resource {
    let asked = Asked { account: Some(account), ..Asked::default() };
    Resource { place: Some(folder.place.clone()), ..resource(arn, &asked, at) }
}

fn other(reader: &mut Reader<'_>, folder: &Folder<'_>, metadata: &mut Fields<'_>, arn: Arn, account: AccountId) {
    let mut resource = empty(folder, arn, account, metadata.node);
    resource.tags = folder.get("tags").or_else(|| metadata.get("tags")).and_then(|node| reader.tags(node));
    if let Some(node) = folder.first(POLICY) {
        let name = resource.arn.to_string();
        match reader.document(policy_kind(&resource.arn), name, node) {
            Some(policy) => resource.policy = ResourcePolicy::Policy(policy),
            None => return,
        }
    }
    if let Some(node) = folder.get("bpa") {
        resource.s3_restrict_public_buckets = restricts(reader, node);
    }
    if let Some(node) = metadata.get("awsManaged") {
        resource.aws_managed_key = node.boolean(reader.mistakes()).unwrap_or(false);
    }
    push(reader, resource);
}

/// `RestrictPublicBuckets` of a Block Public Access configuration, alone or in an object.
fn restricts(reader: &mut Reader<'_>, node: Node<'_>) -> Option<bool> {
    let mut f = node.fields(reader.mistakes())?;
    if let Some(inner) = f.get("publicAccessBlockConfiguration") {
        f = inner.fields(reader.mistakes())?;
    }
    f.get_boolean("restrictPublicBuckets", reader.mistakes())
}

/// Files about an account that belong to no thing of it: Block Public Access of S3. Whether it is in an organization is
/// told again, and better, by the organization.
pub(super) fn account(reader: &mut Reader<'_>, folder: &Folder<'_>, id: AccountId) {
    note_account(reader, folder, id);
    folder.pass_over(&["organization"]);
    for (stem, node, known) in &folder.members {
        if stem.ends_with("bpa") || stem.ends_with("public-access-block") {
            known.set(true);
            let s3_restrict_public_buckets = restricts(reader, *node);
            let place = Some(node.place());
            let account =
                Account { id, name: None, parent: None, canonical_user: None, s3_restrict_public_buckets, place };
            reader.facts.push(Fact::Item(Item::Account(Box::new(account))));
        }
    }
}

/// A resource that AWS RAM shares: its shares, with whom, and the policy that they amount to.
pub(super) fn share(reader: &mut Reader<'_>, node: Node<'_>, account: AccountId) {
    let Some(mut f) = node.fields(reader.mistakes()) else { return };
    reader.facts.push(Fact::Account { id: account, origin: Origin::Collect, place: node.place() });
    let arn = named(&mut f, &["arn", "resourceArn"]).and_then(|node| reader.parse_arn(node));
    let shares = named(&mut f, &["resourceShares", "shares"]).and_then(|node| node.list(reader.mistakes()));
    for node in shares.unwrap_or_default() {
        let Some(mut one) = node.fields(reader.mistakes()) else { continue };
        let share = named(&mut one, &["resourceShareArn", "arn"]).and_then(|node| reader.parse_arn(node));
        let name = text(&mut one, &["name"], reader.mistakes());
        let allows_external = one.get_boolean("allowExternalPrincipals", reader.mistakes());
        let principals = named(&mut one, &["associatedEntities", "principals"]);
        let principals = principals
            .map(|node| texts(node, &["associatedEntity", "id", "principal"], reader.mistakes()))
            .unwrap_or_default();
        if let Some(share) = share {
            let resources = arn.iter().cloned().collect();
            let place = Some(node.place());
            let share = Share { arn: share, name, resources, principals, allows_external, place };
            reader.facts.push(Fact::Item(Item::Share(Box::new(share))));
        }
    }
    let Some(arn) = arn else { return };
    let policy = named(&mut f, &["policy", "resourcePolicy"]);
    crate::aws::shares::shared(reader, node, arn, Some(account), policy);
}
