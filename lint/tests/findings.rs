//! Every rule finds what it says, at its place, and keeps silent beside it.

use iamc_catalogue::Catalogue;
use iamc_lint::{Options, RULES, lint};
use iamc_policy::PolicyKind;
use std::collections::BTreeSet;

const IDENTITY: PolicyKind = PolicyKind::Identity;

fn codes_with(kind: PolicyKind, statements: &str, options: Options) -> Vec<&'static str> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let found = lint(kind, &text, Catalogue::embedded(), options);
    for diagnostic in &found {
        assert!(diagnostic.span.end <= text.len(), "{diagnostic}");
        assert!(!diagnostic.message.ends_with('.') && !diagnostic.message.contains('\n'), "{diagnostic}");
    }
    found.into_iter().map(|diagnostic| diagnostic.code).collect()
}

fn codes(kind: PolicyKind, statements: &str) -> Vec<&'static str> {
    codes_with(kind, statements, Options::default())
}

/// The first finds exactly these, the second nothing.
fn check(kind: PolicyKind, bad: &str, expected: &[&str], good: &str) {
    assert_eq!(codes(kind, bad), expected, "{bad}");
    assert_eq!(codes(kind, good), [] as [&str; 0], "{good}");
}

#[test]
fn actions_that_do_not_exist() {
    let of = |action: &str| format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "arn:aws:s3:::b/*"}}"#);
    check(IDENTITY, &of("s3:GetObjekt"), &["unknown-action"], &of("s3:getobject"));
    check(IDENTITY, &of("s3:Fetch*"), &["unknown-action"], &of("s3:GetObjectV*"));
    check(IDENTITY, &of("s4:GetObject"), &["unknown-service"], &of("s3:*"));
}

