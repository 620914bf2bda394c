//! The byte code of texts with wildcards and variables, and the one matcher that runs it (R-2.1, R-2.13, R-8.7).
//!
//! A code is UTF-8 text in which seven bytes that UTF-8 never uses stand for what is not literal:
//!
//! ```text
//! 0xFF                             any number of characters
//! 0xFE                             any number of characters, no colon among them
//! 0xFD                             one character
//! 0xFC                             one character, no colon
//! 0xFB key:u32 default:u32 bytes   a variable inside a segment: `default` is 0, or one more than the bytes that follow
//! 0xFA key:u32 default:u32 bytes   a variable where wildcards of its value may match anything
//! 0xF9                             the twelve digits of the account that owns the policy
//! ```
//!
//! Nothing is escaped: a literal `*` is the byte `*`. Numbers are little-endian.
//!
//! The matcher keeps the set of positions of the subject that the code read so far can reach: one position while the
//! code is literal, a bit set behind the first wildcard. Cost: O(bytes of the code × bytes of the subject) at worst.

use iamc_policy::ConditionKey;
use iamc_policy::template::{Piece, Template};

pub(crate) const ANY: u8 = 0xff;
pub(crate) const SEGMENT: u8 = 0xfe;
pub(crate) const ONE: u8 = 0xfd;
pub(crate) const ONE_SEGMENT: u8 = 0xfc;
pub(crate) const VARIABLE_SEGMENT: u8 = 0xfb;
pub(crate) const VARIABLE: u8 = 0xfa;
pub(crate) const OWN: u8 = 0xf9;
/// No byte of literal text is as great.
pub(crate) const FIRST_OPCODE: u8 = OWN;

/// In place of the number of a variable, for whoever fills codes: the account that owns the policy.
pub(crate) const OWN_ACCOUNT: usize = usize::MAX;
/// How many digits that account has.
const OWN_LEN: u32 = 12;

/// One sign of a policy text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// This character.
    Char(char),
    /// `?`.
    One,
    /// `*`.
    Star,
    /// The variable with this position among the template's.
    Variable(usize),
    /// The account that owns the policy.
    Own,
}

/// The signs of a template without a fault, `*` and `?` of its literal text being wildcards.
pub(crate) fn signs(template: &Template) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut n_variables = 0;
    for piece in template.pieces() {
        match piece {
            Piece::Literal(text) => signs.extend(text.chars().map(|c| match c {
                '*' => Sign::Star,
                '?' => Sign::One,
                c => Sign::Char(c),
            })),
            Piece::Escape(c) => signs.push(Sign::Char(c)),
            Piece::Variable(_) => {
                signs.push(Sign::Variable(n_variables));
                n_variables += 1;
            }
        }
    }
    signs
}

/// Cuts at the first five colons: at most six segments (R-2.11).
pub(crate) fn segments(signs: &[Sign]) -> Vec<&[Sign]> {
    signs.splitn(6, |sign| *sign == Sign::Char(':')).collect()
}

/// How the signs of one stretch become code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// No wildcards: `*` and `?` are text.
    Plain,
    /// Wildcards match anything.
    Anything,
    /// One of the first five segments of a resource pattern: only a `*` that ends it may match colons (R-2.13).
    Segment,
}

/// Writes code.
pub(crate) struct Writer<'t, 'k> {
    pub(crate) code: Vec<u8>,
    template: &'t Template,
    key_id: &'k mut dyn FnMut(&ConditionKey) -> u32,
    /// Literal text and defaults are brought into the lower case of R-1.19.
    pub(crate) lower: bool,
}

impl<'t, 'k> Writer<'t, 'k> {
    pub(crate) fn new(template: &'t Template, key_id: &'k mut dyn FnMut(&ConditionKey) -> u32) -> Writer<'t, 'k> {
        Writer { code: Vec::new(), template, key_id, lower: false }
    }

    pub(crate) fn push_char(&mut self, c: char) {
        let mut utf8 = [0; 4];
        if self.lower {
            for c in c.to_lowercase() {
                self.code.extend(c.encode_utf8(&mut utf8).as_bytes());
            }
        } else {
            self.code.extend(c.encode_utf8(&mut utf8).as_bytes());
        }
    }

