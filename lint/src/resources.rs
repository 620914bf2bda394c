//! ARNs that can match nothing, and actions with nothing to act on.

use crate::glob::{Symbol, apart, covers, of_arn_template, of_template};
use crate::keys::known;
use crate::rules::{REDUNDANT_ENTRY, RESOURCE_MISMATCH, RESOURCE_NEEDS_STAR, RESOURCE_UNKNOWN};
use crate::{LISTED_MAX, Subject};
use iamc_catalogue::{Catalogue, lists};
use iamc_policy::document::{ResourceElement, Statement};
use iamc_policy::json::shown;
use iamc_policy::template::Template;
use std::collections::BTreeMap;

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    // Templates of a service are made into patterns once.
    let mut types: Types = BTreeMap::new();
    for statement in &subject.policy.statements {
        let Some(element) = &statement.resource else { continue };
        let spans = subject.entry_spans(element.span, element.patterns.len());
        for (pattern, span) in element.patterns.iter().zip(&spans) {
            if let Some(part) = impossible_part(pattern) {
                let message = format!("no ARN has the {part} of `{}`", shown(pattern.text()));
                subject.report(
                    &RESOURCE_UNKNOWN,
                    *span,
                    message,
                    "partitions begin with `aws`, accounts have twelve digits",
                );
            } else if is_of_no_type(subject.catalogue, &mut types, pattern) {
                let service = pattern.text().split(':').nth(2).unwrap_or_default();
                let message = format!("`{}` is no ARN of a resource that `{service}` has", shown(pattern.text()));
                subject.report(&RESOURCE_UNKNOWN, *span, message, &forms(subject.catalogue, service));
            }
        }
        if element.patterns.len() <= LISTED_MAX {
            for (at, by) in redundant(&element.patterns) {
                let texts = (shown(element.patterns[at].text()), shown(element.patterns[by].text()));
                let message = format!("`{}` is covered by `{}`", texts.0, texts.1);
                subject.report(&REDUNDANT_ENTRY, spans[at], message, "leave it out");
            }
        }
        if !element.negated && !statement.action.negated {
            mismatches(subject, statement, element);
        }
    }
}

type Types = BTreeMap<String, Vec<Vec<Symbol>>>;

/// The part of an ARN pattern that no ARN has: a partition of nobody, an account number that is too short or too long.
fn impossible_part(pattern: &Template) -> Option<&'static str> {
    let parts: Vec<&str> = pattern.text().splitn(6, ':').collect();
    let ["arn", partition, _, _, account, _] = parts[..] else { return None };
    if !partition.contains(['*', '?', '$']) && !partition.starts_with("aws") {
        return Some("partition");
    }
    let is_number = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && account.len() != 12).then_some("account")
}

/// Whether an ARN pattern can match no resource type of its service.
fn is_of_no_type(catalogue: &Catalogue, types: &mut Types, pattern: &Template) -> bool {
    let parts: Vec<&str> = pattern.text().splitn(6, ':').collect();
    let ["arn", _, service, _, _, _] = parts[..] else { return false };
    // Of a service with a wildcard or a variable nothing is known.
    if service.contains(['*', '?', '$']) {
        return false;
    }
    let known = types.entry(service.to_owned()).or_insert_with(|| {
        // The service of an ARN is not always the prefix of its actions.
        let of_service = |text: &str| text.split(':').nth(2).is_some_and(|of| of == service || of.starts_with("${"));
        let all = catalogue.services().flat_map(|service| service.resource_types());
        let texts = all.flat_map(|resource_type| resource_type.arn_templates()).filter(|text| of_service(text));
        texts.map(of_arn_template).collect()
    });
    let symbols = of_template(pattern);
    !known.is_empty() && known.iter().all(|template| apart(template, &symbols))
}

/// What ARNs of a service look like, for a help.
fn forms(catalogue: &Catalogue, service: &str) -> String {
    let Some(facts) = catalogue.service(service) else { return String::new() };
    let mut forms: Vec<&str> = facts.resource_types().flat_map(|kind| kind.arn_templates()).take(3).collect();
    forms.dedup();
    if forms.is_empty() { String::new() } else { format!("its ARNs look like `{}`", forms.join("` or `")) }
}

