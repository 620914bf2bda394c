//! A validated table: bytes in, records out. Everything that a view reads was checked here once.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use crate::layout::{self, *};
use crate::{AccessLevel, KeyFacts, ReadError, key};

/// A table whose promises (see `layout`) hold.
#[derive(Clone)]
pub(crate) struct Table {
    /// The sections, without header and heap.
    bytes: Cow<'static, [u8]>,
    heap: Cow<'static, str>,
    /// Where each section begins in `bytes`, and how many records it has.
    sections: [(usize, usize); N_SECTIONS],
    name: u32,
    date: u32,
    /// The keys that are families, ascending.
    families: Vec<u16>,
}

/// Shares of an action's facts; see section ROWS.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) links: u16,
    pub(crate) keys: u16,
    pub(crate) dependents: u16,
    pub(crate) level: Option<AccessLevel>,
}

/// One resource type of an action; see section LINKS.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) resource_type: u16,
    pub(crate) keys: u16,
    pub(crate) required: bool,
}

impl Table {
    /// A table without content.
    pub(crate) fn empty() -> Table {
        Table {
            bytes: Cow::Borrowed(&[]),
            heap: Cow::Borrowed(""),
            sections: [(0, 0); N_SECTIONS],
            name: 0,
            date: 0,
            families: Vec::new(),
        }
    }

