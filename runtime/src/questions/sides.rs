//! The side of the resource: its policy, grants and ACL, the endpoint, RCPs and gates, for callers of accounts that are
//! alike.

use super::asking::{Asking, unit_of};
use super::points;
use super::rows::get;
use super::truths::{Kinds, Sum, Value};
use crate::actions::ActionFlags;
use crate::factors::{Factors, Line};
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::plan::{Guardrails, Plan, Side, Single};
use crate::record::{Located, Plain};
use crate::statements;
use iamc_policy::PolicyKind;
use iamc_policy::decision::GrantLevel;
use iamc_policy::request::EndpointType;
use iamc_policy::settings::StarGrant;

/// The levels at which a statement reaches users and roles of a class: star, self, base, account.
pub(crate) type Levels = [Kinds; 4];

const LEVELS: [GrantLevel; 4] = [GrantLevel::Star, GrantLevel::SelfLevel, GrantLevel::Base, GrantLevel::Account];

/// Which policy a statement with a `Principal` element is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Resource,
    Endpoint,
    Rcp,
}

/// A statement of the resource's side that is about the action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sided {
    located: Located,
    part: Part,
    value: Value,
    /// `NotPrincipal`, which asks whether the caller has a boundary.
    negated: bool,
}

/// Everything on the side of the resource, for callers that are alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SideClass {
    /// The request is refused.
    pub(crate) refused: bool,
    /// Some policies of the caller could make it allowed.
    pub(crate) may_allow: bool,
    pub(crate) line: Line,
    /// Gates and S3 Block Public Access.
    pub(crate) open: Kinds,
    /// Of resource policy and endpoint policy.
    pub(crate) denies: Sum,
    /// Of RCPs, which do not reach service-linked roles.
    pub(crate) rcp_denies: Sum,
    pub(crate) unlim: Sum,
    pub(crate) lim: Sum,
    pub(crate) acct: Sum,
    pub(crate) grant: Kinds,
    /// `None`: no endpoint policy.
    pub(crate) endpoint: Option<Sum>,
}

impl SideClass {
    /// False only if no user and no role is allowed, even one whose own policies allow everything.
    fn may_allow_somebody(&self) -> bool {
        [false, true].into_iter().any(|is_role| {
            let most = |sum: &Sum| if sum.terms.len == 0 { sum.kinds.at(is_role) } else { K::TRUE };
            let factors = Factors {
                line: self.line,
                is_root: false,
                id: K::TRUE,
                pb: K::TRUE,
                sp: K::TRUE,
                unlim: most(&self.unlim),
                lim: most(&self.lim),
                acct: most(&self.acct),
                grant: self.grant.at(is_role),
                identity: K::TRUE,
            };
            let endpoint = self.endpoint.as_ref().map_or(K::TRUE, most);
            factors.core().and(self.open.at(is_role)).and(endpoint).possible
        })
    }
}

/// What one caller of a class says, but for statements.
#[derive(Clone, Copy)]
struct OfCaller {
    plan: Plan,
    line: Line,
    open: Tri,
    grants: [Tri; 4],
    acl: [Tri; 4],
}

