//! The dated lists of appendix C and of the rules that name data: everything that AWS changes more often than the
//! language. Vintage: text of September 2026 unless an entry says otherwise.

use crate::KeyType;

/// A service on the list of, with the year of the text that first names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RcpService {
    /// Service prefix.
    pub prefix: &'static str,
    /// `2024` (first generation), `2025`, or `2026`.
    pub since: u16,
}

macro_rules! rcp {
    ($($year:literal: [$($prefix:literal),* $(,)?]),* $(,)?) => {
        &[$($(RcpService { prefix: $prefix, since: $year }),*),*]
    };
}

/// C.1, R-6.29: services whose actions RCPs govern.
pub const RCP_SERVICES: &[RcpService] = rcp!(
    2024: ["s3", "sts", "kms", "sqs", "secretsmanager"],
    2025: ["ecr", "aoss"],
    2026: [
        "appstream", "dsql", "clouddirectory", "cloudfront", "cloudsearch", "logs", "networkmonitor",
        "cognito-identity", "cognito-idp", "comprehend", "comprehendmedical", "firehose", "dynamodb", "dax",
        "autoscaling", "ecr-public", "gamelift", "inspector-scan", "kendra", "kinesisvideo", "memorydb",
        "personalize", "polly", "swf", "textract", "timestream-influxdb", "transcribe", "translate", "workspaces",
        "appconfig", "autoscaling-plans", "budgets", "servicediscovery", "cloudtrail-data", "codeartifact",
        "codebuild", "codecommit", "codepipeline", "compute-optimizer", "cost-optimization-hub", "events", "fms",
        "fis", "health", "rolesanywhere", "opensearch", "pricing", "pca-connector-ad", "resource-groups", "signin",
        "support", "transfer", "notifications", "wafv2", "xray",
    ],
);

/// wildcard-only actions with a documented pseudo-ARN. Each stands for `arn:P:s3:::*`.
pub const PSEUDO_ARN_S3: &[&str] = &["s3:listallmybuckets", "s3:getaccountpublicaccessblock", "s3:listaccesspoints"];

/// wildcard-only actions that stand for `arn:P:dynamodb:REGION:ACCOUNT:*`.
pub const PSEUDO_ARN_DYNAMODB: &[&str] = &[
    "dynamodb:describereservedcapacity",
    "dynamodb:describereservedcapacityofferings",
    "dynamodb:purchasereservedcapacityofferings",
];

/// actions for which `aws:ResourceAccount`, `aws:ResourceOrgID` and `aws:ResourceOrgPaths` are absent, in
/// lower case. `ebs:` as a whole is in the list, as `ebs:*`. Cross-account `events:PutEvents` is left out: only
/// "some" of them lack the keys.
pub const NO_RESOURCE_ACCOUNT: &[&str] = &[
    "auditmanager:updateassessmentframeworkshare",
    "detective:acceptinvitation",
    "ds:acceptshareddirectory",
    "ebs:*",
    "ec2:accepttransitgatewaypeeringattachment",
    "ec2:acceptvpcendpointconnections",
    "ec2:acceptvpcpeeringconnection",
    "ec2:createtransitgatewaypeeringattachment",
    "ec2:createvpcendpoint",
    "ec2:createvpcpeeringconnection",
    "guardduty:acceptadministratorinvitation",
    "macie2:acceptinvitation",
    "es:acceptinboundconnection",
    "route53:associatevpcwithhostedzone",
    "route53:createvpcassociationauthorization",
    "securityhub:acceptadministratorinvitation",
];

/// A global condition key of table 5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalKey {
    /// Its name in AWS's spelling; a family carries a placeholder, as in `aws:RequestTag/${TagKey}`.
    pub name: &'static str,
    /// Its type; where the table names two, the first.
    pub key_type: KeyType,
    /// True iff it is multi-valued (column "Card.").
    pub multi: bool,
}

const fn single(name: &'static str, key_type: KeyType) -> GlobalKey {
    GlobalKey { name, key_type, multi: false }
}

const fn many(name: &'static str, key_type: KeyType) -> GlobalKey {
    GlobalKey { name, key_type, multi: true }
}

