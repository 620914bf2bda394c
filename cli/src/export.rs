//! `iamc export`: an inventory in our own format.

use crate::args::{Export, Format, Global};
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::{inventory, settings};
use iamc_inventory::write_lines;

/// Reads the inventory and writes it as JSON Lines.
pub(crate) fn run(args: &Export, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Ndjson) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`export` has no format `{name}`; it writes ndjson")));
    }
    // Read before the output is opened: the file may lie in the folder that is read.
    let world = inventory::read(&args.org, global, settings::read(global)?)?;
    let mut output = Output::open(global.output.as_deref())?;
    write_lines(&world, &mut output).map_err(|error| output.failure(error))?;
    output.finish()?;
    Ok(Ending::Done)
}
