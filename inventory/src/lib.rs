//! Readers: what people exported becomes a [`World`].
//!
//! In go texts and folders; out comes the raw inventory, nothing of it resolved: no group, level or exemption is worked
//! out here. What cannot be read is an error with file, line, column and remedy, all of them collected; what is missing
//! becomes a [`Gap`](iamc_policy::world::Gap) of the world; what is skipped or quarantined is in the [`Report`].
//!
//! - [`read_lines`] and [`read_values`]: our own JSON Lines (docs/inventory-format.md), from a text, or from the
//!   `inventory` list of a decision case.
//! - [`read_folder`] and [`read_inputs`]: files and folders of what the AWS command line prints, of AWS Config and of
//!   iam-collect, and of our own lines; [`bytes`] has one function for each of these readers.
//! - [`write_lines`]: the same format, written.
//!
//! No reader panics, whatever it is given; nesting costs no stack, and memory grows with the bytes read alone.

mod account;
mod assemble;
mod aws;
pub mod bytes;
mod collect;
mod config;
mod documents;
mod error;
mod fact;
mod file;
mod folder;
mod input;
mod item;
mod join;
mod json;
mod lines;
mod report;
pub mod request;
mod shared;
mod write;

pub use account::account_of;
pub use error::{Errors, InputError};
pub use folder::{read_folder, read_inputs};
pub use input::Input;
pub use report::{Finding, Progress, Quarantined, Read, Report, Skipped};
pub use write::{fingerprint, write_lines};

use crate::assemble::{Assembly, error_at};
use crate::documents::{Documents, Notes};
use crate::error::one_line;
use crate::item::Item;
use crate::json::Source;
use crate::lines::LineReader;
use crate::shared::Shared;
use iamc_policy::document::Strictness;
use iamc_policy::{Settings, World};

/// How an inventory is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The switches of the world. `strict` among them makes every invalid policy an error (R-1.36); else invalid
    /// policies are quarantined, but for SCPs and RCPs, which are errors in any case (R-1.35).
    pub settings: Settings,
    /// Every gap is an error, unless `assume_complete` says that there are none.
    pub strict_completeness: bool,
    /// What the input lacks does not exist: sets [`World::assume_complete`], records no policy that is attached and
    /// described nowhere, and takes a policy that nobody fetched for none. A policy that is described without its text
    /// exists, and stays unknown.
    pub assume_complete: bool,
    /// Threads that read a folder; `None`: as many as the machine has. It never changes the result.
    pub threads: Option<usize>,
}

impl Options {
    fn strictness(&self) -> Strictness {
        if self.settings.strict { Strictness::Strict } else { Strictness::Lenient }
    }
}

/// Reads a text of our own format: one JSON object a line; blank lines and lines that begin with `//` are skipped.
///
/// `name` is the file's name in positions. Lists of the world are in the order of the lines.
///
/// Errors: every line that is no JSON, has an unknown kind or field, lacks a field or contradicts another line; every
/// invalid policy where [`Options`] asks for it. Cost: O(bytes).
///
/// ```
/// use iamc_inventory::{Options, read_lines};
/// let text = r#"{"kind": "account", "id": "111122223333", "name": "prod"}"#;
/// let read = read_lines("prod.jsonl", text, &Options::default()).unwrap();
/// assert_eq!(read.world.accounts[0].name.as_deref(), Some("prod"));
/// let errors = read_lines("prod.jsonl", r#"{"kind": "acount"}"#, &Options::default()).unwrap_err();
/// assert_eq!(errors.as_slice()[0].to_string(), "prod.jsonl:1:10: unknown kind `acount`");
/// ```
pub fn read_lines(name: &str, text: &str, options: &Options) -> Result<Read, Errors> {
    let source = Source::new(name.into(), text, (1, 1));
    let documents = Documents::new(options.strictness());
    let mut notes = Notes::default();
    let mut items = Vec::new();
    for line in lines_of(text) {
        match source.parse(line) {
            Ok(node) => items.extend(LineReader { documents: &documents, notes: &mut notes }.item(node)),
            Err(error) => notes.mistakes.push(error),
        }
    }
    finish(text.len(), items, notes, options)
}

/// Reads a JSON list whose items are objects of our own format, as `inventory` of a decision case holds it.
///
/// `list` is the text of the list, `origin` the line and column (both from 1) at which it begins in the file `name`;
/// positions are those of the file as long as the list stands in it as given.
///
/// Errors: as [`read_lines`]; and where `list` is no list.
///
/// ```
/// use iamc_inventory::{Options, read_values};
/// let list = r#"[{"kind": "account", "id": "111122223333"}]"#;
/// let read = read_values("case.jsonl", (7, 42), list, &Options::default()).unwrap();
/// assert_eq!(read.world.accounts[0].place.as_ref().unwrap().to_string(), "case.jsonl:7");
/// ```
pub fn read_values(name: &str, origin: (u32, u32), list: &str, options: &Options) -> Result<Read, Errors> {
    let source = Source::new(name.into(), list, (origin.0.max(1), origin.1.max(1)));
    let documents = Documents::new(options.strictness());
    let mut notes = Notes::default();
    let mut items = Vec::new();
    let nodes = match source.parse(list) {
        Ok(node) => node.list(&mut notes.mistakes).unwrap_or_default(),
        Err(error) => {
            notes.mistakes.push(error);
            Vec::new()
        }
    };
    for node in nodes {
        items.extend(LineReader { documents: &documents, notes: &mut notes }.item(node));
    }
    finish(list.len(), items, notes, options)
}

/// The lines that hold something, without a byte order mark.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
}

fn finish(n_bytes: usize, items: Vec<Item>, notes: Notes, options: &Options) -> Result<Read, Errors> {
    let report = Report {
        n_files: 1,
        n_bytes: n_bytes as u64,
        n_policies: notes.n_policies,
        n_warnings: notes.n_warnings,
        inputs: vec![("iamc inventory lines", items.len())],
        skipped: Vec::new(),
        unread: Vec::new(),
        quarantined: notes.quarantined,
        findings: notes.findings,
    };
    let mut assembly = Assembly::default();
    assembly.errors = notes.mistakes.into_errors();
    items.into_iter().for_each(|item| assembly.add(item));
    let (world, errors) = assembly.finish(false, options.assume_complete, Shared::default());
    conclude(world, errors, report, options)
}

/// Applies the options to what was read.
fn conclude(
    mut world: World,
    mut errors: Vec<InputError>,
    mut report: Report,
    options: &Options,
) -> Result<Read, Errors> {
    world.gaps.iter_mut().for_each(|gap| one_line(&mut gap.message));
    report.skipped.iter_mut().for_each(|skipped| one_line(&mut skipped.why));
    world.settings = options.settings.clone();
    world.assume_complete = options.assume_complete;
    if options.strict_completeness && !options.assume_complete {
        let help = "export what is missing, or say that it does not exist (`--assume-complete`)";
        let unread = report.unread.iter();
        errors.extend(unread.map(|unread| error_at(Some(&unread.place), unread.why.clone(), help)));
        errors.extend(world.gaps.iter().map(|gap| error_at(gap.place.as_ref(), gap.message.clone(), help)));
    }
    match Errors::collect(errors) {
        Some(errors) => Err(errors),
        None => Ok(Read { world, report }),
    }
}
