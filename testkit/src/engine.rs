//! What decides: one trait, and the list of those that can be had.

use iamc_catalogue::Catalogue;
use iamc_compiler::{CompileError, Limits, compile, compile_session};
use iamc_policy::decision::Answer;
use iamc_policy::request::{Request, RequestError};
use iamc_policy::world::World;
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that answers requests.
pub trait Engine: Send + Sync {
    /// Its name, as `iamc conform --engine` takes it.
    fn name(&self) -> &'static str;

    /// Answers one request.
    ///
    /// # Errors
    /// The request cannot be decided.
    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError>;

    /// False: what a case expects says nothing about this engine, so the case is passed over.
    fn is_judged_by(&self, _world: &World, _request: &Request) -> bool {
        true
    }
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

/// A world and what it was compiled to.
struct Prepared {
    world: World,
    set: CompiledPolicySet,
}

/// The world that was asked about last, compiled: generated worlds come with many requests.
#[derive(Default)]
struct Last(Mutex<Option<Arc<Prepared>>>);

impl Last {
    /// Answers a request with the compiled set of its world.
    ///
    /// Panics: if `decide` and `explain` come to different decisions, which is a defect of the engine.
    fn answer(
        &self,
        world: &World,
        request: &Request,
        prepare: impl FnOnce(&World) -> Result<CompiledPolicySet, CompileError>,
    ) -> Result<Answer, RequestError> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let prepared = match last.filter(|last| last.world == *world) {
            Some(last) => last,
            None => {
                let set = prepare(world).map_err(refused)?;
                let prepared = Arc::new(Prepared { world: world.clone(), set });
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&prepared));
                prepared
            }
        };
        let set = &prepared.set;
        let session = request.session.as_deref().map(|policies| compile_session(set, policies));
        let session = session.transpose().map_err(refused)?;
        let mut scratch = Scratch::new(set);
        let answer = explain(set, request, session.as_ref(), &mut scratch);
        let decision = decide_with(set, request, session.as_ref(), &mut scratch);
        match (&answer, &decision) {
            (Ok(answer), Ok(decision)) => assert_eq!(answer.decision, *decision, "explain and decide differ"),
            (answer, decision) => {
                assert_eq!(answer.as_ref().err(), decision.as_ref().err(), "explain and decide refuse differently");
            }
        }
        answer
    }
}

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Last")
    }
}

/// A world that exceeds the limits of the compiler, as an engine can say it.
fn refused(error: CompileError) -> RequestError {
    RequestError { code: "E-COMPILE", message: error.to_string(), field: "inventory", rule: "R-8.3" }
}

fn compiled(world: &World) -> Result<CompiledPolicySet, CompileError> {
    compile(world, Catalogue::embedded(), &Limits::default())
}

/// The compiled engine: a world is compiled, then asked.
#[derive(Debug, Default)]
pub struct Compiled {
    last: Last,
}

impl Engine for Compiled {
    fn name(&self) -> &'static str {
        "compiled"
    }

    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        self.last.answer(world, request, compiled)
    }
}

/// The compiled engine with a set that was written to bytes and read back.
#[derive(Debug, Default)]
pub struct Reloaded {
    last: Last,
}

impl Engine for Reloaded {
    fn name(&self) -> &'static str {
        "reloaded"
    }

    /// Panics: if the set is not read back as it was written.
    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        let reload = |world: &World| {
            let bytes = compiled(world)?.to_bytes();
            let set = CompiledPolicySet::load(&bytes).unwrap_or_else(|error| panic!("not read back: {error}"));
            assert!(set.to_bytes() == bytes, "a set that was read back is written differently");
            Ok(set)
        };
        self.last.answer(world, request, reload)
    }
}

/// The compiled engine without action tables: actions, keys and resource types are known by name alone; the lists of
/// appendix C stay. Cases that rest on the tables (R-9), which the reference answers differently without them, say
/// nothing about it.
#[derive(Debug)]
pub struct NoCatalogue {
    catalogue: Catalogue,
    last: Last,
}

impl Default for NoCatalogue {
    fn default() -> NoCatalogue {
        NoCatalogue { catalogue: Catalogue::without_actions(), last: Last::default() }
    }
}

impl Engine for NoCatalogue {
    fn name(&self) -> &'static str {
        "no-catalogue"
    }

    fn decide(&self, world: &World, request: &Request) -> Result<Answer, RequestError> {
        self.last.answer(world, request, |world| compile(world, &self.catalogue, &Limits::default()))
    }

    fn is_judged_by(&self, world: &World, request: &Request) -> bool {
        iamc_reference::decide(world, &self.catalogue, request) == Reference.decide(world, request)
    }
}

/// Every engine there is, in the order in which differences are reported.
pub fn all() -> Vec<Box<dyn Engine>> {
    vec![Box::new(Reference), Box::<Compiled>::default(), Box::<Reloaded>::default(), Box::<NoCatalogue>::default()]
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
