//! A decision for people: the answer first, then why, then what it depends on.

use super::{atom_origin, canonical, sentence};
use crate::terminal::{BAD, DIM, GOOD, HEAD, OPEN, PLACE, clean_line, paint};
use anstyle::Style;
use iamc_policy::decision::{
    Answer, AtomKind, Attachment, Contribution, Decision, Formula, GrantLevel, StatementRef, Truth, UnitExplanation,
    UnitId,
};
use iamc_policy::document::Effect;
use iamc_policy::request::Request;

/// The answer in a few lines; with `everything` each statement and requirement of each unit.
///
/// The result holds colours and ends with a line feed.
pub(crate) fn answer(request: &Request, answer: &Answer, everything: bool) -> String {
    let mut page = Page::default();
    let mut head = paint(style_of(answer.decision), answer.decision);
    if let Decision::Conditional(outcomes) = answer.decision {
        head.push_str(": ");
        head.push_str(&outcomes.names().join(" or "));
    }
    page.line(0, &head);
    page.line(0, &clean_line(&sentence::decision(request, answer)));
    if everything {
        for unit in &answer.explanation.units {
            page.unit(unit);
        }
    } else {
        page.short(answer);
    }
    if everything && !answer.explanation.witness.is_empty() {
        page.heading("these suffice");
        for statement in &answer.explanation.witness {
            page.statement(statement, "");
        }
    }
    page.residual(answer);
    if !answer.warnings.is_empty() {
        page.heading("warnings");
        for warning in &answer.warnings {
            page.line(1, &paint(OPEN, clean_line(warning)));
        }
    }
    page.text
}

