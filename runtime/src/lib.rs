//! Compiled policy sets + requests -> decisions. Nothing here parses a policy, and a decision allocates nothing.
//!
//! What a set consists of: [`layout`] (the tables), [`keys`], [`actions`], [`pattern`], [`conditions`], [`principals`],
//! [`statements`], [`settings`] (how rows are encoded, for the compiler that fills them), [`hash`], [`image`] (bytes).
//! [`CompiledPolicySet`] owns tables that were validated once.
//!
//! How a request is decided: `ask` borrows what is asked, `caller` and `units` find out who asks for which
//! authorizations, `context` and `given` answer for condition keys, `plan` says which policies apply, `pools`, `body`,
//! `atoms` and `who` evaluate their statements, `gates` what is no policy, and `decide` is section 0 over all of that.
//! It is written over the connectives of `logic` and `formula`: [`decide()`] computes with truth values, [`explain()`]
//! with formulas, recording (`record`, `recording`, `residual`, `findings`). [`decide_ids`] takes ids in place of names.
//!
//! The reference evaluator shares nothing of this; where the two differ, docs/semantics.md decides who is wrong.

pub mod actions;
mod ask;
mod atoms;
mod base64;
pub mod batch;
mod body;
mod bulk;
mod caller;
mod classes;
mod code;
pub mod conditions;
mod context;
mod decide;
mod error;
mod eval;
mod explain;
mod factors;
mod findings;
mod formula;
mod gates;
mod given;
pub mod hash;
pub mod image;
mod index;
pub mod keys;
pub mod layout;
mod logic;
mod number;
mod packed;
pub mod pattern;
mod plan;
mod pools;
pub mod principals;
mod programs;
mod questions;
mod record;
mod recording;
mod refusal;
mod residual;
mod scratch;
mod set;
pub mod settings;
pub mod statements;
#[cfg(test)]
mod testing;
mod units;
mod unknown_actions;
mod validate;
mod who;

pub use bulk::{ActionId, DecisionCode, PreparedContext, PrincipalId, ResourceId, decide_ids};
pub use decide::{decide, decide_with};
pub use error::LoadError;
pub use explain::explain;
/// The vocabulary of requests and answers, for programs that need nothing else.
pub use iamc_policy as policy;
pub use index::{CROWD_MIN, IndexCounts, IndexScratch, PatternIndex, PatternMatch};
pub use questions::{
    Clause, Found, Grant, GrantCondition, Inverse, Limit, Outsider, OutsiderKind, Principals, Question,
    QuestionScratch, Scope, Tally, matrix, outsiders, patterns_overlap, root_users, what_can, who_can, who_can_ids,
};
pub use refusal::Refusal;
pub use scratch::Scratch;
pub use set::{CompiledPolicySet, CompiledSession};
pub use unknown_actions::ActionTextCounts;
