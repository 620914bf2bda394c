//! Outputs of `aws organizations …`.

use super::{ExportError, Folder, list, text_member};
use crate::part::{AccountStub, GuardrailPart, OrganizationPart, UnitPart};
use iamc_policy::PolicyKind;
use std::collections::HashMap;

pub(crate) fn write(part: &OrganizationPart, folder: &mut Folder) -> Result<(), ExportError> {
    let names = Names::new(part);
    folder.file("organizations/describe-organization.json", &describe(part))?;
    folder.file("organizations/list-roots.json", &roots(part, &names))?;
    folder.file("organizations/list-delegated-administrators.json", "{\"DelegatedAdministrators\":[]}\n")?;
    folder.file("organizations/list-accounts.json", &accounts(&names, part.accounts.iter().collect()))?;
    let mut by_parent: HashMap<&str, Vec<&AccountStub>> = HashMap::new();
    for account in &part.accounts {
        by_parent.entry(&account.parent).or_default().push(account);
    }
    let mut units_by_parent: HashMap<&str, Vec<&UnitPart>> = HashMap::new();
    for unit in &part.units {
        if let Some(parent) = &unit.parent {
            units_by_parent.entry(parent).or_default().push(unit);
        }
    }
    for unit in &part.units {
        let inside = by_parent.remove(unit.id.as_str()).unwrap_or_default();
        folder.file(&format!("organizations/list-accounts-for-parent/{}.json", unit.id), &accounts(&names, inside))?;
        let below = units_by_parent.remove(unit.id.as_str()).unwrap_or_default();
        let mut out = String::from("{\"OrganizationalUnits\":");
        list(below, &mut out, |unit, out| {
            out.push('{');
            text_member("Id", &unit.id, out);
            out.push(',');
            text_member("Arn", &names.arn(&unit.id), out);
            out.push(',');
            text_member("Name", &unit.name, out);
            out.push('}');
        });
        out.push_str("}\n");
        folder.file(&format!("organizations/list-organizational-units-for-parent/{}.json", unit.id), &out)?;
    }
    for kind in [PolicyKind::Scp, PolicyKind::Rcp] {
        let mut out = String::from("{\"Policies\":");
        list(part.guardrails.iter().filter(|g| g.document.kind == kind), &mut out, |guardrail, out| {
            summary(&names, guardrail, out);
        });
        out.push_str("}\n");
        folder.file(&format!("organizations/list-policies/{}.json", type_of(kind)), &out)?;
    }
    for guardrail in &part.guardrails {
        let mut out = String::from("{\"Policy\":{\"PolicySummary\":");
        summary(&names, guardrail, &mut out);
        out.push(',');
        text_member("Content", &guardrail.document.text, &mut out);
        out.push_str("}}\n");
        folder.file(&format!("organizations/describe-policy/{}.json", guardrail.id), &out)?;
        let mut out = String::from("{\"Targets\":");
        list(&guardrail.targets, &mut out, |target, out| {
            out.push('{');
            text_member("TargetId", target, out);
            out.push(',');
            text_member("Arn", &names.arn(target), out);
            out.push(',');
            text_member("Name", names.names.get(target.as_str()).copied().unwrap_or(""), out);
            out.push(',');
            text_member("Type", target_type(target), out);
            out.push('}');
        });
        out.push_str("}\n");
        folder.file(&format!("organizations/list-targets-for-policy/{}.json", guardrail.id), &out)?;
    }
    Ok(())
}

struct Names<'a> {
    part: &'a OrganizationPart,
    names: HashMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    fn new(part: &'a OrganizationPart) -> Names<'a> {
        let units = part.units.iter().map(|unit| (unit.id.as_str(), unit.name.as_str()));
        let accounts = part.accounts.iter().map(|account| (account.id.as_str(), account.name.as_str()));
        Names { part, names: units.chain(accounts).collect() }
    }

    /// The ARN of a root, a unit or an account.
    fn arn(&self, id: &str) -> String {
        let word = match target_type(id) {
            "ROOT" => "root",
            "ORGANIZATIONAL_UNIT" => "ou",
            _ => "account",
        };
        format!("arn:aws:organizations::{}:{word}/{}/{id}", self.part.management, self.part.id)
    }
}

