//! Policies, worlds and requests from a stream of entropy.
//!
//! The same bytes give the same sample, whoever feeds them: a property test with a seed, a benchmark, libFuzzer. In go
//! bytes ([`Entropy`]), out comes a world with requests about it. Requests are drawn first; then the world is made for
//! them, its policies aimed at them and now and then a hair past them, from a vocabulary so small that things meet.
//! Policies are written as JSON text and parsed, so that they have spans and every spelling. Most of what comes out is
//! well-formed, on purpose; some requests contradict themselves and are refused by every engine.
//!
//! [`atom`] is a condition alone, [`wild`] and [`expansion`] patterns and texts that they match or just miss, [`damaged`]
//! and [`damage_tables`] spoil texts and compiled sets. [`organization`] is a world in which somebody can become somebody else. [`complete`] draws completions and refinements of abstract requests (R-8.4, R-8.25).

mod atom;
pub mod complete;
mod document;
mod entropy;
mod glob;
mod near;
mod organization;
mod request;
mod tables;
mod words;
mod world;

pub use atom::{AtomSample, atom};
pub use entropy::{Entropy, bytes_of_seed};
pub use glob::{damaged, expansion, wild, wild_resource};
pub use organization::{
    ACCOUNTS, BUCKET, EVERYTHING, OBJECT, ORGANIZATION_BYTES, document_of, organization, organization_with_bucket,
};
pub use tables::damage_tables;

use iamc_policy::document::{Effect, Strictness};
use iamc_policy::settings::Settings;
use iamc_policy::{PolicyKind, Request, World};

/// As many bytes as a large sample takes; fewer make a plainer one.
pub const SAMPLE_BYTES: usize = 4_096;

/// One request in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The inventory.
    pub world: World,
    /// The request.
    pub request: Request,
}

/// One request in a world made for it.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
///
/// ```
/// use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, sample};
/// let bytes = bytes_of_seed(7, SAMPLE_BYTES);
/// assert_eq!(sample(&mut Entropy::new(&bytes)), sample(&mut Entropy::new(&bytes)));
/// ```
pub fn sample(entropy: &mut Entropy<'_>) -> Sample {
    let (world, mut requests) = scene(entropy, 1);
    let request = requests.remove(0);
    Sample { world, request }
}

/// A world with `n_requests` requests about it (at least one): for engines that prepare a world once.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
pub fn scene(entropy: &mut Entropy<'_>, n_requests: usize) -> (World, Vec<Request>) {
    let settings = world::settings(entropy);
    let strictness = strictness(&settings);
    let drafts: Vec<request::Draft> = (0..n_requests.max(1)).map(|_| request::draft(entropy, strictness)).collect();
    let world = world::world(entropy, &drafts, settings, strictness);
    (world, drafts.into_iter().map(|draft| draft.request).collect())
}

/// A request put together from those of a scene: who asks from one, what for and on what from another, keys from a third,
/// and now and then one key in another state. Many of them cost less than another world. Some contradict themselves.
///
/// Deterministic. Panics: if there are no requests. Cost: O(request).
pub fn mixed(entropy: &mut Entropy<'_>, requests: &[Request]) -> Request {
    request::mixed(entropy, requests)
}

/// The text of a policy document of that kind, aimed at a request drawn for it: valid mostly, not always.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
pub fn document_text(entropy: &mut Entropy<'_>, kind: PolicyKind) -> String {
    let draft = request::draft(entropy, Strictness::Lenient);
    document::document(entropy, kind, &[draft.aim], document::Mood::Mixed)
}

/// The text of one statement with that effect, for a policy of that kind about that request.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
pub fn statement_text(entropy: &mut Entropy<'_>, kind: PolicyKind, effect: Effect, request: &Request) -> String {
    let aim = request::aim_at(request);
    document::statement(entropy, kind, effect, &aim, 0)
}

/// An entry of `Action` near the action `service:Name`: it names it, or others, or misses it by a hair.
///
/// Deterministic. Panics: never.
pub fn action_near(entropy: &mut Entropy<'_>, action: &str) -> String {
    near::action(entropy, action)
}

/// A text of that kind for a policy whose text is not known: what a completion may put in its place (R-8.17).
pub(crate) fn policy_for(
    entropy: &mut Entropy<'_>,
    kind: PolicyKind,
    name: &str,
    request: &Request,
) -> iamc_policy::world::NamedPolicy {
    let aim = request::aim_at(request);
    let text = document::document(entropy, kind, &[aim], document::Mood::Mixed);
    document::named(kind, name, Strictness::Lenient, &text)
}

fn strictness(settings: &Settings) -> Strictness {
    if settings.strict { Strictness::Strict } else { Strictness::Lenient }
}

#[cfg(test)]
mod tests;
