//! Windows of rows, decided by workers.

use super::order::{self, Keys, WINDOW_MAX};
use super::row::Walk;
use super::{BatchError, BatchTables, Rows};
use crate::scratch::Scratch;
use crate::set::CompiledPolicySet;
use std::sync::{Mutex, PoisonError};

/// Memory for batches: make one and use it for any number of them.
///
/// It grows with the first window to some 20 bytes a row, and a [`Scratch`] for each thread; after that a batch
/// allocates nothing on one thread, and on several only what starting them takes.
#[derive(Debug)]
pub struct BatchScratch {
    n_threads: usize,
    window: usize,
    workers: Vec<Scratch>,
    keys: Vec<u64>,
    spare: Vec<u64>,
    codes: Vec<u8>,
}

impl Default for BatchScratch {
    fn default() -> BatchScratch {
        BatchScratch::new()
    }
}

impl BatchScratch {
    /// For one thread and the largest window.
    pub fn new() -> BatchScratch {
        BatchScratch {
            n_threads: 1,
            window: WINDOW_MAX,
            workers: Vec::new(),
            keys: Vec::new(),
            spare: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// The same for so many threads, the caller's included; no answer depends on it.
    pub fn with_threads(self, n_threads: usize) -> BatchScratch {
        BatchScratch { n_threads: n_threads.max(1), ..self }
    }

    /// The same with another number of rows that are brought into order together, at most 2^20; no answer depends on
    /// it. The larger, the more rows of one principal meet.
    pub fn with_window(self, n_rows: usize) -> BatchScratch {
        BatchScratch { window: n_rows.clamp(1, WINDOW_MAX), ..self }
    }
}

/// The least rows that are worth a worker's attention.
const PART_MIN: usize = 1_024;
/// Parts for each worker, so that none waits long for the last.
const PARTS_A_WORKER: usize = 8;

/// Decides every row of a batch: `codes[i]` becomes the bits of the [`crate::DecisionCode`] of row `i`.
///
/// Each is what [`crate::decide()`] says of the request that the names of the row make, with the session policies of its
/// session; a row with a number that nobody gave out is refused ([`crate::Refusal::UnknownId`]).
///
/// # Errors
/// [`BatchError`]: no row was decided.
///
/// Panics: never. Cost: that of each decision, less what it shares with its neighbours, and some tens of nanoseconds a
/// row for order. No heap allocation a row once `scratch` has grown, refused rows excepted.
pub fn decide_batch(
    set: &CompiledPolicySet,
    rows: &Rows<'_>,
    tables: &BatchTables,
    scratch: &mut BatchScratch,
    codes: &mut [u8],
) -> Result<(), BatchError> {
    super::same_length("codes", codes.len(), rows.len())?;
    if tables.contexts.set_identity() != set.identity() {
        return Err(BatchError::OtherSet);
    }
    let window = scratch.window.min(rows.len().max(1));
    let layout = Keys::new(set, window);
    let n_workers = scratch.n_threads.min(window.div_ceil(PART_MIN));
    while scratch.workers.len() < n_workers {
        scratch.workers.push(Scratch::new(set));
    }
    for worker in &mut scratch.workers[..n_workers] {
        worker.begin_batch(set, &tables.contexts);
    }
    let mut start = 0;
    while start < rows.len() {
        let these = rows.window(start, window);
        let codes = &mut codes[start..start + these.len()];
        order::sort(set, tables, &these, layout, &mut scratch.keys, &mut scratch.spare);
        match &mut scratch.workers[..n_workers] {
            [worker] => {
                let keys = &scratch.keys;
                let mut walk = Walk::new(set, tables, worker);
                walk.decide(&these, layout, keys, |at, code| codes[layout.index(keys[at])] = code.bits());
            }
            workers => {
                scratch.codes.clear();
                scratch.codes.resize(these.len(), 0);
                share(set, &these, tables, layout, &scratch.keys, workers, &mut scratch.codes);
                for (key, code) in scratch.keys.iter().zip(&scratch.codes) {
                    codes[layout.index(*key)] = *code;
                }
            }
        }
        start += these.len();
    }
    Ok(())
}

/// Decides the rows of one window on several threads: `codes[i]` answers `keys[i]`. Workers take parts of whole
/// principals where principals have few rows.
fn share(
    set: &CompiledPolicySet,
    rows: &Rows<'_>,
    tables: &BatchTables,
    layout: Keys,
    keys: &[u64],
    workers: &mut [Scratch],
    codes: &mut [u8],
) {
    let part = (keys.len() / (workers.len() * PARTS_A_WORKER)).max(PART_MIN);
    let mut rest = (keys, codes);
    let parts = Mutex::new(std::iter::from_fn(move || {
        let (keys, codes) = std::mem::take(&mut rest);
        if keys.is_empty() {
            return None;
        }
        let n = cut(layout, keys, part);
        let ((these, others), (answers, empty)) = (keys.split_at(n), codes.split_at_mut(n));
        rest = (others, empty);
        Some((these, answers))
    }));
    let work = |worker: &mut Scratch| {
        let mut walk = Walk::new(set, tables, worker);
        // A worker that panics has taken nothing but its own part.
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some((keys, codes)) = next() {
            walk.decide(rows, layout, keys, |at, code| codes[at] = code.bits());
        }
    };
    let Some((own, others)) = workers.split_first_mut() else { return };
    std::thread::scope(|scope| {
        for worker in others {
            scope.spawn(|| work(worker));
        }
        work(own);
    });
}

/// Where a part of about `part` rows ends: with a principal, unless that one has too many rows.
fn cut(layout: Keys, keys: &[u64], part: usize) -> usize {
    let Some(last) = keys.get(part) else { return keys.len() };
    let principal = layout.principal(*last);
    let more = keys[part..].iter().take(part).take_while(|key| layout.principal(**key) == principal).count();
    part + more
}
