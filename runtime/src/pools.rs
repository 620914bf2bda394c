//! Pools of policies: which of their statements apply, and what follows for allows, denies and grant classes.

use crate::batch::notes::DeniesOf;
use crate::eval::{Eval, Whose};
use crate::factors::Line;
use crate::layout::*;
use crate::logic::Logic;
use crate::plan::{Pool, Side, Single};
use crate::programs::Program;
use crate::record::{At, Located, Open, PolicyName, Recorder};
use crate::statements;
use iamc_policy::PolicyKind;
use iamc_policy::decision::GrantLevel;
use iamc_policy::settings::StarGrant;

/// Whether some Allow of a pool applies, and whether some Deny does.
pub(crate) struct PoolValue<V> {
    pub(crate) allows: V,
    pub(crate) denies: V,
}

/// A pool that is being evaluated.
struct Gathering<V: Logic> {
    allows: V::Many,
    denies: V::Many,
}

impl<V: Logic> Gathering<V> {
    fn new() -> Gathering<V> {
        Gathering { allows: V::Many::default(), denies: V::Many::default() }
    }

    /// a policy whose text is not known may allow, and it may deny.
    fn push_unknown(&mut self, value: V) {
        V::push(&mut self.allows, value.clone());
        V::push(&mut self.denies, value);
    }

    fn finish(self) -> PoolValue<V> {
        PoolValue { allows: V::any(self.allows), denies: V::any(self.denies) }
    }
}

/// What the resource policy says, by grant class (section 0, step 3).
pub(crate) struct ResourceValue<V> {
    pub(crate) denies: V,
    pub(crate) unlim: V,
    pub(crate) lim: V,
    pub(crate) acct: V,
}

