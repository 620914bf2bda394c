//! Tables with faults: each is refused with its line and its field.

use iamc_analysis::{FaultKind, Table};

const GOOD: &str = r#"{"id": "a", "family": "assume", "requests": [{"action": "sts:AssumeRole", "on": ["target:role"]}], "effect": "session", "sources": ["s"]}"#;

/// One fault in the second line, at this field, whose message holds this text.
fn check(row: &str, field: &str, says: &str) {
    let faults = Table::read(&format!("{GOOD}\n{row}\n")).expect_err(row);
    let found: Vec<String> = faults.iter().map(|fault| fault.to_string()).collect();
    assert_eq!(faults.len(), 1, "{found:?}");
    assert_eq!((faults[0].line, faults[0].field.as_str()), (2, field), "{found:?}");
    assert!(found[0].contains(says), "{found:?}");
}

/// The good row under another name, with one piece of its text replaced.
fn with(from: &str, to: &str) -> String {
    let row = GOOD.replace("\"a\"", "\"b\"");
    assert!(row.contains(from), "{from}");
    row.replacen(from, to, 1)
}

#[test]
fn good_rows_blank_lines_and_comments() {
    let table = Table::read(&format!("// a comment\n\n{GOOD}\n")).unwrap();
    assert_eq!((table.primitives().len(), table.not_modelled().len()), (1, 0));
    assert_eq!(Table::read("").unwrap(), Table::default());
}

#[test]
fn fields() {
    check("{", "", "ends inside an object");
    check("[]", "", "expected an object, got a list");
    check(&with("\"sources\": [\"s\"]", "\"sources\": [\"s\"], \"title\": \"t\""), "title", "unknown field");
    check(&with("\"sources\"", "\"effect\": \"session\", \"sources\""), "effect", "given twice");
    check(&with("\"family\": \"assume\", ", ""), "family", "missing");
    check(&with("[\"s\"]", "[]"), "sources", "empty");
    check(&with("[\"s\"]", "[7]"), "sources[0]", "expected a string, got a number");
    check(&with("[\"s\"]", r#"["\ud800"]"#), "sources[0]", "surrogate");
    check(GOOD, "id", "taken by line 1");
}

#[test]
fn words_and_forms() {
    check(&with("\"b\"", "\"B\""), "id", "lower-case letters");
    check(&with("\"assume\"", "\"steal\""), "family", "`steal` is not one of `assume`, `federation`");
    check(&with("\"session\"", "\"admin\""), "effect", "`admin` is not one of `session`");
    check(&with("sts:AssumeRole", "sts"), "requests[0].action", "is not an action");
    check(&with("sts:AssumeRole", "sts:*"), "requests[0].action", "is not an action");
    check(&with("target:role", "self:role"), "requests[0].on[0]", "`self:role` is not `*`");
    check(&with("target:role", "target:"), "requests[0].on[0]", "is not `*`");
    check(&with("[\"target:role\"]", "[\"*\", \"new:role\"]"), "requests[0].on", "stands alone");
    check(
        &with("[\"target:role\"]", "[\"target:role\"], \"keys\": {\"aws:x\": \"mine\"}"),
        "requests[0].keys.aws:x",
        "`mine` is not one of",
    );
    check(
        &with("[\"target:role\"]", "[\"target:role\"], \"keys\": {\"x\": \"task-policy\"}"),
        "requests[0].keys.x",
        "unknown",
    );
    check(&with("\"effect\"", "\"needs\": [\"luck\"], \"effect\""), "needs[0]", "`luck` is not one of");
    check(&with("\"effect\"", "\"resource\": \"lambda\", \"effect\""), "resource", "`lambda:function`");
}

#[test]
fn combinations() {
    let combination = |row: &str, field: &str| {
        let faults = Table::read(row).expect_err(row);
        assert!(
            faults.iter().any(|fault| fault.field == field && matches!(fault.kind, FaultKind::Combination(_))),
            "{faults:?}"
        );
    };
    combination(&with("\"assume\"", "\"pass-role\""), "requests");
    combination(&with("\"assume\"", "\"pass-role\""), "trusts");
    combination(&with("\"assume\"", "\"existing-role\""), "resource");
    combination(&with("\"assume\"", "\"federation\""), "caller");
    combination(&with("\"family\"", "\"caller\": \"provider\", \"family\""), "caller");
    combination(&with("[\"target:role\"]", "[\"target:role\"], \"effect\": \"session\""), "requests");
    combination(
        &with(
            "[\"target:role\"]",
            "[\"target:role\"], \"passes\": [{\"role\": \"target\", \"to\": \"ec2.amazonaws.com\"}]",
        ),
        "requests",
    );
    combination(
        &with("\"effect\"", "\"trusts\": [{\"actions\": [\"sts:AssumeRole\"]}], \"effect\"")
            .replace("\"assume\"", "\"pass-role\""),
        "trusts[0]",
    );
    combination(r#"{"id": "x", "not_modelled": "kubernetes", "family": "assume", "sources": ["s"]}"#, "family");
}

#[test]
fn hostile_tables_end_early() {
    let many = "{\n".repeat(10_000);
    assert_eq!(Table::read(&many).unwrap_err().len(), 100);
    let deep = "[".repeat(200_000);
    assert!(Table::read(&deep).is_err());
    let wide = format!("{{{}}}", vec!["\"x\": 1"; 5_000].join(", "));
    assert!(Table::read(&wide).unwrap_err().len() <= 100);
}
