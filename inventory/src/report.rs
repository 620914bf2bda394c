//! What reading found out beside the world: what was skipped, quarantined, or is missing.

use crate::error::Errors;
use iamc_policy::World;
use iamc_policy::diagnostic::Diagnostic;
use iamc_policy::document::PolicyKind;
use iamc_policy::source::Place;
use std::fmt;
use std::sync::Arc;

/// An invalid policy whose text counts as unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Where its document begins.
    pub place: Place,
    /// What it was read as.
    pub kind: PolicyKind,
    /// Its name.
    pub policy: String,
    /// Everything found in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A grave finding in a policy that nevertheless has a meaning, such as `E-OPERATOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the document begins.
    pub place: Place,
    /// The policy's name.
    pub policy: String,
    /// What was found.
    pub diagnostic: Diagnostic,
}

/// A file, or a value in one, that was not recognised; nothing of it is in the world.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Where it stands.
    pub place: Place,
    /// Why it was skipped.
    pub why: String,
}

/// What the readers of one file skip. So much of it is listed; a file of millions of values must not become millions of
/// messages.
#[derive(Default)]
pub(crate) struct Skips {
    listed: Vec<Skipped>,
    n_more: usize,
}

impl Skips {
    pub(crate) fn push(&mut self, skipped: Skipped) {
        if self.listed.len() < Errors::PER_FILE_MAX {
            self.listed.push(skipped);
        } else {
            self.n_more += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.listed.len() + self.n_more
    }

    /// All that is listed; a last one says how many more there are.
    pub(crate) fn into_listed(mut self) -> Vec<Skipped> {
        if let (Some(last), true) = (self.listed.last(), self.n_more > 0) {
            let why = format!("{} more values of this file were skipped", self.n_more);
            self.listed.push(Skipped { place: last.place.clone(), why });
        }
        self.listed
    }
}

/// What reading an inventory found out. Every list is in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Files read, those that were skipped included.
    pub n_files: usize,
    /// Bytes read.
    pub n_bytes: u64,
    /// Policy documents read, repeated ones counted each time.
    pub n_policies: usize,
    /// Warnings about policy documents; `iamc lint` shows them one by one.
    pub n_warnings: usize,
    /// What was read from each kind of input: its name and how many of it, by name.
    pub inputs: Vec<(&'static str, usize)>,
    /// What was not recognised: of each file the first [`Errors::PER_FILE_MAX`], then how many more.
    pub skipped: Vec<Skipped>,
    /// What lies in a folder and cannot be read, such as a link that leads nowhere: what it says is missing.
    pub unread: Vec<Skipped>,
    /// Policies that are invalid.
    pub quarantined: Vec<Quarantined>,
    /// Grave findings in policies that are valid nevertheless.
    pub findings: Vec<Finding>,
}

/// An inventory and what reading it found out. What the export lacks is in `world.gaps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The inventory.
    pub world: World,
    /// What else there is to say.
    pub report: Report,
}

/// How far reading has come; handed to the progress callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub n_done: usize,
    /// Files in all.
    pub n_files: usize,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// The file just done.
    pub file: Arc<str>,
}

/// A summary for a person, several lines, without colours; what is missing is counted by kind and account.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (world, report) = (&self.world, &self.report);
        writeln!(f, "read {} files, {} bytes", report.n_files, report.n_bytes)?;
        for (input, n) in &report.inputs {
            writeln!(f, "  {input}: {n}")?;
        }
        writeln!(
            f,
            "{} accounts, {} users, {} groups, {} roles, {} managed policies, {} guardrails, {} resources, {} endpoints, \
             {} policy documents",
            world.accounts.len(),
            world.users.len(),
            world.groups.len(),
            world.roles.len(),
            world.policies.len(),
            world.guardrails.len(),
            world.resources.len(),
            world.endpoints.len(),
            report.n_policies,
        )?;
        for skipped in &report.skipped {
            writeln!(f, "skipped: {}: {}", skipped.place, skipped.why)?;
        }
        for unread in &report.unread {
            writeln!(f, "unread: {}: {}", unread.place, unread.why)?;
        }
        for quarantined in &report.quarantined {
            writeln!(f, "quarantined: {}: {} policy `{}`", quarantined.place, quarantined.kind, quarantined.policy)?;
            for diagnostic in quarantined.diagnostics.iter().filter(|d| d.invalidates) {
                writeln!(f, "  {diagnostic}")?;
            }
        }
        for finding in &report.findings {
            writeln!(f, "finding: {}: policy `{}`: {}", finding.place, finding.policy, finding.diagnostic)?;
        }
        for gap in &world.gaps {
            match &gap.place {
                Some(place) => writeln!(f, "incomplete: {place}: {}", gap.message)?,
                None => writeln!(f, "incomplete: {}", gap.message)?,
            }
        }
        if report.n_warnings > 0 {
            writeln!(f, "{} warnings about policy documents", report.n_warnings)?;
        }
        Ok(())
    }
}
