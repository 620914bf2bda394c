//! What is read, and what is refused with which field.

use super::*;
use crate::request::node::FieldErrorKind;
use iamc_policy::request::Values;

const BASE: &str = r#""principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject""#;

fn read(fields: &str) -> Result<RequestLine, FieldError> {
    read_line(&format!("{{{BASE}, {fields}}}"), Mode::Open, Strictness::Lenient)
}

fn request(fields: &str) -> Request {
    read(&format!(r#""resource": "arn:aws:s3:::bkt/k", {fields}"#)).unwrap().request
}

/// Field and a part of the message.
fn check_error(fields: &str, field: &str, part: &str) {
    let error = read(fields).unwrap_err();
    assert_eq!(error.field(), field, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[test]
fn context_values_keep_their_form_and_their_text() {
    let context = request(
        r#""context": {"aws:TagKeys": ["a"], "S3:max-keys": 1.50e3, "aws:SecureTransport": true,
        "aws:CalledVia": [], "s3:prefix": ""}"#,
    )
    .context;
    let state = |key: &str| context[&ConditionKey::new(key)].clone();
    assert_eq!(state("aws:tagkeys"), KeyState::Values(Values::Many(vec!["a".into()])));
    assert_eq!(state("s3:max-keys"), KeyState::one("1.50e3"));
    assert_eq!(state("aws:securetransport"), KeyState::one("true"));
    assert_eq!(state("aws:calledvia"), KeyState::Absent);
    assert_eq!(state("s3:prefix"), KeyState::one(""));
}

#[test]
fn the_three_lists_give_states() {
    let context =
        request(r#""absent": ["aws:username"], "present": ["aws:Referer"], "unknown": ["aws:SourceIp"]"#).context;
    let states: Vec<_> = context.into_iter().map(|(key, state)| (key.to_string(), state)).collect();
    let expected =
        [("aws:referer", KeyState::Present), ("aws:sourceip", KeyState::Unknown), ("aws:username", KeyState::Absent)];
    assert_eq!(states, expected.map(|(key, state)| (key.to_owned(), state)));
}

#[test]
fn a_key_has_one_state() {
    let resource = r#""resource": "*""#;
    check_error(
        &format!(r#"{resource}, "context": {{"aws:SourceIp": "1.2.3.4"}}, "unknown": ["AWS:sourceip"]"#),
        "unknown[0]",
        "given twice",
    );
    check_error(&format!(r#"{resource}, "context": {{"a:b": "1", "A:B": "1"}}"#), "context.A:B", "given twice");
    check_error(&format!(r#"{resource}, "context": {{"a:b": null}}"#), "context.a:b", "got null");
    check_error(&format!(r#"{resource}, "context": {{"a:b": [["x"]]}}"#), "context.a:b[0]", "got a list");
}

#[test]
fn resources_are_one_or_several() {
    let several = read(
        r#""resource_account": "444455556666", "resource": ["*", {"arn": "arn:aws:s3:::b", "account": "111122223333",
           "context": {"k:x": "v"}}]"#,
    );
    let resources = several.unwrap().request.resources;
    assert_eq!(resources[0].resource, RequestResource::Star);
    assert_eq!(resources[0].account.unwrap().to_string(), "444455556666");
    assert_eq!(resources[1].account.unwrap().to_string(), "111122223333");
    assert_eq!(resources[1].context[&ConditionKey::new("k:x")], KeyState::one("v"));
    check_error(r#""resource": []"#, "resource", "at least one");
    check_error(r#""resource": [{"account": "111122223333"}]"#, "resource[0].arn", "no `arn`");
    check_error(r#""resource": "bucket""#, "resource", "is not an ARN");
    check_error(r#""resource": "*", "resource_account": 111122223333"#, "resource_account", "got a number");
}

#[test]
fn additional_actions_name_their_resource() {
    let request =
        request(r#""additional": [{"action": "iam:PassRole", "resource": "arn:aws:iam::111122223333:role/App"}]"#);
    assert_eq!(request.additional[0].action.to_string(), "iam:PassRole");
    check_error(r#""resource": "*", "additional": [{"action": "iam:PassRole"}]"#, "additional[0].resource", "no `res");
}

#[test]
fn principals_have_a_text_and_a_json_form() {
    let cases = [
        (r#""anonymous""#, Principal::Anonymous),
        (r#"{"service": "EC2.amazonaws.com"}"#, Principal::Service("ec2.amazonaws.com".into())),
        (r#""service:EC2.amazonaws.com""#, Principal::Service("ec2.amazonaws.com".into())),
        (r#"{"federated": "accounts.google.com"}"#, Principal::Federated("accounts.google.com".into())),
        (
            r#"{"saml": "arn:aws:iam::111122223333:saml-provider/Idp"}"#,
            Principal::Saml("arn:aws:iam::111122223333:saml-provider/Idp".into()),
        ),
    ];
    for (json, principal) in cases {
        let text = format!(r#"{{"principal": {json}, "action": "s3:GetObject", "resource": "*"}}"#);
        assert_eq!(read_line(&text, Mode::Open, Strictness::Lenient).unwrap().request.principal, principal);
    }
    for text in ["", "alice", "service:", "service:*", "service:a b", "saml:Idp", "arn:aws:iam::111122223333:group/g"] {
        assert!(parse_principal(text).is_err(), "{text}");
    }
    for json in [r#"{}"#, r#"{"service": "a", "saml": "b"}"#, r#"{"user": "x"}"#, "7"] {
        let text = format!(r#"{{"principal": {json}, "action": "s3:GetObject", "resource": "*"}}"#);
        let error = read_line(&text, Mode::Open, Strictness::Lenient).unwrap_err();
        assert!(error.field().starts_with("principal"), "{error}");
    }
}

#[test]
fn every_fact_is_read() {
    let text = r#"{"principal_tags": {"Team": "x"}, "resource_tags": {}, "role": "arn:aws:iam::111122223333:role/p/App",
        "unique_id": "AROAX", "session_unknown": true, "federated_user_base": "arn:aws:iam::111122223333:root",
        "credential": "session_token", "assumed_root": true, "s3_block_public_access": false, "acl_allows": "unknown",
        "vpc_endpoint_type": "gateway", "canonical_users": {"abc": "111122223333"},
        "kms_grants": [{"grantee": "g", "operations": ["Decrypt"], "holds": false}, {"retiring": "r", "operations": []}],
        "delegated_administrators": ["111122223333"]}"#;
    let facts = read_facts(&Node::parse(text).unwrap()).unwrap();
    let account: AccountId = "111122223333".parse().unwrap();
    assert_eq!(facts.principal_tags, Some(vec![("Team".into(), "x".into())]));
    assert_eq!(facts.resource_tags, Some(vec![]));
    assert_eq!(facts.role.unwrap().resource(), "role/p/App");
    assert_eq!(facts.unique_id.as_deref(), Some("AROAX"));
    assert!(facts.session_unknown && facts.assumed_root);
    assert_eq!(facts.federated_user_base, Some(Principal::Root { partition: "aws".into(), account }));
    assert_eq!(facts.credential, Some(Credential::SessionToken));
    assert_eq!(facts.s3_block_public_access, Some(false));
    assert_eq!(facts.acl_allows, Some(Truth::Unknown));
    assert_eq!(facts.vpc_endpoint_type, Some(EndpointType::Gateway));
    assert_eq!(facts.canonical_users, [("abc".to_owned(), account)]);
    assert_eq!(facts.delegated_administrators, [account]);
    let holds: Vec<Truth> = facts.kms_grants.iter().map(|grant| grant.holds).collect();
    assert_eq!(holds, [Truth::False, Truth::True]);
}

#[test]
fn facts_are_checked() {
    for (facts, field) in [
        (r#"{"tags": {}}"#, "facts.tags"),
        (r#"{"role": "arn:aws:iam::111122223333:user/ana"}"#, "facts.role"),
        (r#"{"federated_user_base": "arn:aws:iam::111122223333:role/App"}"#, "facts.federated_user_base"),
        (r#"{"credential": "long_term"}"#, "facts.credential"),
        (r#"{"acl_allows": "maybe"}"#, "facts.acl_allows"),
        (r#"{"kms_grants": [{"operations": []}]}"#, "facts.kms_grants[0]"),
        (r#"{"delegated_administrators": ["1"]}"#, "facts.delegated_administrators[0]"),
        (r#"{"principal_tags": {"a": "1", "a": "2"}}"#, "facts.principal_tags.a"),
    ] {
        let error = read(&format!(r#""resource": "*", "facts": {facts}"#)).unwrap_err();
        assert_eq!(error.field(), field, "{error}");
    }
}

/// What only some callers can have is refused for the others, and so is an owner that is not the ARN's.
#[test]
fn parts_that_contradict_each_other_are_refused() {
    let user = "arn:aws:iam::111122223333:user/ana";
    let session = "arn:aws:sts::111122223333:assumed-role/App/s1";
    let federated = "arn:aws:sts::111122223333:federated-user/fay";
    let root = "arn:aws:iam::111122223333:root";
    let deny = r#""session": [{"Version": "2012-10-17", "Statement": []}]"#;
    let read = |principal: &str, fields: &str| {
        let text = format!(
            r#"{{"principal": "{principal}", "action": "sqs:SendMessage",
                "resource": "arn:aws:sqs:us-east-1:111122223333:q", {fields}}}"#
        );
        read_line(&text, Mode::Open, Strictness::Lenient)
    };
    for (principal, fields, field) in [
        (user, r#""facts": {"role": "arn:aws:iam::111122223333:role/App"}"#, "facts.role"),
        (session, r#""facts": {"role": "arn:aws:iam::111122223333:role/Other"}"#, "facts.role"),
        (session, r#""facts": {"role": "arn:aws:iam::999999999999:role/App"}"#, "facts.role"),
        (user, r#""facts": {"session_unknown": true}"#, "facts.session_unknown"),
        (user, r#""facts": {"federated_user_base": "arn:aws:iam::111122223333:root"}"#, "facts.federated_user_base"),
        (
            federated,
            r#""facts": {"federated_user_base": "arn:aws:iam::999999999999:root"}"#,
            "facts.federated_user_base",
        ),
        (session, r#""facts": {"assumed_root": true}"#, "facts.assumed_root"),
        (session, r#""facts": {"credential": "session_token"}"#, "facts.credential"),
        (user, deny, "session"),
        (root, deny, "session"),
        ("anonymous", deny, "session"),
        ("service:sns.amazonaws.com", deny, "session"),
        (user, r#""resource_account": "999999999999""#, "resource_account"),
    ] {
        let error = read(principal, fields).expect_err(fields);
        assert_eq!(error.field(), field, "{error}");
    }
    for (principal, fields) in [
        (session, r#""facts": {"role": "arn:aws:iam::111122223333:role/path/App", "session_unknown": true}"#),
        (federated, r#""facts": {"federated_user_base": "arn:aws:iam::111122223333:user/ana"}"#),
        (root, r#""facts": {"assumed_root": true}, "session": [{"Version": "2012-10-17", "Statement": []}]"#),
        (session, deny),
        (federated, deny),
        (user, r#""facts": {"credential": "session_token"}, "resource_account": "111122223333""#),
    ] {
        read(principal, fields).unwrap_or_else(|error| panic!("{fields}: {error}"));
    }
}

/// Among several resources `resource_account` is the owner of those whose ARNs do not say it.
#[test]
fn the_account_of_several_resources_fills_gaps_only() {
    let request = read(
        r#""resource": ["arn:aws:s3:::bkt/k", "arn:aws:kms:us-east-1:111122223333:key/k"], "resource_account": "999999999999""#,
    )
    .unwrap()
    .request;
    let accounts: Vec<_> = request.resources.iter().map(|resource| resource.account.map(|id| id.to_string())).collect();
    assert_eq!(accounts, [Some("999999999999".to_owned()), None]);
}

#[test]
fn session_policies_are_parsed_or_refused() {
    let allow = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let text = format!(
        r#"{{"principal": "arn:aws:iam::111122223333:role/App", "action": "s3:GetObject", "resource": "*", "session": [{allow}]}}"#
    );
    let session = read_line(&text, Mode::Open, Strictness::Lenient).unwrap().request.session.unwrap();
    assert_eq!(session[0].name, "0");
    assert_eq!(request(r#""session": []"#).session, None);
    assert_eq!(request(r#""session": null"#).session, None);
    check_error(r#""resource": "*", "session": [{"Version": "2012-10-17"}]"#, "session[0]", "R-1.");
}

#[test]
fn unknown_fields_differ_from_wrong_values() {
    let unknown = read(r#""resource": "*", "acount": 1"#).unwrap_err();
    assert_eq!((unknown.kind(), unknown.field()), (FieldErrorKind::UnknownField, "acount"));
    assert_eq!(read(r#""resource": 1"#).unwrap_err().kind(), FieldErrorKind::Value);
    assert_eq!(read(r#""resource": "*", "resource": "*""#).unwrap_err().kind(), FieldErrorKind::Json);
    // What only a line has, the request of a decision case has not.
    let text = format!(r#"{{{BASE}, "resource": "*", "id": "x"}}"#);
    let error = read_request(&Node::parse(&text).unwrap(), Mode::Closed).unwrap_err();
    assert_eq!(error.kind(), FieldErrorKind::UnknownField);
}

#[test]
fn modes_and_missing_fields() {
    assert_eq!(request(r#""mode": "closed""#).mode, Mode::Closed);
    assert_eq!(request(r#""vpc_endpoint": null"#).mode, Mode::Open);
    assert_eq!(request(r#""vpc_endpoint": "vpce-1""#).endpoint, ThroughEndpoint::Id("vpce-1".into()));
    check_error(r#""resource": "*", "mode": "ajar""#, "mode", "`ajar`");
    check_error(r#""id": 7"#, "resource", "no `resource`");
}

#[test]
fn errors_point_into_the_text() {
    let text = "{\"principal\": \"anonymous\",\n  \"action\": \"s3\", \"resource\": \"*\"}";
    let error = read_line(text, Mode::Open, Strictness::Lenient).unwrap_err();
    assert_eq!((error.field(), error.position()), ("action", (2, 13)));
    let error = read_line("{\"id\": \"a\",\n \"x\" 1}", Mode::Open, Strictness::Lenient).unwrap_err();
    assert_eq!((error.kind(), error.position()), (FieldErrorKind::Json, (2, 6)));
}

#[test]
fn hostile_texts_are_errors() {
    let deep = format!("{}{}", r#"{"principal": "#, "[".repeat(200_000));
    for text in ["", " ", "[]", "7", "{", "{\"principal\": \"\\ud800\"}", "\u{feff}{}", deep.as_str()] {
        assert!(read_line(text, Mode::Open, Strictness::Lenient).is_err());
    }
    let closed = format!(r#"{{{BASE}, "resource": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(read_line(&closed, Mode::Open, Strictness::Lenient).is_err());
    // Cut or damaged anywhere, a line is read or refused, never worse.
    let text = format!(r#"{{{BASE}, "resource": "*", "context": {{"aws:TagKeys": ["é", 1.0]}}, "facts": {{}}}}"#);
    for (index, _) in text.char_indices() {
        let _ = read_line(&text[..index], Mode::Open, Strictness::Lenient);
        for damage in ["\"", "{", "]", "\\", "\u{0}"] {
            let damaged = format!("{}{damage}{}", &text[..index], &text[index..]);
            let _ = read_line(&damaged, Mode::Open, Strictness::Lenient);
        }
    }
}
