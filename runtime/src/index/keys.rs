//! Keys: what a pattern spells out and every ARN that it matches must therefore hold, as 32-bit hashes.
//!
//! Text is cut into *tokens* at `/ : - _ .`. A literal piece of a pattern promises
//!
//! - its *heads*, if the pattern begins with it: everything up to each of its delimiters;
//! - each *token* in it with a delimiter, or an end of the text, on both sides;
//! - each *pair* of such tokens that follow each other, with what divides them;
//! - the *whole* text, if nothing else is in the pattern.
//!
//! In heads and whole texts the account of whoever owns the policy is a sign like any other: each ARN has these keys with
//! that sign in place of its fifth component, too. In front of such a sign all is literal, so it is no other component.
//!
//! A token that touches a wildcard or a variable promises nothing: more of it may follow in the ARN. The keys of an ARN
//! are those of its text as one literal piece. So the keys of a pattern are among those of each ARN it matches, whatever
//! its wildcards and variables stand for. Two texts may share a key by chance: keys find candidates, and decide nothing.

use crate::code::{OWN, Step, Steps};
use crate::pattern::{EVERYTHING, NOTHING, Pattern, SHORT};

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    /// One token.
    Token,
    /// Two tokens and what divides them.
    Pair,
    /// The beginning, up to a delimiter.
    Head,
    /// The whole text.
    Whole,
}

/// A literal piece and where it stands.
#[derive(Debug, Clone, Copy)]
struct Piece<'t> {
    text: &'t [u8],
    /// Of everything in front of it, if that is known.
    head: Option<u64>,
    /// A delimiter or the end of the ARN follows.
    ends: bool,
    /// The ARN ends with it.
    is_last: bool,
}

/// Calls `visit` for each key of an ARN; one may come twice. `fold`: ASCII case does not matter.
///
/// Cost: O(bytes of the text); about four keys a token.
pub(crate) fn of_text(text: &[u8], fold: bool, visit: &mut impl FnMut(u32)) {
    let piece = Piece { text, head: Some(START), ends: true, is_last: true };
    of_piece(piece, fold, &mut |_, key| visit(key));
    // Once more from the account on, with the sign that stands for it where it is the owner's.
    let mut colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
    let (Some(fourth), Some(fifth)) = (colons.nth(3), colons.next()) else { return };
    let front = Piece { text: &text[..=fourth], head: Some(START), ends: true, is_last: false };
    let head = of_piece(front, fold, &mut |_, _| ()).map(own);
    let behind = Piece { text: &text[fifth..], head, ends: true, is_last: true };
    of_piece(behind, fold, &mut |kind, key| {
        if matches!(kind, KeyKind::Head | KeyKind::Whole) {
            visit(key);
        }
    });
}

/// Calls `visit` for each key that the pattern promises, of its heads the longest last: none if it matches everything or
/// nothing, else at least one.
///
/// Cost: O(bytes of the pattern).
pub(crate) fn of_pattern(pattern: &Pattern<'_>, fold: bool, visit: &mut impl FnMut(KeyKind, u32)) {
    let kind = pattern.kind();
    if kind == EVERYTHING || kind == NOTHING {
        return;
    }
    // what stands in front of the path is any API.
    let is_short = kind == SHORT;
    if is_short {
        let service = Piece { text: b":execute-api:", head: None, ends: true, is_last: false };
        of_piece(service, fold, visit);
    }
    let mut steps = Steps(pattern.code).peekable();
    let mut head = (!is_short).then_some(START);
    while let Some(step) = steps.next() {
        head = match step {
            Step::Literal(text) => {
                let ends = steps.peek().is_none();
                // The expansion of goes on with a colon where the code ends.
                let is_last = ends && pattern.expanded.is_empty();
                of_piece(Piece { text, head, ends, is_last }, fold, visit)
            }
            Step::Own => head.map(own),
            _ => None,
        };
    }
}

/// The keys of one piece; gives the head that ends with it.
fn of_piece(piece: Piece<'_>, fold: bool, visit: &mut impl FnMut(KeyKind, u32)) -> Option<u64> {
    let Piece { text, mut head, ends, is_last } = piece;
    // The token before this one, and the delimiters behind it.
    let mut before: Option<u64> = None;
    let mut begins = head == Some(START);
    let mut at = 0;
    loop {
        let start = at;
        let mut token = START;
        while let Some(byte) = text.get(at).filter(|byte| !is_delimiter(**byte)) {
            token = mix(token, if fold { byte.to_ascii_lowercase() } else { *byte });
            at += 1;
        }
        let is_empty = at == start;
        let delimiter = text.get(at).copied();
        if !is_empty {
            if begins && (delimiter.is_some() || ends) {
                visit(KeyKind::Token, finish(token, KeyKind::Token));
                if let Some(before) = before {
                    visit(KeyKind::Pair, finish(join(before, token), KeyKind::Pair));
                }
                before = Some(token);
            } else {
                before = None;
            }
            head = head.map(|head| join(head, token));
        }
        let Some(delimiter) = delimiter else { break };
        head = head.map(|head| mix(head, delimiter));
        before = before.map(|before| mix(before, delimiter));
        if let Some(head) = head {
            visit(KeyKind::Head, finish(head, KeyKind::Head));
        }
        begins = true;
        at += 1;
    }
    if let Some(head) = head.filter(|_| is_last) {
        visit(KeyKind::Whole, finish(head, KeyKind::Whole));
    }
    head
}

/// A head that goes on with the account of the policy's owner.
fn own(head: u64) -> u64 {
    mix(head, OWN)
}

/// Cuts a text into tokens: what names are made of.
pub(crate) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'/' | b':' | b'-' | b'_' | b'.')
}

// FNV-1a: a byte at a time, since tokens are cut while they are hashed. Whoever finds texts of one key only fills a
// bucket, which is what writing one token often would do.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn mix(state: u64, byte: u8) -> u64 {
    (state ^ u64::from(byte)).wrapping_mul(PRIME)
}

fn join(left: u64, right: u64) -> u64 {
    (left.rotate_left(23) ^ right).wrapping_mul(PRIME)
}

/// The bits that a table takes its place from come from all others (the finish of MurmurHash3).
fn finish(state: u64, kind: KeyKind) -> u32 {
    let mut state = state ^ (kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ state >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((state ^ state >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> 32) as u32
}
