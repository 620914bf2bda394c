//! The tables, as Markdown.

use super::{Histogram, Measures, Profile};
use std::collections::BTreeMap;
use std::fmt::Write;

impl Profile {
    /// The tables of docs/corpus.md: sizes, elements, action and resource classes, conditions, principals, sharing.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        sizes(self, &mut out);
        elements(self, &mut out);
        classes(self, "Action patterns (percent of action strings)", &mut out, |m| own(&m.action_classes));
        classes(self, "Resource patterns (percent of resource strings)", &mut out, |m| m.resource_classes.clone());
        conditions(self, &mut out);
        classes(self, "Principals (percent of principal entries)", &mut out, |m| own(&m.principals));
        sharing(self, &mut out);
        if self.invalid() > 0 {
            let _ = writeln!(out, "{} documents are no policies and are not counted.", self.invalid());
        }
        out
    }
}

fn own(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

fn head(title: &str, columns: &[&str], out: &mut String) {
    let _ = writeln!(out, "## {title}\n\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// `mean / p50 / p75 / p90 / p95 / p99 / max`.
fn spread(histogram: &Histogram) -> String {
    let quantiles = [0.5, 0.75, 0.9, 0.95, 0.99].map(|p| histogram.quantile(p).to_string()).join(" / ");
    format!("{:.2} / {quantiles} / {}", histogram.mean(), histogram.max())
}

fn sizes(profile: &Profile, out: &mut String) {
    let columns = [
        "corpus",
        "policies",
        "statements",
        "statements per policy",
        "actions per statement",
        "resources per statement",
        "bytes (minified)",
    ];
    head("Sizes (mean / p50 / p75 / p90 / p95 / p99 / max)", &columns, out);
    for (section, m) in profile.sections() {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            section.name(),
            m.policies,
            m.statements,
            spread(&m.statements_per_policy),
            spread(&m.actions_per_statement),
            spread(&m.resources_per_statement),
            if m.bytes.count() == 0 { "-".to_owned() } else { spread(&m.bytes) },
        );
    }
    out.push('\n');
}

fn elements(profile: &Profile, out: &mut String) {
    let columns = [
        "corpus",
        "Deny",
        "NotAction",
        "NotResource",
        "NotPrincipal",
        "Condition",
        "Sid",
        "Resource \"*\"",
        "variables",
    ];
    head("Elements (percent of statements)", &columns, out);
    for (section, m) in profile.sections() {
        let counts =
            [m.deny, m.not_action, m.not_resource, m.not_principal, m.conditions, m.sids, m.resource_star, m.variables];
        let cells = counts.map(|count| format!("{:.1}", m.percent(count))).join(" | ");
        let _ = writeln!(out, "| {} | {cells} |", section.name());
    }
    out.push('\n');
}

fn classes(profile: &Profile, title: &str, out: &mut String, of: impl Fn(&Measures) -> BTreeMap<String, u64>) {
    let columns: Vec<(&str, BTreeMap<String, u64>)> = profile
        .sections()
        .map(|(section, m)| (section.name(), of(m)))
        .filter(|(_, counts)| !counts.is_empty())
        .collect();
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for (_, counts) in &columns {
        for (class, n) in counts {
            *totals.entry(class).or_default() += *n as f64 / total(counts);
        }
    }
    let mut rows: Vec<(&str, f64)> = totals.into_iter().collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let names: Vec<&str> = std::iter::once("class").chain(columns.iter().map(|(name, _)| *name)).collect();
    head(title, &names, out);
    for (class, _) in rows {
        let cell = |counts: &BTreeMap<String, u64>| {
            format!("{:.1}", 100.0 * counts.get(class).copied().unwrap_or(0) as f64 / total(counts))
        };
        let cells: Vec<String> = columns.iter().map(|(_, counts)| cell(counts)).collect();
        let _ = writeln!(out, "| {class} | {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn total(counts: &BTreeMap<String, u64>) -> f64 {
    counts.values().sum::<u64>().max(1) as f64
}

fn conditions(profile: &Profile, out: &mut String) {
    let columns = ["corpus", "keys per block", "values per key", "ForAnyValue", "ForAllValues", "IfExists"];
    head("Conditions", &columns, out);
    for (section, m) in profile.sections() {
        let uses = m.operators.values().sum::<u64>().max(1) as f64;
        let percent = |n: u64| format!("{:.1} %", 100.0 * n as f64 / uses);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            section.name(),
            spread(&m.keys_per_block),
            spread(&m.values_per_key),
            percent(m.for_any),
            percent(m.for_all),
            percent(m.if_exists),
        );
    }
    out.push('\n');
    for (section, m) in profile.sections() {
        let _ = writeln!(out, "{}: operators: {}.\n", section.name(), most_used(&own(&m.operators)));
        let _ = writeln!(out, "keys: {}.\n", most_used(&m.keys));
    }
}

/// The twenty most used, with their percentages.
fn most_used(counts: &BTreeMap<String, u64>) -> String {
    let mut list: Vec<(&String, &u64)> = counts.iter().collect();
    list.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let all = total(counts);
    let texts = list.iter().take(20).map(|(name, n)| format!("{name} {:.1} %", 100.0 * **n as f64 / all));
    texts.collect::<Vec<_>>().join(", ")
}

fn sharing(profile: &Profile, out: &mut String) {
    let columns = [
        "corpus",
        "statements",
        "distinct statements (Sid ignored)",
        "the same, own account as one",
        "documents that are copies (account, Region aside)",
        "distinct actions",
        "distinct resources",
        "distinct condition blocks",
        "share of action uses in top 10 / 100 / 1000",
        "share of resource uses in top 1 / 10 / 100",
    ];
    head("Sharing", &columns, out);
    for (section, m) in profile.sections() {
        let (actions, resources, blocks) = m.distinct_parts();
        let shares =
            |of: &dyn Fn(usize) -> f64, ns: [usize; 3]| ns.map(|n| format!("{:.0}%", 100.0 * of(n))).join(" / ");
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.0}% | {actions} | {resources} | {blocks} | {} | {} |",
            section.name(),
            m.statements,
            m.distinct_statements(),
            m.distinct_statements_own(),
            100.0 * m.copies(),
            shares(&|n| m.action_share(n), [10, 100, 1000]),
            shares(&|n| m.resource_share(n), [1, 10, 100]),
        );
    }
    out.push('\n');
}
