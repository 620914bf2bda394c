//! What a compiled policy set consists of: counts, sizes, and how much is shared.

use iamc_runtime::CompiledPolicySet;
use iamc_runtime::layout::{
    ACTION_SET_ROW, ATOM_ROW, BODY_ROW, ENDPOINT_ROW, INSTANCE_ROW, KEY_ROW, NONE, PATTERN_ROW, PRINCIPAL_ROW,
    RESOURCE_ROW, RULE_ROW, STATEMENT_ROW, Section, Tables, VALUE_ROW,
};

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
    /// Name and bytes of each section that is not empty, in the order of the layout.
    pub sections: Vec<(&'static str, usize)>,
    /// Bytes of all sections.
    pub n_bytes: usize,
}

/// Counts what a set consists of. Cost: O(action sets + policies).
pub fn report(set: &CompiledPolicySet) -> CompileReport {
    let tables: &Tables = set.tables();
    let mut n_action_sets = [0; 3];
    for row in tables.action_sets.chunks_exact(ACTION_SET_ROW) {
        // The runtime refuses other shapes.
        n_action_sets[row[0] as usize] += 1;
    }
    let mut sections = Vec::new();
    tables.for_each(&mut |_, name, section| {
        let n_bytes = match section {
            Section::U8(list) => list.len(),
            Section::U32(list) => list.len() * 4,
            Section::U64(list) => list.len() * 8,
        };
        if n_bytes > 0 {
            sections.push((name, n_bytes));
        }
    });
    CompileReport {
        n_accounts: tables.account_numbers.len(),
        n_principals: tables.principals.len() / PRINCIPAL_ROW,
        n_resources: tables.resources.len() / RESOURCE_ROW,
        n_endpoints: tables.endpoints.len() / ENDPOINT_ROW,
        n_attachments: tables.attachments.len() / 2,
        n_guardrail_sets: tables.guardrail_sets.len() / 3,
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
        n_bytes: sections.iter().map(|(_, n_bytes)| n_bytes).sum(),
        sections,
    }
}
