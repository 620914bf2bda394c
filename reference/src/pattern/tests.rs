use super::*;
use crate::variables::testing::{Table, list};
use iamc_policy::KeyState;
use std::collections::BTreeMap;

/// All strings of at most `length` characters of the alphabet.
fn strings(alphabet: &[char], length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = all.len();
        for i in from..to {
            for c in alphabet {
                all.push(format!("{}{c}", all[i]));
            }
        }
        from = to;
    }
    all
}

/// R-2.1 as one would write it down first.
fn naive(pattern: &[char], subject: &[char]) -> bool {
    match pattern.split_first() {
        None => subject.is_empty(),
        Some(('*', rest)) => (0..=subject.len()).any(|n| naive(rest, &subject[n..])),
        Some(('?', rest)) => !subject.is_empty() && naive(rest, &subject[1..]),
        Some((c, rest)) => subject.first() == Some(c) && naive(rest, &subject[1..]),
    }
}

#[test]
fn glob_is_the_naive_definition() {
    let patterns = strings(&['a', 'b', '*', '?'], 5);
    let subjects = strings(&['a', 'b', '*', '?'], 4);
    for pattern in &patterns {
        let signs: Vec<char> = pattern.chars().collect();
        let tokens = tokens(&variables::plain(pattern), true);
        for subject in &subjects {
            let subject: Vec<char> = subject.chars().collect();
            assert_eq!(matches(&tokens, &subject, 0), naive(&signs, &subject), "{pattern} {subject:?}");
        }
    }
}

#[test]
fn glob_counts_code_points_and_normalises_nothing() {
    assert!(glob("bkt/?", "bkt/é"));
    assert!(!glob("bkt/?", "bkt/e\u{301}"));
    assert!(glob("bkt/??", "bkt/e\u{301}"));
    assert!(!glob("é", "e\u{301}"));
    assert!(glob("?", "\u{1f600}"));
    assert!(glob("*", ""));
    assert!(glob("", ""));
    assert!(!glob("", "a"));
    assert!(!glob("?", ""));
    assert!(glob("[a-z]+.\\*", "[a-z]+.\\"));
    assert!(!glob("[a-z]", "a"));
    assert!(!glob("A", "a"));
}

#[test]
fn normal_form_keeps_the_language() {
    let subjects: Vec<Vec<char>> = strings(&['a', 'b'], 5).iter().map(|subject| subject.chars().collect()).collect();
    let mut languages: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for pattern in strings(&['a', 'b', '*', '?'], 5) {
        let normal = normal_form(&pattern);
        assert_eq!(normal_form(&normal), normal, "{pattern}");
        assert!(!normal.contains("**") && !normal.contains("*?"), "{pattern}");
        let signs: Vec<char> = pattern.chars().collect();
        let language: Vec<bool> = subjects.iter().map(|subject| naive(&signs, subject)).collect();
        assert_eq!(languages.entry(normal).or_insert_with(|| language.clone()), &language, "{pattern}");
    }
    assert_eq!(normal_form("a*?**?b*c?:**:*?"), "a??*b*c?:*:?*");
}

#[test]
fn hostile_patterns_end() {
    let pattern = "*a".repeat(2_000) + "b";
    let subject = "a".repeat(4_000);
    assert!(!glob(&pattern, &subject));
    assert!(glob(&"*?".repeat(2_000), &subject));
    assert!(glob(&"*".repeat(5_000), &subject));
    assert!(glob(&subject, &subject));
}

// Actions

fn listed(negated: bool, patterns: &[&str], action: &str) -> bool {
    let patterns = patterns.iter().map(|pattern| ActionPattern::new(pattern)).collect();
    action_test(&ActionElement { negated, patterns, span: Default::default() }, &action.parse().unwrap())
}

