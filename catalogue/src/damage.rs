//! Tests: a table that was damaged, by accident or on purpose, is refused or read, and never panics.

use std::path::Path;

use crate::layout::*;
use crate::{Catalogue, ReadError, encode, iam_data, layout};

fn small_table() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/iam-data");
    encode(&iam_data::read_package(&folder).unwrap()).unwrap()
}

/// Makes the checksum fit, so that what lies behind it is tested.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= CHECKED_FROM {
        let sum = layout::checksum(&bytes[CHECKED_FROM..]);
        bytes[CHECKSUM_AT..CHECKED_FROM].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// Reads bytes and, if they are a table, walks through all of it. True iff they are.
fn survives(bytes: Vec<u8>) -> bool {
    let Ok(catalogue) = Catalogue::read(bytes) else { return false };
    let mut seen = catalogue.name().len() + catalogue.date().map_or(0, str::len);
    for service in catalogue.services() {
        seen += service.name().len() + service.condition_keys().map(|key| key.name().len()).sum::<usize>();
        seen += catalogue.service(service.prefix()).map_or(0, |s| s.id().get() as usize);
        for t in service.resource_types() {
            seen += t.name().len() + t.arn_templates().map(str::len).sum::<usize>();
            seen += t.condition_keys().map(|key| key.name().len()).sum::<usize>();
        }
        for action in service.actions() {
            seen += action.name().len() + action.to_string().len() + usize::from(action.is_wildcard_only());
            seen += action.dependent_actions().map(str::len).sum::<usize>();
            seen += action.condition_keys().filter(|key| key.is_family()).count();
            for (t, keys) in action.condition_keys_by_type() {
                seen += t.name().len() + keys.map(|key| key.name().len()).sum::<usize>();
            }
            seen += usize::from(action.lists_key("toy:tag/x")) + usize::from(action.access_level().is_some());
        }
    }
    for key in catalogue.condition_keys() {
        seen += usize::from(catalogue.key(&key.name().to_lowercase()).is_some());
    }
    seen > 0
}

#[test]
fn every_cut_is_refused() {
    let table = small_table();
    assert!(survives(table.clone()));
    for len in 0..table.len() {
        assert!(!survives(sealed(table[..len].to_vec())), "{len} bytes");
    }
    let mut longer = table.clone();
    longer.push(b'x');
    assert!(matches!(Catalogue::read(sealed(longer)), Err(ReadError::Length { .. })));
    assert!(matches!(Catalogue::read(&b""[..]), Err(ReadError::NotATable)));
}

#[test]
fn every_accident_is_found() {
    let table = small_table();
    for at in 0..table.len() {
        let mut bytes = table.clone();
        bytes[at] ^= 0x10;
        assert!(Catalogue::read(bytes).is_err(), "byte {at}");
    }
}

/// Every byte takes every one of several values, with a checksum that fits. Most are refused; what is read is sound.
#[test]
fn no_forgery_panics() {
    let table = small_table();
    let mut n_refused = 0;
    for at in 0..table.len() {
        for value in [0, 1, 2, 3, 0x41, 0x7f, 0x80, 0xfe, 0xff] {
            let mut bytes = table.clone();
            bytes[at] = value;
            n_refused += usize::from(!survives(sealed(bytes)));
        }
    }
    assert!(n_refused > table.len(), "{n_refused} refused of 9 times {}", table.len());
}

/// The promises of the layout one by one: each broken alone is refused under its own name.
#[test]
fn broken_promises_are_named() {
    let table = small_table();
    let start = |section: usize| {
        let count = |s: usize| u32::from_le_bytes(table[COUNTS_AT + 4 * s..][..4].try_into().unwrap()) as usize;
        HEADER_LEN + (0..section).map(|s| count(s) * RECORD_LEN[s]).sum::<usize>()
    };
    let check = |at: usize, patch: &[u8], expected: &str| {
        let mut bytes = table.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        assert_ne!(bytes, table, "{expected}: the patch changes nothing");
        match Catalogue::read(sealed(bytes)) {
            Err(ReadError::Damaged { what, .. }) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    };
    let far = &[0xff; 4];
    check(CHECKED_FROM, far, "the name of the edition");
    check(CHECKED_FROM + 4, far, "the day of the edition");
    check(start(SERVICES), far, "the prefix of a service");
    check(start(SERVICES) + 4, far, "the name of a service");
    check(start(SERVICES) + 8, &[1], "the actions of a service");
    check(start(SERVICES) + 12, &[1], "the actions of a service");
    check(start(SERVICES) + 14, &far[..2], "the keys of a service");
    check(start(SERVICES) + 16 + 8, far, "the actions of a service");
    check(start(SERVICES) + 16 + 12, &far[..2], "the resource types of a service");
    check(start(ACTIONS), far, "the name of an action");
    check(start(ACTIONS) + 4, &far[..2], "the row of an action");
    check(start(ROWS), &far[..2], "the resource types of an action");
    check(start(ROWS) + 2, &far[..2], "the keys of an action");
    check(start(ROWS) + 4, &far[..2], "the dependent actions of an action");
    check(start(ROWS) + 6, &[9], "an unknown access level");
    check(start(TYPES), far, "the name of a resource type");
    check(start(TYPES) + 4, &far[..2], "the templates of a resource type");
    check(start(TYPES) + 6, &far[..2], "the keys of a resource type");
    check(start(KEYS), far, "the name of a key");
    check(start(KEYS) + 4, &[9], "an unknown key type");
    check(start(LINK_LISTS), &[1], "a list that does not ascend");
    check(start(LINKS), &far[..2], "a resource type of an action");
    check(start(LINKS) + 2, &far[..2], "the keys of an action and a resource type");
    check(start(LINKS) + 4, &[2], "an unknown flag");
    check(start(KEY_LISTS) + 4, far, "a list that does not ascend");
    check(start(KEY_IDS), &far[..2], "a key number");
    check(start(TEXTS), far, "a listed text");
    // The second record in place of the first: neither is out of range, and the order is lost.
    let second = |section: usize| table[start(section) + RECORD_LEN[section]..][..4].to_vec();
    check(start(KEYS), &second(KEYS), "a key out of order");
    check(start(SERVICES), &second(SERVICES), "a service out of order");
    let toy = start(ACTIONS) + RECORD_LEN[ACTIONS];
    check(toy, &table[toy + RECORD_LEN[ACTIONS]..][..4], "an action out of order");
    // `box` takes over a type that an action of `toy` names.
    check(start(SERVICES) + 16 + 12, &[1], "a resource type of another service");
    check(table.len() - 1, &[0xff], "text that is not UTF-8");
}

/// A thousand random bytes of the compiled-in table, one at a time.
#[test]
fn forgeries_of_the_large_table_do_not_panic() {
    let table = include_bytes!("../data/catalogue.bin").to_vec();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        // Xorshift64: the same bytes in every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let n_tables = 200;
    let mut n_read = 0;
    for _ in 0..n_tables {
        let mut bytes = table.clone();
        for _ in 0..5 {
            let at = CHECKED_FROM + random(bytes.len() - CHECKED_FROM);
            bytes[at] = random(256) as u8;
        }
        if let Ok(catalogue) = Catalogue::read(sealed(bytes)) {
            n_read += usize::from(catalogue.actions().all(|a| !a.service().prefix().is_empty()));
        }
    }
    assert!(n_read < n_tables, "some forgery must be noticed");
}
