//! `iamc matrix`.

use crate::{ORG, Ran, folder, run, run_with};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// The sample organization as an image.
fn acme() -> TempDir {
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/acme/export");
    let folder = folder(&[("org.jsonl", ORG)]);
    let compiled = run(&folder, &format!("compile {} -o acme.iamc -q", export.display()));
    assert_eq!(compiled.code, 0, "{}", compiled.stderr);
    folder
}

const PAIRS: &str = "--action s3:Get* --action s3:ListBucket --action iam:CreateUser --action made:Up \
     --resource arn:aws:s3:::acme-* --resource arn:aws:s3:::acme-exports/customers.csv --resource *";

fn text<'v>(row: &'v Value, field: &str) -> &'v str {
    row[field].as_str().unwrap_or_default()
}

/// Every cell is the decision about the request that it stands for, and counts count cells.
#[test]
fn cells_are_decisions_and_counts_count_them() {
    let folder = acme();
    for options in ["", "--closed --context aws:SecureTransport=true", "--context aws:PrincipalAccount=333333333333"] {
        let cells = run(&folder, &format!("matrix acme.iamc {PAIRS} {options} --cells"));
        let rows = cells.lines();
        assert!(rows.len() > 1_000, "{} {}", rows.len(), cells.stderr);
        let closed = options.contains("--closed");
        let context = match options.split_once("--context ").and_then(|(_, pair)| pair.split_once('=')) {
            Some((key, value)) => json!({key: value}),
            None => json!({}),
        };
        // As sessions whose name is not known.
        let requests: String = rows
            .iter()
            .map(|row| {
                let mut principal = text(row, "principal").to_owned();
                let mut facts = json!({});
                if let Some((start, path)) = principal.clone().split_once(":role/") {
                    facts = json!({"role": principal, "session_unknown": true});
                    let name = path.rsplit('/').next().unwrap_or_default();
                    principal = format!("{}:assumed-role/{name}/session", start.replace(":iam:", ":sts:"));
                }
                let request = json!({"principal": principal, "action": row["action"], "resource": row["resource"],
                    "context": context, "facts": facts, "mode": if closed { "closed" } else { "open" }});
                format!("{request}\n")
            })
            .collect();
        let decided = run_with(&folder, "decide acme.iamc --requests -", requests).lines();
        let mut counted: BTreeMap<(&str, &str), [u64; 4]> = BTreeMap::new();
        for (row, decided) in rows.iter().zip(&decided) {
            assert_eq!(row["decision"], decided["decision"], "{options}: {row} {decided}");
            let at = match (text(row, "answer"), text(row, "decision")) {
                ("can", "Allow") => 0,
                ("can_if", "Conditional") => 1,
                ("cannot", "ExplicitDeny" | "ImplicitDeny" | "Conditional") => 2,
                ("", "") => 3,
                other => panic!("{other:?}"),
            };
            counted.entry((text(row, "resource"), text(row, "action"))).or_default()[at] += 1;
        }
        let counts = run(&folder, &format!("matrix acme.iamc {PAIRS} {options} --format ndjson"));
        let mut n_rows = 0;
        for row in counts.lines().iter().filter(|row| row.get("error").is_none()) {
            let own = ["can", "can_if", "cannot", "refused"].map(|field| row[field].as_u64().unwrap());
            assert_eq!(own, counted[&(text(row, "resource"), text(row, "action"))], "{row}");
            n_rows += 1;
        }
        assert_eq!(n_rows, counted.len());
        if options.contains("Principal") {
            assert!(counted.values().any(|counts| counts[3] > 0), "somebody contradicts the given account");
        }
    }
}

#[test]
fn every_form_and_number_of_threads_says_the_same() {
    let folder = acme();
    let lines = run(&folder, &format!("matrix acme.iamc {PAIRS} --cells --threads 1"));
    for threads in [2, 7] {
        let more = run(&folder, &format!("matrix acme.iamc {PAIRS} --cells --threads {threads}"));
        assert!(more.stdout == lines.stdout && more.stderr == lines.stderr, "{threads} threads: {}", more.stderr);
    }
    let expected: Vec<[String; 5]> = lines
        .lines()
        .iter()
        .map(|row| ["action", "resource", "principal", "answer", "decision"].map(|field| text(row, field).to_owned()))
        .collect();
    let csv = run(&folder, &format!("matrix acme.iamc {PAIRS} --cells --format csv"));
    let mut rows = csv.stdout.lines();
    assert_eq!(rows.next(), Some("action,resource,principal,answer,decision"));
    assert!(rows.eq(expected.iter().map(|cells| cells.join(","))), "{}", csv.stderr);

    assert_eq!(run(&folder, &format!("matrix acme.iamc {PAIRS} --cells -o c.parquet")).stdout, "");
    let reader = SerializedFileReader::new(std::fs::File::open(folder.path().join("c.parquet")).unwrap()).unwrap();
    let rows: Vec<[String; 5]> = reader
        .get_row_iter(None)
        .unwrap()
        .map(Result::unwrap)
        .map(|row| [0, 1, 2, 3, 4].map(|at| row.get_string(at).cloned().unwrap_or_default()))
        .collect();
    assert!(rows == expected, "{} rows", rows.len());

    let possible = run(&folder, &format!("matrix acme.iamc {PAIRS} --cells --possible --format csv"));
    let can: Vec<&[String; 5]> = expected.iter().filter(|cells| matches!(&*cells[3], "can" | "can_if")).collect();
    assert!(can.len() > 10 && can.len() < expected.len());
    assert!(possible.stdout.lines().skip(1).eq(can.iter().map(|cells| cells.join(","))));
}

