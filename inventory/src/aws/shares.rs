//! Outputs of `aws ram …`: who was invited to what, and the policies that this amounts to.

use super::resources::is_role;
use super::{Asked, Reader};
use crate::fact::{Fact, SharedResource};
use crate::item::Item;
use crate::json::{Fields, Node};
use crate::lines::policy_kind;
use iamc_policy::Arn;
use iamc_policy::ids::AccountId;
use iamc_policy::world::Share;

/// The commands that are read.
pub(crate) const COMMANDS: &[&str] = &[
    "get-resource-shares",
    "get-resource-share-associations",
    "list-resources",
    "list-principals",
    "get-resource-policies",
];

/// Reads the output of one command.
pub(crate) fn read(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    // What others share with the account is theirs to tell.
    let owner = asked.argument("resource-owner").and_then(|node| node.string(reader.mistakes()));
    if owner.as_deref() == Some("OTHER-ACCOUNTS") {
        return;
    }
    match asked.command.as_str() {
        "get-resource-shares" => {
            for mut one in reader.objects(f, "resourceShares") {
                let (name, external) = (
                    one.get_string("name", reader.mistakes()),
                    one.get_boolean("allowExternalPrincipals", reader.mistakes()),
                );
                if is_in_force(reader, &mut one) {
                    share(reader, &mut one, |share| (share.name, share.allows_external) = (name, external));
                }
            }
        }
        "get-resource-share-associations" => {
            for mut one in reader.objects(f, "resourceShareAssociations") {
                let kind = one.need_string("associationType", reader.mistakes());
                let entity = one.get("associatedEntity");
                let (Some(kind), Some(entity), true) = (kind, entity, is_in_force(reader, &mut one)) else { continue };
                if kind == "RESOURCE" {
                    let Some(arn) = reader.parse_arn(entity) else { continue };
                    share(reader, &mut one, |share| share.resources.push(arn.clone()));
                    shared(reader, one.node, arn, asked.account, None);
                } else if let Some(principal) = entity.string(reader.mistakes()) {
                    share(reader, &mut one, |share| share.principals.push(principal.into_owned()));
                }
            }
        }
        "list-resources" => {
            for mut one in reader.objects(f, "resources") {
                let Some(arn) = reader.need_arn(&mut one, "arn") else { continue };
                share(reader, &mut one, |share| share.resources.push(arn.clone()));
                shared(reader, one.node, arn, asked.account, None);
            }
        }
        "list-principals" => {
            for mut one in reader.objects(f, "principals") {
                let Some(principal) = one.need_string("id", reader.mistakes()) else { continue };
                share(reader, &mut one, |share| share.principals.push(principal.into_owned()));
            }
        }
        _ => policies(reader, f, asked),
    }
}

/// Shares that are being made are not in force yet; those that are being deleted still are.
fn is_in_force(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> bool {
    let status = f.get_string("status", reader.mistakes());
    !matches!(status.as_deref(), Some("DELETED" | "FAILED" | "PENDING" | "DISASSOCIATED" | "ASSOCIATING"))
}

/// Notes one fact of the share that `f` names.
fn share(reader: &mut Reader<'_>, f: &mut Fields<'_>, set: impl FnOnce(&mut Share)) {
    let Some(arn) = reader.need_arn(f, "resourceShareArn") else { return };
    let place = Some(f.node.place());
    let mut share =
        Share { arn, name: None, resources: Vec::new(), principals: Vec::new(), allows_external: None, place };
    set(&mut share);
    reader.facts.push(Fact::Item(Item::Share(Box::new(share))));
}

/// `get-resource-policies` does not say which resource a policy is of: one is asked at a time.
fn policies(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let asked_for = asked.argument("resource-arns");
    let mut nodes = match asked_for {
        Some(node) if node.is_list() => node.list(reader.mistakes()).unwrap_or_default(),
        other => other.into_iter().collect(),
    };
    let (Some(node), true) = (nodes.pop(), nodes.is_empty()) else {
        let why = "`ram get-resource-policies` of no resource or of several: ask for one at a time, and wrap the output \
                   with `resource-arns`";
        return reader.skip(f.node, why);
    };
    let Some(arn) = reader.parse_arn(node) else { return };
    let list = f.get_list("policies", reader.mistakes());
    if reader.is_truncated(f) {
        reader.skip(f.node, format!("the policies of {arn} are truncated"));
        return shared(reader, f.node, arn, asked.account, None);
    }
    for policy in list {
        shared(reader, policy, arn.clone(), asked.account, Some(policy));
    }
}

/// Notes that a resource is shared, and the policy that the sharing amounts to where it is known.
pub(crate) fn shared(
    reader: &mut Reader<'_>,
    at: Node<'_>,
    arn: Arn,
    account: Option<AccountId>,
    policy: Option<Node<'_>>,
) {
    if is_role(reader, &arn, at.place()) {
        return;
    }
    let policy = match policy {
        None => None,
        Some(node) => match reader.document(policy_kind(&arn), arn.to_string(), node) {
            Some(policy) => Some(policy),
            None => return,
        },
    };
    reader.facts.push(Fact::Shared(Box::new(SharedResource { arn, account, policy, place: at.place() })));
}
