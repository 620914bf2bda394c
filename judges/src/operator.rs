//! One condition: both engines in all states of its key, and other crates where they define the same.

use crate::partners;
use crate::scene::{ACCOUNT, agreed, alone, applying, compiled, parsed, user};
use iamc_policy::request::{KeyState, Mode, RequestResource, Values};
use iamc_policy::{BaseOperator, ConditionKey, Principal, Request};
use iamc_runtime::Scratch;
use iamc_testkit::generators::{AtomSample, Entropy, atom};

/// A key that nobody derives.
const KEY: &str = "app:Note";

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let AtomSample { operator, values, state } = atom(&mut entropy);
    let open = entropy.chance(50);
    let deny = entropy.chance(30);
    let condition = serde_json::json!({operator.to_string(): {KEY: values}});
    let one =
        |effect: &str| serde_json::json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition});
    let all = serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let statements = if deny { vec![one("Deny"), all] } else { vec![one("Allow")] };
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let Some(world) = alone(&policy) else { return 0 };
    let set = compiled(&world);
    let mut scratch = Scratch::new(&set);
    let mut n = 0;
    // The state that was drawn, then every state that holds no value.
    for state in [state, KeyState::Absent, KeyState::Present, KeyState::Unknown] {
        let mut request = Request::new(
            Principal::from_arn(user().as_str()).expect("a user calls"),
            parsed("frob:Do"),
            RequestResource::Star,
        );
        request.resources[0].account = Some(parsed(ACCOUNT));
        request.mode = if open { Mode::Open } else { Mode::Closed };
        request.context.insert(ConditionKey::new(KEY), state.clone());
        let Ok(answer) = agreed(&world, &set, &mut scratch, &request) else { continue };
        n += 1;
        if let KeyState::Values(Values::One(value)) = &state
            && operator.set.is_none()
            && !deny
            && let Some(expected) = expected(operator.base, value, &values)
        {
            let applies = applying(&answer).contains(&0);
            assert_eq!(applies, expected, "{operator} of `{value}` and {values:?}: another crate says {expected}");
            n += 1;
        }
    }
    n
}

/// What other crates say, where they read all values as the rules do.
fn expected(base: BaseOperator, value: &str, values: &[String]) -> Option<bool> {
    use BaseOperator::*;
    if values.is_empty() {
        return None;
    }
    match base {
        IpAddress | NotIpAddress => {
            let mut found = false;
            for block in values {
                found |= partners::contains(block, value)?;
            }
            Some(found == (base == IpAddress))
        }
        StringLike | StringNotLike if values.iter().all(|pattern| !pattern.contains('$')) => {
            Some(values.iter().any(|pattern| partners::glob(pattern, value)) == (base == StringLike))
        }
        DateNotEquals => {
            let request = partners::instant(value)?;
            let mut found = false;
            for policy in values {
                found |= partners::instant(policy)? == request;
            }
            Some(!found)
        }
        _ => {
            let mut found = false;
            for policy in values {
                found |= partners::date_holds(base, partners::instant(value)?, partners::instant(policy)?)?;
            }
            Some(found)
        }
    }
}