    /// Takes over bytes after checking every promise of the layout.
    ///
    /// Cost: O(bytes); two small allocations, and a move of the bytes if they are owned.
    pub(crate) fn read(bytes: Cow<'static, [u8]>) -> Result<Table, ReadError> {
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(ReadError::NotATable);
        }
        let given = bytes.len() as u64;
        if bytes.len() < HEADER_LEN {
            return Err(ReadError::Length { expected: HEADER_LEN as u64, given });
        }
        let mut sections = [(0, 0); N_SECTIONS];
        let mut end = 0u64;
        for (section, place) in sections.iter_mut().enumerate() {
            let n = u32_at(&bytes, COUNTS_AT + 4 * section);
            // Eleven products below 2^36 do not overflow.
            *place = (end as usize, n as usize);
            end += u64::from(n) * RECORD_LEN[section] as u64;
        }
        let heap_len = u32_at(&bytes, HEAP_LEN_AT);
        let expected = HEADER_LEN as u64 + end + u64::from(heap_len);
        if expected != given {
            return Err(ReadError::Length { expected, given });
        }
        // The length fits memory, so do its parts.
        let heap_at = HEADER_LEN + end as usize;
        if bytes[CHECKSUM_AT..CHECKED_FROM] != layout::checksum(&bytes[CHECKED_FROM..]).to_le_bytes() {
            return Err(ReadError::Checksum);
        }
        let (name, date) = (u32_at(&bytes, CHECKED_FROM), u32_at(&bytes, CHECKED_FROM + 4));
        let not_text = |_| damaged("text that is not UTF-8", 0);
        let (bytes, heap) = match bytes {
            Cow::Borrowed(all) => {
                let heap = std::str::from_utf8(&all[heap_at..]).map_err(not_text)?;
                (Cow::Borrowed(&all[HEADER_LEN..heap_at]), Cow::Borrowed(heap))
            }
            Cow::Owned(mut all) => {
                let heap = String::from_utf8(all.split_off(heap_at)).map_err(|e| not_text(e.utf8_error()))?;
                all.drain(..HEADER_LEN);
                (Cow::Owned(all), Cow::Owned(heap))
            }
        };
        let mut table = Table { bytes, heap, sections, name, date, families: Vec::new() };
        table.validate()?;
        table.families =
            (0..table.n(KEYS)).filter(|&k| key::is_family(table.key_name(k as u16))).map(|k| k as u16).collect();
        Ok(table)
    }

    /// The table as bytes: what [`Table::read`] takes over.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + self.bytes.len() + self.heap.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[0; CHECKED_FROM - CHECKSUM_AT]);
        bytes.extend_from_slice(&self.name.to_le_bytes());
        bytes.extend_from_slice(&self.date.to_le_bytes());
        // Counts and the length of the heap came from 32-bit fields, or are 0.
        for (_, n) in self.sections {
            bytes.extend_from_slice(&(n as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&(self.heap.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.bytes);
        bytes.extend_from_slice(self.heap.as_bytes());
        let checksum = layout::checksum(&bytes[CHECKED_FROM..]).to_le_bytes();
        bytes[CHECKSUM_AT..CHECKED_FROM].copy_from_slice(&checksum);
        bytes
    }

    fn validate(&self) -> Result<(), ReadError> {
        self.check_text(self.name, "the name of the edition", 0)?;
        self.check_text(self.date, "the day of the edition", 0)?;
        for (section, what) in
            [(KEYS, "too many keys"), (TYPES, "too many resource types"), (LINK_LISTS, "too many lists")]
        {
            if self.n(section) > usize::from(u16::MAX) + 1 {
                return Err(damaged(what, self.n(section)));
            }
        }
        for (lists, items) in [(LINK_LISTS, LINKS), (KEY_LISTS, KEY_IDS), (TEXT_LISTS, TEXTS)] {
            let mut last = 0;
            for list in 0..self.n(lists) {
                let first = self.u32(lists, list, 0);
                if first < last || first as usize > self.n(items) || (list == 0 && first != 0) {
                    return Err(damaged("a list that does not ascend", list));
                }
                last = first;
            }
        }
        for item in 0..self.n(KEY_IDS) {
            self.check_id(self.u16(KEY_IDS, item, 0), KEYS, "a key number", item)?;
        }
        for item in 0..self.n(TEXTS) {
            self.check_text(self.u32(TEXTS, item, 0), "a listed text", item)?;
        }
        self.check_keys()?;
        for idx in 0..self.n(TYPES) {
            self.check_text(self.u32(TYPES, idx, 0), "the name of a resource type", idx)?;
            self.check_id(self.u16(TYPES, idx, 4), TEXT_LISTS, "the templates of a resource type", idx)?;
            self.check_id(self.u16(TYPES, idx, 6), KEY_LISTS, "the keys of a resource type", idx)?;
        }
        for idx in 0..self.n(LINKS) {
            self.check_id(self.u16(LINKS, idx, 0), TYPES, "a resource type of an action", idx)?;
            self.check_id(self.u16(LINKS, idx, 2), KEY_LISTS, "the keys of an action and a resource type", idx)?;
            if self.u8(LINKS, idx, 4) > 1 || self.u8(LINKS, idx, 5) != 0 {
                return Err(damaged("an unknown flag", idx));
            }
        }
        for idx in 0..self.n(ROWS) {
            self.check_id(self.u16(ROWS, idx, 0), LINK_LISTS, "the resource types of an action", idx)?;
            self.check_id(self.u16(ROWS, idx, 2), KEY_LISTS, "the keys of an action", idx)?;
            self.check_id(self.u16(ROWS, idx, 4), TEXT_LISTS, "the dependent actions of an action", idx)?;
            if layout::level(self.u8(ROWS, idx, 6)).is_none() || self.u8(ROWS, idx, 7) != 0 {
                return Err(damaged("an unknown access level", idx));
            }
        }
        for idx in 0..self.n(ACTIONS) {
            self.check_text(self.u32(ACTIONS, idx, 0), "the name of an action", idx)?;
            self.check_id(self.u16(ACTIONS, idx, 4), ROWS, "the row of an action", idx)?;
        }
        self.check_services()
    }

    fn check_keys(&self) -> Result<(), ReadError> {
        let mut last: Option<&str> = None;
        for idx in 0..self.n(KEYS) {
            self.check_text(self.u32(KEYS, idx, 0), "the name of a key", idx)?;
            if layout::key_facts([self.u8(KEYS, idx, 4), self.u8(KEYS, idx, 5)]).is_none() {
                return Err(damaged("an unknown key type", idx));
            }
            let name = self.text(self.u32(KEYS, idx, 0));
            if last.is_some_and(|last| cmp_ignore_case(last, name) != Ordering::Less) {
                return Err(damaged("a key out of order", idx));
            }
            last = Some(name);
        }
        Ok(())
    }

    fn check_services(&self) -> Result<(), ReadError> {
        // The least and the greatest type of each list of links, found once: a table that was made to be slow could
        // let every action share one long list.
        let spans: Vec<Option<(u16, u16)>> = (0..self.n(LINK_LISTS))
            .map(|list| {
                let types = || self.list(LINK_LISTS, LINKS, list as u16).map(|link| self.u16(LINKS, link, 0));
                types().min().zip(types().max())
            })
            .collect();
        if self.n(SERVICES) == 0 && (self.n(ACTIONS) > 0 || self.n(TYPES) > 0) {
            return Err(damaged("actions or resource types without a service", 0));
        }
        let mut last: Option<&str> = None;
        for idx in 0..self.n(SERVICES) {
            self.check_text(self.u32(SERVICES, idx, 0), "the prefix of a service", idx)?;
            self.check_text(self.u32(SERVICES, idx, 4), "the name of a service", idx)?;
            self.check_id(self.u16(SERVICES, idx, 14), KEY_LISTS, "the keys of a service", idx)?;
            let prefix = self.text(self.u32(SERVICES, idx, 0));
            if last.is_some_and(|last| last >= prefix) || prefix.bytes().any(|b| b.is_ascii_uppercase()) {
                return Err(damaged("a service out of order", idx));
            }
            last = Some(prefix);
            let (actions, types) = (self.service_actions(idx), self.service_types(idx));
            let first = idx == 0 && (actions.start != 0 || types.start != 0);
            if first || actions.start > actions.end || actions.end > self.n(ACTIONS) {
                return Err(damaged("the actions of a service", idx));
            }
            if types.start > types.end || types.end > self.n(TYPES) {
                return Err(damaged("the resource types of a service", idx));
            }
            let mut last: Option<&str> = None;
            for action in actions {
                let name = self.action_name(action);
                if last.is_some_and(|last| cmp_ignore_case(last, name) != Ordering::Less) {
                    return Err(damaged("an action out of order", action));
                }
                last = Some(name);
                let span = spans[usize::from(self.row(action).links)];
                if span.is_some_and(|(min, max)| usize::from(min) < types.start || types.end <= usize::from(max)) {
                    return Err(damaged("a resource type of another service", action));
                }
            }
        }
        Ok(())
    }

    fn check_text(&self, text: u32, what: &'static str, record: usize) -> Result<(), ReadError> {
        let (start, end) = text_range(text);
        self.heap.get(start..end).map(|_| ()).ok_or_else(|| damaged(what, record))
    }

    fn check_id(&self, id: u16, section: usize, what: &'static str, record: usize) -> Result<(), ReadError> {
        if usize::from(id) < self.n(section) { Ok(()) } else { Err(damaged(what, record)) }
    }

    // Below, what `validate` checked is relied on: an index out of range would be a defect of ours, and panics.

    /// The number of records of a section.
    pub(crate) fn n(&self, section: usize) -> usize {
        self.sections[section].1
    }

    pub(crate) fn name(&self) -> &str {
        self.text(self.name)
    }

    pub(crate) fn date(&self) -> &str {
        self.text(self.date)
    }

    pub(crate) fn families(&self) -> &[u16] {
        &self.families
    }

    pub(crate) fn service_prefix(&self, idx: usize) -> &str {
        self.text(self.u32(SERVICES, idx, 0))
    }

    pub(crate) fn service_name(&self, idx: usize) -> &str {
        self.text(self.u32(SERVICES, idx, 4))
    }

    pub(crate) fn service_keys(&self, idx: usize) -> u16 {
        self.u16(SERVICES, idx, 14)
    }

    pub(crate) fn service_actions(&self, idx: usize) -> Range<usize> {
        let end = if idx + 1 < self.n(SERVICES) { self.u32(SERVICES, idx + 1, 8) as usize } else { self.n(ACTIONS) };
        self.u32(SERVICES, idx, 8) as usize..end
    }

    pub(crate) fn service_types(&self, idx: usize) -> Range<usize> {
        let end = if idx + 1 < self.n(SERVICES) { self.u16(SERVICES, idx + 1, 12).into() } else { self.n(TYPES) };
        usize::from(self.u16(SERVICES, idx, 12))..end
    }

    pub(crate) fn action_name(&self, idx: usize) -> &str {
        self.text(self.u32(ACTIONS, idx, 0))
    }

    pub(crate) fn row(&self, action: usize) -> Row {
        let row = usize::from(self.u16(ACTIONS, action, 4));
        Row {
            links: self.u16(ROWS, row, 0),
            keys: self.u16(ROWS, row, 2),
            dependents: self.u16(ROWS, row, 4),
            level: layout::level(self.u8(ROWS, row, 6)).flatten(),
        }
    }

    pub(crate) fn links(&self, list: u16) -> impl ExactSizeIterator<Item = Link> + Clone + '_ {
        self.list(LINK_LISTS, LINKS, list).map(|idx| Link {
            resource_type: self.u16(LINKS, idx, 0),
            keys: self.u16(LINKS, idx, 2),
            required: self.u8(LINKS, idx, 4) == 1,
        })
    }

    pub(crate) fn type_name(&self, idx: u16) -> &str {
        self.text(self.u32(TYPES, idx.into(), 0))
    }

    pub(crate) fn type_templates(&self, idx: u16) -> u16 {
        self.u16(TYPES, idx.into(), 4)
    }

    pub(crate) fn type_keys(&self, idx: u16) -> u16 {
        self.u16(TYPES, idx.into(), 6)
    }

    pub(crate) fn key_name(&self, key: u16) -> &str {
        self.text(self.u32(KEYS, key.into(), 0))
    }

    pub(crate) fn key_facts(&self, key: u16) -> Option<KeyFacts> {
        let idx = usize::from(key);
        layout::key_facts([self.u8(KEYS, idx, 4), self.u8(KEYS, idx, 5)]).flatten()
    }

    pub(crate) fn keys(&self, list: u16) -> impl ExactSizeIterator<Item = u16> + Clone + '_ {
        self.list(KEY_LISTS, KEY_IDS, list).map(|idx| self.u16(KEY_IDS, idx, 0))
    }

    pub(crate) fn texts(&self, list: u16) -> impl ExactSizeIterator<Item = &str> + Clone + '_ {
        self.list(TEXT_LISTS, TEXTS, list).map(|idx| self.text(self.u32(TEXTS, idx, 0)))
    }

    /// The items of a list, as positions in the section `items`.
    fn list(&self, lists: usize, items: usize, list: u16) -> Range<usize> {
        let idx = usize::from(list);
        let end = if idx + 1 < self.n(lists) { self.u32(lists, idx + 1, 0) as usize } else { self.n(items) };
        self.u32(lists, idx, 0) as usize..end
    }

    fn text(&self, text: u32) -> &str {
        let (start, end) = text_range(text);
        &self.heap[start..end]
    }

    fn at(&self, section: usize, idx: usize, field: usize) -> usize {
        debug_assert!(idx < self.n(section) && field < RECORD_LEN[section]);
        self.sections[section].0 + idx * RECORD_LEN[section] + field
    }

    fn u8(&self, section: usize, idx: usize, field: usize) -> u8 {
        self.bytes[self.at(section, idx, field)]
    }

    fn u16(&self, section: usize, idx: usize, field: usize) -> u16 {
        let at = self.at(section, idx, field);
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn u32(&self, section: usize, idx: usize, field: usize) -> u32 {
        u32_at(&self.bytes, self.at(section, idx, field))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn text_range(text: u32) -> (usize, usize) {
    let start = (text >> TEXT_LEN_BITS) as usize;
    (start, start + (text as usize & TEXT_LEN_MAX))
}

fn damaged(what: &'static str, record: usize) -> ReadError {
    ReadError::Damaged { what, record }
}
