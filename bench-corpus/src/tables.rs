//! The measured distributions that the generator draws from; docs/corpus.md says how they were measured.
//!
//! Weights are percents unless a line says otherwise. A histogram is a list of (value, weight); its last value stands
//! for itself and all above, drawn from a Pareto tail.

use iamc_policy::PolicyKind;
use std::sync::OnceLock;

/// Rates of one policy kind, in percent of statements or of strings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub deny: f64,
    pub condition: f64,
    pub not_action: f64,
    pub not_resource: f64,
    pub not_principal: f64,
    pub sid: f64,
    /// Statements of a policy.
    pub statements: &'static [(usize, f64)],
    pub statements_max: usize,
    /// Actions of a statement.
    pub actions: &'static [(usize, f64)],
    pub actions_max: usize,
    /// Resources of a statement; empty: none (trust).
    pub resources: &'static [(usize, f64)],
    /// Exact, `svc:Verb*`, `svc:*`, `*`, other.
    pub action_classes: [f64; 5],
    /// What a document weighs at most, in bytes: the service's own quota.
    pub bytes_max: usize,
}

/// What the documents of AWS itself look like.
pub(crate) const MANAGED: Rates = Rates {
    deny: 0.9,
    condition: 43.9,
    not_action: 0.2,
    not_resource: 0.2,
    not_principal: 0.0,
    sid: 70.2,
    statements: &[
        (1, 35.5),
        (2, 14.1),
        (3, 9.3),
        (4, 7.6),
        (5, 6.9),
        (6, 3.4),
        (7, 4.0),
        (8, 2.7),
        (9, 2.2),
        (10, 1.7),
        (11, 1.4),
        (12, 1.3),
        (13, 1.0),
        (14, 0.7),
        (15, 0.8),
        (16, 0.7),
        (17, 0.8),
        (18, 0.3),
        (19, 0.5),
        (20, 0.4),
        (21, 4.6),
    ],
    statements_max: 120,
    actions: &[
        (1, 47.2),
        (2, 17.6),
        (3, 8.8),
        (4, 5.9),
        (5, 4.0),
        (6, 2.8),
        (7, 2.1),
        (8, 1.5),
        (9, 1.3),
        (10, 1.1),
        (15, 4.4),
        (35, 2.2),
        (60, 1.2),
    ],
    actions_max: 600,
    resources: &[(1, 87.8), (2, 6.5), (3, 2.4), (4, 1.2), (5, 0.6), (6, 0.4), (7, 1.0)],
    action_classes: [94.4, 4.5, 0.9, 0.0, 0.2],
    bytes_max: 160_000,
};

const IDENTITY: Rates = Rates {
    deny: 4.2,
    condition: 18.1,
    not_action: 0.6,
    not_resource: 0.4,
    not_principal: 0.0,
    sid: 29.8,
    statements: &[
        (1, 56.5),
        (2, 23.5),
        (3, 8.5),
        (4, 3.6),
        (5, 2.6),
        (6, 1.2),
        (7, 1.1),
        (8, 0.8),
        (9, 0.3),
        (10, 0.9),
        (15, 0.5),
        (19, 0.4),
        (21, 0.2),
    ],
    statements_max: 36,
    actions: &[
        (1, 46.0),
        (2, 16.7),
        (3, 10.7),
        (4, 7.4),
        (5, 4.6),
        (6, 3.1),
        (7, 2.2),
        (8, 1.3),
        (9, 0.8),
        (10, 1.1),
        (15, 3.2),
        (35, 2.1),
        (51, 0.7),
    ],
    actions_max: 264,
    resources: &[(1, 85.8), (2, 9.7), (3, 2.1), (4, 1.1), (5, 0.3), (6, 0.4), (7, 0.5)],
    action_classes: [90.0, 6.0, 3.0, 0.3, 0.7],
    bytes_max: 6_144,
};

