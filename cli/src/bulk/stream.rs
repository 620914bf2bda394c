//! Decisions and nothing else: windows of rows are filled, decided and written, one filled while another is decided.

use super::window::{Got, Window};
use super::write::Writer;
use super::{Answered, Counts, Engine, Rows, show};
use crate::ending::Failure;
use crate::render::json::Id;
use iamc_runtime::batch::BatchScratch;
use indicatif::ProgressBar;
use std::sync::mpsc::{channel, sync_channel};

/// Rows of the first window: whoever writes the rows one after the other sees answers soon.
const ROWS_FIRST: usize = 4_096;
/// Each window is twice the one before, up to so many rows …
const ROWS_MAX: usize = 1 << 18;
/// … and ends earlier with so many bytes.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// Decides every row.
///
/// # Errors
/// The rows cannot be read to their end, or the answers cannot be written.
pub(super) fn run(
    rows: &mut dyn Rows,
    engine: &Engine<'_>,
    writer: Box<dyn Writer>,
    bar: &ProgressBar,
    n_threads: usize,
) -> Result<Counts, Failure> {
    let mut reader = Reader { rows, n_rows: 0, window: ROWS_FIRST, at_end: false };
    // One thread reads, the others decide.
    let n_deciding = n_threads.saturating_sub(1).max(1);
    let mut decider = Decider::new(writer, n_deciding);
    if n_threads == 1 {
        let mut window = Window::new(engine);
        while !reader.at_end {
            let read = reader.fill(&mut window);
            decider.take(&mut window)?;
            show(bar, reader.rows, reader.n_rows);
            read?;
        }
        return decider.finish();
    }
    std::thread::scope(|scope| {
        let (filled, to_decide) = sync_channel::<Box<Window<'_>>>(1);
        let (emptied, to_fill) = channel();
        for _ in 0..2 {
            // The other end is there.
            let _ = emptied.send(Box::new(Window::new(engine)));
        }
        let deciding = scope.spawn(move || {
            for mut window in to_decide {
                decider.take(&mut window)?;
                // Nobody fills any more windows behind the last.
                let _ = emptied.send(window);
            }
            Ok(decider)
        });
        let mut read = Ok(());
        while !reader.at_end && read.is_ok() {
            // If nobody decides any more, why not is told below.
            let Ok(mut window) = to_fill.recv() else { break };
            read = reader.fill(&mut window);
            if filled.send(window).is_err() {
                break;
            }
            show(bar, reader.rows, reader.n_rows);
        }
        drop(filled);
        // A thread that panics ends the process in the panic hook.
        let decided: Result<Decider, Failure> = deciding.join().unwrap_or(Err(Failure::Closed));
        let decider = decided?;
        read?;
        decider.finish()
    })
}

/// Fills windows.
struct Reader<'r> {
    rows: &'r mut dyn Rows,
    n_rows: u64,
    /// Rows of the next window.
    window: usize,
    at_end: bool,
}

impl Reader<'_> {
    /// Fills a window; rows that were read before a file turns out to be damaged are in it.
    fn fill(&mut self, window: &mut Window<'_>) -> Result<(), Failure> {
        window.begin(self.n_rows + 1);
        let mut result = Ok(true);
        while window.len() < self.window && window.heap_bytes() < BYTES_MAX {
            result = self.rows.next(&mut |rows| window.push(rows));
            if !matches!(result, Ok(true)) {
                self.at_end = true;
                break;
            }
        }
        self.n_rows += window.len() as u64;
        self.window = (self.window * 2).min(ROWS_MAX);
        result.map(|_| ())
    }
}

/// Decides windows and writes their answers.
struct Decider {
    writer: Box<dyn Writer>,
    scratch: BatchScratch,
    n_threads: usize,
    counts: Counts,
}

impl Decider {
    fn new(writer: Box<dyn Writer>, n_threads: usize) -> Decider {
        let scratch = BatchScratch::new().with_threads(n_threads);
        Decider { writer, scratch, n_threads, counts: Counts::default() }
    }

    fn take(&mut self, window: &mut Window<'_>) -> Result<(), Failure> {
        window.decide(&mut self.scratch, self.n_threads);
        for index in 0..window.len() {
            let id = window.id(index);
            match window.got(index) {
                Some(Got::Decision(decision)) => self.writer.write_decision(id, decision.name())?,
                Some(Got::Error(error)) => {
                    self.counts.n_failed += 1;
                    self.writer.write(&Answered { id: Id::from(id), request: None, result: Err(error.clone()) })?;
                }
                // Every row was decided above.
                None => {}
            }
        }
        self.writer.pause()?;
        self.counts.n_rows += window.len() as u64;
        let (principals, actions) = window.take_unknown();
        self.counts.unknown_principals.add(&principals);
        self.counts.unknown_actions.add(&actions);
        Ok(())
    }

    fn finish(self) -> Result<Counts, Failure> {
        self.writer.finish()?;
        Ok(self.counts)
    }
}
