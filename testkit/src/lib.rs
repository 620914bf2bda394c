//! What tests, fuzz targets, benches and `iamc conform` share. No engine depends on it.
//!
//! [`case`] reads decision cases, [`build`] turns one into a world and a request, [`engine`] lists what can decide
//! them, [`runner`] runs and compares, [`mod@print`] writes a case back as JSON. [`generators`] draws worlds and requests
//! from a stream of entropy, [`laws`] are the theorems of the semantics over them, [`oracles`] judge engines.

pub mod build;
pub mod case;
pub mod engine;
pub mod generators;
pub mod laws;
pub mod oracles;
mod parts;
pub mod print;
pub mod runner;
