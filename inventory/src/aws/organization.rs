//! Outputs of `aws organizations …`.

use super::{Asked, Reader};
use crate::fact::{Fact, Listing, OrganizationFact};
use crate::json::{Fields, Node};
use iamc_policy::Arn;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::world::ResourcePolicy;

/// The commands that are read.
pub(crate) const COMMANDS: &[&str] = &[
    "describe-organization",
    "list-roots",
    "list-accounts",
    "list-accounts-for-parent",
    "list-organizational-units-for-parent",
    "list-children",
    "list-parents",
    "list-policies",
    "list-policies-for-target",
    "describe-policy",
    "list-targets-for-policy",
    "list-delegated-administrators",
    "list-delegated-services-for-account",
    "describe-resource-policy",
];

/// The services whose delegated administrators matter.
const DELEGATING: &[&str] = &["iam.amazonaws.com", "organizations.amazonaws.com"];

/// Whether it matters who is delegated administrator for the service.
pub(crate) fn delegating(service: &str) -> bool {
    DELEGATING.contains(&service)
}

/// Reads the output of one command. An unknown command is the caller's mistake and reads nothing.
pub(crate) fn read(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    match asked.command.as_str() {
        "describe-organization" => describe_organization(reader, f),
        "list-roots" => list_roots(reader, f),
        "list-accounts" => list_accounts(reader, f, None),
        "list-accounts-for-parent" => {
            let parent = needed(reader, f, asked, "parent-id");
            if let Some(parent) = parent {
                list_accounts(reader, f, Some(parent));
            }
        }
        "list-organizational-units-for-parent" => {
            if let Some(parent) = needed(reader, f, asked, "parent-id") {
                list_units(reader, f, Some(parent));
            }
        }
        "list-children" => list_children(reader, f, asked),
        "list-parents" => list_parents(reader, f, asked),
        "list-policies" => list_policies(reader, f, asked),
        "list-policies-for-target" => list_policies_for_target(reader, f, asked),
        "describe-policy" => describe_policy(reader, f),
        "list-targets-for-policy" => list_targets(reader, f, asked),
        "list-delegated-administrators" => list_delegated(reader, f, asked),
        "list-delegated-services-for-account" => list_delegated_services(reader, f, asked),
        "describe-resource-policy" => describe_resource_policy(reader, f, asked),
        _ => {}
    }
}

/// What the command was asked about; without it the output means nothing.
fn needed(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, name: &str) -> Option<String> {
    // Pages may be numbered: `ID.2.json`. No id of Organizations holds a dot.
    let named = asked.id.as_deref().and_then(|id| id.split('.').next()).map(str::to_owned);
    let text = match asked.argument(name) {
        Some(node) => node.string(reader.mistakes()).map(|text| text.into_owned()),
        None => named,
    };
    if text.is_none() {
        let command = &asked.command;
        let why =
            format!("{command} does not say what was asked: name the file {command}/ID.json, or wrap it with `{name}`");
        reader.skip(f.node, why);
    }
    text
}

pub(crate) fn push(reader: &mut Reader<'_>, fact: OrganizationFact) {
    reader.facts.push(Fact::Organization(Box::new(fact)));
}

/// Every ARN of Organizations names the management account and the organization:
/// `arn:aws:organizations::MANAGEMENT:account/o-…/ID`. AWS's own policies name neither.
pub(crate) fn note_organization(reader: &mut Reader<'_>, node: Option<Node<'_>>) -> Option<String> {
    let node = node?;
    let arn: Arn = reader.parse_arn(node)?;
    let id = arn.resource().split('/').find(|part| part.starts_with("o-"))?.to_owned();
    let management_account: AccountId = arn.account().parse().ok()?;
    push(reader, OrganizationFact::Seen { id: id.clone(), management_account, place: node.place() });
    Some(id)
}

fn describe_organization(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    let Some(mut organization) =
        f.need("Organization", reader.mistakes()).and_then(|node| node.fields(reader.mistakes()))
    else {
        return;
    };
    let id = organization.need_string("Id", reader.mistakes()).map(|id| id.into_owned());
    let master = organization.get("MasterAccountId").or_else(|| organization.get("ManagementAccountId"));
    let management_account = match master {
        Some(node) => reader.account_id(node),
        None => {
            let help = "export `aws organizations describe-organization` again";
            let error = organization.node.error("the field `MasterAccountId` is missing", help);
            reader.mistakes().push(error);
            None
        }
    };
    if let (Some(id), Some(management_account)) = (id, management_account) {
        push(reader, OrganizationFact::Seen { id, management_account, place: organization.node.place() });
    }
}