#[test]
fn entries_that_say_nothing() {
    let of = |actions: &str, resources: &str| {
        format!(r#"{{"Effect": "Allow", "Action": {actions}, "Resource": {resources}}}"#)
    };
    let objects = r#"["arn:aws:s3:::b/*"]"#;
    check(
        IDENTITY,
        &of(r#"["s3:GetObject", "s3:Get*"]"#, objects),
        &["redundant-entry"],
        &of(r#"["s3:GetObject", "s3:PutObject"]"#, objects),
    );
    check(
        IDENTITY,
        &of(r#""s3:GetObject""#, r#"["arn:aws:s3:::b/x", "arn:aws:s3:::b/*"]"#),
        &["redundant-entry"],
        &of(r#""s3:GetObject""#, r#"["arn:aws:s3:::b/x", "arn:aws:s3:::c/*"]"#),
    );
}

fn conditional(effect: &str, action: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "{effect}", "Action": "{action}", "Resource": "arn:aws:s3:::b/*", "Condition": {condition}}}"#
    )
}

#[test]
fn keys_that_are_always_absent() {
    let of = |condition: &str| conditional("Allow", "s3:GetObject", condition);
    check(
        IDENTITY,
        &of(r#"{"StringEquals": {"aws:SourceIpAddress": "x"}}"#),
        &["unknown-key"],
        &of(r#"{"StringEquals": {"s3:ExistingObjectTag/team": "x"}}"#),
    );
    check(
        IDENTITY,
        &of(r#"{"StringEquals": {"ec2:Region": "x"}}"#),
        &["key-not-supplied"],
        &of(r#"{"StringEquals": {"token.actions.githubusercontent.com:sub": "x"}}"#),
    );
    // What the credentials of an instance carry is there for every action.
    let source = r#"{"ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:us-east-1:111122223333:instance/i-1"}}"#;
    assert_eq!(codes(IDENTITY, &of(source)), [] as [&str; 0]);
}

#[test]
fn operators_that_do_not_suit_their_keys() {
    let of = |effect: &str, condition: &str| conditional(effect, "s3:GetObject", condition);
    check(
        IDENTITY,
        &of("Allow", r#"{"StringEquals": {"aws:SourceIp": "192.0.2.0/24"}}"#),
        &["key-type"],
        &of("Allow", r#"{"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#),
    );
    check(
        IDENTITY,
        &of("Deny", r#"{"StringNotEquals": {"aws:CalledVia": "x.amazonaws.com"}}"#),
        &["W-MULTI-NOQUAL"],
        &of("Deny", r#"{"ForAnyValue:StringNotEquals": {"aws:CalledVia": "x.amazonaws.com"}}"#),
    );
    check(
        IDENTITY,
        &of("Allow", r#"{"ForAllValues:StringEquals": {"aws:TagKeys": "x"}}"#),
        &["for-all-values-allow"],
        &of("Allow", r#"{"ForAllValues:StringEquals": {"aws:TagKeys": "x"}, "Null": {"aws:TagKeys": "false"}}"#),
    );
    check(
        IDENTITY,
        &of("Allow", r#"{"StringLike": {"aws:PrincipalOrgID": "o-*"}}"#),
        &["sensitive-wildcard"],
        &of("Allow", r#"{"StringLike": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#),
    );
}

#[test]
fn resources_that_match_nothing() {
    let of = |action: &str, resource: &str| {
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#)
    };
    check(
        IDENTITY,
        &of("dynamodb:*", "arn:aws:dynamodb:us-east-1:111122223333:tabel/t"),
        &["resource-unknown"],
        &of("dynamodb:*", "arn:aws:dynamodb:us-east-1:111122223333:table/${aws:username}"),
    );
    check(
        IDENTITY,
        &of("s3:GetObject", "arn:aws:s3:::site"),
        &["resource-mismatch"],
        &of("s3:GetObject", "arn:aws:s3:::site*"),
    );
    check(
        IDENTITY,
        &of("ec2:DescribeInstances", "arn:aws:ec2:us-east-1:111122223333:instance/*"),
        &["resource-needs-star"],
        &of("s3:ListAllMyBuckets", "arn:aws:s3:::*"),
    );
    check(
        IDENTITY,
        &of("s3:ListAllMyBuckets", "arn:aws:s3:::site"),
        &["resource-needs-star"],
        &of("dynamodb:DescribeReservedCapacity", "arn:aws:dynamodb:us-east-1:111122223333:*"),
    );
    let queue =
        |partition: &str, account: &str| of("sqs:SendMessage", &format!("arn:{partition}:sqs:us-east-1:{account}:q"));
    for (partition, account) in [("aws", "11112222333"), ("aws", "1111222233334"), ("amazon", "111122223333")] {
        check(IDENTITY, &queue(partition, account), &["resource-unknown"], &queue("aws-cn", "111122223333"));
    }
    for (partition, account) in [("*", "1111*"), ("aws*", "????????????")] {
        assert_eq!(codes(IDENTITY, &queue(partition, account)), [] as [&str; 0]);
    }
    // What a partial ARN leaves out may be anything.
    assert_eq!(codes(IDENTITY, &of("sqs:SendMessage", "arn:aws:sqs")), ["partial-arn"]);
}

#[test]
fn stars_that_give_away_too_much() {
    let of = |rest: &str| format!(r#"{{"Effect": "Allow", {rest}}}"#);
    check(
        IDENTITY,
        &of(r#""Action": "*", "Resource": "*""#),
        &["full-access"],
        &of(r#""Action": "*", "Resource": "arn:aws:s3:::b/*""#),
    );
    // Elsewhere it only does not take away.
    for kind in [PolicyKind::Scp, PolicyKind::Boundary, PolicyKind::Session] {
        assert_eq!(codes(kind, &of(r#""Action": "*", "Resource": "*""#)), [] as [&str; 0]);
    }
    let none: [&str; 0] = [];
    assert_eq!(codes(IDENTITY, &of(r#""NotAction": "iam:*", "Resource": "*""#)), ["allow-not-action"]);
    assert_eq!(codes(IDENTITY, r#"{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}"#), none);
    assert_eq!(codes(IDENTITY, &of(r#""Action": "s3:*", "NotResource": "arn:aws:s3:::b/*""#)), ["allow-not-resource"]);
    check(
        IDENTITY,
        &of(r#""Action": "iam:Pass*", "Resource": "*""#),
        &["pass-role-star"],
        &of(
            r#""Action": "iam:PassRole", "Resource": "*", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}"#,
        ),
    );
    check(
        IDENTITY,
        &of(r#""Action": "iam:CreateServiceLinkedRole", "Resource": "*""#),
        &["linked-role-star"],
        &of(
            r#""Action": "iam:CreateServiceLinkedRole", "Resource": "*", "Condition": {"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}}"#,
        ),
    );
}

#[test]
fn principals_that_let_anyone_in() {
    let of = |principal: &str, rest: &str| {
        format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sns:Publish", "Resource": "*"{rest}}}"#)
    };
    let owner = r#", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}"#;
    check(PolicyKind::Resource, &of(r#""*""#, ""), &["public-principal"], &of(r#""*""#, owner));
    let service = r#"{"Service": "events.amazonaws.com"}"#;
    check(PolicyKind::Resource, &of(service, ""), &["service-principal-open"], &of(service, owner));
}

#[test]
fn statements_that_change_nothing() {
    let wide = r#"{"Sid": "Wide", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}"#;
    let narrow = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x"}"#;
    let bound = conditional("Allow", "s3:GetObject", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    let other = r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}"#;
    assert_eq!(codes(IDENTITY, &format!("{wide}, {narrow}")), ["shadowed-statement"]);
    assert_eq!(codes(IDENTITY, &format!("{narrow}, {wide}")), ["shadowed-statement"]);
    assert_eq!(codes(IDENTITY, &format!("{wide}, {bound}")), ["shadowed-statement"]);
    // What is bound to a condition does not cover what is not.
    let narrow_bound = conditional("Allow", "s3:Get*", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    assert_eq!(codes(IDENTITY, &format!("{narrow_bound}, {narrow}, {other}")), [] as [&str; 0]);
    // Of two equal ones only one is superfluous.
    assert_eq!(codes(IDENTITY, &format!("{narrow}, {narrow}")), ["shadowed-statement"]);
    let deny = r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#;
    assert_eq!(codes(IDENTITY, &format!("{deny}, {narrow}")), ["denied-statement"]);
    // A star covers complements too, which cover nothing else.
    let all = r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#;
    let others = r#"{"Effect": "Deny", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::b"}"#;
    assert_eq!(codes(IDENTITY, &format!("{others}, {all}")), ["shadowed-statement"]);
    assert_eq!(codes(IDENTITY, &format!("{others}, {deny}")), [] as [&str; 0]);
}

#[test]
fn old_limits_are_asked_for() {
    let old = Options { old_scp_limits: true, ..Options::default() };
    for (statement, expected) in [
        (r#"{"Effect": "Allow", "Action": "s3:Get*Acl", "Resource": "*"}"#, 1),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}"#, 1),
        (r#"{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}"#, 1),
        (r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}"#, 1),
        (r#"{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}"#, 0),
        (r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#, 0),
    ] {
        let found = codes_with(PolicyKind::Scp, statement, old);
        assert_eq!(found.iter().filter(|code| **code == "old-scp-limit").count(), expected, "{statement}");
        assert!(!codes(PolicyKind::Scp, statement).contains(&"old-scp-limit"));
        assert!(!codes_with(PolicyKind::Boundary, statement, old).contains(&"old-scp-limit"));
    }
}

/// docs/lint.md lists every rule with its code, its rule of the semantics and its sentence.
#[test]
fn the_list_in_the_docs_is_complete() {
    let docs = include_str!("../../docs/lint.md");
    let mut seen = BTreeSet::new();
    for rule in RULES {
        assert!(seen.insert(rule.code), "{} stands twice", rule.code);
        let line = format!("| `{}` | {} | {} |", rule.code, rule.rule, rule.summary);
        assert!(docs.contains(&line), "docs/lint.md lacks this line:\n{line}");
    }
}

/// Whatever the document, the checks end: thousands of statements, long patterns, odd texts.
#[test]
fn hostile_documents_cost_little() {
    let statement =
        r#"{"Effect": "Allow", "Action": ["s3:Get*", "s3:*a*b*c*d*"], "Resource": ["arn:aws:s3:::*a*b*c*", "*"]}"#;
    let many = vec![statement; 3_000].join(",");
    assert!(!codes(IDENTITY, &many).is_empty());
    let stars = "*a".repeat(20_000);
    let long = format!(
        r#"{{"Effect": "Allow", "Action": "s3:{stars}", "Resource": ["arn:aws:s3:::{stars}", "arn:aws:s3:::{stars}x"]}}"#
    );
    assert!(!codes(IDENTITY, &long).is_empty());
    for text in ["", "{", "[]", "\u{feff}{}", "{\"Statement\": [{}]}"] {
        let _ = lint(IDENTITY, text, Catalogue::embedded(), Options::default());
        let _ = lint(IDENTITY, text, &Catalogue::without_actions(), Options::default());
    }
}
