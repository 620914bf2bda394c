//! What rows have in common besides ids, each once: key states, mode, endpoint and facts.
//!
//! ```text
//! row of a context ──▶ entries (key, state, first value, number) ──▶ values ──▶ texts
//!                 ──▶ endpoint, facts
//! ```
//!
//! Values are interned text by text, so that a context of five keys is five short rows. A worker copies texts and
//! values to the bottom of its arena once; going over to another context costs a few words for each of its keys.

use super::depends;
use super::texts::Texts;
use crate::keys::{Cardinality, KeyClass, cardinality, class};
use crate::layout::NONE;
use crate::set::CompiledPolicySet;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{Context, Facts, GivenKeys, KeyState, Mode, Request, ThroughEndpoint, Values};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Everything of a request that is no principal, session, action or resource.
#[derive(Debug, Clone, Copy)]
pub struct RowContext<'a> {
    /// Key states as given.
    pub context: &'a Context,
    /// What a key is when neither derived nor given.
    pub mode: Mode,
    /// How given keys meet derived ones.
    pub given_keys: GivenKeys,
    /// The VPC endpoint used.
    pub endpoint: &'a ThroughEndpoint,
    /// What else is known; facts about one principal or resource hold for every row that refers to them.
    pub facts: &'a Facts,
}

impl<'a> RowContext<'a> {
    /// That of a request.
    pub fn of(request: &'a Request) -> RowContext<'a> {
        RowContext {
            context: &request.context,
            mode: request.mode,
            given_keys: request.given_keys,
            endpoint: &request.endpoint,
            facts: &request.facts,
        }
    }
}

/// A key as a context gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// NONE: no key of the set; then the name counts.
    pub(crate) key: u32,
    pub(crate) name: u32,
    pub(crate) state: EntryState,
    /// What is derived of it depends on more than the context, so that each row is checked (R-5.6).
    pub(crate) of_row: bool,
}

/// The state of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EntryState {
    Absent,
    Present,
    Unknown,
    /// Positions in [`Contexts::values`]; `many`: given as a list.
    Values {
        first: u32,
        count: u32,
        many: bool,
    },
}

/// One context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextRow {
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) mode: Mode,
    pub(crate) given_keys: GivenKeys,
    pub(crate) endpoint: u32,
    pub(crate) facts: u32,
    /// Position among the contexts that are kept as they were given; NONE: it is not.
    pub(crate) kept: u32,
    /// The first context that differs from this one in nothing but keys that no policy of the set reads. Session policies
    /// may read others.
    pub(crate) alike: u32,
}

/// A table of contexts for the rows of a batch, each context once, numbered in the order in which they come.
///
/// It belongs to one set, whose keys it refers to.
#[derive(Debug)]
pub struct Contexts {
    set: u64,
    /// Different for each table and each [`Contexts::clear`], so that a scratch knows what it has copied.
    identity: u64,
    texts: Texts,
    /// Text ids.
    values: Vec<u32>,
    /// By text: its position in `values` as a value by itself, or NONE.
    singles: Vec<u32>,
    entries: Vec<Entry>,
    rows: Vec<ContextRow>,
    endpoints: Vec<ThroughEndpoint>,
    endpoint_ids: HashMap<ThroughEndpoint, u32>,
    facts: Vec<Facts>,
    facts_ids: HashMap<Facts, u32>,
    kept: Vec<Context>,
    /// Contexts as words, for telling which there are: a text's id is its context's.
    words: Texts,
    spare: Vec<u8>,
    /// Which keys some policy of the set reads.
    read: Vec<bool>,
    /// The same words without keys that nobody reads, and the first context with each.
    read_words: Texts,
    alike: Vec<u32>,
    /// Names of keys as they were written, and what is known of each: streams write few.
    names: Texts,
    known: Vec<KnownKey>,
    /// The numbers of no endpoint and of no facts, once they are there.
    nothing: Option<(u32, u32)>,
}

/// What a table knows of a key by its name alone.
#[derive(Debug, Clone, Copy)]
struct KnownKey {
    /// Of the canonical name.
    text: u32,
    /// NONE: no key of the set.
    key: u32,
    /// One value of it can make a difference.
    read: bool,
    /// What is derived of it depends on more than the context.
    of_row: bool,
    /// A context with it, or with it and one value, is as [`Contexts::intern`] alone can note it.
    kept: bool,
}

