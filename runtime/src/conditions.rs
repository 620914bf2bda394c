//! Condition atoms and their values, read once (section 4.4): what a row of `atoms` and of `values` says.
//!
//! How they are compared with a request is in `atoms`.

use crate::base64;
use crate::code::{Place, Sign, Step, Steps, Writer, segments, signs, survey, take_u32};
use crate::number;
use iamc_policy::template::Template;
use iamc_policy::{BaseOperator, ConditionKey, Operator, SetOperator};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The operator code of a row of `atoms`: position in `BaseOperator::ALL`, then the set operator (0 none, 1
/// `ForAllValues`, 2 `ForAnyValue`) shifted by 8 and `IfExists` shifted by 10.
pub fn operator_code(operator: &Operator) -> u32 {
    let base = BaseOperator::ALL.iter().position(|base| *base == operator.base).unwrap_or_default() as u32;
    let set = match operator.set {
        None => 0,
        Some(SetOperator::ForAllValues) => 1,
        Some(SetOperator::ForAnyValue) => 2,
    };
    base | set << 8 | u32::from(operator.if_exists) << 10
}

pub(crate) fn read_operator(code: u32) -> Option<Operator> {
    let base = *BaseOperator::ALL.get((code & 0xff) as usize)?;
    let set = match code >> 8 & 3 {
        0 => None,
        1 => Some(SetOperator::ForAllValues),
        2 => Some(SetOperator::ForAnyValue),
        _ => return None,
    };
    (code >> 11 == 0).then_some(Operator { set, base, if_exists: code >> 10 & 1 == 1 })
}

/// As what an operator reads both sides (R-4.30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Text,
    Number,
    Instant,
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

/// How an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) reading: Reading,
    /// R-4.2.
    pub(crate) negated: bool,
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// Both sides are brought into lower case (R-4.18, R-4.23).
    pub(crate) lower: bool,
    /// For numbers and instants: which orders of request against policy value satisfy it (less, equal, greater).
    pub(crate) orders: (bool, bool, bool),
}

impl Manner {
    pub(crate) fn of(base: BaseOperator) -> Manner {
        use BaseOperator::*;
        const EQUAL: (bool, bool, bool) = (false, true, false);
        let manner = |reading| Manner { reading, negated: false, wildcards: false, lower: false, orders: EQUAL };
        let text = manner(Reading::Text);
        let arn = Manner { wildcards: true, ..manner(Reading::Arn) };
        let number = |orders| Manner { orders, ..manner(Reading::Number) };
        let instant = |orders| Manner { orders, ..manner(Reading::Instant) };
        let not = |manner: Manner| Manner { negated: true, ..manner };
        match base {
            StringEquals => text,
            StringNotEquals => not(text),
            StringEqualsIgnoreCase => Manner { lower: true, ..text },
            StringNotEqualsIgnoreCase => not(Manner { lower: true, ..text }),
            StringLike => Manner { wildcards: true, ..text },
            StringNotLike => not(Manner { wildcards: true, ..text }),
            NumericEquals => number(EQUAL),
            NumericNotEquals => not(number(EQUAL)),
            NumericLessThan => number((true, false, false)),
            NumericLessThanEquals => number((true, true, false)),
            NumericGreaterThan => number((false, false, true)),
            NumericGreaterThanEquals => number((false, true, true)),
            DateEquals => instant(EQUAL),
            DateNotEquals => not(instant(EQUAL)),
            DateLessThan => instant((true, false, false)),
            DateLessThanEquals => instant((true, true, false)),
            DateGreaterThan => instant((false, false, true)),
            DateGreaterThanEquals => instant((false, true, true)),
            Bool => Manner { lower: true, ..manner(Reading::Bool) },
            BinaryEquals => manner(Reading::Binary),
            IpAddress => manner(Reading::Address),
            NotIpAddress => not(manner(Reading::Address)),
            ArnEquals | ArnLike => arn,
            ArnNotEquals | ArnNotLike => not(arn),
            Null => manner(Reading::Null),
        }
    }
}

