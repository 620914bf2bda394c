use super::*;
use crate::variables::testing::{Table, list};
use iamc_policy::document::{ActionElement, Effect, PolicyKind, Statement, Version};
use iamc_policy::{Operator, Template};

fn make(operator: &str, key: &str, values: &[&str]) -> ConditionAtom {
    let operator = Operator::parse(operator).unwrap_or_else(|| panic!("`{operator}` should be an operator"));
    let template = |value: &&str| {
        if operator.base.supports_variables() { Template::with_variables(*value) } else { Template::literal(*value) }
    };
    let values = values.iter().map(template).collect();
    ConditionAtom { operator, key: ConditionKey::new(key), values, span: Default::default() }
}

fn set(name: &str, value: &str) -> Settings {
    let mut settings = Settings::default();
    settings.set(name, value).unwrap();
    settings
}

fn letter(truth: Truth) -> char {
    match truth {
        Truth::True => 'T',
        Truth::False => 'F',
        Truth::Unknown => 'U',
    }
}

fn with(operator: &str, values: &[&str], keys: &Table, settings: &Settings) -> char {
    letter(atom(&make(operator, "k", values), keys, settings).truth)
}

/// One request value of the single key `k`.
fn single(operator: &str, values: &[&str], value: &str) -> char {
    with(operator, values, &Table::default().one("k", value), &Settings::default())
}

fn check(operator: &str, values: &[&str], value: &str, expected: char) {
    assert_eq!(single(operator, values, value), expected, "{operator} {values:?} against `{value}`");
}

#[test]
fn the_table_of_r_4_33() {
    let states = [KeyState::Absent, KeyState::one("a"), KeyState::one("b"), KeyState::one("")];
    for (operator, value, expected) in [
        ("StringEquals", "a", "FTFF"),
        ("StringEqualsIfExists", "a", "TTFF"),
        ("StringNotEquals", "a", "TFTT"),
        ("StringNotEqualsIfExists", "a", "TFTT"),
        ("ForAllValues:StringEquals", "a", "TTFT"),
        ("ForAllValues:StringEqualsIfExists", "a", "TTFT"),
        ("ForAnyValue:StringEquals", "a", "FTFF"),
        ("ForAnyValue:StringEqualsIfExists", "a", "TTFF"),
        ("ForAllValues:StringNotEquals", "a", "TFTT"),
        ("ForAnyValue:StringNotEquals", "a", "FFTF"),
        ("Null", "true", "TFFF"),
        ("Null", "false", "FTTT"),
    ] {
        let got: String = states
            .iter()
            .map(|state| with(operator, &[value], &Table::default().with("k", state.clone()), &Settings::default()))
            .collect();
        assert_eq!(got, expected, "{operator} {value}");
    }
}

#[test]
fn plain_operators_on_multi_valued_keys() {
    let states = [
        KeyState::Absent,
        list(&["a"]),
        list(&["b"]),
        list(&[""]),
        list(&["a", "a"]),
        list(&["a", "b"]),
        list(&["b", "c"]),
        list(&["", ""]),
    ];
    for (setting, operator, expected) in [
        ("one", "StringEquals", "FTFFFFFF"),
        ("one", "StringEqualsIfExists", "TTFFFFFF"),
        ("one", "StringNotEquals", "TFTTFFFF"),
        ("one", "StringNotEqualsIfExists", "TFTTFFFF"),
        ("false", "StringEquals", "FFFFFFFF"),
        ("false", "StringEqualsIfExists", "TFFFFFFF"),
        ("false", "StringNotEquals", "TFFFFFFF"),
        ("any", "StringEquals", "FTFFTTFF"),
        ("any", "StringEqualsIfExists", "TTFFTTFF"),
        ("any", "StringNotEquals", "TFTFFTTF"),
        ("negated_true", "StringEquals", "FTFFFFFF"),
        ("negated_true", "StringEqualsIfExists", "TTFFFFFF"),
        ("negated_true", "StringNotEquals", "TFTTTTTT"),
    ] {
        let settings = set("multi_plain", setting);
        let got: String = states
            .iter()
            .map(|state| with(operator, &["a"], &Table::default().multi("k").with("k", state.clone()), &settings))
            .collect();
        assert_eq!(got, expected, "{setting} {operator}");
    }
}

