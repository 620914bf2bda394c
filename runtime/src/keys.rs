//! Condition keys by id: the keys that the engine itself knows, and the classes of all others (table 5.2).

use iamc_catalogue::Catalogue;

macro_rules! special {
    ($($id:ident = $name:literal),* $(,)?) => {
        special!(@ids 0u32; $($id)*);

        /// Canonical names of the special keys: the key with id `i` is `SPECIAL[i]` in every compiled set.
        pub const SPECIAL: &[&str] = &[$($name),*];
    };
    (@ids $n:expr; $id:ident $($rest:ident)*) => {
        #[allow(dead_code, reason = "some keys are only met as members of a range")]
        pub(crate) const $id: u32 = $n;
        special!(@ids $n + 1; $($rest)*);
    };
    (@ids $n:expr;) => {};
}

special!(
    PRINCIPAL_ARN = "aws:principalarn",
    PRINCIPAL_ACCOUNT = "aws:principalaccount",
    PRINCIPAL_ORG_ID = "aws:principalorgid",
    PRINCIPAL_ORG_PATHS = "aws:principalorgpaths",
    PRINCIPAL_IS_AWS_SERVICE = "aws:principalisawsservice",
    PRINCIPAL_SERVICE_NAME = "aws:principalservicename",
    PRINCIPAL_SERVICE_NAMES_LIST = "aws:principalservicenameslist",
    PRINCIPAL_TYPE = "aws:principaltype",
    USER_ID = "aws:userid",
    USER_NAME = "aws:username",
    ASSUMED_ROOT = "aws:assumedroot",
    // Keys of role sessions of one origin: from here ...
    FEDERATED_PROVIDER = "aws:federatedprovider",
    SOURCE_IDENTITY = "aws:sourceidentity",
    EC2_SOURCE_VPC = "aws:ec2instancesourcevpc",
    EC2_SOURCE_IP = "aws:ec2instancesourceprivateipv4",
    EC2_ROLE_DELIVERY = "ec2:roledelivery",
    EC2_SOURCE_INSTANCE = "ec2:sourceinstancearn",
    LAMBDA_SOURCE_FUNCTION = "lambda:sourcefunctionarn",
    CODEBUILD_BUILD = "codebuild:buildarn",
    CODEBUILD_PROJECT = "codebuild:projectarn",
    SSM_SOURCE_INSTANCE = "ssm:sourceinstancearn",
    GLUE_ROLE_ASSUMED_BY = "glue:roleassumedby",
    GLUE_ISSUING_SERVICE = "glue:credentialissuingservice",
    IDENTITYSTORE_USER = "identitystore:userid",
    // ... to here.
    TOKEN_ISSUE_TIME = "aws:tokenissuetime",
    SIGN_IN_SESSION = "aws:signinsessionarn",
    CHATBOT_SOURCE = "aws:chatbotsourcearn",
    MFA_AGE = "aws:multifactorauthage",
    MFA_PRESENT = "aws:multifactorauthpresent",
    SOURCE_IP = "aws:sourceip",
    SOURCE_VPCE = "aws:sourcevpce",
    SOURCE_VPC = "aws:sourcevpc",
    VPC_SOURCE_IP = "aws:vpcsourceip",
    SOURCE_VPC_ARN = "aws:sourcevpcarn",
    VPCE_ACCOUNT = "aws:vpceaccount",
    VPCE_ORG_PATHS = "aws:vpceorgpaths",
    VPCE_ORG_ID = "aws:vpceorgid",
    RESOURCE_ACCOUNT = "aws:resourceaccount",
    RESOURCE_ORG_ID = "aws:resourceorgid",
    RESOURCE_ORG_PATHS = "aws:resourceorgpaths",
    CALLED_VIA = "aws:calledvia",
    CALLED_VIA_FIRST = "aws:calledviafirst",
    CALLED_VIA_LAST = "aws:calledvialast",
    SOURCE_ARN = "aws:sourcearn",
    SOURCE_ACCOUNT = "aws:sourceaccount",
    SOURCE_ORG_ID = "aws:sourceorgid",
    SOURCE_ORG_PATHS = "aws:sourceorgpaths",
    STS_DURATION = "sts:durationseconds",
    STS_SERVICE_NAME = "sts:awsservicename",
    CURRENT_TIME = "aws:currenttime",
    EPOCH_TIME = "aws:epochtime",
    USER_AGENT = "aws:useragent",
    SECURE_TRANSPORT = "aws:securetransport",
    REQUESTED_REGION = "aws:requestedregion",
    VIA_AWS_SERVICE = "aws:viaawsservice",
    TAG_KEYS = "aws:tagkeys",
    STS_SOURCE_IDENTITY = "sts:sourceidentity",
    SAML_NAME_QUALIFIER = "saml:namequalifier",
    SAML_SUB = "saml:sub",
    SAML_SUB_TYPE = "saml:sub_type",
);

