//! A corpus as a store of iam-collect: a folder for each thing, its paths in lower case.

use super::{ExportError, Folder, list, text_member};
use crate::part::{AccountPart, Document, GuardrailPart, IdentityPart, ManagedPart, OrganizationPart};
use iamc_policy::PolicyKind;
use iamc_policy::request::EndpointType;
use std::collections::{BTreeSet, HashMap};

const ROOT: &str = "aws/aws";

/// Writes the organization's part of the store.
pub(crate) fn organization(part: &OrganizationPart, folder: &mut Folder) -> Result<(), ExportError> {
    let OrganizationPart { id, management, .. } = part;
    let base = format!("{ROOT}/organizations/{id}");
    let mut metadata = format!(
        "{{\"id\":\"{id}\",\"arn\":\"arn:aws:organizations::{management}:organization/{id}\",\"rootAccountId\":\"{management}\","
    );
    metadata.push_str("\"features\":{\"SERVICE_CONTROL_POLICY\":true,\"RESOURCE_CONTROL_POLICY\":true}}\n");
    folder.file(&format!("{base}/metadata.json"), &metadata)?;
    let attached = Attached::new(part);
    let mut accounts = String::from("{");
    for (index, account) in part.accounts.iter().enumerate() {
        if index > 0 {
            accounts.push(',');
        }
        accounts.push_str(&format!("\"{}\":{{", account.id));
        text_member("name", &account.name, &mut accounts);
        accounts.push(',');
        text_member("ou", &account.parent, &mut accounts);
        attached.write(&account.id, &mut accounts);
        accounts.push('}');
    }
    accounts.push_str("}\n");
    folder.file(&format!("{base}/accounts.json"), &accounts)?;
    folder.file(&format!("{base}/delegated-admins.json"), "{}\n")?;
    for unit in &part.units {
        let mut text = String::from("{");
        text_member("id", &unit.id, &mut text);
        text.push(',');
        text_member("name", &unit.name, &mut text);
        if let Some(parent) = &unit.parent {
            text.push(',');
            text_member("parent", parent, &mut text);
        }
        attached.write(&unit.id, &mut text);
        text.push_str("}\n");
        folder.file(&format!("{base}/ous/{}/metadata.json", unit.id), &text)?;
    }
    for guardrail in &part.guardrails {
        let word = if guardrail.document.kind == PolicyKind::Rcp { "rcps" } else { "scps" };
        let base = format!("{base}/{word}/{}", guardrail.id.to_ascii_lowercase());
        let mut text = String::from("{");
        text_member("id", &guardrail.id, &mut text);
        text.push(',');
        text_member("name", &guardrail.name, &mut text);
        text.push_str("}\n");
        folder.file(&format!("{base}/metadata.json"), &text)?;
        folder.file(&format!("{base}/policy.json"), &guardrail.document.text)?;
    }
    Ok(())
}

/// Which guardrails are attached to what.
struct Attached<'a> {
    by_target: HashMap<&'a str, Vec<&'a GuardrailPart>>,
}

impl<'a> Attached<'a> {
    fn new(part: &'a OrganizationPart) -> Attached<'a> {
        let mut by_target: HashMap<&str, Vec<&GuardrailPart>> = HashMap::new();
        for guardrail in &part.guardrails {
            for target in &guardrail.targets {
                by_target.entry(target).or_default().push(guardrail);
            }
        }
        Attached { by_target }
    }

    fn write(&self, target: &str, out: &mut String) {
        let none = Vec::new();
        let all = self.by_target.get(target).unwrap_or(&none);
        for (word, kind) in [("scps", PolicyKind::Scp), ("rcps", PolicyKind::Rcp)] {
            out.push_str(&format!(",\"{word}\":"));
            let of_kind = all.iter().filter(|guardrail| guardrail.document.kind == kind);
            list(of_kind, out, |guardrail, out| crate::draft::json_text(&guardrail.id, out));
        }
    }
}

/// Writes accounts; knows AWS's managed policies, which lie in every account that uses them.
pub(crate) struct Writer<'a> {
    managed: HashMap<&'a str, &'a ManagedPart>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(organization: &'a OrganizationPart) -> Writer<'a> {
        Writer { managed: organization.managed.iter().map(|part| (part.arn.as_str(), part)).collect() }
    }

    pub(crate) fn write(&self, part: &AccountPart, folder: &mut Folder) -> Result<(), ExportError> {
        let base = format!("{ROOT}/accounts/{}", part.stub.id);
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for user in &part.users {
            let groups = list_of(user.groups.iter().map(String::as_str));
            identity(&base, "user", &user.identity, &[("groups.json", groups)], folder)?;
        }
        for group in &part.groups {
            identity(&base, "group", group, &[], folder)?;
        }
        for role in &part.roles {
            let trust = ("trust-policy.json", role.trust.text.to_string());
            identity(&base, "role", &role.identity, &[trust], folder)?;
        }
        let users = part.users.iter().map(|user| &user.identity);
        let roles = part.roles.iter().map(|role| &role.identity);
        for identity in users.chain(&part.groups).chain(roles) {
            used.extend(identity.attached.iter().chain(&identity.boundary).map(String::as_str));
        }
        for policy in &part.policies {
            managed_policy(&format!("{base}/iam/policy"), policy, folder)?;
        }
        for policy in used.iter().filter_map(|arn| self.managed.get(arn)) {
            managed_policy(&format!("{base}/iam/aws/policy"), policy, folder)?;
        }
        for arn in &part.providers {
            let (kind, name) = arn.rsplit(':').next().and_then(|rest| rest.split_once('/')).unwrap_or_default();
            metadata(&format!("{base}/iam/{kind}/{}", encoded(name)), arn, &[], folder)?;
        }
        folder.file(&format!("{base}/s3/bpa.json"), BPA)?;
        resources(&base, part, folder)
    }
}

const BPA: &str = "{\"BlockPublicAcls\":false,\"IgnorePublicAcls\":false,\"BlockPublicPolicy\":false,\
    \"RestrictPublicBuckets\":false}\n";

/// A name as a folder: in lower case, what is not plain percent-encoded.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    super::percent_encode(name, &mut out);
    out.to_ascii_lowercase()
}

