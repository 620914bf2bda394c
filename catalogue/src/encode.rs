//! An [`Edition`] -> the bytes of a table. Sorts, merges and shares; the same edition gives the same bytes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{self, *};
use crate::{ActionEntry, ActionResource, Edition, EncodeError, KeyEntry, KeyFacts, ResourceTypeEntry, ServiceEntry};

/// Turns an edition into the bytes of a table, which [`Catalogue::read`](crate::Catalogue::read) reads.
///
/// Services with the same prefix are merged, and so are actions of one name in different case, resource types
/// of one name, and repeated lists; prefixes become ASCII lower case. Where services disagree on the type of a key, the
/// service that the key is named after wins, else the first one in order of prefixes.
///
/// Errors: [`EncodeError`] when a limit of the layout is passed (65,535 of a kind, 4 MiB of text, 1,023 bytes a name);
/// six times what AWS has today fits.
/// Cost: O(n log n) in the size of the edition.
pub fn encode(edition: &Edition) -> Result<Vec<u8>, EncodeError> {
    let services = merge_services(&edition.services);
    let keys = declared_keys(&services, &edition.keys);
    let key_ids: BTreeMap<&str, u16> = keys
        .keys()
        .enumerate()
        .map(|(id, key)| Ok((key.as_str(), id16("condition keys", id)?)))
        .collect::<Result<_, _>>()?;
    let heap = Heap::new(texts_of(edition, &services, &keys))?;
    let mut w = Writer::new(heap, key_ids);

    for key in keys.values() {
        let name = w.heap.text(&key.name);
        w.sections[KEYS].extend(name);
        w.sections[KEYS].extend(key_codes(key.facts));
    }
    let mut n_actions = 0;
    let mut n_types = 0;
    for (prefix, service) in &services {
        let prefix = w.heap.text(prefix);
        let name = w.heap.text(&service.name);
        let keys = w.key_list(service.keys.iter().map(|key| key.name.as_str()))?;
        let record = &mut w.sections[SERVICES];
        record.extend(prefix);
        record.extend(name);
        record.extend(id32("actions", n_actions)?);
        record.extend(id16("resource types", n_types)?.to_le_bytes());
        record.extend(keys.to_le_bytes());

        for resource_type in &service.resource_types {
            let name = w.heap.text(&resource_type.name);
            let templates = w.text_list(&resource_type.arn_templates)?;
            let keys = w.key_list(resource_type.keys.iter().map(String::as_str))?;
            w.sections[TYPES].extend(name);
            w.sections[TYPES].extend(templates.to_le_bytes());
            w.sections[TYPES].extend(keys.to_le_bytes());
        }
        for action in service.actions.values() {
            let row = w.row(action, service, n_types)?;
            let name = w.heap.text(&action.name);
            w.sections[ACTIONS].extend(name);
            w.sections[ACTIONS].extend(row.to_le_bytes());
        }
        n_actions += service.actions.len();
        n_types += service.resource_types.len();
    }
    // The numbers below are ids as well as counts: the last type and the last key must have one.
    id16("resource types", n_types)?;
    w.finish(&edition.name, edition.date.as_deref().unwrap_or(""))
}

/// A service whose entries are merged.
#[derive(Default)]
struct Merged {
    name: String,
    actions: BTreeMap<String, ActionEntry>,
    resource_types: Vec<ResourceTypeEntry>,
    /// Positions in `resource_types` by name, and those of the first of its name by ASCII lower case.
    type_at: BTreeMap<String, usize>,
    type_at_lower: BTreeMap<String, usize>,
    keys: Vec<KeyEntry>,
}

impl Merged {
    /// The position of a resource type: the exact name, else the first that differs in ASCII case only.
    fn type_idx(&self, name: &str) -> Option<usize> {
        self.type_at.get(name).or_else(|| self.type_at_lower.get(&name.to_ascii_lowercase())).copied()
    }

