//! `cargo xtask instructions [--update]`: how many instructions the engine takes for fixed small inputs, beside what it took
//! before.
//!
//! Time says little on a machine that others use; instructions are the same on every run. valgrind's callgrind counts those
//! of one function of the program `counted` (of the crate `iamc-benches`). `benches/record/instructions.jsonl` keeps the history,
//! one line for each time that the baseline was set; the baseline is the last line with the same compiler and target, since
//! another compiler makes other instructions. gungraun keeps its baselines as outputs of callgrind below `target`, where
//! nobody can commit them, and needs a runner that has to be built for minutes; hence this.

use crate::Failure;
use plotters::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const USAGE: &str = "cargo xtask instructions [--update]\n\n\
    Counts instructions with valgrind and compares them with the baseline: more than 5 % worse fails.\n\
    --update  appends what was counted to benches/record/instructions.jsonl, as the new baseline, and draws\n\
    \x20         docs/instructions.svg";

/// What is counted, and for how many things it is done: figures are for one of them.
const TOPICS: &[(&str, &str, u64)] = &[
    ("compile", "compile S, a corpus", 1),
    ("load", "load and validate S, an image", 1),
    ("point", "a decision by number", 2_000),
    ("text", "a decision by text", 2_000),
    ("batch", "a row of a batch", 2_000),
    ("who_can", "a question about everybody", 40),
    ("naive", "a decision, naive evaluator", 2_000),
];

/// The naive evaluator is there to be compared with: how many instructions it takes is no result.
const NAIVE: &str = "naive";
/// A batch has to be as much better than the naive evaluator, whatever baseline was set.
const NAIVE_BY_BATCH_MIN: f64 = 1.5;
/// More than this part worse fails, more than this part better asks for a new baseline.
const TOLERANCE: f64 = 0.05;

const RECORD: &str = "benches/record/instructions.jsonl";
const PLOT: &str = "docs/instructions.svg";

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// The day of the commit on which it was counted.
    date: String,
    /// `rustc --version`.
    rustc: String,
    /// The target, such as `x86_64-linux`.
    target: String,
    /// Instructions by topic, of all that the topic does.
    counted: BTreeMap<String, u64>,
}

/// Counts, compares, and prints the table in Markdown.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let update = match arguments {
        [] => false,
        [word] if word == "--update" => true,
        _ => return Err(USAGE.into()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let record = read_record(&root.join(RECORD))?;
    let now = Entry {
        date: said(Command::new("git").args(["log", "-1", "--format=%cs"]).current_dir(&root))?,
        rustc: said(Command::new("rustc").arg("--version"))?,
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        counted: BTreeMap::new(),
    };
    let baseline = record.iter().rfind(|entry| entry.rustc == now.rustc && entry.target == now.target);
    if baseline.is_none() && !update {
        println!(
            "**NOT CHECKED**: there is no baseline for {} on {}; `cargo xtask instructions --update` sets one.",
            now.rustc, now.target
        );
        return Ok(());
    }
    let program = build(&root)?;
    let counted: Result<_, Failure> =
        TOPICS.iter().map(|(topic, ..)| Ok(((*topic).to_owned(), count(&program, topic)?))).collect();
    let now = Entry { counted: counted?, ..now };
    let (table, worse) = compare(baseline, &now);
    println!("{table}");
    if update {
        let mut lines = record.clone();
        lines.push(now);
        let text: Result<Vec<String>, _> = lines.iter().map(serde_json::to_string).collect();
        replace(&root.join(RECORD), &(text?.join("\n") + "\n"))?;
        return replace(&root.join(PLOT), &plot(&lines)?);
    }
    match worse.is_empty() {
        true => Ok(()),
        false => {
            Err(format!("more instructions than before, by more than {} %: {}", TOLERANCE * 100.0, worse.join(", "))
                .into())
        }
    }
}

/// The table, and what is worse than it may be.
fn compare(baseline: Option<&Entry>, now: &Entry) -> (String, Vec<String>) {
    let mut table = format!(
        "Instructions ({}, {}), beside the baseline of {}:\n\n| what | baseline | now | |\n|---|---|---|---|\n",
        now.rustc,
        now.target,
        baseline.map_or("no day yet", |entry| &entry.date)
    );
    let mut worse = Vec::new();
    for (topic, what, n) in TOPICS {
        let each = |entry: &Entry| entry.counted.get(*topic).map(|counted| *counted as f64 / *n as f64);
        let (Some(own), before) = (each(now), baseline.and_then(each)) else { continue };
        let change = before.map(|before| own / before - 1.0);
        let verdict = match change {
            None => "new".to_owned(),
            Some(change) if *topic == NAIVE => format!("{:+.1} %, compared with only", change * 100.0),
            Some(change) if change > TOLERANCE => {
                worse.push((*topic).to_owned());
                format!("**{:+.1} %, worse**", change * 100.0)
            }
            Some(change) if change < -TOLERANCE => {
                format!("{:+.1} %, better: set a new baseline with `cargo xtask instructions --update`", change * 100.0)
            }
            Some(change) => format!("{:+.1} %", change * 100.0),
        };
        let before = before.map_or_else(String::new, whole);
        let _ = writeln!(table, "| {what} | {before} | {} | {verdict} |", whole(own));
    }
    let by_topic = |topic: &str| now.counted.get(topic).map_or(0.0, |counted| *counted as f64);
    let ratio = by_topic(NAIVE) / by_topic("batch").max(1.0);
    let holds = ratio >= NAIVE_BY_BATCH_MIN;
    if !holds {
        worse.push("naive by batch".to_owned());
    }
    let verdict = if holds { "holds" } else { "**too little**" };
    let _ = writeln!(table, "| naive by batch | at least {NAIVE_BY_BATCH_MIN} | {ratio:.1} | {verdict} |");
    (table, worse)
}

