//! The other way round: a set by actions, patterns and accounts, so that a question about everybody reads each statement
//! once and not each principal.

use super::about_action::AboutActions;
use super::condition_index::ConditionIndex;
use super::dependence::{Dependence, Level};
use super::guards::Guards;
use super::local::Local;
use super::pools::{Holders, PoolKind};
use super::postings::Postings;
use super::rows::{Bits, TruthRow, n_words, ones, set as set_bit};
use super::sweep::Reach;
use super::truths::AtomRows;
use crate::bulk::who;
use crate::caller::role_path_name;
use crate::hash::hash;
use crate::layout::*;
use crate::plan::Guardrails;
use crate::principals::EntryKind;
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, rows};
use std::sync::Arc;

/// Lists may hold this many entries for each row of the tables; a set that needs more is no compiler's, and questions
/// about it are answered principal by principal.
const ENTRIES_A_ROW: usize = 64;

/// SCPs of an account's principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guarded {
    None,
    Unknown,
    Class(u32),
}

/// The principals of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Account index.
    pub(crate) account: u32,
    pub(crate) first: u32,
    pub(crate) end: u32,
    pub(crate) scps: Guarded,
    /// The first account with the same RCPs, by position among the runs: what a request on `*` can differ in.
    pub(crate) like: u32,
    pub(crate) has_users: bool,
    pub(crate) has_roles: bool,
}

/// A set turned round, for [`crate::who_can`] and [`crate::what_can`].
///
/// Made once from a set and shared; it holds the set. What it costs is told by [`Inverse::heap_bytes`].
pub struct Inverse {
    set: Arc<CompiledPolicySet>,
    /// `None`: every question is answered principal by principal.
    pub(crate) lanes: Option<ByLanes>,
}

/// What answers for many principals at once.
pub(crate) struct ByLanes {
    pub(crate) n: u32,
    pub(crate) n_words: usize,
    /// By account, in the order of principals.
    pub(crate) runs: Vec<Run>,
    /// By account index: the position of its run, or NONE.
    pub(crate) run_of: Vec<u32>,
    pub(crate) roles: Bits,
    ///
    pub(crate) service_linked: Bits,
    /// Always decided one by one.
    pub(crate) odd: Bits,
    pub(crate) has_odd: bool,
    /// A user and a role that stand for all others where callers need not be told apart.
    pub(crate) some_user: Option<u32>,
    pub(crate) some_role: Option<u32>,
    pub(crate) identity: Holders,
    pub(crate) boundary: Holders,
    pub(crate) session: Holders,
    pub(crate) postings: Postings,
    pub(crate) local: Local,
    pub(crate) scps: Guards,
    pub(crate) reach: Reach,
    pub(crate) rcps: Guards,
    /// Some RCP speaks of other principals than everyone.
    pub(crate) rcps_name_somebody: bool,
    /// The lanes that have a boundary, and those that have none.
    pub(crate) with_boundary: Arc<TruthRow>,
    pub(crate) without_boundary: Arc<TruthRow>,
    pub(crate) some_bounded: Option<u32>,
    pub(crate) dependence: Dependence,
    pub(crate) conditions: ConditionIndex,
    /// Hash of the unique id and lane, sorted.
    pub(crate) by_unique_id: Vec<(u32, u32)>,
    /// Account indices of management accounts and delegated administrators.
    pub(crate) administrators: Vec<u32>,
    pub(crate) atom_rows: AtomRows,
    pub(crate) about_actions: AboutActions,
}

impl Inverse {
    /// Turns a set round.
    ///
    /// Cost: O(rows of the set), in time and memory. Panics: never.
    pub fn new(set: Arc<CompiledPolicySet>) -> Inverse {
        let lanes = ByLanes::new(&set);
        Inverse { set, lanes }
    }

    /// The set.
    pub fn set(&self) -> &Arc<CompiledPolicySet> {
        &self.set
    }

    /// Bytes on the heap, but for the set and for what is remembered between questions.
    pub fn heap_bytes(&self) -> usize {
        self.lanes.as_ref().map_or(0, ByLanes::heap_bytes)
    }

    /// False: something in the set is out of order, so that every question is answered principal by principal. The
    /// compiler makes no such set.
    pub fn is_by_lanes(&self) -> bool {
        self.lanes.is_some()
    }
}

impl std::fmt::Debug for Inverse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inverse")
            .field("set", &self.set)
            .field("heap_bytes", &self.heap_bytes())
            .finish_non_exhaustive()
    }
}

