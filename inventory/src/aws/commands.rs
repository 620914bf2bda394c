//! Which commands tell of resources, what they are asked, and where their outputs hold the answer.

/// A command that fetches one fact about one resource.
pub(crate) struct Command {
    pub(crate) service: &'static str,
    pub(crate) command: &'static str,
    /// The argument that names the resource.
    pub(crate) argument: &'static str,
    /// The argument that names a part of it, which follows a colon in its ARN; empty: there is none.
    pub(crate) qualifier: &'static str,
    /// Where the output names its ARN; empty: nowhere.
    pub(crate) arn_path: &'static [&'static str],
    /// How its ARN is built from partition, Region, account and name where only a name is given; empty: not at all.
    pub(crate) template: &'static str,
    /// Where the output holds the fact.
    pub(crate) path: &'static [&'static str],
    /// Codes of the errors that mean that there is none.
    pub(crate) none: &'static [&'static str],
}

type Path = &'static [&'static str];

/// A command that takes the ARN of the resource.
const fn by_arn(
    service: &'static str,
    command: &'static str,
    argument: &'static str,
    path: Path,
    none: Path,
) -> Command {
    Command { service, command, argument, qualifier: "", arn_path: &[], template: "", path, none }
}

/// A command that takes a name from which the ARN is built.
const fn by_name(
    service: &'static str,
    command: &'static str,
    argument: &'static str,
    template: &'static str,
    path: Path,
    none: Path,
) -> Command {
    Command { service, command, argument, qualifier: "", arn_path: &[], template, path, none }
}

/// A command whose output names the ARN.
const fn telling(row: Command, arn_path: Path) -> Command {
    Command { arn_path, ..row }
}

const NOT_FOUND: Path = &["ResourceNotFoundException"];

