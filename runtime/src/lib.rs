//! Compiled policy sets + requests -> decisions. Nothing here parses a policy, and a decision allocates nothing.

pub mod actions;
mod base64;
mod code;
pub mod conditions;
mod error;
pub mod hash;
pub mod image;
pub mod keys;
pub mod layout;
mod number;
pub mod pattern;
pub mod principals;
mod set;
pub mod settings;
pub mod statements;
#[cfg(test)]
mod testing;
mod validate;

pub use error::LoadError;
pub use set::{CompiledPolicySet, CompiledSession};
