//! What lets a question about everybody ask few of them, on worlds made for it: accounts that a condition names, guardrails
//! and resources that tell accounts apart, statements that share conditions. Each answer equals decisions one by one, and
//! nobody was asked by himself.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_inventory::{Options, read_values};
use iamc_policy::request::{KeyState, Mode, RequestResource};
use iamc_policy::{ConditionKey, Principal, Request};
use iamc_runtime::{
    DecisionCode, Inverse, PrincipalId, Question, QuestionScratch, Scope, Scratch, Tally, decide, who_can,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Accounts of the worlds.
const ACCOUNTS: u64 = 40;

fn account(at: u64) -> String {
    format!("{:012}", 100_000_000_000 + at)
}

fn statement(effect: &str, action: &str, resource: &str, condition: Value) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource, "Condition": condition})
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// In each account a user and two roles, one of which a service owns, with these statements; and more lines.
fn world(statements: &[Value], more: &[Value]) -> Inverse {
    // Each level has to allow.
    let levels: Vec<String> = std::iter::once("r-ab12".to_owned()).chain((0..ACCOUNTS).map(account)).collect();
    let mut lines = vec![
        json!({"kind": "organization", "id": "o-exampleorgid", "management_account": account(0), "scp_enabled": true,
            "rcp_enabled": false}),
        json!({"kind": "organizational_unit", "id": "r-ab12", "organization": "o-exampleorgid", "name": "Root"}),
        json!({"kind": "guardrail", "id": "p-FullAWSAccess", "type": "scp", "targets": levels,
            "document": document(&[json!({"Effect": "Allow", "Action": "*", "Resource": "*"})])}),
    ];
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}})]);
    for at in 0..ACCOUNTS {
        let id = account(at);
        lines.push(json!({"kind": "account", "id": id, "parent": "r-ab12"}));
        let policies = json!([{"name": "Own", "document": document(statements)}]);
        lines.push(json!({"kind": "user", "arn": format!("arn:aws:iam::{id}:user/ana"), "tags": {},
            "inline_policies": policies}));
        for name in ["app", "aws-service-role/ec2.amazonaws.com/AWSServiceRoleForX"] {
            lines.push(json!({"kind": "role", "arn": format!("arn:aws:iam::{id}:role/{name}"), "tags": {},
                "trust_policy": {"document": trust}, "inline_policies": policies}));
        }
    }
    lines.extend_from_slice(more);
    let options = Options { assume_complete: true, ..Options::default() };
    let read = read_values("world", (1, 1), &json!(lines).to_string(), &options).expect("the inventory is valid");
    let set = compile(&read.world, Catalogue::embedded(), &Limits::default()).expect("the world compiles");
    Inverse::new(Arc::new(set))
}

fn request(action: &str, resource: &str, context: &[(&str, &str)], mode: Mode) -> Request {
    let resource: RequestResource = resource.parse().expect("an ARN");
    let mut request = Request::new(Principal::Anonymous, action.parse().expect("an action"), resource);
    request.context = context.iter().map(|(key, value)| (ConditionKey::new(key), KeyState::one(*value))).collect();
    request.mode = mode;
    request.facts.session_unknown = false;
    request
}

/// Requires the decisions one by one; how many get which answer, and how often somebody was asked by himself.
fn ask(inverse: &Inverse, request: &Request, scratch: &mut QuestionScratch) -> (Tally, u32) {
    let set = inverse.set();
    let question = Question::new(request.clone());
    let found = who_can(inverse, &question, Scope::All, scratch).expect("it can be asked");
    let mut own = Scratch::new(set);
    for id in (0..set.n_principals()).map(PrincipalId::new) {
        let principal = set.caller(id, question.session_name()).expect("a caller");
        let alone = decide(set, &Request { principal, ..request.clone() }, &mut own).expect("it is decided");
        assert_eq!(found.code(id), DecisionCode::of(alone), "{:?} {request:?}", set.principal_arn(id));
    }
    let everybody = vec![u64::MAX; set.n_principals().div_ceil(64) as usize];
    (found.tally(&everybody), found.n_by_point() + found.n_by_lane())
}

fn can(n: u64) -> Tally {
    Tally { can: n, cannot: 3 * ACCOUNTS - n, ..Tally::default() }
}

