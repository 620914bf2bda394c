//! `iamc bench`: everything about it but how fast it is.

use crate::{folder, run};
use std::process::{Command, Stdio};
use std::time::Duration;

const SMALL: &str = "bench --shape S --rows 2000 --turns 1 --threads 2";

#[test]
fn a_small_organization_is_measured_in_every_way() {
    let folder = folder(&[]);
    let ran = run(&folder, &format!("{SMALL} --format json"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let answer = ran.json();
    assert_eq!(answer["shape"], "S");
    assert_eq!((answer["seed"].as_u64(), answer["accounts"].as_u64()), (Some(1), Some(10)));
    assert_eq!(answer["rows"], 2000);
    assert!(answer["principals"].as_u64().unwrap() > 100);
    assert!(answer["statements_visited"].as_f64().unwrap() > 1.0);
    let measured: Vec<(String, u64)> = answer["measured"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| {
            // A second holds as many decisions as it has times the nanoseconds of one.
            let (ns, rate) = (own["ns"].as_f64().unwrap(), own["decisions_per_second"].as_f64().unwrap());
            assert!(ns > 0.0 && (ns * rate / 1e9 - 1.0).abs() < 1e-6, "{own}");
            assert!(own["ns_min"].as_f64().unwrap() <= ns && ns <= own["ns_max"].as_f64().unwrap());
            let what = own["what"].as_str().unwrap();
            assert_eq!(own["times_naive"].is_null(), what == "naive evaluator");
            (what.to_owned(), own["threads"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("floor, dependent loads", 1),
        ("floor, overlapped loads", 1),
        ("naive evaluator", 1),
        ("one by one, by text", 1),
        ("one by one, by number", 1),
        ("batch", 1),
        ("batch", 2),
    ];
    assert_eq!(measured, expected.map(|(what, threads)| (what.to_owned(), threads)));
}

#[test]
fn rows_of_csv_are_what_was_measured() {
    let ran = run(&folder(&[]), "bench --shape flat105:20 --rows 500 --turns 1 --threads 1 --format csv");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut rows = csv::Reader::from_reader(ran.stdout.as_bytes());
    assert_eq!(rows.headers().unwrap().iter().next(), Some("what"));
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), &rows[0][0]), (6, "floor, dependent loads"));
    assert!(rows.iter().all(|row| row[2].parse::<f64>().unwrap() > 0.0), "{}", ran.stdout);
}

#[test]
fn the_table_is_for_people() {
    let ran = run(&folder(&[]), "bench --shape flat105:20 --seed 3 --rows 500 --turns 1 --threads 1");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("flat105:20, seed 3: 2 accounts, 20 principals, "), "{}", ran.stdout);
    for what in ["naive evaluator", "floor, overlapped loads", "batch"] {
        assert!(ran.stdout.contains(&format!("\n{what} ")), "{what} is not in\n{}", ran.stdout);
    }
}

#[test]
fn what_cannot_be_measured_is_a_wrong_usage() {
    let folder = folder(&[]);
    for (arguments, says) in [
        ("bench --shape XXL", "`XXL` is not a shape"),
        ("bench --rows 0", "--rows"),
        ("bench --turns 0", "--turns"),
        ("bench --format sarif", "`bench` has no format `sarif`"),
    ] {
        let ran = run(&folder, arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments}");
        assert!(ran.stderr.contains(says), "{arguments}\n{}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let folder = folder(&[]);
    let n_files = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut child = Command::new(env!("CARGO_BIN_EXE_iamc"))
        .current_dir(folder.path())
        .args("bench --shape S --rows 1000000 --turns 100 --format json -o bench.json".split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if n_files() == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(n_files(), 1, "the output is being written under another name");
    assert!(!folder.path().join("bench.json").exists());
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(n_files(), 0);
}