const BOUNDARY: Rates = Rates {
    deny: 30.8,
    condition: 26.9,
    not_action: 7.7,
    sid: 53.8,
    statements: &[(1, 35.0), (2, 30.0), (3, 20.0), (4, 15.0)],
    statements_max: 4,
    actions: &[(1, 35.0), (4, 25.0), (7, 20.0), (20, 15.0), (100, 5.0)],
    actions_max: 166,
    ..IDENTITY
};

const RESOURCE: Rates = Rates {
    deny: 15.9,
    condition: 45.0,
    not_action: 1.3,
    not_resource: 0.9,
    not_principal: 1.2,
    sid: 63.9,
    statements: &[(1, 62.3), (2, 23.5), (3, 8.2), (4, 2.8), (5, 2.1), (6, 0.4), (7, 0.5), (8, 0.2)],
    statements_max: 8,
    actions: &[
        (1, 68.2),
        (2, 10.6),
        (3, 6.2),
        (4, 4.3),
        (5, 3.8),
        (6, 1.3),
        (7, 1.8),
        (8, 1.0),
        (9, 1.4),
        (13, 1.1),
        (23, 0.1),
    ],
    actions_max: 23,
    resources: &[(1, 85.9), (2, 13.1), (3, 0.7), (4, 0.3)],
    action_classes: [75.0, 14.1, 9.7, 1.2, 0.0],
    bytes_max: 8_192,
};

const TRUST: Rates = Rates {
    deny: 1.1,
    condition: 28.1,
    not_action: 0.0,
    not_resource: 0.0,
    not_principal: 0.0,
    sid: 23.5,
    statements: &[(1, 92.7), (2, 5.3), (3, 1.7), (4, 0.3)],
    statements_max: 4,
    actions: &[(1, 95.4), (2, 4.0), (3, 0.6)],
    actions_max: 3,
    resources: &[],
    action_classes: [100.0, 0.0, 0.0, 0.0, 0.0],
    bytes_max: 4_096,
};

const SCP: Rates = Rates {
    deny: 92.3,
    condition: 67.3,
    not_action: 17.6,
    not_resource: 0.0,
    not_principal: 0.0,
    sid: 79.8,
    statements: &[
        (1, 60.0),
        (2, 14.0),
        (3, 8.0),
        (4, 4.0),
        (5, 3.0),
        (6, 4.0),
        (7, 2.0),
        (9, 2.0),
        (11, 2.0),
        (14, 1.0),
    ],
    statements_max: 14,
    actions: &[
        (1, 40.2),
        (2, 9.8),
        (3, 4.5),
        (4, 4.8),
        (5, 2.7),
        (6, 5.1),
        (7, 2.4),
        (8, 1.5),
        (9, 1.5),
        (10, 2.7),
        (15, 8.0),
        (35, 4.5),
        (90, 12.5),
    ],
    actions_max: 198,
    resources: &[(1, 94.3), (2, 3.3), (3, 0.9), (4, 0.6), (5, 0.9)],
    action_classes: [19.8, 3.8, 76.0, 0.4, 0.0],
    bytes_max: 5_120,
};

const RCP: Rates = Rates {
    deny: 100.0,
    condition: 96.3,
    not_action: 0.0,
    not_resource: 1.9,
    not_principal: 0.0,
    sid: 61.1,
    statements: &[(1, 75.0), (2, 10.0), (3, 9.0), (4, 6.0)],
    statements_max: 8,
    actions: &[(1, 55.0), (4, 25.0), (5, 15.0), (9, 5.0)],
    actions_max: 17,
    resources: &[(1, 98.0), (2, 2.0)],
    action_classes: [51.1, 0.0, 48.9, 0.0, 0.0],
    bytes_max: 5_120,
};

