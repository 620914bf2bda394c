//! Resources that AWS RAM shares: the policies of the shares join the resources' own.

use crate::fact::SharedResource;
use iamc_policy::World;
use iamc_policy::document::{Policy, Statement, Strictness};
use iamc_policy::world::{NamedPolicy, PolicyText, Resource, ResourcePolicy, WhyUnknown};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What is known of shared resources, by ARN.
#[derive(Default)]
pub(crate) struct Shared {
    known: BTreeMap<String, SharedResource>,
}

impl Shared {
    /// Takes in one fact; policies of one resource add up.
    pub(crate) fn add(&mut self, new: SharedResource) {
        match self.known.entry(new.arn.to_string()) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(new);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.account = known.account.or(new.account);
                known.policy = match (known.policy.take(), new.policy) {
                    (Some(a), Some(b)) => Some(both(a, b)),
                    (a, b) => a.or(b),
                };
            }
        }
    }

    /// Gives every shared resource its policy.
    ///
    /// A share whose policy was not exported makes the policy of its resource one that is not known: what the resource
    /// has of its own would be half of it.
    pub(crate) fn apply(self, world: &mut World) {
        let index: HashMap<String, usize> =
            world.resources.iter().enumerate().map(|(at, resource)| (resource.arn.to_string(), at)).collect();
        for (text, shared) in self.known {
            let SharedResource { arn, account, policy, place } = shared;
            let unknown = || NamedPolicy { place: Some(place.clone()), ..NamedPolicy::unknown(text.clone()) };
            let policy = policy.unwrap_or_else(unknown);
            match index.get(&text) {
                Some(at) => {
                    let resource = &mut world.resources[*at];
                    resource.policy = match std::mem::replace(&mut resource.policy, ResourcePolicy::NotExported) {
                        ResourcePolicy::Policy(own) => ResourcePolicy::Policy(both(own, policy)),
                        ResourcePolicy::None => ResourcePolicy::Policy(policy),
                        // Without the resource's own policy, if it can have one, this is half of it.
                        ResourcePolicy::NotExported => ResourcePolicy::NotExported,
                    };
                }
                None => world.resources.push(Resource {
                    account: account.filter(|_| arn.account().is_empty()),
                    arn,
                    policy: ResourcePolicy::Policy(policy),
                    tags: None,
                    s3_restrict_public_buckets: None,
                    kms_grants: None,
                    aws_managed_key: false,
                    place: Some(place),
                }),
            }
        }
    }
}

/// One policy that says what two say. Where one of them is not known, neither is the sum.
fn both(a: NamedPolicy, b: NamedPolicy) -> NamedPolicy {
    let (PolicyText::Known(x), PolicyText::Known(y)) = (&a.text, &b.text) else {
        return if matches!(a.text, PolicyText::Unknown(_)) { a } else { NamedPolicy { name: a.name, ..b } };
    };
    // A version decides what variables mean: of two versions there is no sum.
    if x.version != y.version {
        return NamedPolicy { text: PolicyText::Unknown(WhyUnknown::NotExported), verbatim: false, ..a };
    }
    // What both say is said once, so that a file which is read twice changes nothing.
    let said = |one: &Statement| Policy { statements: vec![one.clone()], ..(**x).clone() }.to_json();
    let of_x: BTreeSet<String> = x.statements.iter().map(said).collect();
    let mut statements = x.statements.clone();
    statements.extend(y.statements.iter().filter(|one| !of_x.contains(&said(one))).cloned());
    if statements.len() == x.statements.len() {
        return a;
    }
    // Read again, so that spans are those of the text that there now is.
    let text = Policy { statements, ..(**x).clone() }.to_json();
    let text = match Policy::parse(x.kind, Strictness::Lenient, &text).policy {
        Some(policy) => PolicyText::Known(Arc::new(policy)),
        None => PolicyText::Unknown(WhyUnknown::NotExported),
    };
    NamedPolicy { text, verbatim: false, ..a }
}