#[test]
fn set_operators_on_lists() {
    let states = [
        list(&["a"]),
        list(&["b"]),
        list(&["a", "b"]),
        list(&["b", "c"]),
        list(&["a", ""]),
        list(&["b", ""]),
        list(&["", ""]),
        KeyState::list::<&str>([]),
        KeyState::Values(iamc_policy::request::Values::Many(Vec::new())),
    ];
    for (operator, expected) in [
        ("ForAllValues:StringEquals", "TFFFTFTTT"),
        ("ForAnyValue:StringEquals", "TFTFTFFFF"),
        ("ForAnyValue:StringEqualsIfExists", "TFTFTFFTT"),
        ("ForAllValues:StringNotEquals", "FTFTFTTTT"),
        ("ForAnyValue:StringNotEquals", "FTTTFTFFF"),
    ] {
        let got: String = states
            .iter()
            .map(|state| {
                let keys = Table::default().multi("k").with("k", state.clone());
                with(operator, &["a"], &keys, &Settings::default())
            })
            .collect();
        assert_eq!(got, expected, "{operator}");
    }
    // OPS's inverted table: the definitions win.
    let keys = Table::default().with("k", list(&["o/r/x/"]));
    assert_eq!(with("ForAllValues:StringNotLike", &["o/r/*"], &keys, &Settings::default()), 'F');
    assert_eq!(with("ForAllValues:StringNotLike", &["o/r/*"], &Table::default(), &Settings::default()), 'T');
}

#[test]
fn null() {
    let single = [KeyState::Absent, KeyState::one("v"), KeyState::one(""), KeyState::Present, KeyState::Unknown];
    let multi = [
        KeyState::Absent,
        list(&["v"]),
        list(&["", "v"]),
        list(&[""]),
        list(&["", ""]),
        KeyState::Present,
        KeyState::Unknown,
    ];
    for (setting, values, on_single, on_multi) in [
        ("multi", vec!["true"], "TFFFU", "TFFTTFU"),
        ("multi", vec!["FALSE"], "FTTTU", "FTTFFTU"),
        ("multi", vec!["True", "false"], "TTTTT", "TTTTTTT"),
        ("multi", vec!["true", "yes"], "TFFFU", "TFFTTFU"),
        ("multi", vec!["yes"], "FFFFF", "FFFFFFF"),
        ("multi", vec!["${k}"], "FFFFF", "FFFFFFF"),
        ("multi", vec![""], "FFFFF", "FFFFFFF"),
        ("multi", vec![], "FFFFF", "FFFFFFF"),
        ("every", vec!["true"], "TFTFU", "TFFTTFU"),
        ("every", vec!["false"], "FTFTU", "FTTFFTU"),
        ("none", vec!["true"], "TFFFU", "TFFFFFU"),
        ("none", vec!["false"], "FTTTU", "FTTTTTU"),
    ] {
        let settings = set("empty_is_null", setting);
        let ask = |states: &[KeyState], table: Table| -> String {
            states
                .iter()
                .map(|state| with("Null", &values, &table.clone().with("k", state.clone()), &settings))
                .collect()
        };
        assert_eq!(ask(&single, Table::default()), on_single, "{setting} {values:?}");
        assert_eq!(ask(&multi, Table::default().multi("k")), on_multi, "{setting} {values:?}");
    }
    // Constants.
    for state in multi {
        for values in [&["true"][..], &["false"], &[]] {
            let keys = Table::default().with("k", state.clone());
            assert_eq!(with("ForAllValues:Null", values, &keys, &Settings::default()), 'T');
            assert_eq!(with("ForAnyValue:Null", values, &keys, &Settings::default()), 'F');
        }
    }
}

#[test]
fn strings() {
    for (operator, values, value, expected) in [
        ("StringEquals", &["a"][..], "a", 'T'),
        ("StringEquals", &["a"], "A", 'F'),
        ("StringEquals", &["a*"], "ab", 'F'),
        ("StringEquals", &["a*"], "a*", 'T'),
        ("StringEquals", &["${*}?"], "*?", 'T'),
        ("StringEquals", &["b", "a"], "a", 'T'),
        ("StringEquals", &[], "a", 'F'),
        ("StringNotEquals", &[], "a", 'T'),
        ("StringNotEquals", &["a", "b"], "b", 'F'),
        ("StringNotEquals", &["a", "b"], "c", 'T'),
        ("StringEquals", &["é"], "e\u{301}", 'F'),
        ("StringEqualsIgnoreCase", &["SS"], "ß", 'F'),
        ("StringEqualsIgnoreCase", &["ÉCOLE"], "école", 'T'),
        // Each code point by itself: a final sigma is a sigma of its own, and `İ` becomes two code points.
        ("StringEqualsIgnoreCase", &["ΣΑΣ"], "σασ", 'T'),
        ("StringEqualsIgnoreCase", &["ΣΑΣ"], "σας", 'F'),
        ("StringEqualsIgnoreCase", &["İ"], "i\u{307}", 'T'),
        ("StringEqualsIgnoreCase", &["a*"], "AB", 'F'),
        ("StringNotEqualsIgnoreCase", &["a"], "A", 'F'),
        ("StringLike", &["a*"], "ab", 'T'),
        ("StringLike", &["a*"], "Ab", 'F'),
        ("StringLike", &["", "home/"], "", 'T'),
        ("StringLike", &["home/*"], "", 'F'),
        ("StringLike", &["a${*}"], "ab", 'F'),
        ("StringLike", &["a${?}"], "a?", 'T'),
        ("StringLike", &["*:fin/*"], "arn:aws:svc:us-east-2:3:store/abc:1:fin/d", 'T'),
        ("StringNotLike", &["a*", "b*"], "bc", 'F'),
        ("StringNotLike", &["a*", "b*"], "c", 'T'),
    ] {
        check(operator, values, value, expected);
    }
}

