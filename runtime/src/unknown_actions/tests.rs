use super::*;
use crate::layout::Tables;

/// One action set for each list of texts, each with the service at its position.
fn set(lists: &[(u32, Vec<String>)]) -> CompiledPolicySet {
    let mut tables: Tables = crate::testing::minimal();
    let mut bytes = std::mem::take(&mut tables.string_bytes);
    let mut offsets = std::mem::take(&mut tables.string_offsets);
    let mut intern = |text: &str| {
        bytes.push_str(text);
        offsets.push(bytes.len() as u32);
        offsets.len() as u32 - 2
    };
    for service in ["ec2", "iam", "s3"] {
        tables.services.extend([intern(service), 0, 0]);
    }
    for (id, (service, texts)) in (0..).zip(lists) {
        tables.action_sets.extend([2, 0, 0, tables.action_texts.len() as u32]);
        tables.action_texts.push(texts.len() as u32);
        tables.action_texts.extend(texts.iter().map(|text| intern(text)));
        tables.action_entries.extend([*service, id]);
    }
    (tables.string_bytes, tables.string_offsets) = (bytes, offsets);
    CompiledPolicySet::from_tables(tables).unwrap()
}

/// Compares with globbing every text; how many of the names match.
fn check(set: &CompiledPolicySet, unknown: &UnknownActions, names: &[String]) -> usize {
    let mut n_matching = 0;
    for (id, row) in (0..).zip(rows::<ACTION_SET_ROW>(&set.tables().action_sets)) {
        let texts = set.action_texts(row[3]);
        for name in names {
            let expected = texts.iter().any(|text| glob_ascii(set.string(*text), name.as_bytes()));
            assert_eq!(unknown.matches(set, id, texts, name.as_bytes()), expected, "{id} {name}");
            n_matching += usize::from(expected);
        }
    }
    n_matching
}

fn texts(form: impl Fn(usize) -> String, n: usize) -> Vec<String> {
    (0..n).map(form).collect()
}

fn lists() -> Vec<(u32, Vec<String>)> {
    let mixed = |n: usize| match n % 5 {
        0 => format!("get{n}*"),
        1 => format!("put{n}"),
        2 => format!("*tag{n}"),
        3 => format!("l?st{n}*"),
        _ => "describe"[..n % 8].to_owned() + "*",
    };
    vec![
        (0, texts(mixed, 60)),
        (0, texts(|n| format!("get{}*", n * 3), 30)),
        (1, texts(|n| format!("{}*", "g".repeat(n + 1)), 40)),
        (1, texts(|n| format!("put{n}"), 40)),
        (2, texts(|n| format!("get{n}*"), FEW)),
        (2, vec![]),
    ]
}

fn names() -> Vec<String> {
    let whole =
        ["get", "get0", "get30x", "get31", "put1", "put1x", "xtag2", "list3", "lost33", "des", "d", "", "ggg", "é"];
    whole.iter().map(|name| (*name).to_owned()).chain(texts(|n| format!("get{n}object"), 99)).collect()
}

#[test]
fn the_automaton_answers_as_globbing_does() {
    let set = set(&lists());
    let unknown = UnknownActions::new(&set);
    assert!(check(&set, &unknown, &names()) > 100);
    let counts = unknown.counts(&set);
    assert_eq!((counts.few, counts.n_automata, counts.n_refused, counts.refused), (FEW, 2, 0, 0));
    assert_eq!((counts.exact, counts.globbed, counts.automaton), (12 + 40, 24, 24 + 30 + 40));
    assert_eq!(check(&set, &UnknownActions::unprepared(), &names()), check(&set, &unknown, &names()));
}

#[test]
fn a_refused_automaton_changes_nothing() {
    let set = set(&lists());
    let unknown = UnknownActions::with_limit(&set, 1_000);
    let counts = unknown.counts(&set);
    assert_eq!((counts.n_automata, counts.n_refused, counts.refused), (0, 2, 94));
    assert_eq!(check(&set, &unknown, &names()), check(&set, &UnknownActions::new(&set), &names()));
}

#[test]
fn an_automaton_is_as_large_as_its_texts() {
    let hostile: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("different", &|n| format!("get{n}*")),
        ("one in the other", &|n| "a".repeat(n % 120) + &n.to_string() + "*"),
        ("ending alike", &|n| format!("{n}getobject*")),
        ("long", &|n| "ab".repeat(60) + &n.to_string() + "*"),
    ];
    for (what, form) in hostile {
        let bytes = [100, 800].map(|n| {
            let set = set(&[(0, texts(form, n))]);
            let counts = UnknownActions::with_limit(&set, usize::MAX).counts(&set);
            assert_eq!(counts.n_refused, 0, "{what}");
            let n_bytes: usize = texts(form, n).iter().map(String::len).sum();
            assert!(counts.automata_bytes < BYTES_MIN.max(BYTES_PER_BYTE * n_bytes), "{what}");
            counts.automata_bytes as f64 / n_bytes as f64
        });
        assert!(bytes[1] < 2.0 * bytes[0], "{what}: {bytes:?} bytes a byte");
    }
    // Several wildcards stay out of it.
    let set = set(&[(0, texts(|n| format!("*a{n}*b*c?"), 500))]);
    let counts = UnknownActions::new(&set).counts(&set);
    assert_eq!((counts.globbed, counts.n_automata, counts.n_refused), (500, 0, 0));
}
