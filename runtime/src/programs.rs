//! What a decision reads of a policy, in one row for each way to it: by attachment, by instance, by guardrail set.
//!
//! The layout keeps a policy's owner, body, sections and rules in rows of their own, each once. A decision on a large
//! organization waits for memory at each of them; so all but the rules are put together before the first decision, and
//! loading a set does not wait for it. Explanations and questions, which need more of a policy, follow the layout.

use crate::layout::*;
use crate::set::rows;
use rustc_hash::FxHashMap;

/// The service index of one policy, or of the denies of a guardrail set: sixteen bytes, so that four lie in a line of
/// the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// With one section: its service. With a [`Directory`]: where it begins in `directories`. Else a bit of
    /// [`service_bit`] for each service that the policy is about.
    services: u32,
    /// With one section: the first row in `rules`. Else the first row in `body_sections`; NONE: the text of the policy
    /// is not known.
    first: u32,
    /// The number of rows from `first`, shifted left by three, plus [`ONE`], [`SPLIT`] and [`LISTED`].
    extent: u32,
    /// Index of the account that owns the policy, or NONE.
    pub(crate) home: u32,
}

/// There is one section, as in four policies of five: it needs no search.
const ONE: u32 = 2;
/// The rules about every service stand in the last section only.
const SPLIT: u32 = 1;
/// There are many sections, and a directory tells which is the service's.
const LISTED: u32 = 4;
/// Rows that an extent can count; `validate` refuses more.
pub(crate) const EXTENT_MAX: u32 = u32::MAX >> 3;
/// Up to that many sections are looked through one after another.
const FEW: u32 = 8;
/// Sets with more services than that, far more than the catalogue has, have no directories: they grow with sections
/// times services.
const DIRECTORY_SERVICES_MAX: usize = 2048;

/// Which of 32 services have a section (a bit for each), and how many sections stand before the first of them.
type Directory = [u32; 2];

impl Program {
    /// A policy whose text is not known: it may be about every service.
    fn unknown(home: u32) -> Program {
        Program { services: u32::MAX, first: NONE, extent: 0, home }
    }

    /// False: it says nothing about the service (NONE: one that the set does not know).
    pub(crate) fn is_about(self, service: u32) -> bool {
        match self.extent & (ONE | LISTED) {
            0 => service == NONE || self.services & service_bit(service) != 0,
            ONE => self.services == service || self.services == NONE,
            // The directory tells.
            _ => true,
        }
    }

    /// True: what the policy says is not known.
    pub(crate) fn is_unknown(self) -> bool {
        self.first == NONE
    }

    /// The number of rows from `first`.
    fn count(self) -> u32 {
        self.extent >> 3
    }
}

/// The denies of a guardrail set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guards {
    /// Those of all levels together; `None`: they are not put together.
    pub(crate) denies: Option<Program>,
    /// Some policy of each level allows everything, without condition.
    pub(crate) pass: bool,
    /// Nothing is known of the set.
    pub(crate) unknown: bool,
}

/// The programs of a set.
#[derive(Debug)]
pub(crate) struct Programs {
    of_instances: Box<[Program]>,
    of_attachments: Box<[Program]>,
    of_guardrail_sets: Box<[Guards]>,
    directories: Box<[Directory]>,
}

