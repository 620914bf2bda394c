//! The theorems of docs/semantics.md as properties of any engine.
//!
//! A law draws a sample from entropy, changes it, and says what the change may do to the answer. Each law states its
//! premises; a sample that does not meet them is vacuous and counted as such, so that a test can ask that enough were
//! not. A breach carries the samples, printed as decision cases that can be pasted into a file of cases.

mod change;
mod completion;
mod renaming;
mod spelling;
mod witness;

use crate::engine::Engine;
use crate::generators::{Entropy, SAMPLE_BYTES, Sample, bytes_of_seed, sample};
use crate::oracles::case_line;
use iamc_policy::Answer;
use std::fmt;

/// A theorem.
#[derive(Clone, Copy)]
pub struct Law {
    /// What it says, in a few words.
    pub name: &'static str,
    /// The rules that state it.
    pub rules: &'static [&'static str],
    /// At least so many of a hundred samples must not be vacuous.
    pub percent_min: u32,
    check: fn(&dyn Engine, &mut Entropy<'_>) -> Outcome,
}

/// What came of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The law says something about it, and that is so.
    Held,
    /// The law says nothing about it.
    Vacuous,
    /// The law is broken.
    Broken(Box<Breach>),
}

/// A sample on which a law does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What should be, and what is.
    pub message: String,
    /// Decision cases: before and after the change, each with a comment line before it.
    pub cases: Vec<String>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        self.cases.iter().try_for_each(|case| writeln!(f, "{case}"))
    }
}

/// Every law, in the order of the rules.
pub const LAWS: &[Law] = &[
    spelling::ONE_OR_LIST,
    spelling::NORMAL_FORM,
    change::DENY_WINS,
    witness::WITNESS,
    completion::SOUND,
    completion::MONOTONE,
    change::ADDED_DENY,
    change::REMOVED_ALLOW,
    spelling::ORDER,
    spelling::DUPLICATES,
    spelling::SPLIT,
    spelling::COMPLEMENT,
    change::FULL_LEVEL,
    change::EMPTY_LEVEL,
    completion::CLOSED_IS_OPEN,
    renaming::RENAMING,
    change::ELSEWHERE,
    completion::RESIDUAL,
];

impl Law {
    /// Checks the law on the sample that these bytes give. Deterministic.
    pub fn check(&self, engine: &dyn Engine, bytes: &[u8]) -> Outcome {
        (self.check)(engine, &mut Entropy::new(bytes))
    }

    /// Checks the law on the samples of the seeds `first..first + n`; gives back how many were not vacuous.
    ///
    /// # Errors
    /// The first breach, with its seed.
    pub fn check_seeds(&self, engine: &dyn Engine, first: u64, n: u64) -> Result<u64, Box<(u64, Breach)>> {
        let mut n_held = 0;
        for seed in first..first.saturating_add(n) {
            match self.check(engine, &bytes_of_seed(seed, SAMPLE_BYTES + EXTRA_BYTES)) {
                Outcome::Held => n_held += 1,
                Outcome::Vacuous => {}
                Outcome::Broken(breach) => return Err(Box::new((seed, *breach))),
            }
        }
        Ok(n_held)
    }
}

/// What laws take beyond the sample.
const EXTRA_BYTES: usize = 2_048;

/// A sample that is answered.
struct Answered {
    sample: Sample,
    answer: Answer,
}

/// Draws a sample; `None` if the engine refuses the request, which no law is about.
fn answered(engine: &dyn Engine, entropy: &mut Entropy<'_>) -> Option<Answered> {
    let sample = sample(entropy);
    let answer = engine.decide(&sample.world, &sample.request).ok()?;
    Some(Answered { sample, answer })
}

/// A breach about a sample and what became of it.
fn broken(engine: &dyn Engine, message: String, before: &Sample, after: &Sample) -> Outcome {
    let line = |name: &str, sample: &Sample| case_line(name, sample, engine);
    Outcome::Broken(Box::new(Breach { message, cases: vec![line("before", before), line("after", after)] }))
}

/// The law that the change changes nothing: decision, open keys and reason codes are the same.
fn unchanged(engine: &dyn Engine, before: &Answered, after: &Sample) -> Outcome {
    let answer = match engine.decide(&after.world, &after.request) {
        Ok(answer) => answer,
        Err(error) => return broken(engine, format!("refused after the change: {error}"), &before.sample, after),
    };
    let old = &before.answer;
    let differs = |what: &str, old: &dyn fmt::Debug, new: &dyn fmt::Debug| {
        broken(engine, format!("the {what} was {old:?} and is {new:?}"), &before.sample, after)
    };
    if answer.decision != old.decision {
        return differs("decision", &old.decision, &answer.decision);
    }
    if answer.residual_keys != old.residual_keys {
        return differs("list of residual keys", &old.residual_keys, &answer.residual_keys);
    }
    if answer.missing() != old.missing() {
        return differs("list of reasons", &old.missing(), &answer.missing());
    }
    Outcome::Held
}

/// The law that the change leaves the decision as it was; what explains it may change.
fn unchanged_decision(engine: &dyn Engine, before: &Answered, after: &Sample) -> Outcome {
    match engine.decide(&after.world, &after.request) {
        Ok(answer) if answer.decision == before.answer.decision => Outcome::Held,
        Ok(answer) => {
            let message = format!("the decision was {:?} and is {:?}", before.answer.decision, answer.decision);
            broken(engine, message, &before.sample, after)
        }
        Err(error) => broken(engine, format!("refused after the change: {error}"), &before.sample, after),
    }
}
