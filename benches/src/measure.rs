//! What the program `performance` and `iamc bench` measure, a topic a module.

pub mod batch;
pub mod compile;
pub mod files;
pub mod hostile;
pub mod instructions;
pub mod overview;
pub mod point;
pub mod reach;
pub mod read;
pub mod sets;

use iamc_bench_corpus::{Corpus, Shape, Templates, generate};
use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::World;
use iamc_policy::world::{NamedPolicy, PolicyText, ResourcePolicy};
use iamc_runtime::CompiledPolicySet;

/// The seed of every corpus that is measured.
pub const SEED: u64 = 1;

/// Why there is no figure.
pub type Failure = Box<dyn std::error::Error>;

/// A corpus and what it was compiled to.
#[derive(Debug)]
pub struct Case {
    /// The corpus.
    pub corpus: Corpus,
    /// Statements of all its policies, as often as they are written.
    pub n_statements: usize,
    /// The set.
    pub set: CompiledPolicySet,
}

impl Case {
    /// Generates and compiles a shape; `look` sees the world before it is dropped.
    ///
    /// # Errors
    /// The world is larger than the compiler's limits, or `look` fails.
    pub fn new<T>(shape: &Shape, look: impl FnOnce(&World) -> Result<T, Failure>) -> Result<(Case, T), Failure> {
        let corpus = corpus(shape);
        let world = corpus.world(|_| ());
        let set = compile(&world, Catalogue::embedded(), &Limits::default())?;
        let seen = look(&world)?;
        Ok((Case { corpus, n_statements: n_statements(&world), set }, seen))
    }
}

/// The corpus of a shape.
pub fn corpus(shape: &Shape) -> Corpus {
    generate(shape.clone(), SEED, Templates::built_in())
}

/// Statements of all policies of a world, as often as they are written.
pub fn n_statements(world: &World) -> usize {
    let roles = world.roles.iter();
    let identities = roles.clone().map(|role| &role.identity);
    let identities = identities.chain(world.users.iter().map(|user| &user.identity));
    let identities = identities.chain(world.groups.iter().map(|group| &group.identity));
    let inline = identities.flat_map(|identity| &identity.inline);
    let carried = world.resources.iter().map(|resource| &resource.policy);
    let carried = carried.chain(world.endpoints.iter().map(|endpoint| &endpoint.policy));
    let carried = carried.filter_map(|policy| match policy {
        ResourcePolicy::Policy(policy) => Some(policy),
        _ => None,
    });
    let all = inline.chain(carried).chain(roles.map(|role| &role.trust));
    let all = all.chain(world.policies.iter().map(|managed| &managed.policy));
    let all = all.chain(world.guardrails.iter().map(|guardrail| &guardrail.policy));
    let n = |policy: &NamedPolicy| match &policy.text {
        PolicyText::Known(policy) => policy.statements.len(),
        PolicyText::Unknown(_) => 0,
    };
    all.map(n).sum()
}
