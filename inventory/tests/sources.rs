//! Where bytes come from: compressed files, links, texts in memory; and what `assume_complete` means to the reader.

use iamc_inventory::{Input, Options, Read, read_folder, read_inputs, write_lines};
use iamc_policy::World;
use iamc_policy::world::{GapKind, PolicyText, ResourcePolicy};
use std::io::Write;
use std::path::Path;

fn export(world: &World) -> String {
    let mut out = Vec::new();
    write_lines(world, &mut out).expect("writing into memory cannot fail");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn read_path(path: &Path, options: &Options) -> Read {
    read_folder(&[path.to_owned()], options, &|_| {}).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Copies a folder, each file packed by `pack` under its name with `ending`.
fn packed(from: &Path, to: &Path, ending: &str, pack: &dyn Fn(&[u8]) -> Vec<u8>) {
    for entry in std::fs::read_dir(from).expect("a temporary folder") {
        let path = entry.expect("a temporary folder").path();
        let name = path.file_name().expect("a temporary folder").to_str().expect("a temporary folder");
        if path.is_dir() {
            std::fs::create_dir(to.join(name)).expect("a temporary folder");
            packed(&path, &to.join(name), ending, pack);
        } else {
            std::fs::write(
                to.join(format!("{name}{ending}")),
                pack(&std::fs::read(&path).expect("a temporary folder")),
            )
            .expect("a temporary folder");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a temporary folder");
    encoder.finish().expect("a temporary folder")
}

/// The names of folders and files count as if the ending were not there.
#[test]
fn compressed_files_are_read_directly() {
    let plain = Path::new("tests/exports/forms/folders");
    let expected = export(&read_path(plain, &Options::default()).world);
    let zstandard = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    for (ending, pack) in [(".gz", &gzip as &dyn Fn(&[u8]) -> Vec<u8>), (".zst", &zstandard), ("", &gzip)] {
        let folder = tempfile::tempdir().unwrap();
        packed(plain, folder.path(), ending, pack);
        let found = read_folder(&[folder.path().to_owned()], &Options::default(), &|_| {});
        if ending.is_empty() {
            // The bytes say that they are compressed, whatever the file is called.
            assert_eq!(export(&found.unwrap().world), expected);
            continue;
        }
        assert_eq!(export(&found.unwrap().world), expected, "{ending}");
    }
}

#[test]
fn damaged_compression_is_an_error_with_the_file_name() {
    let bytes = gzip(b"{\"Accounts\": []}")[..15].to_vec();
    let input = Input::Bytes { name: "list-accounts.json.gz".into(), bytes };
    let errors = read_inputs(vec![input], &Options::default(), &|_| {}).unwrap_err().to_string();
    assert!(errors.starts_with("list-accounts.json.gz:1:1: cannot be read: "), "{errors}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"kind": "account", "id": "111122223333"}"#;
    std::fs::write(folder.path().join("own.jsonl"), text).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("link.json")).unwrap();
    let read = read_path(folder.path(), &Options::default());
    assert_eq!(read.world.accounts.len(), 1);
    assert_eq!(read.report.unread.len(), 1);
    assert!(read.to_string().contains("link.json:1: cannot be read"), "{read}");
    let strict = Options { strict_completeness: true, ..Options::default() };
    let errors = read_folder(&[folder.path().to_owned()], &strict, &|_| {}).unwrap_err().to_string();
    assert!(errors.contains("link.json:1:1: cannot be read"), "{errors}");
    // What the user names must be there.
    let errors = read_folder(&[folder.path().join("link.json")], &Options::default(), &|_| {}).unwrap_err();
    assert!(errors.to_string().contains("link.json:1:1: cannot be read"), "{errors}");
}

#[test]
fn texts_in_memory_are_read_as_files_are() {
    let folder = Path::new("tests/exports/forms/folders");
    let mut inputs = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.to_str().unwrap().to_owned();
            inputs.push(Input::Bytes { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
    let read = read_inputs(inputs, &Options::default(), &|_| {}).unwrap();
    assert_eq!(read.world, read_path(folder, &Options::default()).world);
}

/// What an input names without describing it does not exist then; what it describes without its text does.
#[test]
fn what_is_assumed_complete_leaves_nothing_open() {
    let text = r#"{"kind": "policy", "arn": "arn:aws:iam::111122223333:policy/Stated", "document": null}
        {"kind": "role", "arn": "arn:aws:iam::111122223333:role/R", "trust_policy": {"document": {"Statement": []}},
         "attached_policies": ["arn:aws:iam::111122223333:policy/Stated", "arn:aws:iam::111122223333:policy/Lacking"]}
        {"kind": "resource", "arn": "arn:aws:s3:::b", "account": "111122223333"}
        {"kind": "endpoint", "id": "vpce-1", "account": "111122223333", "endpoint_type": "gateway"}"#;
    let read = |assume_complete| {
        let options = Options { assume_complete, ..Options::default() };
        let input = Input::Bytes { name: "own.json".into(), bytes: text.as_bytes().to_vec() };
        read_inputs(vec![input], &options, &|_| {}).unwrap().world
    };
    let names = |world: &World| -> Vec<String> {
        assert!(world.policies.iter().all(|policy| matches!(policy.policy.text, PolicyText::Unknown(_))));
        world.policies.iter().map(|policy| policy.policy.name.to_string()).collect()
    };
    let open = read(false);
    assert_eq!(names(&open), ["Lacking", "Stated"]);
    assert_eq!(open.resources[0].policy, ResourcePolicy::NotExported);
    assert_eq!(open.gaps.iter().filter(|gap| gap.kind == GapKind::ManagedPolicy).count(), 2);
    let assumed = read(true);
    assert_eq!(names(&assumed), ["Stated"]);
    assert_eq!(assumed.resources[0].policy, ResourcePolicy::None);
    assert_eq!(assumed.endpoints[0].policy, ResourcePolicy::None);
}

/// Details of nobody, in a file that does not say whose they are, are no inventory.
#[test]
fn details_that_name_no_account_do_not_count_as_read() {
    let bytes = br#"{"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}"#.to_vec();
    let read = |name: &str| {
        let input = Input::Bytes { name: name.into(), bytes: bytes.clone() };
        read_inputs(vec![input], &Options::default(), &|_| {}).unwrap()
    };
    assert_eq!(read("details.json").report.inputs, []);
    assert_eq!(read("details.json").report.skipped.len(), 1);
    assert_eq!(read("111122223333.json").report.inputs, [("account authorization details", 1)]);
}

/// A sample of each kind of export is damaged in every way that cutting and changing bytes allows.
#[test]
fn no_reader_panics_on_damaged_bytes() {
    let files = |name: &str| std::fs::read(Path::new("tests/exports").join(name)).expect("a sample");
    let store = br#"{"accounts/111122223333/iam/role/r/metadata.json": {"arn": "arn:aws:iam::111122223333:role/R"},
        "accounts/111122223333/iam/role/r/trust-policy.json": {"Statement": []},
        "accounts/111122223333/iam/role/r/inline-policies.json": [{"PolicyName": "p", "PolicyDocument": {}}],
        "organizations/o-1/metadata.json": {"id": "o-1", "rootAccountId": "111122223333", "features": ["X"]},
        "organizations/o-1/structure.json": {"r-1": {"children": [{"id": "ou-1-1"}, "111122223333"]}},
        "organizations/o-1/accounts.json": {"111122223333": {"ou": "r-1", "scps": ["p-1"]}}}"#;
    let samples = [
        files("truncated/details.json"),
        files("config/select-aggregate-resource-config.json"),
        files("services/all.jsonl")[..3_000].to_vec(),
        store.to_vec(),
        gzip(b"{\"Accounts\": []}"),
    ];
    let mut n_read = 0;
    for (name, reader) in iamc_inventory::bytes::READERS {
        for sample in &samples {
            n_read += usize::from(reader(sample, &Options::default()).is_ok());
            let step = (sample.len() / 60).max(1);
            for at in (0..sample.len()).step_by(step) {
                let _ = reader(&sample[..at], &Options::default());
                for byte in [b'"', b'{', b'[', 0xff, b'0'] {
                    let mut damaged = sample.clone();
                    damaged[at] = byte;
                    let _ = reader(&damaged, &Options::default());
                }
            }
        }
        assert!(!name.is_empty());
    }
    assert!(n_read > 20, "{n_read}");
}

/// Nesting costs no stack, in any reader.
#[test]
fn nesting_costs_no_stack() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let objects = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    let structure = format!(
        "{{\"organizations/o-1/metadata.json\": {{\"id\": \"o-1\"}}, \"organizations/o-1/structure.json\": {objects}}}"
    );
    for (_, reader) in iamc_inventory::bytes::READERS {
        for text in [&deep, &objects, &structure] {
            let _ = reader(text.as_bytes(), &Options::default());
        }
    }
}

/// Sources may be combined; what they say twice must be the same, and what contradicts names both places.
#[test]
fn sources_are_combined_and_contradictions_told() {
    let role = |action: &str| {
        format!(
            r#"{{"arn": "arn:aws:iam::111122223333:role/R", "roleId": "AROA1", "roleName": "R", "path": "/",
            "rolePolicyList": [{{"policyName": "p", "policyDocument": "{{\"Statement\": [{{\"Effect\": \"Allow\", \"Action\": \"{action}\", \"Resource\": \"*\"}}]}}"}}],
            "attachedManagedPolicies": [], "tags": [], "assumeRolePolicyDocument": "{{\"Statement\": []}}"}}"#
        )
    };
    let config = |action: &str| {
        let text = format!(
            r#"{{"configSnapshotId": "1", "configurationItems": [{{"resourceType": "AWS::IAM::Role", "resourceId": "AROA1",
            "awsAccountId": "111122223333", "awsRegion": "global", "configurationItemStatus": "OK", "configuration": {}}}]}}"#,
            role(action)
        );
        Input::Bytes { name: "config.json".into(), bytes: text.into_bytes() }
    };
    let details = r#"{"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/R", "RoleId": "AROA1", "RoleName": "R",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument":
        {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}}],
        "AttachedManagedPolicies": [], "Tags": [], "AssumeRolePolicyDocument": {"Statement": []}}]}"#;
    let details = || Input::Bytes { name: "details.json".into(), bytes: details.as_bytes().to_vec() };
    let read = read_inputs(vec![details(), config("s3:GetObject")], &Options::default(), &|_| {}).unwrap();
    assert_eq!(read.world.roles.len(), 1);
    // The details prove that there are no other identities, which Config alone does not.
    assert!(!read.world.gaps.iter().any(|gap| gap.kind == GapKind::Identities), "{:?}", read.world.gaps);
    let errors = read_inputs(vec![details(), config("s3:PutObject")], &Options::default(), &|_| {}).unwrap_err();
    let told = errors.to_string();
    assert!(told.contains("role `arn:aws:iam::111122223333:role/R` differs from the one at "), "{told}");
    assert!(told.contains("config.json:") && told.contains("details.json:"), "{told}");
}

