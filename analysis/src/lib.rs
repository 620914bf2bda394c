//! Questions built on decisions. Nothing here decides: what a request gets is asked of an engine.
//!
//! [`Reach`] tells who can become whom, by chains of steps whose requests are decided. The steps are rows of the table of
//! *primitives*, the known ways in which rights on IAM and on services lead to further rights ([`Table`]). `docs/reach.md` says what a row means, as numbered rules (`P-…`). A way that fits the rules is
//! a new row of `data/primitives.jsonl`, no new code; a way that does not fit is listed with the [`Reason`].
//!
//! ```
//! use iamc_analysis::{Family, Table};
//! let table = Table::embedded();
//! let row = table.primitive("passrole-lambda-create-invoke").unwrap();
//! assert_eq!(row.family, Family::PassRole);
//! assert_eq!(row.requests[0].action.to_string(), "lambda:CreateFunction");
//! assert_eq!(row.requests[0].passes[0].to, "lambda.amazonaws.com");
//! ```

mod closed;
mod primitives;
mod reach;
mod read;

pub use closed::{Bound, Caller, Effect, Family, Need, NeedClass, PassedRole, Reason, Which};
pub use primitives::{NotModelled, On, Pass, Primitive, Request, ResourceKind, Table, Truster, Trusts};
pub use reach::{
    AuditKind, Blast, BlastAsked, Break, Cut, EDGES_FORMAT, Edge, EdgesError, Finding, Given, Goal, Held, Hop, Path,
    Proved, Reach, ReachError, Start, Touched, Unproved, Use, Wanted, Ways,
};
pub use read::{FaultKind, TableFault};
