//! Actions: by number, by text, by the reference, and by plain wildcards.

use crate::partners;
use crate::scene::{ACCOUNT, agreed, alone, applying, compiled, parsed, user};
use iamc_catalogue::Catalogue;
use iamc_policy::request::RequestResource;
use iamc_policy::{Action, Principal, Request};
use iamc_runtime::Scratch;
use iamc_testkit::engine::{Engine, NoCatalogue};
use iamc_testkit::generators::{Entropy, action_near};
use std::cell::RefCell;

/// Texts of that name no service of the catalogue, or almost one.
const INVENTED: &[&str] =
    &["frob:Do", "frob:DoIt", "s3:GetObjects", "s3x:GetObject", "ec2:X", "iam:getuser", "S3:GETOBJECT"];

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    thread_local! {
        static WITHOUT: RefCell<NoCatalogue> = RefCell::new(NoCatalogue::default());
    }
    let mut entropy = Entropy::new(bytes);
    let catalogue = Catalogue::embedded();
    let draw = |entropy: &mut Entropy<'_>| {
        if entropy.chance(30) {
            return (*entropy.pick(INVENTED)).to_owned();
        }
        let services: Vec<_> = catalogue.services().collect();
        let service = if entropy.chance(50) { "s3" } else { entropy.pick(&services).prefix() };
        let actions: Vec<_> = catalogue.service(service).map(|service| service.actions().collect()).unwrap_or_default();
        match actions.as_slice() {
            [] => format!("{service}:None"),
            actions => format!("{service}:{}", entropy.pick(actions).name()),
        }
    };
    let actions: Vec<String> = (0..1 + entropy.below(3)).map(|_| draw(&mut entropy)).collect();
    let patterns: Vec<(bool, String)> = (0..1 + entropy.below(5))
        .map(|_| {
            let of = entropy.pick(&actions).clone();
            (entropy.chance(20), action_near(&mut entropy, &of))
        })
        .collect();
    let statements: Vec<serde_json::Value> = patterns
        .iter()
        .map(|(negated, pattern)| {
            let element = if *negated { "NotAction" } else { "Action" };
            serde_json::json!({"Effect": "Allow", element: pattern, "Resource": "*"})
        })
        .collect();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let Some(world) = alone(&policy) else { return 0 };
    let set = compiled(&world);
    let mut scratch = Scratch::new(&set);
    let mut n = 0;
    for text in &actions {
        let Ok(action) = text.parse::<Action>() else { continue };
        let principal = Principal::from_arn(user().as_str()).expect("a user calls");
        let mut request = Request::new(principal, action.clone(), RequestResource::Star);
        request.resources[0].account = Some(parsed(ACCOUNT));
        let answer = agreed(&world, &set, &mut scratch, &request);
        WITHOUT.with_borrow(|without| {
            if without.is_judged_by(&world, &request) {
                assert_eq!(without.decide(&world, &request), answer, "{text} without action tables: {policy}");
                n += 1;
            }
        });
        let Ok(answer) = answer else { continue };
        // no policy is asked about these.
        if ["sts:getcalleridentity", "sts:getsessiontoken"].contains(&text.to_ascii_lowercase().as_str()) {
            continue;
        }
        // Some actions are several authorisations; the comparison is about the one that was asked for.
        if answer.explanation.units.len() != 1 {
            continue;
        }
        let applying = applying(&answer);
        for (index, (negated, pattern)) in (0..).zip(&patterns) {
            let expected = named(pattern, text) != *negated;
            assert_eq!(applying.contains(&index), expected, "`{pattern}` (negated: {negated}) and `{text}`");
            n += 1;
        }
    }
    n
}

/// does the entry name the action?
fn named(pattern: &str, action: &str) -> bool {
    if !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let ([prefix, name], Some((service, action))) =
        (pattern.split(':').collect::<Vec<_>>()[..].try_into().unwrap_or([""; 2]), action.split_once(':'))
    else {
        return false;
    };
    if pattern.matches(':').count() != 1 || pattern.contains(char::is_whitespace) {
        return false;
    }
    let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'*');
    if all(prefix) && all(name) {
        return true;
    }
    // `${` is literal text there.
    let literal = name.replace('$', "${$}");
    prefix.eq_ignore_ascii_case(service)
        && !prefix.contains(['*', '?'])
        && partners::glob(&literal.to_ascii_lowercase(), &action.to_ascii_lowercase())
}
