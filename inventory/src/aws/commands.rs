//! Which commands tell of resources, what they are asked, and where their outputs hold the answer.

/// A command that fetches one fact about one resource.
pub(crate) struct Command {
    pub(crate) service: &'static str,
    pub(crate) command: &'static str,
    /// The argument that names the resource.
    pub(crate) argument: &'static str,
    /// Where the output names its ARN; empty: nowhere.
    pub(crate) arn_path: &'static [&'static str],
    /// How its ARN is built from partition, Region, account and name where only a name is given; empty: not at all.
    pub(crate) template: &'static str,
    /// Where the output holds the fact.
    pub(crate) path: &'static [&'static str],
    /// Codes of the errors that mean that there is none.
    pub(crate) none: &'static [&'static str],
}

/// Commands that fetch a resource-based policy.
pub(crate) const POLICIES: &[Command] = &[
    BUCKET,
    Command {
        service: "kms",
        command: "get-key-policy",
        argument: "key-id",
        arn_path: &[],
        template: KEY,
        path: &["Policy"],
        none: &[],
    },
    Command {
        service: "sqs",
        command: "get-queue-attributes",
        argument: "queue-url",
        arn_path: &["Attributes", "QueueArn"],
        template: QUEUE,
        path: &["Attributes", "Policy"],
        none: &[],
    },
    Command {
        service: "sns",
        command: "get-topic-attributes",
        argument: "topic-arn",
        arn_path: &["Attributes", "TopicArn"],
        template: "",
        path: &["Attributes", "Policy"],
        none: &[],
    },
    Command {
        service: "secretsmanager",
        command: "get-resource-policy",
        argument: "secret-id",
        arn_path: &["ARN"],
        template: "",
        path: &["ResourcePolicy"],
        none: &[],
    },
    Command {
        service: "lambda",
        command: "get-policy",
        argument: "function-name",
        arn_path: &[],
        template: "arn:{partition}:lambda:{region}:{account}:function:{name}",
        path: &["Policy"],
        none: &["ResourceNotFoundException"],
    },
    Command {
        service: "ecr",
        command: "get-repository-policy",
        argument: "repository-name",
        arn_path: &[],
        template: "arn:{partition}:ecr:{region}:{account}:repository/{name}",
        path: &["policyText"],
        none: &["RepositoryPolicyNotFoundException"],
    },
    Command {
        service: "dynamodb",
        command: "get-resource-policy",
        argument: "resource-arn",
        arn_path: &[],
        template: "",
        path: &["Policy"],
        none: &["PolicyNotFoundException"],
    },
    Command {
        service: "kinesis",
        command: "get-resource-policy",
        argument: "resource-arn",
        arn_path: &[],
        template: "",
        path: &["Policy"],
        none: &["ResourceNotFoundException"],
    },
    Command {
        service: "events",
        command: "describe-event-bus",
        argument: "name",
        arn_path: &["Arn"],
        template: "arn:{partition}:events:{region}:{account}:event-bus/{name}",
        path: &["Policy"],
        none: &[],
    },
    Command {
        service: "backup",
        command: "get-backup-vault-access-policy",
        argument: "backup-vault-name",
        arn_path: &["BackupVaultArn"],
        template: "arn:{partition}:backup:{region}:{account}:backup-vault:{name}",
        path: &["Policy"],
        none: &["ResourceNotFoundException"],
    },
    Command {
        service: "efs",
        command: "describe-file-system-policy",
        argument: "file-system-id",
        arn_path: &[],
        template: "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{name}",
        path: &["Policy"],
        none: &["PolicyNotFound"],
    },
    Command {
        service: "opensearch",
        command: "describe-domain",
        argument: "domain-name",
        arn_path: &["DomainStatus", "ARN"],
        template: "arn:{partition}:es:{region}:{account}:domain/{name}",
        path: &["DomainStatus", "AccessPolicies"],
        none: &[],
    },
];

/// Commands that fetch all tags of a resource.
pub(crate) const TAGS: &[Command] = &[
    Command {
        service: "s3api",
        command: "get-bucket-tagging",
        argument: "bucket",
        arn_path: &[],
        template: "arn:{partition}:s3:::{name}",
        path: &["TagSet"],
        none: &["NoSuchTagSet"],
    },
    Command {
        service: "sqs",
        command: "list-queue-tags",
        argument: "queue-url",
        arn_path: &[],
        template: QUEUE,
        path: &["Tags"],
        none: &[],
    },
    Command {
        service: "sns",
        command: "list-tags-for-resource",
        argument: "resource-arn",
        arn_path: &[],
        template: "",
        path: &["Tags"],
        none: &[],
    },
    Command {
        service: "kms",
        command: "list-resource-tags",
        argument: "key-id",
        arn_path: &[],
        template: KEY,
        path: &["Tags"],
        none: &[],
    },
    Command {
        service: "lambda",
        command: "list-tags",
        argument: "resource",
        arn_path: &[],
        template: "",
        path: &["Tags"],
        none: &[],
    },
    Command {
        service: "secretsmanager",
        command: "describe-secret",
        argument: "secret-id",
        arn_path: &["ARN"],
        template: "",
        path: &["Tags"],
        none: &[],
    },
    Command {
        service: "ecr",
        command: "list-tags-for-resource",
        argument: "resource-arn",
        arn_path: &[],
        template: "",
        path: &["tags"],
        none: &[],
    },
    Command {
        service: "dynamodb",
        command: "list-tags-of-resource",
        argument: "resource-arn",
        arn_path: &[],
        template: "",
        path: &["Tags"],
        none: &[],
    },
];

pub(crate) const KEY: &str = "arn:{partition}:kms:{region}:{account}:key/{name}";
pub(crate) const QUEUE: &str = "arn:{partition}:sqs:{region}:{account}:{name}";

/// Commands with readers of their own.
const OTHERS: &[(&str, &str)] = &[
    ("s3api", "get-public-access-block"),
    ("s3api", "list-buckets"),
    ("s3control", "get-public-access-block"),
    ("kms", "list-grants"),
    ("kms", "describe-key"),
    ("ec2", "describe-vpc-endpoints"),
    ("iam", "list-open-id-connect-providers"),
    ("iam", "list-saml-providers"),
    ("resourcegroupstaggingapi", "get-resources"),
    ("sts", "get-caller-identity"),
];

/// `get-bucket-policy`; its way of naming a bucket is that of every command about buckets.
pub(crate) const BUCKET: Command = Command {
    service: "s3api",
    command: "get-bucket-policy",
    argument: "bucket",
    arn_path: &[],
    template: "arn:{partition}:s3:::{name}",
    path: &["Policy"],
    none: &["NoSuchBucketPolicy"],
};

/// `list-grants`, which names its key as the others do.
pub(crate) const GRANTS: Command = Command {
    service: "kms",
    command: "list-grants",
    argument: "key-id",
    arn_path: &[],
    template: KEY,
    path: &["Grants"],
    none: &[],
};

/// Services of the command line with the commands that are read here.
pub(crate) fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    POLICIES.iter().chain(TAGS).map(|row| (row.service, row.command)).chain(OTHERS.iter().copied())
}
