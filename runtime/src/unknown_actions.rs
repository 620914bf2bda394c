//! Actions that the catalogue does not know, against the texts of action sets.
//!
//! A set of few texts is globbed, text after text: most differ from the name in their first bytes. In a longer one,
//! texts without wildcard are bisected, and beginnings (`get*`, nearly all others) are looked for together: one anchored
//! automaton for each service, over the beginnings in all its long sets, says with one look at each byte of the name
//! which of them match. It is a tree, whose size follows that of its texts. It is built when a request first needs it,
//! under a limit of size; a service that would pass the limit is globbed, and so are texts with other wildcards, of
//! which a few can make an automaton explode.

use crate::code::glob_ascii;
use crate::layout::{ACTION_SET_ROW, NONE};
use crate::set::{CompiledPolicySet, rows};
use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Dot, Hir, Repetition};
use std::sync::OnceLock;

/// So many texts of a set are globbed sooner than an automaton is walked.
const FEW: usize = 8;
/// Bytes of automaton for each byte of text: a tree of beginnings takes about half.
const BYTES_PER_BYTE: usize = 1 << 10;
/// Every automaton may have so many bytes.
const BYTES_MIN: usize = 1 << 14;
/// None may have more.
const BYTES_MAX: usize = 1 << 20;

/// How the texts of action sets are compared with an action that has no id. A text counts once for each set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActionTextCounts {
    /// In sets of few texts: globbed.
    pub few: usize,
    /// In longer sets, without wildcard: bisected.
    pub exact: usize,
    /// In longer sets, a beginning and a star: by the automaton of the service.
    pub automaton: usize,
    /// In longer sets, with other wildcards, or too few for an automaton: globbed.
    pub globbed: usize,
    /// Meant for an automaton that would pass the limit: globbed.
    pub refused: usize,
    /// Services with an automaton.
    pub n_automata: usize,
    /// Services whose automaton would pass the limit.
    pub n_refused: usize,
    /// Bytes of the automata.
    pub automata_bytes: usize,
}

/// An automaton, and where every search begins.
#[derive(Debug)]
struct Dfa {
    states: dense::DFA<Vec<u32>>,
    start: StateID,
}

/// The long action sets of a policy set.
#[derive(Debug, Default)]
pub(crate) struct UnknownActions {
    /// By action set: position in `lists`, or NONE: globbed.
    list_of_set: Vec<u32>,
    lists: Vec<List>,
    services: Vec<Service>,
    /// The largest automaton.
    bytes_max: usize,
}

/// The texts of one long action set.
#[derive(Debug)]
struct List {
    /// Without wildcard, sorted by text.
    exact: Vec<u32>,
    /// Position in `services`; without meaning if nothing is `begun`.
    service: u32,
    /// Positions in the texts of the service, ascending.
    begun: Vec<u32>,
    /// Globbed.
    others: Vec<u32>,
}

#[derive(Debug, Default)]
struct Service {
    /// The beginnings in its long sets, stars included, sorted, each once.
    texts: Vec<u32>,
    /// `None`: refused.
    automaton: OnceLock<Option<Dfa>>,
}

impl UnknownActions {
    /// Sorts the texts of all action sets. Cost: O(bytes of the texts · log) and O(entries of action elements).
    pub(crate) fn new(set: &CompiledPolicySet) -> UnknownActions {
        UnknownActions::with_limit(set, BYTES_MAX)
    }

    /// As [`UnknownActions::new`], with automata of at most so many bytes.
    fn with_limit(set: &CompiledPolicySet, bytes_max: usize) -> UnknownActions {
        let tables = set.tables();
        let sets = rows::<ACTION_SET_ROW>(&tables.action_sets);
        let texts_of = |row: &[u32; ACTION_SET_ROW]| if row[3] == NONE { &[][..] } else { set.action_texts(row[3]) };
        if sets.iter().all(|row| texts_of(row).len() <= FEW) {
            return UnknownActions::default();
        }
        let mut service_of_set = vec![NONE; sets.len()];
        for [service, set] in rows::<2>(&tables.action_entries) {
            service_of_set[*set as usize] = *service;
        }
        let mut all = UnknownActions { list_of_set: vec![NONE; sets.len()], bytes_max, ..UnknownActions::default() };
        // Service and text of each begun text.
        let mut begun: Vec<(u32, u32)> = Vec::new();
        for ((row, service), list) in sets.iter().zip(&service_of_set).zip(&mut all.list_of_set) {
            let texts = texts_of(row);
            if texts.len() <= FEW || *service == NONE {
                continue;
            }
            *list = all.lists.len() as u32;
            let mut new = List { exact: Vec::new(), service: *service, begun: Vec::new(), others: Vec::new() };
            for text in texts {
                let first = set.string(*text).iter().position(|byte| matches!(byte, b'*' | b'?'));
                match first.map(|at| &set.string(*text)[at..]) {
                    None => &mut new.exact,
                    Some(b"*") => &mut new.begun,
                    Some(_) => &mut new.others,
                }
                .push(*text);
            }
            new.exact.sort_unstable_by_key(|text| set.string(*text));
            if new.begun.len() <= FEW {
                new.others.append(&mut new.begun);
            }
            begun.extend(new.begun.iter().map(|text| (*service, *text)));
            all.lists.push(new);
        }
        begun.sort_unstable_by_key(|(service, text)| (*service, set.string(*text)));
        begun.dedup_by_key(|(service, text)| (*service, set.string(*text)));
        let mut ids: Vec<u32> = Vec::new();
        for texts in begun.chunk_by(|left, right| left.0 == right.0) {
            ids.push(texts[0].0);
            let texts = texts.iter().map(|(_, text)| *text).collect();
            all.services.push(Service { texts, automaton: OnceLock::new() });
        }
        for list in all.lists.iter_mut().filter(|list| !list.begun.is_empty()) {
            let service = ids.partition_point(|id| *id < list.service);
            list.service = service as u32;
            let known = &all.services[service].texts;
            for text in &mut list.begun {
                *text = known.partition_point(|other| set.string(*other) < set.string(*text)) as u32;
            }
            list.begun.sort_unstable();
        }
        all
    }

