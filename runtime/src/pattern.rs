//! Entries of `Resource` and `NotResource`, encoded once and compared with the resource of a request (section 2.3).
//!
//! [`encode`] works out everything that the policy text alone says: whether the entry can match at all (R-2.16, R-2.17),
//! its normal form (R-2.24), which star may match colons (R-2.13), and whether a shape that is quicker to compare than
//! the general code says the same.

use crate::code::{
    ANY, Comparison, FIRST_OPCODE, Filling, OWN, OWN_ACCOUNT, Place, Reached, Sign, Step, Steps, Writer, segments,
    signs, step_min_len, take_u32,
};
use iamc_policy::settings::{ArnCase, PartialArn};
use iamc_policy::template::Template;
use iamc_policy::{ConditionKey, PolicyKind, Settings};

/// Matches nothing.
pub(crate) const NOTHING: u32 = 0;
/// Matches everything, the pseudo-resource included (R-2.12).
pub(crate) const EVERYTHING: u32 = 1;
/// The whole text, literally.
pub(crate) const EXACT: u32 = 2;
/// Literal text, then a star that may match anything.
pub(crate) const PREFIX: u32 = 3;
/// Six segments, of which the first five are literal or a lone star (R-2.14).
pub(crate) const COMPONENTS: u32 = 4;
/// Whatever the code says.
pub(crate) const GENERAL: u32 = 5;
/// `execute-api:/…`, short for the API that carries the policy (R-2.17); the code is what stands behind the colon.
pub(crate) const SHORT: u32 = 6;
pub(crate) const SHAPE_MASK: u32 = 0xff;

/// The code has variables.
pub(crate) const HAS_VARIABLES: u32 = 1 << 8;
/// A variable is malformed: the entry is null (R-3.3).
pub(crate) const IS_NULL: u32 = 1 << 9;
/// A header tells the lengths of two codes, and the policy's own text follows them.
pub(crate) const HAS_PARTS: u32 = 1 << 10;
/// The policy's own text has variables or escapes.
pub(crate) const IS_TEMPLATE: u32 = 1 << 11;
/// The account component is that of the account that owns the policy, whichever it is: copies of a policy in many
/// accounts share the pattern. Only [`COMPONENTS`] and [`GENERAL`] have it, once.
pub(crate) const HAS_OWN: u32 = 1 << 12;
const ALL_FLAGS: u32 = SHAPE_MASK | HAS_VARIABLES | IS_NULL | HAS_PARTS | IS_TEMPLATE | HAS_OWN;

/// An encoded entry: what a row of `patterns` says.
///
/// The bytes are one code, or with a header the code, the code of the expanded form of R-2.16 (empty if there is none)
/// and the policy's own text, from which the account is left out where it is the owner's:
///
/// ```text
/// code                                                  most entries
/// len:u32 len:u32 code code text                        HAS_PARTS
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Encoded {
    /// For `pattern_bytes`.
    pub bytes: Vec<u8>,
    /// The shape word.
    pub shape: u32,
    /// No shorter text matches, in bytes.
    pub min_len: u32,
}

/// Encodes one entry for policies of a kind. `key_id` gives the id of a condition key.
///
/// Identity, boundary and session policies give the same encoding, and so do key policies and other resource policies
/// unless the entry begins with `execute-api:`, which no key policy can make use of.
///
/// Cost: O(bytes of the entry). Panics: never.
///
/// ```
/// use iamc_policy::{PolicyKind, Settings, Template};
/// let bucket = Template::with_variables("arn:aws:s3:::bucket/*");
/// let mut no_keys = |_: &iamc_policy::ConditionKey| unreachable!();
/// let encoded = iamc_runtime::pattern::encode(&bucket, PolicyKind::Identity, &Settings::default(), &mut no_keys);
/// assert_eq!(encoded.min_len as usize, "arn:aws:s3:::bucket/".len());
/// ```
pub fn encode(
    template: &Template,
    kind: PolicyKind,
    settings: &Settings,
    key_id: &mut dyn FnMut(&ConditionKey) -> u32,
) -> Encoded {
    encode_signs(template, signs(template), kind, settings, key_id)
}