#[test]
fn numbers_and_dates() {
    for (operator, values, value, expected) in [
        ("NumericEquals", &["0.10"][..], "1e-1", 'T'),
        ("NumericNotEquals", &["10"], "10.0", 'F'),
        ("NumericNotEquals", &["10"], "11", 'T'),
        ("NumericLessThan", &["10"], "9.999", 'T'),
        ("NumericLessThan", &["10"], "10", 'F'),
        ("NumericLessThanEquals", &["10"], "10.0", 'T'),
        ("NumericGreaterThan", &["10"], "10", 'F'),
        ("NumericGreaterThan", &["1e999999999"], "1e1000000000", 'T'),
        ("NumericGreaterThanEquals", &["-1"], "-1.0", 'T'),
        // Several values are alternatives.
        ("NumericLessThan", &["5", "100"], "50", 'T'),
        ("DateEquals", &["1767225600"], "2026-01-01T01:00:00+01:00", 'T'),
        ("DateNotEquals", &["2026"], "1970-01-01T00:33:46Z", 'F'),
        ("DateLessThan", &["2026-01-01"], "2026-01-01T00:00:00Z", 'F'),
        ("DateLessThan", &["2026-01-01"], "2025-12-31T23:59:59.999999Z", 'T'),
        ("DateLessThanEquals", &["2026-01"], "2026-01-01T00:00", 'T'),
        ("DateGreaterThan", &["2026-01-01"], "2026-01-01T00:00:00.0000000001Z", 'T'),
        ("DateGreaterThanEquals", &["1969-12-31T23:59:59.5Z"], "-0.5", 'T'),
        // A date is no number and the other way round.
        ("NumericEquals", &["2026-01-01"], "2026-01-01", 'F'),
        ("DateEquals", &["1e3"], "1e3", 'F'),
    ] {
        check(operator, values, value, expected);
    }
}

#[test]
fn booleans_bytes_and_addresses() {
    for (operator, values, value, expected) in [
        ("Bool", &["true"][..], "TRUE", 'T'),
        ("Bool", &["False"], "false", 'T'),
        ("Bool", &["true"], "false", 'F'),
        ("Bool", &["true", "false"], "false", 'T'),
        ("Bool", &["yes"], "yes", 'F'),
        ("Bool", &[""], "", 'F'),
        ("BinaryEquals", &["Zm9v"], "Zm9v", 'T'),
        ("BinaryEquals", &["Zm9v"], "Zm9w", 'F'),
        ("BinaryEquals", &["foo"], "foo", 'F'),
        ("BinaryEquals", &["Zh=="], "Zh==", 'F'),
        ("BinaryEquals", &[""], "", 'T'),
        ("IpAddress", &["203.0.113.9/24"], "203.0.113.200", 'T'),
        ("IpAddress", &["203.0.113.9"], "203.0.113.9", 'T'),
        ("IpAddress", &["203.0.113.9"], "203.0.113.9/32", 'F'),
        ("IpAddress", &["2001:DB8::/32"], "2001:db8:1::", 'T'),
        ("IpAddress", &["0.0.0.0/0"], "::ffff:1.2.3.4", 'F'),
        ("NotIpAddress", &["203.0.113.0/24"], "203.0.113.1", 'F'),
        ("NotIpAddress", &["203.0.113.0/24"], "2001:db8::1", 'T'),
        ("NotIpAddress", &["10.0.0.0/8", "::/0"], "::1", 'F'),
    ] {
        check(operator, values, value, expected);
    }
}

