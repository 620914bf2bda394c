//! Request streams: the same for the same seeds, about things that exist, in the shares that were asked for.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use iamc_bench_corpus::requests::{Row, requests, write_json_lines};
use iamc_bench_corpus::{Corpus, Parameters, Shape, Templates, generate};
use iamc_policy::{Action, Arn, Principal};
use std::collections::{BTreeMap, BTreeSet};

fn small() -> Corpus {
    generate(Shape::Organization(Parameters::S), 1, Templates::built_in())
}

#[test]
fn the_same_seeds_ask_the_same() {
    let corpus = small();
    let rows = |seed| requests(&corpus, seed).take(500).collect::<Vec<Row>>();
    assert_eq!(rows(1), rows(1));
    assert_ne!(rows(1), rows(2));
    let other = generate(Shape::Organization(Parameters::S), 2, Templates::built_in());
    assert_ne!(rows(1), requests(&other, 1).take(500).collect::<Vec<Row>>());
}

#[test]
fn rows_are_about_what_exists() {
    let corpus = small();
    let world = corpus.world(|_| ());
    let roles: BTreeMap<(String, String), &str> = world
        .roles
        .iter()
        .map(|role| {
            let arn = &role.identity.arn;
            let name = arn.resource().rsplit('/').next().unwrap();
            ((arn.account().to_owned(), name.to_owned()), arn.as_str())
        })
        .collect();
    let users: BTreeSet<&str> = world.users.iter().map(|user| user.identity.arn.as_str()).collect();
    let resources: BTreeSet<&str> = world.resources.iter().map(|resource| resource.arn.as_str()).collect();
    let accounts: BTreeSet<String> = world.accounts.iter().map(|account| account.id.to_string()).collect();
    let (mut own, mut across, mut outside, mut known) = (0, 0, 0, 0);
    let n = 4_000;
    let mut by_role: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in requests(&corpus, 7).take(n).enumerate() {
        assert_eq!(row.id, index as u64);
        row.action.parse::<Action>().unwrap();
        let home = match Principal::from_arn(&row.principal).unwrap() {
            Principal::RoleSession { account, role, .. } => {
                let arn =
                    roles.get(&(account.to_string(), role.to_string())).unwrap_or_else(|| panic!("{}", row.principal));
                *by_role.entry((*arn).to_owned()).or_default() += 1;
                account
            }
            Principal::User { account, .. } => {
                assert!(users.contains(row.principal.as_str()));
                account
            }
            other => panic!("{other}"),
        };
        let owner = match row.resource.as_str() {
            "*" => home.to_string(),
            text => {
                let arn: Arn = text.parse().unwrap();
                known += usize::from(resources.contains(text.trim_end_matches(":*")));
                row.resource_account.clone().unwrap_or_else(|| arn.account().to_owned())
            }
        };
        match () {
            () if owner == home.to_string() => own += 1,
            () if accounts.contains(&owner) => across += 1,
            () => outside += 1,
        }
    }
    let share = |count: usize| 100.0 * count as f64 / n as f64;
    assert!((65.0..82.0).contains(&share(own)), "own {}", share(own));
    assert!((15.0..28.0).contains(&share(across)), "across {}", share(across));
    assert!((0.5..6.0).contains(&share(outside)), "outside {}", share(outside));
    assert!(share(known) > 15.0, "{}", share(known));
    // Zipf: the busiest role is far above the mean.
    let busiest = by_role.values().max().unwrap();
    assert!(*busiest > 10 * n / world.roles.len(), "{busiest}");
}

#[test]
fn lines_are_requests_of_the_command_line() {
    let corpus = small();
    let mut out = Vec::new();
    write_json_lines(requests(&corpus, 1).take(50), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 50);
    for (line, row) in text.lines().zip(requests(&corpus, 1)) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["id"], row.id.to_string());
        assert_eq!(
            (&value["principal"], &value["action"]),
            (&row.principal.clone().into(), &row.action.clone().into())
        );
        assert_eq!((&value["resource"], &value["mode"]), (&row.resource.clone().into(), &"closed".into()));
        assert_eq!(value["resource_account"].as_str(), row.resource_account.as_deref());
        assert_eq!(value["context"]["aws:SecureTransport"], "true");
    }
}

#[test]
fn every_shape_can_be_asked() {
    for name in ["flat105:5", "adversarial"] {
        let corpus = generate(name.parse().unwrap(), 1, Templates::built_in());
        let rows: Vec<Row> = requests(&corpus, 1).take(20).collect();
        assert_eq!(rows.len(), 20, "{name}");
        assert!(rows.iter().all(|row| Principal::from_arn(&row.principal).is_ok()), "{name}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_same_rows() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    let corpus = small();
    let write = || {
        let mut out = Vec::new();
        iamc_bench_corpus::requests::parquet::write(requests(&corpus, 1).take(300), &mut out).unwrap();
        out
    };
    let bytes = write();
    assert_eq!(bytes, write());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    std::fs::write(&path, bytes).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut n = 0;
    for (read, row) in reader.get_row_iter(None).unwrap().zip(requests(&corpus, 1)) {
        let read = read.unwrap();
        assert_eq!(read.get_string(0).unwrap(), &row.id.to_string());
        assert_eq!(read.get_string(1).unwrap(), &row.principal);
        assert_eq!(read.get_string(4).ok(), row.resource_account.as_ref());
        assert_eq!(read.get_string(5).unwrap(), &row.context_json());
        n += 1;
    }
    assert_eq!(n, 300);
}
