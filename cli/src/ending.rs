//! How a run ends: exit codes, failures, and what is said about them on standard error.

use crate::terminal::{self, clean};
use std::cell::Cell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

/// The exit codes, which scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Done; for one decision: allowed.
    Done,
    /// The answer is no.
    No,
    /// The command line is wrong, or names an output that cannot be written.
    Usage,
    /// The input is invalid; in bulk: some rows could not be decided.
    Invalid,
    /// One decision, and it is `Conditional`.
    Open,
    /// iamc is wrong, whatever it was given.
    Defect,
}

/// Exit code of a panic: a defect of ours, never of the input.
pub(crate) const DEFECT: u8 = 70;

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        ExitCode::from(match ending {
            Ending::Done => 0,
            Ending::No => 1,
            Ending::Usage => 2,
            Ending::Invalid => 3,
            Ending::Open => 4,
            Ending::Defect => DEFECT,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for something that cannot be.
    Usage(String),
    /// An input cannot be read, or says something that has no meaning.
    Input(String),
    /// An input is invalid, and the findings about it have been drawn already; this is the last line.
    Reported(String),
    /// An output cannot be written.
    Output(String),
    /// Two of our own answers contradict each other, or what we made ourselves is refused.
    Defect(String),
    /// Whoever reads our standard output has gone, which is no failure (`iamc … | head -1`).
    Closed,
}

impl Failure {
    /// An input that cannot be read.
    pub(crate) fn unreadable(name: impl fmt::Display, error: impl fmt::Display) -> Failure {
        Failure::Input(format!("cannot read `{name}`: {error}"))
    }

    /// Says on standard error what happened and gives the exit code.
    pub(crate) fn report(self) -> Ending {
        let (message, ending) = match self {
            Failure::Usage(message) => (format!("{message}\n\nFor more information, try `--help`."), Ending::Usage),
            Failure::Input(message) | Failure::Reported(message) => (message, Ending::Invalid),
            Failure::Output(message) => (message, Ending::Usage),
            Failure::Defect(message) => (defect(&message), Ending::Defect),
            Failure::Closed => return Ending::Done,
        };
        terminal::error(&clean(&message));
        ending
    }
}

/// What is said of a defect of ours.
fn defect(what: &str) -> String {
    format!(
        "this is a defect of iamc {}, whatever the input was: {what}; please report it with the input",
        env!("CARGO_PKG_VERSION")
    )
}

thread_local! {
    /// True while this thread calls something whose panics are the input's fault.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Calls `call`, which may panic on damaged input; `None` if it does.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Option<T> {
    CAUGHT.set(true);
    // Whoever sees `None` gives up on what was called, so a state that the panic left half done is not seen again.
    let result = std::panic::catch_unwind(AssertUnwindSafe(call));
    CAUGHT.set(false);
    result.ok()
}

/// Makes a panic say whose fault it is and end the process with [`DEFECT`], on whatever thread it happens.
pub(crate) fn own_up_to_panics() {
    std::panic::set_hook(Box::new(|info| {
        if CAUGHT.get() {
            return;
        }
        crate::output::discard_pending();
        let what = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        terminal::error(&clean(&defect(&format!("{what}{place}"))));
        std::process::exit(DEFECT.into());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set for the process that is to panic.
    const PANIC: &str = "IAMC_TEST_PANIC";

    #[test]
    fn a_panic_ends_with_70_and_says_whose_fault_it_is() {
        if std::env::var_os(PANIC).is_some() {
            own_up_to_panics();
            assert_eq!(catch(|| panic!("the input's fault")), None::<()>);
            std::thread::scope(|scope| {
                scope.spawn(|| panic!("ours\u{1b}[2J"));
            });
        }
        let this = std::env::current_exe().unwrap();
        let name = "ending::tests::a_panic_ends_with_70_and_says_whose_fault_it_is";
        let child = Command::new(this).args([name, "--exact", "--nocapture"]).env(PANIC, "1").output().unwrap();
        assert_eq!(child.status.code(), Some(DEFECT.into()));
        let said = String::from_utf8(child.stderr).unwrap();
        assert!(said.contains("this is a defect of iamc"), "{said}");
        assert!(said.contains("ours\\u{1b}[2J"), "{said}");
        assert!(!said.contains("the input's fault"), "{said}");
    }
}
