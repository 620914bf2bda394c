//! Tables that no compiler wrote: refused, or decided without a panic. Checksums would catch what is tried here; the
//! validation of tables must not need them.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, compile_session};
use iamc_runtime::layout::{SectionMut, Tables};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, scene};
use std::convert::Infallible;

/// Changes one word or byte of one section, or the section's length.
fn damage(tables: &mut Tables, entropy: &mut Entropy<'_>) {
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

#[test]
fn damaged_tables_are_refused_or_decide_without_a_panic() {
    let (mut n_refused, mut n_decided) = (0, 0);
    for seed in 0..40 {
        let bytes = bytes_of_seed(seed, 4 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let noise = bytes_of_seed(seed + 1_000, 60 * 16);
        let mut entropy = Entropy::new(&noise);
        for _ in 0..60 {
            let mut tables = set.tables().clone();
            damage(&mut tables, &mut entropy);
            let Ok(damaged) = CompiledPolicySet::from_tables(tables) else {
                n_refused += 1;
                continue;
            };
            n_decided += 1;
            let mut scratch = Scratch::new(&damaged);
            for request in &requests {
                let session = request.session.as_deref().map(|list| compile_session(&set, list).expect("it is small"));
                // Whatever is answered: it must be the same both ways, and it must be an answer.
                let decision = decide_with(&damaged, request, session.as_ref(), &mut scratch);
                let answer = explain(&damaged, request, session.as_ref(), &mut scratch);
                assert_eq!(decision.is_ok(), answer.is_ok());
            }
        }
    }
    assert!(n_refused > 200 && n_decided > 200, "{n_refused} refused, {n_decided} decided");
}
