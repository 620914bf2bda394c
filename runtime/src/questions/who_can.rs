//! Who can? One action, resource and context against every user and role.

use super::asking::{Asking, QuestionScratch};
use super::dependence::{Level, is_about_owner, level_of};
use super::everybody::Joining;
use super::inverse::{ByLanes, Inverse};
use super::points::{self, Template};
use super::rows::{Bits, get, mask, n_words, ones, words};
use super::truths::Kinds;
use crate::ask::{ActionRef, Parts, ResourceRef};
use crate::bulk::{ActionId, DecisionCode, PreparedContext, PrincipalId, ResourceId};
use crate::decide::{Settled, resource_needed};
use crate::eval::Eval;
use crate::keys;
use crate::layout::NONE;
use crate::refusal::Refusal;
use crate::set::CompiledPolicySet;
use crate::units::{Origin, UnitSpec};
use iamc_catalogue::ActionId as CatalogueId;
use iamc_policy::request::{Context, Mode, RequestError};
use iamc_policy::{AccountId, Request};
use roaring::RoaringBitmap;
use std::sync::LazyLock;

/// Of whom a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope<'s> {
    /// Every user and role of the set.
    #[default]
    All,
    /// Those of some accounts; an account that the set does not have has none.
    Accounts(&'s [AccountId]),
}

/// What is asked of everybody: a request whose principal is not looked at, and the name of role sessions.
#[derive(Debug, Clone)]
pub struct Question {
    id: u64,
    request: Request,
    session: String,
}

impl Question {
    /// A question from a request; sessions of roles are named `session`, as in a [`PreparedContext`].
    pub fn new(request: Request) -> Question {
        let id = PreparedContext::new(Context::new(), Mode::Closed).id;
        Question { id, request, session: "session".to_owned() }
    }

    /// The same with another name for the sessions of roles.
    pub fn with_session_name(self, session: impl Into<String>) -> Question {
        Question { session: session.into(), ..Question::new(self.request) }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The name of role sessions.
    pub fn session_name(&self) -> &str {
        &self.session
    }

    fn template(&self) -> Template<'_> {
        let request = &self.request;
        Template {
            id: self.id,
            facts: &request.facts,
            context: &request.context,
            given_keys: request.given_keys,
            mode: request.mode,
            endpoint: &request.endpoint,
            parts: Parts::Request(request),
            session: &self.session,
        }
    }
}

/// Sets of principals, by [`PrincipalId`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Principals {
    /// Allowed, whatever is not known.
    pub definite: RoaringBitmap,
    /// Allowed under some completion of what is not known; everyone in `definite` is in it.
    pub possible: RoaringBitmap,
}

/// How many principals get which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Allowed, whatever is not known.
    pub can: u64,
    /// Allowed under some completion of what is not known, but not under all.
    pub can_if: u64,
    /// Never allowed.
    pub cannot: u64,
    /// The request by them cannot be decided, as where a given key contradicts who they are.
    pub refused: u64,
}

/// The answer to a question about everybody. It lies in the scratch, one bit for each principal and outcome.
#[derive(Debug, Clone, Copy)]
pub struct Found<'s> {
    outcomes: &'s [Bits; 3],
    /// Ranges of principals that were asked about, ascending.
    scope: InScope<'s>,
    n: u32,
    n_by_point: u32,
    n_by_lane: u32,
}

#[derive(Debug, Clone, Copy)]
enum InScope<'s> {
    All,
    Ranges(&'s [(u32, u32)]),
}

impl<'s> Found<'s> {
    /// What the decision about a principal of the scope is: that of [`crate::decide_ids`], but that a refused request has
    /// no reason. Principals out of scope are refused.
    pub fn code(&self, principal: PrincipalId) -> DecisionCode {
        let lane = principal.get();
        if !self.is_in_scope(lane) {
            return DecisionCode::REFUSED;
        }
        let bits = self.outcomes.iter().zip(0..).map(|(bits, place)| u8::from(get(bits, lane)) << place).sum();
        DecisionCode::from_bits(bits).unwrap_or(DecisionCode::REFUSED)
    }

