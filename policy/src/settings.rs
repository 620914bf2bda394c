//! The switches of appendix B, with our choice as the default.

use crate::json::shown;

macro_rules! switch {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name { #[default] $($(#[$vdoc])* $variant),* }

        impl $name {
            /// The values as they are written in a decision case, the default first.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            fn read(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }

            fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }
    };
}

switch! {
    /// R-4.9: a plain operator on a multi-valued key.
    MultiPlain {
        /// One value is compared; several are false.
        One = "one",
        /// Always false.
        False = "false",
        /// Behaves as `ForAnyValue:`.
        Any = "any",
        /// Several values: negated operators are true.
        NegatedTrue = "negated_true",
    }
}

switch! {
    /// R-4.6, R-4.7: a malformed value under a negated operator.
    MalformedNegated {
        /// False.
        False = "false",
        /// True.
        True = "true",
    }
}

switch! {
    /// R-4.15: whether empty strings count as null.
    EmptyIsNull {
        /// For multi-valued keys only.
        Multi = "multi",
        /// For every key.
        Every = "every",
        /// For none.
        None = "none",
    }
}

switch! {
    /// R-3.9: an empty string as a variable's value.
    EmptyVariable {
        /// It takes the default, or is null.
        Null = "null",
        /// It is substituted as it is.
        Text = "text",
    }
}

switch! {
    /// R-3.10: `NotResource` with a null variable.
    NullNotResource {
        /// The entry excludes nothing.
        True = "true",
        /// The statement is skipped.
        Skip = "skip",
    }
}

switch! {
    /// R-3.12: wildcards inside substituted values.
    SubstitutedWildcards {
        /// They are ordinary characters.
        Literal = "literal",
        /// They are wildcards.
        Pattern = "pattern",
    }
}

switch! {
    /// R-2.16: patterns of fewer than six segments.
    PartialArn {
        /// The table of R-2.16.
        Table = "table",
        /// Such a pattern matches nothing.
        Reject = "reject",
    }
}

switch! {
    /// R-2.15: case in the first five components of ARNs.
    ArnCase {
        /// It matters.
        Sensitive = "sensitive",
        /// It does not matter.
        Insensitive = "insensitive",
    }
}

switch! {
    /// R-6.41: a plain `*` grant in a resource policy of the same account.
    StarGrant {
        /// It escapes boundary and session policy.
        Unlimited = "unlimited",
        /// Only with a condition on `aws:PrincipalArn`.
        PrincipalArn = "principal_arn",
    }
}

switch! {
    /// R-6.56: who is exempt from `Deny` with `NotPrincipal`.
    NotPrincipalChain {
        /// Every element of the chain must be listed.
        Strict = "strict",
        /// One listed element is enough.
        Lenient = "lenient",
    }
}

switch! {
    /// R-6.30: RCPs of an owner outside the snapshot.
    ForeignRcp {
        /// Assumed to be full access, with a warning.
        Permissive = "permissive",
        /// Unknown.
        Unknown = "unknown",
    }
}

/// All switches together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// 1.*: strict mode for policy documents.
    pub strict: bool,
    /// R-6.63: a cross-account KMS grant needs an identity policy too.
    pub kms_grant_identity: bool,
    /// R-6.20: SCPs touch callers of `AssumeRoleWithSAML` and `…WithWebIdentity`.
    pub scp_fedidp: bool,
    /// R-6.72: AWS managed policies and reserved roles cannot be changed.
    pub reserved_gates: bool,
    /// R-4.9: a plain operator on a multi-valued key.
    pub multi_plain: MultiPlain,
    /// R-4.6, R-4.7: a malformed value under a negated operator.
    pub malformed_negated: MalformedNegated,
    /// R-4.15: whether empty strings count as null.
    pub empty_is_null: EmptyIsNull,
    /// R-3.9: an empty string as a variable's value.
    pub empty_variable: EmptyVariable,
    /// R-3.10: `NotResource` with a null variable.
    pub null_notresource: NullNotResource,
    /// R-3.12: wildcards inside substituted values.
    pub substituted_wildcards: SubstitutedWildcards,
    /// R-2.16: patterns of fewer than six segments.
    pub partial_arn: PartialArn,
    /// R-2.15: case in the first five components of ARNs.
    pub arn_case: ArnCase,
    /// R-6.41: a plain `*` grant in a resource policy of the same account.
    pub star_grant: StarGrant,
    /// R-6.56: who is exempt from `Deny` with `NotPrincipal`.
    pub notprincipal: NotPrincipalChain,
    /// R-6.30: RCPs of an owner outside the snapshot.
    pub foreign_rcp: ForeignRcp,
}