impl ByLanes {
    fn new(set: &CompiledPolicySet) -> Option<ByLanes> {
        let tables = set.tables();
        let n = set.n_principals();
        let n_words = n_words(n);
        let n_rows = tables.attachments.len()
            + tables.statements.len()
            + tables.resource_entries.len()
            + tables.action_entries.len()
            + tables.guardrail_levels.len()
            + tables.principals.len();
        let limit = (ENTRIES_A_ROW * n_rows).min(u32::MAX as usize / 2);
        let dependence = Dependence::new(set);
        // What `NotResource` excludes would have to be known before its owner is.
        let negated = rows::<3>(&tables.resource_tests).iter().zip(&dependence.tests);
        if negated.into_iter().any(|([flags, ..], depends)| flags & NEGATED != 0 && depends.own) {
            return None;
        }
        let identity = Holders::new(set, PoolKind::Identity, limit)?;
        let postings = Postings::new(set, &identity, limit)?;
        let boundary = Holders::new(set, PoolKind::Boundary, limit)?;
        let some_bounded = ones(&boundary.some, 0..n_words).next();
        let rcps = Guards::new(set, 4, limit)?;
        let truth = |bits: Bits| Arc::new(TruthRow { definite: bits, possible: Vec::new() });
        let mut lanes = ByLanes {
            n,
            n_words,
            runs: Vec::new(),
            run_of: vec![NONE; tables.account_numbers.len()],
            roles: vec![0; n_words],
            service_linked: vec![0; n_words],
            odd: vec![0; n_words],
            has_odd: false,
            some_user: None,
            some_role: None,
            identity,
            with_boundary: truth(boundary.some.clone()),
            without_boundary: truth(boundary.some.iter().map(|word| !word).collect()),
            some_bounded,
            boundary,
            session: Holders::new(set, PoolKind::Session, limit)?,
            postings,
            local: Local::default(),
            scps: Guards::new(set, 3, limit)?,
            reach: Reach::default(),
            rcps_name_somebody: rcps.bodies.iter().any(|body| names_somebody(set, *body)),
            rcps,
            dependence,
            conditions: ConditionIndex::new(set),
            by_unique_id: Vec::new(),
            administrators: Vec::new(),
            atom_rows: AtomRows::new(n_words),
            about_actions: AboutActions::default(),
        };
        lanes.find_principals(set)?;
        lanes.find_guardrails(set);
        lanes.reach = Reach::new(&lanes.scps, &lanes.runs, n)?;
        lanes.local = Local::new(set, &lanes.identity, &lanes.runs, limit)?;
        let management = rows::<ORGANIZATION_ROW>(&tables.organizations).iter().map(|[_, account]| *account);
        let delegated = rows::<2>(&tables.delegated).iter().map(|[_, account]| *account);
        lanes.administrators = management.chain(delegated).collect();
        lanes.administrators.sort_unstable();
        lanes.administrators.dedup();
        Some(lanes)
    }

    /// Runs of accounts, kinds, and whoever is out of the ordinary. `None`: principals do not lie account by account.
    fn find_principals(&mut self, set: &CompiledPolicySet) -> Option<()> {
        let mut partition: Option<&str> = None;
        let mut is_foreign = false;
        for lane in 0..self.n {
            let [flags, account, arn, unique_id, ..] = set.principal(lane);
            let is_role = flags & PRINCIPAL_ROLE != 0;
            if is_role {
                set_bit(&mut self.roles, lane);
                let is_linked =
                    role_path_name(set.string(arn)).is_some_and(|path| path.starts_with(b"aws-service-role/"));
                if is_linked {
                    set_bit(&mut self.service_linked, lane);
                }
            }
            if unique_id != NONE {
                self.by_unique_id.push((hash(set.string(unique_id)) as u32, lane));
            }
            // Nobody's principal, one that another of the same name hides, or one of another partition.
            let own = who(set, lane, "").and_then(|who| who.partition());
            let is_first = set.find_principal(set.string(arn)) == Some(lane);
            let of_main = own.is_some_and(|own| own == *partition.get_or_insert(own));
            if own.is_none() || !is_first || !of_main || self.has_foreign_policy(set, lane) {
                set_bit(&mut self.odd, lane);
                is_foreign = true;
            }
            if account == NONE {
                continue;
            }
            match self.runs.last_mut() {
                Some(run) if run.account == account && run.end == lane => run.end = lane + 1,
                _ if self.run_of[account as usize] != NONE => return None,
                _ => {
                    self.run_of[account as usize] = self.runs.len() as u32;
                    let run = Run {
                        account,
                        first: lane,
                        end: lane + 1,
                        scps: Guarded::None,
                        like: 0,
                        has_users: false,
                        has_roles: false,
                    };
                    self.runs.push(run);
                }
            }
            if own.is_some() && of_main {
                let some = if is_role { &mut self.some_role } else { &mut self.some_user };
                some.get_or_insert(lane);
                if let Some(run) = self.runs.last_mut() {
                    run.has_roles |= is_role;
                    run.has_users |= !is_role;
                }
            }
        }
        self.has_odd = is_foreign;
        self.by_unique_id.sort_unstable();
        Some(())
    }

