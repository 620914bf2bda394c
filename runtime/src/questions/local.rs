//! Few accounts: their policies by account, so that the cost of a question follows its scope.
//!
//! A question about everybody starts from the statements about an action. One about an account starts from the policies
//! that its principals have, most of which are passed over by one bit.

use super::inverse::Run;
use super::pools::Holders;
use super::rows::Lists;
use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};

/// A policy that principals of an account have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalBody {
    /// One bit for each service, modulo 64, that it may speak of.
    services: u64,
    /// Its index among the holders.
    pub(crate) index: u32,
    /// The first of its lanes in the account, in `lanes`.
    first_lane: u32,
}

/// A statement of a body by a service that its action element names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalRule {
    /// NONE: an element that names every action, or what it excludes.
    service: u32,
    /// NONE: the element itself has to be asked.
    action_set: u32,
    pub(crate) statement: u32,
}

/// Identity policies by account.
#[derive(Debug, Default)]
pub(crate) struct Local {
    /// By run: positions in `bodies`.
    runs: Vec<u32>,
    bodies: Vec<LocalBody>,
    lanes: Vec<u32>,
    /// By index of a body: positions in `rules`.
    first_rule: Vec<u32>,
    rules: Vec<LocalRule>,
}

impl Local {
    /// `None`: more than `limit` rules.
    pub(crate) fn new(set: &CompiledPolicySet, holders: &Holders, runs: &[Run], limit: usize) -> Option<Local> {
        let mut local = Local::default();
        let mut services = Vec::with_capacity(holders.bodies.len());
        for body in &holders.bodies {
            local.first_rule.push(local.rules.len() as u32);
            services.push(local.push_rules(set, *body));
            if local.rules.len() > limit {
                return None;
            }
        }
        local.first_rule.push(local.rules.len() as u32);
        // Pairs of run and body, by body; the lanes of each body are in order, so those of a run are together.
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut run_of_lane = vec![NONE; set.n_principals() as usize];
        for (at, run) in (0..).zip(runs) {
            run_of_lane[run.first as usize..run.end as usize].fill(at);
        }
        for index in 0..holders.bodies.len() as u32 {
            for lanes in
                holders.list(index).chunk_by(|left, right| run_of_lane[*left as usize] == run_of_lane[*right as usize])
            {
                if run_of_lane[lanes[0] as usize] != NONE {
                    pairs.push((run_of_lane[lanes[0] as usize], index));
                }
            }
        }
        let by_run = Lists::new(runs.len(), &pairs)?;
        for (at, run) in (0..).zip(runs) {
            local.runs.push(local.bodies.len() as u32);
            for index in by_run.of(at) {
                let all = holders.list(*index);
                let start = all.partition_point(|lane| *lane < run.first);
                let len = all[start..].partition_point(|lane| *lane < run.end);
                let first_lane = local.lanes.len() as u32;
                local.bodies.push(LocalBody { services: services[*index as usize], index: *index, first_lane });
                local.lanes.extend(&all[start..start + len]);
            }
        }
        local.runs.push(local.bodies.len() as u32);
        // Where the lanes of the last body end.
        local.bodies.push(LocalBody { services: 0, index: NONE, first_lane: local.lanes.len() as u32 });
        Some(local)
    }

    /// Adds the rules of a body; gives the bits of its services.
    fn push_rules(&mut self, set: &CompiledPolicySet, body: u32) -> u64 {
        let tables = set.tables();
        let mut services = 0u64;
        let start = self.rules.len();
        for statement in set.body_statements(body) {
            let [_, element, ..] = set.statement(*statement);
            let [flags, first, count] = rows::<ELEMENT_ROW>(&tables.action_elements)[element as usize];
            if flags & ELEMENT_EMPTY != 0 {
                continue;
            }
            if flags & (ELEMENT_ANY | NEGATED) != 0 {
                services = u64::MAX;
                self.rules.push(LocalRule { service: NONE, action_set: NONE, statement: *statement });
                continue;
            }
            for [service, action_set] in &rows::<2>(&tables.action_entries)[first as usize..(first + count) as usize] {
                services |= 1 << (service % 64);
                self.rules.push(LocalRule { service: *service, action_set: *action_set, statement: *statement });
            }
        }
        // Those that are about every service come last.
        self.rules[start..].sort_by_key(|rule| rule.service);
        services
    }

    /// The bodies of a run that may speak of a service, each with its lanes in the run.
    pub(crate) fn bodies(&self, run: u32, service: u32) -> impl Iterator<Item = (u32, &[u32])> {
        let [first, end] = [run, run + 1].map(|at| self.runs[at as usize] as usize);
        // A service that no policy names is met by elements about all of them.
        let wanted = if service == NONE { u64::MAX } else { 1 << (service % 64) };
        let is_met = move |services: u64| if service == NONE { services == wanted } else { services & wanted != 0 };
        (first..end).filter(move |at| is_met(self.bodies[*at].services)).map(|at| {
            let [first, end] = [at, at + 1].map(|at| self.bodies[at].first_lane as usize);
            (self.bodies[at].index, &self.lanes[first..end])
        })
    }

    /// Calls `visit` for each statement of a body that is about the action; one may come twice.
    pub(crate) fn each_statement(
        &self,
        set: &CompiledPolicySet,
        index: u32,
        service: u32,
        position: u32,
        name: &[u8],
        mut visit: impl FnMut(u32),
    ) {
        let [first, end] = [index, index + 1].map(|at| self.first_rule[at as usize] as usize);
        let rules = &self.rules[first..end];
        if service != NONE {
            let start = if rules.len() > 16 { rules.partition_point(|rule| rule.service < service) } else { 0 };
            for rule in &rules[start..] {
                if rule.service > service {
                    break;
                }
                if rule.service == service && set.in_action_set(rule.action_set, position, name) {
                    visit(rule.statement);
                }
            }
        }
        for rule in rules.iter().rev().take_while(|rule| rule.service == NONE) {
            let [_, element, ..] = set.statement(rule.statement);
            if set.action_test(element, service, position, name) {
                visit(rule.statement);
            }
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        4 * (self.runs.len() + self.lanes.len() + self.first_rule.len())
            + size_of::<LocalBody>() * self.bodies.len()
            + size_of::<LocalRule>() * self.rules.len()
    }
}
