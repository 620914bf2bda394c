//! The laws of section 8.6, on the compiled engine.

use iamc_testkit::engine::Compiled;
use iamc_testkit::laws::{LAWS, Outcome};

/// Laws about what is not known; the first byte picks one of them twice as often as one of the others.
const OF_SECTION_8: &[&str] = &["R-8.24", "R-8.25", "R-8.32", "R-8.35"];

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [first, rest @ ..] = bytes else { return 0 };
    let open: Vec<_> = LAWS.iter().filter(|law| law.rules.iter().any(|rule| OF_SECTION_8.contains(rule))).collect();
    let law = match usize::from(*first) {
        n @ 0..128 => open[n % open.len()],
        n => &LAWS[n % LAWS.len()],
    };
    match law.check(&Compiled::default(), rest) {
        Outcome::Held => 1,
        Outcome::Vacuous => 0,
        Outcome::Broken(breach) => panic!("{} {:?} is broken:\n{breach}", law.name, law.rules),
    }
}
