//! Condition keys, values, atoms and blocks.

use crate::emit::Emitter;
use crate::error::{CompileError, id};
use crate::intern::{NONE, Stretches, StringId};
use iamc_catalogue::Catalogue;
use iamc_policy::condition::{BaseOperator, ConditionKey};
use iamc_policy::template::Template;
use iamc_runtime::conditions::{self, EncodedValue};
use iamc_runtime::hash::{TableBuilder, hash};
use iamc_runtime::keys::{self, SPECIAL, class_word, facts, listed_bits};
use iamc_runtime::layout::{ATOM_ROW, KEY_ROW};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// The most keys that get a row of R-5.8's bits. Real policies use a few hundred keys of services; the bits of one cost
/// a look at every action of its service, so an inventory full of invented keys must not ask for all of them. A key
/// without a row is looked up in the catalogue when a request is about it.
const LISTED_KEYS_MAX: usize = 4_096;

/// What of the values was emitted.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// The row of a value, by base operator, text, and whether it may hold variables.
    rows: FxHashMap<(u32, u32, u32), [u32; 4]>,
    bytes: Stretches,
    words: Stretches,
    n_listed_keys: usize,
}

impl Emitter<'_> {
    /// The keys whose ids the engine knows.
    pub(super) fn special_keys(&mut self) -> Result<(), CompileError> {
        for name in SPECIAL {
            let lowered = self.lowered.string(name)?;
            self.key(lowered.0)?;
        }
        Ok(())
    }

    fn key(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.keys.get(lowered) {
            return Ok(known);
        }
        let (catalogue, declared): (&Catalogue, &Catalogue) = (self.catalogue, self.declared);
        let canonical = self.lowered.strings.get(StringId(lowered)).to_owned();
        let known = facts(&canonical, declared);
        let name = self.string(lowered)?;
        let tag = known.tag.map_or(Ok(NONE), |tag| self.text(tag))?;
        let mut listed = NONE;
        // Requests hardly ever leave a special key to.
        let is_special = self.tables.keys.len() / KEY_ROW < SPECIAL.len();
        if !is_special
            && self.values.n_listed_keys < LISTED_KEYS_MAX
            && let Some(bits) = listed_bits(&canonical, catalogue)
        {
            self.values.n_listed_keys += 1;
            listed = id("words of condition keys", self.tables.key_action_bits.len())?;
            self.tables.key_action_bits.extend(bits);
        }
        self.tables.keys.extend([name, class_word(&known), tag, listed]);
        self.keys.set(lowered)
    }

    /// The table over the names of all keys, when there will be no more of them.
    pub(super) fn key_hash(&mut self) {
        let n_keys = self.tables.keys.len() / KEY_ROW;
        let mut table = TableBuilder::new(n_keys);
        for (key, row) in (0u32..).zip(self.tables.keys.chunks_exact(KEY_ROW)) {
            let name = self.tables.string_offsets[row[0] as usize] as usize
                ..self.tables.string_offsets[row[0] as usize + 1] as usize;
            // Names of keys are interned, so no two are the same.
            table.insert(hash(self.tables.string_bytes[name].as_bytes()), key, |_| false);
        }
        self.tables.key_hash = table.finish();
    }

    /// The ids of the keys that a template's variables name: `encode` asks for them and takes no error.
    pub(super) fn template_keys(&mut self, template: &Template) -> Result<HashMap<ConditionKey, u32>, CompileError> {
        let mut keys = HashMap::new();
        for variable in template.variables() {
            let lowered = self.lowered.string(variable.key.as_str())?;
            keys.insert(variable.key.clone(), self.key(lowered.0)?);
        }
        Ok(keys)
    }

    /// The row of one value. Equal bytes and words are stored once.
    fn value(&mut self, base: u32, text: u32, variables: u32) -> Result<[u32; 4], CompileError> {
        if let Some(&row) = self.values.rows.get(&(base, text, variables)) {
            return Ok(row);
        }
        let template = self.lowered.read_template(text, variables);
        let keys = self.template_keys(&template)?;
        let operator = BaseOperator::ALL[base as usize];
        let EncodedValue { bytes, form, payload, words } =
            conditions::encode(&template, operator, &mut |key: &ConditionKey| keys[key]);
        let len = id("bytes of values", bytes.len())?;
        let start = self.values.bytes.intern("bytes of values", &mut self.tables.value_bytes, &bytes)?;
        let payload = if words.is_empty() {
            payload
        } else {
            self.values.words.intern("words of values", &mut self.tables.value_words, &words)?
        };
        let row = [start, len, form, payload];
        self.values.rows.insert((base, text, variables), row);
        Ok(row)
    }

    fn atom(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if let Some(known) = self.atoms.get(lowered) {
            return Ok(known);
        }
        let words = self.lowered.atoms.get(lowered).to_vec();
        let key = self.key(words[1])?;
        let mut rows = Vec::with_capacity(2 * words.len());
        for value in words[2..].chunks_exact(2) {
            rows.extend(self.value(words[0] & 0xff, value[0], value[1])?);
        }
        let first = id("values", self.tables.values.len() / 4)?;
        // Bounded by the list that it comes from.
        self.tables.atoms.extend([words[0], key, first, rows.len() as u32 / 4]);
        self.tables.values.extend(rows);
        self.atoms.set(lowered)
    }

    /// A condition block; NONE: none, which is true.
    pub(super) fn block(&mut self, lowered: u32) -> Result<u32, CompileError> {
        if lowered == NONE {
            return Ok(NONE);
        }
        if let Some(known) = self.blocks.get(lowered) {
            return Ok(known);
        }
        let words = self.lowered.blocks.get(lowered).to_vec();
        let mut atoms = Vec::with_capacity(words.len() - 1);
        for &atom in &words[1..] {
            atoms.push(self.atom(atom)?);
        }
        // What is known for a whole context comes first: mostly it settles the block. A conjunction has no order.
        atoms.sort_by_key(|&atom| {
            let key = self.tables.atoms[ATOM_ROW * atom as usize + 1];
            let class = keys::read_class_word(key, self.tables.keys[KEY_ROW * key as usize + 1]);
            !class.is_some_and(|(class, _)| keys::follows_from_context(class))
        });
        let first = id("atoms of blocks", self.tables.block_atoms.len())?;
        // Bounded by the list that it comes from.
        self.tables.blocks.extend([words[0], first, atoms.len() as u32]);
        self.tables.block_atoms.extend(atoms);
        self.blocks.set(lowered)
    }
}
