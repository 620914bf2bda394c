//! Wildcards: packed patterns against the reference against an automaton of `regex-automata`.

use crate::partners;
use crate::scene::{ACCOUNT, agreed, alone, applying, compiled, parsed, user};
use iamc_policy::request::{KeyState, RequestResource};
use iamc_policy::{AccountId, Arn, ConditionKey, Principal, Request};
use iamc_runtime::Scratch;
use iamc_testkit::generators::{Entropy, expansion, wild, wild_resource};

/// A key that nobody knows, so that nothing but the comparison decides.
const KEY: &str = "app:Note";

/// One policy with a statement for each pattern: those of `Resource` first, then those of `StringLike`.
pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let resources: Vec<String> = (0..1 + entropy.below(4)).map(|_| wild_resource(&mut entropy)).collect();
    let texts: Vec<String> = (0..1 + entropy.below(4)).map(|_| wild(&mut entropy)).collect();
    let statement = |resource: &str, condition: serde_json::Value| serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": resource, "Condition": condition});
    let own = resources.iter().map(|pattern| statement(pattern, serde_json::json!({})));
    let like = texts.iter().map(|pattern| statement("*", serde_json::json!({"StringLike": {KEY: pattern}})));
    let statements: Vec<serde_json::Value> = own.chain(like).collect();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let Some(world) = alone(&policy) else { return 0 };
    let set = compiled(&world);
    let mut scratch = Scratch::new(&set);
    let mut n = 0;
    for _ in 0..3 {
        let pattern = entropy.pick(&resources).clone();
        let mut arn = expansion(&mut entropy, &pattern);
        let n_colons = arn.matches(':').count();
        if n_colons < 5 {
            arn = format!("arn:aws:s3{}{arn}", ":".repeat(3));
        }
        let pattern = entropy.pick(&texts).clone();
        let subject = expansion(&mut entropy, &pattern);
        let Ok(arn) = arn.parse::<Arn>() else { continue };
        let mut request = Request::new(
            Principal::from_arn(user().as_str()).expect("a user calls"),
            parsed("frob:Do"),
            RequestResource::Arn(arn.clone()),
        );
        if arn.account().parse::<AccountId>().is_err() {
            request.resources[0].account = Some(parsed(ACCOUNT));
        }
        request.context.insert(ConditionKey::new(KEY), KeyState::one(subject.clone()));
        let Ok(answer) = agreed(&world, &set, &mut scratch, &request) else { continue };
        let applying = applying(&answer);
        for (index, pattern) in (0..).zip(&resources) {
            let expected = partners::identity_resource(pattern, arn.as_str());
            assert_eq!(applying.contains(&index), expected, "`{pattern}` and `{arn}`: the automaton says {expected}");
        }
        for (index, pattern) in (resources.len() as u32..).zip(&texts) {
            let expected = partners::glob(pattern, &subject);
            assert_eq!(
                applying.contains(&index),
                expected,
                "`{pattern}` and `{subject}`: the automaton says {expected}"
            );
            if !pattern.contains('$') {
                assert_eq!(iamc_reference::pattern::glob(pattern, &subject), expected, "`{pattern}` and `{subject}`");
            }
        }
        n += (resources.len() + texts.len()) as u64;
    }
    n
}