/// The keys of role sessions of one origin (5.2): they belong to the session, not to a service's actions.
pub(crate) fn is_session_origin(id: u32) -> bool {
    (FEDERATED_PROVIDER..=IDENTITYSTORE_USER).contains(&id)
}

/// How the engine treats a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyClass {
    /// One of [`SPECIAL`], by its id.
    Special(u32),
    /// `aws:principaltag/…`.
    PrincipalTag,
    /// `aws:resourcetag/…`.
    ResourceTag,
    /// `aws:requesttag/…`.
    RequestTag,
    /// `ISSUER:claim` (R-5.17).
    Oidc,
    /// `saml:…` (R-5.18).
    Saml,
    /// Any other.
    Other,
}

/// What is declared of a key's cardinality (R-4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Nothing: the form in which the request gives it decides.
    Undeclared,
    /// At most one value.
    Single,
    /// A list.
    Multi,
}

/// What the name of a key says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFacts<'k> {
    /// Its class.
    pub class: KeyClass,
    /// Its cardinality.
    pub cardinality: Cardinality,
    /// For tag keys, the canonical tag key.
    pub tag: Option<&'k str>,
}

/// Classifies a canonical key.
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_runtime::keys::{KeyClass, facts};
/// let facts = facts("aws:requesttag/env", Catalogue::embedded());
/// assert_eq!((facts.class, facts.tag), (KeyClass::RequestTag, Some("env")));
/// ```
pub fn facts<'k>(canonical: &'k str, catalogue: &Catalogue) -> KeyFacts<'k> {
    let (class, tag) = class(canonical);
    KeyFacts { class, cardinality: cardinality(canonical, class, catalogue), tag }
}

/// The class of a canonical key and, for tag keys, the tag.
pub(crate) fn class(canonical: &str) -> (KeyClass, Option<&str>) {
    match SPECIAL.iter().position(|special| *special == canonical) {
        Some(id) => (KeyClass::Special(id as u32), None),
        None => class_unless_special(canonical),
    }
}

/// The same for a key that is none of the special ones, which every set has.
pub(crate) fn class_unless_special(canonical: &str) -> (KeyClass, Option<&str>) {
    const FAMILIES: [(&str, KeyClass); 3] = [
        ("aws:principaltag/", KeyClass::PrincipalTag),
        ("aws:resourcetag/", KeyClass::ResourceTag),
        ("aws:requesttag/", KeyClass::RequestTag),
    ];
    for (family, class) in FAMILIES {
        if let Some(tag) = canonical.strip_prefix(family) {
            return (class, Some(tag));
        }
    }
    let class = if canonical.starts_with("saml:") {
        KeyClass::Saml
    } else if oidc_ending(canonical).is_some() {
        KeyClass::Oidc
    } else {
        KeyClass::Other
    };
    (class, None)
}

/// What is declared of the cardinality of a canonical key of that class. Cost: that of [`Catalogue::key`].
pub(crate) fn cardinality(canonical: &str, class: KeyClass, catalogue: &Catalogue) -> Cardinality {
    if matches!(class, KeyClass::PrincipalTag | KeyClass::ResourceTag | KeyClass::RequestTag) {
        return Cardinality::Single;
    }
    match catalogue.key(canonical) {
        Some(facts) if facts.multi => Cardinality::Multi,
        Some(_) => Cardinality::Single,
        None => Cardinality::Undeclared,
    }
}

/// The claim of an OIDC key with its colon, `:sub`; `None` for a key of another kind. Issuers are host names, so there
/// is a dot in front of the first colon.
pub(crate) fn oidc_ending(canonical: &str) -> Option<&str> {
    let first = canonical.find(':')?;
    canonical[..first].contains('.').then(|| &canonical[canonical.rfind(':').unwrap_or(first)..])
}

/// True iff the state of a key of that class follows from the context alone, whoever calls and whatever is asked.
pub fn follows_from_context(class: KeyClass) -> bool {
    crate::batch::depends::of_derived(class) == 0
}

