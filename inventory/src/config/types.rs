//! Where an item of each type holds the resource-based policy, and what it means that an item holds none.

/// The two halves of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// `configuration`: what the service's own description says.
    Configuration,
    /// `supplementaryConfiguration`: what Config asked the service for in addition.
    Supplementary,
}

/// What an item as Config keeps it says when the policy is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// The resource has none: whatever is set stands in the item.
    NoPolicy,
    /// Nobody fetched it: Config never records it, or every such resource has one.
    NotExported,
}

/// A type of resource with a policy.
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) half: Half,
    /// Names of fields that lead to the policy; empty: Config does not record it.
    pub(super) path: &'static [&'static str],
    pub(super) absent: Absent,
    /// How its ARN is built where the item names none: from partition, Region, account, id and name; empty: not at all.
    pub(super) template: &'static str,
}

const fn set(name: &'static str, path: &'static [&'static str]) -> Type {
    Type { name, half: Half::Configuration, path, absent: Absent::NoPolicy, template: "" }
}

const fn always(name: &'static str, half: Half, path: &'static [&'static str]) -> Type {
    Type { name, half, path, absent: Absent::NotExported, template: "" }
}

const fn never(name: &'static str) -> Type {
    Type { name, half: Half::Configuration, path: &[], absent: Absent::NotExported, template: "" }
}

/// Types that carry a policy. Of those that AWS describes through CloudFormation resource types the item holds every
/// property that is set. Of the older ones with a supplementary half, what is there is told with the value `null`.
///
/// Source: AWS Config Developer Guide (supported resource types, components of a configuration item) and the schemas of
/// the configuration items that AWS publishes, 2026.
pub(super) const TYPES: &[Type] = &[
    Type {
        name: "AWS::S3::Bucket",
        half: Half::Supplementary,
        path: &["BucketPolicy", "policyText"],
        absent: Absent::NotExported,
        template: "arn:{partition}:s3:::{id}",
    },
    always("AWS::KMS::Key", Half::Supplementary, &["Policy"]),
    always("AWS::Lambda::Function", Half::Supplementary, &["Policy"]),
    always("AWS::SNS::Topic", Half::Configuration, &["Policy"]),
    Type {
        name: "AWS::SQS::Queue",
        half: Half::Configuration,
        path: &["Policy"],
        absent: Absent::NoPolicy,
        template: "arn:{partition}:sqs:{region}:{account}:{name}",
    },
    set("AWS::ECR::Repository", &["RepositoryPolicyText"]),
    set("AWS::EFS::FileSystem", &["FileSystemPolicy"]),
    set("AWS::EFS::AccessPoint", &["FileSystemPolicy"]),
    set("AWS::Backup::BackupVault", &["AccessPolicy"]),
    set("AWS::OpenSearch::Domain", &["AccessPolicies"]),
    set("AWS::Elasticsearch::Domain", &["accessPolicies"]),
    set("AWS::Events::EventBus", &["Policy"]),
    set("AWS::S3::AccessPoint", &["Policy"]),
    set("AWS::CodeArtifact::Repository", &["PermissionsPolicyDocument"]),
    set("AWS::CodeArtifact::Domain", &["PermissionsPolicyDocument"]),
    set("AWS::SES::EmailIdentity", &["Policy"]),
    set("AWS::ApiGateway::RestApi", &["policy"]),
    never("AWS::DynamoDB::Table"),
    never("AWS::Kinesis::Stream"),
    never("AWS::SecretsManager::Secret"),
    never("AWS::ACMPCA::CertificateAuthority"),
    never("AWS::CodeBuild::Project"),
    never("AWS::S3::MultiRegionAccessPoint"),
    never("AWS::S3Express::DirectoryBucket"),
    never("AWS::MSK::Cluster"),
];

/// Items that are a policy: their type, where they name the resource that carries it, and where the document stands.
pub(super) const POLICIES: &[(&str, &str, &str)] = &[
    ("AWS::S3::BucketPolicy", "Bucket", "PolicyDocument"),
    ("AWS::S3Express::BucketPolicy", "Bucket", "PolicyDocument"),
    ("AWS::MSK::ClusterPolicy", "ClusterArn", "Policy"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy"),
    ("AWS::Kinesis::ResourcePolicy", "ResourceArn", "ResourcePolicy"),
];

/// Where an item names the role that the resource runs as, as a whole ARN: type, and fields of the configuration.
///
/// Source: as [`TYPES`]. Instances of EC2 are not here, since they name an instance profile.
pub(super) const RUNS_AS: &[(&str, &[&str])] = &[
    ("AWS::Lambda::Function", &["role"]),
    ("AWS::CodeBuild::Project", &["serviceRole"]),
    ("AWS::ECS::TaskDefinition", &["TaskRoleArn"]),
    ("AWS::StepFunctions::StateMachine", &["RoleArn"]),
];