#[test]
fn accounts_that_a_value_names_stand_apart() {
    let own_account = json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:${aws:PrincipalAccount}:*"}});
    let inverse = world(&[statement("Allow", "ec2:*", "*", own_account)], &[]);
    let mut scratch = QuestionScratch::default();
    let mut of = |source: &str| {
        let context = [("aws:SourceArn", source)];
        let instance = format!("arn:aws:ec2:us-east-1:{}:instance/i-1", account(7));
        ask(&inverse, &request("ec2:StartInstances", &instance, &context, Mode::Closed), &mut scratch)
    };
    // The user and both roles of the owner, if the value spells out their account's number.
    assert_eq!(of(&format!("arn:aws:sns:us-east-1:{}:topic", account(7))), (can(3), 0));
    assert_eq!(of("arn:aws:sns:us-east-1:999999999999:topic"), (can(0), 0));
    // Two numbers, of which the pattern matches one.
    assert_eq!(of(&format!("arn:aws:sns:us-east-1:{}:{}", account(7), account(4))), (can(3), 0));
    assert_eq!(of(&format!("arn:aws:sns:us-east-1:{}:{}", account(4), account(7))), (can(0), 0));
    assert_eq!(of(&format!("arn:aws:sns:us-east-1:{}:topic", account(7))), (can(3), 0));
    // More numbers than are told apart.
    let many: String = (0..30).map(|at| format!("{}/", account(at))).collect();
    assert_eq!(of(&format!("arn:aws:sns:us-east-1:{}:{many}", account(7))).0, can(3));
}

#[test]
fn principals_that_a_value_names_are_found_by_their_arns() {
    let values = [
        // A piece in the middle, at the end, at the beginning, whole, in several values, in nobody.
        ("StringLike", json!("arn:aws:iam::*:role/*ServiceRole*"), ACCOUNTS),
        ("StringLike", json!("*:user/ana"), ACCOUNTS),
        ("StringLike", json!("arn:aws:iam::100000000007:*"), 3),
        ("StringEquals", json!("arn:aws:iam::100000000007:role/app"), 1),
        ("StringEquals", json!(["arn:aws:iam::100000000003:role/app", "arn:aws:iam::100000000007:user/ana"]), 2),
        ("StringEquals", json!("arn:aws:iam::100000000007:role/other"), 0),
        ("StringLike", json!("*ap?"), ACCOUNTS),
        ("ArnLike", json!("arn:aws:iam::*:role/app"), ACCOUNTS),
        ("ArnEquals", json!("arn:aws:iam::100000000007:*"), 3),
        ("StringEqualsIgnoreCase", json!("ARN:aws:iam::100000000007:role/APP"), 1),
        // Of those that match nothing, all are meant.
        ("StringNotLike", json!("*:user/ana"), 2 * ACCOUNTS),
        ("ArnNotLike", json!("arn:aws:iam::*:role/app"), 2 * ACCOUNTS),
        ("StringNotEqualsIfExists", json!("arn:aws:iam::100000000007:role/app"), 3 * ACCOUNTS - 1),
        ("StringLike", json!("arn:aws:iam::*:user/${aws:username}"), ACCOUNTS),
        ("Null", json!("false"), 3 * ACCOUNTS),
    ];
    for (operator, value, n) in values {
        let condition = json!({operator: {"aws:PrincipalArn": value}});
        let inverse = world(&[statement("Allow", "ec2:*", "*", condition.clone())], &[]);
        let instance = format!("arn:aws:ec2:us-east-1:{}:instance/i-1", account(7));
        for mode in [Mode::Closed, Mode::Open] {
            let mut scratch = QuestionScratch::default();
            // Within its account everybody is asked; elsewhere nobody may.
            let (tally, _) = ask(&inverse, &request("ec2:DescribeInstances", "*", &[], mode), &mut scratch);
            assert_eq!(tally.can, n, "{condition}");
            let own = ask(&inverse, &request("ec2:StartInstances", &instance, &[], Mode::Closed), &mut scratch).0;
            assert!(own.can <= 3 && own.can <= n, "{condition}");
        }
    }
}

