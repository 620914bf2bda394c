//! Wildcard matching (section 2): the glob, actions, and entries of `Resource` and `NotResource`.
//!
//! Every comparison of text with wildcards in this crate goes through [`matches`], which is plain simulation: it keeps
//! the positions of the subject that can be reached, sign by sign. Cost: O(signs × characters of the subject), memory
//! O(characters of the subject), whatever the pattern.

use crate::variables::{self, Keys, Sign};
use iamc_policy::document::ActionElement;
use iamc_policy::settings::{ArnCase, PartialArn};
use iamc_policy::template::Template;
use iamc_policy::{Action, ActionPattern, ConditionKey, PolicyKind, Settings, Truth};

/// What a wildcard may match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any character but a colon.
    Segment,
    /// Any character.
    Anything,
}

impl Reach {
    fn covers(self, c: char) -> bool {
        self == Reach::Anything || c != ':'
    }
}

/// One sign of a pattern that is ready to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character.
    Char(char),
    /// Exactly one character within reach.
    One(Reach),
    /// Any number of characters within reach, also none.
    Run(Reach),
}

/// True iff the tokens match the whole subject, code point by code point (R-2.1, R-2.3).
///
/// Of the subject's first `folded` characters the ASCII case does not matter; 0 for all comparisons but R-2.15's
/// alternative.
pub(crate) fn matches(tokens: &[Token], subject: &[char], folded: usize) -> bool {
    let same = |at: usize, c: char| {
        if at < folded { subject[at].eq_ignore_ascii_case(&c) } else { subject[at] == c }
    };
    // Ascending, without repetition.
    let mut reached = vec![0];
    let mut next = Vec::new();
    for token in tokens {
        next.clear();
        for at in reached.iter().copied() {
            match token {
                Token::Char(c) if at < subject.len() && same(at, *c) => next.push(at + 1),
                Token::One(reach) if at < subject.len() && reach.covers(subject[at]) => next.push(at + 1),
                Token::Char(_) | Token::One(_) => {}
                // Runs from lower positions may have come this far already, and then as far as runs from here go.
                Token::Run(_) if next.last().is_some_and(|last| *last >= at) => {}
                Token::Run(reach) => {
                    let end = (at..subject.len()).find(|at| !reach.covers(subject[*at])).unwrap_or(subject.len());
                    next.extend(at..=end);
                }
            }
        }
        std::mem::swap(&mut reached, &mut next);
        if reached.is_empty() {
            return false;
        }
    }
    reached.last() == Some(&subject.len())
}

/// The tokens of signs that stand in a place where wildcards match anything (R-2.1), or where there are none
/// (R-4.18). A hole is a wildcard in both (R-8.7).
pub(crate) fn tokens(signs: &[Sign], wildcards: bool) -> Vec<Token> {
    let token = |sign: &Sign| match sign {
        Sign::Char(c) => Token::Char(*c),
        Sign::One if wildcards => Token::One(Reach::Anything),
        Sign::Star if wildcards => Token::Run(Reach::Anything),
        Sign::One => Token::Char('?'),
        Sign::Star => Token::Char('*'),
        Sign::Variable(_) => Token::Run(Reach::Anything),
    };
    signs.iter().map(token).collect()
}

/// True iff the pattern matches the whole subject: `*` any sequence of code points, also empty, `?` exactly one, every
/// other code point itself (R-2.1, R-2.3).
///
/// ```
/// use iamc_reference::pattern::glob;
/// assert!(glob("a*c?", "abbcd"));
/// assert!(glob("?", "é"));
/// assert!(!glob("[ab]", "a"));
/// ```
pub fn glob(pattern: &str, subject: &str) -> bool {
    let subject: Vec<char> = subject.chars().collect();
    matches(&tokens(&variables::plain(pattern), true), &subject, 0)
}

/// The normal form of a pattern (R-2.2, R-2.24): each run of wildcards becomes its `?`s, then one `*` if it had any.
///
/// ```
/// use iamc_reference::pattern::normal_form;
/// assert_eq!(normal_form("a*?**?b"), "a??*b");
/// ```
pub fn normal_form(pattern: &str) -> String {
    let normal = normalise(&variables::plain(pattern));
    let char = |sign: &Sign| match sign {
        Sign::Char(c) => Some(*c),
        Sign::One => Some('?'),
        Sign::Star => Some('*'),
        Sign::Variable(_) => None,
    };
    normal.iter().filter_map(char).collect()
}

