//! The vocabulary: what a policy, a request, a world and a decision *say*.
//!
//! This crate parses and prints; it holds no opinion on any answer. Comparing, matching, deriving and combining are
//! deciding, and each engine does that for itself: code shared here would be wrong in both engines at once.
//!
//! A tour: [`document`] turns JSON into a [`Policy`]; [`request`] says what is asked; [`world`] is the raw inventory,
//! nothing of it resolved; [`decision`] is what comes back.

pub mod action;
pub mod arn;
pub mod condition;
pub mod decision;
pub mod diagnostic;
pub mod document;
pub mod ids;
pub mod json;
pub mod parse;
pub mod principal;
mod print;
pub mod request;
pub mod settings;
pub mod sizes;
pub mod source;
pub mod template;
pub mod world;

pub use action::{Action, ActionPattern};
pub use arn::Arn;
pub use condition::{BaseOperator, ConditionAtom, ConditionKey, Operator, SetOperator};
pub use decision::{Answer, Decision, Explanation, Formula, Outcomes, ReasonCode, Truth};
pub use diagnostic::{Diagnostic, Severity};
pub use document::{Effect, Policy, PolicyKind, Statement, Strictness};
pub use ids::AccountId;
pub use parse::Parsed;
pub use principal::{Principal, PrincipalEntry};
pub use request::{KeyState, Mode, Request};
pub use settings::Settings;
pub use smol_str::SmolStr;
pub use template::Template;
pub use world::World;
