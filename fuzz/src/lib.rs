//! What all targets have in common: they hand their bytes to the judge of their name.

/// Hands the bytes to a judge.
///
/// Panics: if its claim is wrong, which is what libFuzzer looks for.
pub fn run(name: &str, bytes: &[u8]) {
    let target = iamc_judges::target(name).unwrap_or_else(|| panic!("there is no judge `{name}`"));
    target.run(bytes);
}
