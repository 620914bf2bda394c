//! The case format: what is read, what is refused, and what the runner calls a difference.

use iamc_policy::document::PolicyKind;
use iamc_policy::request::{KeyState, ThroughEndpoint};
use iamc_policy::world::{ResourcePolicy, World};
use iamc_policy::{ConditionKey, Request};
use iamc_testkit::build::{BuildError, build};
use iamc_testkit::case::{Case, CaseRequest, read_cases};
use iamc_testkit::{engine, runner};

const REQUEST: &str = r#""request": {"principal": "arn:aws:iam::111111111111:user/ana", "action": "s3:GetObject", "resource": "arn:aws:s3:::bkt/k"}"#;
const ALLOW: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
const ALLOW_ALL: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;

fn line(fields: &str) -> String {
    format!(r#"{{"id": "x", {REQUEST}, {fields}, "expect": {{"decision": "ImplicitDeny"}}}}"#)
}

fn case(fields: &str) -> Case {
    let read = read_cases("f.jsonl", &line(fields).replace('\n', " "));
    read.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0)
}

fn case_of(principal: &str, action: &str, resource: &str, fields: &str) -> Case {
    let request = format!(r#"{{"principal": {principal}, "action": "{action}", "resource": {resource}}}"#);
    let text = format!(r#"{{"id": "x", "request": {request}, {fields}, "expect": {{"decision": "Allow"}}}}"#);
    let read = read_cases("f.jsonl", &text.replace('\n', " "));
    read.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0)
}

fn built(case: &Case) -> (World, Request) {
    build(case).unwrap_or_else(|error| panic!("{error}"))
}

fn misfit(case: &Case, part: &str) {
    match build(case) {
        Err(BuildError::Misfit(message)) => assert!(message.contains(part), "{message}"),
        other => panic!("expected a case that contradicts itself, got {other:?}"),
    }
}

fn refused(text: &str, line: u32, part: &str) {
    let errors = read_cases("f.jsonl", text).expect_err("the file is wrong");
    assert!(errors.iter().any(|e| e.place.line == line && e.message.contains(part)), "{errors:?}");
}

#[test]
fn unknown_names_are_errors_with_their_line() {
    refused(&format!("// a comment\n\n{}", line(r#""facts": {"tags": {}}"#)), 3, "facts.tags");
    refused(&line(r#""settings": {"lenient": true}"#), 1, "there is no setting `lenient`");
    refused(&line(r#""settings": {"multi_plain": "some"}"#), 1, "has no value `some`");
    refused(&line(r#""policies": {"identities": []}"#), 1, "policies.identities");
    refused(&line(r#""policies": {"identity": [{"name": "p", "docment": {}}]}"#), 1, "docment");
    refused(&line(r#""organization": {"id": "o-x", "management": "1"}"#), 1, "organization.management");
    refused(&line(r#""rules": ["6.41"]"#), 1, "no rule number");
    refused(&line(r#""comment": "x""#), 1, "`comment`");
    let expect = |expect: &str| format!(r#"{{"id": "x", {REQUEST}, "expect": {expect}}}"#);
    refused(&expect(r#"{"decision": "Deny"}"#), 1, "`Deny` is no decision");
    refused(&expect(r#"{"decision": "Allow", "missing": ["NO_SUCH"]}"#), 1, "no reason code");
    refused(&expect(r#"{"decision": "Allow", "error": "x"}"#), 1, "does not go with `Allow`");
    refused(&expect(r#"{"decision": "Conditional", "possible": ["Conditional"]}"#), 1, "no possible decision");
    refused(&expect(r#"{"missing": []}"#), 1, "expects no decision");
}

#[test]
fn all_errors_of_a_file_are_reported() {
    let bad = line(r#""comment": "x""#);
    let errors =
        read_cases("f.jsonl", &format!("{bad}\nnot json\n{}\n{}", line(r#""rules": []"#), line(r#""rules": []"#)));
    let lines: Vec<u32> = errors.unwrap_err().iter().map(|error| error.place.line).collect();
    assert_eq!(lines, [1, 2, 4], "two bad lines and an id that stands twice");
}

#[test]
fn a_file_without_a_case_is_an_error() {
    for text in ["", "\n\n", "// nothing\n"] {
        refused(text, 1, "holds no case");
    }
}

#[test]
fn a_malformed_request_is_a_case() {
    let case = case_of(r#""anonymous""#, "s3", r#""*""#, r#""rules": []"#);
    assert!(matches!(case.request, CaseRequest::Malformed { .. }));
    assert!(matches!(build(&case), Err(BuildError::Invalid(_))));
}

#[test]
fn identity_policies_and_boundary_belong_to_the_principal() {
    let fields = format!(
        r#""policies": {{"identity": [{{"name": "A", "document": {ALLOW}}}], "boundary": [{{"name": "PB", "document": {ALLOW}}}]}},
           "facts": {{"role": "arn:aws:iam::111111111111:role/path/dev"}}"#
    );
    let (world, _) = built(&case_of(
        r#""arn:aws:sts::111111111111:assumed-role/dev/s1""#,
        "s3:GetObject",
        r#""arn:aws:s3:::bkt/k""#,
        &fields,
    ));
    let role = &world.roles[0].identity;
    assert_eq!(role.arn.as_str(), "arn:aws:iam::111111111111:role/path/dev");
    assert_eq!(role.inline[0].name, "A");
    assert_eq!(role.boundary.as_ref(), Some(&world.policies[0].arn));
    assert_eq!(world.policies[0].policy.name, "PB");
    assert!(world.assume_complete && world.users.is_empty());
    assert_eq!(world.resources[0].account.unwrap().to_string(), "111111111111", "S3: the principal's account");
}

#[test]
fn a_federated_user_gets_a_base() {
    let fields = format!(r#""policies": {{"identity": [{{"name": "A", "document": {ALLOW}}}]}}"#);
    let fay = r#""arn:aws:sts::111111111111:federated-user/fay""#;
    let (world, request) = built(&case_of(fay, "s3:GetObject", r#""arn:aws:s3:::bkt/k""#, &fields));
    assert_eq!(world.users[0].identity.arn.resource(), "user/federated-base");
    assert!(request.facts.federated_user_base.is_some());
    let root = format!(r#"{fields}, "facts": {{"federated_user_base": "arn:aws:iam::111111111111:root"}}"#);
    // R-6.9: what a root user made may do everything; policies given apply to nobody.
    let (world, _) = built(&case_of(fay, "s3:GetObject", r#""arn:aws:s3:::bkt/k""#, &root));
    assert!(world.users.is_empty());
}

#[test]
fn parts_that_contradict_each_other_are_no_answer() {
    let policy = format!(r#"{{"name": "A", "document": {ALLOW}}}"#);
    let open = format!(r#"{{"name": "A", "document": {ALLOW_ALL}}}"#);
    misfit(&case(&format!(r#""policies": {{"boundary": [{policy}, {policy}]}}"#)), "exactly one policy");
    misfit(&case(&format!(r#""policies": {{"resource": [{open}, {open}]}}"#)), "more than one resource policy");
    misfit(&case(&format!(r#""policies": {{"resource": {{"arn:aws:s3:::other": [{open}]}}}}"#)), "is not requested");
    let dev = r#""arn:aws:sts::111111111111:assumed-role/dev/s1""#;
    let other_role = r#""facts": {"role": "arn:aws:iam::111111111111:role/ops"}"#;
    misfit(&case_of(dev, "s3:GetObject", r#""arn:aws:s3:::bkt/k""#, other_role), "not the role of the session");
}

#[test]
fn the_kind_of_a_resource_policy_follows_from_the_arn() {
    let trust = r#""policies": {"resource": [{"name": "TP", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]}}]}"#;
    let dev = r#""arn:aws:iam::111111111111:role/dev""#;
    // The role that calls is the role that is assumed: one record.
    let (world, _) = built(&case_of(dev, "sts:AssumeRole", dev, trust));
    assert_eq!((world.roles.len(), world.resources.len()), (1, 0));
    assert_eq!(world.roles[0].trust.name, "TP");
    let key = r#""arn:aws:kms:us-east-1:111111111111:key/k""#;
    let open = format!(r#""policies": {{"resource": [{{"name": "KP", "document": {ALLOW_ALL}}}]}}"#);
    let (world, _) = built(&case_of(dev, "kms:Decrypt", key, &open));
    let ResourcePolicy::Policy(policy) = &world.resources[0].policy else { panic!("the key has a policy") };
    let iamc_policy::world::PolicyText::Known(policy) = &policy.text else { panic!("its text is known") };
    assert_eq!(policy.kind, PolicyKind::Key);
}

#[test]
fn levels_are_attached_to_the_entities_of_the_paths() {
    let level = |name: &str| format!(r#"[{{"name": "{name}", "document": {ALLOW}}}]"#);
    let organization =
        r#""organization": {"id": "o-x", "management_account": "999999999999", "principal_path": "o-x/r-1/ou-a/"}"#;
    let attached = |levels: &str| -> Vec<(String, Vec<String>, bool)> {
        let (world, _) = built(&case(&format!(r#"{organization}, "policies": {{"scp": [{levels}]}}"#)));
        let guardrails = world.guardrails.into_iter();
        guardrails.map(|guardrail| (guardrail.policy.name.to_string(), guardrail.targets, guardrail.implied)).collect()
    };
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    // Two levels of three: the account gets full access, as does the management account.
    assert_eq!(
        attached(&format!("{}, {}", level("A"), level("B"))),
        [
            ("A".to_owned(), strings(&["r-1"]), false),
            ("B".to_owned(), strings(&["ou-a"]), false),
            ("FullAWSAccess".to_owned(), strings(&["111111111111", "999999999999"]), true),
        ]
    );
    // A level more than there are entities: an OU of its own above the account. An empty level stays empty.
    assert_eq!(
        attached(&format!("{}, [], {}, {}", level("A"), level("C"), level("D"))),
        [
            ("A".to_owned(), strings(&["r-1"]), false),
            ("C".to_owned(), strings(&["ou-level-2"]), false),
            ("D".to_owned(), strings(&["111111111111"]), false),
            ("FullAWSAccess".to_owned(), strings(&["999999999999"]), true),
        ]
    );
}

#[test]
fn made_up_things_give_no_keys() {
    let fields = format!(
        r#""policies": {{"scp": [[{{"name": "A", "document": {ALLOW}}}]], "vpc_endpoint": [{{"name": "EP", "document": {ALLOW_ALL}}}]}}"#
    );
    let (world, request) = built(&case(&fields));
    assert_eq!(world.organizations[0].id, "o-case");
    assert_eq!(request.endpoint, ThroughEndpoint::Id("vpce-case".into()));
    for key in ["aws:PrincipalOrgID", "aws:ResourceOrgPaths", "aws:SourceVpce", "aws:VpceAccount"] {
        assert_eq!(request.context.get(&ConditionKey::new(key)), Some(&KeyState::Absent), "{key}");
    }
}

#[test]
fn every_malformed_policy_is_reported() {
    let fields = r#""policies": {"identity": [{"name": "A", "text": "{"}, {"name": "B", "document": {}}], "session": [{"name": "C", "document": []}]}"#;
    let Err(BuildError::Invalid(messages)) = build(&case(fields)) else { panic!("three policies are malformed") };
    for prefix in ["identity/A: ", "identity/B: ", "session/C: "] {
        assert!(messages.iter().any(|message| message.starts_with(prefix)), "{messages:?}");
    }
}

/// A case that says something else than the answer must not pass.
#[test]
fn the_runner_sees_every_field_that_differs() {
    let allow = format!(r#""policies": {{"identity": [{{"name": "A", "document": {ALLOW}}}]}}"#);
    let fields = |fields: &str, expect: &str| -> Vec<&'static str> {
        let text = format!(r#"{{"id": "x", {REQUEST}, {fields}, "expect": {expect}}}"#);
        let case = read_cases("f.jsonl", &text).unwrap_or_else(|errors| panic!("{errors:?}")).remove(0);
        let differences = runner::run_case(&case, &engine::engines("reference").unwrap());
        differences.into_iter().map(|difference| difference.field).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(fields(&allow, r#"{"decision": "Allow", "allowed_by": ["identity/A/0"], "denied_by": []}"#), none);
    assert_eq!(fields(&allow, r#"{"decision": "Allow", "allowed_by": []}"#), ["allowed_by"]);
    assert_eq!(fields(&allow, r#"{"decision": "Allow", "denied_by": ["identity/A/0"]}"#), ["denied_by"]);
    assert_eq!(
        fields(&allow, r#"{"decision": "ImplicitDeny", "missing": ["NO_IDENTITY_ALLOW"]}"#),
        ["decision", "missing"]
    );
    assert_eq!(fields(&allow, r#"{"decision": "Invalid"}"#), ["decision"]);
    let nothing = r#""policies": {}"#;
    assert_eq!(fields(nothing, r#"{"decision": "ImplicitDeny", "missing": ["NO_IDENTITY_ALLOW"]}"#), none);
    assert_eq!(fields(nothing, r#"{"decision": "ImplicitDeny", "missing": []}"#), ["missing"]);
    assert_eq!(
        fields(nothing, r#"{"decision": "ImplicitDeny", "missing": ["NO_IDENTITY_ALLOW", "UNIT"]}"#),
        ["missing"]
    );
    let unknown = r#""policies": {"identity": [{"name": "A", "document": null}]}"#;
    let possible = r#"["Allow", "ExplicitDeny", "ImplicitDeny"]"#;
    let conditional = |possible: &str, keys: &str| {
        format!(r#"{{"decision": "Conditional", "possible": {possible}, "residual_keys": {keys}}}"#)
    };
    assert_eq!(fields(unknown, &conditional(possible, "[]")), none);
    assert_eq!(fields(unknown, &conditional(r#"["Allow"]"#, r#"["aws:SourceIp"]"#)), ["possible", "residual_keys"]);
    let invalid = r#""policies": {"identity": [{"name": "A", "document": {"Version": "2012-10-17"}}]}"#;
    assert_eq!(fields(invalid, r#"{"decision": "Invalid", "error": "Statement"}"#), none);
    assert_eq!(fields(invalid, r#"{"decision": "Invalid", "error": "no such words"}"#), ["error"]);
    assert_eq!(fields(invalid, r#"{"decision": "Allow"}"#), ["decision"]);
    let contradiction =
        format!(r#""policies": {{"resource": {{"arn:aws:s3:::o": [{{"name": "A", "document": {ALLOW_ALL}}}]}}}}"#);
    assert_eq!(fields(&contradiction, r#"{"decision": "Invalid"}"#), ["decision"]);
}

/// An argument in parentheses is compared only where the case gives one.
#[test]
fn arguments_of_reason_codes_are_optional() {
    let scp = r#""organization": {"id": "o-x", "management_account": "999999999999", "principal_path": "o-x/r-1/"}, "policies": {"scp": [[{"name": "S", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}}]]}"#;
    for (code, differs) in [("NO_SCP_ALLOW", false), ("NO_SCP_ALLOW(r-1)", false), ("NO_SCP_ALLOW(r-2)", true)] {
        let text = format!(
            r#"{{"id": "x", {REQUEST}, {scp}, "expect": {{"decision": "ImplicitDeny", "missing": ["NO_IDENTITY_ALLOW", "{code}"]}}}}"#
        );
        let case = read_cases("f.jsonl", &text).unwrap_or_else(|errors| panic!("{errors:?}")).remove(0);
        assert_eq!(!runner::run_case(&case, &engine::all()).is_empty(), differs, "{code}");
    }
}
