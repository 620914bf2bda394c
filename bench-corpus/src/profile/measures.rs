//! The counts of one section.

use super::Home;
use crate::hash::Fnv;
use iamc_policy::document::{Effect, Policy, Statement};
use iamc_policy::template::Piece;
use iamc_policy::{ActionPattern, PrincipalEntry, SetOperator, Template};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How often each number occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<usize, u64>);

impl Histogram {
    /// Counts one number.
    pub fn add(&mut self, value: usize) {
        *self.0.entry(value).or_default() += 1;
    }

    /// How many numbers were counted.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// Their mean; 0 if there are none.
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.0.iter().map(|(value, n)| *value as f64 * *n as f64).sum();
        sum / self.count().max(1) as f64
    }

    /// The least number that at least the share `p` of them do not exceed; 0 if there are none.
    pub fn quantile(&self, p: f64) -> usize {
        let wanted = (p * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (value, n) in &self.0 {
            seen += n;
            if seen >= wanted {
                return *value;
            }
        }
        self.max()
    }

    /// The largest number; 0 if there are none.
    pub fn max(&self) -> usize {
        self.0.last_key_value().map_or(0, |(value, _)| *value)
    }
}

/// What was counted of one section. Counts are of statements unless their name says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Measures {
    /// Policies.
    pub policies: u64,
    /// Statements.
    pub statements: u64,
    /// Statements of a policy.
    pub statements_per_policy: Histogram,
    /// Actions of a statement.
    pub actions_per_statement: Histogram,
    /// Resources of a statement.
    pub resources_per_statement: Histogram,
    /// Bytes of a policy, minified, where known.
    pub bytes: Histogram,
    /// With `"Effect": "Deny"`.
    pub deny: u64,
    /// With `NotAction`.
    pub not_action: u64,
    /// With `NotResource`.
    pub not_resource: u64,
    /// With `NotPrincipal`.
    pub not_principal: u64,
    /// With a condition.
    pub conditions: u64,
    /// With a `Sid`.
    pub sids: u64,
    /// With `Resource` exactly `*`.
    pub resource_star: u64,
    /// That use a policy variable.
    pub variables: u64,
    /// Action strings by class.
    pub action_classes: BTreeMap<&'static str, u64>,
    /// Resource strings by class.
    pub resource_classes: BTreeMap<String, u64>,
    /// Keys of a condition block.
    pub keys_per_block: Histogram,
    /// Values of a key.
    pub values_per_key: Histogram,
    /// Operator uses by name, without set prefix and `IfExists`.
    pub operators: BTreeMap<&'static str, u64>,
    /// Operator uses with `ForAnyValue:`.
    pub for_any: u64,
    /// Operator uses with `ForAllValues:`.
    pub for_all: u64,
    /// Operator uses with `IfExists`.
    pub if_exists: u64,
    /// Uses of condition keys; the tag or context key behind a family's name is `<key>`.
    pub keys: BTreeMap<String, u64>,
    /// Principal entries by class.
    pub principals: BTreeMap<&'static str, u64>,
    actions: HashMap<u64, u32>,
    resources: HashMap<u64, u32>,
    condition_blocks: HashSet<u64>,
    distinct: HashSet<u64>,
    distinct_own: HashSet<u64>,
    documents: HashMap<u64, u32>,
}

impl Measures {
    pub(crate) fn add(&mut self, policy: &Policy, bytes: usize, home: Home) {
        self.policies += 1;
        self.statements_per_policy.add(policy.statements.len());
        if bytes > 0 {
            self.bytes.add(bytes);
        }
        let mut document = Fnv::default();
        for statement in &policy.statements {
            self.statement(statement);
            let text = canonical(statement);
            self.distinct.insert(crate::hash::text(&text));
            let own = replaced(&text, home.account, "<own>");
            self.distinct_own.insert(crate::hash::text(&own));
            document.add(replaced(&own, home.region, "<region>").as_bytes());
        }
        *self.documents.entry(document.finish()).or_default() += 1;
    }

    /// Statements that differ in more than their `Sid`.
    pub fn distinct_statements(&self) -> usize {
        self.distinct.len()
    }

    /// The same where a policy's own account number is the same text in every account.
    pub fn distinct_statements_own(&self) -> usize {
        self.distinct_own.len()
    }

