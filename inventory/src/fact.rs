//! What one file says, before it is known what the others say.

use crate::item::Item;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::request::KmsGrant;
use iamc_policy::source::Place;
use iamc_policy::world::{GapKind, NamedPolicy};

/// One thing that an input says. Whatever is large is boxed: facts are held in lists until the last file is read.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    /// A thing that is complete in itself.
    Item(Item),
    /// A page of a listing.
    Page(Box<Page>),
    /// The account exists and is one of those that are exported.
    Account { id: AccountId, origin: Origin, place: Place },
    /// What AWS Config says of one resource.
    Config(Box<ConfigFacts>),
    /// A snapshot of AWS Config: one recorder's, of one account in one Region.
    Snapshot(Box<Snapshot>),
    /// The last use of an access key: its user is named, and only the details know the path of the ARN.
    KeyUse(Box<KeyUse>),
    /// Something about an organization.
    Organization(Box<OrganizationFact>),
    /// A resource is shared through AWS RAM.
    Shared(Box<SharedResource>),
    /// Grants on a key: one page of them.
    Grants(Box<Grants>),
}

/// A snapshot of AWS Config.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) place: Place,
}

/// The last use of an access key.
#[derive(Debug, Clone)]
pub(crate) struct KeyUse {
    pub(crate) account: AccountId,
    /// The user's name, without a path.
    pub(crate) user: String,
    pub(crate) at: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) place: Place,
}

/// A page of the grants on a key.
#[derive(Debug, Clone)]
pub(crate) struct Grants {
    pub(crate) key: iamc_policy::Arn,
    /// The account that was asked.
    pub(crate) account: Option<AccountId>,
    pub(crate) grants: Vec<KmsGrant>,
    pub(crate) place: Place,
}

/// What kind of export names an account; each of them leaves other things open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Outputs of the AWS command line.
    Outputs,
    /// Items of AWS Config.
    Config,
    /// A store of iam-collect.
    Collect,
}

/// A resource that is shared.
#[derive(Debug, Clone)]
pub(crate) struct SharedResource {
    pub(crate) arn: iamc_policy::Arn,
    /// The account that was asked.
    pub(crate) account: Option<AccountId>,
    /// The policy that the sharing amounts to; `None`: not exported.
    pub(crate) policy: Option<NamedPolicy>,
    pub(crate) place: Place,
}

/// What one item of AWS Config says.
#[derive(Debug, Clone)]
pub(crate) struct ConfigFacts {
    /// Type, account, Region and id of the resource: of several items about one the newest counts.
    pub(crate) key: String,
    /// When the item was captured, as Config writes it: times of one length, in UTC.
    pub(crate) captured: String,
    /// Nothing, where the resource was deleted.
    pub(crate) facts: Vec<Fact>,
}

/// What a page is a page of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listing {
    /// Users, groups, roles and policies of an account.
    Identities(AccountId),
    /// Buckets of an account.
    Buckets(AccountId),
    /// VPC endpoints of an account, in a Region.
    Endpoints(AccountId, String),
    /// Grants on a key.
    Grants(String),
    /// Accounts of an organization.
    Accounts,
    /// Accounts below a root or unit.
    AccountsOf(String),
    /// Units below a root or unit.
    UnitsOf(String),
    /// Policies of a kind.
    Policies(PolicyKind),
    /// Targets of a policy.
    Targets(String),
    /// Policies of a kind attached to a root, unit or account.
    PoliciesFor(String, PolicyKind),
}

/// One page: a listing is complete iff some page of it is the last.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) of: Listing,
    /// Whether more pages follow.
    pub(crate) truncated: bool,
    pub(crate) place: Place,
}

/// One thing that an input says about an organization. Where its output holds no ARN, the organization is the only one
/// there is.
#[derive(Debug, Clone)]
pub(crate) enum OrganizationFact {
    /// It exists; every ARN of Organizations names it and its management account.
    Seen { id: String, management_account: AccountId, place: Place },
    /// The account that was asked is in none.
    NotInUse { account: AccountId },
    /// The policy types that are enabled at its root.
    PolicyTypes { organization: Option<String>, scp: bool, rcp: bool },
    /// A root or unit.
    Unit { id: String, organization: Option<String>, name: Option<String>, place: Place },
    /// An account that was listed as one of the organization's.
    Account { id: AccountId, organization: Option<String>, name: Option<String>, place: Place },
    /// What lies above a unit or account.
    Parent { child: String, parent: String, place: Place },
    /// An SCP or RCP, and its text where it is given.
    Policy { id: String, kind: PolicyKind, name: String, text: Option<NamedPolicy>, place: Place },
    /// An attachment.
    Attached { policy: String, target: String },
    /// A delegated administrator for IAM or Organizations.
    Delegated(AccountId),
}

/// Which gap an incomplete listing leaves; the subject is the organization where `None`.
pub(crate) fn gap_of(listing: &Listing) -> (GapKind, Option<String>, String) {
    let gap_of_kind = |kind: &PolicyKind| if *kind == PolicyKind::Rcp { GapKind::Rcps } else { GapKind::Scps };
    match listing {
        Listing::Identities(id) => (
            GapKind::Identities,
            Some(id.to_string()),
            format!("the account authorization details of {id} are truncated: their last page is missing"),
        ),
        Listing::Buckets(id) => (
            GapKind::Resources,
            Some(id.to_string()),
            format!("the buckets of account {id} are truncated: their last page is missing"),
        ),
        Listing::Endpoints(id, region) => (
            GapKind::Endpoints,
            Some(id.to_string()),
            format!("the VPC endpoints of account {id} in `{region}` are truncated: their last page is missing"),
        ),
        Listing::Grants(key) => (
            GapKind::Resources,
            Some(key.clone()),
            format!("the grants on {key} are truncated: their last page is missing"),
        ),
        Listing::Accounts => {
            (GapKind::Hierarchy, None, "list-accounts is truncated: its last page is missing".to_owned())
        }
        Listing::AccountsOf(id) => (
            GapKind::Hierarchy,
            None,
            format!("list-accounts-for-parent of {id} is truncated: its last page is missing"),
        ),
        Listing::UnitsOf(id) => (
            GapKind::Hierarchy,
            None,
            format!("list-organizational-units-for-parent of {id} is truncated: its last page is missing"),
        ),
        Listing::Policies(kind) => {
            (gap_of_kind(kind), None, format!("list-policies of type {kind} is truncated: its last page is missing"))
        }
        // Targets do not say of which kind their policy is; it is found where the facts are joined.
        Listing::Targets(id) => {
            (GapKind::Scps, None, format!("list-targets-for-policy of {id} is truncated: its last page is missing"))
        }
        Listing::PoliciesFor(id, kind) => (
            gap_of_kind(kind),
            None,
            format!("list-policies-for-target of {id} is truncated: its last page is missing"),
        ),
    }
}
