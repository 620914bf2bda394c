//! Reads the table. In goes text, out come rows whose every word is of a closed list, or faults with line and field.
//!
//! Nothing is skipped silently: an unknown field, a field given twice, a missing one, a word that no list has and a
//! combination that no rule defines are faults.

use crate::closed::{Caller, Effect, Family, PassedRole, Which};
use crate::primitives::{NotModelled, On, Pass, Primitive, Request, ResourceKind, Truster, Trusts};
use iamc_policy::Action;
use iamc_policy::json::{Entry, Node, Shape, shown};
use std::collections::HashSet;

/// The most faults that are reported; a hostile table could otherwise make us hold far more than its bytes.
const FAULTS_MAX: usize = 100;

/// One fault of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, field `{field}`: {kind}")]
pub struct TableFault {
    /// The line, from 1.
    pub line: usize,
    /// The field, for example `requests[0].on[1]`; empty for the row itself.
    pub field: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The line is no JSON, or a string in it cannot be decoded.
    #[error("{0}")]
    Syntax(String),
    /// A value has another type than its field.
    #[error("expected {expected}, got {got}")]
    Type {
        /// With its article.
        expected: &'static str,
        /// With its article.
        got: &'static str,
    },
    /// The field is not one of the row's.
    #[error("unknown field; see section 17 of docs/reach.md")]
    UnknownField,
    /// The field is given twice.
    #[error("the field is given twice")]
    DuplicateField,
    /// The field is missing.
    #[error("the field is missing")]
    MissingField,
    /// A list that needs an item has none.
    #[error("the list is empty")]
    Empty,
    /// The word is not of the closed list.
    #[error("`{got}` is not one of {expected}")]
    UnknownWord {
        /// The word.
        got: String,
        /// What is, in the order of docs/reach.md.
        expected: String,
    },
    /// A text has not the form that its field asks for.
    #[error("`{got}` is not {expected}")]
    Form {
        /// The text.
        got: String,
        /// What is asked for, with its article.
        expected: &'static str,
    },
    /// The name stands in an earlier row.
    #[error("the name is taken by line {first_line}")]
    DuplicateId {
        /// The line of the earlier row.
        first_line: usize,
    },
    /// The fields do not go together.
    #[error("{0}")]
    Combination(&'static str),
}

/// What a table holds: rows that are modelled, rows that are not.
pub(crate) type Rows = (Vec<Primitive>, Vec<NotModelled>);

enum Row {
    Modelled(Primitive),
    NotModelled(NotModelled),
}

/// Reads all rows; see [`crate::Table::read`].
pub(crate) fn rows(text: &str) -> Result<Rows, Vec<TableFault>> {
    let mut rows: Rows = Default::default();
    let mut faults = Vec::new();
    let mut first_lines = std::collections::HashMap::new();
    for (index, line) in text.lines().enumerate() {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        let number = index + 1;
        if line.trim().is_empty() || line.starts_with("//") {
            continue;
        }
        let mut reader = Reader { line: number, faults: &mut faults };
        let Some(row) = reader.row(line) else { continue };
        let id = match &row {
            Row::Modelled(row) => &row.id,
            Row::NotModelled(row) => &row.id,
        };
        match first_lines.get(id) {
            Some(&first_line) => reader.fault("id", FaultKind::DuplicateId { first_line }),
            None => {
                first_lines.insert(id.clone(), number);
            }
        }
        match row {
            Row::Modelled(row) => rows.0.push(row),
            Row::NotModelled(row) => rows.1.push(row),
        }
    }
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// One line while it is read. Every method that returns `None` has told a fault.
struct Reader<'f> {
    line: usize,
    faults: &'f mut Vec<TableFault>,
}

/// The fields of an object, each once, with the path that leads to it.
struct Fields<'t> {
    path: String,
    entries: Vec<Entry<'t>>,
}

impl<'t> Fields<'t> {
    fn path(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    fn get(&self, field: &str) -> Option<Node<'t>> {
        self.entries.iter().find(|entry| entry.key == field).map(|entry| entry.value)
    }
}

