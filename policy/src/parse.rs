//! Reading a policy document: JSON text → [`Policy`] and everything there is to say about it (R-1.1 to R-1.38).
//!
//! In goes a text with the kind of policy it is, out comes the policy, unless some finding invalidates it, and all
//! findings in source order. Nothing is matched or compared with a request here. `parse.rs` walks the document and
//! its statements; the files beside it read one element each.

mod actions;
mod conditions;
mod findings;
mod kinds;
pub(crate) mod principals;
mod resources;
mod suggest;

use crate::condition::Condition;
use crate::diagnostic::Diagnostic;
use crate::document::{Effect, Policy, PolicyKind, Statement, Strictness, Version};
use crate::json::{Entry, Fault, Node, Outline, Shape, root, shown};
use crate::source::{LineIndex, Span};
use findings::{Finding, Findings, Grade};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::HashMap;
use suggest::nearest;

/// The largest document that is read, in bytes. The largest that AWS stores has some 32 KB.
pub const DOCUMENT_BYTES_MAX: usize = 10 * 1024 * 1024;

/// What came of reading a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The policy; `None` iff some diagnostic invalidates it.
    pub policy: Option<Policy>,
    /// All findings in source order (by `span.start`); at most a thousand, and one that counts the rest.
    pub diagnostics: Vec<Diagnostic>,
}

impl Policy {
    /// Reads a policy document.
    ///
    /// Strict mode refuses what AWS would refuse to store; lenient mode gives a meaning to what a rule gives one, and
    /// reports it (R-1.36). Every mistake of a document is reported, not only the first.
    ///
    /// Rules: R-1.1 to R-1.38. Never panics. Cost: O(bytes) in time and memory, on the heap and not on the stack;
    /// documents over [`DOCUMENT_BYTES_MAX`] are refused unread. The worst of the others, lists of one-digit values,
    /// need some 120 bytes for each byte.
    ///
    /// ```
    /// use iamc_policy::document::Strictness;
    /// use iamc_policy::{Policy, PolicyKind};
    /// let text = r#"{"Version": "2012-10-17",
    ///   "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "resource": "*"}}"#;
    /// let parsed = Policy::parse(PolicyKind::Identity, Strictness::Lenient, text);
    /// assert!(parsed.policy.is_none());
    /// let first = &parsed.diagnostics[0];
    /// assert_eq!((first.code, first.rule, first.position), ("unknown-element", "R-1.10", (2, 62)));
    /// assert_eq!(first.help.as_deref(), Some("names are case-sensitive: write `Resource`"));
    /// ```
    pub fn parse(kind: PolicyKind, strictness: Strictness, text: &str) -> Parsed {
        if text.len() > DOCUMENT_BYTES_MAX {
            let lines = LineIndex::new("");
            let mut found = Findings::new(strictness);
            found.push(Finding {
                grade: Grade::Invalid,
                code: "document-too-large",
                rule: "R-1.37",
                span: Span::new(0, 0),
                message: format!("the document has {} bytes, limit {DOCUMENT_BYTES_MAX}", text.len()),
                help: Some("no policy that AWS stores is nearly so large: is this the right file".to_owned()),
            });
            return Parsed { policy: None, diagnostics: found.finish(&lines, 0) };
        }
        let mut reader = Reader {
            kind,
            variables: false,
            lines: LineIndex::new(text),
            found: Findings::new(strictness),
            unless_full_access: Vec::new(),
        };
        let policy = reader.document(text);
        let diagnostics = reader.found.finish(&reader.lines, text.len());
        let valid = !diagnostics.iter().any(|diagnostic| diagnostic.invalidates);
        Parsed { policy: policy.filter(|_| valid), diagnostics }
    }

    /// Reads a policy document from bytes that may not be UTF-8; then the first bad byte is the only finding (R-1.1).
    ///
    /// Otherwise the same as [`Policy::parse`]. Spans are byte offsets in `bytes`.
    pub fn parse_bytes(kind: PolicyKind, strictness: Strictness, bytes: &[u8]) -> Parsed {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Policy::parse(kind, strictness, text),
            Err(error) => error,
        };
        let start = error.valid_up_to();
        let end = error.error_len().map_or(bytes.len(), |n| start + n);
        let help = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the file is UTF-16: save it as UTF-8",
            _ => "save the file as UTF-8",
        };
        let mut found = Findings::new(strictness);
        found.push(Finding {
            grade: Grade::Invalid,
            code: "not-utf8",
            rule: "R-1.1",
            span: Span::new(start, end),
            message: format!("byte 0x{:02x} is not UTF-8", bytes[start]),
            help: Some(help.to_owned()),
        });
        let lines = LineIndex::new(std::str::from_utf8(&bytes[..start]).unwrap_or(""));
        Parsed { policy: None, diagnostics: found.finish(&lines, bytes.len()) }
    }
}

