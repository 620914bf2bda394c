//! The example runs on the sample organization.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile};
use iamc_inventory::{Options, read_folder};
use std::path::Path;
use std::process::Command;

#[test]
fn it_runs_on_the_sample_organization() {
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("../acme/export");
    let read = read_folder(&[export], &Options::default(), &|_| {}).expect("the sample reads without errors");
    let set = compile(&read.world, Catalogue::embedded(), &Limits::default()).expect("the sample is small");
    let folder = tempfile::tempdir().expect("a folder for the image");
    let image = folder.path().join("acme.iamc");
    std::fs::write(&image, set.to_bytes()).expect("the image is written");
    let run = Command::new(env!("CARGO_BIN_EXE_iamc-embed-example")).arg(&image).output().expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{err}");
    for line in ["loaded: ", "swapped: 3 times", "batch: ", "user/nobody: the set has no such user or role"] {
        assert!(out.contains(line), "`{line}` is not in\n{out}");
    }
    for line in ["explained: ", "who can sqs:SendMessage: "] {
        assert!(out.contains(line), "`{line}` is not in\n{out}");
    }
    let damaged = folder.path().join("damaged.iamc");
    std::fs::write(&damaged, b"no image").expect("the file is written");
    let run = Command::new(env!("CARGO_BIN_EXE_iamc-embed-example")).arg(&damaged).output().expect("it starts");
    assert!(!run.status.success());
}