impl Reader<'_> {
    fn fault(&mut self, field: impl Into<String>, kind: FaultKind) {
        self.faults.push(TableFault { line: self.line, field: field.into(), kind });
    }

    fn row(&mut self, line: &str) -> Option<Row> {
        let node = match Node::parse(line, 0) {
            Ok(node) => node,
            Err(fault) => {
                self.fault("", FaultKind::Syntax(fault.message));
                return None;
            }
        };
        let known = ["id", "family", "caller", "resource", "requests", "trusts", "needs", "effect", "sources"];
        let fields = self.object(node, String::new(), |name| known.contains(&name) || name == "not_modelled")?;
        let id = self.required(&fields, "id").and_then(|node| self.id(node));
        let sources = self.list_of(&fields, "sources", true, |reader, node, path| reader.text(node, path));
        if let Some(node) = fields.get("not_modelled") {
            let reason = self.word(node, fields.path("not_modelled"), crate::Reason::parse, crate::Reason::ALL);
            for field in &known[1..8] {
                if fields.get(field).is_some() {
                    self.fault(*field, FaultKind::Combination("a row that is not modelled has only a reason"));
                }
            }
            return Some(Row::NotModelled(NotModelled { id: id?, reason: reason?, sources: sources? }));
        }
        let family = self
            .required(&fields, "family")
            .and_then(|node| self.word(node, fields.path("family"), Family::parse, Family::ALL));
        let caller = match fields.get("caller") {
            Some(node) => self.word(node, fields.path("caller"), Caller::parse, Caller::ALL),
            None => Some(Caller::Identity),
        };
        let resource = match fields.get("resource") {
            Some(node) => self.resource(node, fields.path("resource")).map(Some),
            None => Some(None),
        };
        let requests = self.list_of(&fields, "requests", true, Reader::request);
        let trusts = self.list_of(&fields, "trusts", false, Reader::trusts);
        let needs = self.list_of(&fields, "needs", false, |reader, node, path| {
            reader.word(node, path, crate::Need::parse, crate::Need::ALL)
        });
        let effect = self
            .required(&fields, "effect")
            .and_then(|node| self.word(node, fields.path("effect"), Effect::parse, Effect::ALL));
        let row = Primitive {
            id: id?,
            family: family?,
            caller: caller?,
            resource: resource?,
            requests: requests?,
            trusts: trusts?,
            needs: needs?,
            effect: effect?,
            sources: sources?,
        };
        self.combinations(&row).then_some(Row::Modelled(row))
    }

    /// What no single field shows: each family has fields that its rules read, and none that they do not (P-17.2).
    fn combinations(&mut self, row: &Primitive) -> bool {
        let before = self.faults.len();
        let passes_target =
            row.requests.iter().flat_map(|request| &request.passes).any(|pass| pass.role == PassedRole::Target);
        let passes = row.requests.iter().any(|request| !request.passes.is_empty());
        let through_service = matches!(row.family, Family::PassRole | Family::ExistingRole);
        let mut check = |wrong: bool, field: &str, says: &'static str| {
            if wrong {
                self.fault(field, FaultKind::Combination(says));
            }
        };
        check(
            row.family == Family::PassRole && !passes_target,
            "requests",
            "no request of a `pass-role` row passes the target role",
        );
        check(
            row.family == Family::PassRole && row.trusts.is_empty(),
            "trusts",
            "a `pass-role` row says who must be trusted",
        );
        check(
            row.family == Family::ExistingRole && row.resource.is_none(),
            "resource",
            "an `existing-role` row names the resource that has the role",
        );
        check(through_service && row.effect != Effect::Session, "effect", "a step through a service ends in `session`");
        check(!through_service && passes, "requests", "only steps through a service pass roles");
        check(!through_service && !row.trusts.is_empty(), "trusts", "only steps through a service read this field");
        let last = row.requests.len().saturating_sub(1);
        check(
            row.requests[last..].iter().any(|request| request.effect.is_some()),
            "requests",
            "the last request has no effect of its own: the row's is its effect",
        );
        check(
            (row.caller == Caller::Provider) != (row.family == Family::Federation && row.effect == Effect::Session),
            "caller",
            "the caller is a provider exactly where a role is assumed with its token",
        );
        self.faults.len() == before
    }

    fn request(&mut self, node: Node<'_>, path: String) -> Option<Request> {
        let fields = self.object(node, path, |name| ["action", "on", "passes", "keys", "effect"].contains(&name))?;
        let action = self.required(&fields, "action").and_then(|node| self.action(node, fields.path("action")));
        let on = self.list_of(&fields, "on", true, Reader::on);
        if on.as_ref().is_some_and(|on| on.len() > 1 && on.contains(&On::Wildcard)) {
            self.fault(fields.path("on"), FaultKind::Combination("`*` stands alone"));
            return None;
        }
        let passes = self.list_of(&fields, "passes", false, Reader::pass);
        let keys = match fields.get("keys") {
            Some(node) => self.keys(node, fields.path("keys")),
            None => Some(Vec::new()),
        };
        let effect = match fields.get("effect") {
            Some(node) => self.word(node, fields.path("effect"), Effect::parse, Effect::ALL).map(Some),
            None => Some(None),
        };
        Some(Request { action: action?, on: on?, passes: passes?, keys: keys?, effect: effect? })
    }

    fn on(&mut self, node: Node<'_>, path: String) -> Option<On> {
        let text = self.text(node, path.clone())?;
        if text == "*" {
            return Some(On::Wildcard);
        }
        let read = text.split_once(':').and_then(|(which, kind)| {
            (is_name(kind)).then_some(())?;
            Some(On::Resource { which: Which::parse(which)?, resource_type: kind.to_owned() })
        });
        if read.is_none() {
            let expected = "`*`, or `target:`, `attached:`, `new:` or `any:` with a resource type";
            self.fault(path, FaultKind::Form { got: shown(&text), expected });
        }
        read
    }

    fn pass(&mut self, node: Node<'_>, path: String) -> Option<Pass> {
        let fields = self.object(node, path, |name| ["role", "to"].contains(&name))?;
        let role = self
            .required(&fields, "role")
            .and_then(|node| self.word(node, fields.path("role"), PassedRole::parse, PassedRole::ALL));
        let to = self.required(&fields, "to").and_then(|node| self.service(node, fields.path("to")));
        Some(Pass { role: role?, to: to? })
    }

    fn trusts(&mut self, node: Node<'_>, path: String) -> Option<Trusts> {
        let fields = self.object(node, path.clone(), |name| ["service", "federated", "actions"].contains(&name))?;
        let who = match (fields.get("service"), fields.get("federated")) {
            (Some(node), None) => self.service(node, fields.path("service")).map(Truster::Service),
            (None, Some(node)) => self.service(node, fields.path("federated")).map(Truster::Federated),
            _ => {
                self.fault(path, FaultKind::Combination("write `service` or `federated`, one of them"));
                None
            }
        };
        let actions = self.list_of(&fields, "actions", true, Reader::action);
        Some(Trusts { who: who?, actions: actions? })
    }

    fn keys(&mut self, node: Node<'_>, path: String) -> Option<Vec<(String, crate::Bound)>> {
        let fields =
            self.object(node, path, |name| name.split_once(':').is_some_and(|(a, b)| is_name(a) && is_name(b)))?;
        let mut keys = Vec::new();
        for entry in &fields.entries {
            let bound = self.word(entry.value, fields.path(&entry.key), crate::Bound::parse, crate::Bound::ALL)?;
            keys.push((entry.key.to_string(), bound));
        }
        Some(keys)
    }

    fn id(&mut self, node: Node<'_>) -> Option<String> {
        let text = self.text(node, "id".to_owned())?;
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > 80 || !text.bytes().all(good) {
            let expected = "a name of lower-case letters, digits and `-`";
            self.fault("id", FaultKind::Form { got: shown(&text), expected });
            return None;
        }
        Some(text)
    }

    fn action(&mut self, node: Node<'_>, path: String) -> Option<Action> {
        let text = self.text(node, path.clone())?;
        let action = text.parse().ok();
        if action.is_none() {
            self.fault(path, FaultKind::Form { got: shown(&text), expected: "an action, `service:Name`" });
        }
        action
    }

    fn service(&mut self, node: Node<'_>, path: String) -> Option<String> {
        let text = self.text(node, path.clone())?;
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        if !text.contains('.') || text.len() > 200 || !text.bytes().all(good) {
            let expected = "a principal's name such as `lambda.amazonaws.com`";
            self.fault(path, FaultKind::Form { got: shown(&text), expected });
            return None;
        }
        Some(text)
    }

    fn resource(&mut self, node: Node<'_>, path: String) -> Option<ResourceKind> {
        let text = self.text(node, path.clone())?;
        match text.split_once(':') {
            Some((service, kind)) if is_name(service) && is_name(kind) => {
                Some(ResourceKind { service: service.to_ascii_lowercase(), resource_type: kind.to_owned() })
            }
            _ => {
                let expected = "a resource type such as `lambda:function`";
                self.fault(path, FaultKind::Form { got: shown(&text), expected });
                None
            }
        }
    }

    fn object<'t>(&mut self, node: Node<'t>, path: String, known: impl Fn(&str) -> bool) -> Option<Fields<'t>> {
        if !self.shape(node, &path, Shape::Object) {
            return None;
        }
        let before = self.faults.len();
        let (entries, faults) = node.entries();
        for fault in faults {
            self.fault(path.clone(), FaultKind::Syntax(fault.message));
        }
        let fields = Fields { path, entries };
        let mut seen = HashSet::new();
        for entry in &fields.entries {
            if !seen.insert(&entry.key) {
                self.fault(fields.path(&entry.key), FaultKind::DuplicateField);
            } else if !known(&entry.key) {
                self.fault(fields.path(&shown(&entry.key)), FaultKind::UnknownField);
            }
        }
        (self.faults.len() == before).then_some(fields)
    }

    fn required<'t>(&mut self, fields: &Fields<'t>, field: &str) -> Option<Node<'t>> {
        let node = fields.get(field);
        if node.is_none() {
            self.fault(fields.path(field), FaultKind::MissingField);
        }
        node
    }

    /// A list field; absent means empty unless it is required, and then it must have an item.
    fn list_of<'t, T>(
        &mut self,
        fields: &Fields<'t>,
        field: &str,
        required: bool,
        item: impl Fn(&mut Self, Node<'t>, String) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = if required {
            self.required(fields, field)?
        } else {
            match fields.get(field) {
                Some(node) => node,
                None => return Some(Vec::new()),
            }
        };
        let path = fields.path(field);
        if !self.shape(node, &path, Shape::List) {
            return None;
        }
        let nodes = match node.items() {
            Ok(nodes) => nodes,
            Err(fault) => {
                self.fault(path, FaultKind::Syntax(fault.message));
                return None;
            }
        };
        if nodes.is_empty() {
            // An optional list that is empty is written by leaving it out: one way to say one thing.
            self.fault(path, FaultKind::Empty);
            return None;
        }
        let before = self.faults.len();
        let items: Vec<T> = nodes
            .into_iter()
            .enumerate()
            .filter_map(|(index, node)| item(self, node, format!("{path}[{index}]")))
            .collect();
        (self.faults.len() == before).then_some(items)
    }

    fn word<T: Copy + std::fmt::Display>(
        &mut self,
        node: Node<'_>,
        path: String,
        parse: impl Fn(&str) -> Option<T>,
        all: &[T],
    ) -> Option<T> {
        let text = self.text(node, path.clone())?;
        let word = parse(&text);
        if word.is_none() {
            let expected = all.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            self.fault(path, FaultKind::UnknownWord { got: shown(&text), expected });
        }
        word
    }

    fn text(&mut self, node: Node<'_>, path: String) -> Option<String> {
        if !self.shape(node, &path, Shape::Text) {
            return None;
        }
        match node.text() {
            Ok(text) => Some(text.into_owned()),
            Err(fault) => {
                self.fault(path, FaultKind::Syntax(fault.message));
                None
            }
        }
    }

    fn shape(&mut self, node: Node<'_>, path: &str, expected: Shape) -> bool {
        let got = node.shape();
        if got != expected {
            self.fault(path, FaultKind::Type { expected: expected.name(), got: got.name() });
        }
        got == expected
    }
}

/// True iff the text is a name: letters, digits, `-`, `_`, at least one and not too many.
fn is_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= 80 && text.bytes().all(good)
}