/// A whole number with its thousands apart.
fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// The lines of the record; none if there is no file.
fn read_record(path: &Path) -> Result<Vec<Entry>, Failure> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path)?;
    let entry =
        |(at, line)| serde_json::from_str(line).map_err(|error| format!("{RECORD}, line {}: {error}", at + 1).into());
    text.lines().enumerate().map(entry).collect()
}

/// Builds the program whose instructions are counted, and returns where it lies.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--package", "iamc-benches", "--bin", "counted"]);
    let output = cargo
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let executable =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["executable"].as_str().map(PathBuf::from);
    match said.lines().rev().find_map(executable) {
        Some(path) if output.status.success() => Ok(path),
        _ => Err("the program `counted` cannot be built".into()),
    }
}

/// Instructions of a topic.
fn count(program: &Path, topic: &str) -> Result<u64, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=counted::counted*"]);
    let output =
        valgrind.arg(program).arg(topic).output().map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
    match counted {
        Some(counted) if output.status.success() && counted > 0 => Ok(counted),
        _ => Err(format!("valgrind counted nothing of `{topic}`:\n{said}").into()),
    }
}

fn said(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?.trim().to_owned()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Writes a file under another name and renames it.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, text)?;
    Ok(std::fs::rename(&temporary, path)?)
}

/// The history as a picture: each topic in percent of its first figure.
fn plot(entries: &[Entry]) -> Result<String, Failure> {
    let series: Vec<(&str, Vec<(usize, f64)>)> = TOPICS
        .iter()
        .filter(|(topic, ..)| *topic != NAIVE)
        .map(|(topic, ..)| {
            let figures =
                entries.iter().enumerate().filter_map(|(at, entry)| Some((at, *entry.counted.get(*topic)? as f64)));
            let figures: Vec<(usize, f64)> = figures.collect();
            let first = figures.first().map_or(1.0, |(_, first)| *first);
            (*topic, figures.into_iter().map(|(at, figure)| (at, 100.0 * figure / first)).collect())
        })
        .collect();
    let most = series.iter().flat_map(|(_, figures)| figures).map(|(_, figure)| *figure).fold(110.0, f64::max);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (760, 360)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption("instructions, in percent of the first baseline", ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..(entries.len().max(2) - 1) as f64, 0.0..most * 1.1)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_labels(entries.len().min(12))
            .x_label_formatter(&|at| {
                let whole = at.fract() == 0.0;
                entries.get(*at as usize).filter(|_| whole).map_or_else(String::new, |entry| entry.date.clone())
            })
            .draw()?;
        for (index, (topic, figures)) in series.iter().enumerate() {
            let colour = Palette99::pick(index).to_rgba();
            let points = figures.iter().map(|(at, figure)| (*at as f64, *figure));
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(3))?
                .label(*topic)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
        area.present()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(figures: &[(&str, u64)]) -> Entry {
        Entry {
            date: "2026-01-02".to_owned(),
            rustc: "rustc 1.90.0".to_owned(),
            target: "x86_64-linux".to_owned(),
            counted: figures.iter().map(|(topic, figure)| ((*topic).to_owned(), *figure)).collect(),
        }
    }

    #[test]
    fn more_than_five_percent_worse_fails() {
        let before = entry(&[("point", 1_000_000), ("batch", 1_000_000), ("load", 1_000_000), ("naive", 9_000_000)]);
        let now = entry(&[("point", 1_051_000), ("batch", 1_049_000), ("load", 940_000), ("naive", 90_000_000)]);
        let (table, worse) = compare(Some(&before), &now);
        assert_eq!(worse, ["point"]);
        assert!(table.contains("| a decision by number | 500 | 526 | **+5.1 %, worse** |"), "{table}");
        assert!(table.contains("| a row of a batch | 500 | 524 | +4.9 % |"), "{table}");
        assert!(table.contains("-6.0 %, better: set a new baseline"), "{table}");
    }

    #[test]
    fn a_batch_stays_far_from_the_naive_evaluator_whatever_the_baseline() {
        let now = entry(&[("batch", 1_000_000), ("naive", 1_400_000)]);
        assert_eq!(compare(Some(&now), &now).1, ["naive by batch"]);
        assert_eq!(compare(None, &entry(&[("batch", 1_000_000), ("naive", 1_500_000)])).1, [""; 0]);
    }

    #[test]
    fn the_picture_has_a_line_for_each_topic() {
        let picture = plot(&[entry(&[("point", 10), ("load", 7)]), entry(&[("point", 12), ("load", 6)])]).unwrap();
        assert!(picture.starts_with("<svg") && picture.contains("point") && picture.contains("who_can"), "{picture}");
        // One entry and none can be drawn too.
        assert!(plot(&[entry(&[("point", 10)])]).is_ok() && plot(&[]).is_ok());
    }
}