    fn add_type(&mut self, resource_type: &ResourceTypeEntry) {
        if let Some(&at) = self.type_at.get(&resource_type.name) {
            let known = &mut self.resource_types[at];
            known.arn_templates.extend(resource_type.arn_templates.iter().cloned());
            known.keys.extend(resource_type.keys.iter().cloned());
            return;
        }
        let at = self.resource_types.len();
        self.type_at.insert(resource_type.name.clone(), at);
        self.type_at_lower.entry(resource_type.name.to_ascii_lowercase()).or_insert(at);
        self.resource_types.push(resource_type.clone());
    }

    fn add_action(&mut self, action: &ActionEntry) {
        match self.actions.entry(action.name.to_ascii_lowercase()) {
            Entry::Vacant(place) => {
                place.insert(action.clone());
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.access_level = known.access_level.max(action.access_level);
                known.keys.extend(action.keys.iter().cloned());
                known.dependent_actions.extend(action.dependent_actions.iter().cloned());
                known.resources.extend(action.resources.iter().cloned());
            }
        }
    }
}

/// Merges entries. What is repeated inside a list is dropped last, in one pass, so that no input costs more than
/// O(n log n); lists of keys are left to [`Writer::key_list`], which sorts them anyway.
fn merge_services(entries: &[ServiceEntry]) -> BTreeMap<String, Merged> {
    let mut services: BTreeMap<String, Merged> = BTreeMap::new();
    for entry in entries {
        let service = services.entry(entry.prefix.to_ascii_lowercase()).or_default();
        if service.name.is_empty() {
            service.name.clone_from(&entry.name);
        }
        entry.resource_types.iter().for_each(|resource_type| service.add_type(resource_type));
        entry.actions.iter().for_each(|action| service.add_action(action));
        service.keys.extend(entry.keys.iter().cloned());
    }
    for service in services.values_mut() {
        for resource_type in &mut service.resource_types {
            drop_repeated(&mut resource_type.arn_templates);
        }
        let mut undescribed = Vec::new();
        for action in service.actions.values_mut() {
            drop_repeated(&mut action.dependent_actions);
            merge_resources(&mut action.resources);
            undescribed.extend(action.resources.iter().map(|resource| resource.resource_type.clone()));
        }
        // A type that only actions name: it exists, and nothing else is known of it.
        for name in undescribed {
            if service.type_idx(&name).is_none() {
                service.add_type(&ResourceTypeEntry { name, ..ResourceTypeEntry::default() });
            }
        }
    }
    services
}

/// Keeps the first of equal texts, in their order.
fn drop_repeated(texts: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

/// Makes one resource of all those of a type: required if one of them is, with the keys of all.
fn merge_resources(resources: &mut Vec<ActionResource>) {
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    let mut merged: Vec<ActionResource> = Vec::new();
    for resource in resources.drain(..) {
        match at.entry(resource.resource_type.clone()) {
            Entry::Vacant(place) => {
                place.insert(merged.len());
                merged.push(resource);
            }
            Entry::Occupied(known) => {
                let known = &mut merged[*known.get()];
                known.required |= resource.required;
                known.keys.extend(resource.keys);
            }
        }
    }
    *resources = merged;
}

/// All keys by their ASCII lower case: those that are declared, and without facts those that are only used.
fn declared_keys(services: &BTreeMap<String, Merged>, more: &[KeyEntry]) -> BTreeMap<String, KeyEntry> {
    let mut keys: BTreeMap<String, KeyEntry> = BTreeMap::new();
    let mut declare = |name: &str, facts: Option<KeyFacts>, wins: bool| match keys.entry(name.to_ascii_lowercase()) {
        Entry::Vacant(place) => {
            place.insert(KeyEntry { name: name.to_owned(), facts });
        }
        Entry::Occupied(mut known) => {
            let known = known.get_mut();
            if wins && facts.is_some() || known.facts.is_none() {
                known.facts = facts;
            }
        }
    };
    for key in more {
        declare(&key.name, key.facts, false);
    }
    for (prefix, service) in services {
        for key in &service.keys {
            let owner = key.name.split_once(':').is_some_and(|(owner, _)| owner.eq_ignore_ascii_case(prefix));
            declare(&key.name, key.facts, owner);
        }
    }
    for service in services.values() {
        let of_types = service.resource_types.iter().flat_map(|t| &t.keys);
        let of_actions =
            service.actions.values().flat_map(|a| a.keys.iter().chain(a.resources.iter().flat_map(|r| &r.keys)));
        for name in of_types.chain(of_actions) {
            declare(name, None, false);
        }
    }
    keys
}

/// Every text that the table will hold.
fn texts_of<'a>(
    edition: &'a Edition,
    services: &'a BTreeMap<String, Merged>,
    keys: &'a BTreeMap<String, KeyEntry>,
) -> Vec<&'a str> {
    let mut texts: Vec<&str> = vec![&edition.name, edition.date.as_deref().unwrap_or("")];
    texts.extend(keys.values().map(|key| key.name.as_str()));
    for (prefix, service) in services {
        texts.extend([prefix.as_str(), &service.name]);
        for resource_type in &service.resource_types {
            texts.push(&resource_type.name);
            texts.extend(resource_type.arn_templates.iter().map(String::as_str));
        }
        for action in service.actions.values() {
            texts.push(&action.name);
            texts.extend(action.dependent_actions.iter().map(String::as_str));
        }
    }
    texts
}