/// Where the account of an entry stands in its text, if it is one that [`encode_own`] can leave out: twelve digits
/// as the fifth segment of `arn:…`, with no variable in front of them.
///
/// ```
/// let entry = "arn:aws:sqs:*:111122223333:jobs";
/// assert_eq!(iamc_runtime::pattern::account_of(entry).map(|account| &entry[account]), Some("111122223333"));
/// assert_eq!(iamc_runtime::pattern::account_of("arn:aws:sqs:*:11112222333*:jobs"), None);
/// ```
pub fn account_of(text: &str) -> Option<std::ops::Range<usize>> {
    let mut colons = text.match_indices(':').map(|(at, _)| at);
    let (start, end) = (colons.nth(3)? + 1, colons.next()?);
    let is_account = end - start == 12 && text[start..end].bytes().all(|byte| byte.is_ascii_digit());
    (is_account && text.starts_with("arn:") && !text[..start].contains('$')).then_some(start..end)
}

/// As [`encode`], for an entry whose account is that of the owner of the policy. `template` is the entry without the
/// digits at [`account_of`]: its fifth segment is empty.
///
/// `None`: the template has no such segment, or the entry matches nothing.
pub fn encode_own(
    template: &Template,
    kind: PolicyKind,
    settings: &Settings,
    key_id: &mut dyn FnMut(&ConditionKey) -> u32,
) -> Option<Encoded> {
    let mut signs = signs(template);
    let mut colons = signs.iter().enumerate().filter(|(_, sign)| **sign == Sign::Char(':')).map(|(at, _)| at);
    let (fourth, fifth) = (colons.nth(3)?, colons.next()?);
    if fourth + 1 != fifth || template.fault().is_some() {
        return None;
    }
    signs.insert(fifth, Sign::Own);
    let encoded = encode_signs(template, signs, kind, settings, key_id);
    (encoded.shape & SHAPE_MASK != NOTHING).then_some(encoded)
}

fn encode_signs(
    template: &Template,
    signs: Vec<Sign>,
    kind: PolicyKind,
    settings: &Settings,
    key_id: &mut dyn FnMut(&ConditionKey) -> u32,
) -> Encoded {
    let is_template = if *template == Template::literal(template.text()) { 0 } else { IS_TEMPLATE };
    if template.fault().is_some() {
        return with_parts(template, NOTHING | IS_NULL | is_template, Vec::new(), Vec::new(), 0);
    }
    let variables = if template.variables().next().is_some() { HAS_VARIABLES } else { 0 };
    let own = if signs.contains(&Sign::Own) { HAS_OWN } else { 0 };
    let flags = variables | is_template | own;
    if !signs.is_empty() && signs.iter().all(|sign| *sign == Sign::Star) {
        return finish(template, EVERYTHING | flags, vec![ANY], Vec::new(), 0);
    }
    let mut write = |parts: &[(&[Sign], Place)], join: bool| {
        let mut writer = Writer::new(template, key_id);
        for (i, (signs, place)) in parts.iter().enumerate() {
            if join && i > 0 {
                writer.push_char(':');
            }
            writer.push_all(signs, *place);
        }
        writer.code
    };
    if kind == PolicyKind::Resource
        && let Some(path) = behind(&signs, "execute-api:")
        && path.first() == Some(&Sign::Char('/'))
    {
        let code = write(&[(path, Place::Anything)], false);
        return with_parts(template, SHORT | flags, code, Vec::new(), 0);
    }
    let Some((segments, expands)) = forms(&signs, kind, settings) else {
        // The variables are kept: whether one of them is null matters to `NotResource` (R-3.10, by its switch).
        let code = write(&[(&signs, Place::Anything)], false);
        return with_parts(template, NOTHING | flags, code, Vec::new(), 0);
    };
    let place = |i: usize| if i == 5 { Place::Anything } else { Place::Segment };
    let mut parts: Vec<(&[Sign], Place)> = segments.iter().enumerate().map(|(i, s)| (s.as_slice(), place(i))).collect();
    let code = write(&parts, true);
    // A code that ends in a star for anything matches whatever its expansion does.
    let expanded = if expands && code.last() != Some(&ANY) {
        parts.extend((parts.len()..6).map(|i| (&[Sign::Star][..], place(i))));
        write(&parts, true)
    } else {
        Vec::new()
    };
    let shape = if variables != 0 || !expanded.is_empty() || settings.arn_case == ArnCase::Insensitive {
        GENERAL
    } else {
        shape(&code, &segments)
    };
    let min_len = min_len(&code);
    let min_len = if expanded.is_empty() { min_len } else { min_len.min(self::min_len(&expanded)) };
    finish(template, shape | flags, code, expanded, min_len)
}

