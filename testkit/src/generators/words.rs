//! The small vocabulary of the generators: so few words that policies and requests meet often.
//!
//! Names of users and roles are odd on purpose: none is a part of another word, so that the law about renaming
//! (R-8.33) can replace them in any text.

/// A condition key with what the generators know of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyWord {
    /// The key in AWS's spelling.
    pub(super) name: &'static str,
    /// How its values read.
    pub(super) reads: Reads,
    /// True iff requests give it as a list.
    pub(super) multi: bool,
    /// The service prefixes for which it is drawn more often; empty: all.
    pub(super) services: &'static [&'static str],
    /// Values, the first of them the most usual, neighbours near a boundary of each other.
    pub(super) values: &'static [&'static str],
}

/// The family of operators that goes with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// String operators.
    Text,
    /// Numeric operators.
    Number,
    /// Date operators.
    Date,
    /// `Bool`.
    Truth,
    /// `BinaryEquals`.
    Binary,
    /// `IpAddress` and `NotIpAddress`.
    Address,
    /// ARN operators.
    Arn,
}

const fn key(name: &'static str, reads: Reads, values: &'static [&'static str]) -> KeyWord {
    KeyWord { name, reads, multi: false, services: &[], values }
}

const fn of(service: &'static [&'static str], key: KeyWord) -> KeyWord {
    KeyWord { services: service, ..key }
}

const fn list(key: KeyWord) -> KeyWord {
    KeyWord { multi: true, ..key }
}

/// The account in which most of a world lies.
pub(super) const ACCOUNT_A: &str = "111111111111";
/// Another member account.
pub(super) const ACCOUNT_B: &str = "222222222222";
/// The management account.
pub(super) const ACCOUNT_M: &str = "999999999999";
/// An account outside the organization.
pub(super) const ACCOUNT_X: &str = "333333333333";
/// All of them, the most usual first.
pub(super) const ACCOUNTS: [&str; 4] = [ACCOUNT_A, ACCOUNT_B, ACCOUNT_M, ACCOUNT_X];

/// The organization.
pub(super) const ORGANIZATION: &str = "o-ex";
/// Its root.
pub(super) const ROOT: &str = "r-1";

/// Users, path and name.
pub(super) const USERS: [&str; 3] = ["ursula", "staff/umberto", "ursulb"];
/// Roles, path and name.
pub(super) const ROLES: [&str; 5] = [
    "rolanda",
    "ci/roderick",
    "aws-service-role/ec2.amazonaws.com/AWSServiceRoleForEc2",
    "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",
    "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
];
/// Names of sessions and of federated users.
pub(super) const SESSIONS: [&str; 3] = ["s1", "s2", "session"];
/// Groups.
pub(super) const GROUPS: [&str; 3] = ["admins", "readers", "ghosts"];
/// Service principals.
pub(super) const SERVICES: [&str; 4] =
    ["sns.amazonaws.com", "cloudtrail.amazonaws.com", "ec2.amazonaws.com", "s3.ap-east-1.amazonaws.com"];
/// OIDC providers.
pub(super) const OIDC: [&str; 3] = [
    "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com",
    "cognito-identity.amazonaws.com",
    "accounts.google.com",
];
/// SAML providers.
pub(super) const SAML: [&str; 2] =
    ["arn:aws:iam::111111111111:saml-provider/idp", "arn:aws:iam::222222222222:saml-provider/idp"];
/// Canonical ids of accounts A and B.
pub(super) const CANONICAL: [&str; 3] = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
];
/// The one VPC endpoint.
pub(super) const ENDPOINT: &str = "vpce-1";

/// A call: an action with the resource it acts on. `@` stands for the owner's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// How often it is drawn.
    pub(super) weight: usize,
    /// `service:Name`.
    pub(super) action: &'static str,
    /// The resources; several are several units (R-6.3).
    pub(super) resources: &'static [&'static str],
}