#[test]
fn arns() {
    let topic = "arn:aws:sns:us-east-1:111111111111:t";
    for (values, value, expected) in [
        (&[topic][..], topic, 'T'),
        (&["arn:aws:sns:*:*:*"], topic, 'T'),
        (&["arn:aws:sns:*:*:T"], topic, 'F'),
        (&["arn:aws:SNS:*:*:t"], topic, 'F'),
        (&["arn:*:*:*:*:*"], topic, 'T'),
        (&["arn:aws:s?s:us-*-1:1*1:?"], topic, 'T'),
        // A star keeps to its component, in the sixth it does not.
        (&["arn:aws:svc:*:1:fin/*"], "arn:aws:svc:us-east-2:3:store/abc:1:fin/d", 'F'),
        (&["arn:aws:lambda:*:*:function:*"], "arn:aws:lambda:r:1:function:f:PROD", 'T'),
        (&["arn:aws:lambda:*:*:*:PROD"], "arn:aws:lambda:r:1:function:f:PROD", 'T'),
        (&["arn:aws:iam::1:user/ana"], "arn:aws:iam::1:user/ana", 'T'),
        (&["arn:aws:iam:*:1:user/a*"], "arn:aws:iam::1:user/ana/x:y", 'T'),
        // Lone stars, fewer segments, other first words.
        (&["*"], topic, 'T'),
        (&["**"], topic, 'T'),
        (&["${*}"], topic, 'F'),
        (&["*"], "topic-1", 'F'),
        (&["*"], "arn:aws:sns:us-east-1:1", 'F'),
        (&["*"], "*:aws:sns:us-east-1:1:t", 'F'),
        (&["arn:aws:sns:*"], topic, 'F'),
        (&["*:*:*:*:*:*"], topic, 'F'),
        (&["a*:aws:sns:*:*:*"], topic, 'F'),
    ] {
        for operator in ["ArnEquals", "ArnLike"] {
            check(operator, values, value, expected);
        }
        // The negation differs from "not" only where something is malformed, which is false under both.
        let malformed =
            values.iter().any(|value| compare::is_malformed(&Template::with_variables(*value), BaseOperator::ArnLike))
                || !compare::is_readable(value, BaseOperator::ArnLike);
        for operator in ["ArnNotEquals", "ArnNotLike"] {
            let negated = if expected == 'T' || malformed { 'F' } else { 'T' };
            check(operator, values, value, negated);
        }
    }
}

#[test]
fn variables_in_values() {
    let keys = Table::default()
        .one("k", "ana")
        .one("name", "ana")
        .one("upper", "ANA")
        .one("star", "*")
        .one("yes", "TRUE")
        .one("word", "ana")
        .one("account", "1")
        .one("colon", "r:1")
        .with("list", list(&["ana"]))
        .one("arn", "arn:aws:svc:r:1:a:b");
    for (operator, key, values, expected) in [
        ("StringEquals", "k", &["${name}"][..], 'T'),
        ("StringEquals", "k", &["${k}"], 'T'),
        ("StringEquals", "k", &["${list}"], 'F'),
        ("StringEquals", "k", &["${upper}"], 'F'),
        ("StringEqualsIgnoreCase", "k", &["${upper}"], 'T'),
        ("StringLike", "k", &["${star}"], 'F'),
        ("StringLike", "k", &["*${name}*"], 'T'),
        ("StringNotLike", "k", &["${star}"], 'T'),
        // Null: no match for positive, "not equal" for negated operators; other values count.
        ("StringEquals", "k", &["${no}"], 'F'),
        ("StringEquals", "k", &["${no}", "ana"], 'T'),
        ("StringNotEquals", "k", &["${no}"], 'T'),
        ("StringNotEquals", "k", &["${no}", "ana"], 'F'),
        ("StringNotEquals", "k", &["${no}", "bob"], 'T'),
        ("StringEquals", "k", &["${no, 'ana'}"], 'T'),
        ("StringNotEquals", "k", &["${bad variable}"], 'T'),
        ("StringEquals", "no", &["${no}"], 'F'),
        // Bool supports variables.
        ("Bool", "yes", &["${yes}"], 'T'),
        ("Bool", "yes", &["${no, 'true'}"], 'T'),
        ("Bool", "yes", &["${word}"], 'F'),
        ("Bool", "yes", &["${word}", "true"], 'T'),
        ("Bool", "yes", &["${no}", "true"], 'T'),
        // ARNs: segments before substitution, a colon of a value only in the sixth.
        ("ArnLike", "arn", &["arn:aws:svc:r:${account}:a:b"], 'T'),
        ("ArnLike", "arn", &["arn:aws:svc:${colon}:1:a:b"], 'F'),
        ("ArnLike", "arn", &["arn:aws:svc:${colon}:a:b"], 'F'),
        ("ArnLike", "arn", &["arn:aws:svc:r:1:${no, 'a:b'}"], 'T'),
        ("ArnNotLike", "arn", &["arn:aws:svc:r:1:${no}"], 'T'),
        ("ArnNotLike", "arn", &["${no}"], 'F'),
        ("ArnNotLike", "arn", &["${arn}"], 'F'),
        ("ArnLike", "arn", &["${arn}"], 'F'),
        ("ArnNotLike", "arn", &["arn:aws:svc:r:1:${bad variable}"], 'T'),
        ("ArnNotLike", "arn", &["${bad variable}"], 'F'),
        // Where variables are not supported the text is malformed.
        ("NumericNotEquals", "account", &["${account}"], 'F'),
        ("NumericEquals", "account", &["${account}"], 'F'),
    ] {
        let result = atom(&make(operator, key, values), &keys, &Settings::default());
        assert_eq!(letter(result.truth), expected, "{operator} {key} {values:?}");
        assert_eq!(result.unknown_keys, []);
    }
    let pattern = set("substituted_wildcards", "pattern");
    for (operator, values, expected) in [
        ("StringLike", &["${star}"][..], 'T'),
        ("StringNotLike", &["a${star}"], 'F'),
        ("StringEquals", &["${star}"], 'F'),
        ("StringLike", &["${*}"], 'F'),
    ] {
        assert_eq!(with(operator, values, &keys, &pattern), expected, "{operator} {values:?}");
    }
    assert_eq!(
        with("StringLike", &["${star}"], &Table::default().one("star", "*").with("k", KeyState::Present), &pattern),
        'T'
    );
}