/// The segments of an entry in normal form, and whether R-2.16 lets it be expanded; `None`: it matches nothing.
fn forms(signs: &[Sign], kind: PolicyKind, settings: &Settings) -> Option<(Vec<Vec<Sign>>, bool)> {
    let segments: Vec<Vec<Sign>> = segments(signs).into_iter().map(normal).collect();
    let is_arn = segments[0].len() == 3
        && segments[0].iter().zip("arn".chars()).all(|(sign, letter)| match (sign, settings.arn_case) {
            (Sign::Char(c), ArnCase::Sensitive) => *c == letter,
            (Sign::Char(c), ArnCase::Insensitive) => c.eq_ignore_ascii_case(&letter),
            _ => false,
        });
    if segments.len() < 2 || !is_arn {
        return None;
    }
    if segments.len() == 6 {
        return Some((segments, false));
    }
    let has_wildcard = signs.iter().any(|sign| matches!(sign, Sign::One | Sign::Star));
    let ends_in_star = segments.last().and_then(|segment| segment.last()) == Some(&Sign::Star);
    use PolicyKind::*;
    let expands = match kind {
        Identity | Boundary | Session => true,
        Resource | Trust | Key | Endpoint => has_wildcard,
        Scp => ends_in_star,
        Rcp => false,
    };
    (expands && settings.partial_arn == PartialArn::Table).then_some((segments, true))
}

/// R-2.24: the `?`s of each run of wildcards first, then one star if it had any.
fn normal(signs: &[Sign]) -> Vec<Sign> {
    let mut normal = Vec::with_capacity(signs.len());
    for run in signs.chunk_by(|a, b| is_wildcard(*a) && is_wildcard(*b)) {
        if is_wildcard(run[0]) {
            normal.extend(run.iter().filter(|sign| **sign == Sign::One));
            normal.extend(run.iter().find(|sign| **sign == Sign::Star));
        } else {
            normal.extend(run);
        }
    }
    normal
}

fn is_wildcard(sign: Sign) -> bool {
    matches!(sign, Sign::One | Sign::Star)
}

fn behind<'s>(signs: &'s [Sign], prefix: &str) -> Option<&'s [Sign]> {
    let len = prefix.chars().count();
    let begins = signs.len() >= len && signs.iter().zip(prefix.chars()).all(|(sign, c)| *sign == Sign::Char(c));
    begins.then(|| &signs[len..])
}

/// The quickest shape that says what the code of six or fewer segments says.
fn shape(code: &[u8], segments: &[Vec<Sign>]) -> u32 {
    let mut steps = Steps(code);
    // Text around the owner's account is no literal, so none of the first two.
    match (steps.next(), steps.next(), steps.next()) {
        (Some(Step::Literal(_)), None, None) => return EXACT,
        (Some(Step::Literal(_)), Some(Step::Run(false)), None) => return PREFIX,
        _ => {}
    }
    let simple =
        |segment: &Vec<Sign>| matches!(segment.as_slice(), [Sign::Star] | [Sign::Own]) || segment.iter().all(is_char);
    if segments.len() == 6 && segments[..5].iter().all(simple) { COMPONENTS } else { GENERAL }
}

fn is_char(sign: &Sign) -> bool {
    matches!(sign, Sign::Char(_))
}

fn min_len(code: &[u8]) -> u32 {
    Steps(code).map(step_min_len).fold(0, u32::saturating_add)
}

/// Leaves out header and text where the code says it all.
fn finish(template: &Template, shape: u32, code: Vec<u8>, expanded: Vec<u8>, min_len: u32) -> Encoded {
    if shape & HAS_VARIABLES == 0 && expanded.is_empty() && text_of(&code).as_bytes() == template.text().as_bytes() {
        return Encoded { bytes: code, shape: shape & !IS_TEMPLATE, min_len };
    }
    with_parts(template, shape, code, expanded, min_len)
}

fn with_parts(template: &Template, shape: u32, code: Vec<u8>, expanded: Vec<u8>, min_len: u32) -> Encoded {
    let mut bytes = Vec::new();
    bytes.extend((code.len() as u32).to_le_bytes());
    bytes.extend((expanded.len() as u32).to_le_bytes());
    bytes.extend(code);
    bytes.extend(expanded);
    bytes.extend(template.text().as_bytes());
    Encoded { bytes, shape: shape | HAS_PARTS, min_len }
}

/// The text of a code without variables, and without the owner's account.
fn text_of(code: &[u8]) -> String {
    let mut text = String::new();
    for step in Steps(code) {
        match step {
            Step::Literal(part) => text.push_str(&String::from_utf8_lossy(part)),
            Step::Run(_) => text.push('*'),
            Step::One(_) => text.push('?'),
            Step::Variable { .. } | Step::Own | Step::Broken => {}
        }
    }
    text
}

/// Does a pattern with that shape word match every resource, even the pseudo-resource?
pub fn is_everything(shape: u32) -> bool {
    shape & SHAPE_MASK == EVERYTHING
}

