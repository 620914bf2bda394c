//! What is generated: one organization part, and one part for each account, with documents as text.
//!
//! Both outputs, `World` and export files, are made from these parts, so they cannot disagree.

use iamc_policy::PolicyKind;
use iamc_policy::request::EndpointType;
use std::sync::Arc;

/// A policy document: minified JSON as AWS would hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// As what it is to be parsed.
    pub kind: PolicyKind,
    /// The text.
    pub text: Arc<str>,
}

impl Document {
    /// A document.
    pub fn new(kind: PolicyKind, text: impl Into<Arc<str>>) -> Document {
        Document { kind, text: text.into() }
    }
}

/// A policy with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDocument {
    /// Name of the inline policy.
    pub name: String,
    /// Its text.
    pub document: Document,
}

/// A root or an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPart {
    /// `r-…` or `ou-…`.
    pub id: String,
    /// The unit above; `None` for the root.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
}

/// What the organization knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStub {
    /// Twelve digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The unit it lies in.
    pub parent: String,
}

/// An SCP or RCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailPart {
    /// `p-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its text; the kind says SCP or RCP.
    pub document: Document,
    /// Root, units and accounts it is attached to.
    pub targets: Vec<String>,
    /// True for `FullAWSAccess` and `RCPFullAWSAccess`.
    pub aws_managed: bool,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPart {
    /// Its ARN.
    pub arn: String,
    /// Its unique id, ANPA….
    pub id: String,
    /// Text of the default version.
    pub document: Document,
    /// Text of an older version that is still kept and has no effect.
    pub previous: Option<Document>,
}

impl ManagedPart {
    /// Path and name: what follows `policy` in the ARN.
    pub fn path_and_name(&self) -> (&str, &str) {
        path_and_name(&self.arn)
    }
}

/// What users, groups and roles have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPart {
    /// ARN with path.
    pub arn: String,
    /// AIDA…, AGPA…, AROA….
    pub unique_id: String,
    /// Inline policies.
    pub inline: Vec<NamedDocument>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

impl IdentityPart {
    /// Its inline documents.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.inline.iter().map(|policy| &policy.document)
    }

    /// Path (with both slashes) and name.
    pub fn path_and_name(&self) -> (&str, &str) {
        path_and_name(&self.arn)
    }
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPart {
    /// The common part.
    pub identity: IdentityPart,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePart {
    /// The common part.
    pub identity: IdentityPart,
    /// Trust policy.
    pub trust: Document,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePart {
    /// Its ARN.
    pub arn: String,
    /// Its policy, if it has one.
    pub policy: Option<Document>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPart {
    /// `vpce-…`.
    pub id: String,
    /// `vpc-…`.
    pub vpc: String,
    /// Its Region.
    pub region: String,
    /// Service prefix.
    pub service: String,
    /// Gateway or interface.
    pub endpoint_type: EndpointType,
    /// Its policy; `None`: the default of full access.
    pub policy: Option<Document>,
}

/// Everything of the organization that is not inside an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationPart {
    /// `o-…`.
    pub id: String,
    /// The management account, always the first account.
    pub management: String,
    /// The root first, each unit behind the one above it.
    pub units: Vec<UnitPart>,
    /// Every account, by index.
    pub accounts: Vec<AccountStub>,
    /// SCPs, then RCPs.
    pub guardrails: Vec<GuardrailPart>,
    /// Policies in the style of AWS managed ones.
    pub managed: Vec<ManagedPart>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPart {
    /// Number, name and unit.
    pub stub: AccountStub,
    /// Canonical user id, 64 hex digits.
    pub canonical_user: String,
    /// The Region it lives in.
    pub region: String,
    /// ARNs of OIDC and SAML providers.
    pub providers: Vec<String>,
    /// Users.
    pub users: Vec<UserPart>,
    /// Groups.
    pub groups: Vec<IdentityPart>,
    /// Roles.
    pub roles: Vec<RolePart>,
    /// Customer managed policies.
    pub policies: Vec<ManagedPart>,
    /// Resources.
    pub resources: Vec<ResourcePart>,
    /// VPC endpoints.
    pub endpoints: Vec<EndpointPart>,
}

impl AccountPart {
    /// Every document of the account that is in force, in the order of its lists.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        let users = self.users.iter().flat_map(|user| user.identity.documents());
        let groups = self.groups.iter().flat_map(IdentityPart::documents);
        let roles = self.roles.iter().flat_map(|role| std::iter::once(&role.trust).chain(role.identity.documents()));
        let policies = self.policies.iter().map(|policy| &policy.document);
        let resources = self.resources.iter().filter_map(|resource| resource.policy.as_ref());
        let endpoints = self.endpoints.iter().filter_map(|endpoint| endpoint.policy.as_ref());
        users.chain(groups).chain(roles).chain(policies).chain(resources).chain(endpoints)
    }
}

/// Splits the sixth component of an IAM ARN, `TYPE/PATH/NAME`, into `/PATH/` and `NAME`.
fn path_and_name(arn: &str) -> (&str, &str) {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or("");
    let start = resource.find('/').unwrap_or(0);
    let end = resource.rfind('/').unwrap_or(0);
    (&resource[start..(end + 1).min(resource.len())], &resource[(end + 1).min(resource.len())..])
}
