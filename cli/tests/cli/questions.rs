//! `iamc who-can` and `iamc what-can`.

use crate::{ORG, folder, run};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

/// Beside Ana, who may read, a role whose policy names a network.
fn org() -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::reports/*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}});
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}}});
    let role = json!({"kind": "role", "arn": "arn:aws:iam::111122223333:role/app", "tags": {}, "trust_policy": {"document": trust},
        "inline_policies": [{"name": "Net", "document": policy}]});
    format!("{ORG}{role}\n")
}

const READ: &str = "--action s3:GetObject --resource arn:aws:s3:::reports/q1.csv --assume-complete";

#[test]
fn who_can_tells_who_can_and_who_can_if() {
    let folder = folder(&[("org.jsonl", &org())]);
    let ran = run(&folder, &format!("who-can org.jsonl {READ}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("1 can, 1 can if, 0 cannot"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  can     arn:aws:iam::111122223333:user/ana"), "{}", ran.stdout);
    assert!(ran.stdout.contains("  can if  arn:aws:iam::111122223333:role/app  aws:sourceip"), "{}", ran.stdout);
    let json = run(&folder, &format!("who-can org.jsonl {READ} --format json")).json();
    let pair = &json[0];
    assert_eq!((&pair["can"], &pair["can_if"], &pair["cannot"]), (&json!(1), &json!(1), &json!(0)));
    let named = |at: usize, field: &str| pair["principals"][at][field].clone();
    assert_eq!((named(0, "kind"), named(0, "answer")), (json!("user"), json!("can")));
    assert_eq!((named(1, "kind"), named(1, "depends_on")), (json!("role"), json!(["aws:sourceip"])));
    assert_eq!(named(1, "statements")[0]["at"]["file"], json!("org.jsonl"));
}

/// Answers about a pattern are written as they come; they are the same list.
#[test]
fn json_of_a_pattern_is_the_list_of_its_actions() {
    let folder = folder(&[("org.jsonl", &org())]);
    let ask = |action: &str| {
        let pair = "--resource arn:aws:s3:::reports/q1.csv --assume-complete --format json";
        run(&folder, &format!("who-can org.jsonl --action {action} {pair}"))
    };
    let all = ask("s3:GetObject*");
    assert_eq!(all.code, 0, "{}", all.stderr);
    let list = all.json();
    assert_eq!(all.stdout, serde_json::to_string_pretty(&list).unwrap() + "\n");
    let list = list.as_array().unwrap();
    assert!(list.len() > 3, "{}", list.len());
    for answer in list {
        let alone = ask(answer["action"].as_str().unwrap());
        assert_eq!(alone.json()[0], *answer);
        assert_eq!(alone.stdout, serde_json::to_string_pretty(&[answer]).unwrap() + "\n");
    }
}

#[test]
fn a_given_key_narrows_and_closed_takes_the_rest_for_absent() {
    let folder = folder(&[("org.jsonl", &org())]);
    let count = |more: &str| {
        let ran = run(&folder, &format!("who-can org.jsonl {READ} --count --format json {more}"));
        let pair = ran.json()[0].clone();
        (pair["can"].as_u64().unwrap(), pair["can_if"].as_u64().unwrap())
    };
    assert_eq!(count(""), (1, 1));
    assert_eq!(count("--context aws:SourceIp=203.0.113.7"), (2, 0));
    assert_eq!(count("--context aws:SourceIp=198.51.100.7"), (1, 0));
    assert_eq!(count("--closed"), (1, 0));
}

#[test]
fn what_can_lists_grants_within_limits() {
    let folder = folder(&[("org.jsonl", &org())]);
    let ran = run(&folder, "what-can org.jsonl --principal arn:aws:iam::111122223333:role/app --assume-complete");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in ["s3:GetObject\n", "  on arn:aws:s3:::reports/*\n", "if aws:sourceip IpAddress `203.0.113.0/24`"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

/// CSV, JSON Lines and Parquet have the grants of JSON.
#[test]
fn what_can_has_rows() {
    let folder = folder(&[("org.jsonl", &org())]);
    let ask = |more: &str| {
        let role = "arn:aws:iam::111122223333:role/app";
        run(&folder, &format!("what-can org.jsonl --principal {role} --assume-complete {more}"))
    };
    let json = ask("--format json").json();
    let grants = json["grants"].as_array().unwrap();
    let lines = ask("-o w.jsonl");
    assert_eq!((lines.code, lines.stdout.as_str()), (0, ""));
    let lines = std::fs::read_to_string(folder.path().join("w.jsonl")).unwrap();
    assert!(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).eq(grants.iter().cloned()));
    let csv = ask("--format csv");
    let mut rows = csv::Reader::from_reader(csv.stdout.as_bytes());
    let headings: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(headings, ["principal", "actions", "allow", "only_if", "unless", "perhaps_denied"]);
    let mut n_rows = 0;
    for (row, grant) in rows.records().map(Result::unwrap).zip(grants) {
        for (heading, cell) in headings.iter().zip(&row).skip(1) {
            assert_eq!(serde_json::from_str::<Value>(cell).unwrap(), grant[heading], "{heading}");
        }
        n_rows += 1;
    }
    assert_eq!(n_rows, grants.len());
    assert_eq!(ask("-o w.parquet").code, 0);
    let file = std::fs::File::open(folder.path().join("w.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), grants.len() as i64);
    assert_eq!(ask("--format sarif").code, 2);
}

/// What nobody knows is asked about, and told.
#[test]
fn unknown_actions_and_accounts_are_listed() {
    let folder = folder(&[("org.jsonl", &org())]);
    let pair = "--resource arn:aws:s3:::reports/q1.csv --count";
    let ran = run(&folder, &format!("who-can org.jsonl --action s3:MadeUp --account 999999999999 {pair}"));
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("actions that the catalogue does not have:\n  s3:MadeUp"), "{}", ran.stderr);
    assert!(ran.stderr.contains("accounts that are not in the organization:\n  999999999999"), "{}", ran.stderr);
    let known = run(
        &folder,
        &format!("who-can org.jsonl --action s3:GetObject --account 111122223333 {pair} --assume-complete"),
    );
    assert!(!known.stderr.contains("asked about"), "{}", known.stderr);
}

#[test]
fn questions_that_nobody_can_answer_are_refused() {
    let folder = folder(&[("org.jsonl", &org())]);
    let ran = run(&folder, "who-can org.jsonl --action s3:GetObject --resource arn:aws:s3:::nosuch/x");
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("E-RESACCT"), "{}", ran.stderr);
    let ran = run(&folder, "what-can org.jsonl --principal arn:aws:iam::111122223333:role/nobody");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("role/nobody"), "{}", ran.stderr);
    assert_eq!(run(&folder, "who-can org.jsonl --action s3:GetObject").code, 2);
}
