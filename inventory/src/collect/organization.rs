//! What a store holds of an organization: accounts, units, SCPs and RCPs, and where they are attached.

use super::{Folder, Part, lacking, text, texts};
use crate::aws::Reader;
use crate::aws::organization::{delegating, note_organization, policy_kind, push};
use crate::fact::{Fact, Listing, OrganizationFact, Page};
use crate::json::{Fields, Node};
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;

/// Reads the folder of an organization.
pub(super) fn read(reader: &mut Reader<'_>, folder: &Folder<'_>) {
    let Some(mut metadata) = folder.fields("metadata", reader.mistakes()) else {
        return reader.mistakes().push(lacking(folder, "an organization"));
    };
    folder.pass_over(&["tags"]);
    let arn = metadata.get("arn");
    let of_arn = note_organization(reader, arn);
    let id = text(&mut metadata, &["id", "organizationId"], reader.mistakes()).or(of_arn);
    let management =
        text(&mut metadata, &["rootAccountId", "masterAccountId", "managementAccountId"], reader.mistakes());
    if let (Some(id), Some(management)) = (&id, management.and_then(|id| id.parse::<AccountId>().ok())) {
        let place = metadata.node.place();
        push(reader, OrganizationFact::Seen { id: id.clone(), management_account: management, place });
    }
    let root = metadata.get("rootOu").or_else(|| metadata.get("rootId")).or_else(|| metadata.get("root"));
    if let Some(root) = root.filter(|node| node.is_string()).and_then(|node| node.string(reader.mistakes())) {
        let place = metadata.node.place();
        let id_of = root.rsplit('/').next().unwrap_or(&root).to_owned();
        push(reader, OrganizationFact::Unit { id: id_of, organization: id.clone(), name: None, place });
    }
    for name in ["features", "enabledPolicyTypes", "policyTypes", "availablePolicyTypes"] {
        if let Some(node) = metadata.get(name) {
            policy_types(reader, node, id.clone());
        }
    }
    if let Some(node) = folder.get("accounts") {
        accounts(reader, node, id.as_deref());
        let place = node.place();
        reader.facts.push(Fact::Page(Box::new(Page { of: Listing::Accounts, truncated: false, place })));
    }
    if let Some(node) = folder.get("structure") {
        structure(reader, node, id.as_deref());
    }
    if let Some(mut f) = folder.fields("delegated-admins", reader.mistakes()) {
        delegated(reader, &mut f);
    }
}

/// Policy types that are enabled: names in a list, or an object name -> whether it is.
fn policy_types(reader: &mut Reader<'_>, node: Node<'_>, organization: Option<String>) {
    let (mut scp, mut rcp, mut any) = (false, false, false);
    let mut note = |name: &str, enabled: bool| match policy_kind(name) {
        Some(PolicyKind::Scp) => (scp, any) = (scp | enabled, true),
        Some(PolicyKind::Rcp) => (rcp, any) = (rcp | enabled, true),
        _ => {}
    };
    if node.is_object() {
        let Some(f) = node.fields(reader.mistakes()) else { return };
        for field in f.all() {
            note(&field.name, !matches!(field.value.raw(), "false" | "null" | "\"DISABLED\""));
        }
    } else {
        for item in node.list(reader.mistakes()).unwrap_or_default() {
            if item.is_string() {
                note(&item.string(reader.mistakes()).unwrap_or_default(), true);
                continue;
            }
            let Some(mut f) = item.fields(reader.mistakes()) else { continue };
            let kind = text(&mut f, &["type", "name"], reader.mistakes()).unwrap_or_default();
            let status = text(&mut f, &["status"], reader.mistakes());
            note(&kind, status.as_deref().is_none_or(|status| status == "ENABLED"));
        }
    }
    // A list that names neither says that neither is enabled; an object of other features says nothing of them.
    if any || node.is_list() {
        push(reader, OrganizationFact::PolicyTypes { organization, scp, rcp });
    }
}

