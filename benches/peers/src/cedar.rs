//! Cedar at its fair best: a policy set for each layer, so that only policies of the row's own layers are looked at; wildcard
//! actions as groups in the action hierarchy; requests built before the clock runs.

use crate::Peer;
use crate::statement::{Condition, Patterns, Statement, Test, fits};
use crate::workload::Workload;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    Request, RestrictedExpression,
};
use iamc_benches::measure::Failure;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

pub struct Cedar {
    authorizer: Authorizer,
    entities: Entities,
    layers: Vec<Option<PolicySet>>,
    requests: Vec<Request>,
}

impl Cedar {
    pub fn new(workload: &Workload) -> Result<Cedar, Failure> {
        let used = workload.used();
        let mut layers = Vec::new();
        let mut groups = BTreeSet::new();
        for (layer, used) in workload.layers.iter().zip(used) {
            if !used {
                layers.push(None);
                continue;
            }
            let mut set = PolicySet::new();
            for (number, statement) in layer.statements.iter().enumerate().filter(|(_, own)| own.translates()) {
                groups.extend(statement.actions.list.iter().filter(|action| action.contains('*')).cloned());
                let text = policy(statement);
                let id = PolicyId::new(format!("s{number}"));
                set.add(Policy::parse(Some(id), &text).map_err(|error| format!("{error}: {text}"))?)?;
            }
            layers.push(Some(set));
        }
        let actions: BTreeSet<String> = workload.rows.iter().map(|row| row.action.to_ascii_lowercase()).collect();
        let mut entities = Vec::new();
        for action in &actions {
            let parents = groups.iter().filter(|group| fits(group.as_bytes(), action.as_bytes()));
            let parents = parents.map(|group| uid("Action", group)).collect::<Result<HashSet<_>, _>>()?;
            entities.push(Entity::new(uid("Action", action)?, HashMap::new(), parents)?);
        }
        for group in groups.difference(&actions) {
            entities.push(Entity::new(uid("Action", group)?, HashMap::new(), HashSet::new())?);
        }
        let mut requests = Vec::new();
        for row in &workload.rows {
            let mut pairs = vec![("resource".to_owned(), RestrictedExpression::new_string(row.resource.clone()))];
            for (key, value) in &row.context {
                let key = key.to_ascii_lowercase();
                let value = match key.as_str() {
                    "aws:sourceip" => RestrictedExpression::new_ip(value),
                    _ => RestrictedExpression::new_string(value.clone()),
                };
                pairs.push((key, value));
            }
            let action = uid("Action", &row.action.to_ascii_lowercase())?;
            let context = Context::from_pairs(pairs)?;
            let (principal, resource) = (uid("Principal", &row.principal)?, uid("Resource", &row.resource)?);
            requests.push(Request::new(principal, action, resource, context, None)?);
        }
        Ok(Cedar {
            authorizer: Authorizer::new(),
            entities: Entities::from_entities(entities, None)?,
            layers,
            requests,
        })
    }
}

impl Peer for Cedar {
    fn name(&self) -> &'static str {
        "cedar-policy 4.14"
    }

    fn allows(&mut self, workload: &Workload, row: usize) -> bool {
        workload.rows[row].layers.iter().all(|layer| {
            let Some(set) = &self.layers[*layer] else { return false };
            self.authorizer.is_authorized(&self.requests[row], set, &self.entities).decision() == Decision::Allow
        })
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Failure> {
    let kind: EntityTypeName = kind.parse()?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// A text between quotation marks. Patterns that hold any themselves are not translated.
fn quoted(text: &str) -> String {
    format!("{:?}", text)
}

fn policy(statement: &Statement) -> String {
    let effect = if statement.deny { "forbid" } else { "permit" };
    let list: Vec<String> = statement.actions.list.iter().map(|action| format!("Action::{}", quoted(action))).collect();
    let list = list.join(", ");
    let all = statement.actions.list.iter().any(|action| action == "*");
    let (scope, mut when) = match (statement.actions.negated, all) {
        (false, true) => ("action".to_owned(), Vec::new()),
        (false, false) => (format!("action in [{list}]"), Vec::new()),
        (true, _) => ("action".to_owned(), vec![format!("!(action in [{list}])")]),
    };
    when.extend(resources(&statement.resources));
    when.extend(statement.conditions.iter().flatten().map(condition));
    let mut text = format!("{effect} (principal, {scope}, resource)");
    if !when.is_empty() {
        let _ = write!(text, " when {{ {} }}", when.join(" && "));
    }
    text + ";"
}

fn resources(patterns: &Patterns) -> Option<String> {
    if !patterns.negated && patterns.list.iter().any(|pattern| pattern == "*") {
        return None;
    }
    let one = |pattern: &String| match pattern.contains('*') {
        true => format!("context.resource like {}", quoted(pattern)),
        false => format!("resource == Resource::{}", quoted(pattern)),
    };
    let any = patterns.list.iter().map(one).collect::<Vec<_>>().join(" || ");
    Some(if patterns.negated { format!("!({any})") } else { format!("({any})") })
}

fn condition(condition: &Condition) -> String {
    let Condition { test, negated, if_absent, key, values } = condition;
    let (has, key_text) = (format!("context has {}", quoted(key)), format!("context[{}]", quoted(key)));
    let one = |value: &String| match test {
        Test::Equals => format!("{key_text} == {}", quoted(value)),
        Test::Like => format!("{key_text} like {}", quoted(value)),
        Test::Address => format!("{key_text}.isInRange(ip({}))", quoted(value)),
        Test::Absent => {
            if value == "true" {
                format!("!({has})")
            } else {
                has.clone()
            }
        }
    };
    let any = values.iter().map(one).collect::<Vec<_>>().join(" || ");
    match (test, negated, if_absent) {
        (Test::Absent, ..) => format!("({any})"),
        (_, true, _) => format!("(!({has}) || !({any}))"),
        (_, false, true) => format!("(!({has}) || ({any}))"),
        (_, false, false) => format!("({has} && ({any}))"),
    }
}
