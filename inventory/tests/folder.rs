//! Folders of AWS exports: odd shapes, what is missing, what is wrong; the result depends on nothing but the content.

use iamc_inventory::{Errors, Options, Read, read_folder, read_lines, write_lines};
use iamc_policy::World;
use iamc_policy::world::*;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Relative, so that positions are the same on every machine: tests run in the folder of the package.
fn exports(name: &str) -> PathBuf {
    Path::new("tests/exports").join(name)
}

fn try_read(paths: &[PathBuf], options: &Options) -> Result<Read, Errors> {
    read_folder(paths, options, &|_| {})
}

fn read(name: &str) -> Read {
    try_read(&[exports(name)], &Options::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(name: &str) -> String {
    try_read(&[exports(name)], &Options::default()).expect_err("the export is wrong").to_string()
}

fn export(world: &World) -> String {
    let mut out = Vec::new();
    write_lines(world, &mut out).expect("writing into memory cannot fail");
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Reads one file with this content.
fn read_text(name: &str, bytes: &[u8]) -> Result<Read, Errors> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(name), bytes).expect("a temporary file");
    try_read(&[folder.path().to_owned()], &Options::default())
}

#[test]
fn odd_shapes_are_understood() {
    let read = read("odd");
    insta::assert_snapshot!("odd_report", read.to_string());
    insta::assert_snapshot!("odd_world", export(&read.world));
}

/// "None" is said by the error that means it, or by an output that would hold the policy: never by silence.
#[test]
fn what_nobody_fetched_is_not_none() {
    let wrapper = |command: &str, rest: &str| {
        let arguments = r#"{"bucket": "b", "key-id": "k", "queue-url": "q", "topic-arn":
            "arn:aws:sns:us-east-1:111122223333:t", "attribute-names": "All"}"#;
        let text = format!(
            r#"{{"command": "{command}", "account": "111122223333", "region": "us-east-1", "arguments": {arguments}{rest}}}"#
        );
        read_text("one.json", text.as_bytes())
    };
    for command in ["s3api get-bucket-policy", "s3api list-buckets", "kms list-grants", "sns get-topic-attributes"] {
        let errors = wrapper(command, "").expect_err(command).to_string();
        assert!(errors.contains("neither `output` nor `error`"), "{errors}");
    }
    for (command, rest, policy) in [
        ("s3api get-bucket-policy", r#", "output": {}"#, ResourcePolicy::NotExported),
        ("s3api get-bucket-policy", r#", "error": {"code": "AccessDenied"}"#, ResourcePolicy::NotExported),
        ("s3api get-bucket-policy", r#", "error": {"code": "NoSuchBucketPolicy"}"#, ResourcePolicy::None),
        ("kms get-key-policy", r#", "output": {}"#, ResourcePolicy::NotExported),
        ("sns get-topic-attributes", r#", "output": {}"#, ResourcePolicy::NotExported),
        ("sns get-topic-attributes", r#", "output": {"Attributes": {}}"#, ResourcePolicy::None),
        ("sqs get-queue-attributes", "", ResourcePolicy::None),
    ] {
        let read = wrapper(command, rest).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(read.world.resources[0].policy, policy, "{command}{rest}");
        let reported = policy == ResourcePolicy::NotExported;
        assert_eq!(!read.report.skipped.is_empty(), reported, "{command}{rest}");
    }
}

#[test]
fn outputs_about_resources_are_understood() {
    let read = read("wrapped");
    insta::assert_snapshot!("wrapped_report", read.to_string());
    insta::assert_snapshot!("wrapped_world", export(&read.world));
}

#[test]
fn what_is_missing_is_told() {
    let read = read("truncated");
    insta::assert_snapshot!("truncated_report", read.to_string());
    insta::assert_snapshot!("truncated_world", export(&read.world));
    let strict = Options { strict_completeness: true, ..Options::default() };
    let found = try_read(&[exports("truncated")], &strict).unwrap_err();
    assert_eq!(found.as_slice().len(), read.world.gaps.len());
    let assumed = Options { assume_complete: true, ..strict };
    assert!(try_read(&[exports("truncated")], &assumed).unwrap().world.assume_complete);
}

#[test]
fn contradictions_are_errors() {
    insta::assert_snapshot!(errors("contradictions"));
}

#[test]
fn damage_is_told_with_its_place() {
    insta::assert_snapshot!(errors("damaged"));
}

#[test]
fn an_organization_is_the_same_in_every_form() {
    let folders = export(&read("forms/folders").world);
    assert_eq!(export(&read("forms/wrapped").world), folders);
    assert_eq!(export(&read("forms/bundle").world), folders);
    assert_eq!(export(&read("forms/other-side").world), folders);
    let all = try_read(&[exports("forms")], &Options::default()).unwrap();
    assert_eq!(export(&all.world), folders, "saying it four times changes nothing");
    let world = read("forms/folders").world;
    let open = |kind| world.gaps.iter().any(|gap| gap.kind == kind);
    assert!(!open(GapKind::Scps) && !open(GapKind::Rcps) && !open(GapKind::Hierarchy), "{:?}", world.gaps);
}

#[test]
fn the_result_depends_on_neither_threads_nor_order() {
    let first = read("odd");
    let parts: Vec<PathBuf> = ["README.md", "accounts", "empty.json", "organizations", "own.jsonl", "template.json"]
        .iter()
        .map(|part| exports("odd").join(part))
        .collect();
    let reversed: Vec<PathBuf> = parts.iter().rev().cloned().collect();
    for threads in [1, 2, 3, 16] {
        let options = Options { threads: Some(threads), ..Options::default() };
        assert_eq!(try_read(&[exports("odd")], &options).unwrap(), first);
        assert_eq!(try_read(&parts, &options).unwrap(), first);
        assert_eq!(try_read(&reversed, &options).unwrap(), first);
        let broken = try_read(&[exports("damaged")], &options).unwrap_err();
        assert_eq!(broken.to_string(), errors("damaged"));
    }
}

/// Files of more bytes than one thread reads at once.
#[test]
fn many_files_are_joined_in_their_order_whoever_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let padding = "p".repeat(400);
    for file in 0..24 {
        let user = |n: u32| format!(r#"{{"kind":"user","arn":"arn:aws:iam::111111111111:user/{padding}/u{n}"}}"#);
        // Each says again what the one before it says last.
        let lines: Vec<String> = (file * 100..=(file + 1) * 100).map(user).collect();
        std::fs::write(folder.path().join(format!("{file:02}.jsonl")), lines.join("\n")).unwrap();
    }
    let all = |threads| {
        let options = Options { threads: Some(threads), ..Options::default() };
        try_read(&[folder.path().to_owned()], &options).map_err(|errors| errors.to_string())
    };
    let first = all(1).unwrap();
    assert_eq!(first.world.users.len(), 2_401);
    assert!(first.report.n_bytes > 1 << 20, "{}", first.report.n_bytes);
    [2, 3, 16].iter().for_each(|threads| assert_eq!(all(*threads).unwrap(), first));
    // What contradicts is told of the later one.
    for (file, name) in [(3, "a"), (11, "b"), (20, "c")] {
        let line = format!(r#"{{"kind":"account","id":"111111111111","name":"{name}"}}"#);
        std::fs::write(folder.path().join(format!("{file:02}-account.jsonl")), line).unwrap();
    }
    let told = all(1).unwrap_err();
    assert!(told.contains("11-account.jsonl") && told.contains("20-account.jsonl"), "{told}");
    [2, 3, 16].iter().for_each(|threads| assert_eq!(all(*threads).unwrap_err(), told));
}

#[test]
fn names_of_files_change_nothing_but_places() {
    // The same pages under names that sort the other way round.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("accounts")).unwrap();
    for (i, name) in ["a-last-page.json", "b-first-page.json", "222222222222.json"].iter().enumerate() {
        let to = folder.path().join("accounts").join(format!("{}.json", 9 - i));
        std::fs::copy(exports("odd/accounts").join(name), to).unwrap();
    }
    let renamed = try_read(&[folder.path().to_owned()], &Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["a-last-page.json", "b-first-page.json", "222222222222.json"] {
        std::fs::copy(exports("odd/accounts").join(name), folder.path().join(name)).unwrap();
    }
    let plain = try_read(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert_eq!(export(&renamed.world), export(&plain.world));
}

#[test]
fn an_export_reads_back_as_the_same_world() {
    for name in ["odd", "wrapped", "truncated", "forms/folders"] {
        let first = export(&read(name).world);
        let again = read_lines("export.jsonl", &first, &Options::default()).unwrap();
        assert_eq!(export(&again.world), first, "{name}");
        // A folder that holds nothing but the export says the same too.
        let folder = read_text("export.jsonl", first.as_bytes()).unwrap();
        assert_eq!(export(&folder.world), first, "{name}");
    }
}

#[test]
fn statements_point_into_their_files() {
    let world = read("odd").world;
    let role = world.roles.iter().find(|role| role.identity.arn.as_str().ends_with("/Bare")).unwrap();
    assert!(role.trust.verbatim);
    // Compact, behind a page that is spread over many lines.
    assert_eq!(role.trust.statement_place(0).unwrap().to_string(), "tests/exports/odd/accounts/222222222222.json:28");
    let group = &world.groups[0].identity.inline[0];
    assert!(!group.verbatim);
    assert_eq!(group.statement_place(0), group.place, "the lines of an encoded document are not those of the file");
}

#[test]
fn encodings_that_shells_write_are_read() {
    let text = r#"{"Organization": {"Id": "o-é", "MasterAccountId": "999999999999"}}"#;
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let marked: Vec<u8> = [0xef, 0xbb, 0xbf].into_iter().chain(text.bytes()).collect();
    for bytes in [text.as_bytes(), &little, &big, &marked] {
        assert_eq!(read_text("x.json", bytes).unwrap().world.organizations[0].id, "o-é");
    }
    // An odd number of bytes, half a character, a lone surrogate.
    for bytes in [&little[..little.len() - 1], &[0xff, 0xfe, 0x00, 0xd8], &[0xff, 0xfe]] {
        let _ = read_text("x.json", bytes);
    }
}

#[test]
fn what_is_not_text_is_an_error_in_json_and_skipped_elsewhere() {
    let errors = read_text("x.json", b"{\"Roots\":\n [\"\xff\"]}").unwrap_err();
    let error = &errors.as_slice()[0];
    assert_eq!((error.line, error.column, error.message.as_str()), (2, 4, "not valid UTF-8"));
    let read = read_text("x.png", b"\x89PNG\r\n\x1a\n\xff").unwrap();
    assert_eq!(read.report.skipped.len(), 1);
    assert_eq!(read.world.gaps, []);
}

#[test]
fn hostile_files_never_panic() {
    let deep = "[".repeat(300_000);
    let nested = format!("{}{}", "{\"Accounts\":".repeat(100_000), "1");
    let closed = format!("{{\"UserDetailList\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("{{{}\"x\":1}}", (0..50_000).map(|i| format!("\"f{i}\":{{}},")).collect::<String>());
    let numbers = r#"{"Accounts": [{"Id": 1e999999, "Arn": -0.0e-99999}], "NextToken": 99999999999999999999999999}"#;
    for text in
        [&deep, &nested, &closed, &wide, numbers, "nul", "\"", "{\"kind\":", "[[]]", "1 2 3", "{}{}{}", "{}\n{\n}"]
    {
        let _ = read_text("x.json", text.as_bytes());
        let _ = read_text("x.jsonl", text.as_bytes());
        let _ = read_text("x", text.as_bytes());
    }
    let error = read_text("x.json", deep.as_bytes()).unwrap_err();
    assert!(error.as_slice()[0].message.contains("not valid JSON"));
}

#[test]
fn damaged_exports_never_panic() {
    for file in ["odd/accounts/b-first-page.json", "wrapped/all.jsonl", "forms/bundle/organization.json"] {
        let whole = std::fs::read(exports(file)).unwrap();
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            let _ = read_text(name, &whole[..at]);
            for byte in [b'"', b'[', b'}', b'7', 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                if let Ok(read) = read_text(name, &bytes) {
                    let first = export(&read.world);
                    let again = read_lines("x", &first, &Options::default()).unwrap_or_else(|e| panic!("{e}\n{first}"));
                    assert_eq!(export(&again.world), first);
                }
            }
        }
    }
}

#[test]
fn missing_files_are_errors() {
    let found = try_read(&[exports("nowhere"), exports("odd")], &Options::default()).unwrap_err();
    assert_eq!(found.as_slice().len(), 1);
    assert!(found.as_slice()[0].to_string().starts_with("tests/exports/nowhere:1:1: cannot be read: "));
}

#[cfg(unix)]
#[test]
fn links_in_circles_come_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    std::fs::write(folder.path().join("a/x.jsonl"), "{\"kind\":\"account\",\"id\":\"111111111111\"}").unwrap();
    let read = try_read(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert_eq!((read.report.n_files, read.world.accounts.len()), (1, 1));
}

#[test]
fn progress_counts_every_file() {
    let seen = Mutex::new(Vec::new());
    let read = read_folder(&[exports("odd")], &Options::default(), &|progress| {
        seen.lock().unwrap().push((progress.n_done, progress.n_files, progress.bytes_done, progress.bytes));
    })
    .unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), read.report.n_files);
    assert!(seen.iter().enumerate().all(|(i, (done, all, _, _))| *done == i + 1 && *all == read.report.n_files));
    let (_, _, bytes_done, bytes) = seen.last().unwrap();
    assert_eq!((bytes_done, *bytes), (bytes, read.report.n_bytes));
}

#[test]
fn outputs_without_arns_belong_to_the_only_organization() {
    let text = r#"
        {"Organization": {"Id": "o-x", "MasterAccountId": "999999999999"}}
        {"Roots": [{"Id": "r-1", "Name": "Root", "PolicyTypes": []}]}
        {"command": "list-accounts-for-parent", "arguments": {"parent-id": "r-1"}, "output": {"Accounts": [{"Id": "111111111111"}]}}
    "#;
    let world = read_text("x.json", text.as_bytes()).unwrap().world;
    assert_eq!(world.units[0].organization, "o-x");
    assert_eq!(world.organizations[0].scp_enabled, Some(false));
    assert_eq!(world.accounts[0].parent.as_deref(), Some("r-1"));
    // Without the organization the place of its root is not known.
    let text = r#"{"Roots": [{"Id": "r-1"}]}"#;
    let world = read_text("x.json", text.as_bytes()).unwrap().world;
    assert_eq!(world.gaps[0].kind, GapKind::Hierarchy);
}

/// Every type of item hides its policy elsewhere; what Config does not record is not taken for none.
#[test]
fn items_of_aws_config_are_understood() {
    let read = read("config");
    insta::assert_snapshot!("config_report", read.to_string());
    insta::assert_snapshot!("config_world", export(&read.world));
}

/// The folder says what kind of thing lies in it, `metadata.json` how it is called.
#[test]
fn a_store_of_iam_collect_is_understood() {
    let read = read("collect");
    insta::assert_snapshot!("collect_report", read.to_string());
    insta::assert_snapshot!("collect_world", export(&read.world));
}

/// Resource policies of every service that has them, shares, instance profiles and last use.
#[test]
fn outputs_about_every_service_are_understood() {
    let read = read("services");
    insta::assert_snapshot!("services_report", read.to_string());
    insta::assert_snapshot!("services_world", export(&read.world));
}