/// One row of `patterns`, with its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern<'a> {
    pub(crate) shape: u32,
    pub(crate) min_len: u32,
    pub(crate) code: &'a [u8],
    /// Empty: none.
    pub(crate) expanded: &'a [u8],
    text: Option<&'a [u8]>,
}

impl<'a> Pattern<'a> {
    /// `None`: the bytes are not what [`encode`] writes.
    pub(crate) fn read(bytes: &'a [u8], shape: u32, min_len: u32) -> Option<Pattern<'a>> {
        if shape & HAS_PARTS == 0 {
            return Some(Pattern { shape, min_len, code: bytes, expanded: &[], text: None });
        }
        let (n_code, rest) = take_u32(bytes)?;
        let (n_expanded, rest) = take_u32(rest)?;
        let (code, rest) = rest.split_at_checked(n_code as usize)?;
        let (expanded, text) = rest.split_at_checked(n_expanded as usize)?;
        Some(Pattern { shape, min_len, code, expanded, text: Some(text) })
    }

    /// True iff nothing of it can surprise who reads it: part of the validation of a set.
    pub(crate) fn is_valid(&self, n_keys: usize) -> bool {
        let kind = self.kind();
        let survey = |code| crate::code::survey(code, n_keys);
        let (Some(code), Some(expanded)) = (survey(self.code), survey(self.expanded)) else { return false };
        let n_own = usize::from(self.shape & HAS_OWN != 0);
        let quick = matches!(kind, EVERYTHING | EXACT | PREFIX | COMPONENTS);
        self.shape & !ALL_FLAGS == 0
            && kind <= SHORT
            && self.text.is_none_or(|text| std::str::from_utf8(text).is_ok())
            && (code.n_variables > 0) == (self.shape & HAS_VARIABLES != 0)
            && (self.expanded.is_empty() || (kind == GENERAL && expanded == code))
            && !(quick && code.n_variables > 0)
            && (code.n_variables == 0 || self.text.is_some())
            && code.n_own == n_own
            && (n_own == 0 || matches!(kind, COMPONENTS | GENERAL))
    }

    pub(crate) fn kind(&self) -> u32 {
        self.shape & SHAPE_MASK
    }

    /// R-2.21: is its third segment written without wildcard or variable, and other than this?
    pub(crate) fn is_of_another_service(&self, service: &[u8]) -> bool {
        let text = self.text.unwrap_or(self.code);
        let segment = text.split(|byte| *byte == b':').nth(2);
        let open = |byte: &u8| *byte >= FIRST_OPCODE || matches!(byte, b'*' | b'?' | b'$');
        segment.is_some_and(|segment| segment != service && !segment.iter().any(open))
    }

    /// The entry as the policy says it; `own` is the account that owns the policy.
    pub(crate) fn template(&self, own: Option<&str>) -> Template {
        let mut text = match self.text {
            Some(text) => String::from_utf8_lossy(text).into_owned(),
            None => text_of(self.code),
        };
        if let Some(own) = own.filter(|_| self.shape & HAS_OWN != 0)
            && let Some((fourth, _)) = text.match_indices(':').nth(3)
        {
            text.insert_str(fourth + 1, own);
        }
        if self.shape & IS_TEMPLATE == 0 { Template::literal(text) } else { Template::with_variables(text) }
    }
}

/// The highest bit of each byte of a little-endian word that is a colon.
fn colons_of(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let differs = word ^ u64::from_le_bytes([b':'; 8]);
    !(((differs & LOW) + LOW) | differs | LOW)
}

/// The resource of a request, ready to be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) text: &'a [u8],
    /// Positions of its first five colons.
    pub(crate) colons: [usize; 5],
    /// No colon follows the fifth.
    simple: bool,
}