impl Programs {
    /// Of tables that were validated. Cost: O(instances + attachments + guardrail sets), and for each policy and guardrail
    /// set of many sections 8 bytes for 32 services.
    pub(crate) fn new(tables: &Tables) -> Programs {
        let mut builder = Builder { tables, directories: Vec::new(), known: FxHashMap::default() };
        let bodies = rows::<BODY_ROW>(&tables.bodies);
        let of_bodies: Vec<Program> = bodies
            .iter()
            .map(|[kind, _, _, first, count]| builder.program(*first, *count, kind & BODY_SPLIT != 0))
            .collect();
        let of_instance = |[body, home, services]: &[u32; INSTANCE_ROW]| match of_bodies.get(*body as usize) {
            Some(program) if program.extent & (ONE | LISTED) == 0 => {
                Program { services: *services, home: *home, ..*program }
            }
            Some(program) => Program { home: *home, ..*program },
            None => Program::unknown(*home),
        };
        let levels = rows::<4>(&tables.guardrail_levels);
        let mut of_guardrail_set =
            |[flags, first, count, first_section, n_sections]: &[u32; GUARDRAIL_SET_ROW]| Guards {
                denies: (flags & SET_PROGRAM != 0)
                    .then(|| builder.program(*first_section, *n_sections, flags & SET_SPLIT != 0)),
                pass: levels[*first as usize..(first + count) as usize]
                    .iter()
                    .all(|level| level[1] & LEVEL_PASSES != 0),
                unknown: flags & SET_UNKNOWN != 0,
            };
        let of_instances: Box<[Program]> = rows(&tables.instances).iter().map(of_instance).collect();
        let of_attachments = tables.attachments.iter().map(|word| of_instances[(word >> 1) as usize]).collect();
        let of_guardrail_sets = rows(&tables.guardrail_sets).iter().map(&mut of_guardrail_set).collect();
        Programs { of_instances, of_attachments, of_guardrail_sets, directories: builder.directories.into() }
    }

    /// That of a row of `instances`.
    pub(crate) fn of_instance(&self, instance: u32) -> Program {
        self.of_instances[instance as usize]
    }

    /// Those of rows of `attachments`.
    pub(crate) fn of_attachments(&self, first: u32, count: u32) -> &[Program] {
        &self.of_attachments[first as usize..(first + count) as usize]
    }

    /// That of a row of `guardrail_sets`.
    pub(crate) fn of_guardrail_set(&self, set: u32) -> Guards {
        self.of_guardrail_sets[set as usize]
    }

    /// The rules that may be about a service (NONE: about one that the set does not know): those of its section, and
    /// those about all services where these stand apart.
    pub(crate) fn rules<'t>(&self, tables: &'t Tables, program: Program, service: u32) -> [&'t [[u32; RULE_ROW]]; 2] {
        let rules = |first: u32, count: u32| &rows::<RULE_ROW>(&tables.rules)[first as usize..(first + count) as usize];
        if program.is_unknown() {
            return [&[], &[]];
        }
        if program.extent & ONE != 0 {
            return [if program.is_about(service) { rules(program.first, program.count()) } else { &[] }, &[]];
        }
        let sections = program.sections(tables);
        let about_others = || match sections.last() {
            Some([NONE, first, count]) => rules(*first, *count),
            _ => &[],
        };
        match self.section(program, sections, service) {
            Some([_, first, count]) if program.extent & SPLIT != 0 => [rules(*first, *count), about_others()],
            Some([_, first, count]) => [rules(*first, *count), &[]],
            None => [about_others(), &[]],
        }
    }

    /// The section of a service itself.
    fn section<'t>(&self, program: Program, sections: &'t [[u32; 3]], service: u32) -> Option<&'t [u32; 3]> {
        if service == NONE {
            return None;
        }
        if program.extent & LISTED != 0 {
            let [bits, before] = self.directories[(program.services + service / 32) as usize];
            let bit = 1 << (service % 32);
            return (bits & bit != 0).then(|| &sections[(before + (bits & (bit - 1)).count_ones()) as usize]);
        }
        // Most policies are about a few services.
        if program.count() <= FEW {
            return sections.iter().find(|[known, ..]| *known == service);
        }
        sections.binary_search_by_key(&service, |[known, ..]| *known).ok().map(|at| &sections[at])
    }

    /// Some word that a search for the rules about a service reads first.
    pub(crate) fn read_ahead(&self, tables: &Tables, program: Program, service: Option<u32>) -> u32 {
        let first_rule = |first: u32| rows::<RULE_ROW>(&tables.rules).get(first as usize).map(|rule| rule[0]);
        let word = if program.extent & ONE != 0 || program.is_unknown() {
            first_rule(program.first)
        } else if program.extent & LISTED != 0
            && let Some(service) = service
        {
            let sections = program.sections(tables);
            self.section(program, sections, service).or(sections.last()).and_then(|[_, first, _]| first_rule(*first))
        } else {
            program.sections(tables).first().map(|section| section[1])
        };
        word.unwrap_or(0)
    }
}

impl Program {
    /// Its rows of `body_sections`, where it has not just one.
    fn sections(self, tables: &Tables) -> &[[u32; 3]] {
        &rows::<3>(&tables.body_sections)[self.first as usize..(self.first + self.count()) as usize]
    }
}

