//! An edition of the service authorization reference as readers find it: owned, in any order, possibly with
//! repetitions. [`encode`](crate::encode()) sorts, merges and checks it.

use crate::KeyFacts;

/// What an action does to its resources, as the service authorization reference classifies it (R-9.1).
///
/// It never influences a decision (R-9.10). The order is that of strength as the reference lists several levels of one
/// action: `Permissions management, Write` is the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// `List`.
    List,
    /// `Read`.
    Read,
    /// `Write`.
    Write,
    /// `Tagging`.
    Tagging,
    /// `Permissions management`.
    PermissionsManagement,
}

impl AccessLevel {
    /// All levels, weakest first.
    pub const ALL: [AccessLevel; 5] = [
        AccessLevel::List,
        AccessLevel::Read,
        AccessLevel::Write,
        AccessLevel::Tagging,
        AccessLevel::PermissionsManagement,
    ];

    /// The name on the reference's pages.
    pub fn as_str(self) -> &'static str {
        match self {
            AccessLevel::List => "List",
            AccessLevel::Read => "Read",
            AccessLevel::Write => "Write",
            AccessLevel::Tagging => "Tagging",
            AccessLevel::PermissionsManagement => "Permissions management",
        }
    }

    /// Reads one level or several with commas between; the strongest counts. Unknown words are passed over.
    ///
    /// ```
    /// use iamc_catalogue::AccessLevel;
    /// assert_eq!(AccessLevel::parse("Tagging, Write"), Some(AccessLevel::Tagging));
    /// assert_eq!(AccessLevel::parse("Unknown"), None);
    /// ```
    pub fn parse(text: &str) -> Option<AccessLevel> {
        text.split(',')
            .filter_map(|part| AccessLevel::ALL.into_iter().find(|l| l.as_str().eq_ignore_ascii_case(part.trim())))
            .max()
    }
}

/// One edition of the facts, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edition {
    /// Where it comes from, with versions.
    pub name: String,
    /// Its day, `YYYY-MM-DD`, if the source says.
    pub date: Option<String>,
    /// The services. Entries with the same prefix are merged (R-9.11).
    pub services: Vec<ServiceEntry>,
    /// Keys that no service declares, as in the consolidated list of global keys.
    pub keys: Vec<KeyEntry>,
}

/// One service, or one page of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its prefix, such as `s3`.
    pub prefix: String,
    /// Its name for people, such as `Amazon S3`; empty if the source has none.
    pub name: String,
    /// Its actions.
    pub actions: Vec<ActionEntry>,
    /// Its resource types in document order.
    pub resource_types: Vec<ResourceTypeEntry>,
    /// The condition keys that it declares.
    pub keys: Vec<KeyEntry>,
}

/// One action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionEntry {
    /// Its name without prefix, in AWS's spelling.
    pub name: String,
    /// Its access level, if the source says.
    pub access_level: Option<AccessLevel>,
    /// Its resource types in document order; none: a wildcard-only action (R-9.5).
    pub resources: Vec<ActionResource>,
    /// The condition keys of the action itself, by name.
    pub keys: Vec<String>,
    /// Actions that a caller needs as well, as `service:Name` (R-9.9).
    pub dependent_actions: Vec<String>,
}

/// A resource type of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionResource {
    /// The name of the type. One that the service does not describe becomes a type without templates: the action is
    /// not wildcard-only because a row of another table is missing.
    pub resource_type: String,
    /// True iff the reference marks it as required. Sources without that mark (R-9.3) say `false`.
    pub required: bool,
    /// Condition keys that hold for this action on this type only.
    pub keys: Vec<String>,
}

/// A resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceTypeEntry {
    /// Its name.
    pub name: String,
    /// Its ARN templates in document order.
    pub arn_templates: Vec<String>,
    /// Its condition keys.
    pub keys: Vec<String>,
}

/// A condition key that is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its name in AWS's spelling, a placeholder for a family.
    pub name: String,
    /// Its type, or `None` if the source names none that is known.
    pub facts: Option<KeyFacts>,
}