/// Table 5.2: the global and cross-service condition keys, in its order. They hold whatever a table of actions says.
///
/// `aws:IsMcpServiceAction` has no type in AWS's text; `Bool` is what the service authorization data says of it.
pub const GLOBAL_KEYS: &[GlobalKey] = &[
    single("aws:PrincipalArn", KeyType::Arn),
    single("aws:PrincipalAccount", KeyType::String),
    single("aws:PrincipalOrgID", KeyType::String),
    many("aws:PrincipalOrgPaths", KeyType::String),
    single("aws:PrincipalTag/${TagKey}", KeyType::String),
    single("aws:PrincipalIsAWSService", KeyType::Bool),
    single("aws:PrincipalServiceName", KeyType::String),
    many("aws:PrincipalServiceNamesList", KeyType::String),
    single("aws:PrincipalType", KeyType::String),
    single("aws:userid", KeyType::String),
    single("aws:username", KeyType::String),
    single("aws:AssumedRoot", KeyType::Bool),
    single("aws:FederatedProvider", KeyType::String),
    single("aws:TokenIssueTime", KeyType::Date),
    single("aws:MultiFactorAuthPresent", KeyType::Bool),
    single("aws:MultiFactorAuthAge", KeyType::Numeric),
    single("aws:SourceIdentity", KeyType::String),
    single("aws:SignInSessionArn", KeyType::Arn),
    single("aws:ChatbotSourceArn", KeyType::Arn),
    single("aws:Ec2InstanceSourceVpc", KeyType::String),
    single("aws:Ec2InstanceSourcePrivateIPv4", KeyType::IpAddress),
    single("ec2:RoleDelivery", KeyType::Numeric),
    single("ec2:SourceInstanceArn", KeyType::Arn),
    single("lambda:SourceFunctionArn", KeyType::Arn),
    single("codebuild:BuildArn", KeyType::Arn),
    single("codebuild:ProjectArn", KeyType::Arn),
    single("ssm:SourceInstanceArn", KeyType::Arn),
    single("glue:RoleAssumedBy", KeyType::String),
    single("glue:CredentialIssuingService", KeyType::String),
    single("identitystore:UserId", KeyType::String),
    single("aws:SourceIp", KeyType::IpAddress),
    single("aws:SourceVpc", KeyType::String),
    single("aws:SourceVpce", KeyType::String),
    single("aws:SourceVpcArn", KeyType::Arn),
    single("aws:VpcSourceIp", KeyType::IpAddress),
    single("aws:VpceAccount", KeyType::String),
    single("aws:VpceOrgID", KeyType::String),
    many("aws:VpceOrgPaths", KeyType::String),
    single("aws:ResourceAccount", KeyType::String),
    single("aws:ResourceOrgID", KeyType::String),
    many("aws:ResourceOrgPaths", KeyType::String),
    single("aws:ResourceTag/${TagKey}", KeyType::String),
    single("aws:RequestTag/${TagKey}", KeyType::String),
    many("aws:TagKeys", KeyType::String),
    many("aws:CalledVia", KeyType::String),
    single("aws:CalledViaFirst", KeyType::String),
    single("aws:CalledViaLast", KeyType::String),
    single("aws:ViaAWSService", KeyType::Bool),
    single("aws:CalledViaAWSMCP", KeyType::String),
    single("aws:ViaAWSMCPService", KeyType::Bool),
    single("aws:IsMcpServiceAction", KeyType::Bool),
    single("aws:CurrentTime", KeyType::Date),
    single("aws:EpochTime", KeyType::Date),
    single("aws:SecureTransport", KeyType::Bool),
    single("aws:RequestedRegion", KeyType::String),
    single("aws:referer", KeyType::String),
    single("aws:UserAgent", KeyType::String),
    single("aws:SourceArn", KeyType::Arn),
    single("aws:SourceAccount", KeyType::String),
    single("aws:SourceOrgID", KeyType::String),
    many("aws:SourceOrgPaths", KeyType::String),
    single("aws:SourceOwner", KeyType::String),
];

/// C.4: multi-valued global, STS and OIDC keys, canonical.
pub const MULTI_VALUED_KEYS: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "sts:transitivetagkeys",
    "cognito-identity.amazonaws.com:amr",
];

