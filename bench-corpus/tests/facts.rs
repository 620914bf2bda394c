//! The pinned tables are facts about AWS: nearly all of them still hold in the catalogue's edition.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use iamc_catalogue::Catalogue;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)).unwrap()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// AWS retires an action now and then; a table of which every hundredth line is wrong is out of date.
fn nearly_all(what: &str, unknown: Vec<String>, n: usize) {
    assert!(n > 0 && unknown.len() * 100 <= n, "{what}: {} of {n} unknown, {unknown:?}", unknown.len());
}

#[test]
fn services_and_actions_are_known() {
    let catalogue = Catalogue::embedded();
    let text = read("services.txt");
    let services: Vec<&str> = lines(&text).flat_map(str::split_whitespace).collect();
    let unknown = services.iter().filter(|prefix| catalogue.service(prefix).is_none()).map(|s| (*s).to_owned());
    nearly_all("services.txt", unknown.collect(), services.len());
    let text = read("actions.txt");
    let mut unknown = Vec::new();
    let mut n = 0;
    for line in lines(&text) {
        let mut words = line.split(' ');
        let service = words.next().unwrap();
        for action in words {
            n += 1;
            if catalogue.action(service, action).is_none() {
                unknown.push(format!("{service}:{action}"));
            }
        }
    }
    nearly_all("actions.txt", unknown, n);
}

#[test]
fn events_name_a_resource_where_their_action_needs_one() {
    let catalogue = Catalogue::embedded();
    let text = read("events.txt");
    for line in lines(&text) {
        let [_, action, kind] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (service, name) = action.split_once(':').unwrap();
        let facts = catalogue.action(service, name).unwrap_or_else(|| panic!("{action}"));
        let required = facts.resource_types().any(|(_, required)| required);
        assert!(kind != "*" || !required, "{action} needs a resource");
        assert!(kind == "*" || !facts.is_wildcard_only(), "{action} acts on no resource");
    }
}

#[test]
fn templates_name_known_actions() {
    let catalogue = Catalogue::embedded();
    let mut n = 0;
    let mut unknown = Vec::new();
    for kind in ["boundary", "identity", "rcp", "resource", "scp", "trust", "vpce"] {
        for line in read(&format!("templates/{kind}.jsonl")).lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let statement = &value["statement"];
            let action = if statement["Action"].is_null() { &statement["NotAction"] } else { &statement["Action"] };
            let actions = match action {
                serde_json::Value::Array(list) => list.iter().map(|action| action.as_str().unwrap()).collect(),
                one => vec![one.as_str().unwrap()],
            };
            for action in actions.into_iter().filter(|action| !action.contains('*')) {
                n += 1;
                let (service, name) = action.split_once(':').unwrap();
                if catalogue.action(service, name).is_none() {
                    unknown.push(action.to_owned());
                }
            }
        }
    }
    nearly_all("templates", unknown, n);
}
