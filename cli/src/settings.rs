//! `--set` and `--strict`: the switches of semantics.md, appendix B.

use crate::args::Global;
use crate::ending::Failure;
use iamc_policy::Settings;

/// The switches of the command line.
///
/// # Errors
/// [`Failure::Usage`] for a switch or a value that does not exist, and for one that is set twice.
pub(crate) fn read(global: &Global) -> Result<Settings, Failure> {
    let mut settings = Settings { strict: global.strict, ..Settings::default() };
    let mut seen: Vec<&str> = Vec::new();
    for text in &global.set {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::Usage(format!("`--set {text}` has no value: write `--set SWITCH=VALUE`")));
        };
        if seen.contains(&name) {
            return Err(Failure::Usage(format!("`--set` gives `{name}` twice")));
        }
        seen.push(name);
        settings.set(name, value).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(settings)
}
