//! `iamc paths --break`: statements without which no path is left.

use super::{counted, not_searched, path_human, path_json};
use crate::args::{Format, Global};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::render::json::{self, StatementJson};
use crate::terminal::{DIM, HEAD, PLACE, clean_line, paint};
use iamc_analysis::{Break, Cut};
use serde_json::{Value, json};

/// Shows them.
pub(super) fn write(found: &Break, global: &Global) -> Result<Ending, Failure> {
    let mut output = Output::open(global.output.as_deref())?;
    if global.format() == Format::Json {
        output.bytes(json::pretty(&found_json(found)?).as_bytes())?;
    } else {
        output.text(&human(found))?;
    }
    output.finish()?;
    Ok(Ending::Done)
}

fn human(found: &Break) -> String {
    match found {
        Break::NoPath => "no path\n".to_owned(),
        Break::NotFound => "no set of statements was found in the rounds that are made\n".to_owned(),
        Break::Unbreakable(path) => {
            format!("{}this path rests on no Allow statement of the inventory\n", path_human(path))
        }
        Break::Statements { cuts, smallest, n_starts } => {
            let mut text = String::new();
            for cut in cuts {
                text.push_str(&cut_human(cut));
            }
            let proved = if *smallest { "and no fewer do" } else { "not proved to be the fewest" };
            let n = counted(cuts.len(), "statement", "statements");
            let starts = counted(*n_starts, "start", "starts");
            text.push_str(&format!("without {n} no path is left, of {starts}; {proved}\n"));
            text
        }
    }
}

fn cut_human(cut: &Cut) -> String {
    let place = cut.statement.place.as_ref().map(|place| format!(" {}", paint(PLACE, place))).unwrap_or_default();
    let of = paint(DIM, format!("of {}", clean_line(&cut.owner)));
    format!("  {} {of}{place}\n", paint(HEAD, clean_line(&cut.statement.to_string())))
}

fn found_json(found: &Break) -> Result<Value, Failure> {
    let (what, statements, smallest, n_starts, path) = match found {
        Break::NoPath => ("no-path", &[][..], true, 0, None),
        Break::NotFound => ("not-found", &[][..], false, 0, None),
        Break::Unbreakable(path) => ("unbreakable", &[][..], false, 0, Some(path_json(path, "path1")?)),
        Break::Statements { cuts, smallest, n_starts } => ("statements", cuts.as_slice(), *smallest, *n_starts, None),
    };
    let statements: Vec<Value> =
        statements.iter().map(|cut| json!({"of": cut.owner, "allow": StatementJson::new(&cut.statement)})).collect();
    Ok(json!({
        "break": what,
        "statements": statements,
        "smallest": smallest,
        "n_starts": n_starts,
        "path": path,
        "not_searched": not_searched(),
    }))
}