/// C.2: services that supply `aws:SourceVpcArn` (`iam:PassRole` excepted).
pub const SOURCE_VPC_ARN_SERVICES: &[&str] = &[
    "apprunner",
    "discovery",
    "athena",
    "servicediscovery",
    "applicationinsights",
    "cloudformation",
    "comprehendmedical",
    "compute-optimizer",
    "ecr",
    "ecs",
    "kinesisanalytics",
    "route53",
    "datasync",
    "ebs",
    "scheduler",
    "firehose",
    "medical-imaging",
    "healthlake",
    "omics",
    "iam",
    "iotfleetwise",
    "iotwireless",
    "kms",
    "lambda",
    "payment-cryptography",
    "polly",
    "acm-pca",
    "rbin",
    "rekognition",
    "servicequotas",
    "s3",
    "storagegateway",
    "ssm-contacts",
    "textract",
    "transcribe",
    "transfer",
];

/// C.3: services that supply `aws:VpceAccount` and `aws:VpceOrgPaths` beside those of C.2.
pub const VPCE_ACCOUNT_MORE: &[&str] = &["dynamodb", "gamelift", "shield"];

/// C.3: services that supply `aws:VpceOrgID` beside those of C.2 and [`VPCE_ACCOUNT_MORE`].
pub const VPCE_ORG_ID_MORE: &[&str] = &[
    "b2bi",
    "cognito-identity",
    "dms",
    "ds-data",
    "identitystore",
    "iottwinmaker",
    "cassandra",
    "network-firewall",
    "sms-voice",
    "pricing",
    "ses",
    "sqs",
    "workmail",
];

/// C.5, R-6.62: KMS operations effective across accounts, lower case.
pub const KMS_CROSS_ACCOUNT: &[&str] = &[
    "decrypt",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "reencryptfrom",
    "reencryptto",
    "sign",
    "verify",
    "verifymac",
    "derivesharedsecret",
    "creategrant",
    "describekey",
    "getkeyrotationstatus",
    "getpublickey",
    "listgrants",
    "retiregrant",
    "revokegrant",
];

/// C.6, R-6.63: operations that a KMS grant can cover, lower case.
pub const KMS_GRANT_OPERATIONS: &[&str] = &[
    "decrypt",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "reencryptfrom",
    "reencryptto",
    "sign",
    "verify",
    "verifymac",
    "derivesharedsecret",
    "creategrant",
    "describekey",
    "getpublickey",
    "retiregrant",
];

/// actions without effect for callers of another account, lower case.
pub const NO_CROSS_ACCOUNT: &[&str] = &[
    "s3:getbucketpolicy",
    "s3:putbucketpolicy",
    "s3:deletebucketpolicy",
    "sqs:addpermission",
    "sqs:cancelmessagemovetask",
    "sqs:createqueue",
    "sqs:deletequeue",
    "sqs:listmessagemovetasks",
    "sqs:listqueues",
    "sqs:listqueuetags",
    "sqs:removepermission",
    "sqs:setqueueattributes",
    "sqs:startmessagemovetask",
    "sqs:tagqueue",
    "sqs:untagqueue",
];

/// actions of the owner's root user that a deny in the bucket or queue policy does not stop, lower case.
pub const ROOT_ESCAPES_RESOURCE_DENY: &[&str] = &[
    "s3:getbucketpolicy",
    "s3:putbucketpolicy",
    "s3:deletebucketpolicy",
    "sqs:getqueueattributes",
    "sqs:setqueueattributes",
    "sqs:getqueueurl",
];

/// services that accept anonymous calls.
pub const ANONYMOUS_SERVICES: &[&str] = &["s3", "sqs", "sns"];

/// actions decided by the role's trust policy, lower case; `sts:assumerole` with any ending.
pub const TRUST_POLICY_ACTIONS: &[&str] = &[
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
];

/// built-in identity providers.
pub const BUILT_IN_PROVIDERS: &[&str] =
    &["cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com"];

/// endings of OIDC keys that continue into later requests of the session.
pub const OIDC_SESSION_KEY_ENDINGS: &[&str] = &[":amr", ":aud", ":app_id", ":id", ":user_id", ":sub"];

/// SAML keys that continue into later requests of the session.
pub const SAML_SESSION_KEYS: &[&str] = &["saml:namequalifier", "saml:sub", "saml:sub_type"];