    fn is_in_scope(&self, lane: u32) -> bool {
        match self.scope {
            InScope::All => lane < self.n,
            InScope::Ranges(ranges) => ranges.iter().any(|(first, end)| (*first..*end).contains(&lane)),
        }
    }

    /// Calls `visit` for each word of lanes: its position, the lanes in scope, those allowed for certain, those perhaps.
    fn each_word(&self, mut visit: impl FnMut(usize, u64, u64)) {
        let mut range = |first: u32, end: u32| {
            let [allow, explicit, implicit] = self.outcomes;
            for word in words(first, end) {
                let possible = allow[word] & mask(word, first, end);
                visit(word, possible & !explicit[word] & !implicit[word], possible);
            }
        };
        match self.scope {
            InScope::All => range(0, self.n),
            InScope::Ranges(ranges) => ranges.iter().for_each(|(first, end)| range(*first, *end)),
        }
    }

    /// How many principals can for certain, and how many can at least perhaps.
    pub fn counts(&self) -> (u64, u64) {
        let mut counts = (0, 0);
        self.each_word(|_, definite, possible| {
            counts.0 += u64::from(definite.count_ones());
            counts.1 += u64::from(possible.count_ones());
        });
        counts
    }

    /// How many of some principals can, can if something that is not known is right, cannot, and cannot ask at all; `among`
    /// holds one bit for each principal, as [`Found::rows`]. Those out of scope are not counted. Cost: O(words of the scope).
    pub fn tally(&self, among: &[u64]) -> Tally {
        let mut tally = Tally::default();
        let [allow, explicit, implicit] = self.outcomes;
        let mut range = |first: u32, end: u32| {
            for word in words(first, end) {
                let own = mask(word, first, end) & among.get(word).copied().unwrap_or(0);
                let [allow, explicit, implicit] = [allow[word], explicit[word], implicit[word]].map(|bits| bits & own);
                let n = |bits: u64| u64::from(bits.count_ones());
                tally.can += n(allow & !explicit & !implicit);
                tally.can_if += n(allow & (explicit | implicit));
                tally.cannot += n((explicit | implicit) & !allow);
                tally.refused += n(own & !(allow | explicit | implicit));
            }
        };
        match self.scope {
            InScope::All => range(0, self.n),
            InScope::Ranges(ranges) => ranges.iter().for_each(|(first, end)| range(*first, *end)),
        }
        tally
    }

    /// How many principals were asked about.
    pub fn n_asked(&self) -> u64 {
        match self.scope {
            InScope::All => u64::from(self.n),
            InScope::Ranges(ranges) => ranges.iter().map(|(first, end)| u64::from(end - first)).sum(),
        }
    }

    /// Both sets. Cost: O(words of the scope).
    pub fn principals(&self) -> Principals {
        let mut principals = Principals::default();
        let mut bytes: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
        let mut start = None;
        let mut flush = |start: &mut Option<usize>, bytes: &mut [Vec<u8>; 2]| {
            if let Some(first) = start.take() {
                principals.definite |= RoaringBitmap::from_lsb0_bytes(first as u32 * 64, &bytes[0]);
                principals.possible |= RoaringBitmap::from_lsb0_bytes(first as u32 * 64, &bytes[1]);
            }
            bytes.iter_mut().for_each(Vec::clear);
        };
        let mut next = 0;
        self.each_word(|word, definite, possible| {
            if start.is_some() && word != next {
                flush(&mut start, &mut bytes);
            }
            start.get_or_insert(word);
            bytes[0].extend(definite.to_le_bytes());
            bytes[1].extend(possible.to_le_bytes());
            next = word + 1;
        });
        flush(&mut start, &mut bytes);
        principals
    }

