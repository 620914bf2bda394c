//! `ORG`: an inventory on disk → [`World`], and what there is to say about reading it.

use crate::args::{Global, Progress};
use crate::ending::Failure;
use crate::input::{display_name, is_stdin};
use crate::terminal::{self, clean, clean_line};
use iamc_catalogue::Catalogue;
use iamc_inventory::{Input, Options, Read, read_inputs};
use iamc_policy::{Settings, World};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// So many findings of a kind are listed, unless `-v` asks for all.
const LISTED_MAX: usize = 20;

/// Reads files and folders as one inventory; what was skipped, quarantined or is missing is said on standard error.
///
/// # Errors
/// [`Failure::Reported`] if something is invalid, with `--strict` also if something is missing;
/// [`Failure::Input`] if nothing at all was recognised.
pub(crate) fn read(paths: &[PathBuf], global: &Global, settings: Settings) -> Result<World, Failure> {
    Ok(read_all(paths, global, settings)?.world)
}

/// A plain account of an inventory: what was read, what is missing, and what that means for the answers.
pub(crate) fn account(read: &Read) -> String {
    let inputs: Vec<String> = read.report.inputs.iter().map(|(input, n)| format!("{n} {input}")).collect();
    let mut text = format!("read {} files: {}\n", read.report.n_files, inputs.join(", "));
    let missing = iamc_inventory::account_of(&read.world);
    if read.world.assume_complete && !missing.is_empty() {
        text.push_str("what follows is taken not to exist, as `--assume-complete` says\n");
    }
    missing.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

/// [`read`], with what reading found.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_all(paths: &[PathBuf], global: &Global, settings: Settings) -> Result<Read, Failure> {
    let options = Options {
        settings,
        strict_completeness: global.strict,
        assume_complete: global.assume_complete,
        threads: Some(global.n_threads()),
    };
    let inputs = paths.iter().map(|path| input(path)).collect::<Result<Vec<Input>, Failure>>()?;
    let bar = progress(global);
    let read = read_inputs(inputs, &options, &|progress| {
        bar.set_length(progress.bytes);
        bar.set_position(progress.bytes_done);
    });
    bar.finish_and_clear();
    let read = match read {
        Ok(read) => read,
        Err(errors) => {
            let errors = errors.as_slice();
            for error in errors {
                let help = error.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
                terminal::error(&clean(&format!("{error}{help}")));
            }
            let n = errors.len();
            return Err(Failure::Reported(format!("{n} error{} in the inventory", if n == 1 { "" } else { "s" })));
        }
    };
    if !global.quiet {
        report(&read, global.verbose);
    }
    if read.report.inputs.iter().all(|(_, n)| *n == 0) {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", display_name(path))).collect();
        return Err(Failure::Input(format!("nothing in {} is an inventory", names.join(", "))));
    }
    Ok(read)
}

/// A file or folder; `-` is standard input, read whole.
fn input(path: &Path) -> Result<Input, Failure> {
    if !is_stdin(path) {
        return Ok(Input::Path(path.to_owned()));
    }
    let name = display_name(path);
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::unreadable(&name, error))?;
    Ok(Input::Bytes { name, bytes })
}

/// What reading found, for a person.
fn report(read: &Read, everything: bool) {
    if everything {
        terminal::say(clean(&read.to_string()).trim_end());
        return;
    }
    let report = &read.report;
    list("not recognised", report.skipped.iter().map(|skipped| format!("{}: {}", skipped.place, skipped.why)));
    list("cannot be read", report.unread.iter().map(|unread| format!("{}: {}", unread.place, unread.why)));
    list(
        "an invalid policy, whose text counts as unknown",
        report.quarantined.iter().map(|one| {
            let first = one.diagnostics.iter().find(|diagnostic| diagnostic.invalidates);
            let why = first.map(|diagnostic| format!(": {diagnostic}")).unwrap_or_default();
            format!("{}: {} policy `{}`{why}", one.place, one.kind, one.policy)
        }),
    );
    list(
        "in a policy",
        report.findings.iter().map(|one| format!("{}: policy `{}`: {}", one.place, one.policy, one.diagnostic)),
    );
    let n_gaps = read.world.gaps.len();
    if n_gaps > 0 && !read.world.assume_complete {
        let what = if n_gaps == 1 { "one thing is".to_owned() } else { format!("{n_gaps} things are") };
        terminal::warning(&format!(
            "{what} missing from the inventory, and answers that need them are open; `-v` lists them"
        ));
    }
}

fn list(what: &str, items: impl ExactSizeIterator<Item = String>) {
    let n_more = items.len().saturating_sub(LISTED_MAX);
    for item in items.take(LISTED_MAX) {
        terminal::warning(&format!("{what}: {}", clean_line(&item)));
    }
    if n_more > 0 {
        terminal::warning(&format!("{what}: {n_more} more; `-v` lists them"));
    }
}

/// A bar over bytes; one that shows nothing where nobody looks.
pub(crate) fn progress(global: &Global) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if global.progress == Progress::Never || global.quiet || !terminal::stderr_is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The action tables: those of `--catalogue`, or the ones built in.
pub(crate) enum Tables {
    /// Built in.
    Embedded,
    /// Given.
    Loaded(Box<Catalogue>),
}

impl Tables {
    /// # Errors
    /// [`Failure::Input`] if `path` is no catalogue.
    pub(crate) fn read(path: Option<&Path>) -> Result<Tables, Failure> {
        match path {
            None => Ok(Tables::Embedded),
            Some(path) => {
                let catalogue = Catalogue::load(path).map_err(|error| Failure::Input(with_causes(&error)))?;
                Ok(Tables::Loaded(Box::new(catalogue)))
            }
        }
    }

    /// The tables themselves.
    pub(crate) fn get(&self) -> &Catalogue {
        match self {
            Tables::Embedded => Catalogue::embedded(),
            Tables::Loaded(catalogue) => catalogue,
        }
    }
}

/// A message with those of what caused it, where they say more.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}
