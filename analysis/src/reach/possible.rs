//! Steps as far as to tell whether they are possible at all.
//!
//! The first Region, name, row or resource for which a step is possible ends the look for it; nothing is made definite by
//! choices (P-2.10), since a request that is possible with keys left open is possible.

use super::fact::{Fact, Form, Identity};
use super::steps::{Caller, Engine};
use iamc_compiler::CompileError;
use std::sync::Arc;

type Outcome<T> = Result<T, CompileError>;

impl Engine {
    /// What steps of a caller in a form, which need nothing else, may make true; each once.
    pub(crate) fn possible_steps(&mut self, caller: Caller, form: Form) -> Outcome<Vec<Fact>> {
        self.roughly(|engine| {
            let steps = engine.decide_steps(caller, form, &|_| true)?;
            Ok(steps.into_iter().map(|step| step.conclusion).collect())
        })
    }

    /// The same for an identity, kept.
    pub(crate) fn possible_steps_kept(&mut self, id: Identity, form: Form) -> Outcome<Arc<[Fact]>> {
        if let Some(known) = self.possible.get(&(id, form)) {
            return Ok(Arc::clone(known));
        }
        let steps: Arc<[Fact]> = self.possible_steps(Caller::Identity(id), form)?.into();
        self.possible.insert((id, form), Arc::clone(&steps));
        Ok(steps)
    }

    /// What becomes possible with a trust that was opened, or an identity that was made; kept.
    pub(crate) fn possible_steps_on(&mut self, id: Identity, form: Form, fact: Fact) -> Outcome<Arc<[Fact]>> {
        if let Some(known) = self.possible_on.get(&(id, form, fact)) {
            return Ok(Arc::clone(known));
        }
        let steps: Arc<[Fact]> = self.roughly(|engine| {
            let steps = engine.steps_on(id, form, fact, &|_| true)?;
            Ok(steps.into_iter().map(|step| step.conclusion).collect())
        })?;
        self.possible_on.insert((id, form, fact), Arc::clone(&steps));
        Ok(steps)
    }

    /// Whether an identity may do what is asked about.
    pub(crate) fn possible_use(&mut self, id: Identity, form: Form) -> Outcome<bool> {
        self.roughly(|engine| Ok(engine.use_step(id, form)?.is_some()))
    }

    fn roughly<T>(&mut self, decide: impl FnOnce(&mut Engine) -> Outcome<T>) -> Outcome<T> {
        self.worlds.is_rough = true;
        let done = decide(self);
        self.worlds.is_rough = false;
        self.forget();
        done
    }
}