fn next_identity() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Contexts {
    /// An empty table. Cost: O(conditions and patterns of the set).
    pub fn new(set: &CompiledPolicySet) -> Contexts {
        Contexts {
            set: set.identity(),
            identity: next_identity(),
            texts: Texts::new(),
            values: Vec::new(),
            singles: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
            endpoints: Vec::new(),
            endpoint_ids: HashMap::new(),
            facts: Vec::new(),
            facts_ids: HashMap::new(),
            kept: Vec::new(),
            words: Texts::new(),
            spare: Vec::new(),
            read: depends::read_keys(set),
            read_words: Texts::new(),
            alike: Vec::new(),
            names: Texts::new(),
            known: Vec::new(),
            nothing: None,
        }
    }

    /// The number of contexts.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True iff there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets every context.
    pub fn clear(&mut self) {
        self.identity = next_identity();
        self.texts.clear();
        self.words.clear();
        self.read_words.clear();
        self.alike.clear();
        self.names.clear();
        self.known.clear();
        self.nothing = None;
        self.values.clear();
        self.singles.clear();
        self.entries.clear();
        self.rows.clear();
        self.endpoints.clear();
        self.endpoint_ids.clear();
        self.facts.clear();
        self.facts_ids.clear();
        self.kept.clear();
    }

    /// Heap bytes, about: what a caller who bounds memory looks at. Facts count by a guess.
    pub fn heap_bytes(&self) -> usize {
        let of = |n: usize, size: usize| n * size;
        self.texts.heap_bytes()
            + self.words.heap_bytes()
            + self.read_words.heap_bytes()
            + self.names.heap_bytes()
            + of(self.values.len() + self.singles.len(), size_of::<u32>())
            + of(self.entries.len(), size_of::<Entry>())
            + of(self.rows.len(), size_of::<ContextRow>())
            + of(self.facts.len() + self.kept.len(), 1_024)
    }

    /// The number of a context, which is added if it is new.
    ///
    /// `set` is the one that the table was made for. Cost: O(bytes of the context).
    pub fn intern(&mut self, set: &CompiledPolicySet, row: RowContext<'_>) -> u32 {
        let head = Head {
            mode: row.mode,
            given_keys: row.given_keys,
            endpoint: numbered(&mut self.endpoint_ids, &mut self.endpoints, row.endpoint),
            facts: numbered(&mut self.facts_ids, &mut self.facts, row.facts),
        };
        let mut words = std::mem::take(&mut self.spare);
        head.begin(&mut words);
        for (key, state) in row.context {
            self.push_key(&mut words, key, state);
        }
        let (id, new) = self.words.intern(&words);
        if new {
            let (first, kept) = self.add_entries(set, row);
            head.begin(&mut words);
            for (key, state) in row.context {
                if self.is_read(set, key, state) {
                    self.push_key(&mut words, key, state);
                }
            }
            self.add_row(head, id, &words, first, kept);
        }
        self.spare = words;
        id
    }

    /// The number of a context in which every key has one value, and nothing else is said; the same that
    /// [`Contexts::intern`] gives for it, with [`GivenKeys::Checked`], without endpoint and facts. Names of keys are as
    /// written, and in any order. `None`: a key has no name, or stands twice, or only [`Contexts::intern`] can note it.
    ///
    /// Cost: O(bytes of the context); nothing is allocated for it alone.
    pub fn intern_singles(&mut self, set: &CompiledPolicySet, mode: Mode, keys: &[(&str, &str)]) -> Option<u32> {
        let (endpoint, facts) = self.nothing();
        let head = Head { mode, given_keys: GivenKeys::Checked, endpoint, facts };
        let mut own =
            [(KnownKey { text: NONE, key: NONE, read: false, of_row: false, kept: false }, NONE); SINGLES_MAX];
        let own = own.get_mut(..keys.len())?;
        for (place, (name, value)) in own.iter_mut().zip(keys) {
            let known = self.known(set, name);
            if known.kept || name.is_empty() {
                return None;
            }
            *place = (known, self.text(value));
        }
        own.sort_unstable_by(|(a, _), (b, _)| self.texts.get(a.text).cmp(self.texts.get(b.text)));
        if own.windows(2).any(|two| two[0].0.text == two[1].0.text) {
            return None;
        }
        let mut words = std::mem::take(&mut self.spare);
        head.begin(&mut words);
        own.iter().for_each(|(known, value)| push_single(&mut words, known.text, *value));
        let (id, new) = self.words.intern(&words);
        if new {
            let first = self.entries.len() as u32;
            head.begin(&mut words);
            for (known, value) in own {
                let state = self.single(*value);
                self.entries.push(Entry { key: known.key, name: known.text, state, of_row: known.of_row });
                if known.read {
                    push_single(&mut words, known.text, *value);
                }
            }
            self.add_row(head, id, &words, first, NONE);
        }
        self.spare = words;
        Some(id)
    }

    /// The numbers of no endpoint and of no facts.
    fn nothing(&mut self) -> (u32, u32) {
        if let Some(nothing) = self.nothing {
            return nothing;
        }
        let endpoint = numbered(&mut self.endpoint_ids, &mut self.endpoints, &ThroughEndpoint::None);
        let nothing = (endpoint, numbered(&mut self.facts_ids, &mut self.facts, &Facts::default()));
        self.nothing = Some(nothing);
        nothing
    }

    /// What is known of a key that has one value and is checked.
    fn known(&mut self, set: &CompiledPolicySet, name: &str) -> KnownKey {
        let (id, new) = self.names.intern(name.as_bytes());
        if new {
            let key = ConditionKey::new(name);
            let (text, state) = (self.text(key.as_str()), KeyState::one(""));
            let (id, (class, _)) = (set.find_key(key.as_str().as_bytes()).unwrap_or(NONE), class(key.as_str()));
            let of_row = depends::of_derived(class) != 0;
            let read = self.is_read(set, &key, &state);
            let kept = asks_for_more(key.as_str()) || (id == NONE && of_row);
            self.known.push(KnownKey { text, key: id, read, of_row, kept });
        }
        self.known[id as usize]
    }

    /// Adds the row of a new context, whose keys that somebody reads are in `words`.
    fn add_row(&mut self, head: Head, id: u32, words: &[u8], first: u32, kept: u32) {
        let (alike, first_of_them) = self.read_words.intern(words);
        if first_of_them {
            self.alike.push(id);
        }
        let alike = self.alike[alike as usize];
        let count = self.entries.len() as u32 - first;
        let Head { mode, given_keys, endpoint, facts } = head;
        self.rows.push(ContextRow { first, count, mode, given_keys, endpoint, facts, kept, alike });
    }

    /// Adds a key and its state as words that tell them from all others.
    fn push_key(&mut self, words: &mut Vec<u8>, key: &ConditionKey, state: &KeyState) {
        let mut push = |word: u32| words.extend(word.to_le_bytes());
        push(self.texts.intern(key.as_str().as_bytes()).0);
        match state {
            KeyState::Absent => push(0),
            KeyState::Present => push(1),
            KeyState::Unknown => push(2),
            KeyState::Values(values) => {
                push(if matches!(values, Values::Many(_)) { MANY } else { ONE });
                push(values.as_slice().len() as u32);
                for value in values.as_slice() {
                    push(self.texts.intern(value.as_bytes()).0);
                }
            }
        }
    }

    /// Can the state of a key make a difference, session policies apart?
    fn is_read(&self, set: &CompiledPolicySet, key: &ConditionKey, state: &KeyState) -> bool {
        let name = key.as_str();
        let (class, _) = class(name);
        let asked = set.find_key(name.as_bytes()).is_some_and(|id| self.read[id as usize]);
        asked || !depends::is_only_read(class) || asks_for_more(name) || is_refused(set, key, class, state)
    }

    /// Adds the entries of a context; gives the position of the first, and that of the context where it is kept as it is.
    fn add_entries(&mut self, set: &CompiledPolicySet, row: RowContext<'_>) -> (u32, u32) {
        let first = self.entries.len() as u32;
        let mut keep = false;
        for (key, state) in row.context {
            let name = key.as_str();
            let id = set.find_key(name.as_bytes()).unwrap_or(NONE);
            let (class, _) = class(name);
            let of_row = row.given_keys == GivenKeys::Checked && depends::of_derived(class) != 0;
            keep |= asks_for_more(name) || (id == NONE && (of_row || is_refused(set, key, class, state)));
            let name = self.text(name);
            let state = self.state(state);
            self.entries.push(Entry { key: id, name, state, of_row });
        }
        if !keep {
            return (first, NONE);
        }
        self.kept.push(row.context.clone());
        (first, self.kept.len() as u32 - 1)
    }

    fn text(&mut self, text: &str) -> u32 {
        let (id, _) = self.texts.intern(text.as_bytes());
        self.singles.resize(self.texts.len(), NONE);
        id
    }

    fn state(&mut self, state: &KeyState) -> EntryState {
        let values = match state {
            KeyState::Absent => return EntryState::Absent,
            KeyState::Present => return EntryState::Present,
            KeyState::Unknown => return EntryState::Unknown,
            KeyState::Values(values) => values,
        };
        match values {
            Values::One(value) => {
                let text = self.text(value);
                self.single(text)
            }
            Values::Many(values) => {
                let first = self.values.len() as u32;
                for value in values {
                    let text = self.text(value);
                    self.values.push(text);
                }
                EntryState::Values { first, count: values.len() as u32, many: true }
            }
        }
    }

    fn single(&mut self, text: u32) -> EntryState {
        let at = &mut self.singles[text as usize];
        if *at == NONE {
            *at = self.values.len() as u32;
            self.values.push(text);
        }
        EntryState::Values { first: *at, count: 1, many: false }
    }

    // ---- for workers ----

    pub(crate) fn set_identity(&self) -> u64 {
        self.set
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(crate) fn values(&self) -> &[u32] {
        &self.values
    }

    pub(crate) fn row(&self, id: u32) -> Option<&ContextRow> {
        self.rows.get(id as usize)
    }

    pub(crate) fn entries(&self, row: &ContextRow) -> &[Entry] {
        &self.entries[row.first as usize..(row.first + row.count) as usize]
    }

    pub(crate) fn endpoint(&self, row: &ContextRow) -> &ThroughEndpoint {
        &self.endpoints[row.endpoint as usize]
    }

    pub(crate) fn facts(&self, row: &ContextRow) -> &Facts {
        &self.facts[row.facts as usize]
    }

    pub(crate) fn kept(&self, row: &ContextRow) -> Option<&Context> {
        self.kept.get(row.kept as usize)
    }
}

/// What a context says besides its keys.
#[derive(Clone, Copy)]
struct Head {
    mode: Mode,
    given_keys: GivenKeys,
    endpoint: u32,
    facts: u32,
}

impl Head {
    /// Begins the words of a context.
    fn begin(self, words: &mut Vec<u8>) {
        words.clear();
        words.extend([u8::from(self.mode == Mode::Open), u8::from(self.given_keys == GivenKeys::Pinned)]);
        words.extend(self.endpoint.to_le_bytes());
        words.extend(self.facts.to_le_bytes());
    }
}

/// Keys of a context that [`Contexts::intern_singles`] takes.
const SINGLES_MAX: usize = 16;
/// Words that say how many values follow: as one, as a list.
const ONE: u32 = 3;
const MANY: u32 = 4;

/// The words of a key with one value.
fn push_single(words: &mut Vec<u8>, key: u32, value: u32) {
    [key, ONE, 1, value].iter().for_each(|word| words.extend(word.to_le_bytes()));
}

/// The number of a value among those that came before.
fn numbered<T: Clone + Eq + std::hash::Hash>(ids: &mut HashMap<T, u32>, all: &mut Vec<T>, value: &T) -> u32 {
    if let Some(id) = ids.get(value) {
        return *id;
    }
    let id = all.len() as u32;
    all.push(value.clone());
    ids.insert(value.clone(), id);
    id
}

/// R-6.43: a key whose presence asks for a further action, and that may be no key of the set.
fn asks_for_more(canonical: &str) -> bool {
    ["aws:requesttag/", "sts:requestcontext"].iter().any(|family| canonical.starts_with(family))
}

/// R-4.4: several values for a key that has one.
fn is_refused(set: &CompiledPolicySet, key: &ConditionKey, class: KeyClass, state: &KeyState) -> bool {
    matches!(state, KeyState::Values(values) if values.as_slice().len() > 1)
        && cardinality(key.as_str(), class, set.catalogue()) == Cardinality::Single
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(entries: &[(&str, KeyState)]) -> Context {
        entries.iter().map(|(key, state)| (ConditionKey::new(key), state.clone())).collect()
    }

    #[test]
    fn equal_contexts_are_one() {
        let set = CompiledPolicySet::from_tables(crate::testing::minimal()).unwrap();
        let mut contexts = Contexts::new(&set);
        let none = ThroughEndpoint::None;
        let facts = Facts::default();
        let endpoint = ThroughEndpoint::Id("vpce-1".into());
        let tagged = Facts { principal_tags: Some(vec![("a".into(), "b".into())]), ..Facts::default() };
        let ip = |value: &str| context(&[("aws:SourceIp", KeyState::one(value))]);
        let many = context(&[("aws:SourceIp", KeyState::list(["1"]))]);
        let present = context(&[("aws:SourceIp", KeyState::Present)]);
        let (one, two) = (ip("1"), ip("2"));
        let of = |context, endpoint, facts, mode| RowContext {
            context,
            mode,
            given_keys: GivenKeys::Checked,
            endpoint,
            facts,
        };
        let rows = [
            of(&one, &none, &facts, Mode::Open),
            of(&one, &none, &facts, Mode::Closed),
            of(&two, &none, &facts, Mode::Open),
            of(&many, &none, &facts, Mode::Open),
            of(&present, &none, &facts, Mode::Open),
            of(&one, &endpoint, &facts, Mode::Open),
            of(&one, &none, &tagged, Mode::Open),
            RowContext { given_keys: GivenKeys::Pinned, ..of(&one, &none, &facts, Mode::Open) },
        ];
        for _ in 0..2 {
            for (expected, row) in rows.iter().enumerate() {
                assert_eq!(contexts.intern(&set, *row), expected as u32);
            }
        }
        assert_eq!((contexts.len(), contexts.is_empty()), (rows.len(), false));
        let alike = |contexts: &Contexts, id: u32| contexts.row(id).map(|row| row.alike);
        // The short way gives the same numbers.
        let keys = [("AWS:SourceIp", "1")];
        for (mode, expected) in [(Mode::Open, 0), (Mode::Closed, 1)] {
            assert_eq!(contexts.intern_singles(&set, mode, &keys), Some(expected));
        }
        let two_keys = [("aws:UserAgent", "a"), ("A:b", "c"), ("aws:SourceIp", "3"), ("aws:CurrentTime", "4")];
        let long = context(&two_keys.map(|(key, value)| (key, KeyState::one(value))));
        let id = contexts.intern_singles(&set, Mode::Open, &two_keys).unwrap();
        assert_eq!(id as usize, rows.len());
        assert_eq!(contexts.intern(&set, of(&long, &none, &facts, Mode::Open)), id);
        let three = ip("3");
        let bare = contexts.intern(&set, of(&three, &none, &facts, Mode::Open));
        assert_eq!(contexts.row(id).map(|row| row.alike), Some(id));
        assert_eq!(contexts.row(bare).map(|row| row.alike), Some(id));
        for refused in [
            &[("", "1")][..],
            &[("a:b", "1"), ("A:b", "2")],
            &[("aws:RequestTag/x", "1")],
            &[("aws:PrincipalTag/x", "1")],
            &[("a:b", "1"); SINGLES_MAX + 1],
        ] {
            assert_eq!(contexts.intern_singles(&set, Mode::Open, refused), None, "{refused:?}");
        }
        // No policy reads anything in this set, but some keys count by themselves.
        let agent = |value: &str| context(&[("aws:UserAgent", KeyState::one(value)), ("a:b", KeyState::Present)]);
        let (some, other) = (agent("some"), agent("other"));
        let [some, other] = [&some, &other].map(|own| contexts.intern(&set, of(own, &none, &facts, Mode::Open)));
        assert_ne!(some, other);
        assert_eq!(alike(&contexts, other), Some(some));
        assert_eq!(alike(&contexts, 2), Some(2));
        let before = contexts.identity();
        contexts.clear();
        assert_eq!(contexts.intern(&set, rows[2]), 0);
        assert_ne!(contexts.identity(), before);
    }
}
