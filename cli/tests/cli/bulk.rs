//! `iamc decide ORG --requests`.

use crate::{ORG, folder, run, run_with};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::RowAccessor;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

fn request(id: &str, action: &str) -> String {
    format!(
        r#"{{"id": "{id}", "principal": "arn:aws:iam::111122223333:user/ana", "action": "{action}", "resource": "arn:aws:s3:::reports/q"}}"#
    )
}

#[test]
fn a_line_out_for_each_line_in_in_input_order() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let lines = [
        request("a", "s3:GetObject"),
        request("b", "s3:PutObject"),
        r#"{"id": "c", "principal": "ana", "action": "s3:GetObject", "resource": "*"}"#.to_owned(),
        String::new(),
        "{".to_owned(),
        r#"{"principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/q"}"#.to_owned(),
        r#"{"id": "c", "acton": "s3:GetObject"}"#.to_owned(),
    ];
    // Without a line feed at its end the last line is a line too.
    let ran = run_with(&folder, "decide org.jsonl --requests -", lines.join("\n"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let answers = ran.lines();
    assert_eq!(answers.len(), lines.len(), "{}", ran.stdout);
    assert_eq!(answers[0], json!({"id": "a", "decision": "Allow"}));
    assert_eq!(answers[1], json!({"id": "b", "decision": "ImplicitDeny"}));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["field"]), (&json!("c"), &json!("principal")));
    assert_eq!((&answers[3]["id"], &answers[3]["error"]["field"]), (&json!(4), &json!(null)));
    assert_eq!(answers[4]["id"], json!(5));
    assert_eq!(answers[5], json!({"id": 6, "decision": "ImplicitDeny"}));
    assert_eq!((&answers[6]["id"], &answers[6]["error"]["field"]), (&json!("c"), &json!("acton")));
    assert!(ran.stderr.contains("4 of 7 rows could not be decided"), "{}", ran.stderr);
}

#[test]
fn explained_answers_are_those_of_one_request() {
    let folder = folder(&[("org.jsonl", ORG), ("r.jsonl", &request("a", "s3:PutObject"))]);
    let bulk = run(&folder, "decide org.jsonl --requests r.jsonl --explain");
    assert_eq!(bulk.code, 0);
    let one = run(
        &folder,
        "decide org.jsonl --principal arn:aws:iam::111122223333:user/ana --action s3:PutObject \
         --resource arn:aws:s3:::reports/q --format json",
    );
    let mut expected = one.json();
    expected["id"] = json!("a");
    assert_eq!(bulk.lines(), [expected]);
}

/// Most rows are decided as numbers, many at once, and explanations one by one: the decisions are the same.
#[test]
fn decisions_at_once_are_those_of_explanations() {
    let acme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/acme");
    let requests = std::fs::read_to_string(acme.join("requests.jsonl")).unwrap();
    // The image is smaller work for each run than the export.
    let folder = folder(&[("r.jsonl", &requests)]);
    let compiled = run(&folder, &format!("compile {} -o acme.iamc -q", acme.join("export").display()));
    assert_eq!(compiled.code, 0, "{}", compiled.stderr);
    for options in ["", "--closed"] {
        let explained = run(&folder, &format!("decide acme.iamc --requests r.jsonl --explain {options}"));
        let expected: Vec<Value> = explained
            .lines()
            .iter()
            .map(|line| match line.get("error") {
                Some(error) => json!({"id": line["id"], "error": error}),
                None => json!({"id": line["id"], "decision": line["decision"]}),
            })
            .collect();
        assert!(expected.len() > 100, "{}", explained.stderr);
        for threads in [1, 2, 3] {
            let arguments = format!("decide acme.iamc --requests r.jsonl {options} --threads {threads}");
            assert_eq!(run(&folder, &arguments).lines(), expected, "{threads} threads {options}");
        }
    }
}

