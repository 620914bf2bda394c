//! What a decision reads of a policy, in one row for each way to it: by attachment, by instance, by guardrail set.
//!
//! The layout keeps a policy's owner, body, sections and rules in rows of their own, each once. A decision on a large
//! organization waits for memory at each of them; so all but the rules are put together before the first decision, and
//! loading a set does not wait for it. Explanations and questions, which need more of a policy, follow the layout.

use crate::layout::*;
use crate::set::rows;

/// The service index of one policy, or of the denies of a guardrail set: sixteen bytes, so that four lie in a line of
/// the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// With one section: its service. Else a bit of [`service_bit`] for each service that the policy is about.
    services: u32,
    /// With one section: the first row in `rules`. Else the first row in `body_sections`; NONE: the text of the policy
    /// is not known.
    first: u32,
    /// The number of rows from `first`, shifted left by two, plus [`ONE`] and [`SPLIT`].
    extent: u32,
    /// Index of the account that owns the policy, or NONE.
    pub(crate) home: u32,
}

/// There is one section, as in four policies of five: it needs no search.
const ONE: u32 = 2;
/// The rules about every service stand in the last section only.
const SPLIT: u32 = 1;
/// Rows that an extent can count; `validate` refuses more.
pub(crate) const EXTENT_MAX: u32 = u32::MAX >> 2;

impl Program {
    /// A policy whose text is not known: it may be about every service.
    fn unknown(home: u32) -> Program {
        Program { services: u32::MAX, first: NONE, extent: 0, home }
    }

    fn new(tables: &Tables, services: u32, first: u32, count: u32, split: bool, home: u32) -> Program {
        if count == 1
            && let [service, first, count] = rows::<3>(&tables.body_sections)[first as usize]
        {
            return Program { services: service, first, extent: count << 2 | ONE, home };
        }
        Program { services, first, extent: count << 2 | u32::from(split), home }
    }

    /// False: it says nothing about the service (NONE: one that the set does not know).
    pub(crate) fn is_about(self, service: u32) -> bool {
        if self.extent & ONE != 0 {
            self.services == service || self.services == NONE
        } else {
            service == NONE || self.services & service_bit(service) != 0
        }
    }

    /// True: what the policy says is not known.
    pub(crate) fn is_unknown(self) -> bool {
        self.first == NONE
    }

    /// The rules that may be about a service (NONE: about one that the set does not know): those of its section, and
    /// those about all services where these stand apart.
    pub(crate) fn rules(self, tables: &Tables, service: u32) -> [&[[u32; RULE_ROW]]; 2] {
        let rules = |first: u32, count: u32| &rows::<RULE_ROW>(&tables.rules)[first as usize..(first + count) as usize];
        let (first, count) = (self.first, self.extent >> 2);
        if self.is_unknown() {
            return [&[], &[]];
        }
        if self.extent & ONE != 0 {
            return [if self.is_about(service) { rules(first, count) } else { &[] }, &[]];
        }
        let sections = &rows::<3>(&tables.body_sections)[first as usize..(first + count) as usize];
        let about_others = || match sections.last() {
            Some([NONE, first, count]) => rules(*first, *count),
            _ => &[],
        };
        // Most policies are about a few services.
        let own = if count <= 8 {
            sections.iter().find(|[known, ..]| *known == service)
        } else {
            sections.binary_search_by_key(&service, |[known, ..]| *known).ok().map(|at| &sections[at])
        };
        match own.filter(|_| service != NONE) {
            Some([_, first, count]) if self.extent & SPLIT != 0 => [rules(*first, *count), about_others()],
            Some([_, first, count]) => [rules(*first, *count), &[]],
            None => [about_others(), &[]],
        }
    }

    /// Some word that a search for rules reads first.
    pub(crate) fn read_ahead(self, tables: &Tables) -> u32 {
        let word = if self.extent & ONE != 0 {
            rows::<RULE_ROW>(&tables.rules).get(self.first as usize).map(|rule| rule[0])
        } else {
            rows::<3>(&tables.body_sections).get(self.first as usize).map(|section| section[1])
        };
        word.unwrap_or(0)
    }
}

/// The programs of a set.
#[derive(Debug)]
pub(crate) struct Programs {
    of_instances: Box<[Program]>,
    of_attachments: Box<[Program]>,
    of_guardrail_sets: Box<[Option<Program>]>,
}

impl Programs {
    /// Of tables that were validated. Cost: O(instances + attachments + guardrail sets).
    pub(crate) fn new(tables: &Tables) -> Programs {
        let bodies = rows::<BODY_ROW>(&tables.bodies);
        let of_instance = |[body, home, services]: &[u32; INSTANCE_ROW]| match bodies.get(*body as usize) {
            Some([kind, _, _, first, count]) => {
                Program::new(tables, *services, *first, *count, kind & BODY_SPLIT != 0, *home)
            }
            None => Program::unknown(*home),
        };
        let of_guardrail_set = |[flags, _, _, first, count]: &[u32; GUARDRAIL_SET_ROW]| {
            let program = || Program::new(tables, u32::MAX, *first, *count, flags & SET_SPLIT != 0, NONE);
            (flags & SET_PROGRAM != 0).then(program)
        };
        let of_instances: Box<[Program]> = rows(&tables.instances).iter().map(of_instance).collect();
        let of_attachments = tables.attachments.iter().map(|word| of_instances[(word >> 1) as usize]).collect();
        let of_guardrail_sets = rows(&tables.guardrail_sets).iter().map(of_guardrail_set).collect();
        Programs { of_instances, of_attachments, of_guardrail_sets }
    }

    /// That of a row of `instances`.
    pub(crate) fn of_instance(&self, instance: u32) -> Program {
        self.of_instances[instance as usize]
    }

    /// Those of rows of `attachments`.
    pub(crate) fn of_attachments(&self, first: u32, count: u32) -> &[Program] {
        &self.of_attachments[first as usize..(first + count) as usize]
    }

    /// The denies of a row of `guardrail_sets`; `None`: they are not put together.
    pub(crate) fn of_guardrail_set(&self, set: u32) -> Option<Program> {
        self.of_guardrail_sets[set as usize]
    }
}