impl<'a> Eval<'a> {
    pub(crate) fn levels_of(&self, set: u32) -> impl Iterator<Item = (u32, &'a [u32; 4])> + use<'a> {
        self.guardrail_levels(set).iter().zip(0..).map(|(level, index)| (index, level))
    }

    /// Policies that are one OR.
    pub(crate) fn pool<R: Recorder>(&mut self, recorder: &mut R, pool: Pool, kind: PolicyKind) -> PoolValue<R::Value> {
        let mut gathering = Gathering::new();
        let place = |whose, instance, at| Located { whose, instance, kind, at, ..Located::nowhere() };
        match pool {
            Pool::None => {}
            Pool::Unknown => {
                gathering.push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
            }
            Pool::Attached { first, count } if !R::RECORDS => {
                let located = Located { kind, ..Located::nowhere() };
                for program in self.set.programs().of_attachments(first, count) {
                    self.program(recorder, &mut gathering, *program, located);
                    if recorder.stops_at_deny() && R::Value::is_settled(&gathering.denies) {
                        break;
                    }
                }
            }
            Pool::Attached { first, count } => {
                let set = self.set;
                for (row, attached) in (first..).zip(set.attachments(first, count)) {
                    let at = if attached & ATTACHED_TO_GROUP != 0 { At::Group(row) } else { At::Direct };
                    self.instance(recorder, &mut gathering, place(Whose::Base, attached >> 1, at));
                }
            }
            Pool::Passed => {
                for instance in 0..self.tables_of(Whose::Session).instances().len() as u32 {
                    self.instance(recorder, &mut gathering, place(Whose::Session, instance, At::Direct));
                }
            }
        }
        gathering.finish()
    }

    /// At most one policy; `None`: none.
    pub(crate) fn single<R: Recorder>(
        &mut self,
        recorder: &mut R,
        single: Single,
        kind: PolicyKind,
        gateway: bool,
    ) -> Option<PoolValue<R::Value>> {
        let mut gathering = Gathering::new();
        match single {
            Single::None => return None,
            Single::Unknown => {
                gathering.push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
            }
            Single::Instance(instance) => {
                self.instance(recorder, &mut gathering, Located { instance, kind, gateway, ..Located::nowhere() });
            }
        }
        Some(gathering.finish())
    }

    /// One level of guardrails.
    pub(crate) fn level<R: Recorder>(
        &mut self,
        recorder: &mut R,
        index: u32,
        level: &[u32; 4],
        kind: PolicyKind,
    ) -> PoolValue<R::Value> {
        let at = At::Level(index, level[0]);
        let mut gathering = Gathering::new();
        for [instance, flags] in self.level_attachments(level) {
            let hidden = flags & ATTACHMENT_IMPLIED != 0;
            let located = Located { instance: *instance, kind, at, hidden, ..Located::nowhere() };
            self.instance(recorder, &mut gathering, located);
        }
        if level[1] & LEVEL_INCOMPLETE != 0 {
            gathering.push_unknown(recorder.open(self, Open::Attached { kind, name: PolicyName::Any, at }));
        }
        gathering.finish()
    }

    /// The statements of one policy; `located` says where it is.
    fn instance<R: Recorder>(&mut self, recorder: &mut R, gathering: &mut Gathering<R::Value>, located: Located) {
        let program = self.tables_of(located.whose).programs().of_instance(located.instance);
        self.program(recorder, gathering, program, located);
    }

    /// The same of its program; where nothing is recorded, `located` need not name the instance.
    fn program<R: Recorder>(
        &mut self,
        recorder: &mut R,
        gathering: &mut Gathering<R::Value>,
        program: Program,
        located: Located,
    ) {
        if !R::RECORDS && !program.is_about(self.action_in(located.whose).0) {
            return;
        }
        if program.is_unknown() {
            let name = PolicyName::Instance(located.whose, located.instance);
            let what = Open::Attached { kind: located.kind, name, at: located.at };
            gathering.push_unknown(recorder.open(self, what));
            return;
        }
        self.each_statement(recorder, program, located, |eval, recorder: &mut R, located| {
            let is_settled = |gathering: &Gathering<R::Value>| {
                if located.deny {
                    R::Value::is_settled(&gathering.denies)
                } else {
                    // RCPs have no part in A.
                    R::Value::is_settled(&gathering.allows) || located.kind == PolicyKind::Rcp
                }
            };
            if is_settled(gathering) && !R::RECORDS {
                return true;
            }
            let body = eval.body(recorder, located);
            if body.is_impossible() && !R::RECORDS {
                return false;
            }
            // Most kinds speak of whoever they are attached to.
            let applies = if R::RECORDS || located.kind.has_principal() {
                let levels = eval.principal_levels(recorder, located);
                let applies = body.clone().and(levels.any());
                recorder.statement(eval, located, &body, &levels, &applies);
                applies
            } else {
                body
            };
            let side = if located.deny { &mut gathering.denies } else { &mut gathering.allows };
            R::Value::push(side, applies);
            is_settled(gathering)
        });
    }

    /// the resource policy by grant class.
    pub(crate) fn resource<R: Recorder>(
        &mut self,
        recorder: &mut R,
        single: Single,
        side: Side,
        line: Line,
    ) -> ResourceValue<R::Value> {
        let kind = side.kind();
        let [mut denies, mut unlim, mut lim, mut acct] = [(); 4].map(|()| <R::Value as Logic>::Many::default());
        let mut push_unknown = |value: R::Value| {
            // it may allow at every level.
            for many in [&mut denies, &mut unlim, &mut lim, &mut acct] {
                R::Value::push(many, value.clone());
            }
        };
        let instance = match single {
            Single::None => None,
            Single::Unknown => {
                push_unknown(recorder.open(self, Open::Policy { kind, name: PolicyName::Any }));
                None
            }
            Single::Instance(instance) => Some(instance),
        };
        if let Some(instance) = instance {
            let program = self.set.programs().of_instance(instance);
            if program.is_unknown() {
                let what = Open::Policy { kind, name: PolicyName::of_base(instance) };
                push_unknown(recorder.open(self, what));
            } else {
                let limited_star = self.set.settings().star_grant == StarGrant::PrincipalArn
                    && matches!(line, Line::SameStandard | Line::SameMandatory);
                let located = Located { instance, kind, ..Located::nowhere() };
                self.each_statement(recorder, program, located, |eval, recorder: &mut R, located| {
                    let body = eval.body(recorder, located);
                    if body.is_impossible() && !R::RECORDS {
                        return false;
                    }
                    let levels = eval.principal_levels(recorder, located);
                    let applies = body.clone().and(levels.any());
                    recorder.statement(eval, located, &body, &levels, &applies);
                    if located.deny {
                        R::Value::push(&mut denies, applies);
                        return R::Value::is_settled(&denies);
                    }
                    use GrantLevel::{Account, Base, SelfLevel, Star};
                    let at = |level: GrantLevel| body.clone().and(levels.at(level).clone());
                    let about_arn = eval.set.statement(located.statement)[0] & statements::ABOUT_PRINCIPAL_ARN != 0;
                    let star = if limited_star && !about_arn { &mut lim } else { &mut unlim };
                    R::Value::push(star, at(Star));
                    R::Value::push(&mut unlim, at(SelfLevel));
                    R::Value::push(&mut lim, at(Base));
                    R::Value::push(&mut acct, at(Account));
                    false
                });
            }
        }
        ResourceValue {
            denies: R::Value::any(denies),
            unlim: R::Value::any(unlim),
            lim: R::Value::any(lim),
            acct: R::Value::any(acct),
        }
    }

    /// Calls `visit` for each statement of a policy that is about the action: from the section of its service, or, to
    /// record, all of them in document order. It says whether further statements of the same effect matter no more; to
    /// record, they do all the same.
    fn each_statement<R: Recorder>(
        &mut self,
        recorder: &mut R,
        program: Program,
        located: Located,
        mut visit: impl FnMut(&mut Eval<'a>, &mut R, &Located) -> bool,
    ) {
        let located = Located { home: program.home, ..located };
        if !R::RECORDS {
            return self.each_rule(recorder, program, located, visit);
        }
        let set = self.tables_of(located.whose);
        let [body, ..] = set.instance(located.instance);
        let ids = self.unit.spec.action;
        let (service, position) = self.action_in(located.whose);
        for (index, statement) in set.body_statements(body).iter().enumerate() {
            let [flags, element, resource, block, _] = set.statement(*statement);
            if set.action_test(element, service, position, self.bytes(ids.name)) {
                let deny = flags & statements::DENY != 0;
                let resource = if resource == NONE { NONE } else { resource | RULE_RESOURCE_TEST };
                let index = index as u32;
                visit(self, recorder, &Located { statement: *statement, index, deny, resource, block, ..located });
            }
        }
    }

    /// Calls `visit` for each rule of a program that is about the action, but for those that matter no more.
    fn each_rule<R: Recorder>(
        &mut self,
        recorder: &mut R,
        program: Program,
        located: Located,
        mut visit: impl FnMut(&mut Eval<'a>, &mut R, &Located) -> bool,
    ) {
        let set = self.tables_of(located.whose);
        let (service, position) = self.action_in(located.whose);
        let mut settled = [false; 2];
        for rules in set.programs().rules(set.tables(), program, service) {
            for [head, test, resource, block] in rules {
                let deny = head & 1 == 1;
                if settled[usize::from(deny)] {
                    if deny {
                        continue;
                    }
                    // Denies come first in a section.
                    break;
                }
                // Only actions without position are compared by name.
                let name = if position == NONE { self.bytes(self.unit.spec.action.name) } else { &[] };
                if set.rule_test(*test, service, position, name) {
                    let (statement, resource, block) = (head >> 1, *resource, *block);
                    settled[usize::from(deny)] =
                        visit(self, recorder, &Located { statement, deny, resource, block, ..located });
                    if settled[1] && recorder.stops_at_deny() {
                        return;
                    }
                }
            }
        }
    }

    /// Service and position of the action in the tables that a row belongs to.
    fn action_in(&self, whose: Whose) -> (u32, u32) {
        match whose {
            Whose::Base => (self.unit.spec.action.service, self.unit.spec.action.position),
            Whose::Session => (self.unit.session_service, NONE),
        }
    }

    /// Whether some Deny of the SCPs of an account applies. Rows of one caller and action differ in their resources, about
    /// which hardly any SCP says something: what the last row was told is kept.
    pub(crate) fn scp_denies<R: Recorder>(&mut self, recorder: &mut R, set: u32, program: Program) -> R::Value {
        let action = (self.unit.spec.action.service, self.unit.spec.action.position);
        let of = DeniesOf { set, action, principal: self.caller.record };
        if let Some(known) = self.s.batch.begin_denies(of)
            && let Some(value) = R::of_truth(known)
        {
            return value;
        }
        let value = self.guardrail_denies(recorder, program, PolicyKind::Scp);
        if let Some(truth) = R::truth(&value) {
            self.s.batch.keep_denies(of, truth);
        }
        value
    }

    /// Whether some Deny of a guardrail set applies.
    pub(crate) fn guardrail_denies<R: Recorder>(
        &mut self,
        recorder: &mut R,
        program: Program,
        kind: PolicyKind,
    ) -> R::Value {
        let mut denies = <R::Value as Logic>::Many::default();
        self.each_rule(recorder, program, Located { kind, ..Located::nowhere() }, |eval, recorder: &mut R, located| {
            if eval.is_ruled_out(located.block) {
                return R::Value::is_settled(&denies);
            }
            let body = eval.body(recorder, located);
            if !body.is_impossible() {
                let applies =
                    if kind.has_principal() { body.and(eval.principal_levels(recorder, located).any()) } else { body };
                R::Value::push(&mut denies, applies);
            }
            R::Value::is_settled(&denies)
        });
        R::Value::any(denies)
    }
}
