//! The statements of identity policies by what they are about: from an action, and from a pattern that matches the
//! resource, to the statements that may apply.
//!
//! A statement is filed once, under its actions if any resource will do, or under its patterns. Whatever is found is
//! still tested: an action set of many actions stands in one list of its service.

use super::pools::Holders;
use super::rows::Lists;
use crate::layout::*;
use crate::pattern::EVERYTHING;
use crate::set::{CompiledPolicySet, rows};
use crate::statements;

/// A place is one lane, not a position in `body_lists`.
const LANE: u32 = 1 << 31;

/// A set of more actions than this is filed under its service.
const ACTIONS_MAX: u32 = 64;

/// Who a statement belongs to.
pub(crate) enum Holder<'p> {
    Lane(u32),
    /// Indices of bodies in the holders.
    Bodies(&'p [u32]),
}

/// How a statement tests the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    /// Not at all.
    Any,
    /// One of its patterns has to match.
    Patterns,
    /// None may.
    Not,
}

/// Statements of identity policies. A number is a position in `statements`.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    /// Ids, ascending.
    pub(crate) statements: Vec<u32>,
    /// By number: [`LANE`] and the lane, or a position in `body_lists`.
    places: Vec<u32>,
    body_lists: Lists,
    /// By action: numbers of statements about any resource without conditions.
    plain: Lists,
    /// By action: numbers of statements about any resource that have conditions, and of those with `NotResource`.
    tested: Lists,
    /// By service, the same for sets of many actions.
    service_plain: Lists,
    service_tested: Lists,
    /// The same for elements that name every action, or what they exclude.
    wide_plain: Vec<u32>,
    wide_tested: Vec<u32>,
    /// By pattern: numbers of statements.
    by_pattern: Lists,
}

/// Where a statement is filed by its action element.
enum Filed {
    Nowhere,
    Wide,
    /// By service or by action: fills the pairs.
    Narrow,
}

