//! The section `settings`: the switches under which a set decides, and what is known of the whole world.

use crate::layout::{WORLD_ASSUME_COMPLETE, WORLD_PLACES_UNKNOWN};
use iamc_policy::Settings;

/// The words of the section. `world` is a sum of [`WORLD_ASSUME_COMPLETE`] and its like; `intern` gives StringIds.
pub fn encode(settings: &Settings, world: u32, mut intern: impl FnMut(&str) -> u32) -> Vec<u32> {
    let mut words = Vec::new();
    for (name, value) in settings.entries() {
        words.push(intern(name));
        words.push(intern(value));
    }
    words.push(world);
    words
}

/// Reads the words back; `None`: they are not what [`encode`] writes.
pub(crate) fn decode<'a>(words: &[u32], string: impl Fn(u32) -> Option<&'a str>) -> Option<(Settings, u32)> {
    let (world, pairs) = words.split_last()?;
    if pairs.len() != 2 * Settings::NAMES.len() || *world & !(WORLD_ASSUME_COMPLETE | WORLD_PLACES_UNKNOWN) != 0 {
        return None;
    }
    let mut settings = Settings::default();
    for (pair, name) in pairs.chunks_exact(2).zip(Settings::NAMES) {
        if string(pair[0])? != *name {
            return None;
        }
        settings.set(name, string(pair[1])?).ok()?;
    }
    Some((settings, *world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut settings = Settings::default();
        settings.set("arn_case", "insensitive").unwrap();
        settings.set("strict", "true").unwrap();
        let mut texts: Vec<String> = Vec::new();
        let words = encode(&settings, WORLD_ASSUME_COMPLETE, |text| {
            texts.push(text.to_owned());
            texts.len() as u32 - 1
        });
        let string = |id: u32| texts.get(id as usize).map(String::as_str);
        assert_eq!(decode(&words, string), Some((settings, WORLD_ASSUME_COMPLETE)));
        assert_eq!(decode(&words[1..], string), None);
        assert_eq!(decode(&[], string), None);
    }
}
