//! What a compiled policy set consists of: counts, sizes, how much is shared, and what its policies depend on.

use crate::facts::Facts;
use crate::rules;
use iamc_policy::template::Template;
use iamc_runtime::CompiledPolicySet;
use iamc_runtime::conditions::IS_TEMPLATE;
use iamc_runtime::layout::{
    ACTION_SET_ROW, ATOM_ROW, BODY_ROW, ENDPOINT_ROW, GUARDRAIL_SET_ROW, INSTANCE_ROW, KEY_ROW, NONE, PATTERN_ROW,
    PRINCIPAL_ENTRY_ROW, PRINCIPAL_ROW, RESOURCE_ROW, RULE_ROW, STATEMENT_ROW, Tables, VALUE_ROW,
};
use iamc_runtime::principals::EntryKind;
use std::collections::{BTreeMap, HashMap};

/// Counts and sizes of a compiled policy set. Where a thing is stored once and used often, `n_…` counts what is stored
/// and `n_…_uses` how often it is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileReport {
    /// Accounts that anything speaks of.
    pub n_accounts: usize,
    /// Users and roles.
    pub n_principals: usize,
    /// Resources.
    pub n_resources: usize,
    /// VPC endpoints.
    pub n_endpoints: usize,
    /// Policies attached to users and roles, directly or through groups.
    pub n_attachments: usize,
    /// Different sets of SCPs or RCPs, level by level.
    pub n_guardrail_sets: usize,
    /// Named policies.
    pub n_policies: usize,
    /// Of these, policies whose text is not known.
    pub n_unknown_policies: usize,
    /// Different policy texts.
    pub n_bodies: usize,
    /// Different statements.
    pub n_statements: usize,
    /// Statements in all different policy texts.
    pub n_statement_uses: usize,
    /// Rows of the service index.
    pub n_rules: usize,
    /// Different action sets: whole services, up to four actions, bitmaps.
    pub n_action_sets: [usize; 3],
    /// Different resource patterns.
    pub n_patterns: usize,
    /// Resource patterns in all different resource tests.
    pub n_pattern_uses: usize,
    /// Different condition atoms.
    pub n_atoms: usize,
    /// Condition atoms in all different blocks.
    pub n_atom_uses: usize,
    /// Different values of condition atoms, as often as atoms have them.
    pub n_values: usize,
    /// Condition keys that some policy reads, and those that the engine itself knows.
    pub n_keys: usize,
    /// Different principal tests, `NotPrincipal` included, by the levels of that an entry of theirs can reach:
    /// `ACCT`, `BASE`, `SELF`, `STAR`. A test may reach several.
    pub n_tests_by_level: BTreeMap<&'static str, usize>,
    /// Different condition atoms by what they depend on: `context`, `principal`, `resource`, or `mixed`.
    pub n_atoms_by_dependence: BTreeMap<&'static str, usize>,
    /// Each condition key that some statement reads, itself or as a variable of a condition value, with the number of
    /// different statements that do.
    pub keys: BTreeMap<String, usize>,
    /// Name and bytes of each section that is not empty, in the order of the layout.
    pub sections: Vec<(&'static str, usize)>,
    /// Bytes of all sections.
    pub n_bytes: usize,
}

/// Counts what a set consists of. Cost: O(statements + what they consist of).
pub fn report(set: &CompiledPolicySet) -> CompileReport {
    report_without(set, None)
}

