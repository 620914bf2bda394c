//! Section 0 for everybody at once: statement by statement, then word by word.

use super::about_action::OfAction;
use super::asking::{Asking, Guarding, Said, Stamped, Target, Work, note_odd};
use super::inverse::{ByLanes, Guarded, Run};
use super::pools::{Holders, Lanes};
use super::postings::{Holder, denies};
use super::rows::{mask, words};
use super::sides::SideClass;
use super::truths::{Kinds, Ready, Slice, Sum, Value};
use crate::actions::ActionFlags;
use crate::eval::{Eval, Target as Resource};
use crate::factors::Factors;
use crate::index::accounts_of;
use crate::layout::*;
use crate::logic::{K, Logic};
use crate::record::{Located, Plain};
use crate::set::rows;
use iamc_policy::PolicyKind;

/// The resource test of a statement that was found is true.
const MATCHED: u32 = 1;
/// It may be true by a pattern that holds the account of the owner.
const OWN: u32 = 2;

/// What the units so far come to: denied, allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joining {
    /// Whether the unit is asked for.
    pub(super) asked: Kinds,
    ///
    pub(super) gate: Kinds,
    /// The unit is the only one, so that its own D and A are the answer.
    pub(super) alone: bool,
}

/// Word by word, the outcomes that D and A leave open.
pub(super) fn outcomes(denied: K<u64>, allowed: K<u64>) -> [u64; 3] {
    [!denied.definite & allowed.possible, denied.possible, !denied.definite & !allowed.definite]
}

