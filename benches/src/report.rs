//! What the program `performance` prints: a line for each figure, with what it is compared with and its bar.

use crate::machine::Machine;
use crate::timing::Series;
use std::fmt::Write;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// It is only told.
    None,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What was measured, and on which shape.
    pub what: String,
    /// The measurement behind the figure.
    pub measured: String,
    /// What it is compared with, measured in the same run; empty if with nothing.
    pub beside: String,
    /// The figure that the bar is about, one a turn.
    pub figure: Series,
    /// Its unit: `x`, `ns`, `s` …
    pub unit: &'static str,
    /// The bar.
    pub bar: Bar,
}

impl Line {
    /// A figure that was measured once.
    pub fn once(what: impl Into<String>, figure: f64, unit: &'static str, bar: Bar) -> Line {
        let figure = Series { figures: vec![figure] };
        Line { what: what.into(), measured: String::new(), beside: String::new(), figure, unit, bar }
    }

    /// One measurement by another, turn by turn.
    pub fn ratio(
        what: impl Into<String>,
        (own, name): (&Series, &str),
        (other, beside): (&Series, &str),
        bar: Bar,
    ) -> Line {
        Line {
            what: what.into(),
            measured: format!("{} {name}", spread(own, "ns")),
            beside: format!("{} {beside}", spread(other, "ns")),
            figure: own.over(other),
            unit: "x",
            bar,
        }
    }

    /// Does the median hold the bar? `None`: there is no bar.
    pub fn holds(&self) -> Option<bool> {
        match self.bar {
            Bar::AtMost(bar) => Some(self.figure.median() <= bar),
            Bar::AtLeast(bar) => Some(self.figure.median() >= bar),
            Bar::None => None,
        }
    }
}

/// Median with least and greatest in brackets.
pub fn spread(series: &Series, unit: &str) -> String {
    let text = number(series.median());
    if series.figures.len() < 2 {
        return format!("{text} {unit}");
    }
    format!("{text} {unit} ({} – {})", number(series.min()), number(series.max()))
}

/// Three digits that count, more for whole numbers.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => {
            let digits = format!("{value:.0}");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
            let groups: Vec<&str> =
                digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
            format!("{sign}{}", groups.join(","))
        }
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.01 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// The table in Markdown.
pub fn table(lines: &[Line]) -> String {
    let mut out = String::from("| what | measured | compared with | figure | bar | |\n|---|---|---|---|---|---|\n");
    for line in lines {
        let bar = match line.bar {
            Bar::AtMost(bar) => format!("<= {} {}", number(bar), line.unit),
            Bar::AtLeast(bar) => format!(">= {} {}", number(bar), line.unit),
            Bar::None => String::new(),
        };
        let verdict = match line.holds() {
            Some(true) => "holds",
            Some(false) => "**misses**",
            None => "",
        };
        let Line { what, measured, beside, figure, unit, .. } = line;
        let _ = writeln!(out, "| {what} | {measured} | {beside} | {} | {bar} | {verdict} |", spread(figure, unit));
    }
    out
}

/// Machine and load, as the line above a table.
pub fn heading(machine: &Machine, before: Option<f64>, after: Option<f64>) -> String {
    let load = |load: Option<f64>| load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}"));
    let Machine { processor, n_cores, last_cache, memory_bytes, rustc, build } = machine;
    format!(
        "{processor}, {n_cores} cores, last cache {last_cache}, {:.0} GB; {rustc}, {build}; load average {} before, {} \
         after.",
        *memory_bytes as f64 / (1_u64 << 30) as f64,
        load(before),
        load(after),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_held_by_the_median() {
        let line = |figures: &[f64], bar| Line {
            figure: Series { figures: figures.to_vec() },
            ..Line::once("a", 0.0, "x", bar)
        };
        assert_eq!(line(&[1.0, 9.0, 1.0], Bar::AtMost(1.0)).holds(), Some(true));
        assert_eq!(line(&[1.0, 9.0, 9.0], Bar::AtMost(1.0)).holds(), Some(false));
        assert_eq!(line(&[21.0], Bar::AtLeast(20.0)).holds(), Some(true));
        assert_eq!(line(&[21.0], Bar::None).holds(), None);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [1_234_567.8, -1000.0, 100.4, 12.34, 1.234, 0.0, 0.001_234].map(number);
        assert_eq!(numbers, ["1,234,568", "-1,000", "100", "12.3", "1.23", "0.00", "0.0012"]);
    }
}