/// keys whose fixed values make a bucket policy not public, canonical. Special bounds on `aws:sourceip`,
/// `aws:userid` and `s3:dataaccesspointarn` are part of the rule, not of this list.
pub const S3_LIMITING_KEYS: &[&str] = &[
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

/// C.7: keys in whose values wildcards deserve a warning, canonical.
pub const SENSITIVE_KEYS: &[&str] = &[
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:vpceorgid",
];

/// Resource types that carry a resource-based policy: service, and how the sixth component of their ARNs begins (an
/// empty text: every resource of the service).: such a resource, if the inventory does not list it, may have a
/// policy. Source: "AWS services that work with IAM", column resource-based policies, and the services' pages, 2026.
pub const RESOURCE_POLICY_TYPES: &[(&str, &[&str])] = &[
    ("acm-pca", &["certificate-authority/"]),
    ("aoss", &["collection/"]),
    ("aps", &["workspace/"]),
    ("backup", &["backup-vault:"]),
    ("bedrock", &["guardrail/", "custom-model/", "imported-model/"]),
    ("bedrock-agentcore", &["runtime/", "gateway/"]),
    ("cloudtrail", &["channel/", "dashboard/", "eventdatastore/"]),
    ("codeartifact", &["domain/", "repository/"]),
    ("codebuild", &["project/", "report-group/"]),
    ("dynamodb", &["table/"]),
    ("ecr", &["repository/"]),
    ("elasticfilesystem", &["file-system/", "access-point/"]),
    ("es", &["domain/"]),
    ("events", &["event-bus/"]),
    ("execute-api", &[""]),
    ("glacier", &["vaults/"]),
    ("glue", &[""]),
    ("imagebuilder", &["component/", "image/", "image-recipe/", "container-recipe/"]),
    ("kinesis", &["stream/"]),
    ("kms", &["key/"]),
    ("lambda", &["function:", "layer:"]),
    ("lex", &["bot/", "bot-alias/"]),
    ("logs", &["destination:", "delivery-destination:", "log-group:"]),
    ("mediastore", &["container/"]),
    ("opensearch", &["application/"]),
    ("organizations", &[""]),
    ("redshift", &["namespace:"]),
    ("redshift-serverless", &["namespace/", "snapshot/"]),
    ("rekognition", &["project/"]),
    ("s3", &[""]),
    ("s3-object-lambda", &[""]),
    ("s3-outposts", &[""]),
    ("s3express", &[""]),
    ("s3tables", &["bucket/"]),
    ("s3vectors", &["bucket/"]),
    ("sagemaker", &["feature-group/", "lineage-group/", "model-package-group/", "pipeline/"]),
    ("schemas", &["registry/"]),
    ("secretsmanager", &["secret:"]),
    ("serverlessrepo", &["applications/"]),
    ("ses", &["identity/"]),
    ("signer", &["/signing-profiles/"]),
    ("sns", &[""]),
    ("sqs", &[""]),
    ("ssm", &["opsitemgroup/", "parameter/"]),
    ("ssm-contacts", &["contact/"]),
    ("ssm-incidents", &["response-plan/"]),
    ("vpc-lattice", &["resourceconfiguration/", "service/", "servicenetwork/"]),
];

/// actions that change a managed policy, lower case.
pub const POLICY_CHANGES: &[&str] = &[
    "iam:createpolicyversion",
    "iam:deletepolicy",
    "iam:deletepolicyversion",
    "iam:setdefaultpolicyversion",
    "iam:tagpolicy",
    "iam:untagpolicy",
];

/// actions that change a role, lower case.
pub const ROLE_CHANGES: &[&str] = &[
    "iam:attachrolepolicy",
    "iam:deleterole",
    "iam:deleterolepermissionsboundary",
    "iam:deleterolepolicy",
    "iam:detachrolepolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:tagrole",
    "iam:untagrole",
    "iam:updateassumerolepolicy",
    "iam:updaterole",
    "iam:updateroledescription",
];

/// services whose resources contain others behind a `/` of their ARN: objects of a bucket, indexes of a table,
/// methods of an API. Elsewhere (repositories, parameters, log groups, secrets) a `/` is part of a name.
pub const SLASH_CONTAINS: &[&str] = &[
    "dynamodb",
    "es",
    "execute-api",
    "kinesis",
    "mediastore",
    "s3",
    "s3-object-lambda",
    "s3-outposts",
    "s3express",
    "s3tables",
    "s3vectors",
    "vpc-lattice",
];