fn style_of(decision: Decision) -> Style {
    match decision {
        Decision::Allow => GOOD,
        Decision::ExplicitDeny | Decision::ImplicitDeny => BAD,
        Decision::Conditional(_) => OPEN,
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.text.push_str("  ");
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.line(0, &paint(HEAD, text));
    }

    fn statement(&mut self, statement: &StatementRef, note: &str) {
        let mut text = clean_line(&statement.to_string());
        if let Some(place) = &statement.place {
            text.push_str("  ");
            text.push_str(&paint(PLACE, clean_line(&place.to_string())));
        }
        if !note.is_empty() {
            text.push_str("  ");
            text.push_str(&paint(DIM, note));
        }
        self.line(1, &text);
    }

    /// What settles the decision: the denies that hold, or the witness of an Allow, or what lacks and what does not.
    fn short(&mut self, answer: &Answer) {
        let mut denied: Vec<(&StatementRef, Truth)> = Vec::new();
        for contribution in answer.explanation.units.iter().flat_map(|unit| &unit.deny) {
            denied.push((&contribution.statement, contribution.value));
        }
        // A deny that holds in one unit and is open in another holds: True sorts first.
        denied.sort();
        denied.dedup_by_key(|entry| entry.0);
        if answer.decision == Decision::ExplicitDeny {
            denied.retain(|(_, value)| *value == Truth::True);
        }
        if !denied.is_empty() {
            let open = matches!(answer.decision, Decision::Conditional(_));
            self.heading(if open { "perhaps denied by" } else { "denied by" });
            for (statement, _) in denied {
                self.statement(statement, &clean_line(&sentence::deny_code(statement)));
            }
        }
        let allowed = match answer.decision {
            Decision::Allow if !answer.explanation.witness.is_empty() => answer.explanation.witness.clone(),
            Decision::ExplicitDeny => Vec::new(),
            _ => answer.allowed_by(),
        };
        if !allowed.is_empty() {
            let heading = match answer.decision {
                Decision::ImplicitDeny => "allowed by, which is not enough",
                Decision::Conditional(_) => "perhaps allowed by",
                _ => "allowed by",
            };
            self.heading(heading);
            for statement in &allowed {
                self.statement(statement, "");
            }
        }
        if !matches!(answer.decision, Decision::ImplicitDeny | Decision::Conditional(_)) {
            return;
        }
        let missing = answer.missing();
        for (heading, value) in [("missing", Truth::False), ("perhaps missing", Truth::Unknown)] {
            let entries: Vec<_> = missing.iter().filter(|entry| entry.value == value).collect();
            if entries.is_empty() {
                continue;
            }
            self.heading(heading);
            for entry in entries {
                let code = clean_line(&entry.to_string());
                self.line(1, &format!("{}  {}", paint(BAD, code), clean_line(&sentence::sentence(entry))));
            }
        }
    }

    /// Everything about one unit.
    fn unit(&mut self, unit: &UnitExplanation) {
        let name = match &unit.unit {
            UnitId::Resource(index) => format!("unit {index}"),
            UnitId::Additional { action, .. } | UnitId::Implied { action, .. } => format!("further action {action}"),
        };
        self.heading(&clean_line(&format!("{name}: {} on {}", unit.action, unit.resource)));
        self.line(1, &format!("explicitly denied: {}", word(unit.denied)));
        for contribution in &unit.deny {
            self.contribution(contribution);
        }
        self.line(1, &format!("allowed unless denied: {}", word(unit.allowed)));
        for contribution in &unit.allow {
            self.contribution(contribution);
        }
        for entry in &unit.missing {
            let code = clean_line(&entry.to_string());
            let open = if entry.value == Truth::Unknown { paint(DIM, "  (not known)") } else { String::new() };
            self.line(2, &format!("{}  {}{open}", paint(BAD, code), clean_line(&sentence::sentence(entry))));
        }
    }

    fn contribution(&mut self, contribution: &Contribution) {
        let effect = match contribution.effect {
            Effect::Allow => paint(GOOD, "Allow"),
            Effect::Deny => paint(BAD, "Deny"),
        };
        let mut text = format!("{effect} {}", clean_line(&contribution.statement.to_string()));
        if let Some(place) = &contribution.statement.place {
            text.push_str(&format!("  {}", paint(PLACE, clean_line(&place.to_string()))));
        }
        let mut notes: Vec<String> = contribution.levels.iter().map(|level| level_word(*level).to_owned()).collect();
        match (contribution.effect, &contribution.statement.policy.attachment) {
            (Effect::Deny, _) => notes.push(clean_line(&sentence::deny_code(&contribution.statement))),
            (Effect::Allow, Attachment::Group(name)) => notes.push(clean_line(&format!("through the group {name}"))),
            (Effect::Allow, Attachment::Level(_, entity)) => notes.push(clean_line(&format!("attached to {entity}"))),
            (Effect::Allow, Attachment::Direct) => {}
        }
        if contribution.value == Truth::Unknown {
            notes.push("not known".to_owned());
        }
        if !notes.is_empty() {
            text.push_str(&format!("  {}", paint(DIM, notes.join(", "))));
        }
        self.line(2, &text);
    }

    /// What an open answer depends on.
    fn residual(&mut self, answer: &Answer) {
        if !answer.residual_keys.is_empty() {
            self.heading("depends on the condition keys");
            for key in &answer.residual_keys {
                self.line(1, &clean_line(key));
            }
        }
        let Some(residual) = &answer.residual else { return };
        for (heading, formula) in
            [("explicitly denied if", &residual.deny), ("allowed, unless denied, if", &residual.allow)]
        {
            match canonical(formula) {
                Formula::False => {}
                Formula::True if heading.starts_with("allowed") => self.heading("allowed, unless denied"),
                formula => {
                    self.heading(heading);
                    self.formula(1, &formula);
                }
            }
        }
    }

    /// A formula as an outline, one atom a line.
    fn formula(&mut self, depth: usize, formula: &Formula) {
        let (heading, parts): (&str, &[Formula]) = match formula {
            Formula::True => return self.line(depth, "always"),
            Formula::False => return self.line(depth, "never"),
            Formula::Atom(_) => return self.line(depth, &atom(formula)),
            Formula::Not(inner) => ("not", std::slice::from_ref(inner)),
            Formula::And(parts) => ("all of", parts),
            Formula::Or(parts) => ("any of", parts),
        };
        self.line(depth, heading);
        for part in parts {
            self.formula(depth + 1, part);
        }
    }
}

/// One atom in words, with its origin.
fn atom(formula: &Formula) -> String {
    let Formula::Atom(atom) = formula else { return String::new() };
    let text = match &atom.kind {
        AtomKind::Condition { operator, key, values } => {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            format!("{key} {operator} {}", values.join(", "))
        }
        AtomKind::Resource { pattern } => format!("the resource matches {pattern}"),
        AtomKind::SessionName { entry } => format!("the session is {entry}"),
        AtomKind::Policy => "the policy, whose text is not known, says so".to_owned(),
        AtomKind::Fact { name } => format!("the fact {name} holds"),
    };
    let text = clean_line(text.trim_end());
    match atom_origin(atom) {
        Some(origin) => format!("{text}  {}", paint(DIM, clean_line(&origin))),
        None => text,
    }
}

fn word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "yes",
        Truth::False => "no",
        Truth::Unknown => "not known",
    }
}

fn level_word(level: GrantLevel) -> &'static str {
    match level {
        GrantLevel::Star => "names everyone",
        GrantLevel::SelfLevel => "names the caller itself",
        GrantLevel::Base => "names the role or user behind the caller",
        GrantLevel::Account => "names the caller's account",
    }
}
