//! A corpus as snapshots of AWS Config: one file an account, with an item for each thing that Config records.

use super::{ExportError, Folder, list, percent_encode, text_member};
use crate::draft::json_text;
use crate::part::{AccountPart, Document, IdentityPart, ManagedPart, ResourcePart};
use iamc_policy::request::EndpointType;

const CAPTURED: &str = "2026-09-01T10:00:00.000Z";

/// Types whose policies Config records, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    /// In `configuration`, as text under this name, absent where there is none.
    Configuration(&'static str),
    /// In `supplementaryConfiguration`, as text under `Policy`.
    Supplementary,
    /// Of a bucket.
    Bucket,
    /// Not at all.
    No,
}

fn records(arn: &str) -> (&'static str, Records) {
    let mut parts = arn.splitn(6, ':').skip(2);
    match parts.next().unwrap_or_default() {
        "s3" => ("AWS::S3::Bucket", Records::Bucket),
        "kms" => ("AWS::KMS::Key", Records::Supplementary),
        "lambda" => ("AWS::Lambda::Function", Records::Supplementary),
        "sqs" => ("AWS::SQS::Queue", Records::Configuration("Policy")),
        "sns" => ("AWS::SNS::Topic", Records::Configuration("Policy")),
        "ecr" => ("AWS::ECR::Repository", Records::Configuration("RepositoryPolicyText")),
        "dynamodb" => ("AWS::DynamoDB::Table", Records::No),
        "secretsmanager" => ("AWS::SecretsManager::Secret", Records::No),
        _ => ("AWS::Other::Thing", Records::No),
    }
}

/// Whether the policy of a resource has to come from elsewhere.
pub(crate) fn lacks(resource: &ResourcePart) -> bool {
    matches!(records(&resource.arn).1, Records::No)
}

/// Writes the snapshot of one account.
pub(crate) fn write(part: &AccountPart, folder: &mut Folder) -> Result<(), ExportError> {
    let id = &part.stub.id;
    let mut out = format!("{{\"fileVersion\":\"1.0\",\"configSnapshotId\":\"snapshot-{id}\",\"configurationItems\":[");
    let mut items = Items { part, out: &mut out, first: true };
    for user in &part.users {
        items.identity("User", &user.identity, |out| {
            out.push_str(",\"groupList\":");
            list(&user.groups, out, |name, out| json_text(name, out));
        });
    }
    for group in &part.groups {
        items.identity("Group", group, |_| {});
    }
    for role in &part.roles {
        items.identity("Role", &role.identity, |out| {
            out.push_str(",\"assumeRolePolicyDocument\":");
            encoded(&role.trust, out);
            out.push_str(",\"instanceProfileList\":[],\"roleLastUsed\":{}");
        });
    }
    for policy in &part.policies {
        items.managed(policy);
    }
    for arn in &part.providers {
        let kind = if arn.contains(":oidc-provider/") { "AWS::IAM::OIDCProvider" } else { "AWS::IAM::SAMLProvider" };
        items.item(kind, arn, arn, "global", &[], |out| out.push_str("{}"), |out| out.push_str("{}"));
    }
    for resource in &part.resources {
        items.resource(resource);
    }
    for endpoint in &part.endpoints {
        let kind = if endpoint.endpoint_type == EndpointType::Gateway { "Gateway" } else { "Interface" };
        let arn = format!("arn:aws:ec2:{}:{id}:vpc-endpoint/{}", endpoint.region, endpoint.id);
        let configuration = |out: &mut String| {
            out.push('{');
            text_member("vpcEndpointId", &endpoint.id, out);
            out.push_str(&format!(
                ",\"vpcEndpointType\":\"{kind}\",\"vpcId\":\"{}\",\"ownerId\":\"{id}\",",
                endpoint.vpc
            ));
            text_member("serviceName", &format!("com.amazonaws.{}.{}", endpoint.region, endpoint.service), out);
            out.push(',');
            let text = endpoint.policy.as_ref().map_or(super::DEFAULT_ENDPOINT_POLICY, |document| &document.text);
            text_member("policyDocument", text, out);
            out.push('}');
        };
        items.item("AWS::EC2::VPCEndpoint", &arn, &endpoint.id, &endpoint.region, &[], configuration, |out| {
            out.push_str("{}");
        });
    }
    items.item("AWS::S3::AccountPublicAccessBlock", "", id, &part.region, &[], block, |out| out.push_str("{}"));
    out.push_str("]}\n");
    folder.file(&format!("config/{id}_Config_{}_ConfigSnapshot_20260901T100000Z_{id}.json", part.region), &out)
}

fn block(out: &mut String) {
    out.push_str(
        "{\"blockPublicAcls\":false,\"ignorePublicAcls\":false,\"blockPublicPolicy\":false,\"restrictPublicBuckets\":false}",
    );
}

fn encoded(document: &Document, out: &mut String) {
    out.push('"');
    percent_encode(&document.text, out);
    out.push('"');
}

fn tags(tags: &[(String, String)], out: &mut String) {
    out.push('{');
    for (index, (key, value)) in tags.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        text_member(key, value, out);
    }
    out.push('}');
}