#[test]
fn actions() {
    for (pattern, action, expected) in [
        ("s3:GetObject", "s3:GetObject", true),
        ("S3:getobject", "s3:GetObject", true),
        ("s3:getobject", "S3:GETOBJECT", true),
        ("s3:Get?bject", "s3:GetObject", true),
        ("s3:*object", "s3:GetObject", true),
        ("s3:G*O*t", "s3:GetObject", true),
        ("s3:Get", "s3:GetObject", false),
        ("s3:*", "s3-object-lambda:GetObject", false),
        ("s3*:*", "s3:GetObject", false),
        ("s*:GetObject", "s3:GetObject", false),
        ("*:GetObject", "s3:GetObject", false),
        ("*", "s3:GetObject", true),
        ("**", "s3:GetObject", true),
        ("*:*", "s3:GetObject", true),
        ("s3GetObject", "s3:GetObject", false),
        ("s3: GetObject", "s3:GetObject", false),
        ("", "s3:GetObject", false),
        ("s3:${*}", "s3:GetObject", false),
        ("s3:NoSuchAction", "s3:NoSuchAction", true),
        // ASCII case only (R-2.25): the Kelvin sign is no k, and a pattern with it matches no action at all.
        ("\u{212a}ms:Decrypt", "kms:Decrypt", false),
        ("x:É*", "x:É", false),
        ("x:*", "x:É", true),
    ] {
        assert_eq!(listed(false, &[pattern], action), expected, "{pattern} {action}");
        assert_eq!(listed(true, &[pattern], action), !expected, "NotAction {pattern} {action}");
    }
    // Without entries both match nothing (R-1.12).
    assert!(!listed(false, &[], "s3:GetObject"));
    assert!(!listed(true, &[], "s3:GetObject"));
    assert!(listed(false, &["iam:*", "s3:Get*"], "s3:GetObject"));
    assert!(!listed(true, &["iam:*", "s3:Get*"], "s3:GetObject"));
    assert!(listed(true, &["iam:*"], "sqs:SendMessage"));
}

// Resources

fn entry_with(text: &str, kind: PolicyKind, subject: Subject<'_>, keys: &Table, settings: &Settings) -> EntryResult {
    resource_entry(&Template::with_variables(text), kind, &subject, keys, settings)
}

fn entry(text: &str, arn: &str) -> bool {
    let result = entry_with(text, PolicyKind::Identity, Subject::Arn(arn), &Table::default(), &Settings::default());
    assert_ne!(result.truth, Truth::Unknown, "{text} {arn}");
    result.truth == Truth::True
}