fn target_type(id: &str) -> &'static str {
    match id {
        _ if id.starts_with("r-") => "ROOT",
        _ if id.starts_with("ou-") => "ORGANIZATIONAL_UNIT",
        _ => "ACCOUNT",
    }
}

fn type_of(kind: PolicyKind) -> &'static str {
    if kind == PolicyKind::Rcp { "RESOURCE_CONTROL_POLICY" } else { "SERVICE_CONTROL_POLICY" }
}

fn describe(part: &OrganizationPart) -> String {
    let OrganizationPart { id, management, .. } = part;
    format!(
        "{{\"Organization\":{{\"Id\":\"{id}\",\"Arn\":\"arn:aws:organizations::{management}:organization/{id}\",\
         \"FeatureSet\":\"ALL\",\"MasterAccountArn\":\"arn:aws:organizations::{management}:account/{id}/{management}\",\
         \"MasterAccountId\":\"{management}\",\"MasterAccountEmail\":\"aws+{management}@example.com\",\
         \"AvailablePolicyTypes\":[]}}}}\n"
    )
}

fn roots(part: &OrganizationPart, names: &Names) -> String {
    let mut out = String::from("{\"Roots\":");
    list(part.units.iter().filter(|unit| unit.parent.is_none()), &mut out, |unit, out| {
        out.push('{');
        text_member("Id", &unit.id, out);
        out.push(',');
        text_member("Arn", &names.arn(&unit.id), out);
        out.push(',');
        text_member("Name", &unit.name, out);
        out.push_str(
            ",\"PolicyTypes\":[{\"Type\":\"SERVICE_CONTROL_POLICY\",\"Status\":\"ENABLED\"},\
             {\"Type\":\"RESOURCE_CONTROL_POLICY\",\"Status\":\"ENABLED\"}]}",
        );
    });
    out.push_str("}\n");
    out
}

fn accounts(names: &Names, accounts: Vec<&AccountStub>) -> String {
    let mut out = String::from("{\"Accounts\":");
    list(accounts, &mut out, |account, out| {
        out.push('{');
        text_member("Id", &account.id, out);
        out.push(',');
        text_member("Arn", &names.arn(&account.id), out);
        out.push(',');
        text_member("Email", &format!("aws+{}@example.com", account.id), out);
        out.push(',');
        text_member("Name", &account.name, out);
        let method = if account.id == names.part.management { "INVITED" } else { "CREATED" };
        out.push_str(",\"Status\":\"ACTIVE\",\"JoinedMethod\":\"");
        out.push_str(method);
        out.push_str("\",\"JoinedTimestamp\":\"2025-03-05T09:00:00+00:00\"}");
    });
    out.push_str("}\n");
    out
}

fn summary(names: &Names, guardrail: &GuardrailPart, out: &mut String) {
    let word = type_of(guardrail.document.kind).to_ascii_lowercase();
    let arn = if guardrail.aws_managed {
        format!("arn:aws:organizations::aws:policy/{word}/{}", guardrail.id)
    } else {
        let OrganizationPart { management, id, .. } = names.part;
        format!("arn:aws:organizations::{management}:policy/{id}/{word}/{}", guardrail.id)
    };
    out.push('{');
    text_member("Id", &guardrail.id, out);
    out.push(',');
    text_member("Arn", &arn, out);
    out.push(',');
    text_member("Name", &guardrail.name, out);
    out.push_str(",\"Description\":\"\",");
    text_member("Type", type_of(guardrail.document.kind), out);
    out.push_str(if guardrail.aws_managed { ",\"AwsManaged\":true}" } else { ",\"AwsManaged\":false}" });
}
