//! Instructions of a decision: the same on every run, whatever else the machine does.
//!
//! This program starts itself under a counter, twice, with two numbers of rows; the difference is what the further rows
//! cost. The counter is `perf stat` where the system lets it count, else valgrind's callgrind, else there is no figure.

use super::Failure;
use crate::rows::{IdRow, Rows};
use iamc_policy::request::Context;
use iamc_policy::{ConditionKey, KeyState, Mode};
use iamc_runtime::{ActionId, CompiledPolicySet, PreparedContext, PrincipalId, ResourceId, Scratch, decide_ids};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// Instructions of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    /// Mean.
    pub each: f64,
    /// What counted.
    pub tool: &'static str,
}

/// Rows of the shorter and of the longer run.
const ROWS: [usize; 2] = [2_000, 12_000];

/// The word that makes the program count.
pub const CHILD: &str = "--count";

/// Counts instructions of decisions by number, on rows 2,000 to 12,000; `None`: no counter works here.
///
/// # Errors
/// Temporary files cannot be written.
pub fn count(set: &CompiledPolicySet, rows: &Rows) -> Result<Option<Count>, Failure> {
    let folder = tempfile::tempdir()?;
    let (image, listed) = (folder.path().join("image"), folder.path().join("rows"));
    std::fs::write(&image, set.to_bytes())?;
    let id = |row: &IdRow| {
        let resource = row.resource.map_or_else(|| "-".to_owned(), |resource| resource.get().to_string());
        format!("{} {} {resource}\n", row.principal.get(), row.action.get())
    };
    let rows: Vec<String> = rows.ids.iter().cycle().take(ROWS[1]).map(id).collect();
    std::fs::write(&listed, rows.concat())?;
    for (tool, arguments) in [
        ("perf stat", &["perf", "stat", "-x,", "-e", "instructions:u"][..]),
        ("callgrind", &["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"][..]),
    ] {
        let counted: Vec<Option<u64>> = ROWS.iter().map(|n| run(tool, arguments, &image, &listed, *n)).collect();
        if let [Some(few), Some(many)] = counted[..] {
            return Ok(Some(Count { each: many.saturating_sub(few) as f64 / (ROWS[1] - ROWS[0]) as f64, tool }));
        }
    }
    Ok(None)
}

fn run(tool: &str, arguments: &[&str], image: &Path, rows: &Path, n: usize) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let mut command = Command::new(arguments[0]);
    command.args(&arguments[1..]).arg(program).arg(CHILD).arg(image).arg(rows).arg(n.to_string());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let digits = |text: &str| text.trim().parse().ok();
    match tool {
        "perf stat" => {
            said.lines().find(|line| line.contains("instructions")).and_then(|line| digits(line.split(',').next()?))
        }
        _ => said.lines().find_map(|line| digits(line.split_once("Collected :")?.1)),
    }
}

/// What the counted program does: loads an image and decides the first `n` rows.
///
/// # Errors
/// The files are not what [`count`] writes.
pub fn child(image: &Path, rows: &Path, n: usize) -> Result<(), Failure> {
    let set = CompiledPolicySet::load(&std::fs::read(image)?)?;
    let text = std::fs::read_to_string(rows)?;
    let row = |line: &str| -> Result<IdRow, Failure> {
        let words: Vec<&str> = line.split(' ').collect();
        let [principal, action, resource] = words[..] else { return Err("a row has three words".into()) };
        Ok(IdRow {
            principal: PrincipalId::new(principal.parse()?),
            action: ActionId::new(action.parse()?),
            resource: (resource != "-").then(|| resource.parse().map(ResourceId::new)).transpose()?,
        })
    };
    // All rows are read, however many are decided: only decisions differ between two runs.
    let rows = text.lines().map(row).collect::<Result<Vec<_>, _>>()?;
    let given =
        [("aws:RequestedRegion", "eu-west-1"), ("aws:SecureTransport", "true"), ("aws:SourceIp", "198.51.100.7")];
    let context: Context = given.map(|(key, value)| (ConditionKey::new(key), KeyState::one(value))).into();
    let context = PreparedContext::new(context, Mode::Closed);
    let mut scratch = Scratch::new(&set);
    for row in &rows[..n.min(rows.len())] {
        black_box(decide_ids(&set, row.principal, row.action, row.resource, &context, &mut scratch));
    }
    Ok(())
}