impl<'a> Subject<'a> {
    /// A text with at least five colons; with fewer, the quick shapes are not used.
    pub(crate) fn new(text: &'a [u8]) -> Subject<'a> {
        let mut colons = [usize::MAX; 5];
        let mut n_colons = 0;
        let (words, rest) = text.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for (start, word) in (0..).step_by(8).zip(words.iter().chain([&last])) {
            let mut found = colons_of(u64::from_le_bytes(*word));
            while found != 0 {
                if n_colons == 5 {
                    return Subject { text, colons, simple: false };
                }
                colons[n_colons] = start + found.trailing_zeros() as usize / 8;
                n_colons += 1;
                found &= found - 1;
            }
        }
        Subject { text, colons, simple: n_colons == 5 }
    }

    /// The number of bytes in the first five components, colons included.
    fn n_head(&self) -> usize {
        if self.colons[4] == usize::MAX { self.text.len() } else { self.colons[4] + 1 }
    }

    fn component(&self, index: usize) -> &'a [u8] {
        let start = if index == 0 { 0 } else { self.colons[index - 1] + 1 };
        let end = if index == 5 { self.text.len() } else { self.colons[index] };
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Compares an entry that is not null with a resource that has a name (R-2.13 to R-2.18); holes match anything.
pub(crate) fn matches<'v>(
    pattern: &Pattern<'_>,
    subject: &Subject<'_>,
    settings: &Settings,
    reached: &mut Reached,
    filling: impl Fn(usize) -> Filling<'v>,
) -> bool {
    if (subject.text.len() as u64) < u64::from(pattern.min_len) && pattern.shape & HAS_VARIABLES == 0 {
        return pattern.kind() == EVERYTHING;
    }
    let how = Comparison {
        wild_values: settings.substituted_wildcards == iamc_policy::settings::SubstitutedWildcards::Pattern,
        n_folded: if settings.arn_case == ArnCase::Insensitive { subject.n_head() } else { 0 },
    };
    match pattern.kind() {
        EVERYTHING => true,
        EXACT => pattern.code == subject.text,
        PREFIX => pattern.code.split_last().is_some_and(|(_, prefix)| subject.text.starts_with(prefix)),
        COMPONENTS if subject.simple => components(pattern.code, subject, reached, &filling),
        COMPONENTS | GENERAL => {
            reached.matches(pattern.code, subject.text, how, &filling)
                || (!pattern.expanded.is_empty() && reached.matches(pattern.expanded, subject.text, how, &filling))
        }
        SHORT => short(pattern, subject, how, reached, filling),
        _ => false,
    }
}

/// R-2.14: component by component, which for an ARN without further colons is what R-2.13 says.
fn components<'v>(
    code: &[u8],
    subject: &Subject<'_>,
    reached: &mut Reached,
    filling: &impl Fn(usize) -> Filling<'v>,
) -> bool {
    let resource = subject.component(5);
    let last = |code, reached: &mut Reached| reached.matches(code, resource, Comparison::default(), |_| Filling::Hole);
    // No sign of a code occurs in a text, so that a head without signs is all literal.
    if let Some(rest) = subject.text.get(..subject.n_head()).and_then(|head| code.strip_prefix(head)) {
        return last(rest, reached);
    }
    let mut rest = code;
    for index in 0..5 {
        if rest.first() == Some(&ANY) {
            rest = &rest[1..];
        } else if rest.first() == Some(&OWN) {
            let is_own = match filling(OWN_ACCOUNT) {
                Filling::Text(account) => account == subject.component(index),
                Filling::Hole => true,
                Filling::Nothing => false,
            };
            if !is_own {
                return false;
            }
            rest = &rest[1..];
        } else {
            match rest.strip_prefix(subject.component(index)) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        match rest.strip_prefix(b":") {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    last(rest, reached)
}

/// R-2.17: everything in front of the stage is that of the API in the request.
fn short<'v>(
    pattern: &Pattern<'_>,
    subject: &Subject<'_>,
    how: Comparison,
    reached: &mut Reached,
    filling: impl Fn(usize) -> Filling<'v>,
) -> bool {
    if subject.component(2) != b"execute-api" {
        return false;
    }
    let end = subject.text.iter().position(|byte| *byte == b'/').unwrap_or(subject.text.len());
    let (api, path) = subject.text.split_at(end);
    if api.iter().filter(|byte| **byte == b':').count() >= 5 {
        // The stage lies in the sixth segment, where wildcards match anything.
        let how = Comparison { n_folded: how.n_folded.saturating_sub(end), ..how };
        return reached.matches(pattern.code, path, how, filling);
    }
    // A slash in front of the fifth colon, which no API has: the segments have to be found anew.
    let template = pattern.template(None);
    let all = signs(&template);
    let Some(path) = behind(&all, "execute-api:") else { return false };
    let Ok(api) = std::str::from_utf8(api) else { return false };
    let long: Vec<Sign> = api.chars().map(Sign::Char).chain(path.iter().copied()).collect();
    // Ids of keys do not matter here: variables are filled by their order.
    let mut no_ids = |_: &ConditionKey| 0;
    let mut writer = Writer::new(&template, &mut no_ids);
    for (i, segment) in segments(&long).into_iter().enumerate() {
        if i > 0 {
            writer.push_char(':');
        }
        writer.push_all(segment, if i == 5 { Place::Anything } else { Place::Segment });
    }
    reached.matches(&writer.code, subject.text, how, filling)
}

#[cfg(test)]
mod tests;
