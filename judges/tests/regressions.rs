//! Every input that ever failed, and a few hundred fresh ones a target.

use iamc_judges::{TARGETS, Target, target};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    entries.sort();
    entries
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}

#[test]
fn inputs_that_failed_fail_no_more() {
    for folder in entries(&fuzz().join("regressions")).into_iter().filter(|path| path.is_dir()) {
        let name = name_of(&folder);
        let target = target(&name).unwrap_or_else(|| panic!("there is no target `{name}`"));
        for path in entries(&folder) {
            let bytes = fs::read(&path).expect("an input");
            println!("{}: {} comparisons", path.display(), target.run(&bytes));
        }
    }
}

#[test]
fn every_target_is_built() {
    let sources = entries(&fuzz().join("fuzz_targets"));
    let found: BTreeSet<String> = sources.iter().map(|path| name_of(path).trim_end_matches(".rs").to_owned()).collect();
    let expected: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(found, expected);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest");
    for Target { name, .. } in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
    }
}

/// Fresh inputs: the claims hold, and a good part of the inputs says something about them.
macro_rules! fresh {
    ($($name:ident: $n:literal, $percent:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            let target = target(stringify!($name)).expect("a target");
            let n_said = (0..$n).filter(|seed| target.run(&target.input(*seed)) > 0).count();
            println!("{}: {n_said} of {} inputs say something", target.name, $n);
            assert!(n_said * 100 >= $n * $percent, "{n_said} of {}", $n);
        })*

        #[test]
        fn every_target_is_tried() {
            let tried = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(tried, TARGETS.iter().map(|target| target.name).collect());
        }
    };
}

fresh!(
    action_set: 300, 70,
    arguments: 3000, 90,
    cases: 300, 90,
    decide: 60, 90,
    document: 1500, 90,
    edges: 30, 90,
    glob: 400, 90,
    load: 150, 90,
    open_context: 300, 30,
    operator: 1000, 90,
    pattern_index: 100, 90,
    reach: 40, 90,
    read_collect: 300, 90,
    read_compressed: 300, 90,
    read_config: 300, 90,
    read_details: 300, 90,
    read_lines: 300, 90,
    read_organization: 300, 90,
    read_outputs: 300, 90,
    read_requests: 300, 90,
    read_together: 300, 90,
);