impl Postings {
    /// `None`: the lists would hold more than `limit` entries.
    pub(crate) fn new(set: &CompiledPolicySet, holders: &Holders, limit: usize) -> Option<Postings> {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (index, body) in (0..).zip(&holders.bodies) {
            pairs.extend(set.body_statements(*body).iter().map(|statement| (*statement, index)));
            if pairs.len() > limit {
                return None;
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut postings = Postings::default();
        let mut body_pairs = Vec::new();
        let mut n_lists = 0;
        for run in pairs.chunk_by(|left, right| left.0 == right.0) {
            postings.statements.push(run[0].0);
            let lane = match run {
                [(_, body)] if holders.list(*body).len() == 1 => Some(holders.list(*body)[0]),
                _ => None,
            };
            postings.places.push(match lane {
                Some(lane) if lane < LANE => LANE | lane,
                _ => {
                    body_pairs.extend(run.iter().map(|(_, body)| (n_lists, *body)));
                    n_lists += 1;
                    n_lists - 1
                }
            });
        }
        postings.body_lists = Lists::new(n_lists as usize, &body_pairs)?;
        postings.file(set, limit)?;
        Some(postings)
    }

    fn file(&mut self, set: &CompiledPolicySet, limit: usize) -> Option<()> {
        let tables = set.tables();
        let (mut actions, mut services) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let mut by_pattern: Vec<(u32, u32)> = Vec::new();
        for (number, statement) in (0..).zip(&self.statements) {
            let [_, element, resource, block, _] = set.statement(*statement);
            let test = test_of(set, resource);
            if test == Test::Patterns {
                let (_, patterns) = set.resource_test(resource);
                by_pattern.extend(patterns.iter().map(|pattern| (*pattern, number)));
                if by_pattern.len() > limit {
                    return None;
                }
                continue;
            }
            let tested = usize::from(block != NONE || test == Test::Not);
            match file_element(set, element, number, &mut actions[tested], &mut services[tested]) {
                Filed::Nowhere | Filed::Narrow => {}
                Filed::Wide if tested == 0 => self.wide_plain.push(number),
                Filed::Wide => self.wide_tested.push(number),
            }
            if actions[tested].len() + services[tested].len() > limit {
                return None;
            }
        }
        let (n_actions, n_services) = (tables.action_flags.len(), tables.services.len() / SERVICE_ROW);
        by_pattern.sort_unstable();
        by_pattern.dedup();
        let [plain, mut tested] = actions;
        let [service_plain, mut service_tested] = services;
        // By block, so that each is looked at once in a row.
        let block = |(_, number): &(u32, u32)| set.statement(self.statements[*number as usize])[3];
        tested.sort_by_key(block);
        service_tested.sort_by_key(block);
        self.plain = Lists::new(n_actions, &plain)?;
        self.tested = Lists::new(n_actions, &tested)?;
        self.service_plain = Lists::new(n_services, &service_plain)?;
        self.service_tested = Lists::new(n_services, &service_tested)?;
        self.by_pattern = Lists::new(tables.patterns.len() / PATTERN_ROW, &by_pattern)?;
        Some(())
    }

    /// Calls `visit` for each statement that names any resource, has no conditions and may be about the action: with
    /// whether its action element has still to be asked. `id` is the action's, below the number of actions.
    pub(crate) fn each_plain(&self, service: u32, id: u32, mut visit: impl FnMut(u32, bool)) {
        self.plain.of(id).iter().for_each(|number| visit(*number, false));
        self.service_plain.of(service).iter().chain(&self.wide_plain).for_each(|number| visit(*number, true));
    }

    /// The same for statements about any resource with conditions, and for those with `NotResource`.
    pub(crate) fn each_tested(&self, service: u32, id: u32, mut visit: impl FnMut(u32, bool)) {
        self.tested.of(id).iter().for_each(|number| visit(*number, false));
        self.service_tested.of(service).iter().chain(&self.wide_tested).for_each(|number| visit(*number, true));
    }

    /// Numbers of the statements that list a pattern in `Resource`.
    pub(crate) fn with_pattern(&self, pattern: u32) -> &[u32] {
        self.by_pattern.of(pattern)
    }

    pub(crate) fn holder(&self, number: u32) -> Holder<'_> {
        let place = self.places[number as usize];
        if place & LANE != 0 { Holder::Lane(place & !LANE) } else { Holder::Bodies(self.body_lists.of(place)) }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let lists =
            [&self.body_lists, &self.plain, &self.tested, &self.service_plain, &self.service_tested, &self.by_pattern];
        let words = self.statements.len() + self.places.len() + self.wide_plain.len() + self.wide_tested.len();
        4 * words + lists.into_iter().map(Lists::heap_bytes).sum::<usize>()
    }
}

/// True iff a statement with that resource test applies to any resource whatever.
pub(crate) fn names_any(set: &CompiledPolicySet, resource: u32) -> bool {
    test_of(set, resource) == Test::Any
}

fn test_of(set: &CompiledPolicySet, resource: u32) -> Test {
    if resource == NONE {
        return Test::Any;
    }
    let (flags, patterns) = set.resource_test(resource);
    if flags & NEGATED != 0 {
        Test::Not
    } else if patterns.iter().any(|pattern| set.pattern(*pattern).kind() == EVERYTHING) {
        Test::Any
    } else {
        Test::Patterns
    }
}

/// Files a statement by its action element.
fn file_element(
    set: &CompiledPolicySet,
    element: u32,
    number: u32,
    actions: &mut Vec<(u32, u32)>,
    services: &mut Vec<(u32, u32)>,
) -> Filed {
    let tables = set.tables();
    let [flags, first, count] = rows::<ELEMENT_ROW>(&tables.action_elements)[element as usize];
    if flags & ELEMENT_EMPTY != 0 {
        return Filed::Nowhere;
    }
    if flags & (ELEMENT_ANY | NEGATED) != 0 {
        return Filed::Wide;
    }
    for [service, action_set] in &rows::<2>(&tables.action_entries)[first as usize..(first + count) as usize] {
        let [_, first_action, n_actions] = rows::<SERVICE_ROW>(&tables.services)[*service as usize];
        let [shape, a, b, _] = rows::<ACTION_SET_ROW>(&tables.action_sets)[*action_set as usize];
        let positions = [a & 0xffff, a >> 16, b & 0xffff, b >> 16];
        let n_members = match shape {
            0 => u32::MAX,
            1 => 0,
            _ => {
                let bits = &tables.action_bits[a as usize..][..(n_actions as usize).div_ceil(64)];
                bits.iter().map(|word| word.count_ones()).sum()
            }
        };
        if n_members > ACTIONS_MAX {
            services.push((*service, number));
            continue;
        }
        let is_member = |position: u32| {
            if shape == 1 {
                positions.contains(&position)
            } else {
                tables.action_bits[a as usize + position as usize / 64] >> (position % 64) & 1 == 1
            }
        };
        let mut push = |position: u32| {
            let pair = (first_action + position, number);
            if actions.last() != Some(&pair) {
                actions.push(pair);
            }
        };
        if shape == 1 {
            let mut own = positions;
            own.sort_unstable();
            own.into_iter().filter(|position| *position < n_actions).for_each(&mut push);
        } else {
            (0..n_actions).filter(|position| is_member(*position)).for_each(&mut push);
        }
    }
    Filed::Narrow
}

/// does the statement deny?
pub(crate) fn denies(set: &CompiledPolicySet, statement: u32) -> bool {
    set.statement(statement)[0] & statements::DENY != 0
}
