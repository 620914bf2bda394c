//! Edges in a file: questions that read them have the answers of those that ask; damage is refused, and what was forged
//! breaks nothing.

use crate::reach::{goals, reach, starts, world};
use iamc_analysis::{EdgesError, Goal, Reach, ReachError};
use iamc_testkit::generators::Entropy;
use std::collections::BTreeSet;
use xxhash_rust::xxh3::Xxh3Default;

/// Stands for the hash of the inventory.
const SOURCE: u64 = 7;
/// Where the body of a file begins.
const HEAD_LEN: usize = 40;

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let mut entropy = Entropy::new(bytes);
    let faults: Vec<[u8; 4]> = (0..=entropy.below(4)).map(|_| [(); 4].map(|()| entropy.byte())).collect();
    let (is_forged, is_asked_first) = (entropy.chance(50), entropy.chance(50));
    let (world, _) = world(&mut entropy);
    let starts = starts(&mut entropy, &world, 2);
    let mut first = reach(&world);
    let expected = answers(&mut reach(&world), &starts);
    if is_asked_first {
        answers(&mut first, &starts);
    }
    let bytes = first.edges_to_bytes(SOURCE).expect("the world is small");
    let mut second = reach(&world);
    assert_eq!(second.edges_from_bytes(&bytes, SOURCE), Ok(()));
    assert!(second.edges_to_bytes(SOURCE).is_ok_and(|again| again == bytes), "what was read is written differently");
    assert_eq!(answers(&mut second, &starts), expected, "kept edges lead elsewhere");
    if is_asked_first {
        assert!(second.edges_to_bytes(SOURCE).is_ok_and(|again| again == bytes), "something was asked again");
    }

    let mut changed = bytes.clone();
    for [kind, high, low, value] in faults {
        let place = usize::from(u16::from_be_bytes([high, low]));
        let n = changed.len();
        match kind % 4 {
            0 if n > HEAD_LEN => changed.truncate(HEAD_LEN + place % (n - HEAD_LEN)),
            1 => changed.extend(std::iter::repeat_n(value, place % 50)),
            _ if is_forged && n > HEAD_LEN => changed[HEAD_LEN + place % (n - HEAD_LEN)] = value,
            _ => changed[place % n] = value,
        }
    }
    if is_forged {
        seal(&mut changed);
    }
    let mut third = reach(&world);
    match third.edges_from_bytes(&changed, SOURCE) {
        Err(_) => {
            assert!(changed != bytes, "edges that nobody touched are refused");
            assert_eq!(third.n_kept(), 0, "something of refused edges was taken");
        }
        Ok(()) => {
            assert!(is_forged || changed == bytes, "edges that were changed are not refused");
            answers(&mut third, &starts);
        }
    }
    assert_eq!(third.edges_from_bytes(&bytes, SOURCE + 1), Err(EdgesError::Elsewhere), "another inventory");
    3
}

/// Questions of several kinds, answered by name, and every edge.
fn answers(reach: &mut Reach, starts: &[String]) -> Vec<BTreeSet<String>> {
    let mut found = Vec::new();
    for start in starts {
        found.push(goals(&reach.from(start, false, 0).expect("it is a start")));
    }
    let ways = reach.to(Goal::AnyAdministrator, false, 0).expect("the world is small");
    found.push(ways.others.into_iter().map(|other| other.start).collect());
    let mut edges = BTreeSet::new();
    let told = reach.for_each_edge(&mut |edge| -> Result<(), ReachError> {
        edges.insert(format!("{} {} {} {} {}", edge.from, edge.effect, edge.to, edge.row, edge.definite));
        Ok(())
    });
    told.expect("the world is small");
    found.push(edges);
    found
}

/// Writes length and checksum as a forger would.
fn seal(bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let mut hash = Xxh3Default::new();
    hash.update(&bytes[..24]);
    hash.update(&bytes[32..]);
    let checksum = hash.digest();
    bytes[24..32].copy_from_slice(&checksum.to_le_bytes());
}
