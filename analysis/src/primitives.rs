//! The rows of the table as values, and the table that is compiled in.

use crate::closed::{Bound, Caller, Effect, Family, Need, PassedRole, Reason, Which};
use crate::read;
use crate::read::TableFault;
use iamc_policy::Action;
use std::sync::LazyLock;

/// Which resource one unit of a request is about (P-2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// `*`: the action knows no resources (R-2.20).
    Wildcard,
    /// One resource.
    Resource {
        /// Which one.
        which: Which,
        /// Its type, by the name that the catalogue has among the resource types of the action's service.
        resource_type: String,
    },
}

/// A role that a request passes to a service: a further unit, `iam:PassRole` on that role with
/// `iam:PassedToService` (P-11.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Which role.
    pub role: PassedRole,
    /// The service principal, for example `lambda.amazonaws.com`.
    pub to: String,
}

/// One request of a row. Its units are one for each of [`Request::on`] and one for each of [`Request::passes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The action.
    pub action: Action,
    /// What it is asked on; at least one, and [`On::Wildcard`] only alone.
    pub on: Vec<On>,
    /// Roles that it passes, in the order of the row.
    pub passes: Vec<Pass>,
    /// Condition keys that the step fixes, by AWS's spelling, in the order of the row.
    pub keys: Vec<(String, Bound)>,
    /// What is different once it was allowed, before the next request is decided; the last request's is
    /// [`Primitive::effect`].
    pub effect: Option<Effect>,
}

/// Who must be able to assume the target role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truster {
    /// A service principal.
    Service(String),
    /// One of the built-in identity providers (R-1.27).
    Federated(String),
}

/// What the target role's trust policy must allow (P-11.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusts {
    /// To whom.
    pub who: Truster,
    /// Each of these actions, in the order of the row; at least one.
    pub actions: Vec<Action>,
}

/// The type of an existing resource, for example `lambda:function`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceKind {
    /// The service prefix, in lower case.
    pub service: String,
    /// The resource type, by the catalogue's name.
    pub resource_type: String,
}

/// One row: a way from what is controlled to more (P-17.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Primitive {
    /// Its name: lower-case letters, digits and `-`; unique in the table.
    pub id: String,
    /// Its family, hence the rules that say what the target is.
    pub family: Family,
    /// Who makes the requests.
    pub caller: Caller,
    /// The resource that must exist beside the target role; `None`: none must.
    pub resource: Option<ResourceKind>,
    /// The requests, in the order in which they are made; at least one.
    pub requests: Vec<Request>,
    /// What the target role's trust policy must allow; all of it.
    pub trusts: Vec<Trusts>,
    /// What it needs beside decisions, in the order of the row.
    pub needs: Vec<Need>,
    /// What is different at the end.
    pub effect: Effect,
    /// Who described it; at least one.
    pub sources: Vec<String>,
}

/// A way that is known and does not fit the rules (P-17.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotModelled {
    /// Its name, as [`Primitive::id`].
    pub id: String,
    /// Why not.
    pub reason: Reason,
    /// Who described it; at least one.
    pub sources: Vec<String>,
}

/// The table that is compiled in.
pub(crate) const TEXT: &str = include_str!("../data/primitives.jsonl");

/// The table of primitives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    primitives: Vec<Primitive>,
    not_modelled: Vec<NotModelled>,
}

impl Table {
    /// The table that is compiled in, read once.
    ///
    /// Panics: never; a test reads the same text.
    pub fn embedded() -> &'static Table {
        static TABLE: LazyLock<Table> =
            LazyLock::new(|| Table::read(TEXT).expect("the committed table is read by a test"));
        &TABLE
    }

    /// Reads a table: JSON Lines, one row a line; blank lines and lines that begin with `//` are skipped.
    ///
    /// Errors: every fault of every line, in the order of the text, at most a hundred of them. No row is kept of a
    /// table with faults. Cost: O(bytes); what is held is bounded by the text.
    ///
    /// ```
    /// use iamc_analysis::Table;
    /// let faults = Table::read(r#"{"id": "x", "not_modelled": "too-hard", "sources": ["me"]}"#).unwrap_err();
    /// assert_eq!((faults[0].line, faults[0].field.as_str()), (1, "not_modelled"));
    /// ```
    pub fn read(text: &str) -> Result<Table, Vec<TableFault>> {
        let (primitives, not_modelled) = read::rows(text)?;
        Ok(Table { primitives, not_modelled })
    }

    /// The rows that are modelled, in the order of the table.
    pub fn primitives(&self) -> &[Primitive] {
        &self.primitives
    }

    /// The rows that are not, in the order of the table.
    pub fn not_modelled(&self) -> &[NotModelled] {
        &self.not_modelled
    }

    /// The modelled row of this name. Cost: O(rows).
    pub fn primitive(&self, id: &str) -> Option<&Primitive> {
        self.primitives.iter().find(|row| row.id == id)
    }
}
