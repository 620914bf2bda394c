//! Session policies, compiled on their own to be passed with a request (R-6.12).

use crate::emit::Emitter;
use crate::error::{CompileError, Limits};
use crate::lower::Lowered;
use iamc_catalogue::Catalogue;
use iamc_policy::PolicyKind;
use iamc_policy::world::NamedPolicy;
use iamc_runtime::{CompiledPolicySet, CompiledSession};

/// Compiles session policies for requests to `set`, under its settings.
///
/// The result holds the policies in their order. It names actions by text alone, since a table of all actions would be
/// far larger than any session policy.
///
/// Errors: policies larger than [`Limits::default`]. Panics: never. Cost: O(bytes of the policies).
///
/// ```
/// use iamc_catalogue::Catalogue;
/// use iamc_compiler::{Limits, compile, compile_session};
/// use iamc_policy::World;
/// use iamc_policy::world::NamedPolicy;
/// let set = compile(&World::default(), Catalogue::embedded(), &Limits::default()).unwrap();
/// let session = compile_session(&set, &[NamedPolicy::unknown("passed")]).unwrap();
/// assert_eq!(session.n_policies(), 1);
/// ```
pub fn compile_session(set: &CompiledPolicySet, policies: &[NamedPolicy]) -> Result<CompiledSession, CompileError> {
    let limits = Limits::default();
    let mut lowered = Lowered::new(limits);
    let mut documents = Vec::with_capacity(policies.len());
    for policy in policies {
        documents.push(lowered.document(PolicyKind::Session, policy, None)?);
    }
    let no_actions = Catalogue::without_actions();
    let emitter = Emitter::new(&no_actions, set.catalogue(), set.settings(), &limits, &mut lowered)?;
    Ok(CompiledSession::from_tables(emitter.session(&documents)?)?)
}
