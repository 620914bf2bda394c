//! What reading the compiled-in table costs, beside reading the same facts from JSON (AWS's service reference form) and
//! beside looking up every action once. Run `cargo bench -p iamc-catalogue`; the numbers are in `docs/catalogue.md`.
//!
//! A plain loop over `Instant`: the differences are factors of ten and more, so nothing finer is needed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use iamc_catalogue::{AccessLevel, Catalogue, KeyFacts, KeyType};
use serde_json::{Value, json};

static TABLE: &[u8] = include_bytes!("../data/catalogue.bin");

fn main() {
    let rounds = 40;
    let catalogue = Catalogue::read(TABLE).expect("the committed table is valid");
    let table = best_and_median(rounds, || black_box(Catalogue::read(TABLE)).is_ok());
    show("read the table", table);

    let folder = std::env::temp_dir().join(format!("iamc-bench-catalogue-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a fresh folder in the temporary one");
    let file = folder.join("reference.json");
    let text = service_reference(&catalogue).to_string();
    std::fs::write(&file, &text).expect("the file is ours");
    let loaded = Catalogue::load(&file).expect("the documents are well-formed");
    assert_eq!(loaded.n_actions(), catalogue.n_actions());
    let json = best_and_median(rounds / 4, || black_box(Catalogue::load(&file)).is_ok());
    show(&format!("load {} bytes of JSON, encode, read", text.len()), json);
    std::fs::remove_dir_all(&folder).expect("the folder is ours");

    let names: Vec<(String, String)> =
        catalogue.actions().map(|a| (a.service().prefix().to_owned(), a.name().to_ascii_lowercase())).collect();
    let lookups =
        best_and_median(rounds, || names.iter().all(|(service, name)| catalogue.action(service, name).is_some()));
    show(&format!("look up all {} actions", names.len()), lookups);
    println!("JSON / table: {:.0} times (best against best)", json.0.as_secs_f64() / table.0.as_secs_f64());
}

fn best_and_median(rounds: usize, mut work: impl FnMut() -> bool) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            assert!(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    (times[0], times[times.len() / 2])
}

fn show(what: &str, (best, median): (Duration, Duration)) {
    println!("{what}: best {best:?}, median {median:?}");
}

/// The facts of a catalogue as documents of AWS's service reference.
fn service_reference(catalogue: &Catalogue) -> Value {
    let documents = catalogue.services().map(|service| {
        let actions: Vec<Value> = service
            .actions()
            .map(|action| {
                let level = action.access_level();
                let keys: Vec<&str> = action.condition_keys().map(|key| key.name()).collect();
                let resources: Vec<Value> = action
                    .condition_keys_by_type()
                    .map(|(resource_type, keys)| {
                        let keys: Vec<&str> = keys.map(|key| key.name()).collect();
                        json!({"Name": resource_type.name(), "ConditionKeys": keys})
                    })
                    .collect();
                json!({
                    "Name": action.name(), "ActionConditionKeys": keys, "Resources": resources,
                    "Annotations": {"Properties": {
                        "IsList": level == Some(AccessLevel::List),
                        "IsPermissionManagement": level == Some(AccessLevel::PermissionsManagement),
                        "IsTaggingOnly": level == Some(AccessLevel::Tagging),
                        "IsWrite": level == Some(AccessLevel::Write),
                    }},
                })
            })
            .collect();
        let resources: Vec<Value> = service
            .resource_types()
            .map(|resource_type| {
                let keys: Vec<&str> = resource_type.condition_keys().map(|key| key.name()).collect();
                let templates: Vec<&str> = resource_type.arn_templates().collect();
                json!({"Name": resource_type.name(), "ARNFormats": templates, "ConditionKeys": keys})
            })
            .collect();
        let keys: Vec<Value> = service
            .condition_keys()
            .map(|key| json!({"Name": key.name(), "Types": key.declared().map(type_name)}))
            .collect();
        json!({"Name": service.prefix(), "Actions": actions, "Resources": resources, "ConditionKeys": keys})
    });
    Value::Array(documents.collect())
}

fn type_name(facts: KeyFacts) -> String {
    let base = match facts.key_type {
        KeyType::String => "String",
        KeyType::Arn => "ARN",
        KeyType::Bool => "Bool",
        KeyType::Numeric => "Numeric",
        KeyType::Date => "Date",
        KeyType::IpAddress => "IPAddress",
        KeyType::Binary => "Binary",
    };
    if facts.multi { format!("ArrayOf{base}") } else { base.to_owned() }
}
