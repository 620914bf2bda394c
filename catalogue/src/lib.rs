//! Facts about AWS: actions, resource types, condition keys, and the dated lists of appendix C. Data only: nothing
//! here decides anything.
//!
//! What the catalogue does not know is data too: an unknown service, action or key is `None`, never an error.

pub mod lists;

/// The facts of one edition of the service authorization reference.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {}

/// The type of a condition key, without the `ArrayOf` prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// `String`.
    String,
    /// `ARN`.
    Arn,
    /// `Bool`.
    Bool,
    /// `Numeric`.
    Numeric,
    /// `Date`.
    Date,
    /// `IPAddress`.
    IpAddress,
    /// `Binary`.
    Binary,
}

/// What is declared of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyFacts {
    /// Its type.
    pub key_type: KeyType,
    /// True iff it is multi-valued.
    pub multi: bool,
}

/// One action of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct ActionFacts<'a> {
    #[allow(dead_code)]
    catalogue: &'a Catalogue,
}

/// One resource type of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct ResourceTypeFacts<'a> {
    #[allow(dead_code)]
    catalogue: &'a Catalogue,
}

impl Catalogue {
    /// The edition that is compiled in.
    pub fn embedded() -> &'static Catalogue {
        static EMBEDDED: Catalogue = Catalogue {};
        &EMBEDDED
    }

    /// A catalogue that knows no action; the lists of [`lists`] and the global keys stay what they are.
    pub fn without_actions() -> Catalogue {
        Catalogue {}
    }

    /// The facts of an action; both parts compare without regard to ASCII case.
    pub fn action(&self, _service: &str, _name: &str) -> Option<ActionFacts<'_>> {
        None
    }

    /// What is declared of a key, given in canonical lower case: a global key, a service key, or a member of a family
    /// such as `aws:requesttag/…`. `None`: not declared.
    pub fn key(&self, _canonical: &str) -> Option<KeyFacts> {
        None
    }
}

impl<'a> ActionFacts<'a> {
    /// Its name in AWS's spelling.
    pub fn name(self) -> &'a str {
        ""
    }

    /// Its resource types with their `required` flag, in document order; none: a wildcard-only action.
    pub fn resource_types(self) -> impl Iterator<Item = (ResourceTypeFacts<'a>, bool)> {
        std::iter::empty()
    }

    /// True iff it has no resource type.
    pub fn is_wildcard_only(self) -> bool {
        true
    }

    /// True iff the key (canonical) is listed for the action or for any of its resource types; a
    /// family such as `aws:RequestTag/${TagKey}` lists all its members.
    pub fn lists_key(self, _canonical: &str) -> bool {
        false
    }
}

impl<'a> ResourceTypeFacts<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        ""
    }

    /// Its ARN templates, such as `arn:${Partition}:s3:::${BucketName}`, in document order.
    pub fn arn_templates(self) -> impl Iterator<Item = &'a str> {
        std::iter::empty()
    }
}