    /// Each principal that can at least perhaps, ascending, with the decision.
    pub fn iter(&self) -> impl Iterator<Item = (PrincipalId, DecisionCode)> + '_ {
        let ranges: &[(u32, u32)] = match self.scope {
            InScope::All => &[(0, u32::MAX)],
            InScope::Ranges(ranges) => ranges,
        };
        ranges
            .iter()
            .flat_map(|(first, end)| {
                let (first, end) = (*first, (*end).min(self.n));
                ones(&self.outcomes[0], words(first, end)).filter(move |lane| (first..end).contains(lane))
            })
            .map(|lane| (PrincipalId::new(lane), self.code(PrincipalId::new(lane))))
    }

    /// The rows themselves, one bit for each principal, 64 in a word, the lowest first: who may be allowed, explicitly
    /// denied, implicitly denied. Outside the scope they say nothing.
    pub fn rows(&self) -> [&'s [u64]; 3] {
        let [allow, explicit, implicit] = self.outcomes;
        [allow, explicit, implicit]
    }

    /// How many principals were decided one by one, since a policy names them or something about them is unusual.
    pub fn n_by_point(&self) -> u32 {
        self.n_by_point
    }

    /// How often a statement was asked about one principal by itself, since its conditions mix principal and request.
    pub fn n_by_lane(&self) -> u32 {
        self.n_by_lane
    }
}

/// A scope of one account, or of less than this part of all principals, is answered from its own policies.
const LOCAL_SHARE: u32 = 16;

static NO_KEYS: LazyLock<Context> = LazyLock::new(Context::new);

/// Who can? The question of a request, asked of every user and role of the scope at once.
///
/// The answer equals [`crate::decide()`] of the same request by each of them, sessions of roles being named as the question
/// says.
///
/// # Errors
/// The request is ill-formed whoever makes it, see [`crate::decide()`]. `E-SESSION-POLICIES`: it carries session policies,
/// which belong to one session.
///
/// Panics: never. Cost: O(statements about the action and the resource + principals / 64), and for each principal that a
/// policy of the resource names one decision; for a scope of few accounts in proportion to their principals. No heap
/// allocation once `scratch` has grown.
pub fn who_can<'s>(
    inverse: &Inverse,
    question: &Question,
    scope: Scope<'_>,
    scratch: &'s mut QuestionScratch,
) -> Result<Found<'s>, RequestError> {
    if question.request.resources.is_empty() {
        return Err(resource_needed());
    }
    if question.request.session.is_some() {
        return Err(RequestError {
            code: "E-SESSION-POLICIES",
            message: "session policies belong to one session: leave them out, or decide for one principal".into(),
            field: "policies.session",
            rule: "R-6.12",
        });
    }
    answer(inverse, question.template(), scope, scratch)
}

/// The same with ids: an action of the catalogue, a resource of the inventory (`None`: `*`), a context.
///
/// # Errors
/// As [`who_can`]; `E-ID`: the set has no such action or resource.
pub fn who_can_ids<'s>(
    inverse: &Inverse,
    action: ActionId,
    resource: Option<ResourceId>,
    context: &PreparedContext,
    scope: Scope<'_>,
    scratch: &'s mut QuestionScratch,
) -> Result<Found<'s>, RequestError> {
    let set = &**inverse.set();
    let unknown = |field: &'static str| RequestError {
        code: Refusal::UnknownId.code(),
        message: format!("the set has no such {field}: ids belong to one set"),
        field,
        rule: "R-5.1",
    };
    if resource.is_some_and(|resource| resource.get() >= set.n_resources()) {
        return Err(unknown("resource"));
    }
    let facts = set.catalogue().action_by_id(CatalogueId::new(action.get())).ok_or_else(|| unknown("action"))?;
    let service = set.service_of_action(action.get());
    if service == NONE {
        return Err(unknown("action"));
    }
    let named = ActionRef { service: set.service_name(service), name: facts.name() };
    let arn = resource.map(|resource| set.text(set.resource(resource.get())[0]));
    let row = resource.map(ResourceId::get);
    let parts = Parts::Row { action: named, resource: ResourceRef { arn, account: None, context: &NO_KEYS, row } };
    let template = Template::of_context(context, parts);
    answer(inverse, template, scope, scratch)
}