/// Commands that fetch a resource-based policy.
pub(crate) const POLICIES: &[Command] = &[
    BUCKET,
    by_name("kms", "get-key-policy", "key-id", KEY, &["Policy"], &[]),
    telling(
        by_name("sqs", "get-queue-attributes", "queue-url", QUEUE, &["Attributes", "Policy"], &[]),
        &["Attributes", "QueueArn"],
    ),
    telling(
        by_arn("sns", "get-topic-attributes", "topic-arn", &["Attributes", "Policy"], &[]),
        &["Attributes", "TopicArn"],
    ),
    telling(by_arn("secretsmanager", "get-resource-policy", "secret-id", &["ResourcePolicy"], &[]), &["ARN"]),
    Command {
        qualifier: "qualifier",
        ..by_name("lambda", "get-policy", "function-name", FUNCTION, &["Policy"], NOT_FOUND)
    },
    Command {
        qualifier: "version-number",
        ..by_name("lambda", "get-layer-version-policy", "layer-name", LAYER, &["Policy"], NOT_FOUND)
    },
    by_name(
        "ecr",
        "get-repository-policy",
        "repository-name",
        "arn:{partition}:ecr:{region}:{account}:repository/{name}",
        &["policyText"],
        &["RepositoryPolicyNotFoundException"],
    ),
    by_arn("dynamodb", "get-resource-policy", "resource-arn", &["Policy"], &["PolicyNotFoundException"]),
    by_arn("kinesis", "get-resource-policy", "resource-arn", &["Policy"], NOT_FOUND),
    telling(
        by_name(
            "events",
            "describe-event-bus",
            "name",
            "arn:{partition}:events:{region}:{account}:event-bus/{name}",
            &["Policy"],
            &[],
        ),
        &["Arn"],
    ),
    telling(
        by_name(
            "backup",
            "get-backup-vault-access-policy",
            "backup-vault-name",
            "arn:{partition}:backup:{region}:{account}:backup-vault:{name}",
            &["Policy"],
            NOT_FOUND,
        ),
        &["BackupVaultArn"],
    ),
    by_name(
        "efs",
        "describe-file-system-policy",
        "file-system-id",
        "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{name}",
        &["Policy"],
        &["PolicyNotFound"],
    ),
    telling(
        by_name("opensearch", "describe-domain", "domain-name", DOMAIN, &["DomainStatus", "AccessPolicies"], &[]),
        &["DomainStatus", "ARN"],
    ),
    telling(
        by_name("es", "describe-elasticsearch-domain", "domain-name", DOMAIN, &["DomainStatus", "AccessPolicies"], &[]),
        &["DomainStatus", "ARN"],
    ),
    by_name(
        "s3control",
        "get-access-point-policy",
        "name",
        "arn:{partition}:s3:{region}:{account}:accesspoint/{name}",
        &["Policy"],
        &["NoSuchAccessPointPolicy"],
    ),
    by_name(
        "s3control",
        "get-access-point-policy-for-object-lambda",
        "name",
        "arn:{partition}:s3-object-lambda:{region}:{account}:accesspoint/{name}",
        &["Policy"],
        &["NoSuchAccessPointPolicy"],
    ),
    // Buckets on Outposts, by ARN.
    by_arn("s3control", "get-bucket-policy", "bucket", &["Policy"], &["NoSuchBucketPolicy"]),
    by_arn("s3tables", "get-table-bucket-policy", "table-bucket-arn", &["resourcePolicy"], &["NotFoundException"]),
    telling(
        by_name(
            "codeartifact",
            "get-domain-permissions-policy",
            "domain",
            CODE_DOMAIN,
            &["policy", "document"],
            NOT_FOUND,
        ),
        &["policy", "resourceArn"],
    ),
    telling(
        by_arn("codeartifact", "get-repository-permissions-policy", "repository", &["policy", "document"], NOT_FOUND),
        &["policy", "resourceArn"],
    ),
    by_arn("codebuild", "get-resource-policy", "resource-arn", &["policy"], NOT_FOUND),
    by_name(
        "glacier",
        "get-vault-access-policy",
        "vault-name",
        "arn:{partition}:glacier:{region}:{account}:vaults/{name}",
        &["policy", "Policy"],
        NOT_FOUND,
    ),
    by_name("glue", "get-resource-policy", "resource-arn", CATALOG, &["PolicyInJson"], &["EntityNotFoundException"]),
    by_arn("acm-pca", "get-policy", "resource-arn", &["Policy"], NOT_FOUND),
    by_name(
        "apigateway",
        "get-rest-api",
        "rest-api-id",
        "arn:{partition}:execute-api:{region}:{account}:{name}",
        &["policy"],
        &[],
    ),
    by_arn("kafka", "get-cluster-policy", "cluster-arn", &["Policy"], &["NotFoundException"]),
    by_name(
        "logs",
        "get-delivery-destination-policy",
        "delivery-destination-name",
        "arn:{partition}:logs:{region}:{account}:delivery-destination:{name}",
        &["policy", "deliveryDestinationPolicy"],
        NOT_FOUND,
    ),
    by_name(
        "schemas",
        "get-resource-policy",
        "registry-name",
        "arn:{partition}:schemas:{region}:{account}:registry/{name}",
        &["Policy"],
        &["NotFoundException"],
    ),
    by_name(
        "mediastore",
        "get-container-policy",
        "container-name",
        "arn:{partition}:mediastore:{region}:{account}:container/{name}",
        &["Policy"],
        &["PolicyNotFoundException"],
    ),
    by_name(
        "sagemaker",
        "get-model-package-group-policy",
        "model-package-group-name",
        "arn:{partition}:sagemaker:{region}:{account}:model-package-group/{name}",
        &["ResourcePolicy"],
        &[],
    ),
    by_arn(
        "redshift",
        "get-resource-policy",
        "resource-arn",
        &["ResourcePolicy", "Policy"],
        &["ResourceNotFoundFault"],
    ),
    by_arn("redshift-serverless", "get-resource-policy", "resource-arn", &["resourcePolicy", "policy"], NOT_FOUND),
    by_arn("vpc-lattice", "get-auth-policy", "resource-identifier", &["policy"], NOT_FOUND),
    by_arn("vpc-lattice", "get-resource-policy", "resource-arn", &["policy"], NOT_FOUND),
    by_name(
        "amp",
        "describe-resource-policy",
        "workspace-id",
        "arn:{partition}:aps:{region}:{account}:workspace/{name}",
        &["policyDocument"],
        NOT_FOUND,
    ),
    telling(
        by_arn(
            "cloudtrail",
            "get-resource-policy",
            "resource-arn",
            &["ResourcePolicy"],
            &["ResourcePolicyNotFoundException"],
        ),
        &["ResourceArn"],
    ),
    by_arn("lexv2-models", "describe-resource-policy", "resource-arn", &["policy"], NOT_FOUND),
    by_arn("imagebuilder", "get-component-policy", "component-arn", &["policy"], NOT_FOUND),
    by_arn("imagebuilder", "get-image-policy", "image-arn", &["policy"], NOT_FOUND),
    by_arn("imagebuilder", "get-image-recipe-policy", "image-recipe-arn", &["policy"], NOT_FOUND),
    by_arn("imagebuilder", "get-container-recipe-policy", "container-recipe-arn", &["policy"], NOT_FOUND),
    telling(by_arn("ssm-contacts", "get-contact-policy", "contact-arn", &["Policy"], NOT_FOUND), &["ContactArn"]),
];

