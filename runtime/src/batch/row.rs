//! Rows in the order in which they are decided: what they have in common is looked up once.

use super::contexts::ContextRow;
use super::order::Keys;
use super::{BatchTables, Rows};
use crate::DecisionCode;
use crate::ask::{ActionRef, Ask, Asker, Parts, ResourceRef};
use crate::bulk::NO_KEYS;
use crate::caller::Caller;
use crate::eval::{ActionIds, Eval};
use crate::layout::NONE;
use crate::refusal::Refusal;
use crate::scratch::Scratch;
use crate::set::{CompiledPolicySet, CompiledSession};
use iamc_catalogue::ActionId as CatalogueId;

/// The ids of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    principal: u32,
    action: u32,
    resource: u32,
    context: u32,
    session: u32,
}

/// Rows whose columns are fetched together: their cache misses overlap.
const GROUP: usize = 32;

/// The context of the last row.
struct InContext<'a> {
    id: u32,
    row: &'a ContextRow,
}

/// The caller of the last row.
struct InCaller<'a> {
    principal: u32,
    facts: u32,
    who: Asker<'a>,
    /// Nothing in it depends on the session, whose name is written when somebody asks for it.
    caller: Caller,
    /// How much of the arena it takes.
    end: (usize, usize),
}

/// The session of the last row.
#[derive(Clone, Copy)]
struct InSession<'a> {
    id: u32,
    name: &'a str,
    policies: Option<&'a CompiledSession>,
}

/// The action of the last row.
struct InAction<'a> {
    id: u32,
    /// Session policies have tables of their own.
    with_policies: bool,
    named: ActionRef<'a>,
    ids: ActionIds,
    end: (usize, usize),
}

/// Decides rows one after the other; what did not change since the last one is kept.
pub(crate) struct Walk<'a, 's> {
    set: &'a CompiledPolicySet,
    tables: &'a BatchTables,
    scratch: &'s mut Scratch,
    context: Option<InContext<'a>>,
    session: Option<InSession<'a>>,
    caller: Option<InCaller<'a>>,
    action: Option<InAction<'a>>,
    /// The answer to the last row is that of the same row in every session without policies.
    any_session: bool,
}

const UNKNOWN_ID: DecisionCode = DecisionCode::refused(Refusal::UnknownId);

impl<'a, 's> Walk<'a, 's> {
    /// `scratch` has begun the batch.
    pub(crate) fn new(set: &'a CompiledPolicySet, tables: &'a BatchTables, scratch: &'s mut Scratch) -> Walk<'a, 's> {
        Walk { set, tables, scratch, context: None, session: None, caller: None, action: None, any_session: false }
    }

    /// Answers the rows of these keys: `answer` gets the position of the key and the code.
    pub(crate) fn decide(
        &mut self,
        rows: &Rows<'_>,
        layout: Keys,
        keys: &[u64],
        mut answer: impl FnMut(usize, DecisionCode),
    ) {
        let nothing = Ids { principal: NONE, action: NONE, resource: NONE, context: NONE, session: NONE };
        let (mut last, mut code) = (nothing, UNKNOWN_ID);
        let mut group = [nothing; GROUP];
        for (number, keys) in keys.chunks(GROUP).enumerate() {
            for (ids, key) in group.iter_mut().zip(keys) {
                let index = layout.index(*key);
                *ids = Ids {
                    principal: rows.principal[index],
                    action: rows.action[index],
                    resource: rows.resource[index],
                    context: self.tables.alike(rows.context[index]),
                    session: rows.session_at(index),
                };
            }
            read_ahead(self.set, &group[..keys.len()]);
            read_tables_ahead(self.tables, &group[..keys.len()]);
            for (at, ids) in group[..keys.len()].iter().enumerate() {
                // The same row again has the same answer; the first is none, since no set has a principal NONE.
                let same = *ids == last
                    || (self.any_session
                        && Ids { session: last.session, ..*ids } == last
                        && self.tables.sessions.is_plain(ids.session));
                if !same {
                    (last, code) = (*ids, self.row(*ids));
                }
                answer(number * GROUP + at, code);
            }
        }
    }

