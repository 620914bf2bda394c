//! `iamc paths --edges` and `--export`.

use crate::{folder, run};
use parquet::file::reader::SerializedFileReader;
use std::collections::BTreeMap;

const WORLD: &str = r#"{"kind": "user", "arn": "arn:aws:iam::111122223333:user/ana", "tags": {}, "inline_policies": [{"name": "Own", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:UpdateAssumeRolePolicy"], "Resource": "*"}]}}]}
{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Ops", "tags": {}, "inline_policies": [{"name": "All", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}
{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Q&A", "tags": {}, "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ana"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}]}}}
{"kind": "account", "id": "111122223333"}
"#;

#[test]
fn kept_edges_give_the_same_answers() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let questions = [
        "paths org.jsonl --escalations --format json -q",
        "paths org.jsonl --to 111122223333 --format json -q",
        "paths org.jsonl --from arn:aws:iam::111122223333:user/ana --format json -q",
        "audit org.jsonl --format json -q",
    ];
    let alone = questions.map(|question| run(&folder, question));
    for _ in 0..2 {
        for (question, alone) in questions.iter().zip(&alone) {
            let ran = run(&folder, &format!("{question} --edges kept.edges"));
            assert_eq!((ran.code, &ran.stdout), (0, &alone.stdout), "{}", ran.stderr);
        }
    }
    let path = folder.path().join("kept.edges");
    let bytes = std::fs::read(&path).unwrap();
    run(&folder, &format!("{} --edges again.edges", questions[0]));
    run(&folder, &format!("{} --edges again.edges", questions[3]));
    assert_eq!(std::fs::read(folder.path().join("again.edges")).unwrap(), bytes, "the same questions, the same bytes");

    // What was made from something else is refused, and left as it is.
    let refused = |arguments: &str, why: &str| {
        let ran = run(&folder, arguments);
        assert_eq!(ran.code, 3, "{arguments}");
        assert!(ran.stderr.contains(why) && ran.stderr.contains("remove this one"), "{}", ran.stderr);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    };
    std::fs::write(folder.path().join("other.jsonl"), WORLD.replace("sts:ExternalId", "aws:userid")).unwrap();
    refused("paths other.jsonl --escalations --edges kept.edges", "`kept.edges`: byte 32");
    refused("paths org.jsonl --escalations --given sts:ExternalId=x --edges kept.edges", "`kept.edges`: byte 32");
    refused("audit org.jsonl --assume-complete --edges kept.edges", "`kept.edges`: byte 32");
    refused("paths org.jsonl --escalations --edges org.jsonl", "`org.jsonl`: byte 0");
    std::fs::write(folder.path().join("short.edges"), &bytes[..bytes.len() - 1]).unwrap();
    refused("paths org.jsonl --escalations --edges short.edges", "`short.edges`: byte 16");
    // Of so many bytes none is read.
    std::fs::File::create(folder.path().join("large.edges")).unwrap().set_len((4 << 30) + 1).unwrap();
    let ran = run(&folder, "paths org.jsonl --escalations --edges large.edges");
    assert!(ran.code == 3 && ran.stderr.contains("more than 4294967296 bytes"), "{}", ran.stderr);
    // Where the same lies under another name, it is the same.
    std::fs::rename(folder.path().join("org.jsonl"), folder.path().join("moved.jsonl")).unwrap();
    assert_eq!(run(&folder, "paths moved.jsonl --escalations --edges kept.edges -q").code, 0);
    assert_eq!(run(&folder, "paths moved.jsonl --escalations --edges . -q").code, 3);
}

/// From, to, effect, row, family, holds.
type Row = [String; 6];

fn parquet_rows(path: &std::path::Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let rows = reader.into_iter().map(|row| {
        let cells: Vec<String> = row.unwrap().get_column_iter().map(|(_, cell)| cell.to_string()).collect();
        let cells: Vec<String> = cells.iter().map(|cell| cell.trim_matches('"').to_owned()).collect();
        cells.try_into().unwrap()
    });
    rows.collect()
}

/// The same of GraphML, by an XML parser.
fn graph_rows(text: &str) -> Vec<Row> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut rows, mut names) = (Vec::new(), BTreeMap::new());
    let (mut ends, mut data, mut id, mut key) = ([String::new(), String::new()], BTreeMap::new(), None, None);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                let attribute = |name: &str| {
                    let found = tag.try_get_attribute(name).unwrap();
                    found.map(|found| found.value.into_owned())
                };
                match tag.name().as_ref() {
                    "node" => id = attribute("id"),
                    "edge" => ends = ["source", "target"].map(|name| attribute(name).unwrap()),
                    "data" => key = attribute("key"),
                    _ => {}
                }
            }
            Event::Text(text) => {
                if let Some(key) = &key {
                    *data.entry(key.clone()).or_insert_with(String::new) += &text;
                }
            }
            Event::GeneralRef(name) => {
                let sign = match name.as_ref() {
                    "amp" => "&",
                    other => panic!("{other:?}"),
                };
                *data.get_mut(key.as_ref().unwrap()).unwrap() += sign;
            }
            Event::End(tag) => match tag.name().as_ref() {
                "data" => key = None,
                "node" => {
                    names.insert(id.take().unwrap(), data.remove("name").unwrap());
                }
                "edge" => {
                    let [from, to] = ends.each_ref().map(|end| names[end].clone());
                    let [effect, row, family, holds] =
                        ["effect", "row", "family", "holds"].map(|key| data.remove(key).unwrap());
                    rows.push([from, to, effect, row, family, holds]);
                }
                _ => {}
            },
            Event::Eof => return rows,
            _ => {}
        }
    }
}

#[test]
fn edges_are_exported_as_a_table_and_as_a_graph() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(&folder, "paths org.jsonl --export edges.parquet");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let ran = run(&folder, "paths org.jsonl --escalations --export edges.graphml --edges kept.edges -q");
    assert!(ran.code == 0 && ran.stdout.ends_with(" definite\n"), "{}", ran.stderr);
    let rows = parquet_rows(&folder.path().join("edges.parquet"));
    let (ana, ops, qa) = (
        "arn:aws:iam::111122223333:user/ana",
        "arn:aws:iam::111122223333:role/Ops",
        "arn:aws:iam::111122223333:role/Q&A",
    );
    for row in [
        [ana, ops, "trust-opened", "iam-update-assume-role-policy", "trust-edit", "definite"],
        // Only whoever knows the external id.
        [ana, qa, "controlled", "sts-assume-role", "assume", "possible"],
        [ops, ana, "controlled", "iam-create-access-key", "credential", "definite"],
    ] {
        assert!(rows.contains(&row.map(str::to_owned)), "{row:?} {rows:#?}");
    }
    assert!(rows.iter().all(|row| row[0] == ana || row[0] == ops), "{rows:#?}");
    let text = std::fs::read_to_string(folder.path().join("edges.graphml")).unwrap();
    assert_eq!(graph_rows(&text), rows);
    run(&folder, "paths org.jsonl --export again.graphml --edges kept.edges");
    assert_eq!(std::fs::read_to_string(folder.path().join("again.graphml")).unwrap(), text);
    assert_eq!(run(&folder, "paths org.jsonl --export edges.csv").code, 2);
}
