//! Why bytes or tables are no compiled policy set.

use iamc_catalogue::ReadError;

/// A compiled policy set was refused. Nothing of it can be used; compile the policies again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are something else.
    #[error("this is no compiled policy set")]
    NotASet,
    /// It was written in another format.
    #[error("the compiled policy set has format {given}, this version reads format {expected}: compile again")]
    Format {
        /// The file's.
        given: u32,
        /// Ours.
        expected: u32,
    },
    /// It was compiled for another edition of the rules.
    #[error(
        "the compiled policy set decides by edition {given} of the rules, this version by {expected}: compile again"
    )]
    Semantics {
        /// The file's.
        given: u32,
        /// Ours.
        expected: u32,
    },
    /// Bytes are missing or left over.
    #[error("the compiled policy set has {given} bytes where {expected} are announced")]
    Length {
        /// As the header says.
        expected: u64,
        /// What there is.
        given: u64,
    },
    /// Bytes have changed since they were written.
    #[error("the checksum of `{0}` is wrong: the compiled policy set is damaged")]
    Checksum(&'static str),
    /// The directory of sections is not ours.
    #[error("the directory of the compiled policy set is damaged: {0}")]
    Directory(&'static str),
    /// A section says something that cannot be.
    #[error("section `{section}` of the compiled policy set is damaged at row {row}: {what}")]
    Damaged {
        /// Which section.
        section: &'static str,
        /// What is wrong.
        what: &'static str,
        /// Where.
        row: usize,
    },
    /// The table of actions inside it is damaged.
    #[error("the action table of the compiled policy set is damaged: {0}")]
    Catalogue(#[from] ReadError),
}
