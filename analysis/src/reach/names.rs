//! Names and Regions at the caller's choice (P-2.6, P-2.7, P-2.9).
//!
//! Nothing is matched against a policy here: names are made, and an engine decides about them. What is compared are ARNs
//! with the templates of their own types.

use iamc_policy::document::Policy;
use std::collections::BTreeSet;

/// At most so many names are tried for one type.
const NAMES_MAX: usize = 64;
/// At most so many Regions are tried.
pub(super) const REGIONS_MAX: usize = 16;
/// What new things are called.
pub(super) const NEW: &str = "iamc-new";

/// Where a resource is to lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
}

/// Whether the ARNs of a template name a Region.
pub(super) fn is_regional(template: &str) -> bool {
    template.contains("${Region}") || template.split(':').nth(3) == Some("*")
}

/// An ARN of that template with one name for all that is not given (P-2.6).
pub(super) fn fill(template: &str, place: Place<'_>, name: &str) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    // Few templates have a `*` where others name the Region or the account.
    let mut parts: Vec<&str> = template.splitn(6, ':').collect();
    for (at, own) in [(3, "${Region}"), (4, "${Account}")] {
        if let Some(part) = parts.get_mut(at).filter(|part| **part == "*") {
            *part = own;
        }
    }
    let template = parts.join(":");
    let mut rest = template.as_str();
    while let Some((before, behind)) = rest.split_once("${") {
        let (word, after) = behind.split_once('}').unwrap_or((behind, ""));
        text.push_str(before);
        text.push_str(match word {
            "Partition" => place.partition,
            "Account" => place.account,
            "Region" => place.region,
            _ => name,
        });
        rest = after;
    }
    text.push_str(rest);
    text
}

/// True iff the text is an ARN of the template at that place: every placeholder stands for one character or more.
pub(super) fn is_instance(template: &str, place: Place<'_>, text: &str) -> bool {
    // What is given is literal; `\0` stands for what is not, and occurs in no ARN.
    let filled = fill(template, place, "\0");
    let mut pieces = filled.split('\0');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        // At least one character for the placeholder, then the leftmost place of the literal.
        let Some(skipped) = rest.chars().next().map(char::len_utf8) else { return false };
        let Some(at) = rest[skipped..].find(piece) else { return false };
        rest = &rest[skipped + at + piece.len()..];
    }
    rest.strip_suffix(last).is_some_and(|middle| !middle.is_empty())
}

/// The service component of the ARNs of a type.
pub(super) fn arn_service(template: &str) -> &str {
    template.split(':').nth(2).unwrap_or_default()
}

/// Names of a new or chosen resource of that template: the plain one, then one for each resource entry that a policy of
/// the caller spells out (P-2.7). Each is an instance of the template.
pub(super) fn candidates<'p>(
    template: &str,
    place: Place<'_>,
    policies: impl Iterator<Item = &'p Policy>,
) -> Vec<String> {
    let mut names = vec![fill(template, place, NEW)];
    let entries = policies.flat_map(|policy| &policy.statements).filter_map(|statement| statement.resource.as_ref());
    for entry in entries.flat_map(|element| &element.patterns) {
        if entry.variables().next().is_some() || names.len() >= NAMES_MAX {
            continue;
        }
        let mut parts: Vec<String> = entry.text().splitn(6, ':').map(str::to_owned).collect();
        let [_, partition, service, region, account, resource] = &mut parts[..] else { continue };
        if service != arn_service(template) {
            continue;
        }
        for (part, own) in [(partition, place.partition), (region, place.region), (account, place.account)] {
            if part.contains(['*', '?']) {
                *part = own.to_owned();
            }
        }
        *resource = resource.replace('*', NEW).replace('?', "x");
        let text = parts.join(":");
        if is_instance(template, place, &text) && !names.contains(&text) {
            names.push(text);
        }
    }
    names
}

/// The Regions that policies name, as values of `aws:RequestedRegion` or in ARNs.
pub(super) fn regions_named<'p>(policies: impl Iterator<Item = &'p Policy>, into: &mut BTreeSet<String>) {
    let is_region = |text: &str| {
        text.len() < 32 && text.contains('-') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    for statement in policies.flat_map(|policy| &policy.statements) {
        let atoms = statement.condition.atoms.iter().filter(|atom| atom.key.as_str() == "aws:requestedregion");
        let values = atoms.flat_map(|atom| &atom.values).map(|value| value.text());
        let entries = statement.resource.iter().flat_map(|element| &element.patterns);
        let in_arns = entries.filter_map(|entry| entry.text().split(':').nth(3));
        into.extend(values.chain(in_arns).filter(|text| is_region(text)).map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_policy::{PolicyKind, Strictness};

    const FUNCTION: &str = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}";
    const PLACE: Place<'_> = Place { partition: "aws", account: "111122223333", region: "eu-west-1" };

    #[test]
    fn instances_of_templates() {
        let check = |template, text, expected| assert_eq!(is_instance(template, PLACE, text), expected, "{text}");
        check(FUNCTION, "arn:aws:lambda:eu-west-1:111122223333:function:f", true);
        check(FUNCTION, "arn:aws:lambda:eu-west-1:111122223333:function:", false);
        check(FUNCTION, "arn:aws:lambda:eu-west-2:111122223333:function:f", false);
        let stack = "arn:${Partition}:cloudformation:${Region}:${Account}:stack/${StackName}/${Id}";
        check(stack, "arn:aws:cloudformation:eu-west-1:111122223333:stack/a/b", true);
        check(stack, "arn:aws:cloudformation:eu-west-1:111122223333:stack/a", false);
        check(stack, "arn:aws:cloudformation:eu-west-1:111122223333:stack//", false);
        let device = "arn:${Partition}:braket:*:*:device/${DeviceType}/${Provider}/${DeviceId}";
        check(device, "arn:aws:braket:eu-west-1:111122223333:device/a/b/c", true);
        assert!(is_regional(device));
    }

    #[test]
    fn names_follow_the_entries_of_policies() {
        let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource":
            ["arn:aws:lambda:*:*:function:team-*", "arn:aws:lambda:us-east-1:*:function:x", "arn:aws:s3:::b", "*"]}]}"#;
        let policy = Policy::parse(PolicyKind::Identity, Strictness::Lenient, text).policy.unwrap();
        let names = candidates(FUNCTION, PLACE, std::iter::once(&policy));
        let expected =
            ["iamc-new", "team-iamc-new"].map(|n| format!("arn:aws:lambda:eu-west-1:111122223333:function:{n}"));
        assert_eq!(names, expected);
        let mut regions = BTreeSet::new();
        regions_named(std::iter::once(&policy), &mut regions);
        assert_eq!(regions.into_iter().collect::<Vec<_>>(), ["us-east-1"]);
    }
}
