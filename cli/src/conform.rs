//! `iamc conform`: runs decision cases, reports those that differ.

use crate::args::{Conform, Format, Global};
use crate::ending::{Ending, Failure};
use crate::input::Input;
use crate::output::Output;
use crate::terminal::{self, BAD, GOOD, clean_line, paint};
use iamc_testkit::case::read_cases;
use iamc_testkit::engine::engines;
use iamc_testkit::runner::{Difference, run as run_cases};

/// Runs the cases of each file; a file that cannot be read does not keep the others from being run.
pub(crate) fn run(args: &Conform, global: &Global) -> Result<Ending, Failure> {
    if global.format() != Format::Human {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`conform` has no format `{name}`; it has human")));
    }
    if global.catalogue.is_some() {
        // A case means the same everywhere, so it cannot depend on tables that are somewhere else.
        return Err(Failure::Usage("`conform` runs with the catalogue that is built in".to_owned()));
    }
    let engines = engines(&args.engine).map_err(|error| Failure::Usage(error.to_string()))?;
    let mut output = Output::open(global.output.as_deref())?;
    let mut unreadable = None;
    let (mut n_passed, mut n_failed) = (0, 0);
    for path in &args.files {
        let cases = Input::read(path).and_then(|input| {
            let errors = match read_cases(&input.name, input.text()?) {
                Ok(cases) => return Ok(cases),
                Err(errors) => errors,
            };
            errors.iter().for_each(|error| terminal::error(&clean_line(&error.to_string())));
            Err(Failure::Input(format!("`{}` is not a file of decision cases", input.name)))
        });
        let cases = match cases {
            Ok(cases) => cases,
            Err(failure) => {
                unreadable = Some(failure.report());
                continue;
            }
        };
        let summary = run_cases(&cases, &engines, global.n_threads());
        n_passed += summary.n_passed;
        n_failed += summary.n_failed;
        for case in summary.differences.chunk_by(|a, b| a.id == b.id && a.place == b.place) {
            output.text(&line(case))?;
        }
    }
    let style = if n_failed == 0 { GOOD } else { BAD };
    output.text(&format!("{}\n", paint(style, format!("{n_passed} passed, {n_failed} failed"))))?;
    output.finish()?;
    Ok(match unreadable {
        Some(ending) => ending,
        None if n_failed > 0 => Ending::No,
        None => Ending::Done,
    })
}

/// One line for one case, whatever the number of fields and engines that differ.
fn line(differences: &[Difference]) -> String {
    let mut line = String::new();
    if let Some(first) = differences.first() {
        if let Some(place) = &first.place {
            line.push_str(&format!("{}: ", clean_line(&place.to_string())));
        }
        line.push_str(&format!("{}:", paint(BAD, clean_line(&first.id))));
    }
    for (i, difference) in differences.iter().enumerate() {
        let Difference { field, expected, got, engine, .. } = difference;
        let (expected, got) = (clean_line(expected), clean_line(&got.replace('\n', "; ")));
        line.push_str(&format!("{} {field} expected {expected}, got {got}", if i == 0 { "" } else { ";" }));
        if let Some(engine) = engine {
            line.push_str(&format!(" ({engine})"));
        }
    }
    line.push('\n');
    line
}
