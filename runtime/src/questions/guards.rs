//! Guardrails by what they say: accounts differ in the names of their levels more than in what is attached there.

use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};
use std::collections::HashMap;

/// What is attached to a level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelClass {
    /// something may be attached that is not known.
    pub(crate) unknown: bool,
    first: u32,
    count: u32,
}

/// The guardrails of one kind. Bodies, levels and sets are each there once; an index is a position.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    /// Ids of bodies.
    pub(crate) bodies: Vec<u32>,
    pub(crate) levels: Vec<LevelClass>,
    level_bodies: Vec<u32>,
    sets: Vec<[u32; 2]>,
    set_levels: Vec<u32>,
    /// By guardrail set: the index of its class; NONE where nothing is known of it, or where no account has it.
    class_of: Vec<u32>,
}

impl Guards {
    /// The guardrails in a column of the accounts' rows. `None`: sets share levels in a way that makes more than `limit`
    /// of them.
    pub(crate) fn new(set: &CompiledPolicySet, column: usize, limit: usize) -> Option<Guards> {
        let tables = set.tables();
        let sets = rows::<GUARDRAIL_SET_ROW>(&tables.guardrail_sets);
        let mut guards = Guards { class_of: vec![NONE; sets.len()], ..Guards::default() };
        let mut known_bodies: HashMap<u32, u32> = HashMap::new();
        let mut known_levels: HashMap<(bool, Vec<u32>), u32> = HashMap::new();
        let mut known_sets: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut n_read = 0usize;
        for row in rows::<ACCOUNT_ROW>(&tables.accounts) {
            let id = row[column];
            if id == NONE || guards.class_of[id as usize] != NONE {
                continue;
            }
            let [flags, first, count, ..] = sets[id as usize];
            if flags & SET_UNKNOWN != 0 {
                continue;
            }
            let mut own = Vec::with_capacity(count as usize);
            let levels = &rows::<4>(&tables.guardrail_levels)[first as usize..(first + count) as usize];
            for [_, flags, first, count] in levels {
                n_read += 1 + *count as usize;
                if n_read > limit {
                    return None;
                }
                let attached = &rows::<2>(&tables.guardrail_attachments)[*first as usize..(*first + *count) as usize];
                let mut unknown = flags & LEVEL_INCOMPLETE != 0;
                let mut bodies = Vec::new();
                for [instance, _] in attached {
                    match set.instance(*instance)[0] {
                        NONE => unknown = true,
                        body => {
                            let next = guards.bodies.len() as u32;
                            let index = *known_bodies.entry(body).or_insert(next);
                            if index == next {
                                guards.bodies.push(body);
                            }
                            bodies.push(index);
                        }
                    }
                }
                bodies.sort_unstable();
                bodies.dedup();
                let next = guards.levels.len() as u32;
                let level = *known_levels.entry((unknown, bodies)).or_insert_with_key(|(unknown, bodies)| {
                    let first = guards.level_bodies.len() as u32;
                    guards.level_bodies.extend(bodies);
                    guards.levels.push(LevelClass { unknown: *unknown, first, count: bodies.len() as u32 });
                    next
                });
                own.push(level);
            }
            // Levels are a conjunction.
            own.sort_unstable();
            own.dedup();
            let next = guards.sets.len() as u32;
            guards.class_of[id as usize] = *known_sets.entry(own).or_insert_with_key(|own| {
                guards.sets.push([guards.set_levels.len() as u32, own.len() as u32]);
                guards.set_levels.extend(own);
                next
            });
        }
        Some(guards)
    }

    /// The class of a guardrail set of which something is known.
    pub(crate) fn class_of(&self, guardrail_set: u32) -> u32 {
        self.class_of[guardrail_set as usize]
    }

    pub(crate) fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// Indices of the levels of a class.
    pub(crate) fn levels_of(&self, class: u32) -> &[u32] {
        let [first, count] = self.sets[class as usize];
        &self.set_levels[first as usize..(first + count) as usize]
    }

    /// Indices of the bodies of a level.
    pub(crate) fn bodies_of(&self, level: LevelClass) -> &[u32] {
        &self.level_bodies[level.first as usize..(level.first + level.count) as usize]
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let words = self.bodies.len() + self.level_bodies.len() + self.set_levels.len() + self.class_of.len();
        4 * words + 8 * self.sets.len() + size_of::<LevelClass>() * self.levels.len()
    }
}
