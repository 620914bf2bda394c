//! The closed lists of the table: what a row can say, each word with the rule of docs/reach.md that gives it meaning.
//!
//! A word that is not listed here is an error of the table. That is the point of it: whoever writes a row cannot say
//! something that no rule defines.

/// Makes an enum of words: the variants, all of them in order, their text, and the way back.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// Every word, in the order of docs/reach.md.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as the table writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }

            /// The word with this text; `None` if there is none.
            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The families of steps; each is a section of docs/reach.md.
    Family {
        /// A role or a root task is assumed (P-4.*).
        Assume = "assume",
        /// A role is assumed with an identity provider's token (P-5.*).
        Federation = "federation",
        /// A user's credentials are made or replaced (P-6.*).
        Credential = "credential",
        /// A policy or boundary of an identity is changed (P-7.*).
        PolicyEdit = "policy-edit",
        /// A role's trust policy is changed (P-8.*).
        TrustEdit = "trust-edit",
        /// A user joins or leaves a group (P-9.*).
        Group = "group",
        /// A role or user is made (P-10.*).
        NewIdentity = "new-identity",
        /// A role is passed to a service that then acts on the caller's behalf (P-11.*).
        PassRole = "pass-role",
        /// A resource that runs with a role is made to act on the caller's behalf (P-12.*).
        ExistingRole = "existing-role",
        /// A resource's policy is changed (P-13.*).
        ResourcePolicy = "resource-policy",
        /// An organization's guardrail is taken away (P-14.*).
        Guardrail = "guardrail",
    }
}

words! {
    /// What is different after a request or a step; section 3 of docs/reach.md.
    Effect {
        /// Sessions of the target role are controlled (P-3.2).
        Session = "session",
        /// The target user is controlled (P-3.3).
        User = "user",
        /// Sessions of the target account's root user under a task policy are controlled (P-3.4).
        RootTask = "root-task",
        /// Identities of the target provider are controlled (P-3.5).
        ProviderControlled = "provider-controlled",
        /// A role or user of the caller's making exists (P-3.6).
        IdentityCreated = "identity-created",
        /// The policy allows everything, wherever it is attached (P-3.10).
        PolicyOpened = "policy-opened",
        /// Another version of the policy is the default; its text is not known (P-3.11).
        PolicySwitched = "policy-switched",
        /// One more managed policy of the caller's choice is attached to the target (P-3.12).
        PolicyAttached = "policy-attached",
        /// The target has one more inline policy, which allows everything (P-3.13).
        InlineWritten = "inline-written",
        /// One policy of the caller's choice is no longer the target's (P-3.14).
        PolicyRemoved = "policy-removed",
        /// The target has no permissions boundary (P-3.15).
        BoundaryRemoved = "boundary-removed",
        /// The target's permissions boundary is one of the caller's choice (P-3.16).
        BoundarySet = "boundary-set",
        /// The user is in one more group (P-3.17).
        GroupJoined = "group-joined",
        /// The user is in one group less (P-3.18).
        GroupLeft = "group-left",
        /// The role's trust policy admits whatever is controlled (P-3.19).
        TrustOpened = "trust-opened",
        /// The resource's policy is one that admits whatever is controlled (P-3.20).
        ResourceRewritten = "resource-rewritten",
        /// The resource's policy admits whatever is controlled too; its denies stay (P-3.21).
        ResourceGranted = "resource-granted",
        /// The guardrail is no longer attached to one root, unit or account (P-3.22).
        GuardrailDetached = "guardrail-detached",
        /// The user can show a second factor (P-3.23).
        MfaEnabled = "mfa-enabled",
    }
}

words! {
    /// Who makes the requests of a row (P-2.3).
    Caller {
        /// Any controlled identity; a row that names no caller means this.
        Identity = "identity",
        /// A controlled identity of the provider that the target role trusts.
        Provider = "provider",
    }
}

words! {
    /// Which resource a unit of a request is about (P-2.5).
    Which {
        /// The target of the step.
        Target = "target",
        /// A policy attached to the target, or its boundary.
        Attached = "attached",
        /// A resource that the step makes; its name is the caller's choice.
        New = "new",
        /// A resource of the caller's choice, existing or not.
        Any = "any",
    }
}

words! {
    /// Which role is passed (P-11.3).
    PassedRole {
        /// The target.
        Target = "target",
        /// Any role of the account that can be passed; it gains nothing.
        Other = "other",
    }
}