pub(crate) fn answer<'s>(
    inverse: &Inverse,
    template: Template<'_>,
    scope: Scope<'_>,
    scratch: &'s mut QuestionScratch,
) -> Result<Found<'s>, RequestError> {
    let set = &**inverse.set();
    let n = set.n_principals();
    let mut ranges = std::mem::take(&mut scratch.work.ranges);
    let mut runs = std::mem::take(&mut scratch.work.runs);
    ranges.clear();
    runs.clear();
    match (scope, &inverse.lanes) {
        (Scope::All, Some(lanes)) => {
            runs.extend(0..lanes.runs.len() as u32);
            ranges.push((0, n));
        }
        (Scope::All, None) => ranges.push((0, n)),
        (Scope::Accounts(accounts), lanes) => {
            for account in accounts {
                let Some(row) = set.find_account(*account) else { continue };
                match lanes {
                    Some(lanes) if lanes.run_of[row as usize] != NONE => runs.push(lanes.run_of[row as usize]),
                    Some(_) => {}
                    None => {
                        ranges.extend((0..n).filter(|lane| set.principal(*lane)[1] == row).map(|lane| (lane, lane + 1)))
                    }
                }
            }
            runs.sort_unstable();
            runs.dedup();
            if let Some(lanes) = lanes {
                ranges.extend(runs.iter().map(|run| (lanes.runs[*run as usize].first, lanes.runs[*run as usize].end)));
            }
            ranges.sort_unstable();
            ranges.dedup();
        }
    }
    let result = match &inverse.lanes {
        Some(lanes) => by_lanes(set, lanes, template, &runs, &ranges, scratch),
        None => by_points(set, template, &ranges, scratch),
    };
    scratch.work.ranges = ranges;
    scratch.work.runs = runs;
    result?;
    let work = &scratch.work;
    Ok(Found {
        outcomes: &work.outcomes,
        scope: if scope == Scope::All { InScope::All } else { InScope::Ranges(&work.ranges) },
        n,
        n_by_point: work.n_by_point,
        n_by_lane: work.n_by_lane,
    })
}

pub(super) fn in_scope(scope: Scope<'_>, account: AccountId) -> bool {
    match scope {
        Scope::All => true,
        Scope::Accounts(accounts) => accounts.contains(&account),
    }
}

/// Every lane of the scope by itself.
fn by_points(
    set: &CompiledPolicySet,
    template: Template<'_>,
    ranges: &[(u32, u32)],
    scratch: &mut QuestionScratch,
) -> Result<(), RequestError> {
    begin(scratch, n_words(set.n_principals()), ranges);
    let mut refusal = None;
    let mut some_decided = false;
    for lane in ranges.iter().flat_map(|(first, end)| *first..*end) {
        let code = points::code(set, &template, &mut scratch.spare, lane);
        some_decided |= code.decision().is_some();
        if code.decision().is_none() && refusal.is_none() {
            refusal = Some(lane);
        }
        put(&mut scratch.work.outcomes, lane, code);
        scratch.work.n_by_point += 1;
    }
    match refusal {
        // If nobody can ask, the reason of the first is that of all, as far as it is one of the request.
        Some(lane) if !some_decided => match points::begin(set, &template, &mut scratch.spare, lane) {
            Some(Err(error)) => Err(error),
            Some(Ok(mut eval)) => eval.check_units(),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Makes the rows and forgets the last answer within the ranges.
fn begin(scratch: &mut QuestionScratch, n_words: usize, ranges: &[(u32, u32)]) {
    let work = &mut scratch.work;
    for lane in work.named.drain(..) {
        if let Some(word) = work.odd.get_mut(lane as usize / 64) {
            *word = 0;
        }
    }
    work.odd.resize(n_words, 0);
    for bits in work.outcomes.iter_mut().chain(&mut work.denied).chain(&mut work.allowed) {
        if bits.len() < n_words {
            bits.resize(n_words, 0);
        }
    }
    for (first, end) in ranges {
        for bits in &mut work.outcomes {
            bits[words(*first, *end)].fill(0);
        }
    }
    work.n_by_point = 0;
    work.n_by_lane = 0;
}

fn put(outcomes: &mut [Bits; 3], lane: u32, code: DecisionCode) {
    for (bits, place) in outcomes.iter_mut().zip(0..) {
        let bit = 1 << (lane % 64);
        let word = &mut bits[lane as usize / 64];
        // A refused request has no outcome at all.
        if code.decision().is_some() && code.bits() >> place & 1 == 1 { *word |= bit } else { *word &= !bit }
    }
}

/// True iff the request itself says something of its caller, which then holds of everybody or contradicts what holds.
fn speaks_of_principals(set: &CompiledPolicySet, template: &Template<'_>) -> bool {
    let facts = template.facts;
    let by_facts = facts.principal_tags.is_some() || facts.unique_id.is_some() || facts.role.is_some();
    let owner_varies = each_resource(template).any(|resource| resource.arn.is_none())
        || action(template) == ActionRef { service: "events", name: "PutEvents" };
    let resources = each_resource(template).flat_map(|resource| resource.context.keys());
    let by_keys = template.context.keys().chain(resources).any(|key| {
        let name = key.as_str().as_bytes();
        let class = match set.find_key(name) {
            Some(id) => set.key(id).class,
            None => keys::class(key.as_str()).0,
        };
        level_of(class) >= Level::Account || is_about_owner(class) && owner_varies
    });
    by_facts || by_keys
}

fn action<'a>(template: &Template<'a>) -> ActionRef<'a> {
    match template.parts {
        Parts::Request(request) => ActionRef::of(&request.action),
        Parts::Row { action, .. } => action,
    }
}

/// The resources of the request and of its further actions.
fn each_resource<'a>(template: &Template<'a>) -> impl Iterator<Item = ResourceRef<'a>> + use<'a> {
    let (row, request) = match template.parts {
        Parts::Request(request) => (None, Some(request)),
        Parts::Row { resource, .. } => (Some(resource), None),
    };
    let additional = request.into_iter().flat_map(|request| request.additional.iter().map(|more| &more.resource));
    let own = request.into_iter().flat_map(|request| &request.resources);
    row.into_iter().chain(own.chain(additional).map(ResourceRef::of))
}