/// All texts of a table, each stored once.
struct Heap {
    text: String,
    at: BTreeMap<String, u32>,
}

impl Heap {
    /// Lays out texts in descending order, so that a text that begins another one comes right behind it (or behind
    /// others that it begins, too) and needs no place of its own.
    fn new(mut texts: Vec<&str>) -> Result<Heap, EncodeError> {
        texts.sort_unstable_by(|a, b| b.cmp(a));
        texts.dedup();
        let mut heap = Heap { text: String::new(), at: BTreeMap::new() };
        let mut last = "";
        let mut last_at = 0;
        for text in texts {
            if text.len() > TEXT_LEN_MAX {
                return Err(EncodeError { what: "bytes of one text", given: text.len(), limit: TEXT_LEN_MAX });
            }
            if !last.starts_with(text) {
                last = text;
                last_at = heap.text.len();
                heap.text.push_str(text);
            }
            let limit = HEAP_LEN_MAX - 1;
            if heap.text.len() > limit {
                return Err(EncodeError { what: "bytes of text", given: heap.text.len(), limit });
            }
            // Both fit: the offset is below 2^22 and the length below 2^10.
            heap.at.insert(text.to_owned(), (last_at as u32) << TEXT_LEN_BITS | text.len() as u32);
        }
        Ok(heap)
    }

    fn text(&self, text: &str) -> [u8; 4] {
        self.at.get(text).copied().expect("`texts_of` lists every text that is written").to_le_bytes()
    }
}

struct Writer<'a> {
    heap: Heap,
    key_ids: BTreeMap<&'a str, u16>,
    sections: [Vec<u8>; N_SECTIONS],
    rows: BTreeMap<Vec<u8>, u16>,
    links: BTreeMap<Vec<u8>, u16>,
    key_lists: BTreeMap<Vec<u8>, u16>,
    texts: BTreeMap<Vec<u8>, u16>,
}

impl<'a> Writer<'a> {
    fn new(heap: Heap, key_ids: BTreeMap<&'a str, u16>) -> Self {
        let (rows, links, key_lists, texts) = Default::default();
        Writer { heap, key_ids, sections: Default::default(), rows, links, key_lists, texts }
    }

