//! Rego on regorus: statements as data, a layer a list of allowing and denying ones, and one rule that reads those of the row's
//! own layers alone. Inputs are built before the clock runs.

use crate::Peer;
use crate::statement::{Condition, Patterns, Statement, Test};
use crate::workload::Workload;
use iamc_benches::measure::Failure;
use regorus::{Engine, Value};
use serde_json::json;

const POLICY: &str = r#"
package iam
import rego.v1

default allow := false

allow if {
    every layer in input.layers {
        permitted(data.layers[layer])
        not forbidden(data.layers[layer])
    }
}

permitted(layer) if {
    some statement in layer.allow
    applies(statement)
}

forbidden(layer) if {
    some statement in layer.deny
    applies(statement)
}

applies(statement) if {
    fits(statement.actions, input.action) == statement.actions_fit
    fits(statement.resources, input.resource) == statement.resources_fit
    every condition in statement.conditions { holds(condition) }
}

default fits(_, _) := false

fits(patterns, text) if patterns.texts[text]

fits(patterns, text) if {
    some prefix in patterns.prefixes
    startswith(text, prefix)
}

fits(patterns, text) if {
    some pattern in patterns.globs
    glob.match(pattern, null, text)
}

holds(condition) if {
    condition.test == "absent"
    absent(condition.key) == condition.is_absent
}

holds(condition) if {
    condition.test != "absent"
    absent(condition.key)
    condition.if_absent
}

holds(condition) if {
    condition.test == "text"
    fits(condition.patterns, input.context[condition.key]) == condition.fits
}

holds(condition) if {
    condition.test == "address"
    within(condition.ranges, input.context[condition.key]) == condition.fits
}

default absent(_) := true

absent(key) := false if input.context[key]

default within(_, _) := false

within(ranges, address) if {
    some range in ranges
    net.cidr_contains(range, address)
}
"#;

pub struct Rego {
    engine: Engine,
    inputs: Vec<Value>,
}

impl Rego {
    pub fn new(workload: &Workload) -> Result<Rego, Failure> {
        let mut engine = Engine::new();
        engine.add_policy("iam.rego".to_owned(), POLICY.to_owned()).map_err(|error| error.to_string())?;
        let used = workload.used();
        let layers: serde_json::Map<String, serde_json::Value> = workload
            .layers
            .iter()
            .enumerate()
            .filter(|(index, _)| used[*index])
            .map(|(index, layer)| {
                let of = |deny: bool| -> Vec<serde_json::Value> {
                    let own = layer.statements.iter().filter(|own| own.deny == deny && own.translates());
                    own.map(statement).collect()
                };
                (index.to_string(), json!({"allow": of(false), "deny": of(true)}))
            })
            .collect();
        let data = Value::from_json_str(&json!({"layers": layers}).to_string()).map_err(|error| error.to_string())?;
        engine.add_data(data).map_err(|error| error.to_string())?;
        let input = |row: &crate::workload::Row| {
            let context: serde_json::Map<String, serde_json::Value> =
                row.context.iter().map(|(key, value)| (key.to_ascii_lowercase(), json!(value))).collect();
            let layers: Vec<String> = row.layers.iter().map(usize::to_string).collect();
            let action = row.action.to_ascii_lowercase();
            let input = json!({"action": action, "resource": row.resource, "layers": layers, "context": context});
            Value::from_json_str(&input.to_string()).map_err(|error| error.to_string().into())
        };
        let inputs: Result<Vec<Value>, Failure> = workload.rows.iter().map(input).collect();
        Ok(Rego { engine, inputs: inputs? })
    }
}

impl Peer for Rego {
    fn name(&self) -> &'static str {
        "regorus 0.11"
    }

    fn allows(&mut self, _: &Workload, row: usize) -> bool {
        self.engine.set_input(self.inputs[row].clone());
        match self.engine.eval_rule("data.iam.allow".to_owned()) {
            Ok(value) => value == Value::from(true),
            Err(error) => {
                if std::env::var_os("SHOW").is_some() {
                    eprintln!("{error}");
                }
                false
            }
        }
    }
}

/// Texts by themselves, and beginnings, which most wildcards leave: regorus makes an automaton of a glob each time that it
/// matches one.
fn patterns(list: &[String]) -> serde_json::Value {
    let (globs, texts): (Vec<&String>, Vec<&String>) = list.iter().partition(|pattern| pattern.contains('*'));
    let prefix =
        |pattern: &&String| pattern.strip_suffix('*').filter(|prefix| !prefix.contains('*')).map(str::to_owned);
    let prefixes: Vec<String> = globs.iter().filter_map(|pattern| prefix(pattern)).collect();
    let globs: Vec<&&String> = globs.iter().filter(|pattern| prefix(pattern).is_none()).collect();
    let texts: serde_json::Map<String, serde_json::Value> =
        texts.into_iter().map(|text| (text.clone(), json!(true))).collect();
    json!({"texts": texts, "prefixes": prefixes, "globs": globs})
}

fn statement(statement: &Statement) -> serde_json::Value {
    let Patterns { negated: no_actions, list: actions } = &statement.actions;
    let Patterns { negated: no_resources, list: resources } = &statement.resources;
    let conditions: Vec<serde_json::Value> = statement.conditions.iter().flatten().map(condition).collect();
    json!({
        "actions": patterns(actions), "actions_fit": !no_actions,
        "resources": patterns(resources), "resources_fit": !no_resources,
        "conditions": conditions,
    })
}

fn condition(condition: &Condition) -> serde_json::Value {
    let Condition { test, negated, if_absent, key, values } = condition;
    match test {
        Test::Absent => json!({"test": "absent", "key": key, "is_absent": values.iter().any(|value| value == "true")}),
        Test::Address => {
            json!({"test": "address", "key": key, "ranges": values, "fits": !negated, "if_absent": if_absent})
        }
        Test::Equals => {
            let texts: serde_json::Map<String, serde_json::Value> =
                values.iter().map(|text| (text.clone(), json!(true))).collect();
            let patterns = json!({"texts": texts, "prefixes": [], "globs": []});
            json!({"test": "text", "key": key, "patterns": patterns, "fits": !negated, "if_absent": if_absent})
        }
        Test::Like => {
            let patterns = patterns(values);
            json!({"test": "text", "key": key, "patterns": patterns, "fits": !negated, "if_absent": if_absent})
        }
    }
}