struct Items<'a> {
    part: &'a AccountPart,
    out: &'a mut String,
    first: bool,
}

impl Items<'_> {
    #[expect(clippy::too_many_arguments, reason = "an item has that many parts")]
    fn item(
        &mut self,
        kind: &str,
        arn: &str,
        id: &str,
        region: &str,
        with_tags: &[(String, String)],
        configuration: impl FnOnce(&mut String),
        supplementary: impl FnOnce(&mut String),
    ) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        let out = &mut *self.out;
        out.push('{');
        text_member("resourceType", kind, out);
        out.push(',');
        text_member("resourceId", id, out);
        out.push(',');
        if !arn.is_empty() {
            text_member("ARN", arn, out);
            out.push(',');
        }
        text_member("awsAccountId", &self.part.stub.id, out);
        out.push(',');
        text_member("awsRegion", region, out);
        out.push_str(&format!(
            ",\"configurationItemVersion\":\"1.3\",\"configurationItemCaptureTime\":\"{CAPTURED}\",\
             \"configurationItemStatus\":\"OK\",\"tags\":"
        ));
        tags(with_tags, out);
        out.push_str(",\"configuration\":");
        configuration(out);
        out.push_str(",\"supplementaryConfiguration\":");
        supplementary(out);
        out.push('}');
    }

    fn identity(&mut self, word: &str, identity: &IdentityPart, more: impl FnOnce(&mut String)) {
        let lower = word.to_ascii_lowercase();
        let configuration = |out: &mut String| {
            let (path, name) = identity.path_and_name();
            out.push('{');
            text_member("arn", &identity.arn, out);
            out.push(',');
            text_member("path", path, out);
            out.push(',');
            text_member(&format!("{lower}Name"), name, out);
            out.push(',');
            text_member(&format!("{lower}Id"), &identity.unique_id, out);
            out.push_str(&format!(",\"{lower}PolicyList\":"));
            list(&identity.inline, out, |policy, out| {
                out.push('{');
                text_member("policyName", &policy.name, out);
                out.push_str(",\"policyDocument\":");
                encoded(&policy.document, out);
                out.push('}');
            });
            out.push_str(",\"attachedManagedPolicies\":");
            list(&identity.attached, out, |arn, out| {
                out.push('{');
                text_member("policyArn", arn, out);
                out.push('}');
            });
            if let Some(arn) = &identity.boundary {
                out.push_str(",\"permissionsBoundary\":{");
                text_member("permissionsBoundaryArn", arn, out);
                out.push('}');
            }
            if word != "Group" {
                out.push_str(",\"tags\":");
                list(&identity.tags, out, |(key, value), out| {
                    out.push('{');
                    text_member("key", key, out);
                    out.push(',');
                    text_member("value", value, out);
                    out.push('}');
                });
            }
            more(out);
            out.push('}');
        };
        let kind = format!("AWS::IAM::{word}");
        self.item(&kind, &identity.arn, &identity.unique_id, "global", &[], configuration, |out| out.push_str("{}"));
    }

    fn managed(&mut self, policy: &ManagedPart) {
        let (_, name) = policy.path_and_name();
        let version = if policy.previous.is_some() { "v2" } else { "v1" };
        let configuration = |out: &mut String| {
            out.push('{');
            text_member("policyName", name, out);
            out.push(',');
            text_member("arn", &policy.arn, out);
            out.push_str(&format!(",\"defaultVersionId\":\"{version}\",\"policyVersionList\":[{{\"document\":"));
            encoded(&policy.document, out);
            out.push_str(&format!(",\"versionId\":\"{version}\",\"isDefaultVersion\":true}}]}}"));
        };
        self.item("AWS::IAM::Policy", &policy.arn, &policy.id, "global", &[], configuration, |out| out.push_str("{}"));
    }

    fn resource(&mut self, resource: &ResourcePart) {
        let (kind, records) = records(&resource.arn);
        let text = resource.policy.as_ref().map(|document| &*document.text);
        let name = resource.arn.rsplit([':', '/']).next().unwrap_or_default();
        let id = if kind == "AWS::S3::Bucket" { name } else { resource.arn.as_str() };
        let configuration = |out: &mut String| match (records, text) {
            (Records::Configuration(field), Some(text)) => {
                out.push('{');
                text_member(field, text, out);
                out.push('}');
            }
            _ => out.push_str("{}"),
        };
        let supplementary = |out: &mut String| match records {
            Records::Bucket => {
                out.push_str("{\"BucketPolicy\":{");
                match text {
                    Some(text) => text_member("policyText", text, out),
                    None => out.push_str("\"policyText\":null"),
                }
                out.push_str("},\"PublicAccessBlockConfiguration\":");
                block(out);
                out.push('}');
            }
            Records::Supplementary => {
                out.push('{');
                match text {
                    Some(text) => text_member("Policy", text, out),
                    None => out.push_str("\"Policy\":null"),
                }
                out.push('}');
            }
            _ => out.push_str("{}"),
        };
        let region = resource.arn.split(':').nth(3).filter(|region| !region.is_empty()).unwrap_or(&self.part.region);
        let region = region.to_owned();
        self.item(kind, &resource.arn, id, &region, &resource.tags, configuration, supplementary);
    }
}
