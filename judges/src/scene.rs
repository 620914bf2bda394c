//! The smallest worlds: one account, one user, one policy.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_policy::decision::{Answer, Truth};
use iamc_policy::document::Strictness;
use iamc_policy::request::RequestError;
use iamc_policy::world::{Account, IdentityRecord, NamedPolicy, User, World};
use iamc_policy::{Arn, Policy, PolicyKind, Request};
use iamc_runtime::{CompiledPolicySet, Scratch, decide, explain};
use iamc_testkit::engine::Reference;
use iamc_testkit::generators::Sample;
use iamc_testkit::oracles::case_line;
use std::collections::BTreeSet;

/// Account of [`user`].
pub(crate) const ACCOUNT: &str = "111111111111";

/// The ARN of the one user.
pub(crate) fn user() -> Arn {
    parsed(&format!("arn:aws:iam::{ACCOUNT}:user/ursula"))
}

/// A text of our own that is well-formed.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("`{text}` is well-formed: {error:?}"))
}

/// A world of one user with one identity policy; `None`: the text is no policy.
pub(crate) fn alone(policy: &str) -> Option<World> {
    let policy = Policy::parse(PolicyKind::Identity, Strictness::Lenient, policy).policy?;
    let identity = IdentityRecord {
        arn: user(),
        unique_id: None,
        inline: vec![NamedPolicy::new("P", policy)],
        attached: Vec::new(),
        boundary: None,
        tags: Some(Vec::new()),
        place: None,
    };
    let account = Account {
        id: parsed(ACCOUNT),
        name: None,
        parent: None,
        canonical_user: None,
        s3_restrict_public_buckets: None,
        place: None,
    };
    Some(World {
        assume_complete: true,
        accounts: vec![account],
        users: vec![User { identity, groups: Vec::new() }],
        ..World::default()
    })
}

/// Compiles a world that is small.
pub(crate) fn compiled(world: &World) -> CompiledPolicySet {
    compile(world, Catalogue::embedded(), &Limits::default()).expect("a world of a generator is small")
}

/// What the reference says of the request, if the compiled set says the same in decision and explanation.
///
/// Panics: if they differ.
pub(crate) fn agreed(
    world: &World,
    set: &CompiledPolicySet,
    scratch: &mut Scratch,
    request: &Request,
) -> Result<Answer, RequestError> {
    let expected = iamc_reference::decide(world, Catalogue::embedded(), request);
    let got = explain(set, request, None, scratch);
    let decision = decide(set, request, scratch);
    if got != expected || decision.as_ref().ok() != expected.as_ref().ok().map(|answer| &answer.decision) {
        let sample = Sample { world: world.clone(), request: request.clone() };
        let line = case_line("found", &sample, &Reference);
        panic!("compiled and reference differ:\n{line}\n{expected:#?}\n{got:#?}\n{decision:?}");
    }
    expected
}

/// Positions of the Allow statements that apply for sure.
pub(crate) fn applying(answer: &Answer) -> BTreeSet<u32> {
    let units = answer.explanation.units.iter();
    let allows = units.flat_map(|unit| &unit.allow).filter(|allow| allow.value == Truth::True);
    allows.map(|allow| allow.statement.index).collect()
}