/// Many lanes at once; whoever is out of the ordinary by himself.
fn by_lanes(
    set: &CompiledPolicySet,
    lanes: &ByLanes,
    template: Template<'_>,
    runs: &[u32],
    ranges: &[(u32, u32)],
    scratch: &mut QuestionScratch,
) -> Result<(), RequestError> {
    let stand_ins = [lanes.some_user, lanes.some_role];
    if stand_ins == [None, None] || speaks_of_principals(set, &template) {
        return by_points(set, template, ranges, scratch);
    }
    begin(scratch, lanes.n_words, ranges);
    let QuestionScratch { user, role, spare, index, work } = scratch;
    let mut evals = [None, None];
    let mut refused = [None, None];
    let mut settled: [Option<DecisionCode>; 2] = [None, None];
    for (at, (lane, own)) in stand_ins.into_iter().zip([user, role]).enumerate() {
        let Some(lane) = lane else { continue };
        let Some(begun) = points::begin(set, &template, own, lane) else { continue };
        // What makes units impossible is the same for everybody.
        let mut eval = begun?;
        if let Err(error) = eval.check_units() {
            refused[at] = Some(error);
            continue;
        }
        settled[at] = match eval.settle() {
            Some(Settled::PolicyFree) => Some(DecisionCode::ALLOW),
            Some(Settled::Gate) => Some(DecisionCode::IMPLICIT_DENY),
            None => None,
        };
        if settled[at].is_none() {
            evals[at] = Some(eval);
        }
    }
    if (0..2).all(|at| stand_ins[at].is_none() || refused[at].is_some()) {
        let [user, role] = refused;
        return match (user, role) {
            (Some(_), Some(error)) => Err(error),
            // Nobody stands for the other kind: there is none of it, or each of it is out of the ordinary.
            _ => by_points(set, template, ranges, scratch),
        };
    }
    let words = match ranges {
        [(first, _), .., (_, end)] => words(*first, *end),
        [(first, end)] => words(*first, *end),
        [] => 0..0,
    };
    // A unit may exist for roles alone, hardly for users alone.
    let [user, role] = evals;
    let n_units = |eval: &Option<Eval<'_>>| eval.as_ref().map_or(0, |eval| eval.s.units.len());
    let main_is_role = n_units(&role) >= n_units(&user);
    let (main, other) = if main_is_role { (role, user) } else { (user, role) };
    let n_in_scope: u32 = ranges.iter().map(|(first, end)| end - first).sum();
    let is_local = runs.len() == 1 || n_in_scope < lanes.n / LOCAL_SHARE;
    let is_done = main.is_none_or(|main| {
        let mut asking = Asking {
            lanes,
            set,
            template,
            main,
            main_is_role,
            other,
            spare,
            index,
            work,
            origin: Origin::Resource(0),
            in_unit: [false; 2],
            owner_varies: false,
            owner_matters: false,
            is_local,
            words,
        };
        asking.units(runs)
    });
    if !is_done {
        return by_points(set, template, ranges, scratch);
    }
    // Where kinds were settled before any policy.
    let work = &mut scratch.work;
    for (at, is_role) in [false, true].into_iter().enumerate() {
        let code = match (&settled[at], &refused[at]) {
            (Some(code), _) => *code,
            (None, Some(_)) => DecisionCode::REFUSED,
            (None, None) => continue,
        };
        for (first, end) in ranges {
            for word in super::rows::words(*first, *end) {
                let of_kind = if is_role { lanes.roles[word] } else { !lanes.roles[word] };
                let own = of_kind & mask(word, *first, *end);
                for (bits, place) in work.outcomes.iter_mut().zip(0..) {
                    let on = code.decision().is_some() && code.bits() >> place & 1 == 1;
                    bits[word] = if on { bits[word] | own } else { bits[word] & !own };
                }
            }
        }
    }
    // One by one.
    let some_odd = lanes.has_odd || !work.named.is_empty();
    for (first, end) in ranges.iter().filter(|_| some_odd) {
        for word in super::rows::words(*first, *end) {
            let mut rest = (lanes.odd[word] | work.odd[word]) & mask(word, *first, *end);
            while rest != 0 {
                let lane = word as u32 * 64 + rest.trailing_zeros();
                rest &= rest - 1;
                let code = points::code(set, &template, &mut scratch.spare, lane);
                put(&mut work.outcomes, lane, code);
                work.n_by_point += 1;
            }
        }
    }
    Ok(())
}