/// The class word of a row of `keys`: class in the low byte, cardinality in the next.
pub fn class_word(facts: &KeyFacts<'_>) -> u32 {
    let class = match facts.class {
        KeyClass::Special(_) => 0,
        KeyClass::PrincipalTag => 1,
        KeyClass::ResourceTag => 2,
        KeyClass::RequestTag => 3,
        KeyClass::Oidc => 4,
        KeyClass::Saml => 5,
        KeyClass::Other => 6,
    };
    let cardinality = match facts.cardinality {
        Cardinality::Undeclared => 0,
        Cardinality::Single => 1,
        Cardinality::Multi => 2,
    };
    class | cardinality << 8
}

/// Reads a class word of the key with this id; `None`: it is none.
pub fn read_class_word(id: u32, word: u32) -> Option<(KeyClass, Cardinality)> {
    let class = match word & 0xff {
        0 => KeyClass::Special(id),
        1 => KeyClass::PrincipalTag,
        2 => KeyClass::ResourceTag,
        3 => KeyClass::RequestTag,
        4 => KeyClass::Oidc,
        5 => KeyClass::Saml,
        6 => KeyClass::Other,
        _ => return None,
    };
    let cardinality = match word >> 8 {
        0 => Cardinality::Undeclared,
        1 => Cardinality::Single,
        2 => Cardinality::Multi,
        _ => return None,
    };
    Some((class, cardinality))
}

/// R-5.8: for a key whose prefix is a service of the catalogue, one bit for each action of that service, by position:
/// the tables list the key for the action or for one of its resource types. `None`: no such service.
pub fn listed_bits(canonical: &str, catalogue: &Catalogue) -> Option<Vec<u64>> {
    let service = canonical.split_once(':').and_then(|(prefix, _)| catalogue.service(prefix))?;
    let mut bits = vec![0u64; service.actions().len().div_ceil(64)];
    for (position, action) in service.actions().enumerate() {
        if action.lists_key(canonical) {
            bits[position / 64] |= 1 << (position % 64);
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positions() {
        assert_eq!(SPECIAL[PRINCIPAL_ARN as usize], "aws:principalarn");
        assert_eq!(SPECIAL[SAML_SUB_TYPE as usize], "saml:sub_type");
        assert_eq!(SAML_SUB_TYPE as usize + 1, SPECIAL.len());
        assert_eq!(SPECIAL[IDENTITYSTORE_USER as usize], "identitystore:userid");
        let sorted: std::collections::BTreeSet<&str> = SPECIAL.iter().copied().collect();
        assert_eq!(sorted.len(), SPECIAL.len());
    }

    #[test]
    fn classes_and_cardinalities() {
        let catalogue = Catalogue::embedded();
        for (key, class, cardinality) in [
            ("aws:sourceip", KeyClass::Special(SOURCE_IP), Cardinality::Single),
            ("aws:tagkeys", KeyClass::Special(TAG_KEYS), Cardinality::Multi),
            ("aws:principaltag/", KeyClass::PrincipalTag, Cardinality::Single),
            ("aws:resourcetag/a:b", KeyClass::ResourceTag, Cardinality::Single),
            ("token.actions.githubusercontent.com:aud", KeyClass::Oidc, Cardinality::Undeclared),
            ("cognito-identity.amazonaws.com:amr", KeyClass::Oidc, Cardinality::Multi),
            ("saml:sub", KeyClass::Special(SAML_SUB), Cardinality::Single),
            ("saml:edupersonorgdn", KeyClass::Saml, Cardinality::Single),
            ("s3:prefix", KeyClass::Other, Cardinality::Single),
            ("nobody:knows", KeyClass::Other, Cardinality::Undeclared),
        ] {
            let facts = facts(key, catalogue);
            assert_eq!((facts.class, facts.cardinality), (class, cardinality), "{key}");
            let id = if let KeyClass::Special(id) = class { id } else { 1000 };
            assert_eq!(read_class_word(id, class_word(&facts)), Some((class, cardinality)), "{key}");
        }
        assert_eq!(read_class_word(0, 7), None);
        assert_eq!(read_class_word(0, 3 << 8), None);
    }

    #[test]
    fn bits_say_what_the_catalogue_says() {
        let catalogue = Catalogue::embedded();
        let bits = listed_bits("s3:prefix", catalogue).unwrap();
        for (position, action) in catalogue.service("s3").unwrap().actions().enumerate() {
            assert_eq!(bits[position / 64] >> (position % 64) & 1 == 1, action.lists_key("s3:prefix"), "{action}");
        }
        assert!(bits.iter().any(|word| *word != 0));
        assert_eq!(listed_bits("nobody:knows", catalogue), None);
    }
}