/// As [`report`], without one of the rules.
pub(crate) fn report_without(set: &CompiledPolicySet, rule: Option<&str>) -> CompileReport {
    let tables: &Tables = set.tables();
    let derived = rules::derive_without(&facts(set), rule);
    let count = |list: &[(u32, &'static str)]| {
        let mut counts = BTreeMap::new();
        for (_, word) in list {
            *counts.entry(*word).or_insert(0) += 1;
        }
        counts
    };
    let mut keys = BTreeMap::new();
    for &(_, key) in &derived.statement_reads {
        *keys.entry(key_name(set, key).to_owned()).or_insert(0) += 1;
    }
    let mut n_action_sets = [0; 3];
    for row in tables.action_sets.chunks_exact(ACTION_SET_ROW) {
        // The runtime refuses other shapes.
        n_action_sets[row[0] as usize] += 1;
    }
    let mut sections = Vec::new();
    tables.for_each(&mut |_, name, section| {
        let n_bytes = section.n_bytes();
        if n_bytes > 0 {
            sections.push((name, n_bytes));
        }
    });
    CompileReport {
        n_accounts: tables.account_numbers.len(),
        n_principals: tables.principals.len() / PRINCIPAL_ROW,
        n_resources: tables.resources.len() / RESOURCE_ROW,
        n_endpoints: tables.endpoints.len() / ENDPOINT_ROW,
        n_attachments: tables.attachments.len(),
        n_guardrail_sets: tables.guardrail_sets.len() / GUARDRAIL_SET_ROW,
        n_policies: tables.instances.len() / INSTANCE_ROW,
        n_unknown_policies: tables.instances.chunks_exact(INSTANCE_ROW).filter(|row| row[0] == NONE).count(),
        n_bodies: tables.bodies.len() / BODY_ROW,
        n_statements: tables.statements.len() / STATEMENT_ROW,
        n_statement_uses: tables.body_statements.len(),
        n_rules: tables.rules.len() / RULE_ROW,
        n_action_sets,
        n_patterns: tables.patterns.len() / PATTERN_ROW,
        n_pattern_uses: tables.resource_entries.len(),
        n_atoms: tables.atoms.len() / ATOM_ROW,
        n_atom_uses: tables.block_atoms.len(),
        n_values: tables.values.len() / VALUE_ROW,
        n_keys: tables.keys.len() / KEY_ROW,
        n_tests_by_level: count(&derived.reaches),
        n_atoms_by_dependence: count(&derived.dependence),
        keys,
        n_bytes: sections.iter().map(|(_, n_bytes)| n_bytes).sum(),
        sections,
    }
}

fn key_name(set: &CompiledPolicySet, key: u32) -> &str {
    set.text(set.tables().keys[KEY_ROW * key as usize])
}

/// Statements, principal tests and condition atoms as facts.
fn facts(set: &CompiledPolicySet) -> Facts {
    let tables = set.tables();
    let mut facts = Facts::default();
    for (test, row) in (0..).zip(tables.principal_tests.chunks_exact(3)) {
        facts.names.extend((row[1]..row[1] + row[2]).map(|entry| (test, entry)));
    }
    for (entry, row) in (0..).zip(tables.principal_entries.chunks_exact(PRINCIPAL_ENTRY_ROW)) {
        facts.classes.extend(classes(row[0]).iter().map(|class| (entry, *class)));
    }
    for (statement, row) in (0..).zip(tables.statements.chunks_exact(STATEMENT_ROW)) {
        if row[3] != NONE {
            let block = &tables.blocks[3 * row[3] as usize..][..3];
            let atoms = &tables.block_atoms[block[1] as usize..][..block[2] as usize];
            facts.needs.extend(atoms.iter().map(|atom| (statement, *atom)));
        }
    }
    let n_keys = (tables.keys.len() / KEY_ROW) as u32;
    let ids: HashMap<&str, u32> = (0..n_keys).map(|key| (key_name(set, key), key)).collect();
    for (atom, row) in (0..).zip(tables.atoms.chunks_exact(ATOM_ROW)) {
        facts.reads.push((atom, row[1]));
        for value in tables.values[VALUE_ROW * row[2] as usize..].chunks_exact(VALUE_ROW).take(row[3] as usize) {
            let variables = variables(tables, value);
            facts.reads.extend(variables.iter().filter_map(|key| ids.get(key.as_str())).map(|key| (atom, *key)));
        }
    }
    facts.speaks.extend((0..n_keys).map(|key| (key, speaks_of(key_name(set, key)))));
    facts
}

/// The keys that a condition value names as variables. The policy's own text stands first in its bytes, behind its
/// length.
fn variables(tables: &Tables, value: &[u32]) -> Vec<String> {
    let bytes = &tables.value_bytes[value[0] as usize..][..value[1] as usize];
    let text = bytes.split_first_chunk().and_then(|(len, rest)| rest.get(..u32::from_le_bytes(*len) as usize));
    match text.and_then(|text| std::str::from_utf8(text).ok()) {
        Some(text) if value[2] & IS_TEMPLATE != 0 => {
            Template::with_variables(text).variables().map(|variable| variable.key.as_str().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// What an entry of a `Principal` element can be of a caller: a user's ARN is a user itself, and the base of
/// its federated users.
fn classes(kind: u32) -> &'static [&'static str] {
    use EntryKind::*;
    let all = [
        (Everyone, &["everyone"][..]),
        (EveryoneUnderAws, &["everyone"]),
        (Account, &["account", "itself"]),
        (CanonicalUser, &["account", "itself"]),
        (User, &["itself", "base"]),
        (UniqueId, &["itself", "base"]),
        (Role, &["base"]),
        (RoleSession, &["itself"]),
        (FederatedUser, &["itself"]),
        (Service, &["itself"]),
        (Federated, &["itself"]),
    ];
    all.into_iter().find(|(known, _)| *known as u32 == kind).map_or(&[], |(_, classes)| classes)
}

/// What a condition key speaks of (5.2): the caller and its session's tags, the resource, or the rest of the request.
fn speaks_of(key: &str) -> &'static str {
    if key.starts_with("aws:principal") || matches!(key, "aws:userid" | "aws:username") {
        "principal"
    } else if key.starts_with("aws:resource") {
        "resource"
    } else {
        "context"
    }
}
