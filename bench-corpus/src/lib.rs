//! Deterministic workloads: a named [`Shape`] and a seed become an organization, its export files, and requests.
//!
//! A tour: [`generate`] makes a [`Corpus`], which hands out one organization part and one part for each account
//! ([`part`]); [`Corpus::world`] parses them into a `World`, [`write_exports`] writes them as AWS's own commands would,
//! [`requests()`] asks about them, and [`profile`] measures them, or any other policies. docs/corpus.md tells what the
//! shapes are, where their distributions come from, and how near a generated corpus is to them.
//!
//! The same shape, seed and templates give the same bytes on every platform: randomness and real-number functions are
//! written out in [`rng`], and the tables that are drawn from are files of this crate, not of the catalogue, which
//! follows AWS. Nothing decides here, and no engine is among the dependencies.
//!
//! Feature `parquet`: request streams as Parquet files.

mod account;
mod adversarial;
mod compose;
mod corpus;
mod draft;
pub mod export;
mod flat;
pub mod hash;
mod managed;
mod names;
mod organization;
pub mod part;
mod plan;
pub mod profile;
pub mod requests;
pub mod rng;
mod shape;
mod slots;
mod tables;
mod templates;
pub mod world;

pub use corpus::{Corpus, generate};
pub use export::write_exports;
pub use requests::requests;
pub use shape::{Flat, Parameters, Shape, ShapeError};
pub use templates::{Templates, TemplatesError};
