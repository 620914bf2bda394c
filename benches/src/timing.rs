//! Timing on a machine that others use too: what is compared is measured in turns, the ratio is taken turn by turn, and
//! time is that of the processor, which does not run while others have it. Where several threads work at once, and only
//! there, it is the time of day.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A clock that counts the processor time of this process, all its threads together; the time of day where the system has
/// no such clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Duration,
}

impl Clock {
    /// Starts.
    pub fn start() -> Clock {
        Clock { start: now() }
    }

    /// What has passed since.
    pub fn elapsed(self) -> Duration {
        now().saturating_sub(self.start)
    }
}

#[cfg(target_os = "linux")]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Processor time of all programs that this one started and waited for, in steps of the system's clock (mostly 10 ms); 0 where the
/// system does not tell.
#[cfg(target_os = "linux")]
pub fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in brackets and may hold anything; 13 more words, then user and system time.
    let words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = words.skip(13).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second().max(1) as f64)
}

/// Processor time of all programs that this one started and waited for; this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn children() -> Duration {
    Duration::ZERO
}

/// One thing, measured several times.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// One figure a turn.
    pub figures: Vec<f64>,
}

impl Series {
    /// The middle figure; the mean of two for an even number, 0 for none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.figures.clone();
        sorted.sort_by(f64::total_cmp);
        match (sorted.len(), sorted.len() / 2) {
            (0, _) => 0.0,
            (n, half) if n % 2 == 1 => sorted[half],
            (_, half) => (sorted[half - 1] + sorted[half]) / 2.0,
        }
    }

    /// The least figure.
    pub fn min(&self) -> f64 {
        self.figures.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest figure.
    pub fn max(&self) -> f64 {
        self.figures.iter().copied().fold(0.0, f64::max)
    }

    /// This by the other, turn by turn.
    pub fn over(&self, other: &Series) -> Series {
        Series { figures: self.figures.iter().zip(&other.figures).map(|(own, other)| own / other).collect() }
    }
}

/// Something that is done `n` times at a call and gives a value that must not be optimised away.
pub type Work<'a> = &'a mut dyn FnMut() -> u64;

/// Nanoseconds for each of `n` in each of `turns` turns: in a turn everything is done once, one after the other. One
/// turn more comes first and does not count.
pub fn in_turns(turns: usize, n: usize, works: &mut [Work<'_>]) -> Vec<Series> {
    in_turns_by(turns, n, works, || {
        let clock = Clock::start();
        move || clock.elapsed()
    })
}

/// The same by the time of day, for works of several threads: the processor time of all of them together hides what they
/// save.
pub fn in_turns_by_day(turns: usize, n: usize, works: &mut [Work<'_>]) -> Vec<Series> {
    in_turns_by(turns, n, works, || {
        let start = Instant::now();
        move || start.elapsed()
    })
}

fn in_turns_by<E: Fn() -> Duration>(
    turns: usize,
    n: usize,
    works: &mut [Work<'_>],
    start: impl Fn() -> E,
) -> Vec<Series> {
    let mut series = vec![Series { figures: Vec::with_capacity(turns) }; works.len()];
    for turn in 0..=turns {
        for (work, series) in works.iter_mut().zip(&mut series) {
            let elapsed = start();
            black_box(work());
            let ns = elapsed().as_nanos() as f64 / n.max(1) as f64;
            if turn > 0 {
                series.figures.push(ns);
            }
        }
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_median() {
        let series = |figures: &[f64]| Series { figures: figures.to_vec() };
        assert_eq!(series(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(series(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(series(&[6.0, 2.0]).over(&series(&[3.0, 4.0])), series(&[2.0, 0.5]));
    }
}
