//! IR, rows and derived facts -> the tables of a compiled policy set.
//!
//! Only what something refers to is emitted, and it gets its id when it is first referred to: accounts in order of
//! their numbers, the principals of an account beside each other with their policies, then resources and endpoints. So
//! policies that nobody has cost nothing, what is used together lies together, and the same rows give the same bytes.

mod actions;
mod conditions;
mod people;
mod policies;
mod things;

use crate::collect::Collected;
use crate::error::{CompileError, Limits, id, within};
use crate::facts::Derived;
use crate::intern::{NONE, Stretches, StringId};
use crate::lower::Lowered;
use iamc_catalogue::Catalogue;
use iamc_policy::world::GapKind;
use iamc_policy::{PolicyKind, Settings};
use iamc_runtime::layout::{EXPLAIN_INSTANCE_ROW, INSTANCE_ROW, Tables, WORLD_ASSUME_COMPLETE, WORLD_PLACES_UNKNOWN};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// Ids of what was lowered under a number: given in the order of [`Given::set`].
#[derive(Debug)]
pub(crate) struct Given {
    what: &'static str,
    ids: Vec<u32>,
    n: usize,
}

impl Given {
    fn new(what: &'static str) -> Given {
        Given { what, ids: Vec::new(), n: 0 }
    }

    /// The id that was given to a number.
    fn get(&self, lowered: u32) -> Option<u32> {
        self.ids.get(lowered as usize).copied().filter(|&known| known != NONE)
    }

    /// Gives the next id to a number.
    fn set(&mut self, lowered: u32) -> Result<u32, CompileError> {
        let new = id(self.what, self.n)?;
        self.n += 1;
        let at = lowered as usize;
        if self.ids.len() <= at {
            self.ids.resize(at + 1, NONE);
        }
        self.ids[at] = new;
        Ok(new)
    }
}

/// What is being emitted, and what has been.
pub(crate) struct Emitter<'a> {
    /// The actions that get ids.
    catalogue: &'a Catalogue,
    /// What is declared of condition keys.
    declared: &'a Catalogue,
    settings: &'a Settings,
    limits: &'a Limits,
    lowered: &'a mut Lowered,
    tables: Tables,
    strings: Given,
    /// Of texts that only explanations show; one may be among `strings` too.
    explain_strings: Given,
    actions: actions::Actions,
    action_sets: Given,
    elements: Given,
    keys: Given,
    patterns: Given,
    pattern_bytes: Stretches,
    resource_tests: Given,
    values: conditions::Values,
    atoms: Given,
    blocks: Given,
    principal_tests: Given,
    statements: Given,
    /// By kind and text.
    bodies: FxHashMap<(u32, u32), u32>,
    rules: Stretches,
    /// By Deny statements: flags of the set, first section and number of sections.
    guardrail_programs: HashMap<Vec<u32>, (u32, u32, u32)>,
    explanations: FxHashMap<u32, u32>,
    /// By kind and document.
    instances: FxHashMap<(u32, u32), u32>,
    tags: FxHashMap<u32, u32>,
}