fn list_of<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut out = String::new();
    list(texts, &mut out, crate::draft::json_text);
    out
}

fn metadata(base: &str, arn: &str, more: &[(&str, &str)], folder: &mut Folder) -> Result<(), ExportError> {
    let mut text = String::from("{");
    text_member("arn", arn, &mut text);
    for (name, value) in more {
        text.push(',');
        text_member(name, value, &mut text);
    }
    text.push_str("}\n");
    folder.file(&format!("{base}/metadata.json"), &text)
}

fn tags(base: &str, tags: &[(String, String)], folder: &mut Folder) -> Result<(), ExportError> {
    let mut text = String::from("{");
    for (index, (key, value)) in tags.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text_member(key, value, &mut text);
    }
    text.push_str("}\n");
    folder.file(&format!("{base}/tags.json"), &text)
}

fn identity(
    base: &str,
    kind: &str,
    part: &IdentityPart,
    more: &[(&str, String)],
    folder: &mut Folder,
) -> Result<(), ExportError> {
    let (path, name) = part.path_and_name();
    let base = format!("{base}/iam/{kind}/{}", encoded(&format!("{}{name}", path.trim_start_matches('/'))));
    let mut facts = vec![("name", name), ("path", path), ("id", part.unique_id.as_str())];
    if let Some(boundary) = &part.boundary {
        facts.push(("permissionBoundary", boundary));
    }
    metadata(&base, &part.arn, &facts, folder)?;
    if !part.inline.is_empty() {
        let mut text = String::new();
        list(&part.inline, &mut text, |policy, out| {
            out.push('{');
            text_member("PolicyName", &policy.name, out);
            out.push_str(",\"PolicyDocument\":");
            out.push_str(&policy.document.text);
            out.push('}');
        });
        folder.file(&format!("{base}/inline-policies.json"), &text)?;
    }
    if !part.attached.is_empty() {
        folder.file(&format!("{base}/managed-policies.json"), &list_of(part.attached.iter().map(String::as_str)))?;
    }
    if kind != "group" {
        tags(&base, &part.tags, folder)?;
    }
    for (name, text) in more {
        folder.file(&format!("{base}/{name}"), text)?;
    }
    Ok(())
}

fn managed_policy(base: &str, policy: &ManagedPart, folder: &mut Folder) -> Result<(), ExportError> {
    let (path, name) = policy.path_and_name();
    let base = format!("{base}/{}", encoded(&format!("{}{name}", path.trim_start_matches('/'))));
    let version = if policy.previous.is_some() { "v2" } else { "v1" };
    metadata(&base, &policy.arn, &[("name", name), ("defaultVersionId", version)], folder)?;
    folder.file(&format!("{base}/policy.json"), &policy.document.text)
}

fn resources(base: &str, part: &AccountPart, folder: &mut Folder) -> Result<(), ExportError> {
    for resource in &part.resources {
        let base = format!("{base}/{}", place(&resource.arn));
        metadata(&base, &resource.arn, &[], folder)?;
        tags(&base, &resource.tags, folder)?;
        document(&base, resource.policy.as_ref(), folder)?;
        if resource.arn.starts_with("arn:aws:s3:::") {
            folder.file(&format!("{base}/bpa.json"), BPA)?;
        }
    }
    for endpoint in &part.endpoints {
        let kind = if endpoint.endpoint_type == EndpointType::Gateway { "Gateway" } else { "Interface" };
        let arn = format!("arn:aws:ec2:{}:{}:vpc-endpoint/{}", endpoint.region, part.stub.id, endpoint.id);
        let base = format!("{base}/{}", place(&arn));
        let service = format!("com.amazonaws.{}.{}", endpoint.region, endpoint.service);
        let facts = [("id", endpoint.id.as_str()), ("type", kind), ("vpc", &endpoint.vpc), ("serviceName", &service)];
        metadata(&base, &arn, &facts, folder)?;
        let default = Document::new(PolicyKind::Endpoint, super::DEFAULT_ENDPOINT_POLICY);
        document(&base, Some(endpoint.policy.as_ref().unwrap_or(&default)), folder)?;
    }
    Ok(())
}

fn document(base: &str, document: Option<&Document>, folder: &mut Folder) -> Result<(), ExportError> {
    match document {
        Some(document) => folder.file(&format!("{base}/policy.json"), &document.text),
        None => Ok(()),
    }
}

/// `SERVICE/[REGION/][TYPE/]ID` of an ARN.
fn place(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, region, _, resource] = parts[..] else { return encoded(arn) };
    let mut out = service.to_owned();
    if !region.is_empty() {
        out.push('/');
        out.push_str(region);
    }
    match resource.split_once(['/', ':']) {
        Some((kind, id)) => format!("{out}/{kind}/{}", encoded(id)),
        None => format!("{out}/{}", encoded(resource)),
    }
}
