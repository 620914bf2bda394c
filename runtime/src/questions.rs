//! Set questions: one request against everybody, everything against one, and matrices of both.
//!
//! A decision reads the statements of one principal; a question about everybody reads each statement once. An [`Inverse`]
//! holds a set the other way round ([`postings`]: from actions and patterns to statements; [`pools`]: from policies to who
//! has them; [`guards`]: guardrails by what they say). [`asking`] evaluates a statement for a user and a role that stand for
//! all of them, as far as nothing in it depends on who asks ([`dependence`]); what does is a stored row over principals
//! ([`truths`], found by the texts of ARNs where it can be: [`arn_texts`]) or is asked of each. [`sides`] and [`named`] treat the resource's side: whoever is named there is decided one
//! by one ([`points`]), all others of an account are alike. [`everybody`] then computes section 0 on words of 64 principals,
//! with the formula of decisions, or, where accounts differ in SCPs alone, on rows ([`sweep`]). What identity policies say
//! of an action and any resource is gathered once and kept ([`about_action`]).

mod about_action;
mod accounts;
pub(crate) mod arn_texts;
mod asking;
mod condition_index;
mod dependence;
mod everybody;
mod grants;
mod guards;
mod inverse;
mod like;
mod local;
mod matrix;
mod named;
mod outside;
pub(crate) mod points;
mod pools;
mod postings;
pub(crate) mod rows;
mod sides;
mod sweep;
mod truths;
mod what_can;
mod who_can;

pub use asking::QuestionScratch;
pub use grants::patterns_overlap;
pub use inverse::Inverse;
pub use matrix::matrix;
pub use outside::{Outsider, OutsiderKind, outsiders, root_users};
pub use what_can::{Clause, Grant, GrantCondition, Limit, what_can};
pub use who_can::{Found, Principals, Question, Scope, Tally, who_can, who_can_ids};