/// Names that nobody knows are answered as far as they can be, and told at the end.
#[test]
fn unknown_names_are_listed_at_the_end() {
    let line = |principal: &str, action: &str| {
        format!(
            r#"{{"principal": "{principal}", "action": "{action}", "resource": "arn:aws:s3:::reports/q", "resource_account": "111122223333"}}"#
        )
    };
    let ana = "arn:aws:iam::111122223333:user/ana";
    let bob = "arn:aws:iam::111122223333:user/bob";
    let lines = [
        line(bob, "s3:GetObject"),
        line(ana, "s3:GetObject"),
        line(bob, "s3:Invented"),
        line(ana, "s3:Invented"),
        line("anonymous", "s3:GetObject"),
    ];
    let folder = folder(&[("org.jsonl", ORG)]);
    let ran = run_with(&folder, "decide org.jsonl --requests -", lines.join("\n"));
    assert_eq!((ran.code, ran.lines().len()), (0, 5), "{}", ran.stderr);
    assert!(ran.stderr.contains("2 rows name principals that are not in the organization"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("{bob} (2)")), "{}", ran.stderr);
    assert!(ran.stderr.contains("2 rows name actions that the catalogue does not have"), "{}", ran.stderr);
    assert!(ran.stderr.contains("s3:Invented (2)"), "{}", ran.stderr);
    let quiet = run_with(&folder, "decide org.jsonl --requests - -q", lines.join("\n"));
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (ran.stdout, ""));
}

/// Ids are written as JSON writes them, whatever is in them.
#[test]
fn every_id_comes_back() {
    let ids = ["", "a\"b", "é\u{7f}", "tab\t", "5", "back\\slash"];
    let mut lines: Vec<String> =
        ids.iter().map(|id| request("ID", "s3:GetObject").replace("\"ID\"", &json!(id).to_string())).collect();
    lines.push(request("ID", "s3:GetObject").replace("\"ID\"", "7"));
    let folder = folder(&[("org.jsonl", ORG)]);
    let ran = run_with(&folder, "decide org.jsonl --requests -", lines.join("\n"));
    let got: Vec<Value> = ran.lines().iter().map(|line| line["id"].clone()).collect();
    let expected: Vec<Value> = ids.iter().chain(&["7"]).map(|id| json!(id)).collect();
    assert_eq!(got, expected, "{}", ran.stderr);
    let csv = run_with(&folder, "decide org.jsonl --requests - --format csv", lines.join("\n"));
    assert!(csv.stdout.contains("\n\"a\"\"b\",Allow,\n"), "{}", csv.stdout);
}