/// Commands that fetch several policies of one resource, which add up: the list or object that holds them, and the
/// field of an item in which the document stands.
pub(crate) const MANY: &[(Command, &str)] = &[
    (
        by_name(
            "sesv2",
            "get-email-identity-policies",
            "email-identity",
            "arn:{partition}:ses:{region}:{account}:identity/{name}",
            &["Policies"],
            &[],
        ),
        "",
    ),
    (by_arn("ssm", "get-resource-policies", "resource-arn", &["Policies"], &[]), "Policy"),
    (by_arn("ssm-incidents", "get-resource-policies", "resource-arn", &["resourcePolicies"], &[]), "policyDocument"),
];

/// Commands that fetch all tags of a resource.
pub(crate) const TAGS: &[Command] = &[
    by_name("s3api", "get-bucket-tagging", "bucket", BUCKET.template, &["TagSet"], &["NoSuchTagSet"]),
    by_name("sqs", "list-queue-tags", "queue-url", QUEUE, &["Tags"], &[]),
    by_arn("sns", "list-tags-for-resource", "resource-arn", &["Tags"], &[]),
    by_name("kms", "list-resource-tags", "key-id", KEY, &["Tags"], &[]),
    by_arn("lambda", "list-tags", "resource", &["Tags"], &[]),
    telling(by_arn("secretsmanager", "describe-secret", "secret-id", &["Tags"], &[]), &["ARN"]),
    by_arn("ecr", "list-tags-for-resource", "resource-arn", &["tags"], &[]),
    by_arn("dynamodb", "list-tags-of-resource", "resource-arn", &["Tags"], &[]),
    by_arn("backup", "list-tags", "resource-arn", &["Tags"], &[]),
    by_arn("efs", "list-tags-for-resource", "resource-id", &["Tags"], &[]),
    by_arn("events", "list-tags-for-resource", "resource-arn", &["Tags"], &[]),
    by_arn("opensearch", "list-tags", "arn", &["TagList"], &[]),
];

pub(crate) const KEY: &str = "arn:{partition}:kms:{region}:{account}:key/{name}";
pub(crate) const QUEUE: &str = "arn:{partition}:sqs:{region}:{account}:{name}";
pub(crate) const FUNCTION: &str = "arn:{partition}:lambda:{region}:{account}:function:{name}";
const LAYER: &str = "arn:{partition}:lambda:{region}:{account}:layer:{name}";
const DOMAIN: &str = "arn:{partition}:es:{region}:{account}:domain/{name}";
const CODE_DOMAIN: &str = "arn:{partition}:codeartifact:{region}:{account}:domain/{name}";
/// The Data Catalog of an account in a Region has one policy; no argument means it.
pub(crate) const CATALOG: &str = "arn:{partition}:glue:{region}:{account}:catalog";

/// Commands with readers of their own.
const OTHERS: &[(&str, &str)] = &[
    ("s3api", "get-public-access-block"),
    ("s3api", "list-buckets"),
    ("s3control", "get-public-access-block"),
    ("kms", "list-grants"),
    ("kms", "describe-key"),
    ("ec2", "describe-vpc-endpoints"),
    ("logs", "describe-destinations"),
    ("apigateway", "get-rest-apis"),
    ("iam", "list-open-id-connect-providers"),
    ("iam", "list-saml-providers"),
    ("iam", "list-instance-profiles"),
    ("iam", "list-users"),
    ("iam", "get-access-key-last-used"),
    ("resourcegroupstaggingapi", "get-resources"),
    ("sts", "get-caller-identity"),
];

/// `get-bucket-policy`; its way of naming a bucket is that of every command about buckets.
pub(crate) const BUCKET: Command = by_name(
    "s3api",
    "get-bucket-policy",
    "bucket",
    "arn:{partition}:s3:::{name}",
    &["Policy"],
    &["NoSuchBucketPolicy"],
);

/// `list-grants`, which names its key as the others do.
pub(crate) const GRANTS: Command = by_name("kms", "list-grants", "key-id", KEY, &["Grants"], &[]);

/// Services of the command line with the commands that are read here.
pub(crate) fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = POLICIES.iter().chain(TAGS).chain(MANY.iter().map(|(row, _)| row));
    rows.map(|row| (row.service, row.command)).chain(OTHERS.iter().copied())
}