#[test]
fn entries_against_arns() {
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    let function = "arn:aws:lambda:us-east-1:111111111111:function:foo:PROD";
    for (pattern, arn, expected) in [
        ("*", queue, true),
        ("**", queue, true),
        ("arn:aws:s3:::bkt/*", "arn:aws:s3:::bkt/a/b/c", true),
        ("arn:aws:s3:::bkt", "arn:aws:s3:::bkt/k", false),
        ("arn:aws:s3:::BKT/*", "arn:aws:s3:::bkt/k", false),
        ("arn:aws:s3:::bkt/?", "arn:aws:s3:::bkt/é", true),
        ("arn:aws:s3:*:*:bkt/*", "arn:aws:s3:::bkt/x", true),
        ("arn:aws:sqs:*:q", queue, true),
        ("arn:aws:sqs:*:Q", queue, false),
        ("arn:aws:iam::*", "arn:aws:iam::111111111111:role/dev", true),
        ("arn:aws:sqs:us-*-1:1*1:q", queue, true),
        ("arn:aws:sqs:us-*-1:1*2:q", queue, false),
        // Inner stars and `?` keep to their segment (R-2.13).
        ("arn:aws:sqs:us*1:q", queue, false),
        ("arn:aws:sqs:us-east-1?111111111111:q", queue, false),
        ("arn:aws:sqs:us-east-?:*:q", queue, true),
        ("arn:aws:sqs:*1:q", queue, false),
        // The order of adjacent wildcards does not matter (R-2.2): `*?` ends its segment like `?*`.
        ("arn:aws:sqs:*?:q", queue, true),
        ("arn:aws:sqs:?*:q", queue, true),
        ("arn:aws:sqs:*?*:q", queue, true),
        // Crossing and staying wildcards in one pattern: the later star must not fix the earlier one.
        ("arn:*:us-*t-1:*:q", queue, true),
        ("arn:*:s*s:*", queue, true),
        ("arn:*:*:*:*:*", queue, true),
        ("arn:*", queue, true),
        ("arn:*:q", queue, true),
        ("arn:aws:lambda:us-east-1:111111111111:function:f*", function, true),
        ("arn:aws:lambda:us-east-1:111111111111:*:PROD", function, true),
        ("arn:aws:lambda:us-east-1:111111111111:function:?oo?PROD", function, true),
        // The type word and the service may hold wildcards (R-2.18).
        ("arn:aws:*code*:us-east-1:111111111111:x", "arn:aws:codebuild:us-east-1:111111111111:x", true),
        ("arn:aws:ec2:*:*:security-group*/*", "arn:aws:ec2:us-east-1:111111111111:security-group-rule/r", true),
        // What does not begin with `arn:` matches nothing (R-2.17).
        ("ar*", queue, false),
        ("arn*", queue, false),
        ("*:aws:sqs:us-east-1:111111111111:q", queue, false),
        ("a*:aws:sqs:us-east-1:111111111111:q", queue, false),
        ("*q", queue, false),
        ("q", queue, false),
        ("", queue, false),
        ("?*", queue, false),
        ("ARN:aws:sqs:us-east-1:111111111111:q", queue, false),
        // Wildcards of the request are characters (R-2.22), and escapes are literal (R-3.13).
        ("arn:aws:s3:::bkt/a", "arn:aws:s3:::bkt/*", false),
        ("arn:aws:s3:::bkt/${*}", "arn:aws:s3:::bkt/*", true),
        ("arn:aws:s3:::bkt/${*}", "arn:aws:s3:::bkt/a", false),
        ("arn:aws:s3:::bkt/${?}", "arn:aws:s3:::bkt/?", true),
        ("arn:aws:s3:::bkt/${?}", "arn:aws:s3:::bkt/a", false),
        ("arn:aws:s3:::bkt/${$}{x}", "arn:aws:s3:::bkt/${x}", true),
        ("${*}", queue, false),
        // A literal star ends no segment.
        ("arn:aws:sqs:${*}:q", queue, false),
    ] {
        assert_eq!(entry(pattern, arn), expected, "{pattern} {arn}");
    }
}

#[test]
fn partial_arns_are_the_table_of_r_2_16() {
    use PolicyKind::*;
    let role = "arn:aws:iam::111111111111:role/dev";
    let fills = [Identity, Boundary, Session];
    let wildcard_only = [Resource, Trust, Key, Endpoint];
    // (pattern, fills, wildcard only, SCP); RCP is always false.
    for (pattern, a, b, c) in [
        ("arn:aws:iam", true, false, false),
        ("arn:aws:iam:", true, false, false),
        ("arn:aws:iam::", false, false, false),
        ("arn:aws:iam::111111111111", true, false, false),
        ("arn:aws:i?m", true, true, false),
        ("arn:*:iam", true, true, false),
        ("arn:aws:iam*", true, true, true),
        ("arn:aws:ia*?", true, true, true),
        ("arn:aws:iam:*", true, true, true),
        ("arn:aws:iam::1*", true, true, true),
        ("arn:aws:iam:*:role/dev", true, true, false),
        ("arn:aws:iam:*:role/d*", true, true, true),
        ("arn:aws:s3", false, false, false),
        ("arn:aws:iam:${*}", false, false, false),
        ("arn", false, false, false),
    ] {
        let truth = |kind, settings: &Settings| {
            entry_with(pattern, kind, Subject::Arn(role), &Table::default(), settings).truth == Truth::True
        };
        let table = Settings::default();
        let mut reject = Settings::default();
        reject.set("partial_arn", "reject").unwrap();
        for kind in PolicyKind::ALL {
            let expected = match kind {
                Scp => c,
                Rcp => false,
                kind if fills.contains(kind) => a,
                kind => wildcard_only.contains(kind) && b,
            };
            assert_eq!(truth(*kind, &table), expected, "{pattern} {kind}");
            assert!(!truth(*kind, &reject), "{pattern} {kind}");
        }
    }
    // Six segments are never partial, and `*` is no ARN.
    for kind in PolicyKind::ALL {
        for pattern in ["*", "arn:aws:iam::*:role/dev", role] {
            let result = entry_with(pattern, *kind, Subject::Arn(role), &Table::default(), &Settings::default());
            assert_eq!(result.truth, Truth::True, "{pattern} {kind}");
        }
    }
}