const ENDPOINT: Rates = Rates {
    deny: 20.0,
    condition: 60.0,
    not_action: 0.0,
    not_resource: 0.0,
    not_principal: 0.0,
    sid: 70.9,
    statements: &[(1, 72.0), (2, 10.0), (3, 6.0), (4, 12.0)],
    statements_max: 4,
    actions: &[(1, 84.0), (2, 8.0), (4, 5.0), (5, 3.0)],
    actions_max: 5,
    resources: &[(1, 86.0), (2, 14.0)],
    action_classes: [56.6, 2.6, 9.2, 31.6, 0.0],
    bytes_max: 20_480,
};

/// The rates of a kind; those of customers, where AWS's own differ.
pub(crate) fn rates(kind: PolicyKind) -> &'static Rates {
    match kind {
        PolicyKind::Identity | PolicyKind::Session => &IDENTITY,
        PolicyKind::Boundary => &BOUNDARY,
        PolicyKind::Resource | PolicyKind::Key => &RESOURCE,
        PolicyKind::Trust => &TRUST,
        PolicyKind::Scp => &SCP,
        PolicyKind::Rcp => &RCP,
        PolicyKind::Endpoint => &ENDPOINT,
    }
}

/// One way to write a condition: weight, operator, key, values to choose from.
pub(crate) type ConditionRow = (f64, &'static str, &'static str, &'static [&'static str]);

/// Conditions of AWS's own documents.
pub(crate) const MANAGED_CONDITIONS: &[ConditionRow] = &[
    (8.0, "StringEquals", "aws:ResourceTag/ManagedBy", &["service", "pipeline", "studio", "backup"]),
    (4.0, "StringLike", "aws:ResourceTag/@{word}", &["*", "sample-*", "${aws:PrincipalTag/project}"]),
    (15.8, "StringEquals", "aws:ResourceAccount", &["${aws:PrincipalAccount}"]),
    (7.0, "StringEquals", "aws:RequestTag/ManagedBy", &["service", "pipeline", "studio", "backup"]),
    (3.0, "StringLike", "aws:RequestTag/@{word}", &["*", "sample-*"]),
    (
        5.6,
        "StringEquals",
        "iam:PassedToService",
        &["ec2.amazonaws.com", "lambda.amazonaws.com", "glue.amazonaws.com", "states.amazonaws.com"],
    ),
    (5.1, "ForAllValues:StringEquals", "aws:TagKeys", &["ManagedBy", "Owner", "Stage"]),
    (5.5, "ForAnyValue:StringEquals", "aws:CalledVia", &["cloudformation.amazonaws.com", "athena.amazonaws.com"]),
    (8.0, "StringEquals", "iam:AWSServiceName", &["autoscaling.amazonaws.com", "eks.amazonaws.com"]),
    (4.0, "StringLike", "kms:ViaService", &["s3.*.amazonaws.com", "secretsmanager.*.amazonaws.com"]),
    (2.6, "StringEquals", "ec2:ResourceTag/Owner", &["${aws:PrincipalTag/owner}", "${aws:userid}"]),
    (2.3, "StringLike", "kms:EncryptionContext:aws:s3:arn", &["arn:aws:s3:::sample-*"]),
    (2.2, "StringEquals", "ec2:CreateAction", &["RunInstances", "CreateVolume", "CreateSnapshot"]),
    (1.6, "StringNotEquals", "aws:RequestedRegion", &["us-gov-west-1"]),
    (1.5, "StringLike", "cloudwatch:namespace", &["AWS/*", "Sample/*"]),
    (1.2, "Bool", "aws:ViaAWSService", &["true"]),
    (1.0, "Bool", "kms:GrantIsForAWSResource", &["true"]),
    (2.7, "ArnLike", "iam:PolicyARN", &["arn:aws:iam::aws:policy/service-role/*"]),
    (0.8, "ArnEquals", "iam:AssociatedResourceArn", &["arn:aws:ec2:*:*:instance/*"]),
    (7.0, "Null", "aws:ResourceTag/ManagedBy", &["false"]),
    (2.5, "Null", "aws:RequestTag/@{word}", &["false", "true"]),
    (0.6, "StringEqualsIgnoreCase", "aws:ResourceTag/stage", &["beta", "prod"]),
];