#[test]
fn malformed_values_under_either_setting() {
    let default = Settings::default();
    let lenient = set("malformed_negated", "true");
    // (operator, values, request value, default, `malformed_negated=true`)
    for (operator, values, value, strict, loose) in [
        ("NumericEquals", &["10"][..], "ten", 'F', 'F'),
        ("NumericNotEquals", &["10"], "ten", 'F', 'T'),
        ("NumericNotEquals", &["ten"], "10", 'F', 'T'),
        ("NumericNotEquals", &["ten", "10"], "10", 'F', 'F'),
        ("NumericNotEquals", &["ten", "10"], "11", 'F', 'T'),
        ("NumericNotEquals", &["ten"], "ten", 'F', 'T'),
        ("NumericNotEquals", &[], "ten", 'F', 'T'),
        ("NumericEquals", &["ten", "10"], "10", 'T', 'T'),
        ("NumericNotEquals", &["10"], "", 'F', 'T'),
        ("DateNotEquals", &["2026-01-01"], "today", 'F', 'T'),
        ("NotIpAddress", &["10.0.0.0/8"], "10.1", 'F', 'T'),
        ("NotIpAddress", &["10.*"], "10.0.0.1", 'F', 'T'),
        ("ArnNotLike", &["arn:aws:sns:*:*:*"], "topic-1", 'F', 'T'),
        ("ArnNotEquals", &["topic-1"], "arn:aws:sns:r:1:t", 'F', 'T'),
        ("StringNotEquals", &["10"], "ten", 'T', 'T'),
        ("NumericNotEqualsIfExists", &["10"], "ten", 'F', 'T'),
        ("ForAllValues:NumericNotEquals", &["10"], "ten", 'F', 'T'),
        ("ForAnyValue:NumericNotEquals", &["10"], "ten", 'F', 'T'),
    ] {
        let keys = Table::default().one("k", value);
        assert_eq!(with(operator, values, &keys, &default), strict, "{operator} {values:?} {value}");
        assert_eq!(with(operator, values, &keys, &lenient), loose, "{operator} {values:?} {value}");
    }
}

#[test]
fn the_table_of_r_8_9() {
    // Each on a single key that is SOME: (operator, values, default, `malformed_negated=true`).
    let keys = Table::default().with("k", KeyState::Present).one("star", "*");
    for (operator, values, strict, lenient) in [
        // Some ERR.
        ("NumericEquals", &["x"][..], 'F', 'F'),
        ("NumericEquals", &["x", "1"], 'U', 'U'),
        ("NumericNotEquals", &["x"], 'F', 'T'),
        ("NumericNotEquals", &["x", "1"], 'F', 'U'),
        ("ArnNotLike", &["x", "*"], 'F', 'U'),
        // Empty or all null.
        ("StringEquals", &[], 'F', 'F'),
        ("StringNotEquals", &[], 'T', 'T'),
        ("StringLike", &["${no}"], 'F', 'F'),
        ("StringNotLike", &["${no}", "${no}"], 'T', 'T'),
        ("StringNotEqualsIgnoreCase", &["${no}"], 'T', 'T'),
        ("NumericNotEquals", &[], 'U', 'T'),
        ("DateNotEquals", &[], 'U', 'T'),
        ("NotIpAddress", &[], 'U', 'T'),
        ("ArnNotLike", &[], 'U', 'T'),
        ("ArnNotEquals", &["arn:aws:x:::${no}"], 'U', 'T'),
        ("ArnLike", &["arn:aws:x:::${no}"], 'F', 'F'),
        ("Bool", &["${no}"], 'F', 'F'),
        ("BinaryEquals", &[], 'F', 'F'),
        // A wildcard star, and what is none.
        ("StringLike", &["*"], 'T', 'T'),
        ("StringLike", &["a", "**"], 'T', 'T'),
        ("StringLike", &["*", "${no}"], 'T', 'T'),
        ("StringNotLike", &["*"], 'F', 'F'),
        ("StringNotLike", &["${u}", "*"], 'F', 'F'),
        ("StringLike", &[""], 'U', 'U'),
        ("StringLike", &["${*}"], 'U', 'U'),
        ("StringLike", &["${star}"], 'U', 'U'),
        ("StringLike", &["?*"], 'U', 'U'),
        ("StringLike", &["*${u}"], 'U', 'U'),
        ("StringEquals", &["*"], 'U', 'U'),
        ("ArnLike", &["*"], 'U', 'U'),
        ("ArnNotLike", &["*"], 'U', 'U'),
        // No other refinement.
        ("Bool", &["true", "false"], 'U', 'U'),
        ("IpAddress", &["0.0.0.0/0", "::/0"], 'U', 'U'),
        ("StringEquals", &["${u}"], 'U', 'U'),
    ] {
        let keys = keys.clone().with("u", KeyState::Unknown);
        assert_eq!(with(operator, values, &keys, &Settings::default()), strict, "{operator} {values:?}");
        assert_eq!(with(operator, values, &keys, &set("malformed_negated", "true")), lenient, "{operator} {values:?}");
    }
}