#[test]
fn arn_case() {
    let mut settings = Settings::default();
    settings.set("arn_case", "insensitive").unwrap();
    let arn = "arn:aws:sqs:us-east-1:111111111111:Queue:Part";
    for (pattern, expected) in [
        ("ARN:AWS:Sqs:US-EAST-1:111111111111:Queue:Part", true),
        ("arn:aws:sqs:US-*-1:*:Queue:*", true),
        ("arn:aws:sqs:us-east-1:111111111111:queue:Part", false),
        ("arn:aws:sqs:us-east-1:111111111111:Queue:PART", false),
        // It is the request's component that counts, wherever the pattern's segment lies.
        ("arn:aws:sqs:*:queue:Part", false),
        ("arn:aws:SQS:*:Queue:Part", true),
        ("arn:aws:sqs:${r}:*:Queue:Part", true),
    ] {
        let keys = Table::default().one("r", "US-east-1");
        let result = entry_with(pattern, PolicyKind::Identity, Subject::Arn(arn), &keys, &settings);
        assert_eq!(result.truth == Truth::True, expected, "{pattern}");
    }
}

#[test]
fn pseudo_resources() {
    let check = |pattern, subject| {
        entry_with(pattern, PolicyKind::Identity, subject, &Table::default(), &Settings::default()).truth == Truth::True
    };
    for pattern in ["*", "**"] {
        assert!(check(pattern, Subject::Star));
        assert!(check(pattern, Subject::PseudoArn("arn:aws:s3:::*")));
    }
    for pattern in ["arn:aws:ec2:*:*:*", "arn:*", "${*}", "?", "", "*?"] {
        assert!(!check(pattern, Subject::Star), "{pattern}");
    }
    for (pattern, expected) in [
        ("arn:aws:s3:::*", true),
        ("arn:aws:s3:*:*:*", true),
        ("arn:aws:s3:::?", true),
        ("arn:aws:s3:::${*}", true),
        ("arn:aws:s3", true),
        ("arn:aws:s3:::bkt", false),
    ] {
        assert_eq!(check(pattern, Subject::PseudoArn("arn:aws:s3:::*")), expected, "{pattern}");
    }
}

#[test]
fn short_form_of_an_api() {
    let arn = "arn:aws:execute-api:us-east-1:111111111111:abc/prod/GET/pets/1";
    let keys = Table::default().one("stage", "prod").with("u", KeyState::Unknown);
    for (pattern, kind, subject, expected) in [
        ("execute-api:/prod/GET/pets/*", PolicyKind::Resource, arn, Truth::True),
        ("execute-api:/*", PolicyKind::Resource, arn, Truth::True),
        ("execute-api:/${stage}/*", PolicyKind::Resource, arn, Truth::True),
        ("execute-api:/${u}/*", PolicyKind::Resource, arn, Truth::Unknown),
        ("execute-api:/${u}/PUT/*", PolicyKind::Resource, arn, Truth::False),
        ("execute-api:/dev/*", PolicyKind::Resource, arn, Truth::False),
        ("execute-api:*", PolicyKind::Resource, arn, Truth::False),
        ("execute-api:/*", PolicyKind::Identity, arn, Truth::False),
        ("execute-api:/*", PolicyKind::Resource, "arn:aws:s3:::abc/prod/GET", Truth::False),
        ("execute-api:/*", PolicyKind::Resource, "arn:aws:execute-api:us-east-1:111111111111:abc", Truth::False),
        ("sqs:/*", PolicyKind::Resource, arn, Truth::False),
    ] {
        let result = entry_with(pattern, kind, Subject::Arn(subject), &keys, &Settings::default());
        assert_eq!(result.truth, expected, "{pattern} {kind} {subject}");
    }
}

