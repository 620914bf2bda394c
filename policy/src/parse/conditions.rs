//! `Condition`.

use super::findings::Grade;
use super::suggest::nearest;
use super::{Reader, quote_help};
use crate::condition::{BaseOperator, Condition, ConditionAtom, ConditionKey, Operator};
use crate::json::{Entry, Node, Shape, shown};
use crate::source::Span;
use crate::template::Template;
use std::collections::HashMap;

impl Reader {
    pub(super) fn condition(&mut self, element: &Entry<'_>) -> Condition {
        let mut condition = Condition::default();
        if element.value.shape() != Shape::Object {
            let help = "write `\"Condition\": {\"OPERATOR\": {\"KEY\": \"VALUE\"}}`";
            self.wrong_type("R-1.15", "Condition", "an object of operators", element.value, help);
            return condition;
        }
        let blocks = self.entries(element.value);
        if blocks.is_empty() {
            let message = "`Condition` is empty, so it is always true";
            self.report(Grade::Warning, ("empty-condition", "R-1.15"), element.value.span(), message, "leave it out");
        }
        let several = blocks.len() > 1;
        let mut spellings: HashMap<String, String> = HashMap::new();
        for block in blocks {
            let lower = if several { block.key.to_ascii_lowercase() } else { String::new() };
            if let Some(earlier) = spellings.get(&lower) {
                let message = format!("`{}` and `{}` are the same operator", shown(earlier), shown(&block.key));
                let help = "write the operator once, with all keys inside";
                self.report(Grade::Invalid, ("duplicate-operator", "R-1.20"), block.key_span, message, help);
            } else if several {
                spellings.insert(lower, block.key.to_string());
            }
            self.block(&block, &mut condition);
        }
        condition
    }

    fn block(&mut self, block: &Entry<'_>, condition: &mut Condition) {
        let operator = Operator::parse(&block.key);
        if operator.is_none() {
            let (rule, help) = if self.found.is_full() { ("R-1.18", String::new()) } else { operator_help(&block.key) };
            let message = format!("`{}` is no condition operator, so the condition is never true", shown(&block.key));
            self.report(Grade::Unmatched, ("E-OPERATOR", rule), block.key_span, message, help);
            condition.unknown_operators.push(block.key.to_string());
        }
        if block.value.shape() != Shape::Object {
            let help = "write `{\"KEY\": \"VALUE\"}` behind the operator";
            self.wrong_type("R-1.15", &block.key, "an object of condition keys", block.value, help);
            return;
        }
        let entries = self.entries(block.value);
        if entries.is_empty() {
            let message = format!("`{}` names no condition key, so it is always true", shown(&block.key));
            if operator.is_some() {
                self.report(Grade::Warning, ("empty-condition", "R-1.15"), block.value.span(), message, "leave it out");
            }
        }
        let several = entries.len() > 1;
        let mut seen: HashMap<ConditionKey, String> = HashMap::new();
        condition.atoms.reserve_exact(entries.len());
        for entry in entries {
            let key = ConditionKey::new(&entry.key);
            if let Some(earlier) = seen.get(&key) {
                let message = format!("`{}` and `{}` are the same condition key", shown(earlier), shown(&entry.key));
                let help = "write the key once, with a list of all values";
                self.report(Grade::Invalid, ("duplicate-condition-key", "R-1.20"), entry.key_span, message, help);
            } else if several {
                seen.insert(key.clone(), entry.key.to_string());
            }
            let values = self.values(operator, &entry);
            let Some(operator) = operator else { continue };
            self.check_key(&entry);
            let span = Span::new(entry.key_span.start, entry.value.span().end);
            condition.atoms.push(ConditionAtom { operator, key, values, span });
        }
    }