impl Asking<'_> {
    /// Decides the current unit for the lanes of some runs. False: lanes cannot be told apart well enough, so that each
    /// has to be decided by itself.
    pub(super) fn unit(&mut self, runs: &[u32], joining: Joining) -> bool {
        let eval = &self.main;
        let owner_varies = eval.unit.arn.is_none() && eval.unit.resource.account.is_none();
        // Only for S3 it does not depend on the owner which text stands for `*`.
        let is_alike = match eval.unit.target {
            Resource::Arn(_) | Resource::Star => true,
            Resource::Pseudo(_) => !owner_varies || eval.unit.has(ActionFlags::PSEUDO_ARN_S3),
            Resource::AnyRegion(..) => false,
        };
        if !is_alike {
            return false;
        }
        let Ok(plan) = eval.plan() else { return false };
        // "Some" cross-account PutEvents lack the keys.
        let owner_matters = owner_varies || eval.unit.has(ActionFlags::PUT_EVENTS);
        self.owner_varies = owner_varies;
        self.owner_matters = owner_matters;
        self.work.begin_unit(self.lanes, self.set);
        self.begin_blocks();
        self.find_homes();
        self.find_named(&plan);
        let (n_words, words) = (self.lanes.n_words, self.words.clone());
        for row in [&mut self.work.allows, &mut self.work.denies] {
            row.clear(n_words, words.clone());
        }
        // Whatever stands in the row of a kind that nobody has limits nobody.
        for (row, holders) in
            [(&mut self.work.boundary, &self.lanes.boundary), (&mut self.work.session, &self.lanes.session)]
        {
            row.clear(n_words, if holders.is_used { words.clone() } else { 0..0 });
        }
        if self.is_local {
            self.identity_of(runs);
        } else {
            self.identity();
        }
        self.attached(Target::Boundary);
        self.attached(Target::Session);
        self.sides_of(runs);
        // Only accounts that a policy of the resource names are then left.
        let is_swept = joining.alone && self.sweep(runs);
        let mut last = (NONE, None);
        for run in runs {
            if is_swept && self.work.special.binary_search(run).is_err() {
                continue;
            }
            let at = self.work.sides_of_runs[*run as usize];
            // Neighbours mostly share a side.
            if last.0 != at {
                last = (at, Some(self.work.sides[at as usize]));
            }
            if let Some(side) = &last.1 {
                self.run(self.lanes.runs[*run as usize], side, joining);
            }
        }
        true
    }

    // ---- identity policies, boundaries, session policies ----

    fn identity(&mut self) {
        self.find_statements();
        let numbers = std::mem::take(&mut self.work.numbers);
        for number in &numbers {
            let (number, matched, own) = (number >> 2, number & MATCHED != 0, number & OWN != 0);
            let statement = self.lanes.postings.statements[number as usize];
            let deny = denies(self.set, statement);
            let located = Located { statement, deny, kind: PolicyKind::Identity, ..Located::nowhere() };
            self.each_home(&located, matched, own, |asking, located, value, within| {
                asking.add_number(number, located, value, within);
            });
        }
        self.work.numbers = numbers;
        self.add_unknown(&self.lanes.identity, Target::Identity);
    }

    /// The same for the principals of few accounts, from their policies.
    fn identity_of(&mut self, runs: &[u32]) {
        let (set, lanes) = (self.set, self.lanes);
        let ids = self.main.unit.spec.action;
        let mut numbers = std::mem::take(&mut self.work.numbers);
        for run in runs {
            for (body, own) in lanes.local.bodies(*run, ids.service) {
                numbers.clear();
                let name = self.main.bytes(ids.name);
                lanes.local.each_statement(set, body, ids.service, ids.position, name, |id| numbers.push(id));
                for statement in &numbers {
                    let deny = denies(set, *statement);
                    // Whoever has a policy of another account is decided by himself.
                    let home = lanes.runs[*run as usize].account;
                    let kind = PolicyKind::Identity;
                    let located = Located { statement: *statement, home, deny, kind, ..Located::nowhere() };
                    let value = self.statement(&located, false);
                    self.add(Target::Identity, &located, value, Lanes::List(own), None);
                }
            }
        }
        self.work.numbers = numbers;
        self.add_unknown(&self.lanes.identity, Target::Identity);
    }

    /// The accounts whose own patterns can match the resource.
    fn find_homes(&mut self) {
        let text = match self.main.unit.target {
            Resource::Arn(_) => self.main.unit.arn.unwrap_or_default().as_bytes(),
            Resource::Pseudo(text) => self.main.bytes(text),
            Resource::Star | Resource::AnyRegion(..) => &[],
        };
        let homes = &mut self.work.homes;
        homes.clear();
        for account in accounts_of(std::str::from_utf8(text).unwrap_or_default()) {
            let Some(home) = self.set.find_account(account) else { continue };
            let run = self.lanes.run_of[home as usize];
            if run != NONE && homes.iter().all(|(known, _)| *known != home) {
                let run = self.lanes.runs[run as usize];
                homes.push((home, (run.first, run.end)));
            }
        }
    }

    /// Calls `visit` with the value of a statement of policies that are attached to principals: for all of them, and, if
    /// some pattern holds the account of its owner, once more for the principals of each account that can be meant. A
    /// statement is true where it is by either: those of `NotResource` hold no such pattern.
    fn each_home(
        &mut self,
        located: &Located,
        matched: bool,
        own: bool,
        mut visit: impl FnMut(&mut Self, &Located, Value, Option<(u32, u32)>),
    ) {
        let value = self.statement(located, matched);
        if !value.kinds.is_impossible() {
            visit(self, located, value, None);
        }
        if !own || matched {
            return;
        }
        for at in 0..self.work.homes.len() {
            let (home, within) = self.work.homes[at];
            let located = Located { home, ..*located };
            let value = self.statement(&located, false);
            if !value.kinds.is_impossible() {
                visit(self, &located, value, Some(within));
            }
        }
    }

    /// True iff a pattern of the statement holds the account of its owner.
    fn has_own(&self, statement: u32) -> bool {
        let [_, _, resource, ..] = self.set.statement(statement);
        resource != NONE && self.lanes.dependence.tests[resource as usize].own
    }

    /// Fills `numbers` with the statements to be looked at: four times the number, plus [`MATCHED`] and [`OWN`]. What needs
    /// no look is added at once.
    fn find_statements(&mut self) {
        self.work.numbers.clear();
        let (set, lanes) = (self.set, self.lanes);
        let ids = self.main.unit.spec.action;
        if ids.position == NONE {
            // An action without id is in no list: every statement is asked.
            for number in 0..lanes.postings.statements.len() as u32 {
                let [_, element, ..] = set.statement(lanes.postings.statements[number as usize]);
                if self.is_about(element) {
                    let own = self.has_own(lanes.postings.statements[number as usize]);
                    self.work.numbers.push(number << 2 | if own { OWN } else { 0 });
                }
            }
            return;
        }
        let id = rows::<SERVICE_ROW>(&set.tables().services)[ids.service as usize][1] + ids.position;
        let name = self.main.bytes(ids.name);
        let action = OfAction { id, service: ids.service, position: ids.position, name };
        let about = lanes.about_actions.of(set, lanes, action);
        for (gathered, plain) in [&mut self.work.allows, &mut self.work.denies].into_iter().zip(&about.plain) {
            // The first that is gathered.
            gathered.definite[..plain.len()].copy_from_slice(plain);
        }
        for group in &about.groups {
            let (statement, deny) = (group.statement, group.deny);
            let located = Located { statement, deny, kind: PolicyKind::Identity, ..Located::nowhere() };
            let value = self.statement(&located, true);
            self.add(Target::Identity, &located, value, about.lanes(group), None);
        }
        let mut numbers = std::mem::take(&mut self.work.numbers);
        numbers.extend(about.rest.iter().map(|number| number << 2));
        self.find_matching(&mut numbers);
        self.work.numbers = numbers;
    }

    /// Statements about the action whose patterns match the resource, or may.
    fn find_matching(&mut self, numbers: &mut Vec<u32>) {
        let (set, lanes) = (self.set, self.lanes);
        let mut known = std::mem::take(&mut self.work.matching);
        let text = match self.main.unit.target {
            Resource::Arn(_) => self.main.unit.arn.unwrap_or_default().as_bytes(),
            Resource::Pseudo(text) => self.main.bytes(text),
            // No pattern holds the empty text.
            Resource::Star | Resource::AnyRegion(..) => &[],
        };
        if known.set != set.identity() || known.text != text {
            known.set = set.identity();
            known.text.clear();
            known.text.extend_from_slice(text);
            known.numbers.clear();
            self.find_by_patterns(&known.text, &mut known.numbers);
        }
        numbers.extend(known.numbers.iter().filter(|number| {
            let [_, element, ..] = set.statement(lanes.postings.statements[**number as usize >> 2]);
            self.is_about(element)
        }));
        self.work.matching = known;
    }

    /// Statements whose patterns match a text, or may, ascending: four times the number, plus how.
    fn find_by_patterns(&mut self, text: &[u8], numbers: &mut Vec<u32>) {
        let (set, lanes) = (self.set, self.lanes);
        let mut matches = std::mem::take(&mut self.work.matches);
        matches.clear();
        if !text.is_empty() {
            let text = std::str::from_utf8(text).unwrap_or_default();
            set.matching_patterns(text, self.index, &mut matches);
        }
        for found in &matches {
            let how = match (found.is_own(), found.has_variables()) {
                (true, _) => OWN,
                (false, true) => 0,
                (false, false) => MATCHED,
            };
            numbers.extend(lanes.postings.with_pattern(found.id()).iter().map(|number| number << 2 | how));
        }
        self.work.matches = matches;
        // A statement that is found twice is what it is by either.
        numbers.sort_unstable();
        numbers.dedup_by(|next, kept| {
            let is_same = *next >> 2 == *kept >> 2;
            if is_same {
                *kept |= *next;
            }
            is_same
        });
    }

    fn add_number(&mut self, number: u32, located: &Located, value: Value, within: Option<(u32, u32)>) {
        let lanes = self.lanes;
        match lanes.postings.holder(number) {
            Holder::Lane(lane) => self.add(Target::Identity, located, value, Lanes::List(&[lane]), within),
            Holder::Bodies(bodies) => {
                for body in bodies {
                    self.add(Target::Identity, located, value, lanes.identity.lanes(*body), within);
                }
            }
        }
    }

    /// Boundaries or session policies: there are few, so each body is read as it is.
    fn attached(&mut self, target: Target) {
        let (set, lanes) = (self.set, self.lanes);
        let (holders, kind) = match target {
            Target::Boundary => (&lanes.boundary, PolicyKind::Boundary),
            _ => (&lanes.session, PolicyKind::Session),
        };
        if !holders.is_used {
            return;
        }
        for (index, body) in (0..).zip(&holders.bodies) {
            for statement in set.body_statements(*body) {
                let [_, element, ..] = set.statement(*statement);
                if !self.is_about(element) {
                    continue;
                }
                let deny = denies(set, *statement);
                let located = Located { statement: *statement, deny, kind, ..Located::nowhere() };
                let own = self.has_own(*statement);
                self.each_home(&located, false, own, |asking, located, value, within| {
                    asking.add(target, located, value, holders.lanes(index), within);
                });
            }
        }
        self.add_unknown(holders, target);
    }

    /// a policy whose text is not known may allow, and it may deny.
    fn add_unknown(&mut self, holders: &Holders, target: Target) {
        if !holders.has_unknown {
            return;
        }
        let work = &mut *self.work;
        let allows = match target {
            Target::Identity => &mut work.allows,
            Target::Boundary => &mut work.boundary,
            Target::Session => &mut work.session,
        };
        for word in self.words.clone() {
            allows.perhaps[word] |= holders.unknown[word];
            work.denies.perhaps[word] |= holders.unknown[word];
        }
    }

    // ---- the resource's side ----

    /// Works out the sides of all runs: each special one, and those that are alike.
    fn sides_of(&mut self, runs: &[u32]) {
        // On `*` the owner, whose RCPs hold, is the caller's account.
        let by_owner = self.owner_varies && self.main.unit.has(ActionFlags::RCP_GOVERNED);
        let class_of = |run: u32, lanes: &ByLanes| if by_owner { lanes.runs[run as usize].like } else { 0 };
        let n = self.lanes.runs.len();
        for list in [&mut self.work.sides_of_runs, &mut self.work.sides_of_classes] {
            list.resize(n, NONE);
        }
        // Of a few accounts only theirs are looked at.
        for run in runs {
            self.work.sides_of_runs[*run as usize] = NONE;
            self.work.sides_of_classes[class_of(*run, self.lanes) as usize] = NONE;
        }
        for (position, run) in runs.iter().enumerate() {
            let is_special =
                |work: &Work, run: u32| !work.special.is_empty() && work.special.binary_search(&run).is_ok();
            let class = class_of(*run, self.lanes);
            let own = is_special(self.work, *run);
            if !own && self.work.sides_of_classes[class as usize] != NONE {
                self.work.sides_of_runs[*run as usize] = self.work.sides_of_classes[class as usize];
                continue;
            }
            let stand_ins = match own {
                true => self.stand_ins(std::iter::once(*run)),
                // This is the first of its class.
                false => self.stand_ins(
                    runs[position..]
                        .iter()
                        .copied()
                        .filter(|other| class_of(*other, self.lanes) == class && !is_special(self.work, *other)),
                ),
            };
            let side = self.side(stand_ins[0], stand_ins[1]);
            let at = self.work.sides.len() as u32;
            self.work.sides.push(side);
            self.work.sides_of_runs[*run as usize] = at;
            if !own {
                self.work.sides_of_classes[class as usize] = at;
            }
        }
    }

    // ---- SCPs ----

    fn guard_body(&mut self, index: u32) -> Said {
        let known = self.work.guard_bodies[index as usize];
        if known.stamp == self.work.stamp {
            return known.value;
        }
        let (set, lanes) = (self.set, self.lanes);
        let statements = set.body_statements(lanes.scps.bodies[index as usize]);
        let mut sums = [Sum::FALSE; 2];
        for (at, deny) in [false, true].into_iter().enumerate() {
            // Rows that have to be made come before the sum that names them.
            let mut values = std::mem::take(&mut self.work.values);
            values.clear();
            for statement in statements {
                let [_, element, ..] = set.statement(*statement);
                if denies(set, *statement) != deny || !self.is_about(element) {
                    continue;
                }
                let located = Located { statement: *statement, deny, kind: PolicyKind::Scp, ..Located::nowhere() };
                let value = self.statement(&located, false);
                if !value.kinds.is_impossible() {
                    values.push(self.as_rows(&located, value));
                }
            }
            let mut sum = self.work.truths.begin_sum();
            for value in &values {
                self.work.truths.add(&mut sum, value.kinds, value.rows);
            }
            self.work.values = values;
            sums[at] = sum;
        }
        let value = Said { allows: sums[0], denies: sums[1] };
        self.work.guard_bodies[index as usize] = Stamped { stamp: self.work.stamp, value };
        value
    }

    pub(super) fn guard_level(&mut self, index: u32) -> Said {
        let known = self.work.guard_levels[index as usize];
        if known.stamp == self.work.stamp {
            return known.value;
        }
        let lanes = self.lanes;
        let level = lanes.scps.levels[index as usize];
        let bodies = lanes.scps.bodies_of(level);
        for body in bodies {
            self.guard_body(*body);
        }
        let unknown = if level.unknown { Kinds::UNKNOWN } else { Kinds::FALSE };
        let mut sums = [Sum::FALSE; 2];
        for (at, deny) in [false, true].into_iter().enumerate() {
            let mut sum = self.work.truths.begin_sum();
            sum.kinds = unknown;
            for body in bodies {
                let said = self.work.guard_bodies[*body as usize].value;
                self.work.truths.add_sum(&mut sum, if deny { said.denies } else { said.allows });
            }
            sums[at] = sum;
        }
        let value = Said { allows: sums[0], denies: sums[1] };
        self.work.guard_levels[index as usize] = Stamped { stamp: self.work.stamp, value };
        value
    }

    fn guard_set(&mut self, class: u32) -> Guarding {
        let known = self.work.guard_sets[class as usize];
        if known.stamp == self.work.stamp {
            return known.value;
        }
        let lanes = self.lanes;
        let levels = lanes.scps.levels_of(class);
        for level in levels {
            self.guard_level(*level);
        }
        let mut denies = self.work.truths.begin_sum();
        let mut allows = Kinds::TRUE;
        let first = self.work.level_sums.len() as u32;
        for level in levels {
            let said = self.work.guard_levels[*level as usize].value;
            self.work.truths.add_sum(&mut denies, said.denies);
            if said.allows.terms.len == 0 || said.allows.kinds.is_certain() {
                allows = allows.and(said.allows.kinds);
            } else {
                self.work.level_sums.push(said.allows);
            }
        }
        let levels = Slice { first, len: self.work.level_sums.len() as u32 - first };
        let value = Guarding { denies, allows, levels };
        self.work.guard_sets[class as usize] = Stamped { stamp: self.work.stamp, value };
        value
    }

    // ---- word by word ----

    /// Section 0, `evaluate`, for the lanes of an account.
    fn run(&mut self, run: Run, side: &SideClass, joining: Joining) {
        if side.refused {
            // Nobody stands for the account, or a policy of the request cannot be found: let decisions say so.
            for lane in run.first..run.end {
                note_odd(self.work, lane);
            }
            return;
        }
        let guarding = match run.scps {
            Guarded::None => Guarding { denies: Sum::FALSE, allows: Kinds::TRUE, levels: Slice::default() },
            Guarded::Unknown => Guarding { denies: Sum::UNKNOWN, allows: Kinds::UNKNOWN, levels: Slice::default() },
            Guarded::Class(class) => self.guard_set(class),
        };
        let lanes = self.lanes;
        let work = &mut *self.work;
        let truths = &work.truths;
        if joining.alone && !side.may_allow {
            // Only whether they are denied is left to find out.
            let denies = [Ready::new(&guarding.denies), Ready::new(&side.rcp_denies), Ready::new(&side.denies)];
            for word in words(run.first, run.end) {
                let (roles, linked) = (lanes.roles[word], lanes.service_linked[word]);
                let unlinked = K { definite: !linked, possible: !linked };
                let [scps, rcps, others] = denies.map(|sum| sum.word(truths, word, roles));
                let denied = work.denies.word(word).or(scps.or(rcps).and(unlinked)).or(others);
                let own = mask(word, run.first, run.end);
                for (bits, value) in work.outcomes.iter_mut().zip(outcomes(denied, K::FALSE)) {
                    bits[word] = bits[word] & !own | value & own;
                }
            }
            return;
        }
        let level_sums = guarding.levels.of(&work.level_sums);
        let guard_allows = Ready::constant(guarding.allows);
        let [scp_denies, side_denies, rcp_denies] = [&guarding.denies, &side.denies, &side.rcp_denies].map(Ready::new);
        let [unlim, lim, acct] = [&side.unlim, &side.lim, &side.acct].map(Ready::new);
        let (grant, open) = (Ready::constant(side.grant), Ready::constant(side.open));
        let endpoint = side.endpoint.as_ref().map(Ready::new);
        for word in words(run.first, run.end) {
            let (roles, linked) = (lanes.roles[word], lanes.service_linked[word]);
            let unlinked = K { definite: !linked, possible: !linked };
            let sum = |sum: &Ready| sum.word(truths, word, roles);
            let mut guards: K<u64> = sum(&guard_allows);
            for level in level_sums {
                guards = guards.and(truths.word(level, word, roles));
            }
            let denied = work
                .denies
                .word(word)
                .or(sum(&scp_denies).and(unlinked))
                .or(sum(&side_denies))
                .or(sum(&rcp_denies).and(unlinked));
            let identity = work.allows.word(word);
            let or_none = |gathered: K<u64>, holders: &Holders| {
                let none = !holders.some[word];
                gathered.or(K { definite: none, possible: none })
            };
            let factors = Factors {
                line: side.line,
                is_root: false,
                id: identity,
                pb: or_none(work.boundary.word(word), &lanes.boundary),
                sp: or_none(work.session.word(word), &lanes.session),
                unlim: sum(&unlim),
                lim: sum(&lim),
                acct: sum(&acct),
                grant: sum(&grant),
                identity,
            };
            let mut allowed = factors.core().and(guards.or(unlinked.not())).and(sum(&open));
            if let Some(endpoint) = &endpoint {
                allowed = allowed.and(sum(endpoint));
            }
            let own = mask(word, run.first, run.end);
            let put = |bits: &mut u64, value: u64| *bits = *bits & !own | value & own;
            if joining.alone {
                for (bits, value) in work.outcomes.iter_mut().zip(outcomes(denied, allowed)) {
                    put(&mut bits[word], value);
                }
                continue;
            }
            let (asked, gate) = (joining.asked.word(roles), joining.gate.word(roles));
            let before = |bits: &[super::rows::Bits; 2]| K { definite: bits[0][word], possible: bits[1][word] };
            let denied = before(&work.denied).or(denied.and(asked).and(gate.not()));
            let allowed = before(&work.allowed).and(allowed.or(asked.not()).and(gate.not()));
            put(&mut work.denied[0][word], denied.definite);
            put(&mut work.denied[1][word], denied.possible);
            put(&mut work.allowed[0][word], allowed.definite);
            put(&mut work.allowed[1][word], allowed.possible);
        }
    }

    /// The outcomes of all units together, for the lanes of a run.
    pub(super) fn finish_run(&mut self, run: Run) {
        let work = &mut *self.work;
        for word in words(run.first, run.end) {
            let own = mask(word, run.first, run.end);
            let value = |bits: &[super::rows::Bits; 2]| K { definite: bits[0][word], possible: bits[1][word] };
            let outcomes = outcomes(value(&work.denied), value(&work.allowed));
            for (bits, value) in work.outcomes.iter_mut().zip(outcomes) {
                bits[word] = bits[word] & !own | value & own;
            }
        }
    }

    /// what the credential gate says of users and roles, in the first unit.
    pub(super) fn credential_gate(&mut self) -> Kinds {
        let gate = |eval: &mut Eval<'_>| {
            if eval.gate_is_open() {
                return K::FALSE;
            }
            eval.enter(0);
            eval.credential_gate(&mut Plain::new())
        };
        let (main, other) = (Some(gate(&mut self.main)), self.other.as_mut().map(gate));
        if self.main_is_role { Kinds::of(other, main) } else { Kinds::of(main, other) }
    }
}