    pub(crate) fn push_all(&mut self, signs: &[Sign], place: Place) {
        for (i, sign) in signs.iter().enumerate() {
            match (*sign, place) {
                (Sign::Char(c), _) => self.push_char(c),
                (Sign::One, Place::Plain) => self.push_char('?'),
                (Sign::Star, Place::Plain) => self.push_char('*'),
                (Sign::One, Place::Anything) => self.code.push(ONE),
                (Sign::One, Place::Segment) => self.code.push(ONE_SEGMENT),
                (Sign::Star, Place::Segment) if i + 1 < signs.len() => self.code.push(SEGMENT),
                (Sign::Star, _) => self.code.push(ANY),
                (Sign::Variable(at), place) => self.push_variable(at, place == Place::Segment),
                (Sign::Own, _) => self.code.push(OWN),
            }
        }
    }

    fn push_variable(&mut self, at: usize, in_segment: bool) {
        let Some(variable) = self.template.variables().nth(at) else { return };
        self.code.push(if in_segment { VARIABLE_SEGMENT } else { VARIABLE });
        self.code.extend((self.key_id)(&variable.key).to_le_bytes());
        match &variable.default {
            None => self.code.extend(0u32.to_le_bytes()),
            Some(default) => {
                // A default is part of a policy, whose size is bounded far below 4 GiB by the reader.
                self.code.extend((default.len() as u32 + 1).to_le_bytes());
                self.code.extend(default.as_bytes());
            }
        }
    }
}

/// One step of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'c> {
    Literal(&'c [u8]),
    /// Any number of characters; `true`: no colon.
    Run(bool),
    /// One character; `true`: no colon.
    One(bool),
    Variable {
        key: u32,
        default: Option<&'c [u8]>,
        in_segment: bool,
    },
    /// The account that owns the policy.
    Own,
    /// The bytes are no code; never met in a validated set.
    Broken,
}

/// The steps of a code, in order.
#[derive(Debug, Clone)]
pub(crate) struct Steps<'c>(pub(crate) &'c [u8]);

impl<'c> Iterator for Steps<'c> {
    type Item = Step<'c>;

    fn next(&mut self) -> Option<Step<'c>> {
        let code = self.0;
        let first = *code.first()?;
        if first < FIRST_OPCODE {
            let end = literal_len(code);
            let (literal, rest) = code.split_at(end);
            self.0 = rest;
            return Some(Step::Literal(literal));
        }
        let rest = &code[1..];
        self.0 = rest;
        Some(match first {
            ANY => Step::Run(false),
            SEGMENT => Step::Run(true),
            ONE => Step::One(false),
            ONE_SEGMENT => Step::One(true),
            OWN => Step::Own,
            _ => {
                let Some((key, rest)) = take_u32(rest) else { return self.broken() };
                let Some((len, rest)) = take_u32(rest) else { return self.broken() };
                let default = match (len as usize).checked_sub(1) {
                    None => None,
                    Some(len) if len <= rest.len() => Some(&rest[..len]),
                    Some(_) => return self.broken(),
                };
                self.0 = &rest[default.map_or(0, <[u8]>::len)..];
                Step::Variable { key, default, in_segment: first == VARIABLE_SEGMENT }
            }
        })
    }
}

/// The bits that eight bytes of ASCII do not have.
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The number of bytes before the first opcode. Eight bytes of ASCII are told at a glance.
fn literal_len(code: &[u8]) -> usize {
    let (words, _) = code.as_chunks::<8>();
    let start = 8 * words.iter().take_while(|word| u64::from_le_bytes(**word) & HIGH == 0).count();
    let rest = code[start..].iter().position(|byte| *byte >= FIRST_OPCODE);
    rest.map_or(code.len(), |at| start + at)
}

impl<'c> Steps<'c> {
    fn broken(&mut self) -> Option<Step<'c>> {
        self.0 = &[];
        Some(Step::Broken)
    }
}

pub(crate) fn take_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head), rest))
}

/// How many steps of a code are of the kinds that its pattern or value knows by flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Survey {
    pub(crate) n_variables: usize,
    pub(crate) n_own: usize,
}

/// What is in a code; `None`: the bytes are none, or one of its variables is no key below `n_keys`, or a literal or a
/// default is not UTF-8.
pub(crate) fn survey(code: &[u8], n_keys: usize) -> Option<Survey> {
    // Most codes are ASCII with a wildcard or two, which is told without a step.
    match plain(code) {
        Some(n_own) => Some(Survey { n_variables: 0, n_own }),
        None => survey_of_steps(code, n_keys),
    }
}

