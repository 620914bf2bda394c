//! Where results go: colours, files, pipes, signals.

use crate::{ORG, POLICY, folder, iamc, run};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

const ALLOWED: &str = "decide --policies p.json --closed --context aws:SourceIp=203.0.113.7 \
                       --principal arn:aws:iam::111122223333:user/ana --action s3:GetObject \
                       --resource arn:aws:s3:::reports/q";

#[test]
fn colours_are_off_in_a_pipe_unless_asked_for() {
    let folder = folder(&[("p.json", POLICY)]);
    assert!(!run(&folder, ALLOWED).stdout.contains('\u{1b}'));
    assert!(!run(&folder, &format!("{ALLOWED} --color never")).stdout.contains('\u{1b}'));
    let coloured = run(&folder, &format!("{ALLOWED} --color always"));
    assert!(coloured.stdout.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&coloured.stdout).to_string(), run(&folder, ALLOWED).stdout);
    assert!(run(&folder, "lint --color always missing").stderr.contains('\u{1b}'));
    assert!(run(&folder, "--color always frobnicate").stderr.contains('\u{1b}'));
    assert!(!run(&folder, "--color=never frobnicate").stderr.contains('\u{1b}'));
    // A file is no terminal, whatever is asked for.
    assert_eq!(run(&folder, &format!("{ALLOWED} --color always -o out.txt")).code, 0);
    assert!(!std::fs::read_to_string(folder.path().join("out.txt")).unwrap().contains('\u{1b}'));
}

#[test]
fn a_file_is_replaced_when_it_is_complete_and_nothing_else_stays() {
    let folder = folder(&[("p.json", POLICY), ("out.txt", "before")]);
    let ran = run(&folder, &format!("{ALLOWED} -o out.txt"));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    let text = std::fs::read_to_string(folder.path().join("out.txt")).unwrap();
    assert!(text.starts_with("Allow\n"), "{text}");
    // A run that fails leaves what was there.
    assert_eq!(run(&folder, &format!("{} -o out.txt", ALLOWED.replace("p.json", "missing"))).code, 3);
    assert_eq!(std::fs::read_to_string(folder.path().join("out.txt")).unwrap(), text);
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["out.txt", "p.json"]);
}

#[test]
fn a_dash_is_standard_output() {
    let folder = folder(&[("p.json", POLICY)]);
    assert_eq!(run(&folder, &format!("{ALLOWED} -o -")).stdout, run(&folder, ALLOWED).stdout);
    assert!(!folder.path().join("-").exists());
}

#[test]
fn an_output_that_cannot_be_written_is_wrong_usage() {
    let folder = folder(&[("p.json", POLICY)]);
    for output in ["no/such/folder/out.txt", "."] {
        let ran = run(&folder, &format!("{ALLOWED} -o {output}"));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("error: cannot write `{output}`")), "{}", ran.stderr);
        // What it is called meanwhile tells nobody anything.
        assert!(!ran.stderr.contains(".tmp"), "{}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn devices_and_links_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let folder = folder(&[("p.json", POLICY), ("target.txt", "before")]);
    assert_eq!(run(&folder, &format!("{ALLOWED} -o /dev/null")).code, 0);
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("target.txt", path("link.txt")).unwrap();
    std::fs::set_permissions(path("target.txt"), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(&folder, &format!("{ALLOWED} -o link.txt")).code, 0);
    assert!(std::fs::symlink_metadata(path("link.txt")).unwrap().is_symlink());
    assert!(std::fs::read_to_string(path("target.txt")).unwrap().starts_with("Allow\n"));
    assert_eq!(std::fs::metadata(path("target.txt")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let lines = format!(
        "{}\n",
        r#"{"principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/q"}"#
    )
    .repeat(50_000);
    let folder = folder(&[("org.jsonl", ORG), ("r.jsonl", &lines)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_iamc"))
        .current_dir(folder.path())
        .args(["decide", "org.jsonl", "--requests", "r.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
    // Dropped here, with most of the answers unread.
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_written_file() {
    interrupt(&["decide", "org.jsonl", "--requests", "-", "-o", "answers.jsonl"], "answers.jsonl");
    // Every action on so many resources, a row for each cell: long enough to be interrupted.
    let mut matrix = vec!["matrix", "org.jsonl", "--action", "*", "--cells", "-o", "cells.parquet", "--threads", "1"];
    let objects: Vec<String> = (0..500).map(|i| format!("arn:aws:s3:::reports/{i}")).collect();
    matrix.extend(objects.iter().flat_map(|object| ["--resource", object]));
    interrupt(&matrix, "cells.parquet");
}

/// Runs `iamc`, which writes `target`, and interrupts it while it does.
#[cfg(unix)]
fn interrupt(arguments: &[&str], target: &str) {
    let folder = folder(&[("org.jsonl", ORG)]);
    let names = || {
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_iamc"))
        .current_dir(folder.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever does not read it has perhaps ended.
    let _ = stdin.write_all(b"{}\n");
    for _ in 0..600 {
        if names().len() == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(names().len(), 2, "the output is being written under another name");
    assert!(!names().contains(&target.to_owned()));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stdin);
    assert_eq!(names(), ["org.jsonl"]);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = folder(&[("p.json", POLICY)]);
    for arguments in [
        "decide --policies p.json --principal arn:aws:iam::111122223333:user/ana --action s3:GetObject \
         --resource arn:aws:s3:::reports/q --explain",
        "lint --strict p.json --format sarif",
        "completions zsh",
    ] {
        let mut first = iamc(folder.path());
        let mut second = iamc(folder.path());
        let one = first.args(arguments.split_whitespace()).output().unwrap();
        let two =
            second.args(arguments.split_whitespace()).env("LANG", "de_DE.UTF-8").env("TERM", "dumb").output().unwrap();
        assert!(!one.stdout.is_empty(), "{arguments}");
        assert_eq!((one.stdout, one.stderr, one.status), (two.stdout, two.stderr, two.status), "{arguments}");
    }
}