#[test]
fn variables_in_entries() {
    let keys = Table::default()
        .one("name", "ana")
        .one("star", "*")
        .one("colon", "us-east-1:111111111111")
        .one("account", "111111111111")
        .one("empty", "")
        .with("list", list(&["ana"]))
        .with("u", KeyState::Unknown)
        .with("s", KeyState::Present);
    let object = "arn:aws:s3:::bkt/ana/x";
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    use Truth::*;
    for (pattern, arn, truth, null, resolved, unknown) in [
        ("arn:aws:s3:::bkt/${name}/*", object, True, false, "arn:aws:s3:::bkt/ana/*", vec![]),
        ("arn:aws:s3:::bkt/${star}/*", object, False, false, "arn:aws:s3:::bkt/${*}/*", vec![]),
        ("arn:aws:s3:::bkt/${star}/*", "arn:aws:s3:::bkt/*/x", True, false, "arn:aws:s3:::bkt/${*}/*", vec![]),
        ("arn:aws:s3:::bkt/${no}/*", object, False, true, "arn:aws:s3:::bkt/${no}/*", vec![]),
        ("arn:aws:s3:::bkt/${list}/*", object, False, true, "arn:aws:s3:::bkt/${list}/*", vec![]),
        ("arn:aws:s3:::bkt/${empty}/*", object, False, true, "arn:aws:s3:::bkt/${empty}/*", vec![]),
        ("arn:aws:s3:::bkt/${no, 'ana'}/*", object, True, false, "arn:aws:s3:::bkt/ana/*", vec![]),
        ("arn:aws:s3:::bkt/${name/*", object, False, true, "arn:aws:s3:::bkt/${name/*", vec![]),
        ("arn:aws:s3:::bkt/${u}/*", object, Unknown, false, "arn:aws:s3:::bkt/${u}/*", vec!["u"]),
        ("arn:aws:s3:::bkt/${s, 'd'}/*", object, Unknown, false, "arn:aws:s3:::bkt/${s, 'd'}/*", vec!["s"]),
        ("arn:aws:s3:::other/${u}/*", object, False, false, "arn:aws:s3:::other/${u}/*", vec!["u"]),
        ("arn:aws:s3:::${s}/${u}${s}", object, Unknown, false, "arn:aws:s3:::${s}/${u}${s}", vec!["s", "u"]),
        // Null wins over holes.
        ("arn:aws:s3:::${u}/${no}/*", object, False, true, "arn:aws:s3:::${u}/${no}/*", vec!["u"]),
        // In the first five segments, too (R-3.5); a colon of a value may stand for one of the ARN (R-3.15).
        ("arn:aws:sqs:*:${account}:q", queue, True, false, "arn:aws:sqs:*:111111111111:q", vec![]),
        ("arn:aws:sqs:${colon}:q", queue, True, false, "arn:aws:sqs:us-east-1:111111111111:q", vec![]),
        ("arn:aws:sqs:${u}:q", queue, Unknown, false, "arn:aws:sqs:${u}:q", vec!["u"]),
        ("arn:aws:sqs:${u}:p", queue, False, false, "arn:aws:sqs:${u}:p", vec!["u"]),
        // What begins with a variable does not begin with `arn:` (R-2.17).
        ("${u}", queue, False, false, "${u}", vec!["u"]),
        (
            "${u}:aws:sqs:us-east-1:111111111111:q",
            queue,
            False,
            false,
            "${u}:aws:sqs:us-east-1:111111111111:q",
            vec!["u"],
        ),
    ] {
        let result = entry_with(pattern, PolicyKind::Identity, Subject::Arn(arn), &keys, &Settings::default());
        let unknown_keys = unknown.into_iter().map(ConditionKey::new).collect();
        let expected = EntryResult { truth, null, resolved: resolved.to_owned(), unknown_keys };
        assert_eq!(result, expected, "{pattern} {arn}");
    }
    // No hole makes an ARN pattern match the pseudo-resource (R-2.20).
    let result = entry_with("arn:aws:s3:::${u}", PolicyKind::Identity, Subject::Star, &keys, &Settings::default());
    assert_eq!(result.truth, False);
    // The table of R-2.16 reads the policy's text: a hole is no wildcard, nor is a substituted star.
    let mut pattern = Settings::default();
    pattern.set("substituted_wildcards", "pattern").unwrap();
    for text in ["arn:aws:sqs:${u}", "arn:aws:sqs:${star}"] {
        for settings in [&Settings::default(), &pattern] {
            assert_eq!(entry_with(text, PolicyKind::Resource, Subject::Arn(queue), &keys, settings).truth, False);
        }
    }
}

