//! What is wrong with an input: plain data with a position. Drawing it is the command line's affair.

use std::fmt;
use std::sync::Arc;

/// One mistake in an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct InputError {
    /// The file as the user named it, with `/` between folders.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in bytes.
    pub column: u32,
    /// What is wrong: one line, lower case, no full stop, user text in backticks.
    pub message: String,
    /// What to do about it, where we can say it.
    pub help: Option<String>,
}

/// Every mistake found in an input, sorted by file, line and column; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(Vec<InputError>);

impl Errors {
    /// The most errors that are kept for one file; a last one says how many more there were.
    pub const PER_FILE_MAX: usize = 1_000;

    /// The errors, or `None` where there are none.
    pub(crate) fn collect(mut errors: Vec<InputError>) -> Option<Errors> {
        for error in &mut errors {
            one_line(&mut error.message);
            error.help.iter_mut().for_each(one_line);
        }
        errors.sort();
        errors.dedup();
        if errors.is_empty() { None } else { Some(Errors(errors)) }
    }

    /// The mistakes, in order.
    pub fn as_slice(&self) -> &[InputError] {
        &self.0
    }

    /// The mistakes, in order.
    pub fn into_vec(self) -> Vec<InputError> {
        self.0
    }
}

/// One line a mistake, its remedy on a line of its own behind it.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
            if let Some(help) = &error.help {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Spells out line breaks and other control characters, which names in an export may hold: a message is one line.
pub(crate) fn one_line(message: &mut String) {
    if message.contains(char::is_control) {
        let spelled = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        *message = message.chars().map(spelled).collect();
    }
}

/// User text for a message: one line, at most 80 characters of it.
pub(crate) use iamc_policy::json::shown as shorten;