    /// Nothing is prepared, and every text globbed: for policies that live as long as one request.
    pub(crate) fn unprepared() -> UnknownActions {
        UnknownActions::default()
    }

    /// True iff some text of the action set matches the name, which is in ASCII lower case.
    ///
    /// Cost: O(bytes of the name + texts of the set that are globbed); the first time for a service that is long enough
    /// also its automaton.
    pub(crate) fn matches(&self, set: &CompiledPolicySet, action_set: u32, texts: &[u32], name: &[u8]) -> bool {
        let glob = |texts: &[u32]| texts.iter().any(|text| glob_ascii(set.string(*text), name));
        let Some(list) = self.list_of_set.get(action_set as usize).and_then(|list| self.lists.get(*list as usize))
        else {
            return glob(texts);
        };
        if list.exact.binary_search_by_key(&name, |text| set.string(*text)).is_ok() || glob(&list.others) {
            return true;
        }
        if list.begun.is_empty() {
            return false;
        }
        let service = &self.services[list.service as usize];
        match self.automaton(set, service) {
            Some(automaton) => found(automaton, name, |text| list.begun.binary_search(&text).is_ok()),
            None => list.begun.iter().any(|text| glob(&service.texts[*text as usize..][..1])),
        }
    }

    /// Counts; builds every automaton that was not needed so far.
    pub(crate) fn counts(&self, set: &CompiledPolicySet) -> ActionTextCounts {
        let mut counts = ActionTextCounts::default();
        for (id, row) in rows::<ACTION_SET_ROW>(&set.tables().action_sets).iter().enumerate() {
            let list = self.list_of_set.get(id).and_then(|list| self.lists.get(*list as usize));
            let Some(list) = list else {
                counts.few += if row[3] == NONE { 0 } else { set.action_texts(row[3]).len() };
                continue;
            };
            counts.exact += list.exact.len();
            counts.globbed += list.others.len();
            if !list.begun.is_empty() {
                let refused = self.automaton(set, &self.services[list.service as usize]).is_none();
                *if refused { &mut counts.refused } else { &mut counts.automaton } += list.begun.len();
            }
        }
        for service in &self.services {
            match self.automaton(set, service) {
                Some(automaton) => {
                    counts.n_automata += 1;
                    counts.automata_bytes += automaton.states.memory_usage();
                }
                None => counts.n_refused += 1,
            }
        }
        counts
    }

    fn automaton<'u>(&self, set: &CompiledPolicySet, service: &'u Service) -> Option<&'u Dfa> {
        service.automaton.get_or_init(|| build(&service.texts, |text| set.string(text), self.bytes_max)).as_ref()
    }
}

/// The automaton over beginnings; `None`: it would pass the limit.
fn build<'t>(texts: &[u32], string: impl Fn(u32) -> &'t [u8], bytes_max: usize) -> Option<Dfa> {
    let n_bytes: usize = texts.iter().map(|text| string(*text).len()).sum();
    let limit = n_bytes.saturating_mul(BYTES_PER_BYTE).max(BYTES_MIN).min(bytes_max);
    let trees: Vec<Hir> = texts.iter().map(|text| tree(string(*text))).collect();
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(limit)))
        .build_many_from_hir(&trees)
        .ok()?;
    let config = dense::Config::new()
        .start_kind(regex_automata::dfa::StartKind::Anchored)
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(limit))
        .determinize_size_limit(Some(limit));
    let states = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
    let start = states.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
    Some(Dfa { states, start })
}

/// A beginning as a syntax tree, so that nothing has to be escaped.
fn tree(text: &[u8]) -> Hir {
    let beginning = text.strip_suffix(b"*").unwrap_or(text);
    let sub = Box::new(Hir::dot(Dot::AnyByte));
    let star = Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub });
    Hir::concat(vec![Hir::literal(beginning), star])
}

/// True iff `is_asked` holds for a text that matches the whole name.
fn found(automaton: &Dfa, name: &[u8], is_asked: impl Fn(u32) -> bool) -> bool {
    let Dfa { states, start } = automaton;
    let mut state = *start;
    for byte in name {
        state = states.next_state(state, *byte);
        if states.is_dead_state(state) {
            return false;
        }
    }
    // What matches is told one step later: behind the end those texts that end there.
    state = states.next_eoi_state(state);
    states.is_match_state(state)
        && (0..states.match_len(state)).any(|at| is_asked(states.match_pattern(state, at).as_u32()))
}

#[cfg(test)]
mod tests;
