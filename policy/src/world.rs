//! The raw inventory: what was exported, nothing of it resolved.
//!
//! Which groups a user's policies come from, which levels an account lies under, who is exempt: none of that is
//! worked out here. Each engine resolves it for itself (sections 6.2 to 6.5).

use crate::arn::Arn;
use crate::diagnostic::Diagnostic;
use crate::document::{Policy, PolicyKind};
use crate::ids::AccountId;
use crate::request::{EndpointType, KmsGrant};
use crate::settings::Settings;
use crate::source::Place;
use smol_str::SmolStr;
use std::sync::Arc;

/// A policy with its name and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPolicy {
    /// The name: of the inline policy, of the managed policy, or the file's.
    pub name: SmolStr,
    /// What is known of its text.
    pub text: PolicyText,
    /// File and line where the document begins.
    pub place: Option<Place>,
    /// True iff the document stands in the file as it is, so that a line of the document is a line of the file;
    /// false for documents kept as (percent-)encoded text, whose statements are all found at `place`.
    pub verbatim: bool,
    /// The text as it was read, kept only for quarantined policies so that an export can give it back; else `None`.
    pub source: Option<Arc<str>>,
}

/// What is known of a policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyText {
    /// The parsed policy.
    Known(Arc<Policy>),
    /// It exists, but its text is not known.
    Unknown(WhyUnknown),
}

/// Why a policy's text is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUnknown {
    /// The export lacks it.
    NotExported,
    /// It is invalid and quarantined, with its findings.
    Quarantined(Vec<Diagnostic>),
}

impl NamedPolicy {
    /// A policy whose text is known, from nowhere in particular.
    pub fn new(name: impl Into<SmolStr>, policy: Policy) -> NamedPolicy {
        let text = PolicyText::Known(Arc::new(policy));
        NamedPolicy { name: name.into(), text, place: None, verbatim: false, source: None }
    }

    /// A policy that is known to exist, without its text.
    pub fn unknown(name: impl Into<SmolStr>) -> NamedPolicy {
        let text = PolicyText::Unknown(WhyUnknown::NotExported);
        NamedPolicy { name: name.into(), text, place: None, verbatim: false, source: None }
    }

    /// File and line of the statement at `index`.
    pub fn statement_place(&self, index: usize) -> Option<Place> {
        let place = self.place.clone()?;
        match &self.text {
            PolicyText::Known(policy) if self.verbatim => {
                let line = policy.statements.get(index).map_or(1, |statement| statement.line);
                Some(Place { line: place.line + line - 1, ..place })
            }
            _ => Some(place),
        }
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account, exempt from SCPs and RCPs.
    pub management_account: AccountId,
    /// Whether the SCP policy type is enabled; `None`: not exported.
    pub scp_enabled: Option<bool>,
    /// Whether the RCP policy type is enabled; `None`: not exported.
    pub rcp_enabled: Option<bool>,
    /// Delegated administrators for IAM and Organizations.
    pub delegated_administrators: Vec<AccountId>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// A root or an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `r-…` or `ou-…`.
    pub id: String,
    /// The organization it belongs to.
    pub organization: String,
    /// The id of the unit above; `None` for the root.
    pub parent: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: Option<String>,
    /// The unit it lies in, root or OU; `None`: outside any organization.
    pub parent: Option<String>,
    /// Its canonical user id.
    pub canonical_user: Option<String>,
    /// Account-wide S3 RestrictPublicBuckets; `None`: not exported.
    pub s3_restrict_public_buckets: Option<bool>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An SCP or RCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// `p-…`.
    pub id: String,
    /// [`PolicyKind::Scp`] or [`PolicyKind::Rcp`].
    pub kind: PolicyKind,
    /// Name and text.
    pub policy: NamedPolicy,
    /// Ids of the roots, units and accounts it is attached to, in the order read.
    pub targets: Vec<String>,
    /// Made up so that a level is not empty (a decision case that gives fewer levels than its path has); it is left
    /// out of explanations.
    pub implied: bool,
}

/// A managed policy, of a customer or of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its ARN.
    pub arn: Arn,
    /// Name and text of the default version.
    pub policy: NamedPolicy,
}

/// What users, groups and roles have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRecord {
    /// ARN with path.
    pub arn: Arn,
    /// AIDA…, AGPA…, AROA….
    pub unique_id: Option<SmolStr>,
    /// Inline policies, in the order read.
    pub inline: Vec<NamedPolicy>,
    /// ARNs of attached managed policies, in the order read.
    pub attached: Vec<Arn>,
    /// ARN of the managed policy set as boundary; never for groups.
    pub boundary: Option<Arn>,
    /// Tags; `None`: not exported.
    pub tags: Option<Vec<(String, String)>>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// ARN, policies, boundary, tags.
    pub identity: IdentityRecord,
    /// Names of its groups, in the order read.
    pub groups: Vec<String>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// ARN and policies.
    pub identity: IdentityRecord,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// ARN, policies, boundary, tags.
    pub identity: IdentityRecord,
    /// Its trust policy.
    pub trust: NamedPolicy,
    /// What sessions of the role have unless the request says otherwise.
    pub session_defaults: SessionDefaults,
}

/// What every session of a role carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionDefaults {
    /// Session policies passed by whatever makes the sessions.
    pub policies: Vec<NamedPolicy>,
    /// Session tags; they override role tags.
    pub tags: Vec<(String, String)>,
}

/// The resource-based policy of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourcePolicy {
    /// It has none.
    None,
    /// It has this one.
    Policy(NamedPolicy),
    /// Nobody fetched it.
    NotExported,
}

