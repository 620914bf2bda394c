//! What decides: one trait, and the list of those that can be had.

use iamc_catalogue::Catalogue;
use iamc_policy::decision::Answer;
use iamc_policy::request::{Request, RequestError};
use iamc_policy::world::World;

/// Something that answers requests.
pub trait Engine: Send + Sync {
    /// Its name, as `iamc conform --engine` takes it.
    fn name(&self) -> &'static str;

    /// Answers one request.
    ///
    /// # Errors
    /// The request cannot be decided.
    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError>;
}

/// The reference evaluator, with the catalogue that is compiled in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

impl Engine for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        iamc_reference::decide(world, Catalogue::embedded(), request)
    }
}

/// Every engine there is, in the order in which differences are reported.
pub fn all() -> Vec<Box<dyn Engine>> {
    vec![Box::new(Reference)]
}

/// No engine has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine `{name}`; write {known} or all")]
pub struct EngineError {
    name: String,
    known: String,
}

/// The engine of that name, or every engine for `all`.
///
/// # Errors
/// No engine has that name.
///
/// ```
/// assert_eq!(iamc_testkit::engine::engines("all").unwrap()[0].name(), "reference");
/// assert!(iamc_testkit::engine::engines("oracle").is_err());
/// ```
pub fn engines(selection: &str) -> Result<Vec<Box<dyn Engine>>, EngineError> {
    let engines = all();
    if selection == "all" {
        return Ok(engines);
    }
    let known: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
    let known = known.join(", ");
    match engines.into_iter().find(|engine| engine.name() == selection) {
        Some(engine) => Ok(vec![engine]),
        None => Err(EngineError { name: selection.to_owned(), known }),
    }
}
