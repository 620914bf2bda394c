//! Tables of a compiled set, damaged: what no compiler wrote.

use super::entropy::Entropy;
use iamc_runtime::layout::{SectionMut, Tables};
use std::convert::Infallible;

/// Changes one word or byte of one section, or the section's length. Deterministic. Panics: never.
pub fn damage_tables(tables: &mut Tables, entropy: &mut Entropy<'_>) {
    let mut sections = Vec::new();
    tables.for_each(&mut |_, name, _| sections.push(name));
    // The table of actions has its own tests.
    sections.retain(|name| *name != "catalogue");
    let target = *entropy.pick(&sections);
    let word = match entropy.below(6) {
        0 => 0,
        1 => u32::MAX,
        2 => entropy.below(8) as u32,
        3 => u32::MAX - entropy.below(300) as u32,
        _ => u32::from_le_bytes([entropy.byte(), entropy.byte(), 0, 0]),
    };
    let small = entropy.chance(50);
    let cut = entropy.chance(10);
    let place = entropy.below(1 << 16);
    let result: Result<(), Infallible> = tables.for_each_mut(&mut |_, name, section| {
        if name != target {
            return Ok(());
        }
        match section {
            SectionMut::U8(list) => change(list, place, cut, |byte| *byte ^= (word | 1) as u8),
            SectionMut::Text(text) => {
                let mut bytes = std::mem::take(text).into_bytes();
                change(&mut bytes, place, cut, |byte| *byte ^= (word | 1) as u8);
                // A type holds what is not UTF-8 off; a character of several bytes moves the ends of strings.
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            SectionMut::U32(list) => {
                change(list, place, cut, |old| *old = if small { old.wrapping_add(1) } else { word });
            }
            SectionMut::U64(list) => {
                change(list, place, cut, |old| *old = if small { old.wrapping_sub(1) } else { u64::from(word) << 20 });
            }
        }
        Ok(())
    });
    let Ok(()) = result;
}

fn change<T>(list: &mut Vec<T>, place: usize, cut: bool, with: impl FnOnce(&mut T)) {
    let n = list.len();
    if cut {
        list.truncate(n.saturating_sub(1 + place % 4));
    } else if n > 0 {
        with(&mut list[place % n]);
    }
}
