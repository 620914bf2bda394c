//! The request options of `decide` → one request.
//!
//! The options are written down as a request line and read by the reader of request lines, so that both ways of
//! asking accept the same values and refuse the same mistakes.

use crate::args::{CredentialArg, Decide, EndpointTypeArg, RequestOptions, TruthArg};
use crate::ending::Failure;
use iamc_inventory::request::{self, node::FieldError};
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, Request};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The request that the options ask for; session policies, which are files, are not in it yet.
///
/// # Errors
/// [`Failure::Usage`] naming the option whose value is wrong.
pub(crate) fn read(args: &Decide, strictness: Strictness) -> Result<Request, Failure> {
    let mode = if args.closed { Mode::Closed } else { Mode::Open };
    let line = Value::Object(as_line(args)?).to_string();
    request::read_line(&line, mode, strictness).map(|line| line.request).map_err(|error| explain(&error))
}

fn as_line(args: &Decide) -> Result<Map<String, Value>, Failure> {
    let options = &args.request;
    let mut line = Map::new();
    put(&mut line, "principal", args.principal.as_ref());
    put(&mut line, "action", args.action.as_ref());
    line.insert("resource".to_owned(), json!(args.resource));
    put(&mut line, "resource_account", options.resource_account.as_ref());
    put(&mut line, "vpc_endpoint", options.vpc_endpoint.as_ref());
    line.insert("context".to_owned(), Value::Object(context(options)?));
    for (field, keys) in [("present", &options.present), ("unknown", &options.unknown), ("absent", &options.absent)] {
        line.insert(field.to_owned(), json!(keys));
    }
    line.insert("facts".to_owned(), Value::Object(facts(options)?));
    Ok(line)
}

/// `--context`: a key given once is a scalar, a key given more than once a list.
fn context(options: &RequestOptions) -> Result<Map<String, Value>, Failure> {
    let mut values: BTreeMap<ConditionKey, (&str, Vec<&str>)> = BTreeMap::new();
    for text in &options.context {
        let (key, value) = pair("--context", text)?;
        values.entry(ConditionKey::new(key)).or_insert((key, Vec::new())).1.push(value);
    }
    let state = |values: Vec<&str>| if let [value] = values[..] { json!(value) } else { json!(values) };
    Ok(values.into_values().map(|(key, values)| (key.to_owned(), state(values))).collect())
}

fn facts(options: &RequestOptions) -> Result<Map<String, Value>, Failure> {
    let mut facts = Map::new();
    if !options.principal_tag.is_empty() {
        facts.insert("principal_tags".to_owned(), Value::Object(pairs("--tag", &options.principal_tag)?));
    }
    if !options.resource_tag.is_empty() {
        facts.insert("resource_tags".to_owned(), Value::Object(pairs("--resource-tag", &options.resource_tag)?));
    }
    if !options.canonical_user.is_empty() {
        let users = pairs("--canonical-user", &options.canonical_user)?;
        facts.insert("canonical_users".to_owned(), Value::Object(users));
    }
    put(&mut facts, "role", options.role.as_ref());
    put(&mut facts, "unique_id", options.unique_id.as_ref());
    put(&mut facts, "federated_user_base", options.federated_user_base.as_ref());
    put(&mut facts, "s3_block_public_access", options.s3_block_public_access);
    for (field, given) in [("session_unknown", options.session_unknown), ("assumed_root", options.assumed_root)] {
        put(&mut facts, field, given.then_some(true));
    }
    put(
        &mut facts,
        "credential",
        options.credential.map(|credential| match credential {
            CredentialArg::SessionToken => "session_token",
        }),
    );
    put(
        &mut facts,
        "acl_allows",
        options.acl_allows.map(|truth| match truth {
            TruthArg::True => json!(true),
            TruthArg::False => json!(false),
            TruthArg::Unknown => json!("unknown"),
        }),
    );
    put(
        &mut facts,
        "vpc_endpoint_type",
        options.vpc_endpoint_type.map(|kind| match kind {
            EndpointTypeArg::Gateway => "gateway",
            EndpointTypeArg::Interface => "interface",
        }),
    );
    if !options.kms_grant.is_empty() {
        let grants: Result<Vec<Value>, Failure> = options
            .kms_grant
            .iter()
            .map(|text| {
                serde_json::from_str(text)
                    .map_err(|error| Failure::Usage(format!("`--kms-grant {text}` is not JSON: {error}")))
            })
            .collect();
        facts.insert("kms_grants".to_owned(), Value::Array(grants?));
    }
    if !options.delegated_administrator.is_empty() {
        facts.insert("delegated_administrators".to_owned(), json!(options.delegated_administrator));
    }
    Ok(facts)
}

fn put(map: &mut Map<String, Value>, field: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        map.insert(field.to_owned(), json!(value));
    }
}

/// `K=V`, cut at the first `=`; the value may be empty.
fn pair<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err(Failure::Usage(format!("`{option} {text}` has no value: write `{option} KEY=VALUE`"))),
    }
}

fn pairs(option: &str, texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut map = Map::new();
    for text in texts {
        let (key, value) = pair(option, text)?;
        if map.insert(key.to_owned(), json!(value)).is_some() {
            return Err(Failure::Usage(format!("`{option}` gives `{key}` twice")));
        }
    }
    Ok(map)
}

/// The error of the reader, about the option that the field came from.
fn explain(error: &FieldError) -> Failure {
    let field = error.field();
    let head = field.strip_prefix("facts.").unwrap_or(field);
    let head = head.split(['.', '[']).next().unwrap_or(head);
    let option = match head {
        "" => return Failure::Usage(error.to_string()),
        "principal_tags" => "tag".to_owned(),
        "kms_grants" => "kms-grant".to_owned(),
        "canonical_users" => "canonical-user".to_owned(),
        "delegated_administrators" => "delegated-administrator".to_owned(),
        "resource_tags" => "resource-tag".to_owned(),
        other => other.replace('_', "-"),
    };
    Failure::Usage(format!("`--{option}`: {}", error.message()))
}