#[test]
fn unknown_keys_by_the_tables_of_8_3() {
    // `T` and `F` of `baseU` are those of StringLike `*` and of no values; `U` is StringLike `a`.
    // (operator, values, SOME, UNKNOWN), first on a single key, then on a multi-valued one.
    for (operator, values, on_single, on_multi) in [
        ("StringLike", &["a"][..], "UU", "UU"),
        ("StringLike", &["*"], "TU", "UU"),
        ("StringLike", &[], "FF", "FF"),
        ("StringLikeIfExists", &["a"], "UU", "UU"),
        ("StringLikeIfExists", &["*"], "TT", "UU"),
        ("StringLikeIfExists", &[], "FU", "FU"),
        ("StringNotLike", &["a"], "UU", "UU"),
        ("StringNotLike", &["*"], "FU", "FU"),
        ("StringNotLike", &[], "TT", "UU"),
        ("ForAllValues:StringLike", &["a"], "UU", "UU"),
        ("ForAllValues:StringLike", &["*"], "TT", "TT"),
        ("ForAllValues:StringLike", &[], "FU", "FU"),
        ("ForAllValues:StringNotLike", &["*"], "FU", "FU"),
        ("ForAllValues:StringNotLike", &[], "TT", "TT"),
        ("ForAnyValue:StringLike", &["a"], "UU", "UU"),
        ("ForAnyValue:StringLike", &["*"], "TU", "TU"),
        ("ForAnyValue:StringLike", &[], "FF", "FF"),
        ("ForAnyValue:StringLikeIfExists", &["*"], "TU", "TU"),
        ("ForAnyValue:StringLikeIfExists", &[], "FU", "FU"),
        ("ForAnyValue:StringNotLike", &["*"], "FF", "FF"),
        ("ForAnyValue:StringNotLike", &[], "TU", "TU"),
    ] {
        for (table, expected) in [(Table::default(), on_single), (Table::default().multi("k"), on_multi)] {
            let got: String = [KeyState::Present, KeyState::Unknown]
                .into_iter()
                .map(|state| with(operator, values, &table.clone().with("k", state), &Settings::default()))
                .collect();
            assert_eq!(got, expected, "{operator} {values:?} {:?}", table.multi);
        }
    }
}

#[test]
fn holes_in_values() {
    let keys = Table::default()
        .one("k", "home/ana")
        .one("yes", "true")
        .one("arn", "arn:aws:svc:r:1:a:b")
        .with("u", KeyState::Unknown)
        .with("s", KeyState::Present);
    for (operator, key, values, expected, resolved, unknown) in [
        ("StringEquals", "k", &["home/${u}"][..], 'U', vec!["home/${u}"], vec!["u"]),
        ("StringEquals", "k", &["work/${u}"], 'F', vec!["work/${u}"], vec!["u"]),
        ("StringNotEquals", "k", &["home/${u}"], 'U', vec!["home/${u}"], vec!["u"]),
        ("StringNotEquals", "k", &["work/${u}"], 'T', vec!["work/${u}"], vec!["u"]),
        ("StringEquals", "k", &["${u}*"], 'F', vec!["${u}*"], vec!["u"]),
        ("StringLike", "k", &["${u}*"], 'U', vec!["${u}*"], vec!["u"]),
        ("StringLike", "k", &["${u}${*}"], 'F', vec!["${u}${*}"], vec!["u"]),
        ("StringEqualsIgnoreCase", "k", &["HOME/${u}"], 'U', vec!["HOME/${u}"], vec!["u"]),
        ("StringEquals", "k", &["${u}", "home/ana"], 'T', vec!["${u}", "home/ana"], vec!["u"]),
        ("StringNotEquals", "k", &["${u}", "home/ana"], 'F', vec!["${u}", "home/ana"], vec!["u"]),
        ("StringEquals", "k", &["${u}${no}"], 'F', vec!["${u}${no}"], vec!["u"]),
        ("StringEquals", "u", &["${k}${s, 'd'}", "${u}"], 'U', vec!["home/ana${s, 'd'}", "${u}"], vec!["u", "s"]),
        ("Bool", "yes", &["${u}"], 'U', vec!["${u}"], vec!["u"]),
        ("Bool", "yes", &["TR${u}"], 'U', vec!["TR${u}"], vec!["u"]),
        ("Bool", "yes", &["f${u}"], 'F', vec!["f${u}"], vec!["u"]),
        ("ArnLike", "arn", &["arn:aws:svc:${u}:1:a:b"], 'U', vec!["arn:aws:svc:${u}:1:a:b"], vec!["u"]),
        ("ArnLike", "arn", &["arn:aws:svc:${u}:a:b:"], 'F', vec!["arn:aws:svc:${u}:a:b:"], vec!["u"]),
        ("ArnLike", "arn", &["arn:aws:svc:r:1:${s}b"], 'U', vec!["arn:aws:svc:r:1:${s}b"], vec!["s"]),
        ("ArnNotLike", "arn", &["arn:aws:svc:r:2:${s}"], 'T', vec!["arn:aws:svc:r:2:${s}"], vec!["s"]),
        ("ArnNotLike", "arn", &["${u}"], 'F', vec!["${u}"], vec!["u"]),
        ("ArnLike", "u", &["arn:aws:svc:r:1:x"], 'U', vec!["arn:aws:svc:r:1:x"], vec!["u"]),
        ("NumericEquals", "u", &["${u}"], 'F', vec!["${u}"], vec!["u"]),
    ] {
        let result = atom(&make(operator, key, values), &keys, &Settings::default());
        assert_eq!(letter(result.truth), expected, "{operator} {key} {values:?}");
        assert_eq!(result.resolved, resolved, "{operator} {key} {values:?}");
        let unknown: Vec<ConditionKey> = unknown.into_iter().map(ConditionKey::new).collect();
        assert_eq!(result.unknown_keys, unknown, "{operator} {key} {values:?}");
    }
}

