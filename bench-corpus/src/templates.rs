//! Statement templates: what most generated statements are made from.
//!
//! The built-in ones (`data/templates/*.jsonl`) were written for the purpose. A file of collected policies can stand in
//! their place: JSON Lines, one object a line with `type` (`identity`, `resource`, `trust`, `scp`, `rcp`, `vpce`,
//! `boundary`) and `document`, a whole policy, or `statement`, one statement. Lines with `"placeholders": true`, and
//! statements in a form that should not be imitated, are passed over.

use crate::draft::Draft;
use crate::slots;
use iamc_policy::PolicyKind;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// What a template can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class {
    pub kind: PolicyKind,
    /// Service of a resource-based policy; empty for the other kinds.
    pub service: String,
    pub deny: bool,
    pub conditional: bool,
    pub not_action: bool,
}

/// Templates, by what they can stand for.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    classes: BTreeMap<Class, Vec<Draft>>,
    n_statements: usize,
}

/// A file of templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// The file cannot be opened or read.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no JSON object, or lacks what it must have.
    #[error("`{path}`, line {line}: {why}")]
    Line {
        /// The file.
        path: String,
        /// 1-based.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The file holds no statement that can be used.
    #[error("`{path}` holds no statement that can be used as a template")]
    Empty {
        /// The file.
        path: String,
    },
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    placeholders: bool,
    document: Option<Value>,
    statement: Option<Value>,
}

impl Templates {
    /// The built-in templates.
    pub fn built_in() -> Templates {
        let texts = [
            include_str!("../data/templates/boundary.jsonl"),
            include_str!("../data/templates/identity.jsonl"),
            include_str!("../data/templates/rcp.jsonl"),
            include_str!("../data/templates/resource.jsonl"),
            include_str!("../data/templates/scp.jsonl"),
            include_str!("../data/templates/trust.jsonl"),
            include_str!("../data/templates/vpce.jsonl"),
        ];
        let mut templates = Templates::default();
        for text in texts {
            templates.read(text.as_bytes(), "built-in").expect("a test reads every built-in template");
        }
        templates
    }

    /// Reads a file of templates, gzip-compressed or not.
    ///
    /// # Errors
    /// The file cannot be read, a line has the wrong form, or no statement is left.
    pub fn open(path: &Path) -> Result<Templates, TemplatesError> {
        let name = path.display().to_string();
        let io = |source| TemplatesError::Io { path: name.clone(), source };
        let mut file = BufReader::new(std::fs::File::open(path).map_err(io)?);
        let zipped = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read> =
            if zipped { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut templates = Templates::default();
        templates.read(BufReader::new(reader), &name)?;
        if templates.n_statements == 0 {
            return Err(TemplatesError::Empty { path: name });
        }
        Ok(templates)
    }

    /// Number of statements.
    pub fn n_statements(&self) -> usize {
        self.n_statements
    }

    fn read(&mut self, reader: impl BufRead, path: &str) -> Result<(), TemplatesError> {
        for (index, text) in reader.lines().enumerate() {
            let text = text.map_err(|source| TemplatesError::Io { path: path.to_owned(), source })?;
            if text.trim().is_empty() {
                continue;
            }
            let fail = |why: String| TemplatesError::Line { path: path.to_owned(), line: index + 1, why };
            let line: Line = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
            let kind = match line.kind.as_str() {
                "identity" | "session" => PolicyKind::Identity,
                "resource" => PolicyKind::Resource,
                "trust" => PolicyKind::Trust,
                "scp" => PolicyKind::Scp,
                "rcp" => PolicyKind::Rcp,
                "vpce" => PolicyKind::Endpoint,
                "boundary" => PolicyKind::Boundary,
                other => return Err(fail(format!("`{other}` is no type of a template"))),
            };
            if line.placeholders {
                continue;
            }
            let statements = match (line.statement, line.document) {
                (Some(statement), None) => vec![statement],
                (None, Some(mut document)) => match document.get_mut("Statement").map(Value::take) {
                    Some(Value::Array(statements)) => statements,
                    Some(statement) => vec![statement],
                    None => return Err(fail("the document has no `Statement`".to_owned())),
                },
                _ => return Err(fail("expected either `document` or `statement`".to_owned())),
            };
            for mut statement in statements {
                slots::generalise(&mut statement);
                if let Some(draft) = Draft::read(&statement) {
                    self.add(kind, draft);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, kind: PolicyKind, draft: Draft) {
        // What the kind may not hold (R-1.33) would make the generated document invalid.
        let fits = match kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Scp => {
                draft.principal.is_none() && draft.resources.is_some()
            }
            PolicyKind::Trust => {
                draft.resources.is_none()
                    && draft.principal.as_ref().is_some_and(|p| !p.negated)
                    && draft.actions.iter().all(|a| a.starts_with("sts:") && !a.contains('*'))
            }
            PolicyKind::Rcp => {
                let everyone = |p: &crate::draft::PrincipalDraft| !p.negated && p.entries.is_empty();
                draft.deny
                    && !draft.not_action
                    && draft.resources.is_some()
                    && draft.principal.as_ref().is_some_and(everyone)
                    && draft.actions.iter().all(|a| a.contains(':'))
            }
            _ => draft.principal.is_some(),
        };
        if !fits {
            return;
        }
        let service = match kind {
            PolicyKind::Resource => draft.actions[0].split(':').next().map(str::to_ascii_lowercase).unwrap_or_default(),
            _ => String::new(),
        };
        let class = Class {
            kind,
            service,
            deny: draft.deny,
            conditional: !draft.condition.is_empty(),
            not_action: draft.not_action,
        };
        self.n_statements += 1;
        self.classes.entry(class).or_default().push(draft);
    }

    /// The templates of a class; empty where there is none.
    pub(crate) fn of(&self, class: &Class) -> &[Draft] {
        self.classes.get(class).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_is_used() {
        let lines: usize = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/data/templates"))
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap().lines().count())
            .sum();
        assert_eq!(Templates::built_in().n_statements(), lines);
        assert!(lines >= 120, "{lines}");
    }

    #[test]
    fn bad_lines_are_refused_with_their_number() {
        let read = |text: &str| Templates::default().read(text.as_bytes(), "t.jsonl").unwrap_err().to_string();
        let good = r#"{"type":"identity","statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        assert!(read(&format!("{good}\n\n[]")).starts_with("`t.jsonl`, line 3:"));
        assert!(read(r#"{"type":"x"}"#).contains("`x` is no type of a template"));
        assert!(read(r#"{"type":"scp","document":{}}"#).contains("no `Statement`"));
        assert!(read(r#"{"type":"scp"}"#).contains("expected either"));
    }
}