/// R-2.24 for signs. A variable ends a run, as every character does: the form is one of the policy's text, and does
/// not change with the value of a variable.
fn normalise(signs: &[Sign]) -> Vec<Sign> {
    let mut normal = Vec::new();
    let mut star = false;
    for sign in signs {
        match sign {
            Sign::Star => star = true,
            Sign::One => normal.push(Sign::One),
            _ => {
                if std::mem::take(&mut star) {
                    normal.push(Sign::Star);
                }
                normal.push(sign.clone());
            }
        }
    }
    if star {
        normal.push(Sign::Star);
    }
    normal
}

/// The action test of a statement (R-2.9): `Action` is true iff some entry matches, `NotAction` iff none does.
///
/// Without entries both are false (R-1.12). Whether the action exists does not matter (R-2.8).
pub(crate) fn action_test(element: &ActionElement, action: &Action) -> bool {
    if element.patterns.is_empty() {
        return false;
    }
    let listed = element.patterns.iter().any(|pattern| action_matches(pattern, action));
    listed != element.negated
}

/// One entry of `Action` or `NotAction` (R-2.4 to R-2.7, R-2.10).
///
/// The prefix compares as a whole, so that no name pattern reaches over the colon (R-2.6). Case is ASCII's, and a
/// pattern with any other character matches no action (R-2.25).
fn action_matches(pattern: &ActionPattern, action: &Action) -> bool {
    match pattern {
        ActionPattern::Any => true,
        ActionPattern::Nothing(_) => false,
        ActionPattern::Named { service, name } => {
            service.is_ascii()
                && name.is_ascii()
                && service.eq_ignore_ascii_case(action.service())
                && glob(&name.to_ascii_lowercase(), &action.name().to_ascii_lowercase())
        }
    }
}

/// What a policy resource is compared with. Always concrete: wildcards in it are plain characters (R-2.22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// The ARN of the request.
    Arn(&'a str),
    /// The pseudo-resource `*` of wildcard-only actions (R-2.20).
    Star,
    /// The string that stands for the pseudo-resource of an action of R-2.21.
    PseudoArn(&'a str),
}

/// How one entry of `Resource` or `NotResource` compares with the resource of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryResult {
    /// Whether the entry matches; the negation of `NotResource` (R-2.19) is the caller's.
    pub(crate) truth: Truth,
    /// The text as far as it is resolved, with unknown variables as `${key}`; as written if it is null.
    pub(crate) resolved: String,
    /// The SOME and UNKNOWN variables in it, each once, in order of appearance (R-8.22).
    pub(crate) unknown_keys: Vec<ConditionKey>,
    /// It is null (R-3.3, R-3.9): it matches no resource (R-3.10), whatever is not known.
    pub(crate) null: bool,
}

/// Compares one entry of `Resource` or `NotResource` with the resource of a unit (R-2.11 to R-2.22, R-8.15).
///
/// Known entries are true or false; a null one is false (R-3.10); one with holes is false if no text in place of the
/// holes could make it match, and unknown otherwise (R-8.7). Where the policy text itself says that the entry matches
/// nothing (R-2.16, R-2.17) it is false whatever its variables are, for that is judged before they are resolved.
pub(crate) fn resource_entry(
    entry: &Template,
    kind: PolicyKind,
    subject: &Subject<'_>,
    keys: &dyn Keys,
    settings: &Settings,
) -> EntryResult {
    let mut unknown_keys = Vec::new();
    for variable in entry.variables() {
        variables::note_if_unknown(&variable.key, keys, &mut unknown_keys);
    }
    let signs = variables::signs(entry);
    let resolved = variables::resolve(&signs, keys, settings).filter(|_| entry.fault().is_none());
    let Some(resolved) = resolved else {
        return EntryResult { truth: Truth::False, resolved: entry.text().to_owned(), unknown_keys, null: true };
    };
    let matched = match subject {
        _ if is_star(&signs) => true,
        Subject::Star => false,
        Subject::Arn(arn) | Subject::PseudoArn(arn) => {
            let arn: Vec<char> = arn.chars().collect();
            let forms = match short_form(&signs, kind, &arn) {
                Some(long) => vec![variables::segments(&long)],
                None => forms(&signs, kind, settings),
            };
            forms.iter().any(|segments| resource_matches(segments, &arn, keys, settings))
        }
    };
    let truth = match (matched, variables::has_hole(&resolved)) {
        (false, _) => Truth::False,
        (true, true) if !is_star(&signs) => Truth::Unknown,
        (true, _) => Truth::True,
    };
    let plain = entry.variables().next().is_none();
    let resolved = if plain { entry.text().to_owned() } else { variables::print(&resolved, true) };
    EntryResult { truth, resolved, unknown_keys, null: false }
}

/// `*` or a run of `*` (R-2.12). Not `${*}`, which is a literal star (R-3.13), nor a value.
pub(crate) fn is_star(signs: &[Sign]) -> bool {
    !signs.is_empty() && signs.iter().all(|sign| *sign == Sign::Star)
}