    /// True iff a policy of another account is attached to the principal.
    fn has_foreign_policy(&self, set: &CompiledPolicySet, lane: u32) -> bool {
        let row = set.principal(lane);
        let is_foreign = |instance: u32| {
            let [_, home, _] = set.instance(instance);
            home != NONE && home != row[1]
        };
        (row[4] != NONE && is_foreign(row[4]))
            || [(row[5], row[6]), (row[11], row[12])]
                .into_iter()
                .any(|(first, count)| set.attachments(first, count).iter().any(|attached| is_foreign(attached >> 1)))
    }

    /// The guardrails of each run, as decisions find them.
    fn find_guardrails(&mut self, set: &CompiledPolicySet) {
        let mut scratch = Scratch::new(set);
        let mut likes: Vec<([u32; 4], u32)> = Vec::new();
        for at in 0..self.runs.len() {
            let run = self.runs[at];
            let caller = super::points::caller_for_plans(set, &mut scratch, run, &self.service_linked);
            match caller.map(|caller| caller.scps()) {
                Some(Ok(Guardrails::Set(id))) => self.runs[at].scps = Guarded::Class(self.scps.class_of(id)),
                Some(Ok(Guardrails::Unknown)) => self.runs[at].scps = Guarded::Unknown,
                Some(Ok(Guardrails::None | Guardrails::Foreign(_))) | None => {}
                // in strict mode: such a request is refused, but not that of a service-linked role.
                Some(Err(_)) => {
                    (run.first..run.end).for_each(|lane| set_bit(&mut self.odd, lane));
                    self.has_odd = true;
                }
            }
            let [flags, organization, _, _, rcps] = set.account(run.account);
            let unknown = flags & (ACCOUNT_PLACE_UNKNOWN | ACCOUNT_LISTED);
            let class = if rcps == NONE {
                NONE
            } else if set.guardrail_set(rcps)[0] & SET_UNKNOWN != 0 {
                NONE - 1
            } else {
                self.rcps.class_of(rcps)
            };
            likes.push(([unknown, u32::from(organization == NONE), class, 0], at as u32));
        }
        likes.sort_unstable();
        for alike in likes.chunk_by(|left, right| left.0 == right.0) {
            for (_, at) in alike {
                self.runs[*at as usize].like = alike[0].1;
            }
        }
    }

    /// Lanes with that unique id.
    pub(crate) fn with_unique_id<'s>(
        &'s self,
        set: &'s CompiledPolicySet,
        id: &'s [u8],
    ) -> impl Iterator<Item = u32> + 's {
        let hash = hash(id) as u32;
        let start = self.by_unique_id.partition_point(|(known, _)| *known < hash);
        self.by_unique_id[start..]
            .iter()
            .take_while(move |(known, _)| *known == hash)
            .map(|(_, lane)| *lane)
            .filter(move |lane| set.string(set.principal(*lane)[3]) == id)
    }

    /// The level of a statement by its resource test.
    pub(crate) fn level_of_test(&self, test: u32, owner_varies: bool) -> Level {
        if test == NONE { Level::Once } else { self.dependence.tests[test as usize].level(owner_varies) }
    }

    fn heap_bytes(&self) -> usize {
        let bits = self.roles.len() + self.service_linked.len() + self.odd.len();
        size_of::<Run>() * self.runs.len()
            + 4 * self.run_of.len()
            + 8 * bits
            + 8 * self.by_unique_id.len()
            + self.identity.heap_bytes()
            + self.boundary.heap_bytes()
            + self.session.heap_bytes()
            + self.postings.heap_bytes()
            + self.local.heap_bytes()
            + self.scps.heap_bytes()
            + self.reach.heap_bytes()
            + self.rcps.heap_bytes()
            + self.dependence.heap_bytes()
            + self.conditions.heap_bytes()
            + self.with_boundary.heap_bytes()
            + self.without_boundary.heap_bytes()
    }
}

/// True iff some statement of a body names another principal than everyone.
fn names_somebody(set: &CompiledPolicySet, body: u32) -> bool {
    set.body_statements(body).iter().any(|statement| {
        let [.., test] = set.statement(*statement);
        test != NONE
            && set.principal_test(test).1.iter().any(|entry| {
                !matches!(EntryKind::read(entry[0]), Some(EntryKind::Everyone | EntryKind::EveryoneUnderAws))
            })
    })
}