fn redundant(patterns: &[Template]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let by = patterns.iter().enumerate().position(|(other, candidate)| {
            other != at && resource_covers(candidate, pattern) && (other < at || !resource_covers(pattern, candidate))
        });
        found.extend(by.map(|by| (at, by)));
    }
    found
}

/// Whether every resource of `b` is one of `a`.
pub(crate) fn resource_covers(a: &Template, b: &Template) -> bool {
    if a.text() == b.text() || is_star(a) {
        return true;
    }
    // What a variable becomes is not known; partial ARNs have rules of their own.
    let full = |template: &Template| template.text().splitn(6, ':').count() == 6;
    if a.variables().next().is_some() || a.fault().is_some() || !full(a) || !full(b) {
        return false;
    }
    // Wildcards inside the first five segments match no colon: only one that ends its segment matches everything.
    let inner = |segment: &str| segment.contains('?') || segment.trim_end_matches('*').contains('*');
    !a.text().splitn(6, ':').take(5).any(inner) && covers(&of_template(a), &of_template(b))
}

pub(crate) fn is_star(template: &Template) -> bool {
    !template.text().is_empty() && template.text().bytes().all(|byte| byte == b'*')
}

/// The symbols of a resource; what a partial ARN leaves out is any text.
fn of_resource(template: &Template) -> Vec<Symbol> {
    let mut symbols = of_template(template);
    if template.text().splitn(6, ':').count() < 6 {
        symbols.push(Symbol::Any);
    }
    symbols
}

/// Actions that act on nothing that the statement names.
fn mismatches(subject: &mut Subject<'_>, statement: &Statement, element: &ResourceElement) {
    if element.patterns.is_empty() || element.patterns.iter().any(is_star) {
        return;
    }
    let patterns: Vec<Vec<Symbol>> = element.patterns.iter().map(of_resource).collect();
    let spans = subject.entry_spans(statement.action.span, statement.action.patterns.len());
    let mut work = 0;
    for (pattern, span) in statement.action.patterns.iter().zip(&spans) {
        let Some(action) = known(subject, pattern) else { continue };
        let name = pattern.to_string();
        let lower = name.to_ascii_lowercase();
        if action.is_wildcard_only() {
            // Some are authorised against a text of their own, which ends in a star that is a plain character.
            let own = if lists::PSEUDO_ARN_S3.contains(&&*lower) {
                Some("arn:${Partition}:s3:::")
            } else if lists::PSEUDO_ARN_DYNAMODB.contains(&&*lower) {
                Some("arn:${Partition}:dynamodb:${Region}:${Account}:")
            } else {
                None
            };
            let own = own.map(|text| [of_arn_template(text), vec![Symbol::Char('*')]].concat());
            if own.is_none_or(|own| patterns.iter().all(|pattern| apart(&own, pattern))) {
                let message = format!("`{}` acts on no resource, so only `*` covers it", shown(&name));
                subject.report(&RESOURCE_NEEDS_STAR, *span, message, "give it a statement with `\"Resource\": \"*\"`");
            }
            continue;
        }
        let templates: Vec<Vec<Symbol>> = action
            .resource_types()
            .flat_map(|(resource_type, _)| resource_type.arn_templates())
            .map(of_arn_template)
            .collect();
        work += templates.len() * patterns.len();
        if work > 100_000 {
            return;
        }
        if !templates.is_empty() && patterns.iter().all(|p| templates.iter().all(|template| apart(template, p))) {
            let first = action.resource_types().flat_map(|(kind, _)| kind.arn_templates()).next().unwrap_or_default();
            let message = format!("`{}` acts on none of the statement's resources", shown(&name));
            subject.report(&RESOURCE_MISMATCH, *span, message, &format!("it acts on `{first}`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_cover_each_other() {
        let covers = |a: &str, b: &str| resource_covers(&Template::with_variables(a), &Template::with_variables(b));
        assert!(covers("*", "arn:aws:s3:::b"));
        assert!(covers("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/${aws:username}"));
        assert!(covers("arn:aws:sqs:*:1:q", "arn:aws:sqs:us-east-1:1:q"));
        assert!(!covers("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/x"));
        assert!(covers("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:username}"));
        // The inner star matches no colon, the pattern that it would cover may.
        assert!(!covers("arn:aws:sqs:u*1:1:q", "arn:aws:sqs:us-*:1:q"));
        assert!(!covers("arn:aws:s3", "arn:aws:s3:::b"));
    }
}