/// A switch or a value that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such switch.
    #[error("there is no setting `{}`; the settings are {all}", shown(.0), all = Settings::NAMES.join(", "))]
    Name(String),
    /// The switch has no such value.
    #[error("the setting `{name}` has no value `{}`; write one of {expected}", shown(.value))]
    Value {
        /// The switch.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it takes.
        expected: String,
    },
}

impl Settings {
    /// Names of the switches, as in a decision case.
    pub const NAMES: &'static [&'static str] = &[
        "strict",
        "kms_grant_identity",
        "scp_fedidp",
        "reserved_gates",
        "multi_plain",
        "malformed_negated",
        "empty_is_null",
        "empty_variable",
        "null_notresource",
        "substituted_wildcards",
        "partial_arn",
        "arn_case",
        "star_grant",
        "notprincipal",
        "foreign_rcp",
    ];

    /// Sets one switch from text, as `--set NAME=VALUE` and decision cases do.
    ///
    /// ```
    /// use iamc_policy::Settings;
    /// let mut settings = Settings::default();
    /// settings.set("notprincipal", "lenient").unwrap();
    /// assert!(settings.set("notprincipal", "maybe").is_err());
    /// ```
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingsError> {
        fn boolean(name: &'static str, value: &str) -> Result<bool, SettingsError> {
            value.parse().map_err(|_| SettingsError::Value {
                name,
                value: value.to_owned(),
                expected: "false, true".into(),
            })
        }
        fn one_of<T>(
            name: &'static str,
            value: &str,
            read: fn(&str) -> Option<T>,
            all: &[&str],
        ) -> Result<T, SettingsError> {
            read(value).ok_or_else(|| SettingsError::Value { name, value: value.to_owned(), expected: all.join(", ") })
        }
        match name {
            "strict" => self.strict = boolean("strict", value)?,
            "kms_grant_identity" => self.kms_grant_identity = boolean("kms_grant_identity", value)?,
            "scp_fedidp" => self.scp_fedidp = boolean("scp_fedidp", value)?,
            "reserved_gates" => self.reserved_gates = boolean("reserved_gates", value)?,
            "multi_plain" => self.multi_plain = one_of("multi_plain", value, MultiPlain::read, MultiPlain::NAMES)?,
            "malformed_negated" => {
                self.malformed_negated =
                    one_of("malformed_negated", value, MalformedNegated::read, MalformedNegated::NAMES)?
            }
            "empty_is_null" => {
                self.empty_is_null = one_of("empty_is_null", value, EmptyIsNull::read, EmptyIsNull::NAMES)?
            }
            "empty_variable" => {
                self.empty_variable = one_of("empty_variable", value, EmptyVariable::read, EmptyVariable::NAMES)?
            }
            "null_notresource" => {
                self.null_notresource =
                    one_of("null_notresource", value, NullNotResource::read, NullNotResource::NAMES)?
            }
            "substituted_wildcards" => {
                self.substituted_wildcards =
                    one_of("substituted_wildcards", value, SubstitutedWildcards::read, SubstitutedWildcards::NAMES)?
            }
            "partial_arn" => self.partial_arn = one_of("partial_arn", value, PartialArn::read, PartialArn::NAMES)?,
            "arn_case" => self.arn_case = one_of("arn_case", value, ArnCase::read, ArnCase::NAMES)?,
            "star_grant" => self.star_grant = one_of("star_grant", value, StarGrant::read, StarGrant::NAMES)?,
            "notprincipal" => {
                self.notprincipal = one_of("notprincipal", value, NotPrincipalChain::read, NotPrincipalChain::NAMES)?
            }
            "foreign_rcp" => self.foreign_rcp = one_of("foreign_rcp", value, ForeignRcp::read, ForeignRcp::NAMES)?,
            _ => return Err(SettingsError::Name(name.to_owned())),
        }
        Ok(())
    }

    /// Every switch with its value as text, in the order of [`Settings::NAMES`].
    pub fn entries(&self) -> Vec<(&'static str, &'static str)> {
        let boolean = |b: bool| if b { "true" } else { "false" };
        vec![
            ("strict", boolean(self.strict)),
            ("kms_grant_identity", boolean(self.kms_grant_identity)),
            ("scp_fedidp", boolean(self.scp_fedidp)),
            ("reserved_gates", boolean(self.reserved_gates)),
            ("multi_plain", self.multi_plain.name()),
            ("malformed_negated", self.malformed_negated.name()),
            ("empty_is_null", self.empty_is_null.name()),
            ("empty_variable", self.empty_variable.name()),
            ("null_notresource", self.null_notresource.name()),
            ("substituted_wildcards", self.substituted_wildcards.name()),
            ("partial_arn", self.partial_arn.name()),
            ("arn_case", self.arn_case.name()),
            ("star_grant", self.star_grant.name()),
            ("notprincipal", self.notprincipal.name()),
            ("foreign_rcp", self.foreign_rcp.name()),
        ]
    }
}