    fn row(&mut self, ids: Ids) -> DecisionCode {
        let (set, tables) = (self.set, self.tables);
        self.any_session = false;
        if ids.principal >= set.n_principals() {
            return UNKNOWN_ID;
        }
        let Some(resource) = self.resource(ids.resource) else { return UNKNOWN_ID };
        if self.context.as_ref().is_none_or(|context| context.id != ids.context) {
            let Some(row) = tables.contexts.row(ids.context) else { return UNKNOWN_ID };
            self.scratch.enter_context(&tables.contexts, ids.context, row);
            self.context = Some(InContext { id: ids.context, row });
        }
        let Some(InContext { row: context, .. }) = self.context else { return UNKNOWN_ID };
        if self.session.is_none_or(|session| session.id != ids.session) {
            let Some((name, policies)) = tables.sessions.get(ids.session) else { return UNKNOWN_ID };
            self.session = Some(InSession { id: ids.session, name, policies });
        }
        let Some(InSession { name, policies, .. }) = self.session else { return UNKNOWN_ID };
        let same = |caller: &InCaller<'_>| (caller.principal, caller.facts) == (ids.principal, context.facts);
        if !self.caller.as_ref().is_some_and(same) {
            self.action = None;
            self.caller = None;
            let Some(who) = Asker::listed(set, ids.principal, name) else { return UNKNOWN_ID };
            self.scratch.rewind(self.scratch.bottom());
            let nothing = ActionRef { service: "", name: "" };
            let mut eval = Eval::new(set, ask(tables, context, who, nothing, resource), policies, self.scratch);
            eval.take_principal(ids.principal);
            let caller = eval.caller;
            let (principal, facts) = (ids.principal, context.facts);
            let end = self.scratch.here();
            self.caller = Some(InCaller { principal, facts, who, caller, end });
        }
        let Some(InCaller { who, caller, end, .. }) = self.caller else { return UNKNOWN_ID };
        let who = who.in_session(name);
        let with_policies = policies.is_some();
        let same = |action: &InAction<'_>| (action.id, action.with_policies) == (ids.action, with_policies);
        if !self.action.as_ref().is_some_and(same) {
            self.action = None;
            self.scratch.rewind(end);
            let Some(facts) = set.catalogue().action_by_id(CatalogueId::new(ids.action)) else { return UNKNOWN_ID };
            let service = set.service_of_action(ids.action);
            if service == NONE {
                return UNKNOWN_ID;
            }
            let named = ActionRef { service: set.service_name(service), name: facts.name() };
            let ask = ask(tables, context, who, named, resource);
            let numbers = Eval::new(set, ask, policies, self.scratch).ids_of(ids.action, service, named.name);
            self.action =
                Some(InAction { id: ids.action, with_policies, named, ids: numbers, end: self.scratch.here() });
        }
        let Some(InAction { named, ids: numbers, end, .. }) = self.action else { return UNKNOWN_ID };
        self.scratch.rewind(end);
        self.scratch.batch.begin_row();
        let mut eval = Eval::new(set, ask(tables, context, who, named, resource), policies, self.scratch);
        eval.caller = caller;
        let decision = eval.find_units_of(numbers).and_then(|()| eval.check_units()).and_then(|()| eval.decide());
        self.any_session = policies.is_none() && !self.scratch.batch.reads_session();
        decision.map_or_else(|error| DecisionCode::refused(Refusal::of(&error)), DecisionCode::of)
    }

    /// What a number of the column `resource` stands for; `None`: nothing.
    fn resource(&self, id: u32) -> Option<ResourceRef<'a>> {
        let (arn, account, row) = if id == NONE {
            (None, None, None)
        } else if id < self.set.n_resources() {
            (Some(self.set.text(self.set.resource(id)[0])), None, Some(id))
        } else {
            let (arn, account) = self.tables.resources.get(id)?;
            (Some(arn), account, None)
        };
        Some(ResourceRef { arn, account, context: &NO_KEYS, row })
    }
}

