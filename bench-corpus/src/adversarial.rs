//! Everything that a limit, a quadratic loop or an exponential automaton could stumble over: well-formed documents, all
//! of which must be decided, most of which nobody would write.
//!
//! Accounts: 0 management; 1 crowd, 5,000 roles; 2 extremes, one document for each limit; 3 twins, statements that
//! differ in one character; 4 variables, everywhere. They lie on the fifth level of units, five SCPs on each level.

use crate::flat;
use crate::names;
use crate::part::{
    AccountPart, AccountStub, Document, GuardrailPart, IdentityPart, ManagedPart, NamedDocument, OrganizationPart,
    ResourcePart, UnitPart, UserPart,
};
use crate::rng::Rng;
use crate::tables;
use iamc_policy::PolicyKind;
use std::fmt::Write;

const LEVELS: usize = 5;
const ROLES: usize = 5_000;

/// The organization: five levels, and on each the five SCPs and four RCPs that fit beside what AWS attaches.
pub(crate) fn organization(seed: u64) -> OrganizationPart {
    let mut part = flat::frame(seed, 5);
    let mut rng = Rng::new(seed, &[crate::organization::stream::FLAT, 3]);
    for level in 1..=LEVELS {
        let parent = part.units[level - 1].id.clone();
        let id = format!("ou-{}-{}", &part.units[0].id[2..], rng.text(names::BASE36, 8));
        part.units.push(UnitPart { id, parent: Some(parent), name: format!("Level{level}") });
    }
    let deepest = part.units[LEVELS].id.clone();
    for (index, account) in part.accounts.iter_mut().enumerate().skip(1) {
        account.name = ["", "crowd", "extremes", "twins", "variables"][index].to_owned();
        account.parent = deepest.clone();
    }
    let [full_scp, full_rcp] = crate::organization::full_access(&part);
    let levels: Vec<String> =
        part.units.iter().map(|unit| unit.id.clone()).chain(part.accounts.iter().map(|a| a.id.clone())).collect();
    let mut guardrails = vec![full_scp];
    for (level, target) in levels.iter().enumerate() {
        for i in 0..4 {
            let text = match i {
                // Regions, spelled as a list that only grows.
                0 => {
                    let regions: Vec<String> = (0..60).map(|n| format!("\"xx-part-{}\"", n + level)).collect();
                    format!(
                        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Regions","Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*","Condition":{{"StringEquals":{{"aws:RequestedRegion":[{}]}}}}}}]}}"#,
                        regions.join(",")
                    )
                }
                1 => {
                    let arns: Vec<String> =
                        (0..70).map(|n| format!("\"arn:aws:iam::*:role/*a{n}*b{level}*\"")).collect();
                    format!(
                        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"a4b:*","Resource":"*","Condition":{{"ArnNotLike":{{"aws:PrincipalArn":[{}]}}}}}}]}}"#,
                        arns.join(",")
                    )
                }
                2 => {
                    let statements: Vec<String> = (0..40)
                        .map(|n| format!(r#"{{"Effect":"Deny","Action":"chime:*{n}*{level}*","Resource":"*"}}"#))
                        .collect();
                    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
                }
                _ => {
                    let services: Vec<String> = tables::dispensable_services()
                        .iter()
                        .skip(level)
                        .take(200)
                        .map(|s| format!("\"{s}:*\""))
                        .collect();
                    format!(
                        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":[{}],"Resource":"*"}}]}}"#,
                        services.join(",")
                    )
                }
            };
            guardrails.push(guardrail(PolicyKind::Scp, &format!("scp-{level}-{i}"), text, target, &mut rng));
        }
    }
    guardrails.push(full_rcp);
    for (level, target) in levels.iter().enumerate() {
        for i in 0..4 {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":["s3:*","sqs:*"],"Resource":"arn:aws:s3:::*-{level}-*{i}*/*","Condition":{{"StringNotEqualsIfExists":{{"aws:PrincipalOrgID":"{}"}},"BoolIfExists":{{"aws:PrincipalIsAWSService":"false"}}}}}}]}}"#,
                part.id
            );
            guardrails.push(guardrail(PolicyKind::Rcp, &format!("rcp-{level}-{i}"), text, target, &mut rng));
        }
    }
    part.guardrails = guardrails;
    part.managed = vec![
        managed(
            "AdministratorAccess",
            policy(&[r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#.to_owned()]),
            &mut rng,
        ),
        managed("Sample1602Actions", policy(&[actions_statement(1_602)]), &mut rng),
    ];
    part
}

fn guardrail(kind: PolicyKind, name: &str, text: String, target: &str, rng: &mut Rng) -> GuardrailPart {
    GuardrailPart {
        id: format!("p-{}", rng.text(names::BASE36, 8)),
        name: name.to_owned(),
        document: Document::new(kind, text),
        targets: vec![target.to_owned()],
        aws_managed: false,
    }
}

fn managed(name: &str, text: String, rng: &mut Rng) -> ManagedPart {
    ManagedPart {
        arn: format!("arn:aws:iam::aws:policy/{name}"),
        id: names::unique_id("ANPA", rng),
        document: Document::new(PolicyKind::Identity, text),
        previous: None,
    }
}

/// The account at `index`.
pub(crate) fn account(organization: &OrganizationPart, seed: u64, index: usize) -> AccountPart {
    let mut part = flat::empty(organization, seed, index);
    let mut rng = Rng::new(seed, &[crate::organization::stream::FLAT, 4, index as u64]);
    let stub = part.stub.clone();
    match index {
        1 => crowd(&mut part, &stub, &mut rng),
        2 => documents(&mut part, &stub, extremes(&stub.id), &mut rng),
        3 => documents(&mut part, &stub, twins(), &mut rng),
        4 => documents(&mut part, &stub, variables(), &mut rng),
        _ => {}
    }
    if index == 2 {
        part.resources = resources(&stub);
    }
    part
}

/// 5,000 roles, 20 managed policies attached to each, and a user in ten groups.
fn crowd(part: &mut AccountPart, stub: &AccountStub, rng: &mut Rng) {
    let id = &stub.id;
    part.policies = (0..40)
        .map(|n| ManagedPart {
            arn: format!("arn:aws:iam::{id}:policy/p{n}"),
            id: names::unique_id("ANPA", rng),
            document: Document::new(PolicyKind::Identity, policy(&[stars_statement(n, 6)])),
            previous: None,
        })
        .collect();
    part.roles = (0..ROLES)
        .map(|n| {
            let mut role = flat::plain_role(id, &format!("role-{n}"), rng);
            role.identity.attached = (0..20).map(|i| part.policies[(n + i) % 40].arn.clone()).collect();
            role
        })
        .collect();
    let group = |n: usize, rng: &mut Rng| IdentityPart {
        arn: format!("arn:aws:iam::{id}:group/g{n}"),
        unique_id: names::unique_id("AGPA", rng),
        inline: Vec::new(),
        attached: part.policies.iter().skip(n).take(10).map(|policy| policy.arn.clone()).collect(),
        boundary: None,
        tags: Vec::new(),
    };
    part.groups = (0..10).map(|n| group(n, rng)).collect();
    let identity = IdentityPart {
        arn: format!("arn:aws:iam::{id}:user/division_abc/everyone"),
        unique_id: names::unique_id("AIDA", rng),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: Some(part.policies[0].arn.clone()),
        tags: (0..50).map(|n| (format!("tag{n}"), "v".repeat(256))).collect(),
    };
    part.users.push(UserPart { identity, groups: (0..10).map(|n| format!("g{n}")).collect() });
}

/// One role for each document, with it as its inline policy.
fn documents(part: &mut AccountPart, stub: &AccountStub, texts: Vec<(&str, String)>, rng: &mut Rng) {
    for (name, text) in texts {
        let mut role = flat::plain_role(&stub.id, name, rng);
        let document = Document::new(PolicyKind::Identity, text);
        role.identity.inline.push(NamedDocument { name: name.to_owned(), document });
        // What the variables and conditions of the documents ask for.
        let tags = [("team", "payments"), ("x", "value-042-y"), ("a", "ab"), ("queue", "everyone"), ("secure", "true")];
        role.identity.tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        part.roles.push(role);
    }
}

fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn actions_statement(n: usize) -> String {
    let all = tables::actions().iter().flat_map(|(service, names)| names.iter().map(move |name| (service, name)));
    let list: Vec<String> = all.take(n).map(|(service, name)| format!("\"{service}:{name}\"")).collect();
    format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#, list.join(","))
}

/// A statement whose resource alternates letters and stars.
fn stars_statement(salt: usize, pieces: usize) -> String {
    let letters: String = (0..pieces).fold(String::new(), |mut out, i| {
        let _ = write!(out, "*{}", char::from(b'a' + ((salt + i) % 26) as u8));
        out
    });
    format!(r#"{{"Effect":"Allow","Action":"s3:*{}*","Resource":"arn:aws:s3:::{letters}*"}}"#, salt % 10)
}

fn extremes(account: &str) -> Vec<(&'static str, String)> {
    let value_list = |n: usize| (0..n).map(|i| format!("\"value-{i:03}-*\"")).collect::<Vec<_>>().join(",");
    let resources =
        |n: usize| (0..n).map(|i| format!("\"arn:aws:s3:::bucket-{i}/*/x?{i}/*\"")).collect::<Vec<_>>().join(",");
    // Many patterns that share their beginning and hold a star inside: one automaton for all of them explodes.
    let shared =
        (0..60).map(|i| format!("\"arn:aws:iam::{account}:role/team-{i}-*-x*\"")).collect::<Vec<_>>().join(",");
    // One operator block for each operator, one key of each type, all in one statement.
    let mut block = String::new();
    for (i, operator) in iamc_policy::BaseOperator::ALL.iter().enumerate() {
        use iamc_policy::BaseOperator::*;
        let value = match operator {
            NumericEquals
            | NumericNotEquals
            | NumericLessThan
            | NumericLessThanEquals
            | NumericGreaterThan
            | NumericGreaterThanEquals => "12345678901234567890.000000001e-3",
            DateEquals
            | DateNotEquals
            | DateLessThan
            | DateLessThanEquals
            | DateGreaterThan
            | DateGreaterThanEquals => "2027-01-31T23:59:59.999Z",
            Bool | Null => "true",
            BinaryEquals => "QmluYXJ5VmFsdWVJbkJhc2U2NA==",
            IpAddress | NotIpAddress => "2001:db8::/32",
            ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => "arn:aws:*:*:*:*a*b*c*",
            _ => "*a*b*c*",
        };
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(block, r#"{comma}"{operator}":{{"aws:RequestTag/k{i}":"{value}"}}"#, operator = operator.name());
        if *operator != Null {
            let _ = write!(block, r#","ForAnyValue:{}IfExists":{{"aws:TagKeys":"{value}"}}"#, operator.name());
        }
    }
    let keys = (0..200).map(|i| format!("\"aws:ResourceTag/key-{i}\":\"v{i}\"")).collect::<Vec<_>>().join(",");
    let long_actions = format!("\"s3:{}\"", "*G*t".repeat(60));
    let stars = stars_statement(0, 3_000);
    vec![
        ("actions-1602", policy(&[actions_statement(1_602)])),
        ("values-100", policy(&[format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"aws:PrincipalTag/x":[{}]}}}}}}"#, value_list(100))])),
        ("resources-80", policy(&[format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":[{}]}}"#, resources(80))])),
        ("stars-6k", policy(&[stars])),
        ("stars-many", policy(&(0..100).map(|i| stars_statement(i, 12)).collect::<Vec<_>>())),
        ("shared-prefix", policy(&[format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":[{shared}]}}"#)])),
        ("not-resource-80", policy(&[format!(r#"{{"Effect":"Deny","NotAction":[{long_actions}],"NotResource":[{}]}}"#, resources(80))])),
        ("condition-operators", policy(&[format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{block}}}}}"#)])),
        ("condition-keys-200", policy(&[format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringEquals":{{{keys}}}}}}}"#)])),
        ("action-stars", policy(&[format!(r#"{{"Effect":"Allow","Action":[{long_actions}],"Resource":"*"}}"#)])),
        ("question-marks", policy(&[format!(r#"{{"Effect":"Allow","Action":"s3:???*?????*","Resource":"arn:aws:s3:::{}*"}}"#, "?".repeat(500))])),
        ("unicode", policy(&["{\"Sid\":\"Ünïcode\",\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/日本語/*é?\u{1F600}*\",\"Condition\":{\"StringEqualsIgnoreCase\":{\"aws:PrincipalTag/ß\":\"STRASSE-ß-İ\"}}}".to_owned()])),
        ("statements-300", policy(&(0..300).map(|i| format!(r#"{{"Sid":"S{i}","Effect":"{}","Action":"ec2:Describe*","Resource":"*"}}"#, if i % 2 == 0 { "Allow" } else { "Deny" })).collect::<Vec<_>>())),
        ("empty-lists", policy(&[r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#.to_owned(), r#"{"Effect":"Allow","Action":"s3:*","Resource":[]}"#.to_owned()])),
    ]
}

/// Statements that differ in one character: what hashes or compares too little falls for them.
fn twins() -> Vec<(&'static str, String)> {
    let base = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports-2026/quarter/aaaaaaaaaaaaaaaa","Condition":{"StringEquals":{"aws:PrincipalTag/team":"payments"}}}"#;
    let one = |from: &str, to: &str| base.replacen(from, to, 1);
    let at_each_place: Vec<String> = (0..16)
        .map(|i| {
            let mut name = "a".repeat(16);
            name.replace_range(i..i + 1, "b");
            one("aaaaaaaaaaaaaaaa", &name)
        })
        .collect();
    vec![
        ("twin-base", policy(&[base.to_owned()])),
        ("twin-effect", policy(&[one("Allow", "Deny")])),
        ("twin-action", policy(&[one("GetObject", "GetObjectX")])),
        ("twin-case", policy(&[one("GetObject", "getobject")])),
        ("twin-value", policy(&[one("payments", "paymentS")])),
        ("twin-key", policy(&[one("Tag/team", "Tag/teams")])),
        ("twin-operator", policy(&[one("StringEquals", "StringEqualsIfExists")])),
        ("twin-like", policy(&[one("StringEquals", "StringLike")])),
        ("twin-slash", policy(&[one("quarter/", "quarter//")])),
        ("twin-star", policy(&[one("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa*")])),
        ("twin-question", policy(&[one("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa?")])),
        ("twin-negation", policy(&[one("\"Resource\"", "\"NotResource\"")])),
        ("twin-places", policy(&at_each_place)),
        ("twin-version", policy(&[base.to_owned()]).replace("2012-10-17", "2008-10-17")),
    ]
}

fn variables() -> Vec<(&'static str, String)> {
    let many = "${aws:PrincipalTag/a}".repeat(60);
    vec![
        ("variable-resource", policy(&[r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}-${aws:PrincipalAccount}/*/${aws:userid}/*"}"#.to_owned()])),
        ("variable-many", policy(&[format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{many}/*"}}"#)])),
        ("variable-default", policy(&[r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username, 'nobody'}/*"}"#.to_owned()])),
        ("variable-escape", policy(&[r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${*}/${?}/${$}{x}"}"#.to_owned()])),
        ("variable-segments", policy(&[r#"{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:${aws:RequestedRegion}:${aws:PrincipalAccount}:${aws:PrincipalTag/queue}"}"#.to_owned()])),
        ("variable-condition", policy(&[r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:ResourceTag/owner":["${aws:PrincipalTag/owner}*","*${aws:userid}"]},"ArnLike":{"aws:SourceArn":"arn:aws:*:*:${aws:PrincipalAccount}:*"},"Bool":{"aws:SecureTransport":"${aws:PrincipalTag/secure}"}}}"#.to_owned()])),
        ("variable-old-version", policy(&[r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}/*"}"#.to_owned()]).replace("2012-10-17", "2008-10-17")),
    ]
}

/// A bucket policy of 20 KB, a key policy that names 100 principals, a queue policy with every kind of principal.
fn resources(stub: &AccountStub) -> Vec<ResourcePart> {
    let id = &stub.id;
    let resource = |arn: String, kind: PolicyKind, text: String| ResourcePart {
        arn,
        policy: Some(Document::new(kind, text)),
        tags: Vec::new(),
    };
    let statements: Vec<String> = (0..90)
        .map(|i| {
            format!(
                r#"{{"Sid":"S{i}","Effect":"{}","Principal":{{"AWS":"arn:aws:iam::{id}:role/r{i}"}},"Action":"s3:*","Resource":"arn:aws:s3:::big-{id}/*{i}*/?*"}}"#,
                if i % 3 == 0 { "Deny" } else { "Allow" }
            )
        })
        .collect();
    let principals: Vec<String> = (0..100).map(|i| format!("\"arn:aws:iam::{id}:role/r{i}\"")).collect();
    vec![
        resource(format!("arn:aws:s3:::big-{id}"), PolicyKind::Resource, policy(&statements)),
        resource(
            format!("arn:aws:kms:eu-west-1:{id}:key/00000000-0000-4000-a000-000000000000"),
            PolicyKind::Key,
            policy(&[format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":[{}]}},"Action":"kms:*","Resource":"*"}}"#,
                principals.join(",")
            )]),
        ),
        resource(
            format!("arn:aws:sqs:eu-west-1:{id}:everyone"),
            PolicyKind::Resource,
            policy(&[
                format!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":["*","{id}","arn:aws:iam::{id}:user/division_abc/everyone","arn:aws:sts::{id}:assumed-role/r/s","arn:aws:sts::{id}:federated-user/f","AROAAAAAAAAAAAAAAAAAA"],"Service":["sns.amazonaws.com","events.amazonaws.com"]}},"Action":"sqs:SendMessage","Resource":"*"}}"#
                ),
                format!(
                    r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":["arn:aws:iam::{id}:root","arn:aws:iam::{id}:role/r1"]}},"Action":"sqs:*","Resource":"*"}}"#
                ),
            ]),
        ),
    ]
}