const fn call(weight: usize, action: &'static str, resources: &'static [&'static str]) -> Call {
    Call { weight, action, resources }
}

/// The calls that any signed caller may make.
pub(super) const CALLS: &[Call] = &[
    call(20, "s3:GetObject", &["arn:aws:s3:::bkt/k"]),
    call(8, "s3:PutObject", &["arn:aws:s3:::bkt/home/ursula/x"]),
    call(3, "s3:GetObject", &["arn:aws:s3:::bkt/red/\u{e9}*"]),
    call(5, "s3:ListBucket", &["arn:aws:s3:::bkt"]),
    call(3, "s3:DeleteBucketPolicy", &["arn:aws:s3:::bkt"]),
    call(2, "s3:GetBucketPolicy", &["arn:aws:s3:::bkt"]),
    call(2, "s3:ListAllMyBuckets", &["*"]),
    call(10, "sqs:SendMessage", &["arn:aws:sqs:us-east-1:@:q"]),
    call(2, "sqs:SetQueueAttributes", &["arn:aws:sqs:us-east-1:@:q"]),
    call(2, "sqs:GetQueueUrl", &["arn:aws:sqs:us-east-1:@:q"]),
    call(5, "sns:Publish", &["arn:aws:sns:us-east-1:@:t"]),
    call(12, "kms:Decrypt", &["arn:aws:kms:us-east-1:@:key/1"]),
    call(2, "kms:PutKeyPolicy", &["arn:aws:kms:us-east-1:@:key/1"]),
    call(4, "kms:RetireGrant", &["arn:aws:kms:us-east-1:@:key/1"]),
    call(2, "kms:CreateAlias", &["arn:aws:kms:us-east-1:@:alias/one", "arn:aws:kms:us-east-1:@:key/1"]),
    call(1, "kms:DeleteAlias", &["arn:aws:kms:us-east-1:@:alias/aws/s3"]),
    call(1, "kms:ListKeys", &["*"]),
    call(5, "secretsmanager:GetSecretValue", &["arn:aws:secretsmanager:us-east-1:@:secret:db-AbCdEf"]),
    call(4, "lambda:InvokeFunction", &["arn:aws:lambda:us-east-1:@:function:fn:PROD"]),
    call(5, "dynamodb:GetItem", &["arn:aws:dynamodb:us-east-1:@:table/tab"]),
    call(2, "dynamodb:DescribeReservedCapacity", &["*"]),
    call(3, "ec2:DescribeInstances", &["*"]),
    call(
        5,
        "ec2:RunInstances",
        &[
            "arn:aws:ec2:us-east-1:@:instance/*",
            "arn:aws:ec2:us-east-1:@:subnet/subnet-1",
            "arn:aws:ec2:us-east-1::image/ami-1",
        ],
    ),
    call(3, "iam:GetUser", &["arn:aws:iam::@:user/ursula"]),
    call(3, "iam:PassRole", &["arn:aws:iam::@:role/rolanda"]),
    call(
        1,
        "iam:DeleteRole",
        &["arn:aws:iam::@:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"],
    ),
    call(2, "iam:CreatePolicyVersion", &["arn:aws:iam::aws:policy/ReadOnly"]),
    call(14, "sts:AssumeRole", &["arn:aws:iam::@:role/rolanda"]),
    call(3, "sts:AssumeRole", &["arn:aws:iam::@:role/ci/roderick"]),
    call(1, "sts:TagSession", &["arn:aws:iam::@:role/rolanda"]),
    call(3, "sts:AssumeRoot", &["arn:aws:iam::@:root"]),
    call(2, "sts:GetFederationToken", &["arn:aws:sts::@:federated-user/s1"]),
    call(1, "sts:GetCallerIdentity", &["*"]),
    call(1, "sts:GetSessionToken", &["*"]),
    call(2, "organizations:DescribeAccount", &["arn:aws:organizations::999999999999:account/o-ex/222222222222"]),
    call(2, "events:PutEvents", &["arn:aws:events:us-east-1:@:event-bus/default"]),
    call(1, "ebs:GetSnapshotBlock", &["arn:aws:ec2:us-east-1::snapshot/snap-1"]),
    call(2, "s3:FrobnicateObject", &["arn:aws:s3:::bkt/k"]),
    call(1, "frob:DoThing", &["arn:aws:frob:us-east-1:@:thing/1"]),
    call(1, "frob:ListThings", &["*"]),
    call(1, "execute-api:Invoke", &["arn:aws:execute-api:us-east-1:@:api/prod/GET/pets"]),
];

/// The calls of federated callers.
pub(super) const FEDERATED_CALLS: &[Call] = &[
    call(4, "sts:AssumeRoleWithWebIdentity", &["arn:aws:iam::@:role/rolanda"]),
    call(1, "sts:AssumeRoleWithSAML", &["arn:aws:iam::@:role/rolanda"]),
];

/// Actions that a request may ask for beside its own.
pub(super) const ADDITIONAL: &[Call] = &[
    call(3, "iam:PassRole", &["arn:aws:iam::@:role/ci/roderick"]),
    call(1, "s3:GetObject", &["arn:aws:s3:::bkt/k"]),
    call(1, "kms:Decrypt", &["arn:aws:kms:us-east-1:@:key/1"]),
];

/// Keys whose presence asks for further units of `sts:AssumeRole*` (R-6.43).
pub(super) const STS_KEYS: [&str; 4] =
    ["aws:TagKeys", "aws:RequestTag/team", "sts:SourceIdentity", "sts:RequestContextProviders"];

use Reads::{Address, Arn, Binary, Date, Number, Text, Truth};

/// The condition keys, those that requests give most often first.
pub(super) const KEYS: &[KeyWord] = &[
    key("aws:SourceIp", Address, &["203.0.113.7", "203.0.113.0", "203.0.112.255", "2001:db8::1", "::ffff:203.0.113.7"]),
    key("aws:PrincipalTag/team", Text, &["red", "blue", "RED", "", "*"]),
    key("aws:ResourceTag/team", Text, &["red", "blue", "Red", ""]),
    key("aws:RequestTag/team", Text, &["red", "blue", ""]),
    list(key("aws:TagKeys", Text, &["team", "Team", "env", ""])),
    key("aws:MultiFactorAuthPresent", Truth, &["true", "false", "TRUE"]),
    key(
        "aws:CurrentTime",
        Date,
        &["2026-01-01T00:00:00Z", "2025-12-31T23:59:59.9Z", "2026-01-01T01:00:00+01:00", "1767225601"],
    ),
    key("aws:SecureTransport", Truth, &["true", "false"]),
    key("aws:RequestedRegion", Text, &["us-east-1", "eu-west-1", "us-east-2"]),
    key("aws:PrincipalArn", Arn, &["arn:aws:iam::111111111111:user/ursula", "arn:aws:iam::111111111111:role/rolanda"]),
    key("aws:PrincipalAccount", Text, &[ACCOUNT_A, ACCOUNT_B]),
    key("aws:PrincipalOrgID", Text, &[ORGANIZATION, "o-other"]),
    list(key("aws:PrincipalOrgPaths", Text, &["o-ex/r-1/", "o-ex/r-1/ou-a/", "o-ex/r-1/ou-a/ou-b/"])),
    key("aws:PrincipalType", Text, &["User", "AssumedRole", "Account"]),
    key("aws:PrincipalIsAWSService", Truth, &["false", "true"]),
    key("aws:userid", Text, &["AIDAAAAAAAAAAAAAAAAA", "AROAAAAAAAAAAAAAAAAA:s1", "111111111111:s1"]),
    key("aws:username", Text, &["ursula", "umberto"]),
    key("aws:ResourceAccount", Text, &[ACCOUNT_A, ACCOUNT_B]),
    key("aws:ResourceOrgID", Text, &[ORGANIZATION, "o-other"]),
    list(key("aws:ResourceOrgPaths", Text, &["o-ex/r-1/", "o-ex/r-1/ou-a/"])),
    list(key("aws:CalledVia", Text, &["cloudformation.amazonaws.com", "athena.amazonaws.com"])),
    key("aws:CalledViaLast", Text, &["cloudformation.amazonaws.com"]),
    key("aws:ViaAWSService", Truth, &["false", "true"]),
    key("aws:SourceVpce", Text, &[ENDPOINT, "vpce-2"]),
    key("aws:SourceVpc", Text, &["vpc-1", "vpc-2"]),
    key("aws:VpceAccount", Text, &[ACCOUNT_A]),
    key("aws:SourceArn", Arn, &["arn:aws:sns:us-east-1:111111111111:t", "arn:aws:sns:us-east-1:222222222222:t", "t"]),
    key("aws:SourceAccount", Text, &[ACCOUNT_A, ACCOUNT_B]),
    key("aws:EpochTime", Date, &["1767225600", "1767225599", "2026-01-01"]),
    key("aws:MultiFactorAuthAge", Number, &["3600", "3600.0", "3599", "36e2"]),
    key("aws:TokenIssueTime", Date, &["2026-01-01T00:00:00Z", "2025-12"]),
    key("aws:SourceIdentity", Text, &["ursula", "umberto"]),
    key("aws:FederatedProvider", Text, &["accounts.google.com"]),
    key("aws:UserAgent", Text, &["cli/2", "curl"]),
    of(&["s3"], key("s3:prefix", Text, &["home/", "home/ursula/", ""])),
    of(&["s3"], key("s3:max-keys", Number, &["10", "9.9999999999999999", "1e1", "ten"])),
    of(&["s3"], key("s3:ExistingObjectTag/team", Text, &["red", "blue"])),
    of(&["kms"], key("kms:ViaService", Text, &["s3.us-east-1.amazonaws.com"])),
    of(&["kms"], key("kms:EncryptionContext:app", Text, &["one", "two"])),
    of(&["kms"], list(key("kms:EncryptionContextKeys", Text, &["app", "env"]))),
    of(&["sts"], key("sts:ExternalId", Text, &["e1", "e2"])),
    of(&["sts"], key("sts:RoleSessionName", Text, &["s1", "ursula"])),
    of(&["sts"], key("sts:SourceIdentity", Text, &["ursula", "umberto"])),
    of(&["sts"], list(key("sts:TransitiveTagKeys", Text, &["team", "env"]))),
    of(&["sts"], list(key("sts:RequestContextProviders", Arn, &["arn:aws:iam::aws:contextProvider/IdentityCenter"]))),
    of(&["sts"], key("token.actions.githubusercontent.com:sub", Text, &["repo:o/r", "repo:z/r"])),
    of(&["sts"], list(key("token.actions.githubusercontent.com:aud", Text, &["sts.amazonaws.com", "app"]))),
    of(&["sts"], key("saml:sub", Text, &["ursula", "umberto"])),
    of(&["dynamodb"], list(key("dynamodb:LeadingKeys", Text, &["ursula", "red"]))),
    of(&["ec2"], key("ec2:InstanceType", Text, &["t3.micro", "m5.large"])),
    of(&["iam"], key("iam:PassedToService", Text, &["ec2.amazonaws.com", "lambda.amazonaws.com"])),
    of(&["secretsmanager"], key("secretsmanager:VersionStage", Text, &["AWSCURRENT", "AWSPENDING"])),
    // A letter of which only the code point has a lower case.
    key("aws:PrincipalTag/\u{c4}", Text, &["red", "blue"]),
    key("app:Blob", Binary, &["QQ==", "QUI=", "QR=="]),
    key("app:Note", Text, &["\u{e9}", "e\u{301}", "\u{1f600}", "\u{df}"]),
    list(key("app:Notes", Text, &["one", "two", "three"])),
];