    fn check_key(&mut self, entry: &Entry<'_>) {
        let formed = entry.key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty());
        if !formed || entry.key.contains(char::is_whitespace) {
            let message = format!("`{}` does not look like a condition key", shown(&entry.key));
            let help = "write `prefix:name`, for example `aws:SourceIp`";
            self.report(Grade::Warning, ("condition-key", "R-1.19"), entry.key_span, message, help);
        }
    }

    /// The values of one key as text; what has none is reported and left out.
    fn values(&mut self, operator: Option<Operator>, entry: &Entry<'_>) -> Vec<Template> {
        let nodes = match entry.value.shape() {
            Shape::List => match entry.value.items() {
                Ok(items) => items,
                Err(fault) => {
                    self.fault(fault);
                    return Vec::new();
                }
            },
            _ => vec![entry.value],
        };
        if nodes.is_empty() {
            let message = format!("`{}` has an empty list of values", shown(&entry.key));
            let help = "name the values: nothing equals one of no values";
            self.report(Grade::Warning, ("empty-list", "R-4.5"), entry.value.span(), message, help);
        }
        let mut values = Vec::with_capacity(nodes.len());
        values.extend(nodes.into_iter().filter_map(|node| self.value(operator, entry, node)));
        values
    }

    fn value(&mut self, operator: Option<Operator>, entry: &Entry<'_>, node: Node<'_>) -> Option<Template> {
        match node.shape() {
            Shape::Number | Shape::Boolean => Some(Template::literal(node.source())),
            Shape::Text => {
                let text = node.text().map_err(|fault| self.fault(fault)).ok()?;
                match operator {
                    Some(operator) if operator.base.supports_variables() => Some(self.template(node, text)),
                    Some(operator) if self.variables && text.contains("${") => {
                        let message = format!("`{operator}` does not support policy variables: `{}`", shown(&text));
                        let help = "variables work under the String, Arn and Bool operators";
                        self.report(Grade::Warning, ("variables-off", "R-3.6"), node.span(), message, help);
                        Some(Template::literal(text))
                    }
                    _ => Some(Template::literal(text)),
                }
            }
            Shape::Object | Shape::List | Shape::Null => {
                let help = match node.shape() {
                    Shape::Null => "to ask for an absent key write `{\"Null\": {\"KEY\": \"true\"}}`",
                    _ => quote_help(node),
                };
                let expected = "a string, number or boolean, or a list of them";
                self.wrong_type("R-1.16", &entry.key, expected, node, help);
                None
            }
        }
    }
}

/// The rule that makes an operator unknown, and what was probably meant.
fn operator_help(text: &str) -> (&'static str, String) {
    let lower = text.to_ascii_lowercase();
    let (set, rest) = match lower.split_once(':') {
        Some(("forallvalues", rest)) => ("ForAllValues:", rest),
        Some(("foranyvalue", rest)) => ("ForAnyValue:", rest),
        Some((set, rest)) if nearest(set, ["ForAllValues", "ForAnyValue"]).is_some() => {
            let set = nearest(set, ["ForAllValues", "ForAnyValue"]).unwrap_or("ForAnyValue");
            let name = Operator::parse(rest).map_or_else(|| "OPERATOR".to_owned(), |operator| operator.to_string());
            return ("R-1.18", format!("write `{set}:{name}`"));
        }
        Some(_) => {
            let help = "the operator stands outside, the key inside: `{\"OPERATOR\": {\"KEY\": \"VALUE\"}}`";
            return ("R-1.18", help.to_owned());
        }
        None => ("", lower.as_str()),
    };
    let (name, suffix) = rest.strip_suffix("ifexists").map_or((rest, ""), |name| (name, "IfExists"));
    if name == "null" {
        return ("R-4.16", format!("write `{set}Null`: it asks for absent keys already"));
    }
    match nearest(name, BaseOperator::ALL.iter().map(|base| base.name())) {
        Some(name) => ("R-1.18", format!("write `{set}{name}{suffix}`")),
        None => ("R-1.18", "write one of AWS's operators, for example `StringEquals` or `ArnLike`".to_owned()),
    }
}