/// Conditions of customers' statements, by kind.
pub(crate) fn conditions(kind: PolicyKind) -> &'static [ConditionRow] {
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => &[
            (18.0, "StringEquals", "aws:ResourceTag/@{word}", &["@{app}", "@{team}", "@{env}", "true"]),
            (13.0, "StringEquals", "aws:RequestTag/@{word}", &["@{app}", "@{team}", "@{env}"]),
            (5.2, "StringEquals", "ec2:CreateAction", &["RunInstances", "CreateVolume", "CreateSnapshot"]),
            (3.7, "StringEquals", "iam:PassedToService", &["ec2.amazonaws.com", "lambda.amazonaws.com"]),
            (3.6, "StringEquals", "kms:ViaService", &["s3.@{region}.amazonaws.com", "ebs.@{region}.amazonaws.com"]),
            (3.2, "StringLike", "s3:prefix", &["@{app}/*", "public/*", "${aws:username}/*"]),
            (10.0, "Null", "aws:ResourceTag/@{word}", &["false"]),
            (7.5, "Bool", "aws:MultiFactorAuthPresent", &["true"]),
            (1.7, "ForAnyValue:StringLike", "aws:TagKeys", &["app*", "team*"]),
            (1.5, "NotIpAddress", "aws:SourceIp", &["192.0.2.0/24"]),
            (1.0, "NumericLessThan", "aws:MultiFactorAuthAge", &["3600", "7200"]),
            (1.0, "DateLessThan", "aws:CurrentTime", &["2027-01-01T00:00:00Z", "2028-06-30T23:59:59Z"]),
            (2.4, "ArnEquals", "ecs:cluster", &["arn:aws:ecs:@{region}:@{account}:cluster/@{cluster}"]),
            (3.0, "StringLike", "ssm:resourceTag/@{word}", &["@{app}*", "@{team}"]),
        ],
        PolicyKind::Resource | PolicyKind::Key => &[
            (18.0, "ArnLike", "aws:SourceArn", &["arn:aws:events:@{region}:@{account}:rule/@{app}-*"]),
            (5.0, "ArnEquals", "aws:SourceArn", &["arn:aws:sns:@{region}:@{account}:@{topic}"]),
            (13.2, "Bool", "aws:SecureTransport", &["true"]),
            (9.7, "StringEquals", "aws:SourceAccount", &["@{account}", "@{other}"]),
            (5.3, "StringLike", "aws:PrincipalArn", &["arn:aws:iam::@{account}:role/@{app}-*"]),
            (5.1, "StringEquals", "aws:PrincipalOrgID", &["@{org}"]),
            (4.3, "IpAddress", "aws:SourceIp", &["@{cidr}"]),
            (3.5, "StringEquals", "aws:PrincipalAccount", &["@{account}", "@{other}"]),
            (1.8, "StringEquals", "aws:SourceVpce", &["@{vpce}"]),
            (1.1, "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", &["@{orgpath}*"]),
            (0.7, "DateGreaterThan", "aws:CurrentTime", &["2025-01-01T00:00:00Z"]),
        ],
        PolicyKind::Trust => &[
            (14.0, "ArnLike", "aws:SourceArn", &["arn:aws:states:@{region}:@{account}:stateMachine:@{app}-*"]),
            (11.0, "StringEquals", "aws:SourceAccount", &["@{account}"]),
            (8.0, "StringLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/@{app}-*"]),
            (5.0, "StringEquals", "aws:RequestTag/@{word}", &["@{team}"]),
        ],
        PolicyKind::Scp => &[
            (
                34.0,
                "ArnNotLike",
                "aws:PrincipalArn",
                &[
                    "arn:aws:iam::*:role/platform-*",
                    "arn:aws:iam::*:role/AWSControlTowerExecution",
                    "arn:aws:iam::*:role/security-audit",
                ],
            ),
            (12.0, "StringNotEquals", "aws:RequestedRegion", &["eu-west-1", "eu-central-1", "us-east-1", "us-west-2"]),
            (6.0, "StringEquals", "aws:PrincipalTag/tier", &["sandbox", "contractor"]),
            (5.0, "Bool", "ec2:Encrypted", &["false"]),
            (4.0, "Bool", "rds:StorageEncrypted", &["false"]),
            (2.0, "StringNotLike", "ec2:InstanceType", &["t3.*", "m6i.*"]),
            (2.6, "Null", "aws:RequestTag/cost-center", &["true"]),
        ],
        PolicyKind::Rcp => &[
            // Each spares what the organization does itself.
            (10.0, "StringNotEqualsIfExists", "aws:PrincipalOrgID", &["@{org}"]),
            (10.0, "Null", "aws:PrincipalOrgID", &["true"]),
            (5.0, "BoolIfExists", "aws:SecureTransport", &["false"]),
            (5.0, "StringNotEqualsIfExists", "aws:ResourceOrgID", &["@{org}"]),
            (2.0, "NumericLessThan", "s3:TlsVersion", &["1.2"]),
        ],
        PolicyKind::Endpoint => &[
            (5.0, "StringEquals", "aws:PrincipalOrgID", &["@{org}"]),
            (4.0, "StringEquals", "aws:ResourceAccount", &["@{account}", "@{other}"]),
            (2.0, "ArnLike", "aws:PrincipalArn", &["arn:aws:iam::@{account}:role/*"]),
        ],
    }
}