#[test]
fn accounts_that_differ_in_scps_are_answered_row_by_row() {
    let region = json!({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}});
    let by_tag = json!({"StringEquals": {"aws:PrincipalTag/team": "none"}});
    let guardrail = |id: &str, first: u64, document: Value| {
        let targets: Vec<String> = (first..ACCOUNTS).step_by(4).map(account).collect();
        json!({"kind": "guardrail", "id": id, "type": "scp", "targets": targets, "document": document})
    };
    let bucket = document(&[json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}})]);
    let more = [
        guardrail("p-region001", 1, document(&[statement("Deny", "s3:*", "*", region)])),
        guardrail("p-tagged001", 2, document(&[statement("Deny", "s3:Get*", "*", by_tag)])),
        json!({"kind": "resource", "arn": "arn:aws:s3:::shared", "account": account(3), "tags": {},
            "policy": {"name": "Bucket", "document": bucket}}),
        json!({"kind": "resource", "arn": "arn:aws:s3:::closed", "account": account(3), "tags": {}, "policy": null}),
    ];
    let inverse = world(&[statement("Allow", "s3:GetObject", "*", json!({}))], &more);
    let mut scratch = QuestionScratch::default();
    let mut of = |bucket: &str, region: &str| {
        let context = [("aws:RequestedRegion", region)];
        let resource = format!("arn:aws:s3:::{bucket}/x");
        ask(&inverse, &request("s3:GetObject", &resource, &context, Mode::Closed), &mut scratch)
    };
    // A quarter of the accounts may not use other regions, but for the roles of services. Asked in turns: what is kept of one
    // context must not answer for another.
    for _ in 0..2 {
        assert_eq!(of("shared", "eu-west-1"), (can(3 * ACCOUNTS), 0));
        assert_eq!(of("shared", "us-east-1"), (can(3 * ACCOUNTS - ACCOUNTS / 2), 0));
        // Nobody but the owner's own.
        assert_eq!(of("closed", "eu-west-1"), (can(3), 0));
        assert_eq!(of("closed", "us-east-1"), (can(3), 0));
    }
}

#[test]
fn statements_that_share_conditions_are_one_group() {
    let given = |key: &str| json!({"StringEquals": {key: "yes"}});
    let shared = [
        statement("Allow", "ec2:Start*", "*", given("a:b")),
        statement("Deny", "ec2:StartInstances", "*", given("c:d")),
        statement("Allow", "ec2:Describe*", "*", json!({})),
        json!({"Effect": "Allow", "Action": "ec2:Stop*", "NotResource": "arn:aws:ec2:*:*:instance/i-1"}),
    ];
    // Of a few alone.
    let own = statement("Allow", "ec2:Start*", "*", given("e:f"));
    let few: Vec<Value> = (0..2)
        .map(|at| {
            json!({"kind": "user", "arn": format!("arn:aws:iam::{}:user/bob", account(at)), "tags": {},
                "inline_policies": [{"name": "Own", "document": document(std::slice::from_ref(&own))}]})
        })
        .collect();
    let inverse = world(&shared, &few);
    let mut scratch = QuestionScratch::default();
    let mut of = |action: &str, context: &[(&str, &str)], mode: Mode| {
        let resource = format!("arn:aws:ec2:us-east-1:{}:instance/i-1", account(1));
        let (tally, n_alone) = ask(&inverse, &request(action, &resource, context, mode), &mut scratch);
        assert_eq!(n_alone, 0);
        (tally.can, tally.can_if)
    };
    for _ in 0..2 {
        // An instance of account 1: its own three, and Bob.
        assert_eq!(of("ec2:StartInstances", &[], Mode::Closed), (0, 0));
        assert_eq!(of("ec2:StartInstances", &[("a:b", "yes")], Mode::Closed), (3, 0));
        assert_eq!(of("ec2:StartInstances", &[("a:b", "yes"), ("c:d", "yes")], Mode::Closed), (0, 0));
        assert_eq!(of("ec2:StartInstances", &[("e:f", "yes")], Mode::Closed), (1, 0));
        assert_eq!(of("ec2:StartInstances", &[], Mode::Open), (0, 4));
        assert_eq!(of("ec2:StartInstances", &[("e:f", "yes")], Mode::Open), (1, 3));
        assert_eq!(of("ec2:DescribeInstances", &[], Mode::Open), (3, 0));
        assert_eq!(of("ec2:StopInstances", &[], Mode::Closed), (0, 0));
    }
}