/// The policies of an identity of SES add up; a file that is there twice adds nothing.
#[test]
fn policies_that_add_up_do_so_once() {
    let policy = |action: &str| {
        format!(
            r#"{{\"Statement\": [{{\"Effect\": \"Allow\", \"Principal\": {{\"AWS\": \"444455556666\"}}, \"Action\": \"{action}\", \"Resource\": \"*\"}}]}}"#
        )
    };
    let input = |name: &str| {
        let text = format!(
            r#"{{"command": "sesv2 get-email-identity-policies", "account": "111122223333", "region": "us-east-1",
            "arguments": {{"email-identity": "example.com"}}, "output": {{"Policies": {{"a": "{}", "b": "{}"}}}}}}"#,
            policy("ses:SendEmail"),
            policy("ses:SendRawEmail")
        );
        Input::Bytes { name: name.into(), bytes: text.into_bytes() }
    };
    let read = |inputs| read_inputs(inputs, &Options::default(), &|_| {}).unwrap().world;
    let once = export(&read(vec![input("a.json")]));
    assert!(once.contains("ses:SendEmail") && once.contains("ses:SendRawEmail"), "{once}");
    assert_eq!(export(&read(vec![input("a.json"), input("b.json")])), once);
}

/// The tree of units of iam-collect is read to a certain depth; what lies below is told.
#[test]
fn a_tree_of_units_that_is_too_deep_is_told_with_its_limit() {
    let deep = |levels: usize| {
        let tree = "{\"children\": [".repeat(levels) + &"]}".repeat(levels);
        let text = format!(
            "{{\"organizations/o-1/metadata.json\": {{\"id\": \"o-1\", \"rootAccountId\": \"111122223333\"}}, \
             \"organizations/o-1/structure.json\": {{\"r-1\": {tree}}}}}"
        );
        let read = iamc_inventory::bytes::collect(text.as_bytes(), &Options::default()).unwrap();
        read.report.skipped.into_iter().map(|skipped| skipped.why).collect::<Vec<_>>()
    };
    assert_eq!(deep(20), [""; 0]);
    assert_eq!(deep(200), ["the tree of units is nested 65 levels deep, limit 64"]);
}

/// A file of millions of values that nobody knows is millions of messages to nobody.
#[test]
fn of_what_is_skipped_and_wrong_a_part_is_listed() {
    let read = |item: &str| {
        let input = Input::Bytes { name: "x.jsonl".into(), bytes: item.repeat(1_500).into_bytes() };
        read_inputs(vec![input], &Options::default(), &|_| {})
    };
    let skipped = read("{}\n").unwrap().report.skipped;
    assert_eq!(skipped.len(), 1_001);
    assert_eq!(skipped[1_000].why, "500 more values of this file were skipped");
    let errors = read("{\"kind\": \"x\"}\n").unwrap_err().into_vec();
    assert_eq!(errors.len(), 1_001);
    assert!(errors.iter().any(|error| error.message == "500 more errors in this file are not shown"));
}