fn survey_of_steps(code: &[u8], n_keys: usize) -> Option<Survey> {
    let mut survey = Survey::default();
    for step in Steps(code) {
        let holds = match step {
            Step::Broken => false,
            Step::Literal(text) => text.is_ascii() || std::str::from_utf8(text).is_ok(),
            Step::Variable { key, default, .. } => {
                survey.n_variables += 1;
                (key as usize) < n_keys && default.is_none_or(|default| std::str::from_utf8(default).is_ok())
            }
            Step::Own => {
                survey.n_own += 1;
                true
            }
            Step::Run(_) | Step::One(_) => true,
        };
        if !holds {
            return None;
        }
    }
    Some(survey)
}

/// How often the account that owns the policy stands in a code that is ASCII and wildcards else; `None`: it is not.
fn plain(code: &[u8]) -> Option<usize> {
    let (words, rest) = code.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut n_own = 0;
    for word in words.iter().chain([&last]) {
        let bits = u64::from_le_bytes(*word);
        // Bytes whose upper six bits are set: wildcards.
        let wild = bits & bits << 1 & bits << 2 & bits << 3 & bits << 4 & bits << 5;
        if bits & HIGH & !wild == 0 {
            continue;
        }
        if !word.iter().all(|byte| byte.is_ascii() || matches!(*byte, OWN | ONE_SEGMENT..)) {
            return None;
        }
        n_own += word.iter().filter(|byte| **byte == OWN).count();
    }
    Some(n_own)
}

/// The bytes that a step matches at least.
pub(crate) fn step_min_len(step: Step<'_>) -> u32 {
    match step {
        Step::Literal(text) => u32::try_from(text.len()).unwrap_or(u32::MAX),
        Step::One(_) => 1,
        Step::Own => OWN_LEN,
        Step::Run(_) | Step::Variable { .. } | Step::Broken => 0,
    }
}

/// What stands in place of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filling<'v> {
    /// This text.
    Text(&'v [u8]),
    /// Something that is not known: any text, colons included (R-8.7).
    Hole,
    /// Nothing is there, so nothing matches: no account owns the policy.
    Nothing,
}

/// How a code is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Comparison {
    /// R-3.12, by its switch: `*` and `?` of values are wildcards.
    pub(crate) wild_values: bool,
    /// Of that many leading bytes of the subject the ASCII case does not matter (R-2.15, by its switch).
    pub(crate) n_folded: usize,
}

/// The positions of a subject that can be reached; reused between comparisons, so that they allocate nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reached {
    now: Vec<u64>,
    next: Vec<u64>,
}

/// Longer literals are compared at each position: mostly their first bytes tell.
const SHORT_LITERAL: usize = 8;

/// The state of a comparison: one position, or those whose bits are set.
enum At {
    One(usize),
    Many,
}

