//! Rows that come as names, looked up together: what looking them up will read is read ahead, one step of the way for all of
//! them before the next, so that misses of the cache overlap instead of being waited for one by one.

use super::builder::{Named, NotARow, PrincipalRow, RowsBuilder};
use super::texts::Texts;
use crate::hash;
use crate::layout::{NONE, PRINCIPAL_ROW, RESOURCE_ROW};
use crate::set::rows;
use iamc_policy::AccountId;
use std::ops::Range;

/// Rows that are read ahead together.
const TOGETHER: usize = 64;

/// A row by its names, for [`RowsBuilder::look_up`].
#[derive(Debug, Clone, Copy)]
pub struct NamedRow<'a> {
    /// As for [`RowsBuilder::principal`].
    pub principal: &'a str,
    /// As for [`RowsBuilder::action`].
    pub action: &'a str,
    /// As for [`RowsBuilder::resource`].
    pub resource: &'a str,
    /// The account of the resource, where the caller of the engine says it.
    pub owner: Option<AccountId>,
    /// The label under which its context may have been noted ([`RowsBuilder::label_context`]).
    pub label: &'a [u8],
}

/// What the names of a row stand for, for [`RowsBuilder::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundRow {
    /// The caller.
    pub principal: PrincipalRow,
    /// The action.
    pub action: u32,
    /// The resource.
    pub resource: u32,
    /// The context, if there was one of that label.
    pub context: Option<u32>,
}

/// What one row looks up, by hash, and what may be found there.
#[derive(Clone)]
struct Ahead<'a> {
    named: Option<Named<'a>>,
    principal: u64,
    resource: u64,
    text_resource: u64,
    /// Where the key of the resource stands among those of the rows.
    key: Range<usize>,
    label: u64,
    /// Rows that may be theirs; NONE: none is.
    rows: [u32; 2],
}

impl RowsBuilder<'_> {
    /// Looks up rows by their names; `found` gets what each of them stands for, in their order. The same as one by one, but
    /// some times faster where there are tens of rows of many principals and resources.
    ///
    /// Cost: O(bytes of the names); no allocation but that of names that are new, and `found`.
    pub fn look_up(&mut self, rows: &[NamedRow<'_>], found: &mut Vec<Result<FoundRow, NotARow>>) {
        found.clear();
        for rows in rows.chunks(TOGETHER) {
            let mut keys = std::mem::take(&mut self.keys);
            keys.clear();
            let mut ahead = [const { None }; TOGETHER];
            for (place, row) in ahead.iter_mut().zip(rows) {
                *place = Some(self.hashes(row, &mut keys));
            }
            self.read_step_by_step(&mut ahead);
            found.extend(rows.iter().zip(ahead.iter().flatten()).map(|(row, ahead)| self.found(row, ahead, &keys)));
            self.keys = keys;
        }
    }

    fn found(&mut self, row: &NamedRow<'_>, ahead: &Ahead<'_>, keys: &[u8]) -> Result<FoundRow, NotARow> {
        let named = ahead.named.ok_or(NotARow::OtherCaller)?;
        let principal = self.named_principal(row.principal, named, ahead.principal)?;
        let action = self.action(row.action)?;
        let key = &keys[ahead.key.clone()];
        let resource = self.hashed_resource(row.resource, row.owner, ahead.resource, key, ahead.text_resource)?;
        let context = self.labels.find_by(ahead.label, row.label).map(|label| self.labelled[label as usize]);
        Ok(FoundRow { principal, action, resource, context })
    }

    fn hashes<'a>(&mut self, row: &NamedRow<'a>, keys: &mut Vec<u8>) -> Ahead<'a> {
        let named = Named::read(row.principal);
        let start = keys.len();
        self.tables.resources.write_key(keys, row.resource, row.owner);
        let key = start..keys.len();
        Ahead {
            named,
            principal: named.map_or(0, |named| self.hash_of_named(row.principal, named)),
            resource: hash::hash(row.resource.as_bytes()),
            text_resource: self.tables.resources.keys().hash(&keys[key.clone()]),
            key,
            label: self.labels.hash(row.label),
            rows: [NONE; 2],
        }
    }

    fn read_step_by_step(&self, ahead: &mut [Option<Ahead<'_>>; TOGETHER]) {
        let tables = self.set.tables();
        let texts = self.tables.resources.keys();
        let mut sum = 0;
        let callers = |named: &Option<Named<'_>>| match named {
            Some(Named::Session { .. }) => &tables.role_name_hash,
            _ => &tables.principal_hash,
        };
        for row in ahead.iter().flatten() {
            sum ^= hash::read_ahead(callers(&row.named), row.principal);
            sum ^= hash::read_ahead(&tables.resource_hash, row.resource);
            sum ^= texts.read_ahead(row.text_resource) ^ self.labels.read_ahead(row.label);
        }
        let mut interned = [[NONE; 2]; TOGETHER];
        for (row, interned) in ahead.iter_mut().flatten().zip(&mut interned) {
            let first = |table: &[u32], hash| hash::find(table, hash, |_| true).unwrap_or(NONE);
            row.rows = [first(callers(&row.named), row.principal), first(&tables.resource_hash, row.resource)];
            *interned = [texts.candidate(row.text_resource), self.labels.candidate(row.label)];
        }
        // The names of both, which are compared.
        let principals = rows::<PRINCIPAL_ROW>(&tables.principals);
        let resources = rows::<RESOURCE_ROW>(&tables.resources);
        let mut names = [NONE; 2 * TOGETHER];
        for (names, Ahead { rows: [principal, resource], .. }) in names.chunks_exact_mut(2).zip(ahead.iter().flatten())
        {
            names[0] = principals.get(*principal as usize).map_or(NONE, |row| row[2]);
            names[1] = resources.get(*resource as usize).map_or(NONE, |row| row[0]);
        }
        let names = || names.iter().filter(|name| **name != NONE);
        names().for_each(|name| sum ^= tables.string_offsets[*name as usize]);
        let touched =
            |text: &[u8]| u32::from(text.first().copied().unwrap_or(0)) ^ u32::from(text.last().copied().unwrap_or(0));
        for name in names() {
            sum ^= touched(self.set.string(*name));
        }
        let candidate = |texts: &Texts, id: u32| if id == NONE { 0 } else { touched(texts.get(id)) };
        for [resource, label] in interned {
            sum ^= candidate(texts, resource) ^ candidate(&self.labels, label);
        }
        std::hint::black_box(sum);
    }
}