impl<'a> Emitter<'a> {
    /// Settings, catalogue and the special keys: what every set begins with.
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        declared: &'a Catalogue,
        settings: &'a Settings,
        limits: &'a Limits,
        lowered: &'a mut Lowered,
    ) -> Result<Emitter<'a>, CompileError> {
        let mut emitter = Emitter {
            catalogue,
            declared,
            settings,
            limits,
            lowered,
            tables: Tables { string_offsets: vec![0], explain_string_offsets: vec![0], ..Tables::default() },
            strings: Given::new("texts"),
            explain_strings: Given::new("texts of explanations"),
            actions: actions::Actions::default(),
            action_sets: Given::new("action sets"),
            elements: Given::new("action elements"),
            keys: Given::new("condition keys"),
            patterns: Given::new("resource patterns"),
            pattern_bytes: Stretches::default(),
            resource_tests: Given::new("resource tests"),
            values: conditions::Values::default(),
            atoms: Given::new("condition atoms"),
            blocks: Given::new("condition blocks"),
            principal_tests: Given::new("principal tests"),
            statements: Given::new("statements"),
            bodies: FxHashMap::default(),
            rules: Stretches::default(),
            guardrail_programs: HashMap::new(),
            explanations: FxHashMap::default(),
            instances: FxHashMap::default(),
            tags: FxHashMap::default(),
        };
        emitter.catalogue()?;
        emitter.special_keys()?;
        Ok(emitter)
    }

    /// The id of a lowered text.
    fn string(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.strings.get(lowered) {
            return Ok(known);
        }
        let text = self.lowered.strings.get(StringId(lowered));
        let end = id("bytes of text", self.tables.string_bytes.len() + text.len())?;
        self.tables.string_bytes.push_str(text);
        self.tables.string_offsets.push(end);
        self.strings.set(lowered)
    }

    /// The id of a lowered text for explanations.
    fn explain_string(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.explain_strings.get(lowered) {
            return Ok(known);
        }
        let text = self.lowered.strings.get(StringId(lowered));
        let end = id("bytes of text", self.tables.explain_string_bytes.len() + text.len())?;
        self.tables.explain_string_bytes.push_str(text);
        self.tables.explain_string_offsets.push(end);
        self.explain_strings.set(lowered)
    }

    /// The same for one that may be missing.
    fn explain_maybe(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if lowered == NONE { Ok(NONE) } else { self.explain_string(lowered) }
    }

    /// The id of a text that may be missing.
    fn maybe(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if lowered == NONE { Ok(NONE) } else { self.string(lowered) }
    }

    /// The id of a text that may be new.
    fn text(&mut self, text: &str) -> Result<u32, CompileError> {
        let lowered = self.lowered.string(text)?;
        self.string(lowered.0)
    }

    /// The whole world.
    pub(crate) fn world(mut self, world: &Collected, derived: &Derived) -> Result<Tables, CompileError> {
        // where an organization's accounts were not all exported, any account may be one of them.
        let hole = world.organizations.iter().any(|organization| {
            world.gaps.iter().any(|gap| gap.kind == GapKind::Hierarchy && gap.subject == organization.id)
        });
        self.settings(match (world.assume_complete, hole) {
            (true, _) => WORLD_ASSUME_COMPLETE,
            (false, true) => WORLD_PLACES_UNKNOWN,
            (false, false) => 0,
        })?;
        let accounts = self.accounts(world, derived)?;
        self.principals(world, derived, &accounts)?;
        self.resources(world, &accounts)?;
        self.endpoints(world, &accounts)?;
        self.gaps(world)?;
        Ok(self.finish())
    }

    fn settings(&mut self, world: u32) -> Result<(), CompileError> {
        // `encode` asks for one text at a time and takes no error.
        let mut texts = HashMap::new();
        for (name, value) in self.settings.entries() {
            texts.insert(name, self.text(name)?);
            texts.insert(value, self.text(value)?);
        }
        self.tables.settings = iamc_runtime::settings::encode(self.settings, world, |text| texts[text]);
        Ok(())
    }

    /// Session policies alone: one named policy for each document, in their order.
    pub(crate) fn session(mut self, documents: &[u32]) -> Result<Tables, CompileError> {
        self.settings(0)?;
        for (n_before, &document) in documents.iter().enumerate() {
            let instance = self.instance(PolicyKind::Session, document)?;
            if self.tables.instances.len() == INSTANCE_ROW * n_before {
                // The same policy once more: it is passed twice, so it stands here twice.
                let row = INSTANCE_ROW * instance as usize;
                self.tables.instances.extend_from_within(row..row + INSTANCE_ROW);
                let row = EXPLAIN_INSTANCE_ROW * instance as usize;
                self.tables.explain_instances.extend_from_within(row..row + EXPLAIN_INSTANCE_ROW);
            }
        }
        Ok(self.finish())
    }

    /// The tables, when nothing more is to come.
    fn finish(mut self) -> Tables {
        self.service_hash();
        self.key_hash();
        self.tables
    }

    fn check_rules(&self) -> Result<(), CompileError> {
        within("rules", self.tables.rules.len() / iamc_runtime::layout::RULE_ROW, self.limits.rules_max)
    }
}