impl Asking<'_> {
    /// All units of the question. False: everyone has to be decided by himself.
    fn units(&mut self, runs: &[u32]) -> bool {
        let gate = self.credential_gate();
        let mut all = std::mem::take(&mut self.work.units);
        all.clear();
        all.extend_from_slice(&self.main.s.units);
        let is_done = self.units_of(runs, &all, gate);
        self.work.units = all;
        is_done
    }

    fn units_of(&mut self, runs: &[u32], all: &[UnitSpec], gate: Kinds) -> bool {
        let has = |origin: Origin| all.iter().any(|spec| spec.origin == origin);
        if self.other.as_ref().is_some_and(|other| other.s.units.iter().any(|spec| !has(spec.origin))) {
            return false;
        }
        let alone = all.len() == 1 && gate == Kinds::FALSE;
        if !alone {
            for run in runs {
                let run = self.lanes.runs[*run as usize];
                for word in words(run.first, run.end) {
                    let own = mask(word, run.first, run.end);
                    self.work.denied.iter_mut().for_each(|bits| bits[word] &= !own);
                    self.work.allowed.iter_mut().for_each(|bits| bits[word] |= own);
                }
            }
        }
        for (at, spec) in all.iter().enumerate() {
            self.origin = spec.origin;
            self.main.enter(at);
            // A kind without the unit is not asked for it; a kind that was settled is not looked at.
            let mut asked = None;
            if let Some(other) = &mut self.other
                && let Some(at) = other.s.units.iter().position(|own| own.origin == spec.origin)
            {
                other.enter(at);
                asked = Some(other.s.units[at].asked);
            }
            self.in_unit = [true; 2];
            self.in_unit[usize::from(!self.main_is_role)] = asked.is_some();
            let main = Some(spec.asked);
            let asked = if self.main_is_role { Kinds::of(asked, main) } else { Kinds::of(main, asked) };
            if !self.unit(runs, Joining { asked, gate, alone }) {
                return false;
            }
        }
        if !alone {
            for run in runs {
                self.finish_run(self.lanes.runs[*run as usize]);
            }
        }
        true
    }
}
