//! Actions that do not exist, and entries that say nothing beside others.

use crate::glob::{Symbol, covers, symbols};
use crate::rules::{REDUNDANT_ENTRY, UNKNOWN_ACTION, UNKNOWN_SERVICE};
use crate::{LISTED_MAX, Subject};
use iamc_catalogue::Catalogue;
use iamc_policy::action::ActionPattern;
use iamc_policy::json::shown;

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    for statement in &subject.policy.statements {
        let element = &statement.action;
        let spans = subject.entry_spans(element.span, element.patterns.len());
        for (pattern, span) in element.patterns.iter().zip(&spans) {
            if let Some((rule, message, help)) = judge(subject.catalogue, pattern) {
                subject.report(rule, *span, message, &help);
            }
        }
        if element.patterns.len() <= LISTED_MAX {
            for (at, by) in redundant(&element.patterns) {
                let message = format!(
                    "`{}` is covered by `{}`",
                    shown(&element.patterns[at].to_string()),
                    shown(&element.patterns[by].to_string())
                );
                subject.report(&REDUNDANT_ENTRY, spans[at], message, "leave it out");
            }
        }
    }
}

/// What is wrong with one entry.
fn judge(catalogue: &Catalogue, pattern: &ActionPattern) -> Option<(&'static crate::Rule, String, String)> {
    let ActionPattern::Named { service: prefix, name } = pattern else { return None };
    // Without any services it knows nothing, and says nothing.
    if catalogue.n_services() == 0 {
        return None;
    }
    let Some(service) = catalogue.service(prefix) else {
        let message = format!("no service has the prefix `{}`", shown(prefix));
        let near = nearest(prefix, catalogue.services().map(|service| service.prefix()));
        return Some((&UNKNOWN_SERVICE, message, near.map_or(String::new(), |near| format!("is `{near}` meant?"))));
    };
    if !name.contains(['*', '?']) {
        if service.action(name).is_some() {
            return None;
        }
        let message = format!("`{prefix}` has no action `{}`", shown(name));
        let near = nearest(name, service.actions().map(|action| action.name()));
        let help = near.map_or_else(
            || "it matches no call; the catalogue may be older than the action".to_owned(),
            |near| format!("is `{prefix}:{near}` meant?"),
        );
        return Some((&UNKNOWN_ACTION, message, help));
    }
    let wanted = lower(name);
    if service.actions().any(|action| covers(&wanted, &lower(action.name()))) {
        return None;
    }
    let message = format!("`{}` matches no action of `{prefix}`", shown(&pattern.to_string()));
    Some((&UNKNOWN_ACTION, message, "it matches no call; the catalogue may be older than the action".to_owned()))
}

fn lower(text: &str) -> Vec<Symbol> {
    symbols(&text.to_ascii_lowercase())
}

/// Entries that another covers: the entry, and the one that covers it. Of two equal ones the later is redundant.
fn redundant(patterns: &[ActionPattern]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let by = patterns.iter().enumerate().position(|(other, candidate)| {
            other != at && action_covers(candidate, pattern) && (other < at || !action_covers(pattern, candidate))
        });
        found.extend(by.map(|by| (at, by)));
    }
    found
}

/// Whether every action of `b` is one of `a`.
pub(crate) fn action_covers(a: &ActionPattern, b: &ActionPattern) -> bool {
    match (a, b) {
        (ActionPattern::Any, _) => !matches!(b, ActionPattern::Nothing(_)),
        (ActionPattern::Named { service: x, name: a }, ActionPattern::Named { service: y, name: b }) => {
            // Most entries share no beginning.
            x == y && covers(&lower(a), &lower(b))
        }
        _ => false,
    }
}

/// The candidate that differs least, if it differs little: at most two letters, and a quarter of them.
fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_ascii_lowercase();
    if word.len() > 80 {
        return None;
    }
    let limit = (word.len() / 4).clamp(1, 2);
    let best = candidates.map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate)).min()?;
    (best.0 <= limit).then_some(best.1)
}

/// The number of letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_cover_each_other() {
        let covers = |a, b| action_covers(&ActionPattern::new(a), &ActionPattern::new(b));
        assert!(covers("*", "s3:GetObject"));
        assert!(covers("s3:get*", "S3:GetObject*"));
        assert!(!covers("s3:GetObject", "s3:Get*"));
        assert!(!covers("s3:*", "sqs:SendMessage"));
        let list = ["s3:Get*", "s3:GetObject", "s3:GetObject", "s3:PutObject"].map(ActionPattern::new);
        assert_eq!(redundant(&list), [(1, 0), (2, 0)]);
        let twice = ["s3:GetObject", "s3:getobject"].map(ActionPattern::new);
        assert_eq!(redundant(&twice), [(1, 0)]);
    }

    #[test]
    fn misspelled_names_are_near() {
        assert_eq!(nearest("GetObjekt", ["GetObject", "PutObject"].into_iter()), Some("GetObject"));
        assert_eq!(nearest("Fetch", ["GetObject", "PutObject"].into_iter()), None);
    }
}