fn list_roots(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    for mut root in reader.objects(f, "Roots") {
        let id = root.need_string("Id", reader.mistakes()).map(|id| id.into_owned());
        let arn = root.get("Arn");
        let organization = note_organization(reader, arn);
        let name = root.get_string("Name", reader.mistakes());
        let types = root.get("PolicyTypes").map(|_| reader.objects(&mut root, "PolicyTypes"));
        let Some(id) = id else { continue };
        if let Some(types) = types {
            let (mut scp, mut rcp) = (false, false);
            for mut policy_type in types {
                let kind = policy_type.get_string("Type", reader.mistakes());
                let status = policy_type.get_string("Status", reader.mistakes());
                // A type that is being enabled is not in force yet; one that is being disabled still is.
                let enabled = matches!(status.as_deref(), Some("ENABLED" | "PENDING_DISABLE"));
                match kind.as_deref().and_then(policy_kind) {
                    Some(PolicyKind::Scp) => scp |= enabled,
                    Some(PolicyKind::Rcp) => rcp |= enabled,
                    _ => {}
                }
            }
            push(reader, OrganizationFact::PolicyTypes { organization: organization.clone(), scp, rcp });
        }
        push(reader, OrganizationFact::Unit { id, organization, name, place: root.node.place() });
    }
}

fn list_accounts(reader: &mut Reader<'_>, f: &mut Fields<'_>, parent: Option<String>) {
    for mut account in reader.objects(f, "Accounts") {
        let id = account.need("Id", reader.mistakes()).and_then(|node| reader.account_id(node));
        let arn = account.get("Arn");
        let organization = note_organization(reader, arn);
        let name = account.get_string("Name", reader.mistakes());
        let Some(id) = id else { continue };
        let place = account.node.place();
        if let Some(parent) = parent.clone() {
            push(reader, OrganizationFact::Parent { child: id.to_string(), parent, place: place.clone() });
        }
        push(reader, OrganizationFact::Account { id, organization, name, place });
    }
    reader.page(parent.map_or(Listing::Accounts, Listing::AccountsOf), f);
}

/// `list-organizational-units-for-parent`; without the parent, units whose place is not known.
pub(crate) fn list_units(reader: &mut Reader<'_>, f: &mut Fields<'_>, parent: Option<String>) {
    for mut unit in reader.objects(f, "OrganizationalUnits") {
        let id = unit.need_string("Id", reader.mistakes()).map(|id| id.into_owned());
        let arn = unit.get("Arn");
        let organization = note_organization(reader, arn);
        let name = unit.get_string("Name", reader.mistakes());
        let Some(id) = id else { continue };
        let place = unit.node.place();
        if let Some(parent) = parent.clone() {
            push(reader, OrganizationFact::Parent { child: id.clone(), parent, place: place.clone() });
        }
        push(reader, OrganizationFact::Unit { id, organization, name, place });
    }
    if let Some(parent) = parent {
        reader.page(Listing::UnitsOf(parent), f);
    }
}

fn list_children(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(parent) = needed(reader, f, asked, "parent-id") else { return };
    for mut child in reader.objects(f, "Children") {
        if let Some(id) = child.need_string("Id", reader.mistakes()) {
            let child_id = id.into_owned();
            let place = child.node.place();
            push(reader, OrganizationFact::Parent { child: child_id, parent: parent.clone(), place });
        }
    }
    match asked.argument("child-type").and_then(|node| node.string(reader.mistakes())).as_deref() {
        Some("ACCOUNT") => reader.page(Listing::AccountsOf(parent), f),
        Some("ORGANIZATIONAL_UNIT") => reader.page(Listing::UnitsOf(parent), f),
        _ => {}
    }
}

fn list_parents(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(child) = needed(reader, f, asked, "child-id") else { return };
    for mut parent in reader.objects(f, "Parents") {
        if let Some(id) = parent.need_string("Id", reader.mistakes()) {
            let place = parent.node.place();
            let id = id.into_owned();
            push(reader, OrganizationFact::Parent { child: child.clone(), parent: id, place });
        }
    }
}

/// The kind of a policy type; `None` for types that decide nothing, such as tag policies.
pub(crate) fn policy_kind(word: &str) -> Option<PolicyKind> {
    match word {
        "SERVICE_CONTROL_POLICY" => Some(PolicyKind::Scp),
        "RESOURCE_CONTROL_POLICY" => Some(PolicyKind::Rcp),
        _ => None,
    }
}