impl Reached {
    /// True iff the code matches the whole subject. `filling(i)` is what stands for the code's variable `i`, and
    /// `filling(OWN_ACCOUNT)` for the account that owns the policy.
    pub(crate) fn matches<'v>(
        &mut self,
        code: &[u8],
        subject: &[u8],
        how: Comparison,
        filling: impl Fn(usize) -> Filling<'v>,
    ) -> bool {
        if how.n_folded == 0 {
            // Most codes are a text, or the beginning of one.
            let (literal, rest) = code.split_at(literal_len(code));
            if rest.is_empty() {
                return literal == subject;
            }
            let Some(behind) = subject.strip_prefix(literal) else { return false };
            if *rest == [ANY] {
                return true;
            }
            if rest.iter().all(|byte| *byte < FIRST_OPCODE || *byte == ANY) {
                return pieces(rest, behind);
            }
        }
        let mut n_variables = 0;
        let mut at = At::One(0);
        for step in Steps(code) {
            let alive = match step {
                Step::Literal(text) => self.literal(&mut at, text, subject, how),
                Step::Run(segment) => self.run(&mut at, segment, subject),
                Step::One(segment) => self.one(&mut at, segment, subject),
                Step::Variable { in_segment, .. } => {
                    let filling = filling(n_variables);
                    n_variables += 1;
                    match filling {
                        Filling::Nothing => false,
                        Filling::Hole => self.run(&mut at, false, subject),
                        Filling::Text(text) if how.wild_values => self.wild(&mut at, text, in_segment, subject, how),
                        Filling::Text(text) => self.literal(&mut at, text, subject, how),
                    }
                }
                Step::Own => match filling(OWN_ACCOUNT) {
                    Filling::Text(account) => self.literal(&mut at, account, subject, how),
                    Filling::Hole => self.run(&mut at, true, subject),
                    Filling::Nothing => false,
                },
                Step::Broken => false,
            };
            if !alive {
                return false;
            }
        }
        match at {
            At::One(position) => position == subject.len(),
            At::Many => self.now[subject.len() / 64] >> (subject.len() % 64) & 1 == 1,
        }
    }

    /// A value whose wildcards count.
    fn wild(&mut self, at: &mut At, text: &[u8], segment: bool, subject: &[u8], how: Comparison) -> bool {
        let mut rest = text;
        while let Some(first) = rest.first() {
            let alive = match first {
                b'*' => self.run(at, segment, subject),
                b'?' => self.one(at, segment, subject),
                _ => {
                    let end = rest.iter().position(|byte| matches!(byte, b'*' | b'?')).unwrap_or(rest.len());
                    let alive = self.literal(at, &rest[..end], subject, how);
                    rest = &rest[end..];
                    if !alive {
                        return false;
                    }
                    continue;
                }
            };
            if !alive {
                return false;
            }
            rest = &rest[1..];
        }
        true
    }

    fn literal(&mut self, at: &mut At, text: &[u8], subject: &[u8], how: Comparison) -> bool {
        let here = |position: usize| {
            let Some(part) = subject.get(position..position + text.len()) else { return false };
            if position >= how.n_folded {
                return part == text;
            }
            let n_folded = (how.n_folded - position).min(text.len());
            part[..n_folded].eq_ignore_ascii_case(&text[..n_folded]) && part[n_folded..] == text[n_folded..]
        };
        match at {
            At::One(position) => {
                if !here(*position) {
                    return false;
                }
                *position += text.len();
                true
            }
            At::Many if text.len() <= SHORT_LITERAL && how.n_folded == 0 => self.short_literal(text, subject),
            At::Many => self.step(|position| here(position).then_some(position + text.len())),
        }
    }

    /// A literal of few bytes, whose case counts: all positions at once, byte by byte.
    fn short_literal(&mut self, text: &[u8], subject: &[u8]) -> bool {
        for byte in text {
            // Whether some position was left, and the highest bit of the word before.
            let (mut alive, mut carry) = (0, 0);
            for (word, at) in self.now.iter_mut().zip((0..).step_by(64)) {
                let kept = if *word == 0 { 0 } else { *word & equal(subject.get(at..).unwrap_or_default(), *byte) };
                *word = kept << 1 | carry;
                carry = kept >> 63;
                alive |= kept;
            }
            if alive == 0 {
                return false;
            }
        }
        true
    }

    fn one(&mut self, at: &mut At, segment: bool, subject: &[u8]) -> bool {
        let here = |position: usize| {
            let first = *subject.get(position)?;
            let width = match first {
                b':' if segment => return None,
                0x00..=0x7f => 1,
                // A continuation byte: no character begins here.
                0x80..=0xbf => return None,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            Some(position + width)
        };
        match at {
            At::One(position) => match here(*position) {
                Some(next) => {
                    *position = next;
                    true
                }
                None => false,
            },
            At::Many => self.step(here),
        }
    }

    fn run(&mut self, at: &mut At, segment: bool, subject: &[u8]) -> bool {
        let n_words = subject.len() / 64 + 1;
        if let At::One(position) = *at {
            self.now.clear();
            self.now.resize(n_words, 0);
            self.now[position / 64] |= 1 << (position % 64);
            *at = At::Many;
        }
        let mut from = lowest(&self.now, 0);
        while let Some(first) = from {
            let end = if segment {
                subject[first..].iter().position(|byte| *byte == b':').map_or(subject.len(), |colon| first + colon)
            } else {
                subject.len()
            };
            fill(&mut self.now, first, end);
            from = lowest(&self.now, end + 1);
        }
        true
    }

    /// Moves every position; those that cannot move are gone. False: none is left.
    fn step(&mut self, here: impl Fn(usize) -> Option<usize>) -> bool {
        self.next.clear();
        self.next.resize(self.now.len(), 0);
        let mut alive = false;
        for (word, bits) in self.now.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let position = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Some(next) = here(position)
                    && let Some(word) = self.next.get_mut(next / 64)
                {
                    *word |= 1 << (next % 64);
                    alive = true;
                }
            }
        }
        std::mem::swap(&mut self.now, &mut self.next);
        alive
    }
}