    /// Share of documents that some other document equals, but for account and Region.
    pub fn copies(&self) -> f64 {
        let copied: u64 = self.documents.values().filter(|n| **n > 1).map(|n| u64::from(*n)).sum();
        copied as f64 / self.policies.max(1) as f64
    }

    /// Distinct action strings (ASCII case folded), resource strings and condition blocks.
    pub fn distinct_parts(&self) -> (usize, usize, usize) {
        (self.actions.len(), self.resources.len(), self.condition_blocks.len())
    }

    /// Share of action uses that the `n` most used action strings make up.
    pub fn action_share(&self, n: usize) -> f64 {
        top_share(&self.actions, n)
    }

    /// Share of resource uses that the `n` most used resource strings make up.
    pub fn resource_share(&self, n: usize) -> f64 {
        top_share(&self.resources, n)
    }

    /// Percent of statements.
    pub fn percent(&self, count: u64) -> f64 {
        100.0 * count as f64 / self.statements.max(1) as f64
    }

    fn statement(&mut self, statement: &Statement) {
        self.statements += 1;
        self.deny += u64::from(statement.effect == Effect::Deny);
        self.sids += u64::from(statement.sid.is_some());
        self.not_action += u64::from(statement.action.negated);
        self.actions_per_statement.add(statement.action.patterns.len());
        for pattern in &statement.action.patterns {
            *self.action_classes.entry(action_class(pattern)).or_default() += 1;
            let text = pattern.to_string().to_ascii_lowercase();
            *self.actions.entry(crate::hash::text(&text)).or_default() += 1;
        }
        let mut variables = false;
        self.resources_per_statement.add(statement.resource.as_ref().map_or(0, |resource| resource.patterns.len()));
        if let Some(resource) = &statement.resource {
            self.not_resource += u64::from(resource.negated);
            let star = resource.patterns.len() == 1 && resource.patterns[0].text() == "*";
            self.resource_star += u64::from(star && !resource.negated);
            for pattern in &resource.patterns {
                *self.resource_classes.entry(resource_class(pattern)).or_default() += 1;
                *self.resources.entry(crate::hash::text(pattern.text())).or_default() += 1;
                variables |= pattern.variables().next().is_some();
            }
        }
        if let Some(principal) = &statement.principal {
            self.not_principal += u64::from(principal.negated);
            for entry in &principal.entries {
                *self.principals.entry(principal_class(entry)).or_default() += 1;
            }
        }
        if !statement.condition.atoms.is_empty() {
            self.conditions += 1;
            self.keys_per_block.add(statement.condition.atoms.len());
            self.condition_blocks.insert(crate::hash::text(&conditions(statement)));
        }
        for atom in &statement.condition.atoms {
            self.values_per_key.add(atom.values.len());
            *self.operators.entry(atom.operator.base.name()).or_default() += 1;
            self.for_any += u64::from(atom.operator.set == Some(SetOperator::ForAnyValue));
            self.for_all += u64::from(atom.operator.set == Some(SetOperator::ForAllValues));
            self.if_exists += u64::from(atom.operator.if_exists);
            *self.keys.entry(family(atom.key.as_str())).or_default() += 1;
            variables |= atom.values.iter().any(|value| value.variables().next().is_some());
        }
        self.variables += u64::from(variables);
    }
}

fn top_share(uses: &HashMap<u64, u32>, n: usize) -> f64 {
    let mut counts: Vec<u32> = uses.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let sum = |counts: &[u32]| counts.iter().map(|count| f64::from(*count)).sum::<f64>();
    let all = sum(&counts);
    counts.truncate(n);
    if all == 0.0 { 0.0 } else { sum(&counts) / all }
}

fn replaced<'a>(text: &'a str, from: &str, to: &str) -> std::borrow::Cow<'a, str> {
    if from.is_empty() || !text.contains(from) { text.into() } else { text.replace(from, to).into() }
}

/// A statement as a text that equal statements share: lists sorted, `Sid` left out.
fn canonical(statement: &Statement) -> String {
    let mut out = format!("{:?}", statement.effect);
    let mut element = |mark: &str, mut values: Vec<String>| {
        values.sort();
        out.push('\u{1}');
        out.push_str(mark);
        for value in values {
            out.push('\u{2}');
            out.push_str(&value);
        }
    };
    if let Some(principal) = &statement.principal {
        element(
            if principal.negated { "!P" } else { "P" },
            principal.entries.iter().map(|e| format!("{e:?}")).collect(),
        );
    }
    let actions = &statement.action;
    let texts = actions.patterns.iter().map(|pattern| pattern.to_string().to_ascii_lowercase()).collect();
    element(if actions.negated { "!A" } else { "A" }, texts);
    if let Some(resource) = &statement.resource {
        let texts = resource.patterns.iter().map(|pattern| pattern.text().to_owned()).collect();
        element(if resource.negated { "!R" } else { "R" }, texts);
    }
    out.push('\u{1}');
    out.push_str(&conditions(statement));
    out
}