const TOP_LEVEL: [&str; 3] = ["Version", "Id", "Statement"];

const STATEMENT: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// The walk over one document.
struct Reader {
    kind: PolicyKind,
    /// Whether `${` opens a variable where variables are supported (R-3.1).
    variables: bool,
    lines: LineIndex,
    found: Findings,
    /// What an RCP may contain only if it is RCPFullAWSAccess, reported at the end unless it is (R-1.33).
    unless_full_access: Vec<Finding>,
}

/// The elements of a statement as they stand in the document, in the order of [`STATEMENT`].
#[derive(Default)]
struct Elements<'t>([Option<Entry<'t>>; STATEMENT.len()]);

impl<'t> Elements<'t> {
    fn get(&self, name: &str) -> Option<&Entry<'t>> {
        self.0.get(STATEMENT.iter().position(|known| *known == name)?)?.as_ref()
    }
}

impl Reader {
    fn report(
        &mut self,
        grade: Grade,
        (code, rule): (&'static str, &'static str),
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.found.push(Finding { grade, code, rule, span, message: message.into(), help });
    }

    /// [`nearest`], while it is still of use.
    fn nearest(&self, word: &str, candidates: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
        if self.found.is_full() { None } else { nearest(word, candidates) }
    }

    fn fault(&mut self, fault: Fault) {
        let Fault { code: (code, rule), message, help, span } = fault;
        self.found.push(Finding { grade: Grade::Invalid, code, rule, span, message, help });
    }

    fn wrong_type(&mut self, rule: &'static str, element: &str, expected: &str, node: Node<'_>, help: &str) {
        let message = format!("`{}` must be {expected}, got {}", shown(element), node.shape().name());
        self.report(Grade::Invalid, ("wrong-type", rule), node.span(), message, help);
    }