/// Every concrete state that completes a state, over a small domain of values.
fn completions(state: &KeyState, multi: bool, domain: &[&str]) -> Vec<KeyState> {
    let mut all = Vec::new();
    let form = |value: &str| if multi { list(&[value]) } else { KeyState::one(value) };
    all.extend(domain.iter().filter(|value| !value.is_empty()).map(|value| form(value)));
    if multi {
        // Pairs: with an empty value, of equals, and with one that is read as no other type than text.
        for value in domain.iter().filter(|value| !value.is_empty()) {
            all.extend([list(&["", *value]), list(&[*value, *value]), list(&[*value, "a"])]);
        }
    }
    match state {
        KeyState::Present => all,
        KeyState::Unknown => {
            all.push(KeyState::Absent);
            all.push(form(""));
            if multi {
                all.push(list(&["", ""]));
            }
            all
        }
        known => vec![known.clone()],
    }
}

/// R-8.24 (1): what an atom says with unknown keys holds for each completion: knowing more never contradicts.
#[test]
fn atoms_cover_their_completions() {
    let operators = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "DateNotEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnLike",
        "ArnNotLike",
        "Null",
    ];
    let domain = ["", "a", "A*", "1", "true", "10.0.0.1", "arn:a:b:c:d:e", "x:y"];
    let lists: [&[&str]; 16] = [
        &[],
        &["*"],
        &["a"],
        &["${v}"],
        &["${v}", "a"],
        &["${v, 'a'}", "x"],
        &["${no}"],
        &["a${v}*"],
        &["1"],
        &["1", "x"],
        &["true"],
        &["true", "false"],
        &["10.0.0.0/8"],
        &["arn:a:b:c:d:e"],
        &["arn:${v}:b:*:d:${v}"],
        &["arn:a:b:c:d:${no}", "${v}"],
    ];
    // Every value of every switch of these sections, in few combinations: they act in different places.
    let mut settings = vec![Settings::default()];
    for values in [
        ["false", "true", "every", "text", "pattern"],
        ["any", "false", "none", "text", "literal"],
        ["negated_true", "true", "multi", "null", "pattern"],
    ] {
        let mut combined = Settings::default();
        let names = ["multi_plain", "malformed_negated", "empty_is_null", "empty_variable", "substituted_wildcards"];
        for (name, value) in names.into_iter().zip(values) {
            combined.set(name, value).unwrap();
        }
        settings.push(combined);
    }
    let (mut n_definite, mut n_open) = (0, 0);
    for settings in &settings {
        for base in operators {
            for operator in ["", "ForAllValues:", "ForAnyValue:"]
                .iter()
                .flat_map(|prefix| ["", "IfExists"].map(|suffix| format!("{prefix}{base}{suffix}")))
                .filter(|name| Operator::parse(name).is_some())
            {
                for values in lists {
                    let made = make(&operator, "k", values);
                    for multi in [false, true] {
                        for k in [KeyState::Present, KeyState::Unknown, KeyState::one("a"), KeyState::Absent] {
                            // Without variables in the values the state of `v` does not matter.
                            let uses_v = values.iter().any(|value| value.contains("${v"));
                            let states = [KeyState::Present, KeyState::Unknown];
                            for v in states.into_iter().take(if uses_v { 2 } else { 1 }) {
                                let table = if multi { Table::default().multi("k") } else { Table::default() };
                                let ask = |k: &KeyState, v: &KeyState| {
                                    let keys = table.clone().with("k", k.clone()).with("v", v.clone());
                                    atom(&made, &keys, settings).truth
                                };
                                let open = ask(&k, &v);
                                if open == Truth::Unknown {
                                    n_open += 1;
                                    continue;
                                }
                                n_definite += 1;
                                for k in completions(&k, multi, &domain) {
                                    for v in completions(&v, false, if uses_v { &domain } else { &["a"] }) {
                                        let closed = ask(&k, &v);
                                        assert_eq!(closed, open, "{operator} {values:?} k {k:?} v {v:?} {settings:?}");
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(n_definite > 1_000 && n_open > 1_000, "{n_definite} definite, {n_open} open");
}

/// With everything known, the three-valued tables are the two-valued rules: never unknown.
#[test]
fn known_keys_give_no_unknown() {
    for base in BaseOperator::ALL {
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            for state in [KeyState::Absent, KeyState::one(""), KeyState::one("1"), list(&["1", ""]), list(&["1", "a"])]
            {
                for values in [&[][..], &["1"], &["${k}"], &["${no, '1'}", "a"], &["true", "x"]] {
                    let keys = Table::default().with("k", state.clone());
                    let name = format!("{prefix}{}", base.name());
                    let result = atom(&make(&name, "k", values), &keys, &Settings::default());
                    assert_ne!(result.truth, Truth::Unknown, "{name} {values:?} {state:?}");
                    assert_eq!(result.unknown_keys, []);
                }
            }
        }
    }
}

#[test]
fn negated_operators_are_the_eight_of_r_4_2() {
    let negated: Vec<&str> =
        BaseOperator::ALL.iter().filter(|base| compare::is_negated(**base)).map(|base| base.name()).collect();
    assert_eq!(
        negated,
        [
            "StringNotEquals",
            "StringNotEqualsIgnoreCase",
            "StringNotLike",
            "NumericNotEquals",
            "DateNotEquals",
            "NotIpAddress",
            "ArnNotEquals",
            "ArnNotLike",
        ]
    );
}

#[test]
fn malformed_policy_values_are_listed() {
    let statement = |atoms| Statement {
        sid: None,
        effect: Effect::Deny,
        principal: None,
        action: ActionElement { negated: false, patterns: Vec::new(), span: Default::default() },
        resource: None,
        condition: iamc_policy::condition::Condition { atoms, unknown_operators: Vec::new() },
        span: Default::default(),
        line: 1,
    };
    let policy = Policy {
        kind: PolicyKind::Identity,
        version: Version::V2012,
        id: None,
        statements: vec![
            statement(vec![
                make("StringEquals", "K", &["anything", "${no", "${k}"]),
                make("numericnotequalsifexists", "K", &["1", "one", "${k}"]),
                make("DateLessThan", "K", &["2026-01-01", "2026-1-1"]),
            ]),
            statement(vec![]),
            statement(vec![
                make("Bool", "K", &["True", "yes", "${k}", "x${k}", "${no"]),
                make("BinaryEquals", "K", &["Zg==", "Zg"]),
                make("IpAddress", "K", &["::1", "10.*"]),
                make("ForAnyValue:ArnLike", "K", &["*", "arn:aws:s3:::${k}", "arn:aws:s3", "${k}", "${no"]),
                make("Null", "K", &["TRUE", "absent"]),
            ]),
        ],
    };
    let expected = [
        (0, "NumericNotEqualsIfExists", "one"),
        (0, "NumericNotEqualsIfExists", "${k}"),
        (0, "DateLessThan", "2026-1-1"),
        (2, "Bool", "yes"),
        (2, "BinaryEquals", "Zg"),
        (2, "IpAddress", "10.*"),
        (2, "ForAnyValue:ArnLike", "arn:aws:s3"),
        (2, "ForAnyValue:ArnLike", "${k}"),
        (2, "ForAnyValue:ArnLike", "${no"),
        (2, "Null", "absent"),
    ]
    .map(|(index, operator, value)| (index, operator.to_owned(), "k".to_owned(), value.to_owned()));
    assert_eq!(malformed_values(&policy), expected);
}

#[test]
fn hostile_sizes_end() {
    let long = "a*".repeat(3_000);
    let value = "a".repeat(3_000);
    let keys = Table::default().one("k", &value).with("u", KeyState::Unknown);
    assert_eq!(with("StringLike", &[&format!("{long}b")], &keys, &Settings::default()), 'F');
    assert_eq!(with("StringLike", &[&format!("{}a", "*".repeat(3_000))], &keys, &Settings::default()), 'T');
    assert_eq!(with("StringEquals", &[&"${u}".repeat(1_000)], &keys, &Settings::default()), 'U');
    let digits = "9".repeat(50_000);
    check("NumericLessThan", &[&format!("1e{digits}")], &digits, 'T');
}
