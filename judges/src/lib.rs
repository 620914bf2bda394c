//! What fuzzing asks: bytes in, silence or a panic out.
//!
//! Each target is one claim that could be wrong, made of bytes: most draw their sample with the generators of
//! `iamc_testkit`, readers of text take the bytes as they are or a damaged text. A judge compares two or more things that
//! were written apart; where another crate defines the same thing (`regex-automata` for wildcards, `ipnet` for address
//! blocks, `jiff` for dates, `serde_json::Value` for documents) it is one of them. What decides prints decision cases. Reach is held against an attacker (`attack`) who tries everything.
//!
//! `fuzz/` drives these functions with libFuzzer, [`Target::input`] makes inputs without it, and the tests of this crate run
//! every input that ever failed.

mod action_set;
mod arguments;
mod attack;
mod cases;
mod decide;
mod document;
mod edges;
mod glob;
mod load;
mod open_context;
mod operator;
mod partners;
mod pattern_index;
mod reach;
mod readers;
mod requests;
mod scene;

use iamc_testkit::generators::{ORGANIZATION_BYTES, SAMPLE_BYTES, bytes_of_seed};

/// One claim, and the function that attacks it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, as in `fuzz/fuzz_targets/NAME.rs`.
    pub name: &'static str,
    /// What must hold.
    pub claim: &'static str,
    /// As many bytes as a large sample takes.
    pub bytes_max: usize,
    /// Gives back how many comparisons were made; 0: the bytes say nothing about the claim.
    /// Panics: if the claim is wrong.
    judge: fn(&[u8]) -> u64,
}

/// Every target, in the order of their names.
pub const TARGETS: &[Target] = &[
    Target {
        name: "action_set",
        claim: "actions by number = actions by text = the reference = plain wildcards",
        bytes_max: 512,
        judge: action_set::judge,
    },
    Target {
        name: "arguments",
        claim: "what a value of the command line is read as is printed and read again as the same",
        bytes_max: 512,
        judge: arguments::judge,
    },
    Target {
        name: "cases",
        claim: "a case is printed and read again as the same, and all engines answer it alike",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: cases::judge,
    },
    Target {
        name: "decide",
        claim: "one request = rows of a batch = everybody at once = the image read back = the reference, word for word",
        bytes_max: 6 * SAMPLE_BYTES,
        judge: decide::judge,
    },
    Target {
        name: "document",
        claim: "a policy says what a plain reading of its JSON says, and is printed and read again as the same",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: document::judge,
    },
    Target {
        name: "edges",
        claim: "edges that are read have the answers of those that are asked; damage is refused, and what was forged breaks nothing",
        bytes_max: ORGANIZATION_BYTES + 32,
        judge: edges::judge,
    },
    Target {
        name: "glob",
        claim: "packed patterns = the reference = a finite automaton",
        bytes_max: 512,
        judge: glob::judge,
    },
    Target {
        name: "load",
        claim: "damaged bytes are refused, or decide without a panic",
        bytes_max: 5 * SAMPLE_BYTES,
        judge: load::judge,
    },
    Target {
        name: "open_context",
        claim: "the laws of section 8.6: completions agree with what was said to be possible",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: open_context::judge,
    },
    Target {
        name: "operator",
        claim: "one condition: compiled = reference = other crates, in all states of its key",
        bytes_max: 512,
        judge: operator::judge,
    },
    Target {
        name: "pattern_index",
        claim: "the pattern index finds what comparing every pattern finds",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: pattern_index::judge,
    },
    Target {
        name: "reach",
        claim: "who can become whom = brute force with the reference, and every proof is decided again as it says",
        bytes_max: ORGANIZATION_BYTES + 8,
        judge: reach::judge,
    },
    Target {
        name: "read_collect",
        claim: "a store of iam-collect: errors with places, or a world that is written and read again as the same",
        bytes_max: 8 * SAMPLE_BYTES,
        judge: readers::collect,
    },
    Target {
        name: "read_compressed",
        claim: "a file that was compressed says what it said before; a damaged one is refused or read like any other",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: readers::compressed,
    },
    Target {
        name: "read_config",
        claim: "items of AWS Config: errors with places, or a world that is written and read again as the same",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::config,
    },
    Target {
        name: "read_details",
        claim: "account authorization details: errors with places, or a world that is written and read again as the same",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::details,
    },
    Target {
        name: "read_lines",
        claim: "our own lines: errors with places, or a world that is written and read again as the same",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::lines,
    },
    Target {
        name: "read_organization",
        claim: "outputs about an organization: errors with places, or a world that is written and read again as the same",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::organization,
    },
    Target {
        name: "read_outputs",
        claim: "wrapped outputs: errors with places, or a world that is written and read again as the same",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::outputs,
    },
    Target {
        name: "read_requests",
        claim: "a request line is refused with field and place, or printed and read again as the same",
        bytes_max: 2 * SAMPLE_BYTES,
        judge: requests::judge,
    },
    Target {
        name: "read_together",
        claim: "order and threads change nothing of what several files say, and what is said twice is said once",
        bytes_max: 4 * SAMPLE_BYTES,
        judge: readers::together,
    },
];

/// The target of that name.
///
/// ```
/// assert!(iamc_judges::target("glob").is_some());
/// assert!(iamc_judges::target("globe").is_none());
/// ```
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl Target {
    /// Attacks the claim with these bytes; gives back how many comparisons were made.
    ///
    /// Deterministic. Panics: if the claim is wrong, with what shows it.
    pub fn run(&self, bytes: &[u8]) -> u64 {
        (self.judge)(bytes)
    }

    /// An input for a seed: for whoever has no fuzzer at hand.
    ///
    /// Deterministic. Cost: O(`bytes_max`).
    ///
    /// ```
    /// let glob = iamc_judges::target("glob").unwrap();
    /// assert!(glob.run(&glob.input(1)) > 0);
    /// ```
    pub fn input(&self, seed: u64) -> Vec<u8> {
        bytes_of_seed(seed, self.bytes_max)
    }
}
