//! `iamc conform`.

use crate::{folder, run, run_with};

/// A case that is allowed, with the decision that it expects.
fn case(id: &str, expected: &str) -> String {
    format!(
        r#"{{"id": "{id}", "request": {{"principal": "arn:aws:iam::111122223333:user/ana", "action": "sqs:SendMessage", "resource": "arn:aws:sqs:us-east-1:111122223333:q"}}, "policies": {{"identity": [{{"name": "P", "document": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*"}}}}}}]}}, "expect": {expected}}}"#
    )
}

#[test]
fn passing_cases_end_with_0() {
    let text = format!("// a comment\n\n{}\n", case("a", r#"{"decision": "Allow"}"#));
    let folder = folder(&[("c.jsonl", &text)]);
    let ran = run(&folder, "conform c.jsonl");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "1 passed, 0 failed\n", ""));
    assert_eq!(run_with(&folder, "conform - --engine reference", text).code, 0);
}

#[test]
fn a_differing_case_is_one_line_and_ends_with_1() {
    let text = format!(
        "{}\n{}\n",
        case("a", r#"{"decision": "Allow"}"#),
        case("group/b", r#"{"decision": "ExplicitDeny", "missing": ["NO_IDENTITY_ALLOW"]}"#)
    );
    let folder = folder(&[("c.jsonl", &text)]);
    let ran = run(&folder, "conform c.jsonl --engine reference");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "c.jsonl:2: group/b: decision expected ExplicitDeny, got Allow (reference); \
         missing expected {NO_IDENTITY_ALLOW}, got {} (reference)\n\
         1 passed, 1 failed\n"
    );
}

#[test]
fn unreadable_files_end_with_3_and_the_others_are_run() {
    let good = case("a", r#"{"decision": "Allow"}"#);
    let unknown = case("b", r#"{"decison": "Allow"}"#);
    let folder = folder(&[("good.jsonl", &good), ("unknown.jsonl", &unknown), ("empty.jsonl", "// nothing\n")]);
    let ran = run(&folder, "conform unknown.jsonl good.jsonl");
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("decison"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "1 passed, 0 failed\n");
    assert_eq!(run(&folder, "conform empty.jsonl").code, 3);
    assert_eq!(run(&folder, "conform missing.jsonl").code, 3);
}

#[test]
fn an_engine_that_does_not_exist_is_wrong_usage() {
    let ran = run(&folder(&[]), "conform c.jsonl --engine oracle");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("reference"), "{}", ran.stderr);
}