/// Accounts with their unit and their policies: an object account -> facts, or a list of them.
fn accounts(reader: &mut Reader<'_>, node: Node<'_>, organization: Option<&str>) {
    let mut found = Vec::new();
    if node.is_object() {
        let fields = node.fields(reader.mistakes());
        found.extend(fields.iter().flat_map(|f| f.all()).map(|field| (Some(field.name.to_string()), field.value)));
    } else {
        let items = node.list(reader.mistakes()).unwrap_or_default();
        found.extend(items.into_iter().map(|item| (None, item)));
    }
    for (key, node) in found {
        let Some(mut f) = node.fields(reader.mistakes()) else { continue };
        let named = text(&mut f, &["id", "accountId"], reader.mistakes());
        let Some(id) = key.or(named).and_then(|id| id.parse::<AccountId>().ok()) else {
            reader.skip(node, "an account of iam-collect without a number");
            continue;
        };
        let name = text(&mut f, &["name"], reader.mistakes());
        let place = node.place();
        let organization = organization.map(str::to_owned);
        push(reader, OrganizationFact::Account { id, organization, name, place: place.clone() });
        member(reader, &mut f, &id.to_string());
    }
}

/// The parent and the policies of an account or unit, where they stand with it.
fn member(reader: &mut Reader<'_>, f: &mut Fields<'_>, id: &str) {
    let place = f.node.place();
    if let Some(parent) = text(f, &["ou", "parent", "parentOu", "ouId", "parentId"], reader.mistakes()) {
        let parent = last(&parent).to_owned();
        push(reader, OrganizationFact::Parent { child: id.to_owned(), parent, place });
    }
    for (kind, names) in [
        (PolicyKind::Scp, ["scps", "enabledScps", "serviceControlPolicies"]),
        (PolicyKind::Rcp, ["rcps", "enabledRcps", "resourceControlPolicies"]),
    ] {
        if let Some(node) = names.into_iter().find_map(|name| f.get(name)) {
            attached(reader, node, id, kind);
        }
    }
}

/// The policies of one kind that are attached to a root, unit or account: all of them.
fn attached(reader: &mut Reader<'_>, node: Node<'_>, target: &str, kind: PolicyKind) {
    for policy in texts(node, &["id", "policyId", "arn"], reader.mistakes()) {
        let policy = last(&policy).to_owned();
        push(reader, OrganizationFact::Attached { policy, target: target.to_owned() });
    }
    let of = Listing::PoliciesFor(target.to_owned(), kind);
    reader.facts.push(Fact::Page(Box::new(Page { of, truncated: false, place: node.place() })));
}

