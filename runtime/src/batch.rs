//! Many rows at once: columns of numbers in, a column of decision codes out.
//!
//! Rows are decided by principal and action (`order`), on several threads if asked to (`workers`), and answered in
//! the order of the caller. An answer depends on its row alone: not on the other rows, the size of the windows or the
//! number of threads. What a row names beyond the set (contexts, sessions, resources that the set does not list)
//! stands in [`BatchTables`]; [`RowsBuilder`] makes numbers of names and requests, and says which cannot be rows.
//!
//! What depends on a context alone is worked out once for all its rows (`notes`, `depends`).

mod ahead;
mod asked;
mod builder;
pub(crate) mod contexts;
pub(crate) mod depends;
mod names;
pub(crate) mod notes;
mod order;
mod recent;
mod row;
mod texts;
mod workers;

pub use ahead::{FoundRow, NamedRow};
pub use builder::{NotARow, PrincipalRow, RowsBuilder, Unknown};
pub use contexts::{Contexts, RowContext};
pub use names::{SessionPoliciesId, Sessions, TextResources};
pub use workers::{BatchScratch, decide_batch};

use crate::layout::NONE;
use crate::set::CompiledPolicySet;

/// The number of the resource `*`, and of a session that nobody named.
pub const NOTHING: u32 = NONE;

/// What rows name beyond the set. It belongs to one set.
#[derive(Debug)]
pub struct BatchTables {
    /// Contexts, by the column `context`.
    pub contexts: Contexts,
    /// Sessions, by the column `session`.
    pub sessions: Sessions,
    /// Resources that the set does not list, by the column `resource`: their numbers follow those of the set's own.
    pub resources: TextResources,
}

impl BatchTables {
    /// Empty tables.
    pub fn new(set: &CompiledPolicySet) -> BatchTables {
        let (sessions, resources) = (Sessions::new(), TextResources::new(set));
        BatchTables { contexts: Contexts::new(set), sessions, resources }
    }

    /// The context in whose place that one stands for the rows of these tables: the first that differs in nothing that
    /// anybody reads.
    fn alike(&self, context: u32) -> u32 {
        if self.sessions.have_policies() {
            return context;
        }
        self.contexts.row(context).map_or(context, |row| row.alike)
    }

    /// Forgets everything; numbers given before mean nothing any more.
    pub fn clear(&mut self) {
        self.contexts.clear();
        self.sessions.clear();
        self.resources.clear();
    }

    /// Heap bytes, about.
    pub fn heap_bytes(&self) -> usize {
        self.contexts.heap_bytes() + self.sessions.heap_bytes() + self.resources.heap_bytes()
    }
}

/// The columns of a batch, one value a row each.
///
/// They are plain slices: the value buffers of Arrow arrays of type `UInt32` without nulls are what is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    principal: &'a [u32],
    action: &'a [u32],
    resource: &'a [u32],
    context: &'a [u32],
    session: Option<&'a [u32]>,
}

impl<'a> Rows<'a> {
    /// - `principal`: [`crate::PrincipalId`]s; for a role the caller is a session of it;
    /// - `action`: [`crate::ActionId`]s;
    /// - `resource`: [`crate::ResourceId`]s, numbers of [`TextResources`], or [`NOTHING`] for `*`;
    /// - `context`: numbers of [`Contexts`].
    ///
    /// # Errors
    /// [`BatchError::Lengths`].
    pub fn new(
        principal: &'a [u32],
        action: &'a [u32],
        resource: &'a [u32],
        context: &'a [u32],
    ) -> Result<Rows<'a>, BatchError> {
        let n = principal.len();
        for (column, values) in [("action", action), ("resource", resource), ("context", context)] {
            same_length(column, values.len(), n)?;
        }
        Ok(Rows { principal, action, resource, context, session: None })
    }

    /// The same with numbers of [`Sessions`], [`NOTHING`] being a session without policies that nobody named.
    ///
    /// # Errors
    /// [`BatchError::Lengths`].
    pub fn with_sessions(self, session: &'a [u32]) -> Result<Rows<'a>, BatchError> {
        same_length("session", session.len(), self.len())?;
        Ok(Rows { session: Some(session), ..self })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.principal.len()
    }

    /// True iff there is none.
    pub fn is_empty(&self) -> bool {
        self.principal.is_empty()
    }

    /// The column `principal`.
    pub fn principal(&self) -> &'a [u32] {
        self.principal
    }

    /// The column `action`.
    pub fn action(&self) -> &'a [u32] {
        self.action
    }

    /// The column `resource`.
    pub fn resource(&self) -> &'a [u32] {
        self.resource
    }

    /// The column `context`.
    pub fn context(&self) -> &'a [u32] {
        self.context
    }

    /// The column `session`; empty: every session is [`NOTHING`].
    pub fn session(&self) -> &'a [u32] {
        self.session.unwrap_or_default()
    }

    fn session_at(&self, index: usize) -> u32 {
        self.session.map_or(NOTHING, |session| session[index])
    }

    /// Rows from `start` on, at most `n` of them.
    fn window(&self, start: usize, n: usize) -> Rows<'a> {
        let range = start..(start + n).min(self.len());
        Rows {
            principal: &self.principal[range.clone()],
            action: &self.action[range.clone()],
            resource: &self.resource[range.clone()],
            context: &self.context[range.clone()],
            session: self.session.map(|session| &session[range]),
        }
    }
}

fn same_length(column: &'static str, given: usize, expected: usize) -> Result<(), BatchError> {
    if given == expected { Ok(()) } else { Err(BatchError::Lengths { column, given, expected }) }
}

/// Why a batch cannot be decided; rows that cannot are answered by their codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A column is longer or shorter than the column `principal`, or than the rows where it is the output.
    #[error("the column `{column}` has {given} values where there are {expected} rows")]
    Lengths {
        /// The column.
        column: &'static str,
        /// Its values.
        given: usize,
        /// The rows.
        expected: usize,
    },
    /// The tables were made for another set: their numbers mean nothing here.
    #[error("the tables of the batch belong to another policy set: make them for the one that decides")]
    OtherSet,
}