/// Cannot be read as the operator's type (R-4.7).
pub(crate) const MALFORMED: u32 = 0;
/// Null whatever the request says: a variable is malformed (R-3.3).
pub(crate) const NULL: u32 = 1;
/// Compares as this text.
pub(crate) const TEXT: u32 = 2;
/// Compares as code says.
pub(crate) const CODE: u32 = 3;
/// The key of a number or of an instant.
pub(crate) const NUMBER: u32 = 4;
/// IPv4 addresses from the first word to the second.
pub(crate) const V4: u32 = 5;
/// IPv6 addresses from the first two words to the next two.
pub(crate) const V6: u32 = 6;
/// Bytes.
pub(crate) const BYTES: u32 = 7;
/// Every ARN (R-4.28).
pub(crate) const EVERY_ARN: u32 = 8;
/// Six codes, each behind its length.
pub(crate) const ARN: u32 = 9;
/// A value of `Null`: the payload is 1 for `true`, 2 for `false`, 0 for other text.
pub(crate) const WORD: u32 = 10;
const FORM_MASK: u32 = 0xff;
/// A bit of the form word: the policy's own text is a template, in which `${` opens variables.
pub const IS_TEMPLATE: u32 = 1 << 8;

/// An encoded value: what a row of `values` says.
///
/// The bytes are the policy's own text behind its length (`u32`, little-endian), then what the form needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EncodedValue {
    /// For `value_bytes`.
    pub bytes: Vec<u8>,
    /// The form word.
    pub form: u32,
    /// The payload, unless there are words.
    pub payload: u32,
    /// For `value_words`; if there are any, the row's payload is the position of the first.
    pub words: Vec<u64>,
}

/// Reads one policy value for an operator (R-1.40, R-8.5). `key_id` gives the id of a condition key.
///
/// Cost: O(bytes of the value). Panics: never.
///
/// ```
/// use iamc_policy::{BaseOperator, Template};
/// let value = Template::literal("10.0.0.0/8");
/// let mut no_keys = |_: &iamc_policy::ConditionKey| unreachable!();
/// let encoded = iamc_runtime::conditions::encode(&value, BaseOperator::IpAddress, &mut no_keys);
/// assert_eq!(encoded.words, [0x0a00_0000, 0x0aff_ffff]);
/// ```
pub fn encode(template: &Template, base: BaseOperator, key_id: &mut dyn FnMut(&ConditionKey) -> u32) -> EncodedValue {
    let text = template.text();
    let manner = Manner::of(base);
    let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    let is_template = if *template == Template::literal(text) { 0 } else { IS_TEMPLATE };
    let mut encoded = EncodedValue { bytes, form: MALFORMED, payload: 0, words: Vec::new() };
    let data = &mut encoded.bytes;
    let n_text = data.len();
    let form = match manner.reading {
        Reading::Number if number::push_number(text.as_bytes(), data) => NUMBER,
        Reading::Instant if number::push_instant(text.as_bytes(), data) => NUMBER,
        Reading::Binary if base64::push_decoded(text.as_bytes(), data) => BYTES,
        Reading::Number | Reading::Instant | Reading::Binary => {
            data.truncate(n_text);
            MALFORMED
        }
        Reading::Address => match block(text) {
            None => MALFORMED,
            Some((IpAddr::V4(first), prefix)) => {
                let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
                let first = u32::from(first) & !host;
                encoded.words = vec![u64::from(first), u64::from(first | host)];
                V4
            }
            Some((IpAddr::V6(first), prefix)) => {
                let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
                let first = u128::from(first) & !host;
                let last = first | host;
                // Halves of 128 bits, the high one first.
                encoded.words = vec![(first >> 64) as u64, first as u64, (last >> 64) as u64, last as u64];
                V6
            }
        },
        Reading::Null => {
            let is = |word: &str| u32::from(text.eq_ignore_ascii_case(word));
            encoded.payload = is("true") + 2 * is("false");
            WORD
        }
        Reading::Arn => push_arn(template, data, key_id),
        Reading::Text | Reading::Bool if template.fault().is_some() => NULL,
        Reading::Text | Reading::Bool => {
            let mut writer = Writer::new(template, key_id);
            writer.lower = manner.lower;
            writer.push_all(&signs(template), if manner.wildcards { Place::Anything } else { Place::Plain });
            let known = writer.code.iter().all(|byte| *byte < crate::code::FIRST_OPCODE);
            let is_bool = matches!(writer.code.as_slice(), b"true" | b"false");
            data.extend(writer.code);
            match (manner.reading, known) {
                (Reading::Bool, true) if !is_bool => MALFORMED,
                (_, true) => TEXT,
                (_, false) => CODE,
            }
        }
    };
    encoded.form = form | is_template;
    encoded
}

