//! Items of everything but identities: resources with policies and tags, endpoints, providers, shares, settings.

use super::types::{Absent, Half, POLICIES, RUNS_AS, TYPES, Type};
use super::{From, Item};
use crate::aws::resources::{endpoint, provider, push, resource};
use crate::aws::{Asked, Reader, partition};
use crate::fact::Fact;
use crate::item;
use crate::json::Node;
use crate::lines::{is_iam, policy_kind};
use iamc_policy::Arn;
use iamc_policy::world::{Account, Resource, ResourcePolicy, RunsAs, Share};

/// Reads an item of any type but those of users, groups, roles and managed policies.
pub(super) fn read(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, kind: &str) {
    match kind {
        "AWS::S3::AccountPublicAccessBlock" => return account_public_access_block(reader, item),
        "AWS::EC2::VPCEndpoint" => return vpc_endpoint(reader, item),
        "AWS::IAM::OIDCProvider" | "AWS::IAM::SAMLProvider" => return provider(reader, item.fields),
        // It names its roles without their paths; the items of roles name their instance profiles in full.
        "AWS::IAM::InstanceProfile" => return,
        "AWS::RAM::ResourceShare" => return share(reader, item),
        _ => {}
    }
    if let Some((_, resource, document)) = POLICIES.iter().find(|(name, ..)| *name == kind) {
        return policy_item(reader, item, resource, document);
    }
    let known = TYPES.iter().find(|known| known.name == kind);
    let Some(arn) = arn(reader, item, known) else {
        // Of other types it would tell the tags, and not all of them have ARNs.
        if known.is_some() {
            reader.skip(item.fields.node, format!("an item of {kind} without an ARN"));
        }
        return;
    };
    let mut resource = empty(item, arn);
    resource.tags = item.fields.get("tags").and_then(|node| reader.tags(node));
    if let Some(known) = known {
        read_policy(reader, item, known, &mut resource);
        read_extras(reader, item, kind, &mut resource);
    }
    if let Some((_, path)) = RUNS_AS.iter().find(|(name, _)| *name == kind) {
        runs_as(reader, item, &resource.arn, path);
    }
    push(reader, resource);
}

/// The role of an item whose configuration names one; a configuration without it says nothing.
fn runs_as(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, resource: &Arn, path: &'static [&'static str]) {
    let role = look_up(reader, item, Half::Configuration, path, |reader, node| {
        let text = node.filter(|node| node.is_string())?.string(reader.mistakes())?;
        text.parse::<Arn>().ok().filter(|arn| is_iam(arn, "role"))
    });
    if let Some(role) = role {
        let place = Some(item.fields.node.place());
        let fact = RunsAs { resource: resource.clone(), roles: vec![role], place };
        reader.facts.push(Fact::Item(item::Item::RunsAs(Box::new(fact))));
    }
}

fn empty(item: &Item<'_, '_>, arn: Arn) -> Resource {
    let asked = Asked { account: item.account, ..Asked::default() };
    resource(arn, &asked, item.fields.node)
}

/// The ARN of an item's resource.
fn arn(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, known: Option<&Type>) -> Option<Arn> {
    let text = item.fields.get("arn").and_then(|node| node.string(reader.mistakes()));
    if let Some(Ok(arn)) = text.as_deref().map(str::parse::<Arn>) {
        return Some(of_policies(item, arn));
    }
    let template = known.map_or("", |known| known.template);
    if template.is_empty() {
        return None;
    }
    let region = item.region.as_deref().unwrap_or_default();
    let account = item.account.map(|id| id.to_string());
    let mut text = template.replace("{partition}", partition(region)).replace("{region}", region);
    if text.contains("{account}") {
        text = text.replace("{account}", &account?);
    }
    let name = item.name.as_deref().unwrap_or(&item.id);
    text.replace("{name}", name).replace("{id}", &item.id).parse().ok()
}

/// An API's own ARN is that of its management; its policy is about calling it.
fn of_policies(item: &Item<'_, '_>, arn: Arn) -> Arn {
    let Some(api) = arn.resource().strip_prefix("/restapis/") else { return arn };
    match (arn.service(), item.account) {
        ("apigateway", Some(account)) if !api.contains('/') => {
            let text = format!("arn:{}:execute-api:{}:{account}:{api}", arn.partition(), arn.region());
            text.parse().unwrap_or(arn)
        }
        _ => arn,
    }
}

