//! The specification as a program: slow, obvious, close to the text of `docs/semantics.md`.
//!
//! One function a rule or a small group of rules, each citing it; no index, no cache, no cleverness. It shares with
//! the compiled engine only the parsed types of `iamc_policy` and the data of `iamc_catalogue`.
//!
//! To read it beside the text: [`decide`] is section 0. `context` is section 5, `resolve` 6.2 to 6.5, `principal`
//! 6.1 and 6.8, `units`, `gates` the gates, `kms` 6.9, `s3` 6.10, `evaluate` the formula, `explain`
//! section 7, `formula` the connectives of section 8, `residual`.

mod address;
mod base64;
pub mod condition;
mod date;
mod number;
pub mod pattern;
mod variables;