/// R-4.28: the lone star, or six segments of which the first is `arn`, found before variables are resolved.
fn push_arn(template: &Template, data: &mut Vec<u8>, key_id: &mut dyn FnMut(&ConditionKey) -> u32) -> u32 {
    if template.fault().is_some() {
        return if has_arn_segments(template.text()) { NULL } else { MALFORMED };
    }
    let signs = signs(template);
    if !signs.is_empty() && signs.iter().all(|sign| *sign == Sign::Star) {
        return EVERY_ARN;
    }
    let segments = segments(&signs);
    if segments.len() < 6 || segments[0] != [Sign::Char('a'), Sign::Char('r'), Sign::Char('n')] {
        return MALFORMED;
    }
    for segment in segments {
        let mut writer = Writer::new(template, key_id);
        writer.push_all(segment, Place::Anything);
        data.extend((writer.code.len() as u32).to_le_bytes());
        data.extend(writer.code);
    }
    ARN
}

/// The segments of a text with a malformed variable: whatever begins with `${`, up to the next `}` or the end, counts
/// as one variable, colons included.
fn has_arn_segments(text: &str) -> bool {
    let mut rest = text;
    let mut n_colons = 0;
    let mut first = String::new();
    while !rest.is_empty() {
        if rest.starts_with("${") {
            if n_colons == 0 {
                first.push('$');
            }
            rest = rest.find('}').map_or("", |end| &rest[end + 1..]);
            continue;
        }
        let end =
            rest.char_indices().skip(1).find(|(at, _)| rest[*at..].starts_with("${")).map_or(rest.len(), |(at, _)| at);
        for c in rest[..end].chars() {
            if c == ':' {
                n_colons += 1;
            } else if n_colons == 0 {
                first.push(c);
            }
        }
        rest = &rest[end..];
    }
    n_colons >= 5 && first == "arn"
}

/// One address (R-4.25, R-4.26). The standard library reads exactly the forms of R-4.26.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv4Addr>().map(IpAddr::V4).ok().or_else(|| text.parse::<Ipv6Addr>().map(IpAddr::V6).ok())
}

/// An address and its prefix length.
fn block(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = match text.split_once('/') {
        Some((network, length)) => (network, Some(length)),
        None => (text, None),
    };
    let address = address(network)?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match length {
        None => max,
        Some(digits) => {
            let canonical = matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 3;
            if !canonical || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            digits.parse().ok().filter(|prefix| *prefix <= max)?
        }
    };
    Some((address, prefix))
}

/// The prefix length of a block of addresses.
pub(crate) fn block_prefix(text: &str) -> Option<u32> {
    block(text).map(|(_, prefix)| prefix)
}

/// One row of `values`, with its bytes and words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) form: u32,
    pub(crate) payload: u32,
    pub(crate) data: &'a [u8],
    pub(crate) words: &'a [u64],
    text: &'a [u8],
    is_template: bool,
}

impl<'a> Value<'a> {
    /// `None`: the bytes are not what [`encode`] writes. `all_words` is the section `value_words`.
    pub(crate) fn read(bytes: &'a [u8], form: u32, payload: u32, all_words: &'a [u64]) -> Option<Value<'a>> {
        let (n_text, rest) = take_u32(bytes)?;
        let (text, data) = rest.split_at_checked(n_text as usize)?;
        let n_words = match form & FORM_MASK {
            V4 => 2,
            V6 => 4,
            _ => 0,
        };
        let first = if n_words == 0 { 0 } else { payload as usize };
        let words = all_words.get(first..first.checked_add(n_words)?)?;
        let is_template = form & IS_TEMPLATE != 0;
        Some(Value { form: form & FORM_MASK, payload, data, words, text, is_template })
    }

    /// Part of the validation of a set.
    pub(crate) fn is_valid(&self, form: u32, n_keys: usize) -> bool {
        // The account that owns the policy stands in resource patterns only.
        let n_variables =
            |code| survey(code, n_keys).filter(|survey| survey.n_own == 0).map(|survey| survey.n_variables);
        let n_variables = match self.form {
            MALFORMED | NULL | NUMBER | V4 | V6 | BYTES | EVERY_ARN => Some(0),
            TEXT => std::str::from_utf8(self.data).is_ok().then_some(0),
            CODE => n_variables(self.data),
            ARN => self.arn_codes().and_then(|codes| codes.into_iter().map(n_variables).sum()),
            WORD => (self.payload <= 2).then_some(0),
            _ => None,
        };
        form & !(FORM_MASK | IS_TEMPLATE) == 0
            && n_variables.is_some_and(|n| n == 0 || self.is_template)
            && std::str::from_utf8(self.text).is_ok()
    }

    /// The codes of the six components.
    pub(crate) fn arn_codes(&self) -> Option<[&'a [u8]; 6]> {
        let mut codes = [&[][..]; 6];
        let mut rest = self.data;
        for code in &mut codes {
            let (len, behind) = take_u32(rest)?;
            (*code, rest) = behind.split_at_checked(len as usize)?;
        }
        rest.is_empty().then_some(codes)
    }

    /// True iff some variable is in it.
    pub(crate) fn has_variables(&self) -> bool {
        let has_some = |code: &[u8]| Steps(code).any(|step| matches!(step, Step::Variable { .. }));
        self.is_template
            && match self.form {
                CODE => has_some(self.data),
                ARN => self.arn_codes().is_some_and(|codes| codes.into_iter().any(has_some)),
                _ => false,
            }
    }

    /// The value as the policy says it.
    pub(crate) fn template(&self) -> Template {
        let text = String::from_utf8_lossy(self.text).into_owned();
        if self.is_template { Template::with_variables(text) } else { Template::literal(text) }
    }
}