    /// The row of facts of an action, whose service's types begin at `first_type`.
    fn row(&mut self, action: &ActionEntry, service: &Merged, first_type: usize) -> Result<u16, EncodeError> {
        let mut links = Vec::new();
        for resource in &action.resources {
            let idx = service.type_idx(&resource.resource_type).expect("merging added every type that an action names");
            let keys = self.key_list(resource.keys.iter().map(String::as_str))?;
            links.extend(id16("resource types", first_type + idx)?.to_le_bytes());
            links.extend(keys.to_le_bytes());
            links.extend([u8::from(resource.required), 0]);
        }
        let links = list(&mut self.sections, (LINK_LISTS, LINKS), &mut self.links, links, "lists of resource types")?;
        let keys = self.key_list(action.keys.iter().map(String::as_str))?;
        let dependents = self.text_list(&action.dependent_actions)?;
        let mut row = Vec::with_capacity(RECORD_LEN[ROWS]);
        row.extend(links.to_le_bytes());
        row.extend(keys.to_le_bytes());
        row.extend(dependents.to_le_bytes());
        row.extend([layout::level_code(action.access_level), 0]);
        if let Some(&known) = self.rows.get(&row) {
            return Ok(known);
        }
        let id = id16("different rows of actions", self.rows.len())?;
        self.sections[ROWS].extend_from_slice(&row);
        self.rows.insert(row, id);
        Ok(id)
    }

    /// A list of keys: ascending ids, each once.
    fn key_list<'k>(&mut self, names: impl Iterator<Item = &'k str>) -> Result<u16, EncodeError> {
        let mut ids: Vec<u16> = names
            .map(|name| {
                *self.key_ids.get(name.to_ascii_lowercase().as_str()).expect("`declared_keys` holds every key in use")
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let bytes = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        list(&mut self.sections, (KEY_LISTS, KEY_IDS), &mut self.key_lists, bytes, "lists of condition keys")
    }

    /// A list of texts in the given order.
    fn text_list(&mut self, texts: &[String]) -> Result<u16, EncodeError> {
        let bytes = texts.iter().flat_map(|text| self.heap.text(text)).collect();
        list(
            &mut self.sections,
            (TEXT_LISTS, TEXTS),
            &mut self.texts,
            bytes,
            "lists of templates and dependent actions",
        )
    }

    fn finish(self, name: &str, date: &str) -> Result<Vec<u8>, EncodeError> {
        let mut out = MAGIC.to_vec();
        out.extend([0; CHECKED_FROM - CHECKSUM_AT]);
        out.extend(self.heap.text(name));
        out.extend(self.heap.text(date));
        for (section, record_len) in self.sections.iter().zip(RECORD_LEN) {
            out.extend(id32("records", section.len() / record_len)?);
        }
        out.extend(id32("bytes of text", self.heap.text.len())?);
        debug_assert_eq!(out.len(), HEADER_LEN);
        for section in &self.sections {
            out.extend_from_slice(section);
        }
        out.extend_from_slice(self.heap.text.as_bytes());
        let sum = layout::checksum(&out[CHECKED_FROM..]);
        out[CHECKSUM_AT..CHECKED_FROM].copy_from_slice(&sum.to_le_bytes());
        Ok(out)
    }
}

/// The id of a list, which is stored unless an equal one is.
fn list(
    sections: &mut [Vec<u8>; N_SECTIONS],
    (lists, items): (usize, usize),
    known: &mut BTreeMap<Vec<u8>, u16>,
    bytes: Vec<u8>,
    what: &'static str,
) -> Result<u16, EncodeError> {
    if let Some(&id) = known.get(&bytes) {
        return Ok(id);
    }
    let id = id16(what, known.len())?;
    let first = sections[items].len() / RECORD_LEN[items];
    sections[lists].extend(id32("list items", first)?);
    sections[items].extend_from_slice(&bytes);
    known.insert(bytes, id);
    Ok(id)
}

fn id16(what: &'static str, given: usize) -> Result<u16, EncodeError> {
    u16::try_from(given).map_err(|_| EncodeError { what, given, limit: usize::from(u16::MAX) })
}

fn id32(what: &'static str, given: usize) -> Result<[u8; 4], EncodeError> {
    let limit = u32::MAX as usize;
    u32::try_from(given).map(u32::to_le_bytes).map_err(|_| EncodeError { what, given, limit })
}