/// A code of literal pieces between stars, of which the first step is a star: each piece is found as early as it can be,
/// the last at the end. Pieces are whole characters, and so is what they match.
///
/// Cost: O(bytes of the code + bytes of the subject).
fn pieces(code: &[u8], subject: &[u8]) -> bool {
    let mut pieces = code.split(|byte| *byte == ANY);
    let last = pieces.next_back().unwrap_or_default();
    let Some(mut rest) = subject.strip_suffix(last) else { return false };
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        match memchr::memmem::find(rest, piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// Which of the first 64 bytes are this one, as bits.
fn equal(text: &[u8], byte: u8) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let of_word = |word: u64| {
        let differs = word ^ u64::from_le_bytes([byte; 8]);
        let high = !(((differs & LOW) + LOW) | differs | LOW);
        // Gathers the highest bits of the eight bytes.
        (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let (words, rest) = text[..text.len().min(64)].as_chunks::<8>();
    let mut bits = 0;
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        bits |= of_word(u64::from_le_bytes(*word)) << at;
    }
    rest.iter().zip(8 * words.len()..).fold(bits, |bits, (other, at)| bits | u64::from(*other == byte) << at)
}

/// The lowest set position from `from` on.
fn lowest(words: &[u64], from: usize) -> Option<usize> {
    let mut word = from / 64;
    let mut bits = words.get(word)? & (u64::MAX << (from % 64));
    while bits == 0 {
        word += 1;
        bits = *words.get(word)?;
    }
    Some(word * 64 + bits.trailing_zeros() as usize)
}

/// Sets `first..=last`.
fn fill(words: &mut [u64], first: usize, last: usize) {
    for (word, bits) in words.iter_mut().enumerate().take(last / 64 + 1).skip(first / 64) {
        let low = if word == first / 64 { u64::MAX << (first % 64) } else { u64::MAX };
        let high = if word == last / 64 { u64::MAX >> (63 - last % 64) } else { u64::MAX };
        *bits |= low & high;
    }
}

/// `glob` over two ASCII texts, `*` and `?` in the first being wildcards: names of actions.
///
/// Cost: O(pattern × subject) at worst.
pub(crate) fn glob_ascii(pattern: &[u8], subject: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on if the text behind the last star does not fit: the star, and the next start of its rest.
    let mut retry: Option<(usize, usize)> = None;
    while read < subject.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at, read));
                at += 1;
            }
            Some(sign) if *sign == b'?' || *sign == subject[read] => {
                at += 1;
                read += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(pattern: &str) -> Vec<u8> {
        let template = Template::with_variables(pattern);
        let mut ids = |_: &ConditionKey| 7;
        let mut writer = Writer::new(&template, &mut ids);
        writer.push_all(&signs(&template), Place::Anything);
        writer.code
    }

    /// The definition of R-2.1, by recursion over code points: what the matcher is compared with.
    fn naive(pattern: &[char], subject: &[char]) -> bool {
        match pattern.first() {
            None => subject.is_empty(),
            Some('*') => (0..=subject.len()).any(|n| naive(&pattern[1..], &subject[n..])),
            Some('?') => !subject.is_empty() && naive(&pattern[1..], &subject[1..]),
            Some(c) => subject.first() == Some(c) && naive(&pattern[1..], &subject[1..]),
        }
    }

    /// All texts over an alphabet up to a length.
    fn texts(alphabet: &[char], max: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = vec![String::new()];
        for _ in 0..max {
            last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn every_small_glob() {
        let mut reached = Reached::default();
        let subjects = texts(&['a', 'é', ':'], 4);
        for pattern in texts(&['a', 'é', '*', '?'], 4) {
            let code = code(&pattern);
            let chars: Vec<char> = pattern.chars().collect();
            for subject in &subjects {
                let expected = naive(&chars, &subject.chars().collect::<Vec<char>>());
                let got = reached.matches(&code, subject.as_bytes(), Comparison::default(), |_| Filling::Hole);
                assert_eq!(got, expected, "{pattern} {subject}");
                if pattern.is_ascii() && subject.is_ascii() {
                    assert_eq!(glob_ascii(pattern.as_bytes(), subject.as_bytes()), expected, "{pattern} {subject}");
                }
            }
        }
    }

    #[test]
    fn values_stand_for_themselves() {
        let mut reached = Reached::default();
        let mut check = |pattern: &str, value: &'static str, subject: &str, wild: bool| {
            let how = Comparison { wild_values: wild, n_folded: 0 };
            reached.matches(&code(pattern), subject.as_bytes(), how, |_| Filling::Text(value.as_bytes()))
        };
        assert!(check("a/${k}/*", "x", "a/x/y", false));
        assert!(!check("a/${k}/*", "*", "a/x/y", false));
        assert!(check("a/${k}/*", "*", "a/*/y", false));
        assert!(check("a/${k}/*", "*", "a/x/y", true));
        assert!(check("*${k}*", "?", "é", true));
        assert!(!check("${k}", "é?", "é", true));
        assert!(check("${k, 'd'}${*}", "", "*", false));
    }

    #[test]
    fn long_subjects_use_several_words() {
        let mut reached = Reached::default();
        let subject = "ab".repeat(500);
        let how = Comparison::default();
        let mut check = |pattern: &str| reached.matches(&code(pattern), subject.as_bytes(), how, |_| Filling::Hole);
        assert!(check("*ba*ab"));
        assert!(!check("*bb*"));
        assert!(check(&format!("*{}", "?".repeat(1000))));
        assert!(!check(&format!("*{}", "?".repeat(1001))));
    }

    #[test]
    fn broken_code_is_told() {
        assert_eq!(survey(&code("a*?${k, 'd'}"), 8), Some(Survey { n_variables: 1, n_own: 0 }));
        assert_eq!(survey(&code("${k}"), 7), None);
        let whole = code("${k, 'default'}");
        for len in 1..whole.len() {
            assert!(survey(&whole[..len], 8).is_none(), "{len}");
        }
        assert!(survey(&[0xf5], 0).is_none());
    }

    #[test]
    fn a_code_is_surveyed_as_its_steps_are() {
        let bytes = [b'a', 0, 0x7f, 0xc3, 0xa9, 0xf5, 0xf8, OWN, VARIABLE, ONE_SEGMENT, ONE, SEGMENT, ANY];
        for len in [0, 1, 7, 8, 9, 17] {
            for (at, other_at) in (0..len).flat_map(|at| (0..len).map(move |other_at| (at, other_at))) {
                for (byte, other) in bytes.iter().flat_map(|byte| bytes.map(|other| (*byte, other))) {
                    let mut code = vec![b'x'; len];
                    code[at] = byte;
                    code[other_at] = other;
                    assert_eq!(survey(&code, 9), survey_of_steps(&code, 9), "{code:x?}");
                }
            }
        }
    }

    #[test]
    fn short_literals_move_all_positions_at_once() {
        let subject: Vec<u8> = (0..150u8).map(|at| b"qqqr\xc3\xa9:qqz"[usize::from(at) % 9]).collect();
        for len in (0..subject.len()).step_by(7).chain([63, 64, 65, 127, 128, 129]) {
            let subject = &subject[..len];
            for text in [&b"q"[..], b"qq", b"r", b"\xc3\xa9:", b"qqr\xc3\xa9:qq", b"x"] {
                for gap in 1..5 {
                    let mut quick = Reached { now: vec![0; len / 64 + 1], next: Vec::new() };
                    for position in (0..=len).step_by(gap) {
                        quick.now[position / 64] |= 1 << (position % 64);
                    }
                    let mut slow = quick.clone();
                    let here = |position: usize| subject[position..].starts_with(text).then_some(position + text.len());
                    let alive = slow.step(here);
                    assert_eq!(quick.short_literal(text, subject), alive, "{text:?} {len} {gap}");
                    if alive {
                        assert_eq!(quick.now, slow.now, "{text:?} {len} {gap}");
                    }
                }
            }
        }
    }
}