struct Builder<'t> {
    tables: &'t Tables,
    directories: Vec<Directory>,
    /// Where the directory of these sections begins.
    known: FxHashMap<(u32, u32), u32>,
}

impl Builder<'_> {
    /// The program of some sections, which no account owns.
    fn program(&mut self, first: u32, count: u32, split: bool) -> Program {
        let sections = &rows::<3>(&self.tables.body_sections)[first as usize..(first + count) as usize];
        if let [[service, first, count]] = sections {
            return Program { services: *service, first: *first, extent: count << 3 | ONE, home: NONE };
        }
        let extent = count << 3 | if split { SPLIT } else { 0 };
        let n_services = self.tables.services.len() / SERVICE_ROW;
        if count <= FEW || n_services > DIRECTORY_SERVICES_MAX {
            return Program { services: u32::MAX, first, extent, home: NONE };
        }
        let directories = &mut self.directories;
        let services = *self.known.entry((first, count)).or_insert_with(|| {
            // Fewer than sections, of which each has three words.
            let start = directories.len() as u32;
            directories.resize(directories.len() + n_services.div_ceil(32), [0, 0]);
            let own = &mut directories[start as usize..];
            let known = sections.iter().filter(|[service, ..]| *service != NONE);
            known.for_each(|[service, ..]| own[(service / 32) as usize][0] |= 1 << (service % 32));
            let mut before = 0;
            for [bits, count] in own {
                *count = before;
                before += bits.count_ones();
            }
            start
        });
        Program { services, first, extent: extent | LISTED, home: NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One body with a section for each of these services, with as many rules as its position tells, then one for all others.
    fn tables(n_services: usize, services: &[u32], others: bool, split: bool) -> Tables {
        let mut tables = crate::testing::minimal();
        tables.services = vec![0; SERVICE_ROW * n_services];
        let mut n_rules = 0;
        for (count, service) in (1..).zip(services.iter().copied().chain(others.then_some(NONE))) {
            tables.body_sections.extend([service, n_rules, count]);
            n_rules += count;
        }
        tables.rules = (0..RULE_ROW as u32 * n_rules).collect();
        let n_sections = (tables.body_sections.len() / 3) as u32;
        tables.bodies = vec![if split { BODY_SPLIT } else { 0 }, 0, 0, 0, n_sections];
        let bits = services.iter().fold(0, |bits, service| bits | service_bit(*service));
        tables.instances = vec![0, 7, if others { u32::MAX } else { bits }];
        tables
    }

    #[test]
    fn each_service_finds_its_section() {
        let many: Vec<u32> = (0..400).filter(|service| service % 3 != 1).collect();
        for (n_services, services) in [
            (500, &many[..1]),
            (500, &many[..FEW as usize]),
            (500, &many[..]),
            (500, &[0, 31, 32, 63, 64, 200, 201, 202, 203, 499][..]),
            (DIRECTORY_SERVICES_MAX + 1, &many[..]),
        ] {
            for (others, split) in [(false, false), (true, false), (true, true)] {
                let tables = tables(n_services, services, others, split);
                let programs = Programs::new(&tables);
                let program = programs.of_instance(0);
                assert_eq!(program.home, 7);
                let sections = rows::<3>(&tables.body_sections);
                let of = |service: u32| {
                    let section = sections.iter().find(|section| section[0] == service);
                    section.map_or(&[][..], |[_, first, count]| {
                        &rows::<RULE_ROW>(&tables.rules)[*first as usize..(first + count) as usize]
                    })
                };
                for service in (0..n_services as u32).chain([NONE]) {
                    let found = programs.rules(&tables, program, service);
                    let named = services.contains(&service);
                    let expected = match (named, split) {
                        (true, true) => [of(service), of(NONE)],
                        (true, false) => [of(service), &[]],
                        (false, _) => [of(NONE), &[]],
                    };
                    assert_eq!(found, expected, "{service} of {services:?}");
                    let is_about = found.iter().any(|rules| !rules.is_empty());
                    assert!(program.is_about(service) || !is_about, "{service} of {services:?}");
                }
            }
        }
    }
}
