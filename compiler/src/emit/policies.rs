//! Statements, bodies with their service index, and named policies.

use crate::emit::Emitter;
use crate::error::{CompileError, below, id};
use crate::intern::NONE;
use crate::lower::{OWN, home_of, pattern_kind_of};
use iamc_policy::PolicyKind;
use iamc_policy::condition::ConditionKey;
use iamc_runtime::hash::{TableBuilder, hash};
use iamc_runtime::layout::{
    ACTION_SET_ROW, BODY_ROW, BODY_SPLIT, ELEMENT_ANY, ELEMENT_EMPTY, INSTANCE_ROW, NEGATED, RULE_COMPLEMENT,
    RULE_ELEMENT, RULE_RESOURCE_TEST, RULE_ROW, STATEMENT_ROW, service_bit,
};
use iamc_runtime::{pattern, statements};
use std::collections::BTreeMap;

/// Rules about every service are repeated in the sections of named services up to that many times, or four times for
/// each statement if that is more: so sections grow with their policy and no faster.
const GENERAL_MAX: usize = 256;
/// The same for the denies of guardrail sets, which each decision reads. An account adds one set at most.
pub(super) const GUARDRAIL_GENERAL_MAX: usize = 2048;

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
        let [text, flags, kind] = self.lowered.patterns.row(lowered);
        let kind = pattern_kind_of(kind);
        let template = self.lowered.read_template(text, flags);
        let keys = self.template_keys(&template)?;
        let mut key_id = |key: &ConditionKey| keys[key];
        let encoded = if flags & OWN != 0 {
            let encoded = pattern::encode_own(&template, kind, self.settings, &mut key_id);
            encoded.expect("an entry with an account component has six segments, and the fifth is empty without it")
        } else {
            pattern::encode(&template, kind, self.settings, &mut key_id)
        };
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
        let (split, first_section, n_sections) = self.sections(&statements, GENERAL_MAX)?;
        let body = id("policies", self.bodies.len())?;
        // Bounded by the list that it comes from.
        self.tables.bodies.extend([kind | split, first, statements.len() as u32, first_section, n_sections]);
        self.tables.body_statements.extend(statements);
        self.bodies.insert((kind, text), body);
        Ok(body)
    }

    /// The service index of statements: [`BODY_SPLIT`] or 0, first section and number of sections.
    ///
    /// Each service that a statement names has a section of its own, with every rule that may be about it; the last
    /// section is about all other services. Where that would repeat the rules about every service too often, they
    /// stand in the last section alone, which then counts for all services. Denies come first in a section: only a
    /// deny may end a walk early.
    pub(super) fn sections(&mut self, statements: &[u32], general_max: usize) -> Result<(u32, u32, u32), CompileError> {
        // Whether it allows (denies sort first), position, words.
        type Rule = (bool, u32, [u32; RULE_ROW]);
        let mut named: BTreeMap<u32, Vec<Rule>> = BTreeMap::new();
        // The same with the element that leaves services out; NONE: about everything.
        let mut general: Vec<(Rule, u32)> = Vec::new();
        for (position, &statement) in (0u32..).zip(statements) {
            let row = &self.tables.statements[STATEMENT_ROW * statement as usize..][..STATEMENT_ROW];
            let (deny, element, resource, block) = (row[0] & statements::DENY != 0, row[1], row[2], row[3]);
            let head = below("statements", statement, 1 << 31)? << 1 | u32::from(deny);
            let rule = |actions| (!deny, position, [head, actions, self.resource_word(resource), block]);
            let flags = self.tables.action_elements[3 * element as usize];
            match (flags & NEGATED != 0, flags & ELEMENT_ANY != 0) {
                _ if flags & ELEMENT_EMPTY != 0 => {}
                // `NotAction` of everything is never true.
                (true, true) => {}
                (false, true) => general.push((rule(NONE), NONE)),
                (true, false) => {
                    let element = below("action elements", element, RULE_ELEMENT)?;
                    general.push((rule(RULE_ELEMENT | element), element));
                    for (service, set) in self.element_entries(element) {
                        below("action sets", set, RULE_ELEMENT)?;
                        named.entry(service).or_default();
                    }
                }
                (false, false) => {
                    for (service, set) in self.element_entries(element) {
                        let set = below("action sets", set, RULE_ELEMENT)?;
                        named.entry(service).or_default().push(rule(set));
                    }
                }
            }
        }
        let split = named.len() * general.len() > general_max.max(4 * statements.len());
        if split {
            named.retain(|_, rules| !rules.is_empty());
        } else {
            for (&service, rules) in &mut named {
                for &((allow, position, words), element) in &general {
                    let actions = match self.entries_about(element, service).as_slice() {
                        [] => NONE,
                        // A whole service is left out.
                        [set] if self.tables.action_sets[ACTION_SET_ROW * *set as usize] == 0 => continue,
                        [set] => RULE_COMPLEMENT | set,
                        _ => RULE_ELEMENT | element,
                    };
                    rules.push((allow, position, [words[0], actions, words[2], words[3]]));
                }
            }
            // No other service is named.
            general.iter_mut().for_each(|((_, _, words), _)| words[1] = NONE);
        }
        if !general.is_empty() {
            named.insert(NONE, general.into_iter().map(|(rule, _)| rule).collect());
        }
        let first_section = id("sections", self.tables.body_sections.len())? / 3;
        let mut n_sections = 0;
        for (service, mut rules) in named {
            rules.sort_unstable();
            let words: Vec<u32> = rules.into_iter().flat_map(|(_, _, words)| words).collect();
            let first = self.rules.intern("rules", &mut self.tables.rules, &words)?;
            // Bounded by the list of rules, whose length was just checked.
            self.tables.body_sections.extend([service, first / RULE_ROW as u32, (words.len() / RULE_ROW) as u32]);
            n_sections += 1;
        }
        self.check_rules()?;
        Ok((if split { BODY_SPLIT } else { 0 }, first_section, n_sections))
    }

    /// The action sets of an element about a service.
    fn entries_about(&self, element: u32, service: u32) -> Vec<u32> {
        if element == NONE {
            return Vec::new();
        }
        self.element_entries(element).into_iter().filter(|entry| entry.0 == service).map(|entry| entry.1).collect()
    }

    /// A resource test as rules say it: one pattern needs no list, and a test that is always true is none.
    pub(super) fn resource_word(&self, test: u32) -> u32 {
        if test == NONE {
            return NONE;
        }
        let row = &self.tables.resource_tests[3 * test as usize..][..3];
        let entries = &self.tables.resource_entries[row[1] as usize..][..row[2] as usize];
        let is_everything = |pattern: u32| pattern::is_everything(self.tables.patterns[4 * pattern as usize + 2]);
        match entries {
            _ if row[0] & NEGATED != 0 => RULE_RESOURCE_TEST | test,
            entries if entries.iter().any(|&pattern| is_everything(pattern)) => NONE,
            [pattern] if *pattern < RULE_RESOURCE_TEST => *pattern,
            _ => RULE_RESOURCE_TEST | test,
        }
    }

    /// A document as a policy of one kind.
    pub(super) fn instance(&mut self, kind: PolicyKind, document: u32) -> Result<u32, CompileError> {
        let kind = kind_word(kind);
        if let Some(&known) = self.instances.get(&(kind, document)) {
            return Ok(known);
        }
        let [text, name, explanation, file, line, verbatim, low, high] = self.lowered.documents.row(document);
        let body = if text == NONE { NONE } else { self.body(kind, text)? };
        let name = self.explain_string(name)?;
        let explanation = if explanation == NONE { NONE } else { self.explanation(explanation)? };
        let file = self.explain_maybe(file)?;
        // An attachment keeps a bit beside the instance.
        let instance = id("policies", 2 * (self.tables.instances.len() / INSTANCE_ROW))? / 2;
        // Whoever owns a policy was counted among the accounts when the policy was collected.
        let home = home_of(low, high).and_then(|home| self.tables.account_numbers.binary_search(&home).ok());
        // There are fewer accounts than 32 bits can number: each has a row of several words.
        self.tables.instances.extend([body, home.map_or(NONE, |home| home as u32), self.services_of(body)]);
        // A line beyond 31 bits would be one of a file of gigabytes.
        self.tables.explain_instances.extend([name, explanation, file, line.min(u32::MAX >> 1) << 1 | verbatim]);
        self.instances.insert((kind, document), instance);
        Ok(instance)
    }

    /// The services that a body is about, as instances say it.
    fn services_of(&self, body: u32) -> u32 {
        if body == NONE {
            return u32::MAX;
        }
        let row = &self.tables.bodies[BODY_ROW * body as usize..][..BODY_ROW];
        let sections = &self.tables.body_sections[3 * row[3] as usize..][..3 * row[4] as usize];
        sections.chunks_exact(3).fold(0, |services, section| match section[0] {
            NONE => u32::MAX,
            service => services | service_bit(service),
        })
    }

    fn explanation(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(&known) = self.explanations.get(&lowered) {
            return Ok(known);
        }
        let words = self.lowered.explanations.get(lowered).to_vec();
        let first = id("explanations", self.tables.explain_statements.len())? / 2;
        for pair in words.chunks_exact(2) {
            let sid = self.explain_maybe(pair[0])?;
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