impl Asking<'_> {
    /// The side of the resource for the callers that a user and a role stand for; neither is named by it.
    pub(super) fn side(&mut self, user: Option<u32>, role: Option<u32>) -> SideClass {
        self.work.sided.clear();
        self.work.reached.clear();
        let mut of = [None, None];
        let mut is_first = true;
        for (at, lane) in [user, role].into_iter().enumerate() {
            let Some(lane) = lane.filter(|_| self.in_unit[at]) else { continue };
            match self.of_caller(lane, at, is_first) {
                Some(own) => of[at] = Some(own),
                None => return refused(),
            }
            is_first = false;
        }
        // The role may be a service-linked one, for which RCPs do not hold; a user is none.
        let Some(any) = of[0].or(of[1]) else { return refused() };
        let value = |pick: &dyn Fn(&OfCaller) -> Tri| Kinds::of(of[0].as_ref().map(pick), of[1].as_ref().map(pick));
        let fact = |at: usize| value(&|own: &OfCaller| own.grants[at]);
        let acl = |at: usize| value(&|own: &OfCaller| own.acl[at]);
        let [grant_star, grant_self, grant_base, grant_account] = [0, 1, 2, 3].map(fact);
        let [acl_star, acl_self, _, acl_account] = [0, 1, 2, 3].map(acl);
        let single = self.resource_policy(&any.plan);
        let unknown = self.is_unknown(single);
        let limited_star = self.set.settings().star_grant == StarGrant::PrincipalArn
            && matches!(any.line, Line::SameStandard | Line::SameMandatory);

        let denies = self.gather(|sided, _| sided.located.deny && sided.part != Part::Rcp, &[0, 1, 2, 3]);
        let rcp_denies = self.gather(|sided, _| sided.located.deny && sided.part == Part::Rcp, &[0, 1, 2, 3]);
        let is_grant = |sided: &Sided| !sided.located.deny && sided.part == Part::Resource;
        // by its switch: where a star is limited.
        let limits = move |sided: &Sided, flags: u32| {
            is_grant(sided) && limited_star && flags & statements::ABOUT_PRINCIPAL_ARN == 0
        };
        let escapes = move |sided: &Sided, flags: u32| is_grant(sided) && !limits(sided, flags);
        let own = self.gather(move |sided, _| is_grant(sided), &[1]);
        let star = self.gather(escapes, &[0]);
        let unlim = self.join(own, star);
        let base = self.gather(move |sided, _| is_grant(sided), &[2]);
        let star = self.gather(limits, &[0]);
        let lim = self.join(base, star);
        let acct = self.gather(move |sided, _| is_grant(sided), &[3]);
        let endpoint = match any.plan.endpoint {
            Single::None => None,
            single if self.is_unknown(single) => Some(Sum::UNKNOWN),
            _ => Some(self.gather(|sided, _| !sided.located.deny && sided.part == Part::Endpoint, &[0, 1, 2, 3])),
        };
        let plus = |sum: Sum, kinds: Kinds| Sum { kinds: sum.kinds.or(kinds), ..sum };
        let perhaps = |holds: bool| if holds { Kinds::UNKNOWN } else { Kinds::FALSE };
        let endpoint_unknown = any.plan.endpoint != Single::None && self.is_unknown(any.plan.endpoint);
        let rcp_unknown = self.rcps_unknown(any.plan.rcps);
        let side = SideClass {
            refused: false,
            may_allow: true,
            line: any.line,
            open: value(&|own: &OfCaller| own.open),
            denies: plus(denies, perhaps(unknown || endpoint_unknown)),
            rcp_denies: plus(rcp_denies, perhaps(rcp_unknown)),
            unlim: plus(unlim, perhaps(unknown).or(grant_self).or(grant_star).or(acl_star).or(acl_self)),
            lim: plus(lim, perhaps(unknown).or(grant_base)),
            acct: plus(acct, perhaps(unknown).or(grant_account).or(acl_account)),
            grant: if self.set.settings().kms_grant_identity { Kinds::FALSE } else { grant_self.or(grant_base) },
            endpoint,
        };
        SideClass { may_allow: side.may_allow_somebody(), ..side }
    }

    /// for RetireGrant the key policy has no effect, whatever it says.
    pub(super) fn resource_policy(&mut self, plan: &Plan) -> Single {
        let retires = plan.side == Side::Key && self.main.unit.has(ActionFlags::RETIRE_GRANT);
        if retires { Single::None } else { plan.resource }
    }

    /// a policy whose text is not known.
    fn is_unknown(&self, single: Single) -> bool {
        match single {
            Single::None => false,
            Single::Unknown => true,
            Single::Instance(instance) => self.set.instance(instance)[0] == NONE,
        }
    }

    fn rcps_unknown(&self, rcps: Guardrails) -> bool {
        match rcps {
            Guardrails::None | Guardrails::Foreign(false) => false,
            Guardrails::Unknown | Guardrails::Foreign(true) => true,
            Guardrails::Set(id) => {
                let guards = &self.lanes.rcps;
                guards.levels_of(guards.class_of(id)).iter().any(|level| guards.levels[*level as usize].unknown)
            }
        }
    }

    /// What one caller says; `is_first`: the statements are not noted yet. `None`: refused.
    fn of_caller(&mut self, lane: u32, kind: usize, is_first: bool) -> Option<OfCaller> {
        if is_first {
            let plan = self.plan_of(lane)?;
            self.note_statements(&plan);
        }
        let sided = std::mem::take(&mut self.work.sided);
        let bounded = self.lanes.some_bounded;
        let own = self.with_caller(lane, |eval, reached| {
            let plan = eval.plan().ok()?;
            let plain = &mut Plain::new();
            let closed = eval.closed_gates().iter().any(|(_, closed)| *closed);
            let open = K::constant(!closed).and(eval.public_access_blocked(plain, &plan).not());
            let grants = eval.grants(plain, plan.side);
            let acl = eval.acl(plain);
            let own = OfCaller {
                plan,
                line: eval.line(plan.side),
                open,
                grants: LEVELS.map(|level| *grants.at(level)),
                acl: LEVELS.map(|level| *acl.at(level)),
            };
            if reached.is_empty() {
                reached.resize(sided.len(), [[Kinds::FALSE; 4]; 2]);
            }
            let record = eval.caller.record;
            for (sided, reached) in sided.iter().zip(reached) {
                let variants = if sided.negated { 2 } else { 1 };
                for (with_boundary, reached) in reached.iter_mut().enumerate().take(variants) {
                    if sided.negated {
                        // Whether a boundary limits the caller is all that is asked of the record here.
                        // A caller without record has none.
                        eval.caller.record = if with_boundary == 1 { bounded } else { None };
                    }
                    let levels = eval.principal_levels(plain, &sided.located);
                    for (place, level) in reached.iter_mut().zip(LEVELS) {
                        let value = *levels.at(level);
                        if kind == 0 { place.user = value } else { place.role = value }
                    }
                }
                eval.caller.record = record;
            }
            Some(own)
        });
        self.work.sided = sided;
        own.flatten()
    }

    fn plan_of(&mut self, lane: u32) -> Option<Plan> {
        self.with_caller(lane, |eval, _| eval.plan().ok()).flatten()
    }

    /// Calls `of` with the caller on that lane, in the unit.
    pub(super) fn with_caller<T>(
        &mut self,
        lane: u32,
        of: impl FnOnce(&mut crate::eval::Eval<'_>, &mut Vec<[Levels; 2]>) -> T,
    ) -> Option<T> {
        let mut eval = points::begin(self.set, &self.template, self.spare, lane)?.ok()?;
        let at = unit_of(&eval, self.origin)?;
        eval.enter(at);
        Some(of(&mut eval, &mut self.work.reached))
    }

    /// The statements about the action of all policies with a `Principal` element.
    fn note_statements(&mut self, plan: &Plan) {
        let located = Located::nowhere();
        if let Single::Instance(instance) = self.resource_policy(plan) {
            let [body, home, _] = self.set.instance(instance);
            self.note_body(body, Located { instance, home, kind: plan.side.kind(), ..located }, Part::Resource);
        }
        if let Single::Instance(instance) = plan.endpoint {
            let gateway = plan.endpoint_type == EndpointType::Gateway;
            let [body, home, _] = self.set.instance(instance);
            let located = Located { instance, home, kind: PolicyKind::Endpoint, gateway, ..located };
            self.note_body(body, located, Part::Endpoint);
        }
        if let Guardrails::Set(id) = plan.rcps {
            let guards = &self.lanes.rcps;
            let class = guards.class_of(id);
            for level in guards.levels_of(class) {
                for body in guards.bodies_of(guards.levels[*level as usize]) {
                    let body = guards.bodies[*body as usize];
                    self.note_body(body, Located { kind: PolicyKind::Rcp, ..located }, Part::Rcp);
                }
            }
        }
    }

    fn note_body(&mut self, body: u32, located: Located, part: Part) {
        if body == NONE {
            return;
        }
        let set = self.set;
        for statement in set.body_statements(body) {
            let [flags, element, _, _, test] = set.statement(*statement);
            let deny = flags & statements::DENY != 0;
            // RCPs have no part in A.
            if part == Part::Rcp && !deny || !self.is_about(element) {
                continue;
            }
            let located = Located { statement: *statement, deny, ..located };
            let known = self.work.sided_values.iter().find(|(of, _)| *of == (*statement, located.kind, located.home));
            let value = match known {
                Some((_, value)) => *value,
                None => {
                    let value = self.statement(&located, false);
                    let value = if value.kinds.is_impossible() { value } else { self.as_rows(&located, value) };
                    self.work.sided_values.push(((*statement, located.kind, located.home), value));
                    value
                }
            };
            if value.kinds.is_impossible() {
                continue;
            }
            let negated = test != NONE && located.kind.has_principal() && set.principal_test(test).0 & NEGATED != 0;
            self.work.sided.push(Sided { located, part, value, negated });
        }
    }

    /// The disjunction of the noted statements that `picks` takes, with those of their levels that count.
    fn gather(&mut self, picks: impl Fn(&Sided, u32) -> bool, levels: &[usize]) -> Sum {
        let mut sum = self.work.truths.begin_sum();
        for at in 0..self.work.sided.len() {
            let sided = self.work.sided[at];
            let [flags, ..] = self.set.statement(sided.located.statement);
            if !picks(&sided, flags) {
                continue;
            }
            let at = |variant: usize| {
                levels.iter().fold(Kinds::FALSE, |any, level| any.or(self.work.reached[at][variant][*level]))
            };
            let [without, with] = [at(0), at(1)];
            let Value { kinds, rows, .. } = sided.value;
            if !sided.negated {
                self.work.truths.add(&mut sum, kinds.and(without), rows);
                continue;
            }
            for (row, reached) in [(&self.lanes.without_boundary, without), (&self.lanes.with_boundary, with)] {
                let kinds = kinds.and(reached);
                if !kinds.is_impossible() {
                    let row = self.work.truths.share(std::sync::Arc::clone(row));
                    let rows = self.work.truths.with_row(rows, row);
                    self.work.truths.add(&mut sum, kinds, rows);
                }
            }
        }
        sum
    }

    fn join(&mut self, left: Sum, right: Sum) -> Sum {
        if right.terms.len == 0 {
            return Sum { kinds: left.kinds.or(right.kinds), ..left };
        }
        let mut sum = self.work.truths.begin_sum();
        self.work.truths.add_sum(&mut sum, left);
        self.work.truths.add_sum(&mut sum, right);
        sum
    }

    /// A user and a role of some runs, the first that are not decided one by one.
    pub(super) fn stand_ins(&self, runs: impl Iterator<Item = u32>) -> [Option<u32>; 2] {
        let mut found = [None, None];
        // Guardrails do not hold for service-linked roles, so another role is better, if there is one.
        let mut linked = None;
        for run in runs {
            let run = self.lanes.runs[run as usize];
            if (found[0].is_some() || !run.has_users) && (found[1].is_some() || !run.has_roles) {
                continue;
            }
            for lane in run.first..run.end {
                let is_role = get(&self.lanes.roles, lane);
                if found[usize::from(is_role)].is_some() || get(&self.lanes.odd, lane) || get(&self.work.odd, lane) {
                    continue;
                }
                if get(&self.lanes.service_linked, lane) {
                    linked = linked.or(Some(lane));
                } else {
                    found[usize::from(is_role)] = Some(lane);
                }
                if found[0].is_some() && found[1].is_some() {
                    return found;
                }
            }
        }
        found[1] = found[1].or(linked);
        found
    }
}

fn refused() -> SideClass {
    SideClass {
        refused: true,
        may_allow: true,
        line: Line::Cross,
        open: Kinds::FALSE,
        denies: Sum::FALSE,
        rcp_denies: Sum::FALSE,
        unlim: Sum::FALSE,
        lim: Sum::FALSE,
        acct: Sum::FALSE,
        grant: Kinds::FALSE,
        endpoint: None,
    }
}