/// A resource of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its ARN.
    pub arn: Arn,
    /// Its owner; `None`: the ARN says it.
    pub account: Option<AccountId>,
    /// Its policy.
    pub policy: ResourcePolicy,
    /// Its tags; `None`: not exported.
    pub tags: Option<Vec<(String, String)>>,
    /// S3 RestrictPublicBuckets of the bucket; `None`: not exported.
    pub s3_restrict_public_buckets: Option<bool>,
    /// Grants on a KMS key; `None`: not exported.
    pub kms_grants: Option<Vec<KmsGrant>>,
    /// An AWS managed KMS key.
    pub aws_managed_key: bool,
    /// Where it was read.
    pub place: Option<Place>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `vpce-…`.
    pub id: String,
    /// Its owner.
    pub account: AccountId,
    /// Its VPC, `vpc-…`.
    pub vpc: Option<String>,
    /// Its Region.
    pub region: Option<String>,
    /// The service prefix it leads to, e.g. `s3`; `None`: not exported.
    pub service: Option<String>,
    /// Gateway or interface.
    pub endpoint_type: EndpointType,
    /// Its policy; `None` inside means the default of full access.
    pub policy: ResourcePolicy,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An OIDC or SAML provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its ARN.
    pub arn: Arn,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An instance profile: through it an EC2 instance gets the credentials of a role. It decides nothing; chains of
/// escalation lead through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its ARN.
    pub arn: Arn,
    /// ARNs of its roles, in the order read; AWS allows one.
    pub roles: Vec<Arn>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// Which roles an existing resource runs as: a function, an instance, a task definition. It decides nothing; whoever
/// changes what the resource runs has the rights of these roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsAs {
    /// ARN of the resource.
    pub resource: Arn,
    /// ARNs of its roles, in the order read; none: it runs without a role.
    pub roles: Vec<Arn>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// A resource share of AWS RAM. What it allows reaches decisions as the resource-based policies of what is shared
/// the share itself says who was invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its ARN.
    pub arn: Arn,
    /// Its name.
    pub name: Option<String>,
    /// ARNs of the resources it shares, in the order read.
    pub resources: Vec<Arn>,
    /// With whom: account numbers, ARNs of organizations, units, roles and users, names of services, in the order read.
    pub principals: Vec<String>,
    /// Whether principals outside the organization may be added; `None`: not exported.
    pub allows_external: Option<bool>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// When a user or role was last used. It decides nothing and is kept for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// ARN of the user or role.
    pub arn: Arn,
    /// The time, as the export writes it (ISO 8601); `None`: no use is on record. AWS keeps some 400 days.
    pub at: Option<String>,
    /// The Region of that use.
    pub region: Option<String>,
    /// Where it was read.
    pub place: Option<Place>,
}

/// Something that the export should have held and does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// What is missing.
    pub kind: GapKind,
    /// The thing it is missing from: an account number, an ARN, an organization or unit id.
    pub subject: String,
    /// What was seen, for a person to read.
    pub message: String,
    /// Where the gap shows.
    pub place: Option<Place>,
}

/// The kinds of gaps that decisions must know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// The users, groups, roles or policies of an account may be more than were exported; subject: the account.
    Identities,
    /// The resources of an account, or their policies, were not exported; subject: the account, or the ARN of one
    /// resource whose policy nobody fetched.
    Resources,
    /// The SCPs of an organization, or their attachments, were not exported; subject: the organization.
    Scps,
    /// The RCPs of an organization, or their attachments, were not exported; subject: the organization.
    Rcps,
    /// The path of an account or unit is not known; subject: its id.
    Hierarchy,
    /// The VPC endpoints of an account were not exported; subject: the account.
    Endpoints,
    /// A group that a user is in was not exported; subject: the user's ARN.
    Group,
    /// The text of an attached policy was not exported; subject: the managed policy's ARN, the SCP's or RCP's id.
    ManagedPolicy,
}

/// What is complete in spite of a gap: every resource of one service in one account that has a resource-based policy
/// is listed. It narrows a [`GapKind::Resources`] gap of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The account.
    pub account: AccountId,
    /// The service, as the third component of the resources' ARNs, e.g. `s3`.
    pub service: String,
    /// Where it was read.
    pub place: Option<Place>,
}

/// An inventory as it was exported.
///
/// Each list is in the order in which it was read; no two entries of a list have the same ARN or id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct World {
    /// The switches under which it is to be decided.
    pub settings: Settings,
    /// What the input lacks does not exist (`--assume-complete`).
    pub assume_complete: bool,
    /// Organizations; usually one.
    pub organizations: Vec<Organization>,
    /// Roots and organizational units.
    pub units: Vec<Unit>,
    /// Accounts.
    pub accounts: Vec<Account>,
    /// SCPs and RCPs.
    pub guardrails: Vec<Guardrail>,
    /// Managed policies.
    pub policies: Vec<ManagedPolicy>,
    /// Users.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Resources, roles excepted.
    pub resources: Vec<Resource>,
    /// VPC endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Identity providers.
    pub providers: Vec<Provider>,
    /// Instance profiles.
    pub instance_profiles: Vec<InstanceProfile>,
    /// Roles that resources run as; at most one entry a resource, none where the export does not say.
    pub runs_as: Vec<RunsAs>,
    /// Resource shares.
    pub shares: Vec<Share>,
    /// When users and roles were last used; at most one entry each, none where the export does not say.
    pub last_use: Vec<LastUse>,
    /// What the export lacks.
    pub gaps: Vec<Gap>,
    /// Services of accounts whose resources are listed completely, whatever `gaps` says of the account.
    pub coverage: Vec<Coverage>,
}
