//! The three forms that `--catalogue` accepts give the same facts.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no, in its helpers too")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use iamc_catalogue::{
    AccessLevel, ActionEntry, ActionResource, Catalogue, Edition, EncodeError, KeyEntry, KeyFacts, LoadError,
    ResourceTypeEntry, ServiceEntry, encode, iam_data,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A file of our own that goes away with its owner.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, bytes: &[u8]) -> TempFile {
        let path = std::env::temp_dir().join(format!("iamc-catalogue-test-{}-{name}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        TempFile(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Everything that the views say, except where it comes from and the names for people.
fn dump(catalogue: &Catalogue) -> String {
    let mut out = String::new();
    for service in catalogue.services() {
        writeln!(out, "service {} {:?}", service.prefix(), service.condition_keys().collect::<Vec<_>>()).unwrap();
        for t in service.resource_types() {
            let templates: Vec<&str> = t.arn_templates().collect();
            writeln!(out, "  type {} {templates:?} {:?}", t.name(), t.condition_keys().collect::<Vec<_>>()).unwrap();
        }
        for action in service.actions() {
            let resources: Vec<_> = action
                .condition_keys_by_type()
                .zip(action.resource_types())
                .map(|((t, keys), (same, required))| {
                    assert_eq!(t, same);
                    (t.name(), required, keys.map(|key| key.name()).collect::<Vec<_>>())
                })
                .collect();
            let dependents: Vec<&str> = action.dependent_actions().collect();
            let level = action.access_level().map(AccessLevel::as_str);
            let keys: Vec<_> = action.condition_keys().collect();
            writeln!(out, "  action {action} {level:?} {resources:?} {keys:?} {dependents:?}").unwrap();
        }
    }
    for key in catalogue.condition_keys() {
        writeln!(out, "key {} {:?}", key.name(), key.declared()).unwrap();
    }
    out
}

#[test]
fn three_forms_say_the_same() {
    let from_package = Catalogue::load(fixture("iam-data")).unwrap();
    let from_data = Catalogue::load(fixture("iam-data/data")).unwrap();
    let from_reference = Catalogue::load(fixture("service-reference")).unwrap();
    let table = encode(&iam_data::read_package(&fixture("iam-data")).unwrap()).unwrap();
    let file = TempFile::new("table.bin", &table);
    let from_table = Catalogue::load(&file.0).unwrap();

    let expected = "\
service box [ConditionKeyFacts(box:Weight)]
  action box:Open Some(\"Permissions management\") [] [ConditionKeyFacts(box:Weight)] []
service toy [ConditionKeyFacts(box:Weight), ConditionKeyFacts(toy:Color), ConditionKeyFacts(toy:Part/${name}.size), \
ConditionKeyFacts(toy:Tag/<key>)]
  type shelf [\"arn:${Partition}:toy:${Region}:${Account}:shelf/${Name}\"] []
  type ball [\"arn:${Partition}:toy:::${Name}\", \"arn:${Partition}:toy:::${Name}/${Part}\"] \
[ConditionKeyFacts(aws:ResourceTag/${TagKey})]
  action toy:ListBalls Some(\"List\") [] [] []
  action toy:Paint Some(\"Tagging\") [(\"ball\", false, [])] [ConditionKeyFacts(toy:Color), \
ConditionKeyFacts(toy:Undeclared)] []
  action toy:PlayWithBall Some(\"Write\") [(\"ball\", false, [\"toy:Color\"]), (\"shelf\", false, [])] \
[ConditionKeyFacts(aws:TagKeys), ConditionKeyFacts(toy:Tag/<key>)] [\"box:Open\"]
key aws:ResourceTag/${TagKey} None
key aws:TagKeys None
key box:Weight Some(KeyFacts { key_type: Numeric, multi: false })
key toy:Color Some(KeyFacts { key_type: String, multi: true })
key toy:Part/${name}.size Some(KeyFacts { key_type: Numeric, multi: false })
key toy:Tag/<key> Some(KeyFacts { key_type: String, multi: false })
key toy:Undeclared None
";
    for (form, catalogue) in
        [("package", &from_package), ("data", &from_data), ("reference", &from_reference), ("table", &from_table)]
    {
        assert_eq!(dump(catalogue), expected, "{form}");
    }
    assert_eq!((from_package.name(), from_package.date()), ("toy-data 1.2.3", Some("2026-01-02")));
    assert_eq!((from_table.name(), from_table.date()), ("toy-data 1.2.3", Some("2026-01-02")));
    assert_eq!((from_reference.name(), from_reference.date()), ("AWS service reference", None));
    assert_eq!(from_package.service("TOY").unwrap().name(), "Amazon Toy");
    assert_eq!(from_reference.service("toy").unwrap().name(), "");
}

#[test]
fn a_service_document_may_stand_alone_or_in_an_array() {
    let alone = Catalogue::load(fixture("service-reference/v1/toy/toy.json")).unwrap();
    assert_eq!((alone.n_services(), alone.n_actions()), (1, 3));
    let text = fs::read_to_string(fixture("service-reference/v1/toy/toy.json")).unwrap();
    let more = fs::read_to_string(fixture("service-reference/v1/box/box.json")).unwrap();
    let array = TempFile::new("array.json", format!("[{text},{more}]").as_bytes());
    assert_eq!(
        dump(&Catalogue::load(&array.0).unwrap()),
        dump(&Catalogue::load(fixture("service-reference")).unwrap())
    );
}

#[test]
fn a_list_of_global_keys_belongs_to_no_service() {
    let text = r#"[{"Name": "x", "Actions": [{"Name": "Do"}]},
        {"ConditionKeys": [{"Name": "aws:NewKey", "Types": ["ArrayOfString"]}]}]"#;
    let file = TempFile::new("global.json", text.as_bytes());
    let catalogue = Catalogue::load(&file.0).unwrap();
    assert_eq!(catalogue.n_services(), 1);
    assert_eq!(catalogue.key("aws:newkey"), KeyFacts::parse("ArrayOfString"));
    assert_eq!(catalogue.action("x", "do").unwrap().access_level(), None);
}

#[test]
fn input_that_is_no_catalogue_is_refused() {
    let load = |name: &str, text: &str| {
        let file = TempFile::new(name, text.as_bytes());
        Catalogue::load(&file.0).unwrap_err()
    };
    assert!(matches!(load("a.json", "{}"), LoadError::Unrecognised { .. }));
    assert!(matches!(load("b.json", "[]"), LoadError::Unrecognised { .. }));
    assert!(matches!(load("c.json", r#"{"Actions": 7}"#), LoadError::Json { .. }));
    assert!(matches!(load("d.json", ""), LoadError::Json { .. }));
    assert!(matches!(load("e.json", &"[".repeat(100_000)), LoadError::Json { .. }));
    assert!(matches!(load("f.bin", "IAMCCAT1"), LoadError::Table { .. }));
    assert!(matches!(Catalogue::load(fixture("nothing")), Err(LoadError::Io { .. })));
    let error = load("g.json", "{").to_string();
    assert!(error.contains("g.json") && error.contains("line 1"), "{error}");
}

fn action(name: &str) -> ActionEntry {
    ActionEntry { name: name.into(), ..ActionEntry::default() }
}

#[test]
fn pages_of_one_prefix_are_merged() {
    let resource = |name: &str, required| ActionResource {
        resource_type: name.into(),
        required,
        keys: vec!["a:Key".into(), "A:KEY".into()],
    };
    let first = ServiceEntry {
        prefix: "A".into(),
        actions: vec![ActionEntry { resources: vec![resource("t", false)], ..action("Do") }, action("Alone")],
        ..ServiceEntry::default()
    };
    let second = ServiceEntry {
        prefix: "a".into(),
        name: "Second".into(),
        actions: vec![ActionEntry {
            access_level: Some(AccessLevel::Read),
            resources: vec![resource("u", false), resource("t", true)],
            ..action("do")
        }],
        resource_types: vec![ResourceTypeEntry { name: "u".into(), ..ResourceTypeEntry::default() }],
        keys: vec![KeyEntry { name: "a:Key".into(), facts: KeyFacts::parse("Bool") }],
    };
    let edition = Edition { services: vec![first, second], ..Edition::default() };
    let catalogue = Catalogue::read(encode(&edition).unwrap()).unwrap();
    assert_eq!((catalogue.n_services(), catalogue.n_actions()), (1, 2));
    let merged = catalogue.action("a", "DO").unwrap();
    assert_eq!((merged.name(), merged.access_level()), ("Do", Some(AccessLevel::Read)));
    let resources: Vec<_> = merged.resource_types().map(|(t, required)| (t.name(), required)).collect();
    assert_eq!(resources, [("t", true), ("u", false)]);
    assert!(merged.condition_keys_by_type().all(|(_, keys)| keys.len() == 1));
    assert!(merged.lists_key("a:key") && !merged.is_wildcard_only());
    assert!(catalogue.action("a", "Alone").unwrap().is_wildcard_only());
}

#[test]
fn the_same_edition_gives_the_same_bytes() {
    let edition = iam_data::read_package(&fixture("iam-data")).unwrap();
    let mut turned = edition.clone();
    turned.services.reverse();
    turned.services.iter_mut().for_each(|service| service.actions.reverse());
    assert_eq!(encode(&edition).unwrap(), encode(&turned).unwrap());
}

#[test]
fn limits_are_told() {
    let with_name = |name: String| Edition {
        services: vec![ServiceEntry { prefix: "a".into(), actions: vec![action(&name)], ..ServiceEntry::default() }],
        ..Edition::default()
    };
    assert!(encode(&with_name("x".repeat(1_023))).is_ok());
    let too_long = encode(&with_name("x".repeat(1_024)));
    assert_eq!(too_long, Err(EncodeError { what: "bytes of one text", given: 1_024, limit: 1_023 }));
    let keys = (0..=65_536).map(|n| KeyEntry { name: format!("k{n}"), facts: None }).collect();
    let error = encode(&Edition { keys, ..Edition::default() }).unwrap_err();
    assert_eq!((error.what, error.limit), ("condition keys", 65_535));
}
