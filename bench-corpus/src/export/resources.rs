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

/// What an export in another form does not say: who owns the buckets, grants on keys, and the policies of the resources
/// that `lacks` names.
pub(crate) fn write_rest(
    part: &AccountPart,
    folder: &mut Folder,
    lacks: impl Fn(&ResourcePart) -> bool,
) -> Result<(), ExportError> {
    let mut out = String::with_capacity(1 << 12);
    buckets(part, &mut out);
    for resource in &part.resources {
        if lacks(resource) {
            policy(part, resource, &mut out);
        } else if resource.arn.starts_with("arn:aws:kms:") {
            grants(part, resource, &mut out);
        }
    }
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
    wrapper(command, part, arguments, out);
    out.push_str("\"output\":");
    output(out);
    out.push_str("}\n");
}

/// Appends one line for a command that ended with an error: how AWS says that there is nothing.
fn nothing(command: &str, part: &AccountPart, arguments: &[(&str, &str)], code: &str, out: &mut String) {
    wrapper(command, part, arguments, out);
    out.push_str("\"error\":{");
    text_member("code", code, out);
    out.push(',');
    text_member("message", &format!("An error occurred ({code})"), out);
    out.push_str("}}\n");
}

fn wrapper(command: &str, part: &AccountPart, arguments: &[(&str, &str)], out: &mut String) {
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
        if *name == "attribute-names" {
            // The one argument that is a list.
            out.push_str("\"attribute-names\":[");
            json_text(value, out);
            out.push(']');
        } else {
            text_member(name, value, out);
        }
    }
    out.push_str("},");
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
        out.push_str(PUBLIC_ACCESS_BLOCK);
    });
}

const PUBLIC_ACCESS_BLOCK: &str = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":false,\
    \"IgnorePublicAcls\":false,\"BlockPublicPolicy\":false,\"RestrictPublicBuckets\":false}}";

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
        "s3" => {
            let arguments = [("bucket", name)];
            match text {
                Some(_) => line("s3api get-bucket-policy", part, &arguments, out, |out| members(&[], "Policy", out)),
                None => nothing("s3api get-bucket-policy", part, &arguments, "NoSuchBucketPolicy", out),
            }
            line("s3api get-public-access-block", part, &arguments, out, |out| out.push_str(PUBLIC_ACCESS_BLOCK));
        }
        "kms" => {
            let arguments = [("key-id", arn), ("policy-name", "default")];
            line("kms get-key-policy", part, &arguments, out, |out| {
                members(&[("PolicyName", "default")], "Policy", out)
            });
            grants(part, resource, out);
        }
        "sqs" => {
            let url = format!("https://sqs.{region}.amazonaws.com/{id}/{name}");
            let arguments = [("queue-url", url.as_str()), ("attribute-names", "All")];
            line("sqs get-queue-attributes", part, &arguments, out, |out| {
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
        "ecr" => {
            let name = name.strip_prefix("repository/").unwrap_or(name);
            let arguments = [("registry-id", id.as_str()), ("repository-name", name)];
            let command = "ecr get-repository-policy";
            match text {
                Some(_) => line(command, part, &arguments, out, |out| {
                    members(&[("registryId", id), ("repositoryName", name)], "policyText", out);
                }),
                None => nothing(command, part, &arguments, "RepositoryPolicyNotFoundException", out),
            }
        }
        "lambda" => {
            let arguments = [("function-name", arn)];
            match text {
                Some(_) => line("lambda get-policy", part, &arguments, out, |out| members(&[], "Policy", out)),
                None => nothing("lambda get-policy", part, &arguments, "ResourceNotFoundException", out),
            }
        }
        "dynamodb" => {
            let arguments = [("resource-arn", arn)];
            match text {
                Some(_) => {
                    line("dynamodb get-resource-policy", part, &arguments, out, |out| members(&[], "Policy", out))
                }
                None => nothing("dynamodb get-resource-policy", part, &arguments, "PolicyNotFoundException", out),
            }
        }
        _ => {}
    }
}

fn grants(part: &AccountPart, resource: &ResourcePart, out: &mut String) {
    line("kms list-grants", part, &[("key-id", &resource.arn)], out, |out| {
        out.push_str("{\"Grants\":[],\"Truncated\":false}");
    });
}

fn endpoints(part: &AccountPart, out: &mut String) {
    line("ec2 describe-vpc-endpoints", part, &[], out, |out| {
        out.push_str("{\"VpcEndpoints\":");
        list(&part.endpoints, out, |endpoint, out| {
            let kind = if endpoint.endpoint_type == EndpointType::Gateway { "Gateway" } else { "Interface" };
            let default = super::DEFAULT_ENDPOINT_POLICY;
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
