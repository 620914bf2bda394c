//! Services and actions of the catalogue, and action sets: patterns of names become positions.
//!
//! The catalogue only makes decisions quick. Each set keeps its patterns as text, so that an action which the catalogue
//! does not know is matched all the same, and a set compiled without a catalogue decides alike.

use crate::emit::Emitter;
use crate::emit::policies::table_of;
use crate::error::{CompileError, id};
use crate::glob::{has_wildcard, matches};
use crate::intern::{NONE, Stretches, StringId};
use iamc_catalogue::{Catalogue, ServiceFacts};
use iamc_runtime::actions::ActionFlags;
use iamc_runtime::hash::{TableBuilder, hash};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// No position: what fills the places of a short inline set.
const NO_POSITION: u32 = 0xFFFF;

/// What expansion remembers.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Service ids by the number of the service's text.
    services: FxHashMap<u32, u32>,
    /// Bits of wildcard patterns, by service and pattern.
    expanded: FxHashMap<(u32, u32), Box<[u64]>>,
    bitmaps: Stretches,
}

/// What a set holds of its catalogue and of nothing else.
struct CataloguePart {
    bytes: Vec<u8>,
    flags: Vec<u32>,
    hash: Vec<u32>,
}

impl CataloguePart {
    fn of(catalogue: &Catalogue) -> CataloguePart {
        let mut flags = Vec::with_capacity(catalogue.n_actions());
        let mut texts: Vec<String> = Vec::with_capacity(catalogue.n_actions());
        for service in catalogue.services() {
            for action in service.actions() {
                flags.push(ActionFlags::of(service.prefix(), action.name(), Some(action)).bits());
                texts.push(format!("{}:{}", service.prefix(), action.name()).to_ascii_lowercase());
            }
        }
        CataloguePart { bytes: catalogue.to_bytes(), flags, hash: table_of(texts.iter().map(String::as_str)) }
    }

    /// Worked out once a process for the edition that is compiled in: it is more work than a small world.
    fn embedded() -> &'static CataloguePart {
        static EMBEDDED: LazyLock<CataloguePart> = LazyLock::new(|| CataloguePart::of(Catalogue::embedded()));
        &EMBEDDED
    }
}