/// The long form of `execute-api:/STAGE/METHOD/PATH` in the resource policy of an API (R-2.17).
///
/// The policy applies to requests on the API that carries it, so everything in front of the stage is the request's.
fn short_form(signs: &[Sign], kind: PolicyKind, arn: &[char]) -> Option<Vec<Sign>> {
    const PREFIX: &str = "execute-api:";
    let path = signs.strip_prefix(variables::plain(PREFIX).as_slice())?;
    let api: Vec<char> = arn.iter().copied().take_while(|c| *c != '/').collect();
    let on_an_api =
        arn.split(|c| *c == ':').nth(2).is_some_and(|service| service.iter().collect::<String>() == "execute-api");
    if kind != PolicyKind::Resource || path.first() != Some(&Sign::Char('/')) || !on_an_api {
        return None;
    }
    Some(api.into_iter().map(Sign::Char).chain(path.iter().cloned()).collect())
}

/// The patterns that an entry stands for, each as its segments in normal form; none: it matches nothing.
///
/// R-2.17: an entry that does not start with `arn:` matches nothing. R-2.16: a pattern of fewer than six segments is
/// itself, and itself with `:*` appended until there are six, if the table lets it be expanded. All of this is read
/// off the policy's text, before variables are resolved (R-3.15): values neither make segments nor wildcards of the
/// table.
fn forms(signs: &[Sign], kind: PolicyKind, settings: &Settings) -> Vec<Vec<Vec<Sign>>> {
    let segments: Vec<Vec<Sign>> = variables::segments(signs).iter().map(|segment| normalise(segment)).collect();
    if segments.len() < 2 || !is_arn_word(&segments[0], settings) {
        return Vec::new();
    }
    if segments.len() == 6 {
        return vec![segments];
    }
    if settings.partial_arn == PartialArn::Reject {
        return Vec::new();
    }
    let wildcard = signs.iter().any(|sign| matches!(sign, Sign::One | Sign::Star));
    let ends_in_star = segments.last().and_then(|segment| segment.last()) == Some(&Sign::Star);
    let expands = match kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => true,
        PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Key | PolicyKind::Endpoint => wildcard,
        PolicyKind::Scp => ends_in_star,
        PolicyKind::Rcp => false,
    };
    if !expands {
        return Vec::new();
    }
    let mut expanded = segments.clone();
    expanded.resize(6, vec![Sign::Star]);
    vec![segments, expanded]
}

/// True iff the first segment is the word `arn` (R-2.17).
fn is_arn_word(segment: &[Sign], settings: &Settings) -> bool {
    let word = variables::print(segment, true);
    match settings.arn_case {
        ArnCase::Sensitive => word == "arn",
        ArnCase::Insensitive => word.eq_ignore_ascii_case("arn"),
    }
}

/// Compares a pattern, given as segments in normal form, with a request ARN (R-2.13, R-2.15, R-2.18, R-3.15).
///
/// In the first five segments a wildcard does not match a colon, except a `*` with which a segment of the policy's
/// text ends (a substituted one, where the settings make it a wildcard, ends none). In the sixth wildcards match
/// anything. A hole may stand for colons everywhere (R-8.7). A null variable matches nothing (R-3.10).
fn resource_matches(segments: &[Vec<Sign>], arn: &[char], keys: &dyn Keys, settings: &Settings) -> bool {
    let mut pattern = Vec::new();
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 {
            pattern.push(Token::Char(':'));
        }
        let Some(resolved) = variables::resolve(segment, keys, settings) else {
            return false;
        };
        let inner = if i == 5 { Reach::Anything } else { Reach::Segment };
        let ends_in_star = segment.last() == Some(&Sign::Star);
        for (j, sign) in resolved.iter().enumerate() {
            let last = ends_in_star && j + 1 == resolved.len();
            pattern.push(match sign {
                Sign::Char(c) => Token::Char(*c),
                Sign::One => Token::One(inner),
                Sign::Star if last => Token::Run(Reach::Anything),
                Sign::Star => Token::Run(inner),
                Sign::Variable(_) => Token::Run(Reach::Anything),
            });
        }
    }
    let folded = match settings.arn_case {
        ArnCase::Sensitive => 0,
        ArnCase::Insensitive => first_five_components(arn),
    };
    matches(&pattern, arn, folded)
}

/// The number of characters in the first five components of an ARN, colons included (R-2.11).
fn first_five_components(arn: &[char]) -> usize {
    let colons: Vec<usize> = arn.iter().enumerate().filter(|(_, c)| **c == ':').map(|(at, _)| at).collect();
    colons.get(4).map_or(arn.len(), |fifth| fifth + 1)
}

#[cfg(test)]
mod tests;