/// Looks up a path in one half of an item, through values that are JSON in strings; `found` gets the value, or `None`
/// and whether the half was there at all.
fn look_up<T>(
    reader: &mut Reader<'_>,
    item: &mut Item<'_, '_>,
    half: Half,
    path: &[&'static str],
    found: impl FnOnce(&mut Reader<'_>, Option<Node<'_>>) -> Option<T>,
) -> Option<T> {
    let name = match half {
        Half::Configuration => "configuration",
        Half::Supplementary => "supplementaryConfiguration",
    };
    let node = item.fields.get(name)?;
    reader.embedded(node, |reader, node| descend(reader, node, path, found))
}

fn descend<T>(
    reader: &mut Reader<'_>,
    node: Node<'_>,
    path: &[&'static str],
    found: impl FnOnce(&mut Reader<'_>, Option<Node<'_>>) -> Option<T>,
) -> Option<T> {
    let Some((first, rest)) = path.split_first() else { return found(reader, Some(node)) };
    if !node.is_object() {
        return found(reader, None);
    }
    let mut fields = node.fields(reader.mistakes())?;
    match (fields.any(first), rest.is_empty()) {
        (Some(node), true) => found(reader, Some(node)),
        // One level of text at most between the half and the value: paths have two steps.
        (Some(node), false) if !node.is_null() => reader.embedded(node, |reader, node| {
            let mut fields = node.fields(reader.mistakes())?;
            let value = rest.first().and_then(|name| fields.any(name));
            found(reader, value)
        }),
        (_, _) => found(reader, None),
    }
}

fn read_policy(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, known: &Type, resource: &mut Resource) {
    if known.path.is_empty() {
        return;
    }
    let settled = known.absent == Absent::NoPolicy && item.from == From::Whole;
    let (arn, kind) = (resource.arn.to_string(), policy_kind(&resource.arn));
    let policy = look_up(reader, item, known.half, known.path, |reader, value| match value {
        None if settled => Some(ResourcePolicy::None),
        None => None,
        Some(node) if is_empty(reader, node) => match known.name {
            // Every key has a policy: an empty field says that it could not be read.
            "AWS::KMS::Key" => None,
            _ => Some(ResourcePolicy::None),
        },
        Some(node) => reader.document(kind, arn, node).map(ResourcePolicy::Policy),
    });
    if let Some(policy) = policy {
        resource.policy = policy;
    }
}

/// Null, no text, or the text of null.
fn is_empty(reader: &mut Reader<'_>, node: Node<'_>) -> bool {
    if !node.is_string() {
        return node.is_null() || node.raw() == "{}";
    }
    let text = node.string(reader.mistakes()).unwrap_or_default();
    matches!(text.trim(), "" | "null" | "\"\"")
}

fn read_extras(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, kind: &str, resource: &mut Resource) {
    match kind {
        "AWS::S3::Bucket" => {
            let path = &["PublicAccessBlockConfiguration", "restrictPublicBuckets"];
            resource.s3_restrict_public_buckets =
                look_up(reader, item, Half::Supplementary, path, |reader, node| flag(reader, node?));
        }
        "AWS::KMS::Key" => {
            let manager = look_up(reader, item, Half::Configuration, &["keyManager"], |reader, node| {
                Some(node?.string(reader.mistakes())?.into_owned())
            });
            resource.aws_managed_key = manager.as_deref() == Some("AWS");
        }
        _ => {}
    }
}

/// True and false, which are text here and there.
fn flag(reader: &mut Reader<'_>, node: Node<'_>) -> Option<bool> {
    match node.raw() {
        "null" => None,
        "\"true\"" => Some(true),
        "\"false\"" => Some(false),
        _ => node.boolean(reader.mistakes()),
    }
}

/// An item that is nothing but the policy of something else.
fn policy_item(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, names: &'static str, holds: &'static str) {
    let (place, account) = (item.fields.node, item.account);
    let region = item.region.clone().unwrap_or_default();
    let Some(node) = item.fields.get("configuration") else { return };
    reader.embedded(node, |reader, node| {
        let mut f = node.fields(reader.mistakes())?;
        let named = f.need_string(names, reader.mistakes())?;
        let text = match &*named {
            arn if arn.starts_with("arn:") => arn.to_owned(),
            bucket => format!("arn:{}:s3:::{bucket}", partition(&region)),
        };
        let Ok(arn) = text.parse::<Arn>() else {
            reader.skip(place, format!("a policy of `{}`, which is no ARN", crate::error::shorten(&text)));
            return None;
        };
        let document = f.get(holds)?;
        let mut resource = resource(arn.clone(), &Asked { account, ..Asked::default() }, place);
        let policy = reader.document(policy_kind(&arn), text, document)?;
        resource.policy = ResourcePolicy::Policy(policy);
        push(reader, resource);
        Some(())
    });
}

fn account_public_access_block(reader: &mut Reader<'_>, item: &mut Item<'_, '_>) {
    let id = item.id.parse().ok().or(item.account);
    let flag =
        look_up(reader, item, Half::Configuration, &["restrictPublicBuckets"], |reader, node| flag(reader, node?));
    if let Some(id) = id {
        let place = Some(item.fields.node.place());
        reader.facts.push(Fact::Item(item::Item::Account(Box::new(Account {
            id,
            name: None,
            parent: None,
            canonical_user: None,
            s3_restrict_public_buckets: flag,
            place,
        }))));
    }
}

fn vpc_endpoint(reader: &mut Reader<'_>, item: &mut Item<'_, '_>) {
    let asked = Asked { account: item.account, region: item.region.clone(), ..Asked::default() };
    let settled = item.from == From::Whole;
    let Some(node) = item.fields.get("configuration") else { return };
    reader.embedded(node, |reader, node| {
        let mut f = node.fields(reader.mistakes())?;
        endpoint(reader, &mut f, &asked, settled);
        Some(())
    });
}

fn share(reader: &mut Reader<'_>, item: &mut Item<'_, '_>) {
    let arn = item.fields.get("arn").and_then(|node| reader.parse_arn(node));
    let (Some(arn), Some(node)) = (arn, item.fields.get("configuration")) else { return };
    let place = Some(item.fields.node.place());
    reader.embedded(node, |reader, node| {
        let mut f = node.fields(reader.mistakes())?;
        let name = f.get_string("Name", reader.mistakes());
        let allows_external = f.get("AllowExternalPrincipals").and_then(|node| flag(reader, node));
        let principals = f.get_strings("Principals", reader.mistakes());
        let nodes = f.get_list("ResourceArns", reader.mistakes());
        let resources = nodes.into_iter().filter_map(|node| reader.parse_arn(node)).collect();
        let share = Share { arn, name, resources, principals, allows_external, place };
        reader.facts.push(Fact::Item(item::Item::Share(Box::new(share))));
        Some(())
    });
}