#[test]
fn a_version_without_variables_keeps_the_text() {
    let template = Template::literal("arn:aws:s3:::bkt/${aws:username}*");
    let check = |arn| {
        resource_entry(&template, PolicyKind::Identity, &Subject::Arn(arn), &Table::default(), &Settings::default())
            .truth
    };
    assert_eq!(check("arn:aws:s3:::bkt/${aws:username}/x"), Truth::True);
    assert_eq!(check("arn:aws:s3:::bkt/ana/x"), Truth::False);
}

#[test]
fn substituted_wildcards_as_patterns() {
    let mut settings = Settings::default();
    settings.set("substituted_wildcards", "pattern").unwrap();
    let keys = Table::default().one("star", "*").one("one", "?");
    let check = |pattern: &str, arn: &str| {
        entry_with(pattern, PolicyKind::Identity, Subject::Arn(arn), &keys, &settings).truth == Truth::True
    };
    assert!(check("arn:aws:s3:::bkt/${star}/x", "arn:aws:s3:::bkt/a/b:c/x"));
    assert!(check("arn:aws:s3:::bkt/${one}", "arn:aws:s3:::bkt/a"));
    assert!(check("arn:aws:s3:::bkt/${no, '*'}", "arn:aws:s3:::bkt/a"));
    assert!(!check("arn:aws:s3:::bkt/${*}", "arn:aws:s3:::bkt/a"));
    // A substituted star ends no segment of the policy's text, so it keeps to its own.
    assert!(check("arn:aws:sqs:${star}:*:q", "arn:aws:sqs:us-east-1:111111111111:q"));
    assert!(!check("arn:aws:sqs:${star}:q", "arn:aws:sqs:us-east-1:111111111111:q"));
}

/// R-8.24 (1) for entries: what is false with a hole is false for whatever the hole may turn out to be.
#[test]
fn holes_cover_every_completion() {
    let arns = ["arn:p:s:r:a:x", "arn:p:s:::r:x", "arn:p:s:r:a:x:r"];
    let values: Vec<String> = strings(&['r', ':', '*', '?'], 3);
    let mut patterns = Vec::new();
    for inner in strings(&['H', '*', '?', 'r'], 3).iter().filter(|inner| inner.contains('H')) {
        let inner = inner.replace('H', "${h}");
        patterns.push(format!("arn:p:s:{inner}:a:x"));
        patterns.push(format!("arn:p:s:{inner}:x"));
        patterns.push(format!("arn:p:s:{inner}"));
        patterns.push(format!("arn:p:s:r:*:{inner}"));
    }
    let mut n_false = 0;
    for (name, value) in [
        ("strict", "false"),
        ("substituted_wildcards", "pattern"),
        ("empty_variable", "text"),
        ("arn_case", "insensitive"),
    ] {
        let mut settings = Settings::default();
        settings.set(name, value).unwrap();
        for pattern in &patterns {
            for default in ["", ", ''", ", 'a:'"] {
                let template = Template::with_variables(pattern.replace("${h}", &format!("${{h{default}}}")));
                for arn in arns {
                    let subject = Subject::Arn(arn);
                    let check =
                        |keys: &Table| resource_entry(&template, PolicyKind::Identity, &subject, keys, &settings).truth;
                    let open = check(&Table::default().with("h", KeyState::Unknown));
                    assert_eq!(open, check(&Table::default().with("h", KeyState::Present)));
                    if open == Truth::Unknown {
                        continue;
                    }
                    n_false += 1;
                    assert_eq!(open, Truth::False, "{template:?}");
                    assert_eq!(check(&Table::default()), Truth::False, "{template:?} {arn} absent");
                    for value in &values {
                        let closed = check(&Table::default().one("h", value));
                        assert_eq!(closed, Truth::False, "{template:?} {arn} `{value}` {name}");
                    }
                }
            }
        }
    }
    assert!(n_false > 100, "the test must reach entries that cannot match: {n_false}");
}
