//! The binary as scripts see it: arguments in, bytes and exit codes out.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod bench;
mod bulk;
mod conform;
mod decide;
mod edges;
mod inventory;
mod lint;
mod matrix;
mod output;
mod paths;
mod questions;
mod usage;

use assert_cmd::Command;
use std::path::Path;
use tempfile::TempDir;

/// `iamc` in an empty environment, in a folder.
fn iamc(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iamc"));
    command.current_dir(folder).env_clear();
    command
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// What a run left behind.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Standard output as one JSON value.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Standard output as JSON Lines.
    fn lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs `iamc` with arguments divided by blanks.
fn run(folder: &TempDir, arguments: &str) -> Ran {
    run_with(folder, arguments, "")
}

/// The same, with something on standard input.
fn run_with(folder: &TempDir, arguments: &str, stdin: impl Into<Vec<u8>>) -> Ran {
    let output = iamc(folder.path()).args(arguments.split_whitespace()).write_stdin(stdin).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Allows reading from one bucket, from one network; denies everything without TLS.
const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*",
     "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
  ]
}
"#;

/// An organization of one account as JSON Lines of our own format.
const ORG: &str = r#"{"kind": "account", "id": "111122223333"}
{"kind": "user", "arn": "arn:aws:iam::111122223333:user/ana", "tags": {}, "inline_policies": [{"name": "Read", "document": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}}]}
{"kind": "resource", "arn": "arn:aws:s3:::reports", "account": "111122223333", "policy": null}
"#;
