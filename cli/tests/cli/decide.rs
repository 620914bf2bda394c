//! `iamc decide` of one request.

use crate::{POLICY, folder, run, run_with};
use serde_json::json;

/// One request about the object that [`POLICY`] is about.
const ANA: &str = "--principal arn:aws:iam::111122223333:user/ana --action s3:GetObject \
                   --resource arn:aws:s3:::reports/q1.csv";

#[test]
fn allowed_ends_with_0_and_shows_the_witness() {
    let folder = folder(&[("p.json", POLICY)]);
    let ran = run(&folder, &format!("decide --policies p.json {ANA} --closed --context aws:SourceIp=203.0.113.7"));
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.stdout,
        "Allow\n\
         User: arn:aws:iam::111122223333:user/ana is authorized to perform: s3:GetObject on resource: \
         arn:aws:s3:::reports/q1.csv\n\
         \n\
         allowed by\n\
         \x20 identity/p/Read  p.json:4\n"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn denied_ends_with_1_and_names_statement_or_lack() {
    let folder = folder(&[("p.json", POLICY)]);
    let explicit =
        run(&folder, &format!("decide --policies p.json {ANA} --closed --context aws:SecureTransport=false"));
    assert_eq!(explicit.code, 1);
    assert_eq!(
        explicit.stdout,
        "ExplicitDeny\n\
         User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: \
         arn:aws:s3:::reports/q1.csv with an explicit deny in an identity-based policy\n\
         \n\
         denied by\n\
         \x20 identity/p/1  p.json:6  DENY_IN(identity)\n"
    );
    let implicit = run(&folder, &format!("decide --policies p.json {ANA} --closed"));
    assert_eq!(implicit.code, 1);
    assert_eq!(
        implicit.stdout,
        "ImplicitDeny\n\
         User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: \
         arn:aws:s3:::reports/q1.csv because no identity-based policy allows the s3:GetObject action\n\
         \n\
         missing\n\
         \x20 NO_IDENTITY_ALLOW  no identity policy of the principal allows the action\n"
    );
}

#[test]
fn open_ends_with_4_and_with_strict_with_1() {
    let folder = folder(&[("p.json", POLICY)]);
    let ran = run(&folder, &format!("decide --policies p.json {ANA}"));
    assert_eq!(ran.code, 4);
    assert!(ran.stdout.starts_with("Conditional: Allow or ExplicitDeny or ImplicitDeny\n"), "{}", ran.stdout);
    let depends = "depends on the condition keys\n  aws:securetransport\n  aws:sourceip\n";
    assert!(ran.stdout.contains(depends), "{}", ran.stdout);
    let residual = "allowed, unless denied, if\n  aws:sourceip IpAddress \"203.0.113.0/24\"  identity/p/Read\n";
    assert!(ran.stdout.contains(residual), "{}", ran.stdout);
    assert_eq!(run(&folder, &format!("decide --policies p.json {ANA} --strict")).code, 1);
}

#[test]
fn json_has_the_fields_of_the_contract_in_their_order() {
    let folder = folder(&[("p.json", POLICY)]);
    let ran = run(&folder, &format!("decide --policies p.json {ANA} --format json"));
    assert_eq!(ran.code, 4);
    assert_eq!(
        ran.json(),
        json!({
            "id": null,
            "decision": "Conditional",
            "possible": ["Allow", "ExplicitDeny", "ImplicitDeny"],
            "missing": ["NO_IDENTITY_ALLOW"],
            "allowed_by": [{"statement": "identity/p/Read", "at": {"file": "p.json", "line": 4}}],
            "denied_by": [{"statement": "identity/p/1", "at": {"file": "p.json", "line": 6}}],
            "residual": {
                "deny": {"operator": "Bool", "key": "aws:securetransport", "values": ["false"],
                         "statement": "identity/p/1"},
                "allow": {"operator": "IpAddress", "key": "aws:sourceip", "values": ["203.0.113.0/24"],
                          "statement": "identity/p/Read"}
            },
            "residual_keys": ["aws:securetransport", "aws:sourceip"],
            "warnings": []
        })
    );
    let line = run(&folder, &format!("decide --policies p.json {ANA} --format ndjson")).stdout;
    let names =
        ["id", "decision", "possible", "missing", "allowed_by", "denied_by", "residual", "residual_keys", "warnings"];
    let places: Vec<usize> = names.iter().map(|name| line.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn atoms_that_are_no_conditions_have_shapes_of_their_own() {
    let policies = r#"{"identity": [{"name": "Hole", "document": {"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/${aws:PrincipalTag/team}/*"}}},
        {"name": "Lost", "document": null}]}"#;
    let folder = folder(&[("p.json", policies)]);
    let arguments = "decide --policies p.json --format json --principal arn:aws:iam::111122223333:user/ana \
                     --action s3:GetObject --resource arn:aws:s3:::reports/x/q --unknown aws:PrincipalTag/team";
    let ran = run(&folder, arguments);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let residual = &ran.json()["residual"];
    let allow = json!({"or": [
        {"resource": "arn:aws:s3:::reports/${aws:principaltag/team}/*", "statement": "identity/Hole/0"},
        {"policy": "identity/Lost"}
    ]});
    assert_eq!(residual["allow"], allow);
    assert_eq!(residual["deny"], json!({"policy": "identity/Lost"}));
    // Incomplete input is no error, unless one asks for it.
    assert_eq!(run(&folder, &format!("{arguments} --strict")).code, 3);
}

#[test]
fn explain_shows_every_unit() {
    let folder = folder(&[("p.json", POLICY)]);
    let ran = run(
        &folder,
        &format!(
            "decide --policies p.json {ANA} --resource arn:aws:s3:::other/x --closed --explain \
                  --context aws:SourceIp=203.0.113.7"
        ),
    );
    assert_eq!(ran.code, 1);
    for expected in [
        "unit 0: s3:GetObject on arn:aws:s3:::reports/q1.csv",
        "    Allow identity/p/Read  p.json:4",
        "unit 1: s3:GetObject on arn:aws:s3:::other/x",
        "    UNIT(1)  the authorization on resource number 1 (counted from 0) is not given",
    ] {
        assert!(ran.stdout.lines().any(|line| line == expected), "{expected}\n{}", ran.stdout);
    }
}

#[test]
fn policies_come_from_standard_input_too() {
    let folder = folder(&[]);
    let ran = run_with(&folder, &format!("decide --policies - {ANA} --closed --format json"), POLICY);
    assert_eq!(ran.code, 1);
    let ran = run_with(
        &folder,
        &format!("decide --policies - {ANA} --closed --format json --context aws:SourceIp=203.0.113.7"),
        POLICY,
    );
    let at = json!([{"statement": "identity/policy/Read", "at": {"file": "<stdin>", "line": 4}}]);
    assert_eq!((ran.code, &ran.json()["allowed_by"]), (0, &at));
}

#[test]
fn every_option_of_a_request_reaches_the_engine() {
    let policy = |condition: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {condition}}}}}"#
        )
    };
    let session = policy(r#"{"StringEquals": {"aws:username": "ana"}}"#);
    let folder = folder(&[("session.json", &session), ("any.json", &policy("{}"))]);
    let check = |condition: &str, principal: &str, options: &str, code: i32| {
        let arguments = format!(
            "decide --policies - --closed --principal {principal} --action sqs:SendMessage \
             --resource arn:aws:sqs:us-east-1:111122223333:q {options}"
        );
        let ran = run_with(&folder, &arguments, policy(condition));
        assert_eq!(ran.code, code, "{condition} {options}\n{}{}", ran.stdout, ran.stderr);
    };
    let (user, role) = ("arn:aws:iam::111122223333:user/ana", "arn:aws:sts::111122223333:assumed-role/App/s");
    let key = r#"{"StringEquals": {"a:k": "v"}}"#;
    check(key, user, "--context a:k=v", 0);
    check(key, user, "--context A:K=v", 0);
    check(key, user, "--context a:k=w", 1);
    check(key, user, "--context a:k=v=w", 1);
    check(r#"{"StringEquals": {"a:k": "v=w"}}"#, user, "--context a:k=v=w", 0);
    check(r#"{"ForAnyValue:StringEquals": {"a:k": "v"}}"#, user, "--context a:k=w --context A:k=v", 0);
    check(r#"{"ForAllValues:StringEquals": {"a:k": "v"}}"#, user, "--context a:k=w --context a:k=v", 1);
    check(r#"{"Null": {"a:k": "false"}}"#, user, "--present a:k", 0);
    check(r#"{"Null": {"a:k": "false"}}"#, user, "--unknown a:k", 4);
    check(r#"{"Null": {"aws:username": "true"}}"#, user, "--absent aws:username", 0);
    check(r#"{"StringEquals": {"aws:PrincipalTag/t": "1"}}"#, user, "--tag t=1", 0);
    check(r#"{"StringEquals": {"aws:ResourceTag/t": "1"}}"#, user, "--resource-tag t=1", 0);
    check(r#"{"StringEquals": {"aws:ResourceAccount": "111122223333"}}"#, user, "--resource-account 111122223333", 0);
    check(r#"{"StringLike": {"aws:userid": "AIDAEXAMPLE*"}}"#, user, "--unique-id AIDAEXAMPLE1234567890", 0);
    let path = r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci/App"}}"#;
    check(path, role, "--role arn:aws:iam::111122223333:role/ci/App", 0);
    check(path, role, "--role arn:aws:iam::111122223333:role/x/App", 1);
    check(r#"{"StringEquals": {"aws:SourceVpce": "vpce-1"}}"#, user, "--vpc-endpoint vpce-1", 0);
    check("{}", role, "--session-policy any.json", 0);
    check("{}", role, "--session-policy session.json", 1);
    // Only sessions have session policies; a fact about one caller is none about another; the ARN names the owner.
    check("{}", user, "--session-policy any.json", 2);
    check("{}", "anonymous", "--session-policy any.json", 2);
    check("{}", user, "--session-unknown", 2);
    check("{}", user, "--assumed-root", 2);
    check("{}", role, "--role arn:aws:iam::111122223333:role/ci/Other", 2);
    check("{}", user, "--resource-account 999999999999", 2);
}

#[test]
fn a_broken_document_is_drawn_with_its_place_and_refused() {
    let policies = "{\n  \"identity\": [\n    {\"name\": \"A\", \"document\": {\"Version\": \"2012-10-17\",\n      \
                    \"Statement\": {\"Effect\": \"allow\", \"Action\": \"*\", \"Resource\": \"*\"}}}\n  ]\n}\n";
    let folder = folder(&[("p.json", policies)]);
    let ran = run(&folder, &format!("decide --policies p.json {ANA} --format json"));
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("[p.json:4:31]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("\"Effect\": \"allow\""), "{}", ran.stderr);
    let answer = ran.json();
    assert_eq!((&answer["id"], &answer["error"]["field"]), (&json!(null), &json!("policies")));
    assert!(answer.get("decision").is_none());
}

#[test]
fn what_is_no_policies_is_refused_with_its_place() {
    let check = |text: &str, place: &str| {
        let folder = folder(&[("p.json", text)]);
        let ran = run(&folder, &format!("decide --policies p.json {ANA}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{text}");
        assert!(ran.stderr.contains(place), "{text}\n{}", ran.stderr);
    };
    check("{\"identity\":\n [", "p.json:2");
    check("{\"identity\": [],\n \"identiti\": []}", "[p.json:2:14]");
    check("", "p.json");
    check("[1, 2]", "p.json:1:1");
    check("{\"a\": {\"b\": 1}}", "`a`");
}

#[test]
fn a_request_that_cannot_be_decided_ends_with_3() {
    let folder = folder(&[("p.json", POLICY)]);
    let arguments = "decide --policies p.json --principal anonymous --action s3:GetObject --resource arn:aws:s3:::b/k";
    let ran = run(&folder, &format!("{arguments} --format json"));
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.json()["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
}
