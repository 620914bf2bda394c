//! Small tables for the tests of this crate.

use crate::hash::{TableBuilder, hash};
use crate::keys::{SPECIAL, class_word, facts};
use crate::layout::{NONE, Tables};
use iamc_catalogue::Catalogue;
use iamc_policy::Settings;

/// A world of nothing, without a catalogue: settings and the special keys.
pub(crate) fn minimal() -> Tables {
    let mut tables = Tables { string_offsets: vec![0], ..Tables::default() };
    let mut strings = std::mem::take(&mut tables.string_bytes);
    let mut offsets = vec![0];
    let mut intern = |text: &str| {
        strings.push_str(text);
        offsets.push(strings.len() as u32);
        offsets.len() as u32 - 2
    };
    tables.settings = crate::settings::encode(&Settings::default(), 0, &mut intern);
    let catalogue = Catalogue::without_actions();
    let mut table = TableBuilder::new(SPECIAL.len());
    for (id, name) in SPECIAL.iter().enumerate() {
        tables.keys.extend([intern(name), class_word(&facts(name, &catalogue)), NONE, NONE]);
        table.insert(hash(name.as_bytes()), id as u32, |_| false);
    }
    tables.key_hash = table.finish();
    tables.string_bytes = strings;
    tables.string_offsets = offsets;
    tables
}