/// Policies of a principal that are read ahead.
const AHEAD: usize = 6;

/// Reads ahead what the decisions of a group will read, one step of the way for all rows before the next: misses of the
/// cache then overlap, where each decision would wait for its own.
fn read_ahead(set: &CompiledPolicySet, group: &[Ids]) {
    let mut sum = 0;
    let mut records = [None; GROUP];
    let mut resources = [None; GROUP];
    let mut last = NONE;
    for ((ids, record), resource) in group.iter().zip(&mut records).zip(&mut resources) {
        // Rows of one principal follow each other.
        if ids.principal != last && ids.principal < set.n_principals() {
            *record = Some(set.principal(ids.principal));
        }
        last = ids.principal;
        if ids.resource < set.n_resources() {
            *resource = Some(set.resource(ids.resource));
        }
    }
    let programs = set.programs();
    let of_instance = |instance: u32| (instance != NONE).then(|| programs.of_instance(instance));
    let mut ahead = [[None; AHEAD]; GROUP];
    for (record, ahead) in records.iter().zip(&mut ahead) {
        let Some([_, account, _, _, boundary, first, count, ..]) = *record else { continue };
        sum ^= if account == NONE { 0 } else { set.account(account)[0] };
        let attached = programs.of_attachments(first, count.min(AHEAD as u32 - 1)).iter().copied().map(Some);
        for (ahead, program) in ahead.iter_mut().zip(attached.chain([of_instance(boundary)])) {
            *ahead = program;
        }
    }
    let mut carried = [None; GROUP];
    for (resource, carried) in resources.iter().zip(&mut carried) {
        let Some([arn, _, policy, ..]) = *resource else { continue };
        sum ^= u32::from(set.string(arn).first().copied().unwrap_or(0));
        *carried = of_instance(policy);
    }
    for program in ahead.into_iter().flatten().chain(carried).flatten() {
        sum ^= programs.read_ahead(set.tables(), program, None);
    }
    std::hint::black_box(sum);
}

/// The same for what stands in the tables of the batch.
fn read_tables_ahead(tables: &BatchTables, group: &[Ids]) {
    let BatchTables { contexts, sessions, resources } = tables;
    let first = |text: Option<&str>| text.map_or(0, |text| text.as_bytes().first().copied().unwrap_or(0));
    let mut sum = 0;
    let mut rows = [None; GROUP];
    let mut last = NONE;
    for (ids, row) in group.iter().zip(&mut rows) {
        if ids.context != last {
            *row = contexts.row(ids.context);
        }
        last = ids.context;
        sum ^= sessions.end(ids.session) ^ resources.end(ids.resource);
    }
    for (ids, row) in group.iter().zip(rows) {
        if let Some(row) = row {
            let entries = contexts.entries(row);
            sum ^= entries.first().map_or(0, |entry| entry.name as usize);
            sum ^= entries.last().map_or(0, |entry| entry.name as usize);
        }
        sum ^= usize::from(first(sessions.get(ids.session).map(|(name, _)| name)));
        sum ^= usize::from(first(resources.get(ids.resource).map(|(arn, _)| arn)));
    }
    std::hint::black_box(sum);
}

/// A row as it is asked.
fn ask<'a>(
    tables: &'a BatchTables,
    context: &'a ContextRow,
    who: Asker<'a>,
    action: ActionRef<'a>,
    resource: ResourceRef<'a>,
) -> Ask<'a> {
    let contexts = &tables.contexts;
    Ask {
        who,
        facts: contexts.facts(context),
        context: contexts.kept(context).unwrap_or(&NO_KEYS),
        given_keys: context.given_keys,
        mode: context.mode,
        endpoint: contexts.endpoint(context),
        parts: Parts::Row { action, resource },
    }
}
