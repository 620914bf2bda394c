//! `Action` and `NotAction`.

use super::findings::Grade;
use super::{Elements, Reader, is_empty_list, opening};
use crate::action::ActionPattern;
use crate::document::{ActionElement, PolicyKind};
use crate::json::{Node, shown};

impl Reader {
    pub(super) fn action_element(&mut self, statement: Node<'_>, elements: &Elements<'_>) -> Option<ActionElement> {
        let Some((negated, entry)) = self.either(elements, "Action", "NotAction") else {
            let message = "the statement has neither `Action` nor `NotAction`";
            let help = "write `\"Action\": \"service:Name\"`, for example `s3:GetObject`";
            self.report(Grade::Invalid, ("element-missing", "R-1.12"), opening(statement), message, help);
            return None;
        };
        let strings = self.strings("R-1.12", &entry.key, entry.value);
        let span = entry.value.span();
        if is_empty_list(entry.value) {
            let message = format!("`{}` is an empty list, so the statement matches nothing", entry.key);
            let grade = if negated { Grade::Unmatched } else { Grade::Warning };
            let help = if negated { "write `\"Action\": \"*\"` for every action" } else { "name the actions" };
            self.report(grade, ("empty-list", "R-1.12"), span, message, help);
        }
        let mut patterns = Vec::with_capacity(strings.len());
        for (node, text) in strings {
            let pattern = ActionPattern::new(&text);
            self.check_action(node, &text, &pattern);
            patterns.push(pattern);
        }
        Some(ActionElement { negated, patterns, span })
    }

    fn check_action(&mut self, node: Node<'_>, text: &str, pattern: &ActionPattern) {
        let span = node.span();
        match pattern {
            ActionPattern::Any => {}
            ActionPattern::Nothing(_) => {
                let quoted = shown(text);
                let trimmed: String = text.split_whitespace().collect();
                let (rule, message, help) = if text.contains(char::is_whitespace) {
                    let help = match ActionPattern::new(&trimmed) {
                        ActionPattern::Named { .. } => format!("write `{}`", shown(&trimmed)),
                        _ => ACTION_HELP.to_owned(),
                    };
                    ("R-2.7", format!("white space in action `{quoted}`"), help)
                } else {
                    match text.split_once(':') {
                        None if text.is_empty() => ("R-2.7", "an action is empty".to_owned(), ACTION_HELP.to_owned()),
                        None => ("R-2.7", format!("action `{quoted}` names no service"), ACTION_HELP.to_owned()),
                        Some((service, _)) if service.contains(['*', '?']) => (
                            "R-2.5",
                            format!("wildcard in the service of action `{quoted}`"),
                            "name the service, with one entry for each; `*` alone stands for every action".to_owned(),
                        ),
                        Some(("", _)) => {
                            ("R-2.7", format!("action `{quoted}` names no service"), ACTION_HELP.to_owned())
                        }
                        Some((service, _)) => (
                            "R-2.7",
                            format!("action `{quoted}` has nothing behind the colon"),
                            format!("write `{}:*` for every action of the service", shown(service)),
                        ),
                    }
                };
                // asks for a service in every action of an RCP, in both modes.
                let (grade, rule) = match self.kind {
                    PolicyKind::Rcp if !text.contains(':') => (Grade::Invalid, "R-1.33"),
                    _ => (Grade::Unmatched, rule),
                };
                self.report(grade, ("action-form", rule), span, message, help);
            }
            ActionPattern::Named { .. } if text.contains("${") => {
                let message = format!("policy variables are not recognised in actions: `{}`", shown(text));
                self.report(Grade::Warning, ("action-variable", "R-2.10"), span, message, "name the action");
            }
            ActionPattern::Named { service, name } => {
                let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | '-' | '_'));
                if let Some(c) = service.chars().chain(name.chars()).find(|c| odd(*c)) {
                    let c = shown(c.encode_utf8(&mut [0; 4]));
                    let message = format!("no action has the character `{c}` in its name: `{}`", shown(text));
                    self.report(Grade::Warning, ("action-form", "R-2.25"), span, message, ACTION_HELP);
                }
            }
        }
    }
}

const ACTION_HELP: &str = "write `service:Name`, for example `s3:GetObject`";