/// A policy summary: its id and kind. Other kinds of policies are passed over.
fn summary(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Option<(String, PolicyKind, String)> {
    let id = f.need_string("Id", reader.mistakes()).map(|id| id.into_owned());
    let word = f.need_string("Type", reader.mistakes());
    let name = f.get_string("Name", reader.mistakes());
    let arn = f.get("Arn");
    note_organization(reader, arn);
    let id = id?;
    let kind = policy_kind(&word?)?;
    let name = name.unwrap_or_else(|| id.clone());
    Some((id, kind, name))
}

fn policies(reader: &mut Reader<'_>, f: &mut Fields<'_>) -> Vec<(String, PolicyKind)> {
    let mut found = Vec::new();
    for mut policy in reader.objects(f, "Policies") {
        if let Some((id, kind, name)) = summary(reader, &mut policy) {
            found.push((id.clone(), kind));
            let place = policy.node.place();
            push(reader, OrganizationFact::Policy { id, kind, name, text: None, place });
        }
    }
    found
}

/// The kind that was asked for: from `filter`, from the file's name, or from what was listed.
fn asked_kind(reader: &mut Reader<'_>, asked: &Asked<'_>, found: &[(String, PolicyKind)]) -> Option<PolicyKind> {
    let filter = asked.argument("filter").and_then(|node| node.string(reader.mistakes()));
    let of_file = asked.id.as_deref().and_then(|id| id.split('.').next());
    let named = filter.as_deref().or(of_file).and_then(policy_kind);
    named.or_else(|| found.first().map(|(_, kind)| *kind))
}

fn list_policies(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let found = policies(reader, f);
    if let Some(kind) = asked_kind(reader, asked, &found) {
        reader.page(Listing::Policies(kind), f);
    }
}

fn list_policies_for_target(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(target) = needed(reader, f, asked, "target-id") else { return };
    let found = policies(reader, f);
    let kind = asked_kind(reader, asked, &found);
    for (policy, _) in found {
        push(reader, OrganizationFact::Attached { policy, target: target.clone() });
    }
    if let Some(kind) = kind {
        reader.page(Listing::PoliciesFor(target, kind), f);
    }
}

fn describe_policy(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    let Some(mut policy) = f.need("Policy", reader.mistakes()).and_then(|node| node.fields(reader.mistakes())) else {
        return;
    };
    let content = policy.need("Content", reader.mistakes());
    let head = policy.need("PolicySummary", reader.mistakes()).and_then(|node| node.fields(reader.mistakes()));
    let (Some(content), Some(mut head)) = (content, head) else { return };
    let Some((id, kind, name)) = summary(reader, &mut head) else { return };
    let place = policy.node.place();
    let text = reader.document(kind, name.clone(), content);
    push(reader, OrganizationFact::Policy { id, kind, name, text, place });
}

/// The policy with which the management account delegates its rights.
fn describe_resource_policy(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(mut policy) = f.need("ResourcePolicy", reader.mistakes()).and_then(|node| node.fields(reader.mistakes()))
    else {
        return;
    };
    let head = policy.need("ResourcePolicySummary", reader.mistakes()).and_then(|node| node.fields(reader.mistakes()));
    let arn = head.and_then(|mut head| reader.need_arn(&mut head, "Arn"));
    let content = policy.need("Content", reader.mistakes());
    let (Some(arn), Some(content)) = (arn, content) else { return };
    if let Some(document) = reader.document(PolicyKind::Resource, arn.to_string(), content) {
        let mut resource = super::resources::resource(arn, asked, policy.node);
        resource.policy = ResourcePolicy::Policy(document);
        super::resources::push(reader, resource);
    }
}

fn list_targets(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(policy) = needed(reader, f, asked, "policy-id") else { return };
    for mut target in reader.objects(f, "Targets") {
        if let Some(id) = target.need_string("TargetId", reader.mistakes()) {
            let id = id.into_owned();
            push(reader, OrganizationFact::Attached { policy: policy.clone(), target: id });
        }
        let arn = target.get("Arn");
        note_organization(reader, arn);
    }
    reader.page(Listing::Targets(policy), f);
}

fn list_delegated(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let service = asked.text("service-principal", reader.mistakes());
    let counts = service.as_deref().is_some_and(delegating);
    let administrators = reader.objects(f, "DelegatedAdministrators");
    if service.is_none() && !administrators.is_empty() {
        let why = "delegated administrators without the service for which they are: wrap the output with \
                   `service-principal`, or export list-delegated-services-for-account";
        reader.skip(f.node, why);
    }
    for mut administrator in administrators {
        let id = administrator.need("Id", reader.mistakes()).and_then(|node| reader.account_id(node));
        if let (Some(id), true) = (id, counts) {
            push(reader, OrganizationFact::Delegated(id));
        }
    }
}

fn list_delegated_services(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(account) = needed(reader, f, asked, "account-id") else { return };
    let Ok(account) = account.parse::<AccountId>() else {
        reader.skip(f.node, "the account whose delegated services were asked for is no account number");
        return;
    };
    for mut service in reader.objects(f, "DelegatedServices") {
        let name = service.need_string("ServicePrincipal", reader.mistakes());
        if name.is_some_and(|name| delegating(&name)) {
            push(reader, OrganizationFact::Delegated(account));
        }
    }
}
