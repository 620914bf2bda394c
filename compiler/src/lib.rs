//! Worlds -> compiled policy sets. The compiler never sees a request.
//!
//! The pipeline, a module a stage: [`Compiler::add`] interns and lowers what an inventory says (`collect`, `lower`,
//! `intern`); [`Compiler::finish`] states it as facts (`facts`), lets the Datalog rules say which policies apply
//! (`rules`), and emits the tables that the runtime decides with (`emit`).
//!
//! ```
//! use iamc_catalogue::Catalogue;
//! use iamc_compiler::{Limits, compile, report};
//! use iamc_policy::World;
//! let world = World { assume_complete: true, ..World::default() };
//! let set = compile(&world, Catalogue::embedded(), &Limits::default()).unwrap();
//! assert_eq!(report(&set).n_principals, 0);
//! ```

mod collect;
mod emit;
mod error;
mod facts;
mod glob;
mod intern;
mod lower;
mod report;
mod rules;
mod search;
mod session;
mod strategies;

pub use error::{CompileError, Limits};
pub use report::{CompileReport, report};
pub use session::compile_session;
pub use strategies::{Strategies, strategies};

use collect::Collected;
use emit::Emitter;
use iamc_catalogue::Catalogue;
use iamc_policy::{Settings, World};
use iamc_runtime::CompiledPolicySet;
use iamc_runtime::layout::Tables;
use lower::Lowered;

/// Compiles a world.
///
/// The same world, catalogue and limits give the same set, byte by byte. A set holds what the catalogue says too, and
/// decides alike wherever it is loaded.
///
/// Errors: a world larger than `limits`. Panics: never. Cost: O(bytes of the world), and for each pattern of action
/// names a look at the actions of its service.
pub fn compile(world: &World, catalogue: &Catalogue, limits: &Limits) -> Result<CompiledPolicySet, CompileError> {
    let mut compiler = Compiler::new(catalogue, &world.settings, world.assume_complete, limits);
    compiler.add(world)?;
    compiler.finish()
}

/// Compiles a world that comes in parts, for instance account by account.
///
/// Each part is interned and lowered when it is added and can be dropped then, so memory follows what differs between
/// parts, not their number. A part may refer to what another one holds: a user to a managed policy, an account to its
/// unit. What is decided does not depend on how a world is cut, as long as the parts keep its order.
///
/// ```
/// # use iamc_catalogue::Catalogue;
/// # use iamc_compiler::{Compiler, Limits};
/// # use iamc_policy::World;
/// # let parts: Vec<World> = Vec::new();
/// # let whole = World::default();
/// let mut compiler = Compiler::new(Catalogue::embedded(), &whole.settings, false, &Limits::default());
/// for part in parts {
///     compiler.add(&part)?;
/// }
/// let set = compiler.finish()?;
/// # Ok::<(), iamc_compiler::CompileError>(())
/// ```
#[derive(Debug)]
pub struct Compiler<'c> {
    catalogue: &'c Catalogue,
    limits: Limits,
    lowered: Lowered,
    collected: Collected,
}

impl<'c> Compiler<'c> {
    /// A compiler without a world; all parts will have these settings.
    pub fn new(catalogue: &'c Catalogue, settings: &Settings, assume_complete: bool, limits: &Limits) -> Compiler<'c> {
        Compiler {
            catalogue,
            limits: *limits,
            lowered: Lowered::new(*limits),
            collected: Collected::new(settings.clone(), assume_complete),
        }
    }

    /// Takes in one part of the world.
    ///
    /// Errors: the part was read under other settings and nothing of it was taken in; or the world grows larger than the
    /// limits allow, and this compiler is of no more use.
    /// Cost: O(bytes of the part).
    pub fn add(&mut self, part: &World) -> Result<(), CompileError> {
        self.collected.add(part, &mut self.lowered)
    }

    /// Takes in a world and gives back what it holds piece by piece, so that at no time all of it lies beside all that
    /// was made of it. The same set comes of it as of [`Compiler::add`].
    ///
    /// Errors and cost: those of [`Compiler::add`].
    ///
    /// ```
    /// # use iamc_catalogue::Catalogue;
    /// # use iamc_compiler::{Compiler, Limits};
    /// # use iamc_policy::World;
    /// let world = World { assume_complete: true, ..World::default() };
    /// let mut compiler = Compiler::new(Catalogue::embedded(), &world.settings, true, &Limits::default());
    /// compiler.consume(world)?;
    /// let set = compiler.finish()?;
    /// # Ok::<(), iamc_compiler::CompileError>(())
    /// ```
    pub fn consume(&mut self, world: World) -> Result<(), CompileError> {
        let World { settings, assume_complete, policies, users, groups, roles, resources, .. } = world;
        let World { organizations, units, accounts, guardrails, endpoints, coverage, gaps, .. } = world;
        // Nothing is asked of these.
        drop((world.providers, world.instance_profiles, world.runs_as, world.shares, world.last_use));
        let part = || World { settings: settings.clone(), assume_complete, ..World::default() };
        self.add(&World { organizations, units, accounts, guardrails, ..part() })?;
        // One kind after the other, as a part is taken in: strings are numbered as they come.
        in_pieces(policies, |policies| self.add(&World { policies, ..part() }))?;
        in_pieces(users, |users| self.add(&World { users, ..part() }))?;
        in_pieces(groups, |groups| self.add(&World { groups, ..part() }))?;
        in_pieces(roles, |roles| self.add(&World { roles, ..part() }))?;
        in_pieces(resources, |resources| self.add(&World { resources, ..part() }))?;
        self.add(&World { endpoints, coverage, gaps, ..part() })
    }

    /// Resolves who has which policies, and emits the set.
    ///
    /// Errors: the world is larger than the limits allow.
    pub fn finish(self) -> Result<CompiledPolicySet, CompileError> {
        Ok(CompiledPolicySet::from_tables(self.tables(None)?)?.with_classes())
    }

    /// The tables of the set; tests leave out a rule.
    fn tables(mut self, without: Option<&str>) -> Result<Tables, CompileError> {
        self.lowered.freeze();
        self.collected.freeze();
        let derived = facts::derive(&self.collected, &self.limits, without)?;
        let emitter =
            Emitter::new(self.catalogue, self.catalogue, &self.collected.settings, &self.limits, &mut self.lowered)?;
        emitter.world(&self.collected, &derived)
    }
}

/// Hands a list on in pieces; what is in a piece is gone when the next is made.
fn in_pieces<T>(list: Vec<T>, mut add: impl FnMut(Vec<T>) -> Result<(), CompileError>) -> Result<(), CompileError> {
    const PIECE: usize = 256;
    let mut list = list.into_iter();
    while list.len() > 0 {
        add(list.by_ref().take(PIECE).collect())?;
    }
    Ok(())
}
