//! The forms in which a corpus can be written: what the organization of the same facts looks like to each collector.

use std::fmt;
use std::str::FromStr;

/// One form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Files as the AWS command line prints them.
    Cli,
    /// The same, each file compressed with gzip.
    Gzip,
    /// The same in one file, a list of outputs.
    Bundle,
    /// A store of iam-collect, with outputs of the command line for what it does not collect.
    Collect,
    /// Snapshots of AWS Config, with outputs of the command line for what Config does not record.
    Config,
}

impl Form {
    /// Every form.
    pub const ALL: &'static [Form] = &[Form::Cli, Form::Gzip, Form::Bundle, Form::Collect, Form::Config];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Form::Cli => "cli",
            Form::Gzip => "gzip",
            Form::Bundle => "bundle",
            Form::Collect => "collect",
            Form::Config => "config",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no form of an export: cli, gzip, bundle, collect or config")]
pub struct FormError(String);

impl FromStr for Form {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Form, FormError> {
        Form::ALL.iter().copied().find(|form| form.name() == text).ok_or_else(|| FormError(text.to_owned()))
    }
}