/// The id at the end of an ARN of Organizations, or the id itself.
fn last(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

fn is_unit(text: &str) -> bool {
    text.starts_with("ou-") || text.starts_with("r-")
}

/// Units lie at most five levels below the root, each perhaps with a list and an object around it.
const DEPTH_MAX: usize = 64;

/// The tree of units: objects inside objects, each named by its id, as key or in `id`, with accounts in lists.
fn structure(reader: &mut Reader<'_>, node: Node<'_>, organization: Option<&str>) {
    // Explicit, so that nesting costs no stack; and bounded, since each level is read again.
    let mut waiting: Vec<(Node<'_>, Option<String>, usize)> = vec![(node, None, 0)];
    while let Some((node, above, depth)) = waiting.pop() {
        if depth > DEPTH_MAX {
            reader.skip(node, format!("the tree of units is nested {depth} levels deep, limit {DEPTH_MAX}"));
            continue;
        }
        if node.is_list() {
            for item in node.list(reader.mistakes()).unwrap_or_default() {
                waiting.push((item, above.clone(), depth + 1));
            }
        } else if node.is_string() {
            let Some(text) = node.string(reader.mistakes()) else { continue };
            let id = last(&text);
            if is_unit(id) || id.parse::<AccountId>().is_ok() {
                place_below(reader, node, id, above.as_deref(), organization);
            }
        } else if node.is_object() {
            let Some(mut f) = node.fields(reader.mistakes()) else { continue };
            let own = text(&mut f, &["id", "arn"], reader.mistakes());
            let own = own.map(|id| last(&id).to_owned()).filter(|id| is_unit(id) || id.parse::<AccountId>().is_ok());
            if let Some(id) = &own
                && above.as_ref() != Some(id)
            {
                place_below(reader, node, id, above.as_deref(), organization);
            }
            let above = own.or(above);
            for field in f.all() {
                let id = last(&field.name);
                if is_unit(id) || id.parse::<AccountId>().is_ok() {
                    place_below(reader, field.value, id, above.as_deref(), organization);
                    waiting.push((field.value, Some(id.to_owned()), depth + 1));
                } else if !matches!(&*field.name, "id" | "arn" | "parent" | "name") {
                    waiting.push((field.value, above.clone(), depth + 1));
                }
            }
        }
    }
}

fn place_below(reader: &mut Reader<'_>, node: Node<'_>, id: &str, above: Option<&str>, organization: Option<&str>) {
    let place = node.place();
    if is_unit(id) {
        let organization = organization.map(str::to_owned);
        push(reader, OrganizationFact::Unit { id: id.to_owned(), organization, name: None, place: place.clone() });
    }
    if let Some(parent) = above {
        push(reader, OrganizationFact::Parent { child: id.to_owned(), parent: parent.to_owned(), place });
    }
}

/// Service principal -> account numbers.
fn delegated(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    for field in f.all() {
        let accounts = texts(field.value, &["id", "accountId"], reader.mistakes());
        if delegating(&field.name) {
            let ids = accounts.iter().filter_map(|id| id.parse::<AccountId>().ok());
            ids.for_each(|id| push(reader, OrganizationFact::Delegated(id)));
        }
    }
}

/// Reads the folder of a unit, an SCP or an RCP.
pub(super) fn part(reader: &mut Reader<'_>, folder: &Folder<'_>, part: Part) {
    let Some(mut metadata) = folder.fields("metadata", reader.mistakes()) else {
        folder.pass_over(&["tags", "policy"]);
        return;
    };
    folder.pass_over(&["tags"]);
    let arn = metadata.get("arn");
    let organization = note_organization(reader, arn);
    let of_arn = arn.and_then(|node| node.string(reader.mistakes())).map(|arn| last(&arn).to_owned());
    let Some(id) = text(&mut metadata, &["id"], reader.mistakes()).or(of_arn) else {
        return reader.mistakes().push(lacking(folder, "`id` and `arn`"));
    };
    let name = text(&mut metadata, &["name"], reader.mistakes());
    let place = metadata.node.place();
    match part {
        Part::Unit => {
            push(reader, OrganizationFact::Unit { id: id.clone(), organization, name, place });
            member(reader, &mut metadata, &id);
            for (kind, stem) in [(PolicyKind::Scp, "scps"), (PolicyKind::Rcp, "rcps")] {
                if let Some(node) = folder.get(stem) {
                    attached(reader, node, &id, kind);
                }
            }
        }
        Part::Scp | Part::Rcp => {
            let kind = if part == Part::Scp { PolicyKind::Scp } else { PolicyKind::Rcp };
            let name = name.unwrap_or_else(|| id.clone());
            let text = folder.get("policy").and_then(|node| reader.document(kind, name.clone(), node));
            push(reader, OrganizationFact::Policy { id: id.clone(), kind, name, text, place });
            if let Some(node) = folder.get("targets") {
                let targets = texts(node, &["targetId", "id"], reader.mistakes());
                for target in targets {
                    push(reader, OrganizationFact::Attached { policy: id.clone(), target: last(&target).to_owned() });
                }
                reader.facts.push(Fact::Page(Box::new(Page {
                    of: Listing::Targets(id),
                    truncated: false,
                    place: node.place(),
                })));
            }
        }
        Part::Other => folder.pass_over(&["policy"]),
    }
}
