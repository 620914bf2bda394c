use super::*;
use iamc_policy::document::{Policy, Strictness};
use iamc_runtime::statements::{DENY, LIMITED};

struct Bench(Lowered);

impl Bench {
    fn new() -> Bench {
        Bench(Lowered::new(Limits::default()))
    }

    /// Lowers a policy as one of a kind; read it is as one of a kind that may say everything.
    fn named(&mut self, kind: PolicyKind, name: &str, statements: &str) -> u32 {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let has_principal = statements.contains("Principal");
        let read_as = if has_principal { PolicyKind::Resource } else { PolicyKind::Identity };
        let policy = Policy::parse(read_as, Strictness::Lenient, &text).policy.unwrap();
        self.0.document(kind, &NamedPolicy::new(name, policy), None).unwrap()
    }

    /// The statements of a policy.
    fn text(&mut self, kind: PolicyKind, statements: &str) -> Vec<u32> {
        let document = self.named(kind, "p", statements);
        let [text, ..] = self.0.documents.row::<8>(document);
        self.0.texts.get(text).to_vec()
    }

    /// The one statement of an identity policy with this `Action` or `NotAction` element: flags, then `service:name` of
    /// each entry in order.
    fn action(&mut self, element: &str) -> (u32, Vec<String>) {
        let statements = format!(r#"{{"Effect":"Allow",{element},"Resource":"*"}}"#);
        let statement = self.text(PolicyKind::Identity, &statements)[0];
        let [_, element, ..] = self.0.statements.row::<5>(statement);
        let words = self.0.action_elements.get(element);
        let text = |id: u32| self.0.strings.get(StringId(id));
        let mut entries = Vec::new();
        for pair in words[1..].chunks_exact(2) {
            let set = self.0.action_sets.get(pair[1]);
            assert_eq!(set[0], pair[0]);
            entries.extend(set[1..].iter().map(|name| format!("{}:{}", text(pair[0]), text(*name))));
        }
        (words[0], entries)
    }
}

#[test]
fn what_is_written_in_another_way_is_the_same_statement() {
    let mut bench = Bench::new();
    let mut check = |left: &str, right: &str, same: bool| {
        let ids = [left, right].map(|text| bench.text(PolicyKind::Identity, text));
        assert_eq!(ids[0] == ids[1], same, "{left} {right}");
    };
    let with = |action: &str, rest: &str| format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"{rest}}}"#);
    check(&with(r#""s3:GetObject""#, ""), &with(r#"["S3:getobject"]"#, ""), true);
    check(&with(r#"["s3:a","ec2:b","s3:c"]"#, ""), &with(r#"["s3:C","s3:a","ec2:b","ec2:b"]"#, ""), true);
    check(&with(r#""s3:**""#, ""), &with(r#"["s3:*","s3:Get*"]"#, ""), true);
    check(&with(r#""*""#, ""), &with(r#"["s3:a","*:*"]"#, ""), true);
    check(&with(r#""s3:a""#, ""), &with(r#""s3:a","Sid":"x","Condition":{}"#, ""), true);
    check(&with(r#""s3:a""#, ""), &with(r#""s3:b""#, ""), false);
    check(&with(r#""s3:a""#, ""), &with(r#""s3:a""#, r#","Condition":{"Bool":{"k":"true"}}"#), false);
    let negated = r#"{"Effect":"Allow","NotAction":"s3:a","Resource":"*"}"#;
    check(&with(r#""s3:a""#, ""), negated, false);
    // The order of resources and values shows in explanations.
    let resources = |list: &str| format!(r#"{{"Effect":"Allow","Action":"*","Resource":{list}}}"#);
    check(&resources(r#"["arn:a","arn:b"]"#), &resources(r#"["arn:b","arn:a"]"#), false);
}

#[test]
fn action_elements_are_grouped_by_service() {
    let mut bench = Bench::new();
    let mut check = |element: &str, flags: u32, entries: &[&str]| {
        let (got, list) = bench.action(element);
        assert_eq!((got, list.iter().map(String::as_str).collect::<Vec<_>>()), (flags, entries.to_vec()), "{element}");
    };
    check(r#""Action":["sqs:B*","S3:*?a","sqs:a"]"#, 0, &["s3:?*a", "sqs:a", "sqs:b*"]);
    check(r#""NotAction":"iam:*""#, NEGATED, &["iam:*"]);
    check(r#""NotAction":"*""#, NEGATED | ELEMENT_ANY, &[]);
    // R-1.12: an empty list matches nothing, negated or not.
    check(r#""Action":[]"#, ELEMENT_EMPTY, &[]);
    check(r#""NotAction":[]"#, ELEMENT_EMPTY, &[]);
    // R-2.5, R-2.7, R-2.25: what matches no action. `NotAction` of it excludes nothing.
    check(r#""Action":["s*:a","nocolon","s3:é","s3:Get Object"]"#, 0, &[]);
    check(r#""NotAction":"s*:a""#, NEGATED, &[]);
}

#[test]
fn kinds_look_at_their_own_elements() {
    let mut bench = Bench::new();
    // R-1.13: whatever a trust policy says of resources; and an identity policy has no principals.
    let statement =
        r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Resource":"arn:aws:x"}"#;
    let words = |bench: &mut Bench, kind| {
        let id = bench.text(kind, statement)[0];
        bench.0.statements.row::<5>(id)
    };
    let [flags, _, resource, block, principal] = words(&mut bench, PolicyKind::Trust);
    assert_eq!((flags, resource, block), (LIMITED, NONE, NONE));
    assert_ne!(principal, NONE);
    let [_, _, resource, _, principal] = words(&mut bench, PolicyKind::Identity);
    assert_ne!(resource, NONE);
    assert_eq!(principal, NONE);
    let deny = bench.text(PolicyKind::Identity, r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#)[0];
    assert_eq!(bench.0.statements.row::<5>(deny)[0], DENY);
}

#[test]
fn copies_share_all_but_their_names() {
    let mut bench = Bench::new();
    let statement = r#"{"Sid":"One","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let other_sid = statement.replace("One", "Two");
    let rows: Vec<[u32; 8]> = [("a", statement), ("b", statement), ("a", &other_sid), ("a", statement)]
        .map(|(name, text)| {
            let document = bench.named(PolicyKind::Identity, name, text);
            bench.0.documents.row(document)
        })
        .to_vec();
    assert_eq!(bench.0.texts.len(), 1);
    assert_eq!(bench.0.documents.len(), 3);
    assert_eq!(rows[0], rows[3]);
    let explanations: Vec<u32> = rows.iter().map(|row| row[2]).collect();
    assert!(explanations[0] == explanations[1] && explanations[0] != explanations[2]);
}

#[test]
fn copies_of_several_accounts_are_one() {
    let mut bench = Bench::new();
    let mut text = |account: &str, home: &str, element: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"sqs:*","{element}":["arn:aws:sqs:*:{account}:q","arn:aws:s3:::b/${{aws:username}}"]}}"#
        );
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let policy = Policy::parse(PolicyKind::Identity, Strictness::Lenient, &text).policy.unwrap();
        let document = bench.0.document(PolicyKind::Identity, &NamedPolicy::new("p", policy), home.parse().ok());
        let [text, _, _, _, _, _, low, high] = bench.0.documents.row(document.unwrap());
        assert_eq!(home_of(low, high).map(|home| format!("{home:012}")).unwrap_or_default(), home);
        text
    };
    let (one, two) = ("111122223333", "000000000002");
    let own = text(one, one, "Resource");
    assert_eq!(text(two, two, "Resource"), own);
    assert_ne!(text(two, one, "Resource"), own);
    assert_eq!(text(one, two, "Resource"), text(one, "", "Resource"));
    assert_ne!(text("", "", "Resource"), own);
    assert_ne!(text(one, one, "NotResource"), text(two, two, "NotResource"));
}

#[test]
fn templates_come_back() {
    let mut bench = Bench::new();
    for text in ["", "a*", "$", "${aws:username}", "${*}", "${x", "a${b}c${", "${k, 'd'}"] {
        for template in [Template::literal(text), Template::with_variables(text)] {
            let [id, variables] = bench.0.template(&template).unwrap();
            assert_eq!(bench.0.read_template(id, variables), template, "{text}");
        }
    }
}

#[test]
fn kinds_that_read_patterns_alike_share_them() {
    for kind in PolicyKind::ALL {
        let read = pattern_kind_of(pattern_kind(*kind));
        let settings = iamc_policy::Settings::default();
        for text in ["*", "arn:aws:s3", "arn:aws:s3:*", "arn:aws:*:x", "arn:aws:s3:::b/*", "x", "arn:aws:s3:::${k}"] {
            let template = Template::with_variables(text);
            let encode = |kind| iamc_runtime::pattern::encode(&template, kind, &settings, &mut |_| 0);
            assert_eq!(encode(*kind), encode(read), "{kind} {text}");
        }
    }
}
