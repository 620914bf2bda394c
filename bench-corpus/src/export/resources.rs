//! Wrapped outputs of the commands that fetch resource policies and what decisions need beside them, one a line.

use super::{ExportError, Folder, account, list, text_member};
use crate::draft::json_text;
use crate::part::{AccountPart, ResourcePart};
use iamc_policy::request::EndpointType;
use std::fmt::Write;

pub(crate) fn write(part: &AccountPart, folder: &mut Folder) -> Result<(), ExportError> {
    let mut out = String::with_capacity(1 << 16);
    buckets(part, &mut out);
    providers(part, &mut out);
    for resource in &part.resources {
        policy(part, resource, &mut out);
    }
    if !part.endpoints.is_empty() {
        endpoints(part, &mut out);
    }
    tags(part, &mut out);
    folder.file(&format!("resources/{}.jsonl", part.stub.id), &out)
}

/// Appends one line: the wrapper around what `output` writes.
fn line(
    command: &str,
    part: &AccountPart,
    arguments: &[(&str, &str)],
    out: &mut String,
    output: impl FnOnce(&mut String),
) {
    out.push('{');
    text_member("command", command, out);
    out.push(',');
    text_member("account", &part.stub.id, out);
    out.push(',');
    text_member("region", &part.region, out);
    out.push_str(",\"arguments\":{");
    for (index, (name, value)) in arguments.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        text_member(name, value, out);
    }
    out.push_str("},\"output\":");
    output(out);
    out.push_str("}\n");
}

fn buckets(part: &AccountPart, out: &mut String) {
    let names = part.resources.iter().filter_map(|resource| resource.arn.strip_prefix("arn:aws:s3:::"));
    line("s3api list-buckets", part, &[], out, |out| {
        out.push_str("{\"Buckets\":");
        list(names, out, |name, out| {
            out.push('{');
            text_member("Name", name, out);
            out.push_str(",\"CreationDate\":\"2025-03-05T09:00:00+00:00\"}");
        });
        out.push_str(",\"Owner\":{");
        text_member("ID", &part.canonical_user, out);
        out.push_str("}}");
    });
    line("s3control get-public-access-block", part, &[("account-id", &part.stub.id)], out, |out| {
        out.push_str(
            "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":false,\"IgnorePublicAcls\":false,\
             \"BlockPublicPolicy\":false,\"RestrictPublicBuckets\":false}}",
        );
    });
}

fn providers(part: &AccountPart, out: &mut String) {
    let of = |word: &'static str| part.providers.iter().filter(move |arn| arn.contains(word));
    line("iam list-open-id-connect-providers", part, &[], out, |out| {
        out.push_str("{\"OpenIDConnectProviderList\":");
        list(of(":oidc-provider/"), out, |arn, out| {
            out.push('{');
            text_member("Arn", arn, out);
            out.push('}');
        });
        out.push('}');
    });
    line("iam list-saml-providers", part, &[], out, |out| {
        out.push_str("{\"SAMLProviderList\":");
        list(of(":saml-provider/"), out, |arn, out| {
            out.push('{');
            text_member("Arn", arn, out);
            out.push_str(",\"ValidUntil\":\"2125-03-05T09:00:00+00:00\",\"CreateDate\":\"2025-03-05T09:00:00+00:00\"}");
        });
        out.push('}');
    });
}

