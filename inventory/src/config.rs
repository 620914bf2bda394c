//! AWS Config -> [`Fact`]s: configuration items, from snapshots, histories and results of queries.
//!
//! Each type of resource hides its policy at a place of its own, and documents are objects, text, or text of text. What
//! Config does not record is *not exported*: [`types`] says for each type what an item without a policy means. Names of
//! fields are found without regard to case, since Config spells those of the service models in its own ways.

mod newest;
mod resources;
mod types;

pub(crate) use newest::Newest;

use crate::aws::{Asked, Reader, details};
use crate::fact::{ConfigFacts, Fact, Origin};
use crate::json::{Fields, Node};
use iamc_policy::ids::AccountId;

/// The commands whose outputs hold items.
pub(crate) const COMMANDS: &[&str] = &[
    "select-aggregate-resource-config",
    "select-resource-config",
    "batch-get-resource-config",
    "batch-get-aggregate-resource-config",
    "get-aggregate-resource-config",
    "get-resource-config-history",
];

/// Where an item comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// An item as Config keeps it: what it does not say is not set.
    Whole,
    /// A row of a query: what it does not say was perhaps not asked for.
    Query,
}

/// Whether an object is something of Config: a snapshot, the output of a command, or an item of its own.
pub(crate) fn recognises(f: &Fields<'_>) -> bool {
    let has = |name: &str| f.all().iter().any(|field| field.name.eq_ignore_ascii_case(name));
    has("configurationItems")
        || has("baseConfigurationItems")
        || has("configurationItem") && !has("command")
        || has("results") && has("queryInfo")
        || is_item(f)
}

fn is_item(f: &Fields<'_>) -> bool {
    let has = |name: &str| f.all().iter().any(|field| field.name.eq_ignore_ascii_case(name));
    has("resourceType") && (has("configuration") || has("configurationItemStatus")) && (has("resourceId") || has("arn"))
}

/// Reads an object that [`recognises`] or that is the output of one of [`COMMANDS`].
pub(crate) fn read(reader: &mut Reader<'_>, f: &Fields<'_>, asked: &Asked<'_>) {
    let node = f.node.in_any_case();
    let Some(mut f) = node.fields(reader.mistakes()) else { return };
    if is_item(&f) {
        return item(reader, &mut f, asked, From::Query);
    }
    if let Some(one) = f.get("configurationItem") {
        whole(reader, one, asked);
    }
    let snapshot = f.get_string("configSnapshotId", reader.mistakes());
    let mut scope = None;
    for name in ["configurationItems", "baseConfigurationItems"] {
        for one in f.get_list(name, reader.mistakes()) {
            let found = whole(reader, one, asked);
            scope = scope.or(found);
        }
    }
    if let (Some(id), Some((account, region))) = (snapshot, scope) {
        reader.facts.push(Fact::Snapshot(Box::new(crate::fact::Snapshot { id, account, region, place: node.place() })));
    }
    for row in f.get_list("results", reader.mistakes()) {
        reader.embedded(row, |reader, row| {
            let mut f = row.fields(reader.mistakes())?;
            item(reader, &mut f, asked, From::Query);
            Some(())
        });
    }
    let n_unprocessed = ["unprocessedResourceKeys", "unprocessedResourceIdentifiers"]
        .into_iter()
        .map(|name| f.get_list(name, reader.mistakes()).len())
        .sum::<usize>();
    if n_unprocessed > 0 {
        reader.skip(node, format!("{n_unprocessed} resources that were asked for are not in the output"));
    }
    if reader.is_truncated(&mut f) {
        reader.skip(node, "more pages follow, and this output does not say what would be on them");
    }
}