#[test]
fn open_unless_closed_is_asked_for_or_said_by_the_line() {
    let statement =
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:SourceIp": "false"}}}"#;
    let org = ORG.replace(r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}"#, statement);
    let closed = request("b", "s3:GetObject").replace("\"id\"", "\"mode\": \"closed\", \"id\"");
    let folder = folder(&[("org.jsonl", &org), ("r.jsonl", &format!("{}\n{closed}\n", request("a", "s3:GetObject")))]);
    let decisions = |arguments: &str| {
        let ran = run(&folder, arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.lines().iter().map(|line| line["decision"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(decisions("decide org.jsonl --requests r.jsonl"), ["Conditional", "ImplicitDeny"]);
    assert_eq!(decisions("decide org.jsonl --requests r.jsonl --closed"), ["ImplicitDeny", "ImplicitDeny"]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let lines: String = (0..10_000)
        .map(|i| request(&i.to_string(), if i % 3 == 0 { "s3:GetObject" } else { "s3:PutObject" }) + "\n")
        .collect();
    let folder = folder(&[("org.jsonl", ORG), ("r.jsonl", &lines)]);
    let one = run(&folder, "decide org.jsonl --requests r.jsonl --threads 1");
    let many = run(&folder, "decide org.jsonl --requests r.jsonl --threads 7");
    assert_eq!(one.stdout.lines().count(), 10_000);
    assert!(one.stdout == many.stdout, "answers differ");
    assert!(one.stdout.ends_with("{\"id\":\"9999\",\"decision\":\"Allow\"}\n"));
}

#[test]
fn huge_and_undecodable_lines_are_answered_in_place() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let mut input = vec![b' '; 17 * 1024 * 1024];
    input.extend_from_slice(b"\n\xff\xfe\n");
    input.extend_from_slice("[".repeat(100_000).as_bytes());
    input.push(b'\n');
    input.extend_from_slice(request("last", "s3:GetObject").as_bytes());
    let ran = run_with(&folder, "decide org.jsonl --requests -", input);
    assert_eq!(ran.code, 3);
    let answers = ran.lines();
    assert_eq!(answers.len(), 4);
    assert!(answers[..3].iter().all(|answer| answer["error"]["message"].is_string()), "{}", ran.stdout);
    assert_eq!(answers[3], json!({"id": "last", "decision": "Allow"}));
}

const CSV: &str = "id,principal,action,resource,resource_account,context\n\
    r1,arn:aws:iam::111122223333:user/ana,s3:GetObject,arn:aws:s3:::reports/q,111122223333,\n\
    \"a \"\"quoted\"\" id\",anonymous,s3:GetObject,\"[\"\"arn:aws:s3:::reports/q\"\"]\",,\"{\"\"aws:SourceIp\"\": \"\"1.2.3.4\"\"}\"\n\
    ,anonymous,s3:GetObject,arn:aws:s3:::reports/q,,not json\n\
    ,anonymous,s3:GetObject\n";

#[test]
fn csv_in_and_csv_out() {
    let folder = folder(&[("org.jsonl", ORG), ("r.csv", CSV)]);
    let ran = run(&folder, "decide org.jsonl --requests r.csv");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let answers = ran.lines();
    assert_eq!(answers[0], json!({"id": "r1", "decision": "Allow"}));
    assert_eq!(answers[1], json!({"id": "a \"quoted\" id", "decision": "ImplicitDeny"}));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["field"]), (&json!(3), &json!("context")));
    assert_eq!(answers[3]["id"], json!(4));

    let ran = run(&folder, "decide org.jsonl --requests r.csv -o a.csv");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let text = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,decision,error"));
    assert_eq!(lines.next(), Some("r1,Allow,"));
    assert_eq!(lines.next(), Some("\"a \"\"quoted\"\" id\",ImplicitDeny,"));
    assert!(lines.next().is_some_and(|line| line.starts_with("3,,\"{\"\"message\"\":")), "{text}");

    let ran = run(&folder, "decide org.jsonl --requests r.csv --format csv --explain");
    let heading = "id,decision,possible,missing,allowed_by,denied_by,residual,residual_keys,warnings,error";
    assert_eq!(ran.stdout.lines().next(), Some(heading));
}

#[test]
fn a_table_that_is_none_of_requests_is_refused_whole() {
    let check = |text: &str, message: &str| {
        let folder = folder(&[("org.jsonl", ORG), ("r.csv", text)]);
        let ran = run(&folder, "decide org.jsonl --requests r.csv -o a.jsonl");
        assert_eq!(ran.code, 3, "{text}");
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
        assert!(!folder.path().join("a.jsonl").exists());
    };
    check("id,principal,action\n", "no column `resource`");
    check("principal,action,resource,who\n", "a column `who`");
    check("", "no column `principal`");
    let open_quote = format!("principal,action,resource\n\"{}", "x\n".repeat(9 * 1024 * 1024));
    check(&open_quote, "is a quotation mark missing");
}

/// Requests as a Parquet file with a map for a context, as other tools write it.
fn write_parquet(path: &Path) {
    let schema = parse_message_type(
        "message requests {
            optional binary id (UTF8);
            required binary principal (UTF8);
            required binary action (UTF8);
            required binary resource (UTF8);
            optional group context (MAP) {
                repeated group key_value { required binary key (UTF8); optional binary value (UTF8); }
            }
        }",
    )
    .unwrap();
    let file = std::fs::File::create(path).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
    // Values, definition levels and repetition levels of each leaf; the second row has neither id nor context.
    type Leaf<'a> = (Vec<ByteArray>, Option<&'a [i16]>, Option<&'a [i16]>);
    let leaves: [Leaf<'_>; 6] = [
        (texts(&["p1"]), Some(&[1, 0]), None),
        (texts(&["arn:aws:iam::111122223333:user/ana", "nobody"]), None, None),
        (texts(&["s3:GetObject", "s3:GetObject"]), None, None),
        (texts(&["arn:aws:s3:::reports/q", "arn:aws:s3:::reports/q"]), None, None),
        (texts(&["aws:SourceIp", "a:b"]), Some(&[2, 2, 0]), Some(&[0, 1, 0])),
        (texts(&["1.2.3.4", "c"]), Some(&[3, 3, 0]), Some(&[0, 1, 0])),
    ];
    for (values, definitions, repetitions) in leaves {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, definitions, repetitions).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn parquet_in_and_parquet_out() {
    let condition = r#""Action": "s3:GetObject", "Condition": {"StringEquals": {"a:b": "c"}}"#;
    let org = ORG.replace(r#""Action": "s3:GetObject""#, condition);
    let folder = folder(&[("org.jsonl", &org)]);
    write_parquet(&folder.path().join("r.parquet"));
    let ran = run(&folder, "decide org.jsonl --requests r.parquet");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let answers = ran.lines();
    assert_eq!(answers[0], json!({"id": "p1", "decision": "Allow"}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["field"]), (&json!(2), &json!("principal")));

    assert_eq!(run(&folder, "decide org.jsonl --requests r.parquet -o a.parquet").code, 3);
    let file = std::fs::File::open(folder.path().join("a.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].get_string(0).unwrap().as_str(), rows[0].get_string(1).unwrap().as_str()), ("p1", "Allow"));
    assert_eq!(rows[1].get_string(0).unwrap(), "2");
    assert!(rows[1].get_string(1).is_err(), "a row without decision");
    let error: serde_json::Value = serde_json::from_str(rows[1].get_string(2).unwrap()).unwrap();
    assert_eq!(error["field"], json!("principal"));
}

/// A file of texts, a column each, with so many rows.
fn write_texts(path: &Path, columns: &[&str], n_rows: usize) {
    let cells = vec![&b"x"[..]; n_rows];
    write_cells(path, &columns.iter().map(|name| (*name, cells.as_slice())).collect::<Vec<_>>());
}

/// A file of columns that say that they are text.
fn write_cells(path: &Path, columns: &[(&str, &[&[u8]])]) {
    let fields: Vec<String> = columns.iter().map(|(name, _)| format!("required binary {name} (UTF8);")).collect();
    let schema = parse_message_type(&format!("message requests {{ {} }}", fields.join(" "))).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
    // A group without rows first.
    for is_empty in [true, false] {
        let mut group = writer.next_row_group().unwrap();
        for (_, cells) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let cells = if is_empty { &[] } else { *cells };
            let values: Vec<ByteArray> = cells.iter().map(|cell| ByteArray::from(cell.to_vec())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn parquet_with_wrong_columns_or_no_rows() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let path = folder.path().join("r.parquet");
    let needed = "requests have the columns id, principal, action, resource, resource_account, context, session, \
                  vpc_endpoint, facts";
    for (columns, message) in [
        (&["principal", "action"][..], "no column `resource`"),
        (&["who", "action", "resource"], "a column `who`"),
        (&["Principal", "action", "resource"], "a column `Principal`"),
    ] {
        write_texts(&path, columns, 1);
        let ran = run(&folder, "decide org.jsonl --requests r.parquet -o a.parquet");
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains(message) && ran.stderr.contains(needed), "{}", ran.stderr);
        assert!(!folder.path().join("a.parquet").exists());
    }
    for n_rows in [0, 3] {
        write_texts(&path, &["resource", "principal", "action"], n_rows);
        let ran = run(&folder, "decide org.jsonl --requests r.parquet");
        let lines = ran.lines();
        assert_eq!((ran.code, lines.len()), (if n_rows == 0 { 0 } else { 3 }, n_rows), "{}", ran.stderr);
        assert!(lines.iter().all(|line| line["error"]["field"] == "resource"), "{}", ran.stdout);
        // Without rows the answers are a file without rows.
        assert_eq!(run(&folder, "decide org.jsonl --requests r.parquet -o a.parquet").code, ran.code);
        let answers = SerializedFileReader::new(std::fs::File::open(folder.path().join("a.parquet")).unwrap()).unwrap();
        assert_eq!(answers.metadata().file_metadata().num_rows(), n_rows as i64);
    }
}

/// Cells are read together, but each is text by itself or is not.
#[test]
fn parquet_cells_that_are_no_text() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let path = folder.path().join("r.parquet");
    let row = [&b"arn:aws:iam::111122223333:user/ana"[..], b"s3:GetObject", b"arn:aws:s3:::reports/q"];
    let [principal, action, resource] = row.map(|cell| [cell; 4]);
    // The two parts of a character, one cell each; then something that no text holds.
    for bad in [[&b"\xc3"[..], b"\xa9"], [b"\xff", b"s3:\xff"]] {
        let mixed = [action[0], bad[0], bad[1], action[0]];
        write_cells(&path, &[("principal", &principal), ("action", &mixed), ("resource", &resource)]);
        let ran = run(&folder, "decide org.jsonl --requests r.parquet");
        let lines = ran.lines();
        assert_eq!((ran.code, lines.len()), (3, 4), "{}", ran.stderr);
        for (at, line) in lines.iter().enumerate() {
            let expected = match at {
                1 | 2 => json!({"id": at + 1, "error": {"message": "the cell is not UTF-8 text", "field": "action"}}),
                _ => json!({"id": at + 1, "decision": "Allow"}),
            };
            assert_eq!(*line, expected);
        }
    }
}

/// Line ends of Windows, a byte order mark, zero bytes, a heading's blanks.
#[test]
fn what_editors_leave_in_files_is_read() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let cells = "arn:aws:iam::111122223333:user/ana,s3:GetObject,arn:aws:s3:::reports/q";
    for (text, answers) in [
        (format!("id,principal,action,resource\r\na,{cells}\r\n"), vec![json!("Allow")]),
        (format!("\u{feff}id,principal,action,resource\na,{cells}"), vec![json!("Allow")]),
        (format!("id, principal, action, resource\na\0,{cells}\n\0\n"), vec![json!("Allow"), json!(null)]),
        ("id,principal,action,resource\n".to_owned(), vec![]),
    ] {
        std::fs::write(folder.path().join("r.csv"), &text).unwrap();
        let ran = run(&folder, "decide org.jsonl --requests r.csv");
        let got: Vec<Value> = ran.lines().iter().map(|line| line["decision"].clone()).collect();
        assert_eq!(got, answers, "{text:?} {}", ran.stderr);
    }
    let line = request("a", "s3:GetObject");
    for text in [format!("{line}\r\n{line}\r\n"), format!("\u{feff}{line}\n{line}")] {
        let ran = run_with(&folder, "decide org.jsonl --requests -", text.clone());
        assert_eq!((ran.code, ran.lines().len()), (0, 2), "{text:?}");
    }
}

#[test]
fn a_damaged_parquet_file_is_an_input_error_whatever_is_damaged() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let path = folder.path().join("r.parquet");
    write_parquet(&path);
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        std::fs::write(&path, bad).unwrap();
        let ran = run(&folder, "decide org.jsonl --requests r.parquet");
        assert!([0, 3].contains(&ran.code), "byte {at}: {} {}", ran.code, ran.stderr);
    }
}

/// Rows and files beyond a limit are told with what was given and the limit; what follows is decided.
#[test]
fn what_is_too_long_is_told_with_given_and_limit() {
    let folder = folder(&[("org.jsonl", ORG)]);
    let good = r#"{"principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/q1.csv"}"#;
    let limit = 16 << 20;
    let long = format!("{good}{}", " ".repeat(limit + 1 - good.len()));
    std::fs::write(folder.path().join("rows.jsonl"), format!("{good}\n{long}\n{good}\n")).unwrap();
    let ran = run(&folder, "decide org.jsonl --requests rows.jsonl");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let lines = ran.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["error"]["message"], format!("the line has {} bytes, limit {limit}", limit + 1));
    assert_eq!(lines[0]["decision"], lines[2]["decision"]);

    // What is read ahead is not counted.
    let cell = " ".repeat(limit + (1 << 20));
    std::fs::write(folder.path().join("rows.csv"), format!("principal,action,resource\n\"{cell}")).unwrap();
    let ran = run(&folder, "decide org.jsonl --requests rows.csv");
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains(&format!("a row has more than {limit} bytes, the limit")), "{}", ran.stderr);

    let limit: u64 = 64 << 20;
    std::fs::File::create(folder.path().join("large.json")).unwrap().set_len(limit + 1).unwrap();
    let ran = run(&folder, "lint large.json");
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains(&format!("`large.json` has {} bytes, limit {limit}", limit + 1)), "{}", ran.stderr);
}
