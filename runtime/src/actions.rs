//! What the rules ask of an action by its name, as one word of flags: looked up for actions with an id, worked out for
//! all others.

use iamc_catalogue::{ActionFacts, lists};

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal),* $(,)?) => {
        /// What rules and lists say of one action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct ActionFlags(u32);

        impl ActionFlags {
            $($(#[$doc])* pub const $name: ActionFlags = ActionFlags(1 << $bit);)*
        }
    };
}

flags!(
    /// The catalogue knows it.
    KNOWN = 0,
    /// It has no resource type (R-2.20).
    WILDCARD_ONLY = 1,
    /// `*` is accepted as its resource (R-9.6, R-9.12).
    STAR_ACCEPTED = 2,
    /// RCPs govern it, as far as the action says (R-6.25).
    RCP_GOVERNED = 3,
    /// Stands for `arn:P:s3:::*` (R-2.21).
    PSEUDO_ARN_S3 = 4,
    /// Stands for `arn:P:dynamodb:REGION:ACCOUNT:*` (R-2.21).
    PSEUDO_ARN_DYNAMODB = 5,
    /// `aws:ResourceAccount` and its like are absent (R-5.9).
    NO_RESOURCE_ACCOUNT = 6,
    /// `events:PutEvents` (R-5.9).
    PUT_EVENTS = 7,
    /// Without effect for callers of another account (R-6.74).
    NO_CROSS_ACCOUNT = 8,
    /// A deny in the resource policy does not stop the owner's root user (R-6.48).
    ROOT_ESCAPES = 9,
    /// Decided by the role's trust policy (R-6.44).
    TRUST = 10,
    /// `sts:AssumeRole` with any ending.
    ASSUME_ROLE_ANY = 11,
    /// `sts:AssumeRole` itself.
    ASSUME_ROLE = 12,
    /// `sts:AssumeRoot`.
    ASSUME_ROOT = 13,
    /// `sts:GetFederationToken`.
    GET_FEDERATION_TOKEN = 14,
    /// `sts:GetSessionToken`.
    GET_SESSION_TOKEN = 15,
    /// `sts:GetCallerIdentity`.
    GET_CALLER_IDENTITY = 16,
    /// An action of STS.
    STS = 17,
    /// An action of IAM.
    IAM = 18,
    /// An action of KMS.
    KMS = 19,
    /// An action of S3.
    S3 = 20,
    /// A KMS operation that is effective across accounts (R-6.62).
    KMS_CROSS_ACCOUNT = 21,
    /// A KMS operation that a grant can cover (R-6.63), `kms:RetireGrant` excepted.
    KMS_GRANT_OPERATION = 22,
    /// `kms:RetireGrant` (R-6.73).
    RETIRE_GRANT = 23,
    /// `kms:CreateAlias`, `UpdateAlias` or `DeleteAlias` (R-6.64).
    ALIAS_CHANGE = 24,
    /// Its service accepts anonymous calls (R-6.75).
    ANONYMOUS = 25,
    /// It changes a managed policy (R-6.72).
    POLICY_CHANGE = 26,
    /// It changes a role (R-6.72).
    ROLE_CHANGE = 27,
    /// Its requests carry `aws:SourceVpcArn` (C.2).
    SOURCE_VPC_ARN = 28,
    /// Its requests carry `aws:VpceAccount` and `aws:VpceOrgPaths` (C.3).
    VPCE_ACCOUNT = 29,
    /// Its requests carry `aws:VpceOrgID` (C.3).
    VPCE_ORG_ID = 30,
);

impl ActionFlags {
    /// Every flag together.
    pub const ALL: u32 = (1 << 31) - 1;

    /// The flags of a word of `action_flags`.
    pub fn from_bits(bits: u32) -> ActionFlags {
        ActionFlags(bits & Self::ALL)
    }

    /// The word.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// True iff every flag of `other` is set.
    pub fn has(self, other: ActionFlags) -> bool {
        self.0 & other.0 == other.0
    }

    fn set(&mut self, flag: ActionFlags, on: bool) {
        if on {
            self.0 |= flag.0;
        }
    }

    /// The flags of an action, known (`facts`) or not. Service and name compare without regard to ASCII case.
    ///
    /// Cost: O(entries of the lists); used once an action by the compiler, and for unknown actions at run time.
    ///
    /// ```
    /// use iamc_catalogue::Catalogue;
    /// use iamc_runtime::actions::ActionFlags;
    /// let facts = Catalogue::embedded().action("s3", "ListAllMyBuckets");
    /// let flags = ActionFlags::of("s3", "ListAllMyBuckets", facts);
    /// assert!(flags.has(ActionFlags::WILDCARD_ONLY) && flags.has(ActionFlags::PSEUDO_ARN_S3));
    /// ```
    pub fn of(service: &str, name: &str, facts: Option<ActionFacts<'_>>) -> ActionFlags {
        let service_is = |other: &str| service.eq_ignore_ascii_case(other);
        // `service:name` against an entry of a list. Lengths first: a catalogue has twenty thousand actions.
        let is = |entry: &str| {
            entry.len() == service.len() + 1 + name.len()
                && entry
                    .split_once(':')
                    .is_some_and(|(listed, action)| service_is(listed) && action.eq_ignore_ascii_case(name))
        };
        let in_list = |list: &[&str]| list.iter().any(|entry| is(entry));
        let named = |list: &[&str]| list.iter().any(|entry| entry.eq_ignore_ascii_case(name));
        let of_service = |list: &[&str]| list.iter().any(|entry| service_is(entry));

        let wildcard_only = facts.is_some_and(|facts| facts.is_wildcard_only());
        let retires_grant = is("kms:retiregrant");
        let rcp_service = lists::RCP_SERVICES.iter().any(|entry| service_is(entry.prefix));
        let source_vpc = of_service(lists::SOURCE_VPC_ARN_SERVICES);
        let vpce_account = source_vpc || of_service(lists::VPCE_ACCOUNT_MORE);
        let assume_role_any = service_is("sts")
            && name.get(.."assumerole".len()).is_some_and(|head| head.eq_ignore_ascii_case("assumerole"));
        let no_account = lists::NO_RESOURCE_ACCOUNT.iter().any(|entry| match entry.strip_suffix(":*") {
            Some(whole) => service_is(whole),
            None => is(entry),
        });

        let mut flags = ActionFlags(0);
        flags.set(Self::KNOWN, facts.is_some());
        flags.set(Self::WILDCARD_ONLY, wildcard_only);
        flags.set(Self::STAR_ACCEPTED, facts.is_none_or(|facts| !facts.resource_types().any(|(_, required)| required)));
        flags.set(Self::RCP_GOVERNED, rcp_service && !wildcard_only && !retires_grant);
        flags.set(Self::PSEUDO_ARN_S3, in_list(lists::PSEUDO_ARN_S3));
        flags.set(Self::PSEUDO_ARN_DYNAMODB, in_list(lists::PSEUDO_ARN_DYNAMODB));
        flags.set(Self::NO_RESOURCE_ACCOUNT, no_account);
        flags.set(Self::PUT_EVENTS, is("events:putevents"));
        flags.set(Self::NO_CROSS_ACCOUNT, in_list(lists::NO_CROSS_ACCOUNT));
        flags.set(Self::ROOT_ESCAPES, in_list(lists::ROOT_ESCAPES_RESOURCE_DENY));
        flags.set(Self::TRUST, in_list(lists::TRUST_POLICY_ACTIONS));
        flags.set(Self::ASSUME_ROLE_ANY, assume_role_any);
        flags.set(Self::ASSUME_ROLE, is("sts:assumerole"));
        flags.set(Self::ASSUME_ROOT, is("sts:assumeroot"));
        flags.set(Self::GET_FEDERATION_TOKEN, is("sts:getfederationtoken"));
        flags.set(Self::GET_SESSION_TOKEN, is("sts:getsessiontoken"));
        flags.set(Self::GET_CALLER_IDENTITY, is("sts:getcalleridentity"));
        flags.set(Self::STS, service_is("sts"));
        flags.set(Self::IAM, service_is("iam"));
        flags.set(Self::KMS, service_is("kms"));
        flags.set(Self::S3, service_is("s3"));
        flags.set(Self::KMS_CROSS_ACCOUNT, service_is("kms") && named(lists::KMS_CROSS_ACCOUNT));
        flags.set(Self::KMS_GRANT_OPERATION, service_is("kms") && !retires_grant && named(lists::KMS_GRANT_OPERATIONS));
        flags.set(Self::RETIRE_GRANT, retires_grant);
        flags.set(Self::ALIAS_CHANGE, ["kms:createalias", "kms:updatealias", "kms:deletealias"].into_iter().any(is));
        flags.set(Self::ANONYMOUS, of_service(lists::ANONYMOUS_SERVICES));
        flags.set(Self::POLICY_CHANGE, in_list(lists::POLICY_CHANGES));
        flags.set(Self::ROLE_CHANGE, in_list(lists::ROLE_CHANGES));
        flags.set(Self::SOURCE_VPC_ARN, source_vpc && !is("iam:passrole"));
        flags.set(Self::VPCE_ACCOUNT, vpce_account);
        flags.set(Self::VPCE_ORG_ID, vpce_account || of_service(lists::VPCE_ORG_ID_MORE));
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_catalogue::Catalogue;

    fn flags(action: &str) -> ActionFlags {
        let (service, name) = action.split_once(':').unwrap();
        ActionFlags::of(service, name, Catalogue::embedded().action(service, name))
    }

    #[test]
    fn lists_and_tables() {
        for (action, on, off) in [
            ("sqs:SendMessage", ActionFlags::RCP_GOVERNED, ActionFlags::STAR_ACCEPTED),
            ("ec2:DescribeInstances", ActionFlags::WILDCARD_ONLY, ActionFlags::RCP_GOVERNED),
            ("kms:RetireGrant", ActionFlags::RETIRE_GRANT, ActionFlags::RCP_GOVERNED),
            ("kms:RETIREGRANT", ActionFlags::RETIRE_GRANT, ActionFlags::KMS_GRANT_OPERATION),
            ("ebs:Nothing", ActionFlags::NO_RESOURCE_ACCOUNT, ActionFlags::KNOWN),
            ("ec2:acceptVpcPeeringConnection", ActionFlags::NO_RESOURCE_ACCOUNT, ActionFlags::PUT_EVENTS),
            ("sts:AssumeRoleWithSAML", ActionFlags::TRUST, ActionFlags::ASSUME_ROLE),
            ("sts:AssumeRoleOnTuesdays", ActionFlags::ASSUME_ROLE_ANY, ActionFlags::TRUST),
            ("sts:AssumeRoot", ActionFlags::ASSUME_ROOT, ActionFlags::ASSUME_ROLE_ANY),
            ("sts:TagSession", ActionFlags::TRUST, ActionFlags::ASSUME_ROLE_ANY),
            ("nobody:Knows", ActionFlags::STAR_ACCEPTED, ActionFlags::KNOWN),
            ("iam:PassRole", ActionFlags::VPCE_ACCOUNT, ActionFlags::SOURCE_VPC_ARN),
            ("sqs:SendMessage", ActionFlags::VPCE_ORG_ID, ActionFlags::VPCE_ACCOUNT),
            ("dynamodb:DescribeReservedCapacity", ActionFlags::PSEUDO_ARN_DYNAMODB, ActionFlags::PSEUDO_ARN_S3),
        ] {
            assert!(flags(action).has(on), "{action}");
            assert!(!flags(action).has(off), "{action}");
        }
    }

    #[test]
    fn an_unknown_action_has_one_resource_type() {
        // R-9.12: RCPs apply if the prefix is listed.
        assert!(flags("s3:Invented").has(ActionFlags::RCP_GOVERNED));
        assert!(!flags("s3:Invented").has(ActionFlags::WILDCARD_ONLY));
    }
}
