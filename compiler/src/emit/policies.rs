//! Statements, bodies with their service index, and named policies.

use crate::emit::Emitter;
use crate::error::{CompileError, id};
use crate::intern::NONE;
use crate::lower::pattern_kind_of;
use iamc_policy::PolicyKind;
use iamc_policy::condition::ConditionKey;
use iamc_runtime::hash::{TableBuilder, hash};
use iamc_runtime::layout::{ELEMENT_ANY, ELEMENT_EMPTY, INSTANCE_ROW, NEGATED, RULE_BY_ELEMENT, STATEMENT_ROW};
use iamc_runtime::{pattern, statements};

/// The number of a policy kind in the tables: its position in the order of.
pub(crate) fn kind_word(kind: PolicyKind) -> u32 {
    let position = PolicyKind::ALL.iter().position(|known| *known == kind);
    // There are nine kinds.
    position.expect("ALL holds every kind") as u32
}

impl Emitter<'_> {
    fn pattern(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.patterns.get(lowered) {
            return Ok(known);
        }
        let [text, variables, kind] = self.lowered.patterns.row(lowered);
        let kind = pattern_kind_of(kind);
        let template = self.lowered.read_template(text, variables);
        let keys = self.template_keys(&template)?;
        let encoded = pattern::encode(&template, kind, self.settings, &mut |key: &ConditionKey| keys[key]);
        let len = id("bytes of resource patterns", encoded.bytes.len())?;
        let bytes = &mut self.tables.pattern_bytes;
        let start = self.pattern_bytes.intern("bytes of resource patterns", bytes, &encoded.bytes)?;
        self.tables.patterns.extend([start, len, encoded.shape, encoded.min_len]);
        self.patterns.set(lowered)
    }

    fn resource_test(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if lowered == NONE {
            return Ok(NONE);
        }
        if let Some(known) = self.resource_tests.get(lowered) {
            return Ok(known);
        }
        let words = self.lowered.resource_tests.get(lowered).to_vec();
        let mut entries = Vec::with_capacity(words.len() - 1);
        for &entry in &words[1..] {
            entries.push(self.pattern(entry)?);
        }
        let first = id("entries of resource tests", self.tables.resource_entries.len())?;
        // Bounded by the list that it comes from.
        self.tables.resource_tests.extend([words[0], first, entries.len() as u32]);
        self.tables.resource_entries.extend(entries);
        self.resource_tests.set(lowered)
    }

    fn principal_test(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if lowered == NONE {
            return Ok(NONE);
        }
        if let Some(known) = self.principal_tests.get(lowered) {
            return Ok(known);
        }
        let words = self.lowered.principal_tests.get(lowered).to_vec();
        let first = id("principal entries", self.tables.principal_entries.len())? / 4;
        for &entry in &words[1..] {
            let [kind, mut text, high, partition] = self.lowered.principal_entries.row(entry);
            // With a high word, the other is the low word of an account's number.
            if high == NONE {
                text = self.maybe(text)?;
            }
            let partition = self.maybe(partition)?;
            self.tables.principal_entries.extend([kind, text, high, partition]);
        }
        // Bounded by the list that it comes from.
        self.tables.principal_tests.extend([words[0], first, words.len() as u32 - 1]);
        self.principal_tests.set(lowered)
    }

    fn statement(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.statements.get(lowered) {
            return Ok(known);
        }
        let [flags, element, resource, block, principal] = self.lowered.statements.row(lowered);
        let element = self.element(element)?;
        let resource = self.resource_test(resource)?;
        let block = self.block(block)?;
        let principal = self.principal_test(principal)?;
        self.tables.statements.extend([flags, element, resource, block, principal]);
        self.statements.set(lowered)
    }

    fn body(&mut self, kind: u32, text: u32) -> Result<u32, CompileError> {
        if let Some(&known) = self.bodies.get(&(kind, text)) {
            return Ok(known);
        }
        let mut statements = self.lowered.texts.get(text).to_vec();
        for statement in &mut statements {
            *statement = self.statement(*statement)?;
        }
        let first = id("statements of policies", self.tables.body_statements.len())?;
        let sections = self.sections(&statements)?;
        let body = id("policies", self.bodies.len())?;
        // Bounded by the list that it comes from.
        self.tables.bodies.extend([kind, first, statements.len() as u32, sections.0, sections.1]);
        self.tables.body_statements.extend(statements);
        self.bodies.insert((kind, text), body);
        Ok(body)
    }

    /// The service index: first section and number of sections.
    ///
    /// A statement about `*`, or one that says what it is not about, stands in the last section, which is about every
    /// service; all others stand in the section of each service that they name. Denies come first in a section: only a
    /// deny may end a walk early.
    fn sections(&mut self, statements: &[u32]) -> Result<(u32, u32), CompileError> {
        // Service (NONE sorts last), whether it allows (denies sort first), position; statement, set, flags.
        let mut rules: Vec<(u32, bool, u32, [u32; 3])> = Vec::new();
        for (position, &statement) in (0u32..).zip(statements) {
            let row = &self.tables.statements[STATEMENT_ROW * statement as usize..][..STATEMENT_ROW];
            let (allow, element) = (row[0] & statements::DENY == 0, row[1]);
            let flags = self.tables.action_elements[3 * element as usize];
            match (flags & NEGATED != 0, flags & ELEMENT_ANY != 0) {
                _ if flags & ELEMENT_EMPTY != 0 => {}
                // `NotAction` of everything is never true.
                (true, true) => {}
                (false, true) => rules.push((NONE, allow, position, [statement, NONE, 0])),
                (true, false) => rules.push((NONE, allow, position, [statement, NONE, RULE_BY_ELEMENT])),
                (false, false) => rules.extend(
                    self.element_entries(element)
                        .into_iter()
                        .map(|(service, set)| (service, allow, position, [statement, set, 0])),
                ),
            }
        }
        rules.sort_unstable();
        let first_section = id("sections", self.tables.body_sections.len())? / 3;
        let mut n_sections = 0;
        for section in rules.chunk_by(|left, right| left.0 == right.0) {
            let first = id("rules", self.tables.rules.len() / 4)?;
            for &(_, allow, position, [statement, set, flags]) in section {
                self.tables.rules.extend([statement, position << 1 | u32::from(!allow), set, flags]);
            }
            // Bounded by the list of rules, whose length was just checked.
            self.tables.body_sections.extend([section[0].0, first, section.len() as u32]);
            n_sections += 1;
        }
        self.check_rules()?;
        Ok((first_section, n_sections))
    }

    /// A document as a policy of one kind.
    pub(super) fn instance(&mut self, kind: PolicyKind, document: u32) -> Result<u32, CompileError> {
        let kind = kind_word(kind);
        if let Some(&known) = self.instances.get(&(kind, document)) {
            return Ok(known);
        }
        let [text, name, explanation, file, line, verbatim] = self.lowered.documents.row(document);
        let body = if text == NONE { NONE } else { self.body(kind, text)? };
        let name = self.string(name)?;
        let explanation = if explanation == NONE { NONE } else { self.explanation(explanation)? };
        let file = self.maybe(file)?;
        let instance = id("policies", self.tables.instances.len() / INSTANCE_ROW)?;
        self.tables.instances.extend([body, kind, name, explanation, file, line, verbatim]);
        self.instances.insert((kind, document), instance);
        Ok(instance)
    }

    fn explanation(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(&known) = self.explanations.get(&lowered) {
            return Ok(known);
        }
        let words = self.lowered.explanations.get(lowered).to_vec();
        let first = id("explanations", self.tables.explain_statements.len())? / 2;
        for pair in words.chunks_exact(2) {
            let sid = self.maybe(pair[0])?;
            self.tables.explain_statements.extend([sid, pair[1]]);
        }
        self.explanations.insert(lowered, first);
        Ok(first)
    }
}

/// A table over texts that differ, by id.
pub(super) fn table_of<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> Vec<u32> {
    let mut table = TableBuilder::new(texts.len());
    for (id, text) in (0u32..).zip(texts) {
        table.insert(hash(text.as_bytes()), id, |_| false);
    }
    table.finish()
}
