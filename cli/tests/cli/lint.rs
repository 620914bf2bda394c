//! `iamc lint`.

use crate::{POLICY, folder, run, run_with};
use serde_json::json;

/// A warning, and an error that leaves the document a meaning.
const ODD: &str = "{\n  \"Version\": \"2012-10-17\",\n  \"Comment\": \"x\",\n  \"Statement\": {\"Effect\": \"Deny\", \
                   \"Action\": \"s3:*\", \"Resource\": \"*\",\n    \"Condition\": {\"IpAddress\": {\"aws:SourceIp\": \
                   \"10.0.*\"}}}\n}\n";

#[test]
fn errors_end_with_1_and_warnings_and_nothing_with_0() {
    let warned = ODD.replace("10.0.*", "10.0.0.0/8");
    let folder = folder(&[("good.json", POLICY), ("odd.json", ODD), ("warned.json", &warned)]);
    let good = run(&folder, "lint good.json");
    assert_eq!((good.code, good.stdout.as_str()), (0, "1 document: 0 errors, 0 warnings\n"));
    let warned = run(&folder, "lint warned.json good.json");
    assert_eq!(warned.code, 0);
    assert!(warned.stdout.ends_with("\n2 documents: 0 errors, 1 warning\n"), "{}", warned.stdout);
    let odd = run(&folder, "lint odd.json");
    assert_eq!(odd.code, 1);
    assert!(odd.stdout.ends_with("\n1 document: 1 error, 1 warning\n"), "{}", odd.stdout);
    // What is tolerated is refused by AWS.
    assert_eq!(run(&folder, "lint --strict warned.json").code, 1);
}

#[test]
fn findings_are_drawn_with_their_lines() {
    let folder = folder(&[("odd.json", ODD)]);
    let ran = run(&folder, "lint odd.json");
    let expected = "malformed-value (R-1.40)\n\
        \n\
        \x20 x `10.0.*` is no value that `IpAddress` can compare `aws:sourceip` with\n\
        \x20  ,-[odd.json:5:33]\n\
        \x204 |   \"Statement\": {\"Effect\": \"Deny\", \"Action\": \"s3:*\", \"Resource\": \"*\",\n\
        \x205 |     \"Condition\": {\"IpAddress\": {\"aws:SourceIp\": \"10.0.*\"}}}\n";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
}

#[test]
fn of_a_long_line_only_the_part_around_the_finding_is_shown() {
    let statement = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"},"#.repeat(300);
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{statement}{{"Effect":"allow","Action":"ü","Resource":"*"}}]}}"#
    );
    let folder = folder(&[("p.json", &text)]);
    let ran = run(&folder, "lint p.json");
    assert_eq!(ran.code, 1);
    let column = text.find("\"allow\"").unwrap() + 1;
    assert!(ran.stdout.contains(&format!("[p.json:1:{column}]")), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.len() < 260), "{}", ran.stdout);
}

#[test]
fn a_plain_operator_on_a_multi_valued_key_is_a_warning() {
    let policy = |operator: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": {{"{operator}": {{"aws:TagKeys": "true", "aws:username": "true"}}}}}}}}"#
        )
    };
    for (operator, expected) in
        [("StringNotEqualsIfExists", "W-MULTI-NOQUAL"), ("ForAnyValue:StringNotEquals", ""), ("Null", "")]
    {
        let ran = run_with(&folder(&[]), "lint --format json -", policy(operator));
        let found = ran.json();
        let codes: Vec<&str> = found.as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
        assert_eq!(codes.join(" "), expected, "{operator}");
    }
}

