//! Images: whatever the bytes are, they are refused or decide; and what was not damaged decides as before.

use crate::scene::compiled;
use iamc_compiler::compile_session;
use iamc_policy::request::RequestError;
use iamc_policy::{Decision, Request};
use iamc_runtime::{CompiledPolicySet, Scratch, decide_with, explain};
use iamc_testkit::generators::{Entropy, damage_tables, scene};

/// Requests that an image is asked.
const N_REQUESTS: usize = 2;

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    match bytes.first() {
        // The bytes are the image.
        Some(0..32) => {
            if let Ok(set) = CompiledPolicySet::load(&bytes[1..]) {
                assert_eq!(set.to_bytes(), bytes[1..], "what was read is written differently");
            }
            1
        }
        Some(_) => damaged(&bytes[1..]),
        None => 0,
    }
}

/// The image of a generated world, as bytes or as tables, with some damage.
fn damaged(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let as_tables = entropy.chance(60);
    let n_faults = entropy.below(3) + 1;
    let faults: Vec<[u8; 5]> = (0..n_faults).map(|_| [(); 5].map(|()| entropy.byte())).collect();
    let noise: Vec<u8> = (0..64).map(|_| entropy.byte()).collect();
    let (world, requests) = scene(&mut entropy, N_REQUESTS);
    let set = compiled(&world);
    if as_tables {
        // Checksums would catch what is tried here; the validation of tables must not need them.
        let mut tables = set.tables().clone();
        let mut noise = Entropy::new(&noise);
        (0..n_faults).for_each(|_| damage_tables(&mut tables, &mut noise));
        if let Ok(damaged) = CompiledPolicySet::from_tables(tables) {
            ask(&damaged, &set, &requests);
        }
        return 1;
    }
    let whole = set.to_bytes();
    let mut image = whole.clone();
    for [kind, high, middle, low, value] in faults {
        let place = u32::from_be_bytes([0, high, middle, low]) as usize;
        let n = image.len();
        match kind % 4 {
            0 => image.truncate(place % n.max(1)),
            // The header and the directory, where every word means something.
            1 if n > 0 => image[place % n.min(2_048)] = value,
            2 => image.extend(std::iter::repeat_n(value, place % 100)),
            _ if n > 0 => image[place % n] ^= value | 1,
            _ => {}
        }
    }
    match CompiledPolicySet::load(&image) {
        Err(_) => assert!(image != whole, "an image that nobody touched is refused"),
        Ok(read) => {
            assert!(image == whole, "an image that was changed is not refused");
            for (own, other) in ask(&read, &set, &requests).into_iter().zip(ask(&set, &set, &requests)) {
                assert_eq!(own, other, "an image that was read back decides otherwise");
            }
        }
    }
    1
}

/// Decides and explains each request. Panics: if the two differ in whether there is an answer.
fn ask(
    set: &CompiledPolicySet,
    origin: &CompiledPolicySet,
    requests: &[Request],
) -> Vec<Result<Decision, RequestError>> {
    let mut scratch = Scratch::new(set);
    let mut decisions = Vec::new();
    for request in requests {
        let session = request.session.as_deref().map(|list| compile_session(origin, list).expect("they are small"));
        let decision = decide_with(set, request, session.as_ref(), &mut scratch);
        let answer = explain(set, request, session.as_ref(), &mut scratch);
        assert_eq!(decision.is_ok(), answer.is_ok());
        decisions.push(decision);
    }
    decisions
}
