//! Compiled policy sets + requests -> decisions. Nothing here parses a policy, and a decision allocates nothing.

pub mod actions;
mod ask;
mod atoms;
mod base64;
mod bulk;
mod caller;
mod code;
pub mod conditions;
mod context;
mod decide;
mod error;
mod eval;
mod explain;
mod formula;
mod gates;
pub mod hash;
pub mod image;
pub mod keys;
pub mod layout;
mod logic;
mod number;
pub mod pattern;
mod plan;
pub mod principals;
mod restype;
mod scratch;
mod set;
pub mod settings;
pub mod statements;
#[cfg(test)]
mod testing;
mod units;
mod validate;
mod who;

pub use bulk::{ActionId, DecisionCode, PreparedContext, PrincipalId, ResourceId, decide_ids};
pub use decide::{decide, decide_with};
pub use error::LoadError;
pub use explain::explain;
pub use scratch::Scratch;
pub use set::{CompiledPolicySet, CompiledSession};