/// An item as Config keeps it; gives back the account and Region whose recorder made it.
fn whole(reader: &mut Reader<'_>, node: Node<'_>, asked: &Asked<'_>) -> Option<(AccountId, String)> {
    let mut f = node.fields(reader.mistakes())?;
    item(reader, &mut f, asked, From::Whole);
    let region = f.get("awsRegion")?.string(reader.mistakes())?.into_owned();
    let account = account_of(reader, &mut f, asked)?;
    // Identities are recorded in every Region, and belong to none.
    if region == "global" { None } else { Some((account, region)) }
}

fn account_of(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) -> Option<AccountId> {
    let node = f.get("awsAccountId").or_else(|| f.get("accountId"));
    node.and_then(|node| reader.account_id(node)).or(asked.account)
}

/// What the readers of all types need to know of an item.
struct Item<'a, 'f> {
    fields: &'f mut Fields<'a>,
    from: From,
    account: Option<AccountId>,
    region: Option<String>,
    id: String,
    name: Option<String>,
}

fn item(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, from: From) {
    let Some(kind) = f.need_string("resourceType", reader.mistakes()) else { return };
    let place = f.node.place();
    let account = account_of(reader, f, asked);
    let region = f.get_string("awsRegion", reader.mistakes());
    let id = f.get_string("resourceId", reader.mistakes()).unwrap_or_default();
    let name = f.get_string("resourceName", reader.mistakes());
    let arn = f.get_string("arn", reader.mistakes());
    let captured = f.get_string("configurationItemCaptureTime", reader.mistakes()).unwrap_or_default();
    let status = f.get_string("configurationItemStatus", reader.mistakes()).unwrap_or_default();
    // Of items about one resource the newest counts. Identities are recorded in several Regions.
    let of_region = if kind.starts_with("AWS::IAM::") { "" } else { region.as_deref().unwrap_or_default() };
    let of_account = account.map(|id| id.to_string()).unwrap_or_default();
    let known_by = if id.is_empty() { arn.as_deref().unwrap_or_default() } else { &id };
    let key = format!("{kind} {of_account} {of_region} {known_by}");
    let before = reader.facts.len();
    match status.as_str() {
        "ResourceDeleted" | "ResourceDeletedNotRecorded" => {}
        // Of what it does not record Config knows no more than that it is there.
        "ResourceNotRecorded" => {}
        _ => {
            let mut item = Item { fields: f, from, account, region, id, name };
            read_type(reader, &mut item, &kind);
        }
    }
    let mut facts = reader.facts.split_off(before);
    if let Some(id) = account {
        facts.push(Fact::Account { id, origin: Origin::Config, place: place.clone() });
    }
    reader.facts.push(Fact::Config(Box::new(ConfigFacts { key, captured, facts })));
}

fn read_type(reader: &mut Reader<'_>, item: &mut Item<'_, '_>, kind: &str) {
    let read = match kind {
        "AWS::IAM::User" => details::read_user,
        "AWS::IAM::Role" => details::read_role,
        "AWS::IAM::Group" => details::read_group,
        "AWS::IAM::Policy" => read_policy,
        _ => return resources::read(reader, item, kind),
    };
    let tags = item.fields.get("tags");
    let Some(node) = item.fields.get("configuration") else {
        return reader.skip(item.fields.node, format!("an item of {kind} without its configuration"));
    };
    reader.embedded(node, |reader, node| {
        let mut configuration = node.fields(reader.mistakes())?;
        let before = reader.facts.len();
        read(reader, &mut configuration)?;
        // Tags stand in the configuration, or beside it; an empty list beside it says nothing.
        let tags = tags.filter(|node| !matches!(node.raw(), "{}" | "[]")).and_then(|node| reader.tags(node));
        if let Some(tags) = tags {
            reader.facts[before..].iter_mut().for_each(|fact| details::add_tags(fact, &tags));
        }
        Some(())
    });
}

fn read_policy(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<iamc_policy::Arn> {
    let (policy, version) = details::managed_policy(reader, f)?;
    let arn = policy.arn.clone();
    reader.facts.push(Fact::Item(crate::item::Item::Policy(Box::new(policy), version)));
    Some(arn)
}
