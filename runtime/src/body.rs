//! One statement: its resource test and its conditions.

use crate::atoms::{Filled, filling};
use crate::code::{Filling, OWN_ACCOUNT};
use crate::eval::{Eval, Target, Whose};
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::pattern;
use crate::record::{Located, Open, Recorder};
use crate::scratch::{Scratch, Text};
use iamc_policy::PolicyKind;
use iamc_policy::settings::NullNotResource;

/// How one entry of `Resource` or `NotResource` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) truth: Tri,
    /// it matches nothing.
    pub(crate) null: bool,
    /// It has a variable that is SOME or UNKNOWN, or depends on an unknown Region.
    pub(crate) unknown: bool,
    /// it depends on an unknown Region.
    pub(crate) by_region: bool,
}

impl<'a> Eval<'a> {
    /// The same for a statement that was found by itself and not as a rule or in its document.
    pub(crate) fn statement_body<R: Recorder>(&mut self, recorder: &mut R, located: &Located) -> R::Value {
        let [_, _, resource, block, _] = self.tables_of(located.whose).statement(located.statement);
        let resource = if resource == NONE { NONE } else { resource | RULE_RESOURCE_TEST };
        self.body(recorder, &Located { resource, block, ..*located })
    }

    /// Resource and condition of a statement whose action test is true.
    pub(crate) fn body<R: Recorder>(&mut self, recorder: &mut R, located: &Located) -> R::Value {
        let set = self.tables_of(located.whose);
        let Located { resource, block, .. } = *located;
        // without the element, or in a trust policy, it is the resource that the policy is attached to.
        let mut body = if resource == NONE || located.kind == PolicyKind::Trust {
            R::Value::constant(true)
        } else if resource & RULE_RESOURCE_TEST != 0 {
            self.resource_test(recorder, located, resource & !RULE_RESOURCE_TEST)
        } else {
            let entry = self.entry(located.whose, resource, located.home);
            self.lift(recorder, entry.truth, Open::Resource { located, pattern: resource })
        };
        if block == NONE || body.is_impossible() {
            return body;
        }
        let (flags, atoms) = set.block(block);
        if flags & BLOCK_MEANINGLESS != 0 {
            return R::Value::constant(false);
        }
        for atom in atoms {
            let value = self.atom(located.whose, *atom);
            let value = self.lift(recorder, value, Open::Condition { located, atom: *atom });
            body = body.and(value);
            if body.is_impossible() {
                break;
            }
        }
        body
    }

    ///
    pub(crate) fn resource_test<R: Recorder>(&mut self, recorder: &mut R, located: &Located, test: u32) -> R::Value {
        let (flags, patterns) = self.tables_of(located.whose).resource_test(test);
        let negated = flags & NEGATED != 0;
        let skips_null = negated && self.set.settings().null_notresource == NullNotResource::Skip;
        let mut some = <R::Value as Logic>::Many::default();
        let mut perhaps_null = <R::Value as Logic>::Many::default();
        for pattern in patterns {
            let entry = self.entry(located.whose, *pattern, located.home);
            if skips_null && entry.null {
                return R::Value::constant(false);
            }
            if skips_null && entry.unknown {
                let value = recorder.open(self, Open::NullResource { located, pattern: *pattern });
                R::Value::push(&mut perhaps_null, value);
            }
            if entry.truth.is_true() && !skips_null {
                return R::Value::constant(!negated);
            }
            let value = self.lift(recorder, entry.truth, Open::Resource { located, pattern: *pattern });
            R::Value::push(&mut some, value);
        }
        let some = R::Value::any(some);
        match (negated, skips_null) {
            (false, _) => some,
            (true, false) => some.not(),
            (true, true) => some.not().and(R::Value::any(perhaps_null).not()),
        }
    }

    /// One entry of `Resource` or `NotResource` against the unit's resource. `home`: the index of the
    /// account that owns the policy, or NONE.
    pub(crate) fn entry(&mut self, whose: Whose, id: u32, home: u32) -> Entry {
        let tables = self.tables_of(whose);
        let entry = tables.pattern(id);
        if entry.shape & pattern::IS_NULL != 0 {
            self.s.batch.note_resource(true);
            // It depends on the Region of the pseudo-resource all the same.
            let open = matches!(self.unit.target, Target::AnyRegion(..)) && !entry.is_of_another_service(b"dynamodb");
            let truth = if open { K::UNKNOWN } else { K::FALSE };
            return Entry { truth, null: true, unknown: open, by_region: open };
        }
        let (mut filled, mut unknown) = (Filled::Known, false);
        if entry.shape & pattern::HAS_VARIABLES != 0 {
            unknown = self.has_unknown_variable(whose, entry.code);
            filled = self.fill(whose, entry.code, false);
        }
        let everything = entry.kind() == pattern::EVERYTHING;
        self.s.batch.note_resource(!everything);
        let null = filled == Filled::Null;
        let holes = filled == Filled::Holes && !everything;
        let matched = |eval: &mut Self, text: Option<Text>| {
            if everything || null {
                return everything;
            }
            let set = eval.set;
            let Scratch { arena, slots, reached, .. } = &mut *eval.s;
            let filled = |slot: usize| match slot {
                OWN_ACCOUNT => tables.account_digits(home).map_or(Filling::Nothing, |own| Filling::Text(own)),
                slot => filling(set, arena, slots[slot]),
            };
            let subject = match (text, eval.unit.target) {
                (Some(text), _) => pattern::Subject::new(arena.get(set, text)),
                (None, Target::Arn(subject)) => subject,
                (None, _) => return false,
            };
            pattern::matches(&entry, &subject, set.settings(), reached, filled)
        };
        let tri = |matched: bool| K { definite: matched && !holes, possible: matched };
        let truth = match self.unit.target {
            Target::Star => tri(everything),
            Target::Arn(_) => tri(matched(self, None)),
            Target::Pseudo(text) => tri(matched(self, Some(text))),
            Target::AnyRegion(one, two) => {
                // an entry that matches both Regions alike does so by a star; anything else depends on it.
                let (one, two) = (tri(matched(self, Some(one))), tri(matched(self, Some(two))));
                if one == two && !one.is_false() {
                    one
                } else if entry.is_of_another_service(b"dynamodb") {
                    K::FALSE
                } else {
                    return Entry { truth: K::UNKNOWN, null, unknown: true, by_region: true };
                }
            }
        };
        Entry { truth, null, unknown, by_region: false }
    }
}