/// How the ARNs of a service's main resource type go on: service, whether it has a Region and an account, sixth
/// component with `N` for the name. The `N` of services with a slot of their own is that slot.
pub(crate) const RESOURCE_FORMS: &[(&str, bool, &str)] = &[
    ("s3", false, "@{bucket}/*"),
    ("sqs", true, "@{queue}"),
    ("sns", true, "@{topic}"),
    ("dynamodb", true, "table/@{table}"),
    ("lambda", true, "function:@{function}"),
    ("kms", true, "key/@{key}"),
    ("ecr", true, "repository/@{repository}"),
    ("secretsmanager", true, "secret:@{secret}-??????"),
    ("ssm", true, "parameter/@{app}/@{env}/*"),
    ("logs", true, "log-group:@{loggroup}:*"),
    ("ecs", true, "service/@{cluster}/@{app}"),
    ("ec2", true, "instance/i-@{hex17}"),
    ("rds", true, "db:@{app}-@{env}"),
    ("events", true, "rule/@{app}-schedule"),
    ("states", true, "stateMachine:@{app}-flow"),
    ("glue", true, "table/@{app}/events"),
    ("cloudformation", true, "stack/@{app}-@{env}/*"),
    ("elasticloadbalancing", true, "loadbalancer/app/@{app}/*"),
    ("codebuild", true, "project/@{app}-build"),
    ("kinesis", true, "stream/@{app}-events"),
];

/// Services and their actions; the one most used in policies first.
pub(crate) fn actions() -> &'static [(&'static str, Vec<&'static str>)] {
    static ACTIONS: OnceLock<Vec<(&str, Vec<&str>)>> = OnceLock::new();
    ACTIONS.get_or_init(|| {
        let lines = include_str!("../data/actions.txt").lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?, words.collect()))
            })
            .collect()
    })
}

/// Prefixes of services that nothing in the corpus needs, so that a guardrail may forbid them altogether.
pub(crate) fn dispensable_services() -> &'static [&'static str] {
    static SERVICES: OnceLock<Vec<&str>> = OnceLock::new();
    SERVICES.get_or_init(|| {
        let used = |service: &str| {
            actions().iter().any(|(name, _)| *name == service) || include_str!("../data/events.txt").contains(service)
        };
        let lines = include_str!("../data/services.txt").lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_whitespace).filter(|service| !used(service)).collect()
    })
}