fn policy(part: &AccountPart, resource: &ResourcePart, out: &mut String) {
    let arn = resource.arn.as_str();
    let text = resource.policy.as_ref().map(|document| &*document.text);
    let mut pieces = arn.splitn(6, ':').skip(2);
    let service = pieces.next().unwrap_or("");
    let name = pieces.nth(2).unwrap_or("");
    let (region, id) = (&part.region, &part.stub.id);
    // A list of members, the policy last where there is one: what these outputs have in common.
    let members = |members: &[(&str, &str)], policy: &str, out: &mut String| {
        out.push('{');
        let with_policy = members.iter().copied().chain(text.map(|text| (policy, text)));
        for (index, (name, value)) in with_policy.enumerate() {
            if index > 0 {
                out.push(',');
            }
            text_member(name, value, out);
        }
        out.push('}');
    };
    match service {
        // Commands that end with an error where there is no policy are left out there: the bucket list has the name.
        "s3" if text.is_some() => {
            line("s3api get-bucket-policy", part, &[("bucket", name)], out, |out| members(&[], "Policy", out));
        }
        "s3" => {}
        "kms" => {
            let arguments = [("key-id", arn), ("policy-name", "default")];
            line("kms get-key-policy", part, &arguments, out, |out| {
                members(&[("PolicyName", "default")], "Policy", out)
            });
            line("kms list-grants", part, &[("key-id", arn)], out, |out| {
                out.push_str("{\"Grants\":[],\"Truncated\":false}")
            });
        }
        "sqs" => {
            let url = format!("https://sqs.{region}.amazonaws.com/{id}/{name}");
            line("sqs get-queue-attributes", part, &[("queue-url", &url)], out, |out| {
                out.push_str("{\"Attributes\":");
                members(&[("QueueArn", arn), ("VisibilityTimeout", "30")], "Policy", out);
                out.push('}');
            });
        }
        "sns" => line("sns get-topic-attributes", part, &[("topic-arn", arn)], out, |out| {
            out.push_str("{\"Attributes\":");
            members(&[("TopicArn", arn), ("Owner", id)], "Policy", out);
            out.push('}');
        }),
        "secretsmanager" => line("secretsmanager get-resource-policy", part, &[("secret-id", arn)], out, |out| {
            // The name is what stands before the hyphen and six random characters.
            let name = name.strip_prefix("secret:").unwrap_or(name);
            let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
            members(&[("ARN", arn), ("Name", name)], "ResourcePolicy", out);
        }),
        "ecr" if text.is_some() => {
            let name = name.strip_prefix("repository/").unwrap_or(name);
            let arguments = [("registry-id", id.as_str()), ("repository-name", name)];
            line("ecr get-repository-policy", part, &arguments, out, |out| {
                members(&[("registryId", id), ("repositoryName", name)], "policyText", out);
            });
        }
        "lambda" if text.is_some() => {
            line("lambda get-policy", part, &[("function-name", arn)], out, |out| members(&[], "Policy", out));
        }
        _ => {}
    }
}

fn endpoints(part: &AccountPart, out: &mut String) {
    line("ec2 describe-vpc-endpoints", part, &[], out, |out| {
        out.push_str("{\"VpcEndpoints\":");
        list(&part.endpoints, out, |endpoint, out| {
            let kind = if endpoint.endpoint_type == EndpointType::Gateway { "Gateway" } else { "Interface" };
            let default = "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
            out.push('{');
            text_member("VpcEndpointId", &endpoint.id, out);
            let _ = write!(out, ",\"VpcEndpointType\":\"{kind}\",\"VpcId\":\"{}\"", endpoint.vpc);
            let _ = write!(
                out,
                ",\"ServiceName\":\"com.amazonaws.{}.{}\",\"State\":\"available\",",
                endpoint.region, endpoint.service
            );
            text_member("PolicyDocument", endpoint.policy.as_ref().map_or(default, |document| &document.text), out);
            let _ = write!(out, ",\"Tags\":[],\"OwnerId\":\"{}\"}}", part.stub.id);
        });
        out.push('}');
    });
}

fn tags(part: &AccountPart, out: &mut String) {
    line("resourcegroupstaggingapi get-resources", part, &[], out, |out| {
        out.push_str("{\"PaginationToken\":\"\",\"ResourceTagMappingList\":");
        list(&part.resources, out, |resource, out| {
            out.push_str("{\"ResourceARN\":");
            json_text(&resource.arn, out);
            out.push_str(",\"Tags\":");
            account::tags(&resource.tags, out);
            out.push('}');
        });
        out.push('}');
    });
}