#[test]
fn json_is_a_list_of_findings() {
    let folder = folder(&[("odd.json", ODD), ("good.json", POLICY)]);
    let ran = run(&folder, "lint good.json odd.json --format json");
    assert_eq!(ran.code, 1);
    let found = ran.json();
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[0]["code"], json!("W-UNKNOWN-ELEMENT"));
    let malformed = &found[1];
    let expected = [
        ("file", json!("odd.json")),
        ("line", json!(5)),
        ("column", json!(33)),
        ("severity", json!("error")),
        ("rule", json!("R-1.40")),
        ("kind", json!("identity")),
        ("invalidates", json!(false)),
    ];
    for (field, value) in expected {
        assert_eq!(malformed[field], value, "{field}");
    }
    let span: Vec<usize> = serde_json::from_value(malformed["span"].clone()).unwrap();
    assert_eq!(&ODD[span[0]..span[1]], "\"aws:SourceIp\": \"10.0.*\"");
}

#[test]
fn sarif_has_a_rule_for_each_result() {
    let folder = folder(&[("odd.json", ODD)]);
    let ran = run(&folder, "lint odd.json --format sarif -o out.sarif");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    let text = std::fs::read_to_string(folder.path().join("out.sarif")).unwrap();
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["version"], json!("2.1.0"));
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    let place = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], json!("odd.json"));
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&json!(5), &json!(33)));
}

#[test]
fn the_kind_is_guessed_or_given_and_said() {
    let statement = |rest: &str| format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{rest}}}}}"#);
    let check = |text: &str, options: &str, kind: &str| {
        let folder = folder(&[]);
        let ran = run_with(&folder, &format!("lint - -v {options}"), text);
        let said = format!("<stdin>: read as a policy of kind `{kind}`, because ");
        assert_eq!(ran.stdout.contains(&said), options.is_empty(), "{kind}: {}", ran.stdout);
        assert_eq!(ran.code, 0, "{kind}: {}", ran.stdout);
    };
    check(&statement(r#""Action":"s3:GetObject","Resource":"*""#), "", "identity");
    check(&statement(r#""Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole""#), "", "trust");
    check(&statement(r#""Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*""#), "", "key");
    check(&statement(r#""Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#), "", "resource");
    check(&statement(r#""Action":"s3:GetObject","Resource":"*""#), "--kind scp", "scp");
}

#[test]
fn sizes_are_findings() {
    let actions: Vec<String> = (0..500).map(|i| format!("\"s3:GetObject{i}\"")).collect();
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{}],"Resource":"*"}}}}"#,
        actions.join(",")
    );
    let ran = run_with(&folder(&[]), "lint - --format json", text);
    assert_eq!(ran.code, 0);
    assert!(ran.json().as_array().unwrap().iter().any(|found| found["rule"] == json!("R-1.37")), "{}", ran.stdout);
}

#[test]
fn broken_texts_are_findings_and_unreadable_files_end_with_3() {
    let folder = folder(&[("odd.json", ODD)]);
    for text in ["", "{", "null", "{\"Statement\": [", "{\"a\": 1, \"a\": 2}", "\u{feff}{}"] {
        let ran = run_with(&folder, "lint -", text);
        assert_eq!(ran.code, 1, "{text}: {}", ran.stdout);
    }
    assert_eq!(run_with(&folder, "lint -", b"{\"Id\": \"\xff\"}".to_vec()).code, 1);
    assert_eq!(run_with(&folder, "lint -", "[".repeat(1_000_000)).code, 1);
    let ran = run(&folder, "lint missing.json odd.json");
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.starts_with("error: cannot read `missing.json`: "), "{}", ran.stderr);
    // The others are checked all the same.
    assert!(ran.stdout.ends_with("1 document: 1 error, 1 warning\n"), "{}", ran.stdout);
}

#[test]
fn control_characters_of_a_document_never_reach_the_terminal() {
    let text = "{\"Version\": \"2012-10-17\", \"\\u001b[2J\": 1, \"Statement\": [], \"\u{202e}x\u{9b}\": 2}";
    let ran = run_with(&folder(&[]), "lint -", text);
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{}", ran.stdout);
    assert!(ran.stdout.contains("\\u{1b}[2J"), "{}", ran.stdout);
}