words! {
    /// To what a condition key is bound (P-2.8).
    Bound {
        /// The ARN of the managed policy that is attached.
        ChosenPolicy = "chosen-policy",
        /// The ARN of the managed policy that is detached.
        RemovedPolicy = "removed-policy",
        /// The ARN of the boundary that is set.
        ChosenBoundary = "chosen-boundary",
        /// The ARN of the target's boundary; absent where it has none.
        TargetBoundary = "target-boundary",
        /// The ARN of the target role.
        TargetRole = "target-role",
        /// The ARN of an instance profile that holds the target role.
        InstanceProfile = "instance-profile",
        /// The ARN of one of the task policies for root sessions.
        TaskPolicy = "task-policy",
        /// `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`, as the target is.
        PolicyType = "policy-type",
    }
}

/// How a need is judged (P-1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeedClass {
    /// The inventory says whether it is met.
    Known,
    /// A quota: taken as met unless the question says otherwise, and shown.
    Room,
    /// A state of the world that no inventory holds: the step is possible, not definite, unless the question says so.
    State,
}

words! {
    /// What a step needs beside decisions (P-1.9).
    Need {
        /// The target role is in an instance profile of its account.
        InstanceProfile = "instance-profile",
        /// The target instance profile holds no role.
        ProfileEmpty = "profile-empty",
        /// The user has fewer than two access keys.
        AccessKeySlot = "access-key-slot",
        /// The policy has fewer than five versions.
        VersionSlot = "version-slot",
        /// The user has no console password.
        LoginProfileAbsent = "login-profile-absent",
        /// The user has a console password.
        LoginProfilePresent = "login-profile-present",
        /// The secret of an inactive access key is at hand.
        InactiveKeyKnown = "inactive-key-known",
        /// AWS checks the provider's certificate by the stored thumbprint.
        ProviderUnvalidated = "provider-unvalidated",
        /// The attacker runs code on the resource, or on what uses it.
        CodeOnResource = "code-on-resource",
        /// Somebody else, or a schedule, runs what was changed.
        RunByOthers = "run-by-others",
        /// The resource can be reached: network, agent, key exchange.
        Reachable = "reachable",
        /// The operating system has a password that is at hand.
        ConsolePassword = "console-password",
        /// A session of somebody is open.
        SessionOpen = "session-open",
        /// There is a queue, stream or table that the role can read and the attacker can fill.
        EventSource = "event-source",
        /// The function accepts code that nobody signed.
        SigningOff = "signing-off",
        /// An agent that the attacker can call uses the function.
        AgentUsesFunction = "agent-uses-function",
        /// A role in the account to be changed trusts the target role.
        RoleInTrustingAccount = "role-in-trusting-account",
        /// The cluster has container instances.
        ContainerInstance = "container-instance",
        /// Commands in the task are switched on, and the task runs.
        ExecEnabled = "exec-enabled",
        /// The service's own role exists, or may be created.
        ServiceRolePresent = "service-role-present",
        /// The attacker can get an identity of the pool.
        IdentityInPool = "identity-in-pool",
        /// The service, closed to new customers, is open to the account.
        OpenToAccount = "open-to-account",
        /// Tags of the repository can be moved.
        TagsMutable = "tags-mutable",
        /// The organization lets its management account act as the root users of member accounts.
        RootManagement = "root-management",
    }
}

impl Need {
    /// How it is judged (P-1.9).
    pub fn class(self) -> NeedClass {
        match self {
            Need::InstanceProfile | Need::ProfileEmpty => NeedClass::Known,
            Need::AccessKeySlot | Need::VersionSlot => NeedClass::Room,
            _ => NeedClass::State,
        }
    }
}

words! {
    /// Why a way is listed and not modelled (P-17.3).
    Reason {
        /// Permission sets and their assignments are no part of an inventory.
        IdentityCenter = "identity-center",
        /// The credential works for one service alone, and how it maps to requests is not stated.
        ServiceCredential = "service-credential",
        /// It matters only beside a password or key that is already held.
        SecondFactor = "second-factor",
        /// AWS has closed the service.
        ServiceClosed = "service-closed",
        /// What a cluster's own authorization lets run is no part of an inventory.
        Kubernetes = "kubernetes",
        /// Whether a stored text is a credential, and whose, is no part of an inventory.
        StoredCredential = "stored-credential",
        /// The service uses the role for few calls of its own choice, or under a session policy that is not stated.
        LimitedUse = "limited-use",
    }
}
