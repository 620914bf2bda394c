//! Exports that are not quite what somebody exported: values moved, doubled, spelled in another way, spoiled.

use iamc_testkit::generators::{Entropy, damaged};
use serde_json::{Value, json};

/// Some of the values, most of them changed in places, as a file: one a line, as a list, or spread over many lines.
///
/// Values may be taken twice and changed apart, so that they contradict each other. Deterministic.
/// Panics: if there are no values. Cost: O(bytes of the values).
pub(crate) fn changed(entropy: &mut Entropy<'_>, values: &[Value]) -> String {
    let n = 1 + entropy.below(6);
    let mut chosen: Vec<Value> = (0..n).map(|_| entropy.pick(values).clone()).collect();
    for value in &mut chosen {
        for _ in 0..entropy.below(4) {
            change(entropy, value);
        }
    }
    let text = match entropy.below(4) {
        0 | 1 => chosen.iter().map(|value| format!("{value}\n")).collect(),
        2 => Value::Array(chosen).to_string(),
        _ => chosen.iter().map(|value| format!("{value:#}\n")).collect(),
    };
    if entropy.chance(25) { damaged(entropy, &text) } else { text }
}

/// Changes one place of the value.
pub(crate) fn change(entropy: &mut Entropy<'_>, value: &mut Value) {
    let mut pointers = Vec::new();
    walk(value, String::new(), &mut pointers);
    let other = value.pointer(entropy.pick::<String>(&pointers)).cloned().unwrap_or_default();
    let Some(place) = value.pointer_mut(entropy.pick::<String>(&pointers)) else { return };
    match (entropy.below(8), &mut *place) {
        (0, _) => *place = odd(entropy),
        (1, _) => *place = other,
        // Documents stand in exports as objects, as JSON text, as text of text, and percent-encoded.
        (2, _) => *place = Value::String(place.to_string()),
        (3, Value::String(text)) => *place = serde_json::from_str(text).unwrap_or(other),
        (4, Value::String(text)) => *place = Value::String(percent_encoded(text)),
        (_, Value::String(text)) => *text = damaged(entropy, text),
        (_, Value::Array(items)) if !items.is_empty() => {
            let at = entropy.below(items.len());
            match entropy.below(3) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => items.insert(at, other),
            }
        }
        (_, Value::Object(fields)) if !fields.is_empty() => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = entropy.pick::<String>(&names);
            match entropy.below(3) {
                0 => drop(fields.remove(name)),
                1 => drop(fields.insert(damaged(entropy, name), other)),
                _ => drop(fields.insert(name.clone(), odd(entropy))),
            }
        }
        _ => *place = odd(entropy),
    }
}

/// The JSON pointers of the value and of all that is in it.
fn walk(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| walk(item, format!("{pointer}/{at}"), pointers));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(field, format!("{pointer}/{name}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

fn odd(entropy: &mut Entropy<'_>) -> Value {
    match entropy.below(10) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(""),
        4 => json!(true),
        5 => json!(-1),
        6 => json!("arn:aws:iam::111122223333:role/R"),
        7 => json!("999999999999"),
        8 => json!({"Version": "2012-10-17", "Statement": []}),
        _ => json!([[[["*"]]]]),
    }
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