fn conditions(statement: &Statement) -> String {
    let atom = |atom: &iamc_policy::ConditionAtom| {
        let mut values: Vec<&str> = atom.values.iter().map(Template::text).collect();
        values.sort_unstable();
        format!("{} {} {}", atom.operator, atom.key, values.join("\u{2}"))
    };
    let mut atoms: Vec<String> = statement.condition.atoms.iter().map(atom).collect();
    atoms.sort();
    atoms.join("\u{3}")
}

fn action_class(pattern: &ActionPattern) -> &'static str {
    let ActionPattern::Named { name, .. } = pattern else {
        return if *pattern == ActionPattern::Any { "*" } else { "other" };
    };
    let stars = name.matches(['*', '?']).count();
    match stars {
        0 => "exact",
        _ if name == "*" => "svc:*",
        1 if name.ends_with('*') => "prefix (svc:Verb*)",
        1 if name.starts_with('*') => "suffix (svc:*X)",
        1 => "infix (svc:A*B)",
        _ => "two or more *",
    }
}

/// The classes of the profile: where in the ARN the wildcards stand, and whether there is a variable.
fn resource_class(pattern: &Template) -> String {
    // Variables are taken out first: what is inside them is no part of the pattern's shape.
    let text: String = pattern
        .pieces()
        .map(|piece| match piece {
            Piece::Literal(text) => text.to_owned(),
            Piece::Variable(_) => "v".to_owned(),
            Piece::Escape(_) => "e".to_owned(),
        })
        .collect();
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let class = match parts.as_slice() {
        _ if text == "*" => "*",
        _ if text.contains('?') => "has ?",
        ["arn", _, _, region, account, resource] => {
            let above = region.contains('*') || account.contains('*');
            let stars = resource.matches('*').count();
            match (above, stars, resource.ends_with('*')) {
                (_, 1, true) if *resource == "*" && !above => "arn:..:* (whole service part)",
                (false, 0, _) => "exact ARN",
                (true, 0, _) => "* in region/account only",
                (false, 1, true) => "trailing * only",
                (true, 1, true) => "* in region/account and trailing *",
                _ => "inner or several *",
            }
        }
        ["arn", ..] if text.ends_with('*') => "arn:..:* (whole service part)",
        _ => "other (no full ARN)",
    };
    if pattern.variables().next().is_some() { format!("{class} + variable") } else { class.to_owned() }
}

fn principal_class(entry: &PrincipalEntry) -> &'static str {
    match entry {
        PrincipalEntry::Everyone { under_aws: false } => "\"*\"",
        PrincipalEntry::Everyone { under_aws: true } => "AWS: *",
        PrincipalEntry::Account { .. } => "AWS: account",
        PrincipalEntry::User(_) => "AWS: user",
        PrincipalEntry::Role(_) => "AWS: role",
        PrincipalEntry::RoleSession(_) => "AWS: assumed-role",
        PrincipalEntry::FederatedUser(_) | PrincipalEntry::UniqueId(_) | PrincipalEntry::Nobody(_) => "AWS: other",
        PrincipalEntry::Service(_) => "Service",
        PrincipalEntry::Federated(_) => "Federated",
        PrincipalEntry::CanonicalUser(_) => "CanonicalUser",
    }
}

/// A key with the part behind the slash, or behind a KMS encryption context, left out.
fn family(key: &str) -> String {
    if let Some((head, _)) = key.split_once('/')
        && key.split_once(':').is_some_and(|(prefix, _)| !prefix.contains('.'))
    {
        return format!("{head}/<key>");
    }
    if key.starts_with("kms:encryptioncontext:") {
        return "kms:encryptioncontext/<key>".to_owned();
    }
    match key.rsplit_once(':') {
        Some((provider, claim)) if provider.contains('.') => format!("<oidc provider>:{claim}"),
        _ => key.to_owned(),
    }
}
