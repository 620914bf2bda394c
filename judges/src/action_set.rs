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
    let mut lists: Vec<(bool, Vec<String>)> = (0..1 + entropy.below(5))
        .map(|_| {
            let of = entropy.pick(&actions).clone();
            (entropy.chance(20), vec![action_near(&mut entropy, &of)])
        })
        .collect();
    if entropy.chance(25) {
        let of = entropy.pick(&actions).clone();
        lists.push((entropy.chance(20), many(&mut entropy, &of)));
    }
    // A policy about many services has a directory of them.
    if entropy.chance(10) {
        let services: Vec<_> = catalogue.services().collect();
        let first = entropy.below(services.len());
        for service in services.iter().cycle().skip(first).take(5 + entropy.below(40)) {
            lists.push((false, vec![format!("{}:*", service.prefix())]));
        }
    }
    let statements: Vec<serde_json::Value> = lists
        .iter()
        .map(|(negated, list)| {
            let element = if *negated { "NotAction" } else { "Action" };
            serde_json::json!({"Effect": "Allow", element: list, "Resource": "*"})
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
        for (index, (negated, list)) in (0..).zip(&lists) {
            let expected = list.iter().any(|pattern| named(pattern, text)) != *negated;
            assert_eq!(applying.contains(&index), expected, "{list:?} (negated: {negated}) and `{text}`");
            n += 1;
        }
    }
    n
}

/// So many texts of one service that they are no longer compared one by one, near the action now and then.
fn many(entropy: &mut Entropy<'_>, action: &str) -> Vec<String> {
    let service = if entropy.chance(70) { "frob" } else { action.split(':').next().unwrap_or("frob") };
    let name = action.split(':').nth(1).unwrap_or("Do");
    let mut list = Vec::new();
    for i in 0..5 + entropy.below(30) {
        let n = entropy.below(name.chars().count() + 1);
        let beginning: String = name.chars().take(n).collect();
        list.push(match entropy.weighted(&[30, 35, 15, 10, 10]) {
            0 => format!("{service}:Do{i}"),
            1 => format!("{service}:Do{i}*"),
            2 => format!("{service}:{beginning}*"),
            3 => format!("{service}:?o{i}*x"),
            _ => action_near(entropy, action),
        });
    }
    list
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
