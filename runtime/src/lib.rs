//! Compiled policy sets + requests -> decisions. Nothing here parses a policy, and nothing but [`explain`] allocates
//! for a decision.

pub mod actions;
mod base64;
mod code;
pub mod conditions;
pub mod hash;
pub mod keys;
pub mod layout;
mod number;
pub mod pattern;
pub mod principals;
pub mod settings;
pub mod statements;
