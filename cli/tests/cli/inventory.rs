//! `ORG`: reading inventories, and `iamc export`.

use crate::{ORG, folder, run};

const ANA: &str = "--principal arn:aws:iam::111122223333:user/ana --action s3:GetObject \
                   --resource arn:aws:s3:::reports/q1.csv";

#[test]
fn a_folder_and_a_file_give_the_same_answer() {
    let folder = folder(&[("org/a.jsonl", ORG)]);
    for org in ["org", "org/a.jsonl"] {
        let ran = run(&folder, &format!("decide {org} {ANA}"));
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("  identity/Read/0  org/a.jsonl:2\n"), "{}", ran.stdout);
    }
}

#[test]
fn an_export_is_an_inventory_and_exports_to_itself() {
    let folder = folder(&[("org.jsonl", ORG)]);
    assert_eq!(run(&folder, "export org.jsonl -o copy.jsonl").code, 0);
    let first = run(&folder, "export org.jsonl").stdout;
    let copy = std::fs::read_to_string(folder.path().join("copy.jsonl")).unwrap();
    assert_eq!(first, copy);
    assert_eq!(run(&folder, "export copy.jsonl").stdout, copy);
    assert!(copy.lines().count() >= 3, "{copy}");
    assert_eq!(run(&folder, &format!("decide copy.jsonl {ANA}")).code, 0);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let broken = format!("{ORG}{{\"kind\": \"acount\"}}\n{{\"kind\": \"account\", \"id\": \"1\"}}\n");
    let folder = folder(&[("org.jsonl", &broken)]);
    let ran = run(&folder, &format!("decide org.jsonl {ANA}"));
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("org.jsonl:4:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("org.jsonl:5:"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("error: 2 errors in the inventory\n"), "{}", ran.stderr);
}

#[test]
fn what_is_missing_or_empty_is_refused() {
    let folder = folder(&[("empty/readme.txt", "nothing here\n")]);
    for org in ["missing", "empty"] {
        let ran = run(&folder, &format!("decide {org} {ANA}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{org}");
        assert!(ran.stderr.contains(org), "{}", ran.stderr);
    }
}

#[test]
fn a_gap_is_reported_and_with_strict_refused() {
    let gap = r#"{"kind": "gap", "missing": "identities", "subject": "111122223333", "message": "page 2 is missing"}"#;
    let folder = folder(&[("org.jsonl", &format!("{ORG}{gap}\n"))]);
    let ran = run(&folder, &format!("decide org.jsonl {ANA}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("one thing is missing"), "{}", ran.stderr);
    let verbose = run(&folder, &format!("decide org.jsonl {ANA} -v"));
    assert!(verbose.stderr.contains("page 2 is missing"), "{}", verbose.stderr);
    assert_eq!(run(&folder, &format!("decide org.jsonl {ANA} -q")).stderr, "");
    assert_eq!(run(&folder, &format!("decide org.jsonl {ANA} --strict")).code, 3);
    assert_eq!(run(&folder, &format!("decide org.jsonl {ANA} --strict --assume-complete")).code, 0);
}

#[test]
fn a_conflict_with_what_is_derived_cannot_be_decided() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let ran =
        run(&folder, &format!("decide org.jsonl {ANA} --context aws:PrincipalAccount=999999999999 --format json"));
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.json()["error"]["message"].as_str().unwrap().contains("E-CTX-CONFLICT"), "{}", ran.stdout);
}

#[test]
fn session_policies_are_read_from_files_and_shown_with_their_lines() {
    let session = "{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Effect\": \"Deny\", \"Action\": \"*\", \
                   \"Resource\": \"*\"}}";
    let role = r#"{"kind": "role", "arn": "arn:aws:iam::111122223333:role/App", "tags": {}}"#;
    let folder = folder(&[("org.jsonl", &format!("{ORG}{role}\n")), ("s.json", session), ("bad.json", "{}")]);
    let arguments = "decide org.jsonl --principal arn:aws:iam::111122223333:role/App --action s3:GetObject \
                     --resource arn:aws:s3:::reports/q1.csv";
    let ran = run(&folder, &format!("{arguments} --session-policy s.json"));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("  session/s/0  s.json:2  DENY_IN(session)\n"), "{}", ran.stdout);
    assert_eq!(run(&folder, &format!("{arguments} --session-policy bad.json")).code, 3);
    assert_eq!(run(&folder, &format!("{arguments} --session-policy missing.json")).code, 3);
}