#[test]
fn principals_and_accounts_narrow_the_matrix() {
    let folder = acme();
    let pairs = "--action s3:GetObject --resource arn:aws:s3:::acme-exports/customers.csv --cells --format csv";
    let cells = |more: &str| {
        let ran = run(&folder, &format!("matrix acme.iamc {pairs} {more}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = cells("");
    let of = |part: &str| all.iter().filter(|row| row.contains(part)).cloned().collect::<Vec<_>>();
    assert_eq!(cells("--account 333333333333"), of("::333333333333:"));
    assert_eq!(cells("--principal arn:aws:iam::*:user/*"), of(":user/"));
    assert_eq!(cells("--principal *:user/* --account 333333333333"), of("::333333333333:user/"));
    let jane = "arn:aws:iam::333333333333:user/jane.doe";
    assert_eq!(cells(&format!("--principal {jane} --principal {jane}")), of(jane));
    assert!(!of(jane).is_empty() && of(":user/").len() < all.len());
}

fn refused(ran: &Ran, code: i32, message: &str) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    assert!(ran.stderr.contains(message), "{message}: {}", ran.stderr);
}

#[test]
fn what_cannot_be_asked_is_told() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let ask = |options: &str| run(&folder, &format!("matrix org.jsonl {options}"));
    let read = "--action s3:GetObject --resource arn:aws:s3:::reports/q1.csv";
    refused(&ask(&format!("{read} --principal arn:aws:iam::111122223333:user/bob")), 3, "user/bob` is no user or role");
    refused(&ask(&format!("{read} --principal *nobody*")), 3, "`--principal *nobody*`");
    refused(&ask("--action s3:GetObject --resource arn:aws:s3:::other*"), 3, "matches no resource of the inventory");
    refused(&ask("--action nosuch:* --resource *"), 2, "covers no action");
    refused(&ask("--action s3 --resource *"), 2, "`s3` is not an action");
    refused(&ask("--action s3:GetObject --resource here"), 2, "`--resource`");
    refused(&ask(&format!("{read} --account 12")), 2, "`--account 12`");
    refused(&ask(&format!("{read} --possible")), 2, "--cells");
    refused(&ask(&format!("{read} --format sarif")), 2, "no format `sarif`");
    refused(&ask(&format!("{read} --cells --format human")), 2, "cells have no format `human`");
    let none = ask(&format!("{read} --account 999999999999 --format json"));
    refused(&none, 0, "accounts that are not in the organization:\n  999999999999");
    assert_eq!(none.json()["all"], json!({"can": 0, "can_if": 0, "cannot": 0, "refused": 0}));
    refused(&ask("--action s3:MadeUp --resource arn:aws:s3:::reports"), 0, "the catalogue does not have:\n  s3:MadeUp");

    // A pair that was named and cannot be asked about is a row; those that wildcards stand for are left out.
    let ran =
        ask("--action s3:GetObject --resource arn:aws:s3:::nosuch/x --resource arn:aws:s3:::reports/x --format json");
    refused(&ran, 3, "1 pairs cannot be asked about");
    let answer = ran.json();
    assert!(text(&answer["rows"][0]["error"], "message").contains("E-RESACCT"), "{answer}");
    assert_eq!(
        answer["rows"][1],
        json!({"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/x",
        "can": 1, "can_if": 0, "cannot": 0, "refused": 0})
    );
    let ran = ask("--action iam:GetUser --resource arn:aws:iam::*:user/* --format csv");
    assert!(ran.stdout.contains("iam:GetUser,arn:aws:iam::111122223333:user/ana,0,0,1,0,"), "{}", ran.stdout);
    let ran = ask("--action s3:* --resource * --format csv");
    refused(&ran, 0, "pairs are left out");
    assert!(ran.stdout.starts_with("action,resource,can,can_if,cannot,refused,error\n"), "{}", ran.stdout);
    assert!(ran.stdout.lines().count() > 20 && !ran.stdout.contains("E-"), "{}", ran.stdout);
}

#[test]
fn people_read_counts_by_resource() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let ran = run(
        &folder,
        "matrix org.jsonl --action s3:GetObject --action s3:PutObject --resource arn:aws:s3:::reports/q --assume-complete",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let words: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["arn:aws:s3:::reports/q"]);
    assert_eq!(words[1].join(" "), "s3:GetObject 1 can, 0 can if, 0 cannot");
    assert_eq!(words[2].join(" "), "s3:PutObject 0 can, 0 can if, 1 cannot");
    assert_eq!(words[4].join(" "), "2 cells of 1 principals: 1 can, 0 can if, 1 cannot");
}
