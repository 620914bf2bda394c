//! `aws iam get-account-authorization-details`: pages of users, groups, roles and policies.

use super::{ExportError, Folder, list, percent_encode, text_member};
use crate::part::{AccountPart, Document, IdentityPart, ManagedPart, OrganizationPart, RolePart, UserPart};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

/// Things on a page; AWS's own default is 100, and `--max-items` asks for more.
const PAGE: usize = 500;
const CREATED: &str = "2025-03-05T09:00:00+00:00";

/// Writes accounts; knows AWS's managed policies, which each account that uses them lists again.
pub(crate) struct Writer<'a> {
    managed: HashMap<&'a str, (usize, &'a ManagedPart)>,
    encoded: Vec<String>,
}

enum Entry<'a> {
    User(&'a UserPart),
    Group(&'a IdentityPart),
    Role(&'a RolePart),
    Policy(&'a ManagedPart, Option<usize>),
}

impl<'a> Writer<'a> {
    pub(crate) fn new(organization: &'a OrganizationPart) -> Writer<'a> {
        let managed = organization.managed.iter().enumerate().map(|(i, part)| (part.arn.as_str(), (i, part))).collect();
        let encode = |part: &ManagedPart| {
            let mut out = String::new();
            percent_encode(&part.document.text, &mut out);
            out
        };
        Writer { managed, encoded: organization.managed.iter().map(encode).collect() }
    }

    /// Notes which of AWS's policies an account uses.
    pub(crate) fn note_used(&self, account: &AccountPart, used: &mut BTreeSet<usize>) {
        let users = account.users.iter().map(|user| &user.identity);
        let roles = account.roles.iter().map(|role| &role.identity);
        for identity in users.chain(&account.groups).chain(roles) {
            let arns = identity.attached.iter().chain(&identity.boundary);
            used.extend(arns.filter_map(|arn| self.managed.get(arn.as_str())).map(|(index, _)| *index));
        }
    }

    /// Outputs of `iam get-policy-version` for some of AWS's policies, one a line.
    pub(crate) fn versions(&self, used: &BTreeSet<usize>) -> String {
        let mut out = String::new();
        let mut by_index: Vec<(usize, &ManagedPart)> = self.managed.values().copied().collect();
        by_index.sort_by_key(|(index, _)| *index);
        for (index, part) in by_index.into_iter().filter(|(index, _)| used.contains(index)) {
            out.push_str("{\"command\":\"iam get-policy-version\",\"arguments\":{");
            text_member("policy-arn", &part.arn, &mut out);
            out.push_str("},\"output\":{\"PolicyVersion\":{\"Document\":\"");
            out.push_str(self.encoded.get(index).map_or("", String::as_str));
            out.push_str("\",\"VersionId\":\"v1\",\"IsDefaultVersion\":true}}}\n");
        }
        out
    }

    pub(crate) fn write(&self, account: &AccountPart, folder: &mut Folder) -> Result<(), ExportError> {
        let identities = account
            .users
            .iter()
            .map(|user| &user.identity)
            .chain(&account.groups)
            .chain(account.roles.iter().map(|role| &role.identity));
        let mut used = BTreeSet::new();
        let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
        for identity in identities {
            for arn in &identity.attached {
                counts.entry(arn).or_default().0 += 1;
                used.extend(self.managed.get(arn.as_str()).map(|(index, _)| *index));
            }
            if let Some(arn) = &identity.boundary {
                counts.entry(arn).or_default().1 += 1;
            }
        }
        let aws: Vec<&ManagedPart> = {
            let mut by_index: Vec<(usize, &ManagedPart)> =
                self.managed.values().copied().filter(|(i, _)| used.contains(i)).collect();
            by_index.sort_by_key(|(index, _)| *index);
            by_index.into_iter().map(|(_, part)| part).collect()
        };
        let mut entries: Vec<Entry> = Vec::new();
        entries.extend(account.users.iter().map(Entry::User));
        entries.extend(account.groups.iter().map(Entry::Group));
        entries.extend(account.roles.iter().map(Entry::Role));
        entries.extend(account.policies.iter().map(|policy| Entry::Policy(policy, None)));
        entries.extend(aws.iter().zip(&used).map(|(policy, index)| Entry::Policy(policy, Some(*index))));
        // An account with nothing in it still has a page that says so.
        let pages: Vec<&[Entry]> = if entries.is_empty() { vec![&[]] } else { entries.chunks(PAGE).collect() };
        for (number, page) in pages.iter().enumerate() {
            let mut out = String::with_capacity(1 << 18);
            let last = number + 1 == pages.len();
            self.page(page, &counts, (!last).then_some(number + 1), &mut out);
            folder.file(&format!("accounts/{}.{}.json", account.stub.id, number + 1), &out)?;
        }
        Ok(())
    }

    fn page(&self, page: &[Entry], counts: &HashMap<&str, (usize, usize)>, next: Option<usize>, out: &mut String) {
        out.push_str("{\"UserDetailList\":");
        list(
            page.iter().filter_map(|e| if let Entry::User(user) = e { Some(user) } else { None }),
            out,
            |user, out| {
                self::user(user, out);
            },
        );
        out.push_str(",\"GroupDetailList\":");
        list(
            page.iter().filter_map(|e| if let Entry::Group(group) = e { Some(group) } else { None }),
            out,
            |group, out| {
                out.push('{');
                head(group, "Group", out);
                out.push_str(",\"GroupPolicyList\":");
                inline(group, out);
                attached(group, out);
                out.push('}');
            },
        );
        out.push_str(",\"RoleDetailList\":");
        list(
            page.iter().filter_map(|e| if let Entry::Role(role) = e { Some(role) } else { None }),
            out,
            |role, out| {
                self::role(role, out);
            },
        );
        out.push_str(",\"Policies\":");
        let policies =
            page.iter().filter_map(|e| if let Entry::Policy(policy, i) = e { Some((policy, i)) } else { None });
        list(policies, out, |(policy, index), out| {
            let encoded = index.and_then(|index| self.encoded.get(index)).map(String::as_str);
            self::policy(policy, encoded, counts.get(policy.arn.as_str()).copied().unwrap_or_default(), out);
        });
        match next {
            Some(page) => {
                let _ = write!(out, ",\"IsTruncated\":true,\"Marker\":\"page-{}\"}}", page + 1);
            }
            None => out.push_str(",\"IsTruncated\":false}"),
        }
        out.push('\n');
    }
}

fn head(identity: &IdentityPart, kind: &str, out: &mut String) {
    let (path, name) = identity.path_and_name();
    text_member("Path", path, out);
    out.push(',');
    text_member(&format!("{kind}Name"), name, out);
    out.push(',');
    text_member(&format!("{kind}Id"), &identity.unique_id, out);
    out.push(',');
    text_member("Arn", &identity.arn, out);
    let _ = write!(out, ",\"CreateDate\":\"{CREATED}\"");
}

fn document(name: &str, document: &Document, out: &mut String) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":\"");
    percent_encode(&document.text, out);
    out.push('"');
}

fn inline(identity: &IdentityPart, out: &mut String) {
    list(&identity.inline, out, |policy, out| {
        out.push('{');
        text_member("PolicyName", &policy.name, out);
        out.push(',');
        document("PolicyDocument", &policy.document, out);
        out.push('}');
    });
}

fn attached(identity: &IdentityPart, out: &mut String) {
    out.push_str(",\"AttachedManagedPolicies\":");
    list(&identity.attached, out, |arn, out| {
        out.push('{');
        text_member("PolicyName", arn.rsplit('/').next().unwrap_or(arn), out);
        out.push(',');
        text_member("PolicyArn", arn, out);
        out.push('}');
    });
}

fn tail(identity: &IdentityPart, out: &mut String) {
    if let Some(arn) = &identity.boundary {
        out.push_str(",\"PermissionsBoundary\":{\"PermissionsBoundaryType\":\"PermissionsBoundaryPolicy\",");
        text_member("PermissionsBoundaryArn", arn, out);
        out.push('}');
    }
    out.push_str(",\"Tags\":");
    tags(&identity.tags, out);
}

pub(crate) fn tags(tags: &[(String, String)], out: &mut String) {
    list(tags, out, |(key, value), out| {
        out.push('{');
        text_member("Key", key, out);
        out.push(',');
        text_member("Value", value, out);
        out.push('}');
    });
}

fn user(user: &UserPart, out: &mut String) {
    out.push('{');
    head(&user.identity, "User", out);
    if !user.identity.inline.is_empty() {
        // AWS leaves the list out for users without inline policies.
        out.push_str(",\"UserPolicyList\":");
        inline(&user.identity, out);
    }
    out.push_str(",\"GroupList\":");
    list(&user.groups, out, |name, out| crate::draft::json_text(name, out));
    attached(&user.identity, out);
    tail(&user.identity, out);
    out.push('}');
}

fn role(role: &RolePart, out: &mut String) {
    out.push('{');
    head(&role.identity, "Role", out);
    out.push(',');
    document("AssumeRolePolicyDocument", &role.trust, out);
    out.push_str(",\"InstanceProfileList\":[],\"RolePolicyList\":");
    inline(&role.identity, out);
    attached(&role.identity, out);
    tail(&role.identity, out);
    out.push_str(",\"RoleLastUsed\":{}}");
}

fn policy(policy: &ManagedPart, encoded: Option<&str>, (attached, boundary): (usize, usize), out: &mut String) {
    let (path, name) = policy.path_and_name();
    let version = if policy.previous.is_some() { 2 } else { 1 };
    out.push('{');
    text_member("PolicyName", name, out);
    out.push(',');
    text_member("PolicyId", &policy.id, out);
    out.push(',');
    text_member("Arn", &policy.arn, out);
    out.push(',');
    text_member("Path", path, out);
    let _ = write!(
        out,
        ",\"DefaultVersionId\":\"v{version}\",\"AttachmentCount\":{attached},\"PermissionsBoundaryUsageCount\":{boundary},\
         \"IsAttachable\":true,\"CreateDate\":\"{CREATED}\",\"UpdateDate\":\"{CREATED}\",\"PolicyVersionList\":[{{"
    );
    match encoded {
        Some(encoded) => {
            out.push_str("\"Document\":\"");
            out.push_str(encoded);
            out.push('"');
        }
        None => document("Document", &policy.document, out),
    }
    let _ = write!(out, ",\"VersionId\":\"v{version}\",\"IsDefaultVersion\":true,\"CreateDate\":\"{CREATED}\"}}");
    if let Some(previous) = &policy.previous {
        out.push_str(",{");
        document("Document", previous, out);
        let _ = write!(out, ",\"VersionId\":\"v1\",\"IsDefaultVersion\":false,\"CreateDate\":\"{CREATED}\"}}");
    }
    out.push_str("]}");
}
