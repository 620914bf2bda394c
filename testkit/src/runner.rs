//! The one place that runs a case: build, decide, compare with what is expected.

use crate::build::{BuildError, build};
use crate::case::{Case, ExpectedDecision};
use crate::engine::Engine;
use iamc_policy::decision::Answer;
use iamc_policy::source::Place;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What an engine makes of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answer(Box<Answer>),
    /// `Invalid`, with the messages: a policy, the inventory or the request is malformed.
    Invalid(Vec<String>),
    /// The case contradicts itself, which is never what a case expects.
    Misfit(String),
}

/// One field in which an answer is not the one expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub id: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// The engine; `None` where no engine was asked, since the case gave no world.
    pub engine: Option<&'static str>,
    /// The field of `expect`.
    pub field: &'static str,
    /// What the case says.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl fmt::Display for Difference {
    /// One line: id, field, expected, got, engine.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: {}: expected {}, got {}", self.id, self.field, self.expected, one_line(&self.got))?;
        match self.engine {
            Some(engine) => write!(f, " [{engine}]"),
            None => Ok(()),
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', "; ")
}

/// What a run found. A case counts once, whatever the number of engines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Cases without a difference.
    pub n_passed: usize,
    /// Cases with one.
    pub n_failed: usize,
    /// The differences, by case in the order given, then by engine, then by field.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Summary {
    /// `N passed, M failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.n_passed, self.n_failed)
    }
}

/// Runs every case on every engine, on as many threads as asked for (at least one).
///
/// The result does not depend on the number of threads. Panics: if an engine does.
pub fn run(cases: &[Case], engines: &[Box<dyn Engine>], n_threads: usize) -> Summary {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut found = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            match cases.get(index) {
                Some(case) => found.push((index, run_case(case, engines))),
                None => return found,
            }
        }
    };
    let mut by_case: Vec<(usize, Vec<Difference>)> = std::thread::scope(|scope| {
        let n_workers = n_threads.clamp(1, cases.len().max(1));
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(worker)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| match worker.join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    });
    by_case.sort_by_key(|(index, _)| *index);
    let mut summary = Summary::default();
    for (_, differences) in by_case {
        if differences.is_empty() {
            summary.n_passed += 1;
        } else {
            summary.n_failed += 1;
        }
        summary.differences.extend(differences);
    }
    summary
}

/// Runs one case on every engine; its differences.
pub fn run_case(case: &Case, engines: &[Box<dyn Engine>]) -> Vec<Difference> {
    match build(case) {
        Err(BuildError::Misfit(message)) => compare(case, None, &Outcome::Misfit(message)),
        Err(BuildError::Invalid(messages)) => compare(case, None, &Outcome::Invalid(messages)),
        Ok((world, request)) => {
            let mut differences = Vec::new();
            for engine in engines.iter().filter(|engine| engine.is_judged_by(&world, &request)) {
                let outcome = match engine.decide(&world, &request) {
                    Ok(answer) => Outcome::Answer(Box::new(answer)),
                    Err(error) => Outcome::Invalid(vec![error.to_string()]),
                };
                differences.extend(compare(case, Some(engine.name()), &outcome));
            }
            differences
        }
    }
}

/// Compares an outcome with what the case expects, field by field.
pub fn compare(case: &Case, engine: Option<&'static str>, outcome: &Outcome) -> Vec<Difference> {
    let expect = &case.expect;
    let mut differences = Vec::new();
    let mut differ = |field: &'static str, expected: String, got: String| {
        let (id, place) = (case.id.clone(), case.place.clone());
        differences.push(Difference { id, place, engine, field, expected, got });
    };
    let expected = expect.decision.name().to_owned();
    match outcome {
        Outcome::Misfit(message) => differ("decision", expected, message.clone()),
        Outcome::Invalid(messages) if expect.decision == ExpectedDecision::Invalid => {
            if let Some(part) = &expect.error
                && !messages.iter().any(|message| message.contains(part.as_str()))
            {
                differ("error", format!("`{part}`"), messages.join("\n"));
            }
        }
        Outcome::Invalid(messages) => differ("decision", expected, format!("Invalid: {}", messages.join("\n"))),
        Outcome::Answer(answer) => {
            let got = answer.decision.name();
            if got != expected {
                let missing: Vec<String> = answer.missing().iter().map(ToString::to_string).collect();
                let hint = if missing.is_empty() { String::new() } else { format!(" {}", set(&missing)) };
                differ("decision", expected, format!("{got}{hint}"));
            }
            let possible: Vec<String> = answer.decision.outcomes().names().into_iter().map(str::to_owned).collect();
            let fields = [
                ("possible", &expect.possible, possible),
                ("residual_keys", &expect.residual_keys, answer.residual_keys.clone()),
                ("denied_by", &expect.denied_by, texts(&answer.denied_by())),
                ("allowed_by", &expect.allowed_by, texts(&answer.allowed_by())),
            ];
            for (field, expected, mut got) in fields {
                got.sort();
                got.dedup();
                if let Some(expected) = expected
                    && *expected != got
                {
                    differ(field, set(expected), set(&got));
                }
            }
            if let Some(expected) = &expect.missing {
                let got = answer.missing();
                let all_expected = got.iter().all(|missing| expected.iter().any(|e| e.matches(missing)));
                let all_there = expected.iter().all(|e| got.iter().any(|missing| e.matches(missing)));
                if !all_expected || !all_there {
                    differ("missing", set(&texts(expected)), set(&texts(&got)));
                }
            }
        }
    }
    differences
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn set(items: &[String]) -> String {
    format!("{{{}}}", items.join(", "))
}
