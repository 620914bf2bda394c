//! What the repository promises of its own structure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The workspace's own crates among the dependencies of a crate, dev-dependencies left out.
fn own_dependencies(krate: &str) -> BTreeSet<String> {
    let path = root().join(krate).join("Cargo.toml");
    let manifest = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = BTreeSet::new();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line == "[dependencies]" || line == "[build-dependencies]";
        } else if in_dependencies && let Some(rest) = line.strip_prefix("iamc-") {
            found.extend(rest.split(['.', ' ', '=']).next().map(str::to_owned));
        }
    }
    found
}

fn sources(krate: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).expect("a source folder").map(|entry| entry.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(krate).join("src"), &mut found);
    assert!(!found.is_empty(), "{krate} has sources");
    found
}

#[test]
fn engines_do_not_know_each_other() {
    assert_eq!(own_dependencies("reference"), BTreeSet::from(["catalogue".to_owned(), "policy".to_owned()]));
    for engine in ["compiler", "runtime"] {
        if root().join(engine).join("Cargo.toml").exists() {
            assert!(!own_dependencies(engine).contains("reference"), "{engine} depends on the reference");
        }
    }
    assert_eq!(own_dependencies("policy"), BTreeSet::new());
    assert_eq!(own_dependencies("catalogue"), BTreeSet::new());
    for shared in ["inventory", "bench-corpus"] {
        let allowed = BTreeSet::from(["catalogue".to_owned(), "inventory".to_owned(), "policy".to_owned()]);
        let own = own_dependencies(shared);
        assert!(own.is_subset(&allowed), "{shared} depends on {own:?}");
    }
}

/// What decides is written in each engine for itself. The crates that both engines share hold none of it: no module of
/// that name, no function of that name, no connective on truth values.
#[test]
fn shared_crates_do_not_decide() {
    const MODULES: &[&str] = &[
        "glob", "pattern", "matcher", "number", "date", "address", "base64", "formula", "evaluate", "decide", "resolve",
    ];
    const FUNCTIONS: &[&str] = &[
        "fn glob",
        "fn matches_",
        "fn arn_match",
        "fn arn_like",
        "fn string_like",
        "fn decide",
        "fn evaluate",
        "fn substitute",
        "fn derive_context",
        "fn parse_date",
        "fn parse_ip",
        "fn parse_cidr",
        "fn decode_base64",
        "impl BitAnd for Truth",
        "impl BitOr for Truth",
        "impl Not for Truth",
        "impl std::ops::Not for Truth",
        "fn is_public",
        "fn classify_arn",
    ];
    for krate in ["policy", "inventory", "catalogue"] {
        for (path, text) in sources(krate) {
            let module = path.file_stem().and_then(|stem| stem.to_str()).expect("a file name");
            assert!(!MODULES.contains(&module), "{}: a deciding module in a shared crate", path.display());
            for function in FUNCTIONS {
                assert!(!text.contains(function), "{}: `{function}` in a shared crate", path.display());
            }
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace manifest");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = [")).expect("members");
    for member in members.trim_end_matches(']').split(',').map(|name| name.trim().trim_matches('"')) {
        let text = fs::read_to_string(root().join(member).join("Cargo.toml")).expect("a member's manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{member} states its own lints");
        assert!(text.contains("rust-version.workspace = true"), "{member} states its own rust version");
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "cli/README.md"] {
        let text = fs::read_to_string(root().join(name)).expect("a document of the repository");
        let folder = root().join(name);
        let folder = folder.parent().expect("a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") && !link.starts_with('#') {
                let target = link.split('#').next().expect("a path");
                assert!(folder.join(target).exists(), "{name} links to `{link}`, which is not there");
            }
        }
    }
}
