//! Folders of small documents: `documents/accept/KIND/*.json` must be read, `documents/reject/KIND/*.json` must not,
//! in strict mode where the name ends in `.strict.json` and in lenient mode otherwise. What is said about each is a
//! reviewed snapshot, and so is the canonical form of each that is accepted.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod shared;

use iamc_policy::document::Strictness;
use iamc_policy::{Policy, PolicyKind};
use shared::{kind_of, mode_of, render};
use std::fs;
use std::path::Path;

#[test]
fn accepted_documents_and_their_warnings() {
    insta::glob!("documents/accept/*/*.json", |path| {
        let (parsed, text) = read(path);
        let policy =
            parsed.policy.unwrap_or_else(|| panic!("{}: {}", path.display(), render(&text, &parsed.diagnostics)));
        assert_eq!(policy.kind, kind_of(path));
        insta::assert_snapshot!(format!("{}\n{}", policy.to_json(), render(&text, &parsed.diagnostics)));
    });
}

#[test]
fn rejected_documents_and_why() {
    insta::glob!("documents/reject/*/*.json", |path| {
        let (parsed, text) = read(path);
        assert_eq!(parsed.policy, None, "{}", path.display());
        insta::assert_snapshot!(render(&text, &parsed.diagnostics));
    });
}

#[test]
fn what_only_strict_mode_rejects_has_a_meaning_in_lenient_mode() {
    let mut n = 0;
    for path in shared::documents("reject").filter(|path| mode_of(path) == Strictness::Strict) {
        let text = fs::read_to_string(&path).unwrap();
        let parsed = Policy::parse(kind_of(&path), Strictness::Lenient, &text);
        assert!(parsed.policy.is_some(), "{}: {}", path.display(), render(&text, &parsed.diagnostics));
        assert!(!parsed.diagnostics.is_empty(), "{}: lenient, not silent", path.display());
        n += 1;
    }
    assert!(n >= 15, "{n}");
}

#[test]
fn what_lenient_mode_rejects_strict_mode_rejects_too() {
    for path in shared::documents("reject").filter(|path| mode_of(path) == Strictness::Lenient) {
        let parsed = Policy::parse_bytes(kind_of(&path), Strictness::Strict, &fs::read(&path).unwrap());
        assert_eq!(parsed.policy, None, "{}", path.display());
    }
}

#[test]
fn every_kind_has_a_document_of_each_sort() {
    for sort in ["accept", "reject"] {
        for kind in PolicyKind::ALL {
            assert!(shared::documents(sort).any(|path| kind_of(&path) == *kind), "{sort}/{kind}");
        }
    }
}

fn read(path: &Path) -> (iamc_policy::Parsed, String) {
    let bytes = fs::read(path).unwrap();
    let parsed = Policy::parse_bytes(kind_of(path), mode_of(path), &bytes);
    (parsed, String::from_utf8_lossy(&bytes).into_owned())
}