impl Emitter<'_> {
    /// Every service and action of the catalogue. Ids are those of the catalogue.
    pub(super) fn catalogue(&mut self) -> Result<(), CompileError> {
        let catalogue: &Catalogue = self.catalogue;
        let own;
        let part = if std::ptr::eq(catalogue, Catalogue::embedded()) {
            CataloguePart::embedded()
        } else {
            own = CataloguePart::of(catalogue);
            &own
        };
        self.tables.catalogue.clone_from(&part.bytes);
        self.tables.action_flags.clone_from(&part.flags);
        self.tables.action_hash.clone_from(&part.hash);
        for service in catalogue.services() {
            let name = self.lowered.string(service.prefix())?;
            let service_id = self.service_row(name, service.action_ids().start, service.actions().len())?;
            debug_assert_eq!(service_id, service.id().get());
        }
        Ok(())
    }

    fn service_row(&mut self, name: StringId, first: u32, n_actions: usize) -> Result<u32, CompileError> {
        let service = id("services", self.actions.services.len())?;
        self.actions.services.insert(name.0, service);
        let name = self.string(name.0)?;
        self.tables.services.extend([name, first, id("actions", n_actions)?]);
        Ok(service)
    }

    /// The id of a service, known to the catalogue or not.
    fn service(&mut self, name: u32) -> Result<u32, CompileError> {
        match self.actions.services.get(&name) {
            Some(&service) => Ok(service),
            None => {
                let first = id("actions", self.catalogue.n_actions())?;
                self.service_row(StringId(name), first, 0)
            }
        }
    }

    /// The table over the names of all services, when there will be no more of them.
    pub(super) fn service_hash(&mut self) {
        let mut names: Vec<(u32, u32)> =
            self.actions.services.iter().map(|(&name, &service)| (service, name)).collect();
        names.sort_unstable();
        let mut table = TableBuilder::new(names.len());
        for (service, name) in names {
            // Names of services are interned, so no two are the same.
            table.insert(hash(self.lowered.strings.get(StringId(name)).as_bytes()), service, |_| false);
        }
        self.tables.service_hash = table.finish();
    }

    /// The id of an action element: what each entry is about, sorted by service.
    pub(super) fn element(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.elements.get(lowered) {
            return Ok(known);
        }
        let words = self.lowered.action_elements.get(lowered).to_vec();
        let mut entries = Vec::with_capacity(words.len() / 2);
        for pair in words[1..].chunks_exact(2) {
            let service = self.service(pair[0])?;
            entries.push((service, self.action_set(service, pair[1])?));
        }
        entries.sort_unstable();
        let first = id("entries of action elements", self.tables.action_entries.len() / 2)?;
        self.tables.action_entries.extend(entries.iter().flat_map(|&(service, set)| [service, set]));
        // Bounded by the list that it comes from.
        self.tables.action_elements.extend([words[0], first, entries.len() as u32]);
        self.elements.set(lowered)
    }

    /// Words `2 · first`, `2 · (first + count)` of `action_entries`: service and set of each entry.
    pub(super) fn element_entries(&self, element: u32) -> Vec<(u32, u32)> {
        let row = &self.tables.action_elements[3 * element as usize..][..3];
        let entries = &self.tables.action_entries[2 * row[1] as usize..][..2 * row[2] as usize];
        entries.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn action_set(&mut self, service: u32, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.action_sets.get(lowered) {
            return Ok(known);
        }
        let patterns = self.lowered.action_sets.get(lowered)[1..].to_vec();
        let whole = patterns.iter().any(|&pattern| self.lowered.strings.get(StringId(pattern)) == "*");
        if whole {
            self.tables.action_sets.extend([0, 0, 0, NONE]);
            return self.action_sets.set(lowered);
        }
        let texts = id("patterns of actions", self.tables.action_texts.len())?;
        // Bounded by the list that it comes from.
        self.tables.action_texts.push(patterns.len() as u32);
        for &pattern in &patterns {
            let pattern = self.string(pattern)?;
            self.tables.action_texts.push(pattern);
        }
        let bits = self.expand(service, &patterns);
        let row = self.shape(&bits)?;
        self.tables.action_sets.extend(row);
        self.tables.action_sets.push(texts);
        self.action_sets.set(lowered)
    }

    /// One bit for each action of the service that some pattern matches, by position.
    fn expand(&mut self, service: u32, patterns: &[u32]) -> Vec<u64> {
        let catalogue: &Catalogue = self.catalogue;
        let Some(facts) = catalogue.service_by_id(iamc_catalogue::ServiceId::new(service)) else { return Vec::new() };
        let mut bits = vec![0; facts.actions().len().div_ceil(64)];
        for &pattern in patterns {
            let text = self.lowered.strings.get(StringId(pattern));
            if has_wildcard(text) {
                let row = self.actions.expanded.entry((service, pattern)).or_insert_with(|| expand_one(facts, text));
                for (word, more) in bits.iter_mut().zip(row.iter()) {
                    *word |= more;
                }
            } else if let Some(action) = facts.action(text) {
                let position = (action.id().get() - facts.action_ids().start) as usize;
                bits[position / 64] |= 1 << (position % 64);
            }
        }
        bits
    }

    /// Shape and payloads: up to four positions inline, else a bitmap.
    fn shape(&mut self, bits: &[u64]) -> Result<[u32; 3], CompileError> {
        let count: u32 = bits.iter().map(|word| word.count_ones()).sum();
        // Positions that 16 bits cannot hold would be 65,535 actions of one service.
        if count <= 4 && bits.len() * 64 <= NO_POSITION as usize {
            let mut positions = [NO_POSITION; 4];
            for (place, position) in positions.iter_mut().zip(ones(bits)) {
                *place = position;
            }
            return Ok([1, positions[0] | positions[1] << 16, positions[2] | positions[3] << 16]);
        }
        let at = self.actions.bitmaps.intern("bitmaps of actions", &mut self.tables.action_bits, bits)?;
        Ok([2, at, 0])
    }
}

fn expand_one(service: ServiceFacts<'_>, pattern: &str) -> Box<[u64]> {
    let mut bits = vec![0u64; service.actions().len().div_ceil(64)];
    // A name shorter than what the pattern spells out needs no look.
    let shortest = pattern.bytes().filter(|&b| b != b'*').count();
    for (position, action) in service.actions().enumerate() {
        if action.name().len() >= shortest && matches(pattern, action.name()) {
            bits[position / 64] |= 1 << (position % 64);
        }
    }
    bits.into()
}

/// The positions of set bits, ascending.
fn ones(bits: &[u64]) -> impl Iterator<Item = u32> {
    bits.iter()
        .zip(0u32..)
        .flat_map(|(&word, at)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit))
}

#[cfg(test)]
mod tests;