/// True iff a value of that form word can be one of the operator's.
pub(crate) fn fits(form: u32, base: BaseOperator) -> bool {
    let form = form & FORM_MASK;
    match Manner::of(base).reading {
        Reading::Text => matches!(form, NULL | TEXT | CODE),
        Reading::Bool => matches!(form, MALFORMED | NULL | TEXT | CODE),
        Reading::Number | Reading::Instant => matches!(form, MALFORMED | NUMBER),
        Reading::Binary => matches!(form, MALFORMED | BYTES),
        Reading::Address => matches!(form, MALFORMED | V4 | V6),
        Reading::Arn => matches!(form, MALFORMED | NULL | EVERY_ARN | ARN),
        Reading::Null => form == WORD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str, base: BaseOperator) -> u32 {
        let template = if base.supports_variables() { Template::with_variables(text) } else { Template::literal(text) };
        let encoded = encode(&template, base, &mut |_| 0);
        let value = Value::read(&encoded.bytes, encoded.form, 0, &encoded.words).unwrap();
        assert!(value.is_valid(encoded.form, 1), "{text}");
        assert_eq!(value.template(), template, "{text}");
        value.form
    }

    #[test]
    fn operators_round_trip() {
        for base in BaseOperator::ALL {
            for set in [None, Some(SetOperator::ForAllValues), Some(SetOperator::ForAnyValue)] {
                for if_exists in [false, true] {
                    let operator = Operator { set, base: *base, if_exists };
                    assert_eq!(read_operator(operator_code(&operator)), Some(operator));
                }
            }
        }
        assert_eq!(read_operator(27), None);
        assert_eq!(read_operator(3 << 8), None);
        assert_eq!(read_operator(1 << 11), None);
    }

    #[test]
    fn forms() {
        use BaseOperator::*;
        for (base, text, expected) in [
            (StringEquals, "a*", TEXT),
            (StringLike, "a*", CODE),
            (StringLike, "a${*}", TEXT),
            (StringEquals, "a${k}", CODE),
            (StringEquals, "a${k", NULL),
            (NumericEquals, "1e5", NUMBER),
            (NumericEquals, "${k}", MALFORMED),
            (DateEquals, "2026-01", NUMBER),
            (DateEquals, "soon", MALFORMED),
            (Bool, "TRUE", TEXT),
            (Bool, "yes", MALFORMED),
            (Bool, "${k}", CODE),
            (BinaryEquals, "Zg==", BYTES),
            (BinaryEquals, "Zg", MALFORMED),
            (IpAddress, "10.0.0.1", V4),
            (IpAddress, "::/0", V6),
            (IpAddress, "10.0.0.0/08", MALFORMED),
            (IpAddress, "10.0.0.0/33", MALFORMED),
            (IpAddress, "10.0.0.0/+8", MALFORMED),
            (ArnLike, "*", EVERY_ARN),
            (ArnLike, "arn:aws:iam::1:role/*", ARN),
            (ArnLike, "arn:aws:iam::${a:b}:role/*", ARN),
            (ArnLike, "${k}", MALFORMED),
            (ArnLike, "arn:aws:iam::${a b:c}:role/*", NULL),
            (ArnLike, "arn:aws:iam:${a b:c:d", MALFORMED),
            (Null, "TRUE", WORD),
        ] {
            assert_eq!(form(text, base), expected, "{base:?} {text}");
        }
    }

    #[test]
    fn blocks_are_ranges() {
        let words = |text| encode(&Template::literal(text), BaseOperator::IpAddress, &mut |_| 0).words;
        assert_eq!(words("203.0.113.9/24"), [0xcb00_7100, 0xcb00_71ff]);
        assert_eq!(words("0.0.0.0/0"), [0, 0xffff_ffff]);
        assert_eq!(words("::1"), [0, 1, 0, 1]);
        assert_eq!(words("::/0"), [0, 0, u64::MAX, u64::MAX]);
    }
}