    /// The entries of an object, without undecodable and repeated ones, which are reported (R-1.8).
    fn entries<'t>(&mut self, node: Node<'t>) -> Vec<Entry<'t>> {
        let (entries, faults) = node.entries();
        for fault in faults {
            self.fault(fault);
        }
        // Objects of policies are small; a table would cost more than looking. Hostile ones may be large.
        const SMALL: usize = 16;
        if entries.len() <= SMALL && (1..entries.len()).all(|at| !is_among(&entries[..at], &entries[at].key)) {
            return entries;
        }
        let mut table: HashMap<Cow<'t, str>, Span> = HashMap::new();
        let mut kept: Vec<Entry<'t>> = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(earlier) = table.get(&entry.key) {
                let line = self.lines.position(earlier.start).0;
                let message = format!("`{}` is written twice, first on line {line}", shown(&entry.key));
                let help = "keep one of the two: which of them counts differs from reader to reader";
                self.report(Grade::Invalid, ("duplicate-key", "R-1.8"), entry.key_span, message, help);
            } else {
                table.insert(entry.key.clone(), entry.key_span);
                kept.push(entry);
            }
        }
        kept
    }

    /// A string, or a list of strings (R-1.17); what is neither is reported and left out.
    fn strings<'t>(&mut self, rule: &'static str, element: &str, node: Node<'t>) -> Vec<(Node<'t>, Cow<'t, str>)> {
        const EXPECTED: &str = "a string or a list of strings";
        let items = match node.shape() {
            Shape::Text => vec![node],
            Shape::List => match node.items() {
                Ok(items) => items,
                Err(fault) => {
                    self.fault(fault);
                    return Vec::new();
                }
            },
            _ => {
                self.wrong_type(rule, element, EXPECTED, node, quote_help(node));
                return Vec::new();
            }
        };
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            if item.shape() != Shape::Text {
                self.wrong_type(rule, element, EXPECTED, item, quote_help(item));
                continue;
            }
            match item.text() {
                Ok(text) => strings.push((item, text)),
                Err(fault) => self.fault(fault),
            }
        }
        strings
    }

    /// A string that evaluation ignores: of another type it is a finding, no more (R-1.7, R-1.14).
    fn ignored_text(&mut self, rule: &'static str, element: &str, node: Node<'_>) -> Option<String> {
        if node.shape() == Shape::Text {
            return node.text().map_err(|fault| self.fault(fault)).ok().map(Cow::into_owned);
        }
        if let Err(fault) = node.check_inside() {
            self.fault(fault);
        }
        let message = format!("`{element}` must be a string, got {}", node.shape().name());
        self.report(Grade::Tolerated, ("wrong-type", rule), node.span(), message, quote_help(node));
        None
    }

    fn document(&mut self, text: &str) -> Option<Policy> {
        let outline = Outline::new(text);
        let node = root(text, outline.as_ref()).map_err(|fault| self.fault(fault)).ok()?;
        if node.shape() != Shape::Object {
            let help = match node.shape() {
                Shape::Text => "decode the string first: the policy is the JSON text inside it",
                Shape::List => {
                    "write `{\"Version\": \"2012-10-17\", \"Statement\": [...]}` around the list of statements"
                }
                _ => "",
            };
            let message = format!("a policy must be an object, got {}", node.shape().name());
            self.report(Grade::Invalid, ("wrong-type", "R-1.1"), node.span(), message, help);
            return None;
        }
        let entries = self.entries(node);
        let has_statement = entries.iter().any(|entry| entry.key == "Statement");
        let (mut version, mut id, mut statements) = (None, None, None);
        for entry in entries {
            match &*entry.key {
                "Version" => version = Some(entry.value),
                "Id" => id = Some(entry),
                "Statement" => statements = Some(entry.value),
                _ => self.unknown_top_level(&entry, has_statement),
            }
        }
        let version = self.version(node, version);
        self.variables = version == Version::V2012;
        let id = id.and_then(|entry| self.id(&entry));
        let Some(list) = statements else {
            let help = "the statements stand in a list named `Statement`";
            self.report(Grade::Invalid, ("element-missing", "R-1.6"), opening(node), "there is no `Statement`", help);
            return None;
        };
        let statements = self.statements(list);
        let policy = Policy { kind: self.kind, version, id, statements };
        self.check_full_access(&policy);
        Some(policy)
    }

    fn unknown_top_level(&mut self, entry: &Entry<'_>, has_statement: bool) {
        let key = &*entry.key;
        let help = if let Some(name) = STATEMENT.into_iter().find(|name| *name == key) {
            format!("`{name}` belongs inside a statement: `\"Statement\": [{{\"{name}\": ...}}]`")
        } else if let Some(name) = self.nearest(key, TOP_LEVEL) {
            match_case(key, name)
        } else if !has_statement && key.to_ascii_lowercase().contains("polic") {
            format!("the policy itself is the value of `{}`: give that alone, as an object", shown(key))
        } else {
            "a policy has the elements `Version`, `Id` and `Statement`".to_owned()
        };
        let message = format!("`{}` is no element of a policy", shown(key));
        self.report(Grade::Tolerated, ("W-UNKNOWN-ELEMENT", "R-1.2"), entry.key_span, message, help);
        // It is kept, so nobody opens it: R-1.8 holds in there too.
        if let Err(fault) = entry.value.check_inside() {
            self.fault(fault);
        }
    }

    /// R-1.3, R-1.4, and R-1.33 for SCPs and RCPs.
    fn version(&mut self, document: Node<'_>, node: Option<Node<'_>>) -> Version {
        let guardrail = matches!(self.kind, PolicyKind::Scp | PolicyKind::Rcp);
        const HELP: &str = "write `\"Version\": \"2012-10-17\"`: it names the policy language, not a date of yours";
        let Some(node) = node else {
            if guardrail {
                let message = format!("`Version` is missing, which an {} must have", self.kind.name());
                self.report(Grade::Warning, ("version-missing", "R-1.35"), opening(document), message, HELP);
            }
            return Version::V2008;
        };
        if node.shape() != Shape::Text {
            self.wrong_type("R-1.3", "Version", "a string", node, HELP);
            return Version::V2008;
        }
        let text = match node.text() {
            Ok(text) => text,
            Err(fault) => {
                self.fault(fault);
                return Version::V2008;
            }
        };
        match &*text {
            "2012-10-17" => Version::V2012,
            "2008-10-17" => {
                if guardrail {
                    let message = format!("an {} must have `Version` 2012-10-17, got `{text}`", self.kind.name());
                    self.report(Grade::Invalid, ("version", "R-1.33"), node.span(), message, HELP);
                }
                Version::V2008
            }
            _ => {
                let message = format!("`Version` must be 2012-10-17 or 2008-10-17, got `{}`", shown(&text));
                self.report(Grade::Invalid, ("version", "R-1.3"), node.span(), message, HELP);
                Version::V2008
            }
        }
    }

    fn id(&mut self, entry: &Entry<'_>) -> Option<String> {
        use PolicyKind::{Boundary, Identity, Session};
        // A boundary is a managed policy and a session policy follows the identity grammar, so R-1.7 holds for all three.
        if matches!(self.kind, Identity | Boundary | Session) {
            let message = format!("`Id` is not allowed in {}", self.kind_phrase());
            self.report(Grade::Tolerated, ("id-not-allowed", "R-1.7"), entry.key_span, message, "remove it");
        }
        self.ignored_text("R-1.7", "Id", entry.value)
    }

    fn statements(&mut self, node: Node<'_>) -> Vec<Statement> {
        let nodes = match node.shape() {
            Shape::Object => vec![node],
            Shape::List => match node.items() {
                Ok(items) => items,
                Err(fault) => {
                    self.fault(fault);
                    return Vec::new();
                }
            },
            shape => {
                let help = match shape {
                    Shape::Text => "decode the string first: the statements are objects, not text",
                    _ => "write `\"Statement\": [{\"Effect\": ...}]`",
                };
                self.wrong_type("R-1.6", "Statement", "an object or a list of objects", node, help);
                return Vec::new();
            }
        };
        if nodes.is_empty() {
            let message = "the list of statements is empty";
            self.report(
                Grade::Tolerated,
                ("empty-list", "R-1.6"),
                node.span(),
                message,
                "write a statement or remove the policy",
            );
        }
        let mut sids: HashMap<SmolStr, u32> = HashMap::new();
        let mut statements = Vec::with_capacity(nodes.len());
        for node in nodes {
            if node.shape() != Shape::Object {
                self.wrong_type("R-1.6", "Statement", "an object or a list of objects", node, "");
                continue;
            }
            if let Some(statement) = self.statement(node, &mut sids) {
                statements.push(statement);
            }
        }
        statements
    }

    fn statement(&mut self, node: Node<'_>, sids: &mut HashMap<SmolStr, u32>) -> Option<Statement> {
        let elements = self.elements(node);
        let line = self.lines.position(node.span().start).0;
        let sid = elements.get("Sid").and_then(|entry| self.sid(entry, sids, line));
        let effect = self.effect(node, elements.get("Effect"));
        let action = self.action_element(node, &elements);
        let principal = self.principal_element(node, &elements);
        let resource = self.resource_element(node, &elements);
        let condition = elements.get("Condition").map_or_else(Condition::default, |entry| self.condition(entry));
        let statement = Statement {
            sid,
            effect: effect?,
            principal,
            action: action?,
            resource,
            condition,
            span: node.span(),
            line,
        };
        self.check_kind(&elements, &statement);
        Some(statement)
    }

    /// The elements of a statement by name; unknown ones are reported and left out (R-1.10).
    fn elements<'t>(&mut self, node: Node<'t>) -> Elements<'t> {
        let mut elements = Elements::default();
        let mut misspelled = Vec::new();
        for entry in self.entries(node) {
            if let Some(at) = STATEMENT.iter().position(|name| *name == entry.key) {
                elements.0[at] = Some(entry);
                continue;
            }
            let key = &*entry.key;
            let meant = self.nearest(key, STATEMENT);
            let help = if let Some(name) = meant {
                match_case(key, name)
            } else if matches!(key, "Id" | "StatementId") {
                "a statement is named by its `Sid`".to_owned()
            } else if TOP_LEVEL.contains(&key) {
                format!("`{key}` belongs beside `Statement`, not inside")
            } else {
                format!("a statement has the elements {}", listed(&STATEMENT))
            };
            let message = format!("`{}` is no element of a statement", shown(key));
            self.report(Grade::Invalid, ("unknown-element", "R-1.10"), entry.key_span, message, help);
            // The policy is invalid already: read the value as what was meant, instead of saying that it is missing.
            if let Some(at) = meant.and_then(|meant| STATEMENT.iter().position(|name| *name == meant)) {
                misspelled.push((at, entry));
            }
        }
        for (at, entry) in misspelled {
            elements.0[at].get_or_insert(Entry { key: STATEMENT[at].into(), ..entry });
        }
        elements
    }

    /// The one of `name` and `Not…name` that a statement has; both are reported (R-1.10).
    fn either<'t, 'e>(&mut self, elements: &'e Elements<'t>, name: &str, not: &str) -> Option<(bool, &'e Entry<'t>)> {
        match (elements.get(name), elements.get(not)) {
            (Some(entry), None) => Some((false, entry)),
            (None, Some(entry)) => Some((true, entry)),
            (None, None) => None,
            (Some(entry), Some(other)) => {
                let later = if entry.key_span.start > other.key_span.start { entry } else { other };
                let message = format!("a statement has `{name}` or `{not}`, not both");
                let help = "write two statements, or say with a wildcard pattern what is meant";
                self.report(Grade::Invalid, ("element-pair", "R-1.10"), later.key_span, message, help);
                Some((false, entry))
            }
        }
    }

    /// R-1.14: findings only.
    fn sid(&mut self, entry: &Entry<'_>, sids: &mut HashMap<SmolStr, u32>, line: u32) -> Option<SmolStr> {
        use PolicyKind::{Boundary, Identity, Session, Trust};
        let sid = self.ignored_text("R-1.14", "Sid", entry.value).filter(|sid| !sid.is_empty())?;
        let sid = SmolStr::from(sid);
        let in_iam = matches!(self.kind, Identity | Boundary | Session | Trust);
        if in_iam && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let message = format!("`Sid` holds other characters than letters and digits: `{}`", shown(&sid));
            self.report(
                Grade::Warning,
                ("sid", "R-1.14"),
                entry.value.span(),
                message,
                "IAM takes A-Z, a-z and 0-9 only",
            );
        }
        if let Some(earlier) = sids.get(&sid) {
            let message = format!("`Sid` `{}` is that of the statement on line {earlier} too", shown(&sid));
            let help = "name each statement differently, or leave the `Sid` out";
            self.report(Grade::Warning, ("sid", "R-1.14"), entry.value.span(), message, help);
        } else {
            sids.insert(sid.clone(), line);
        }
        Some(sid)
    }

    /// R-1.11.
    fn effect(&mut self, statement: Node<'_>, entry: Option<&Entry<'_>>) -> Option<Effect> {
        const HELP: &str = "write `\"Effect\": \"Allow\"` or `\"Effect\": \"Deny\"`";
        let Some(entry) = entry else {
            let span = opening(statement);
            self.report(Grade::Invalid, ("element-missing", "R-1.11"), span, "the statement has no `Effect`", HELP);
            return None;
        };
        if entry.value.shape() != Shape::Text {
            self.wrong_type("R-1.11", "Effect", "`Allow` or `Deny`", entry.value, HELP);
            return None;
        }
        let text = entry.value.text().map_err(|fault| self.fault(fault)).ok()?;
        match &*text {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                let help = match self.nearest(other, ["Allow", "Deny"]) {
                    Some(name) if name.eq_ignore_ascii_case(other) => format!("case matters: write `{name}`"),
                    Some(name) => format!("write `{name}`"),
                    None => HELP.to_owned(),
                };
                let message = format!("`Effect` must be `Allow` or `Deny`, got `{}`", shown(other));
                self.report(Grade::Invalid, ("effect", "R-1.11"), entry.value.span(), message, help);
                None
            }
        }
    }
}

fn is_among(entries: &[Entry<'_>], key: &str) -> bool {
    entries.iter().any(|entry| entry.key == key)
}

/// The opening brace: where to point when something is missing inside.
fn opening(node: Node<'_>) -> Span {
    Span::new(node.span().start, node.span().start + 1)
}

/// `[]`, whatever the white space in it.
fn is_empty_list(node: Node<'_>) -> bool {
    let inside = node.source().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

fn quote_help(node: Node<'_>) -> &'static str {
    match node.shape() {
        Shape::Number | Shape::Boolean => "write it in double quotes",
        Shape::Null => "leave the element out, or write a string",
        _ => "",
    }
}

fn match_case(written: &str, name: &str) -> String {
    if written.eq_ignore_ascii_case(name) {
        format!("names are case-sensitive: write `{name}`")
    } else {
        format!("write `{name}`")
    }
}

/// `a`, `b` and `c`.
fn listed(names: &[&str]) -> String {
    let mut out = String::new();
    for (i, name) in names.iter().enumerate() {
        let joint = match i {
            0 => "",
            _ if i + 1 == names.len() => " and ",
            _ => ", ",
        };
        out.push_str(&format!("{joint}`{name}`"));
    }
    out
}
