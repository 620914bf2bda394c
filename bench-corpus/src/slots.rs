//! Slots: `@{name}` in a text stands for something of the account or the organization that it is written for.
//!
//! Slots let one text be stamped into many accounts, and let a template name things that exist: `@{bucket}` becomes
//! the name of a bucket of the account, `@{other}` another account of the organization. docs/corpus.md lists them.

use serde_json::Value;

/// Copies `text` to `out`, asking `resolve` for each slot in it. A slot for which `resolve` says false, having
/// written nothing, is copied as it stands, and so is what only looks like a slot: a slot's name is made of small
/// letters, digits and `_`. Cost: O(bytes).
pub(crate) fn fill(text: &str, out: &mut String, mut resolve: impl FnMut(&str, &mut String) -> bool) {
    let mut rest = text;
    while let Some(start) = rest.find("@{") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            out.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let slot = &rest[start..start + length + 1];
        if !resolve(name, out) {
            out.push_str(slot);
        }
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
}

/// Puts slots into a collected statement, in place of what ties it to the account that it came from: account
/// numbers, Regions, and the names of resources of the common services.
pub(crate) fn generalise(statement: &mut Value) {
    let Some(object) = statement.as_object_mut() else { return };
    for (name, value) in object {
        match name.as_str() {
            "Principal" | "NotPrincipal" => each_text(value, &|text| arn(text, "@{principal_account}")),
            "Resource" | "NotResource" => each_text(value, &|text| arn(text, "@{account}")),
            "Condition" => each_text(value, &|text| match text {
                _ if text.starts_with("o-") && text.len() >= 12 => "@{org}".to_owned(),
                _ if text.starts_with("vpce-") => "@{vpce}".to_owned(),
                _ if text.starts_with("vpc-") => "@{vpc}".to_owned(),
                _ => arn(text, "@{account}"),
            }),
            _ => {}
        }
    }
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(map) => map.iter_mut().for_each(|(_, value)| each_text(value, change)),
        _ => {}
    }
}

/// Slots for an ARN, or for a lone account number; any other text stays.
fn arn(text: &str, account: &str) -> String {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if is_account(text) {
        return account.to_owned();
    }
    let mut parts: Vec<String> = text.splitn(6, ':').map(str::to_owned).collect();
    if parts.len() != 6 || parts[0] != "arn" {
        return text.to_owned();
    }
    if is_account(&parts[4]) {
        parts[4] = account.to_owned();
    }
    if parts[3].len() >= 9 && parts[3].ends_with(|c: char| c.is_ascii_digit()) && !parts[3].contains(['*', '$']) {
        parts[3] = "@{region}".to_owned();
    }
    let forms: &[(&str, &str, &str)] = &[
        ("s3", "", "@{bucket}"),
        ("sqs", "", "@{queue}"),
        ("sns", "", "@{topic}"),
        ("dynamodb", "table/", "@{table}"),
        ("lambda", "function:", "@{function}"),
        ("kms", "key/", "@{key}"),
        ("ecr", "repository/", "@{repository}"),
        ("iam", "role/", "@{role}"),
        ("ecs", "cluster/", "@{cluster}"),
    ];
    if let Some((_, lead, slot)) =
        forms.iter().find(|(service, lead, _)| parts[2] == *service && parts[5].starts_with(lead))
    {
        let name = &parts[5][lead.len()..];
        let end = name.find(['/', ':']).unwrap_or(name.len());
        if !name[..end].is_empty() && !name[..end].contains(['*', '?', '$', '{']) {
            parts[5] = format!("{lead}{slot}{}", &name[end..]);
        }
    }
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_and_unknown_ones_kept() {
        let mut out = String::new();
        fill("a @{x} ${y} @{z} @{\"@{x}\"} @{", &mut out, |slot, out| {
            if slot == "x" {
                out.push('1');
            }
            slot == "x"
        });
        assert_eq!(out, "a 1 ${y} @{z} @{\"1\"} @{");
    }

    #[test]
    fn collected_statements_lose_their_origin() {
        let mut value = serde_json::json!({
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/x"},
            "Resource": ["arn:aws:s3:::my-bucket/*", "arn:aws:sqs:us-east-1:111122223333:q", "arn:aws:s3:::a-*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        });
        generalise(&mut value);
        let expected = serde_json::json!({
            "Principal": {"AWS": "arn:aws:iam::@{principal_account}:role/@{role}"},
            "Resource": ["arn:aws:s3:::@{bucket}/*", "arn:aws:sqs:@{region}:@{account}:@{queue}", "arn:aws:s3:::a-*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "@{account}"}},
        });
        assert_eq!(value, expected);
    }
}
