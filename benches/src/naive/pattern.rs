//! Patterns of action names, ARNs and condition values, cut into pieces once and matched by going back to the last
//! star.

use super::keys::{Key, Keys};
use iamc_policy::Template;
use iamc_policy::template::Piece as Part;

/// A pattern, the frequent shapes apart.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// Matches nothing: malformed, or a null variable that no request can fill.
    Nothing,
    /// A run of `*`.
    Any,
    /// No wildcard.
    Exact(Box<str>),
    /// One `*`, at the end, which may match anything.
    Prefix(Box<str>),
    /// Anything else.
    Pieces(Box<[Piece]>),
}

/// A piece of a pattern.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text that matches itself.
    Text(Box<str>),
    /// `?`.
    One { colon: bool },
    /// `*`; `colon` says whether it may match one.
    Many { colon: bool },
    /// `${key}` or `${key, 'default'}`.
    Variable { key: Key, default: Option<Box<str>> },
}

impl Pattern {
    fn of(pieces: Vec<Piece>) -> Pattern {
        match pieces.as_slice() {
            [] => Pattern::Exact("".into()),
            [Piece::Text(text)] => Pattern::Exact(text.clone()),
            [Piece::Text(text), Piece::Many { colon: true }] => Pattern::Prefix(text.clone()),
            [Piece::Many { colon: true }] => Pattern::Any,
            _ => Pattern::Pieces(pieces.into()),
        }
    }

    /// A glob without segments: wildcards match anything.
    pub(super) fn glob(text: &str) -> Pattern {
        let mut cutter = Cutter::new(false);
        cutter.literal(text);
        Pattern::of(cutter.finish())
    }

    /// A value of a condition. `wild`: its wildcards are wildcards.
    pub(super) fn value(template: &Template, wild: bool) -> Pattern {
        if template.fault().is_some() {
            return Pattern::Nothing;
        }
        let mut cutter = Cutter::new(false);
        for part in template.pieces() {
            match part {
                Part::Literal(text) if !wild => cutter.text(text),
                part => cutter.part(part),
            }
        }
        Pattern::of(cutter.finish())
    }

    /// An entry of `Resource` or `NotResource`: one pattern, or two where a partial
    /// ARN is expanded. `partial` says what becomes of those.
    pub(super) fn resource(template: &Template, partial: Partial) -> Vec<Pattern> {
        let text = template.text();
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return vec![Pattern::Any];
        }
        if template.fault().is_some() || !text.starts_with("arn:") {
            return vec![Pattern::Nothing];
        }
        let mut cutter = Cutter::new(true);
        template.pieces().for_each(|part| cutter.part(part));
        let n_segments = cutter.n_colons + 1;
        let mut expanded = cutter.clone();
        let pieces = cutter.finish();
        let wild = pieces.iter().any(|piece| matches!(piece, Piece::One { .. } | Piece::Many { .. }));
        let ends_wild = matches!(pieces.last(), Some(Piece::Many { .. }));
        if n_segments >= 6 {
            return vec![Pattern::of(pieces)];
        }
        let expand = match partial {
            Partial::Expand => true,
            Partial::IfWild => wild,
            Partial::IfEndsWild => ends_wild,
            Partial::Never => false,
        };
        if !expand {
            return vec![Pattern::Nothing];
        }
        for _ in n_segments..6 {
            expanded.literal(":*");
        }
        vec![Pattern::of(pieces), Pattern::of(expanded.finish())]
    }

    /// Does the whole text match? A null variable matches nothing.
    pub(super) fn matches(&self, text: &str, keys: &Keys<'_>) -> bool {
        match self {
            Pattern::Nothing => false,
            Pattern::Any => true,
            Pattern::Exact(own) => **own == *text,
            Pattern::Prefix(own) => text.starts_with(&**own),
            Pattern::Pieces(pieces) if pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. })) => {
                resolve(pieces, keys).is_some_and(|pieces| glob(&pieces, text))
            }
            Pattern::Pieces(pieces) => glob(pieces, text),
        }
    }

    /// The text of a value without wildcards; `None`: null.
    pub(super) fn resolved(&self, keys: &Keys<'_>) -> Option<String> {
        let pieces = match self {
            Pattern::Exact(text) => return Some(text.to_string()),
            Pattern::Pieces(pieces) => resolve(pieces, keys)?,
            _ => return None,
        };
        Some(pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "" }).collect())
    }
}

/// What becomes of a pattern of fewer than six segments.
#[derive(Debug, Clone, Copy)]
pub(super) enum Partial {
    /// It stands for the rest too.
    Expand,
    /// So it does if it has a wildcard.
    IfWild,
    /// So it does if it ends in `*`.
    IfEndsWild,
    /// It matches nothing.
    Never,
}

/// The six components of an ARN pattern of a condition.
#[derive(Debug, Clone)]
pub(super) enum ArnPattern {
    /// Not of six components, or not beginning with `arn`.
    Malformed,
    /// Six components with a malformed variable.
    Null,
    /// A run of `*`.
    Any,
    /// Each component on its own.
    Components(Box<[Pattern; 6]>),
}

impl ArnPattern {
    pub(super) fn new(template: &Template) -> ArnPattern {
        let text = template.text();
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return ArnPattern::Any;
        }
        let mut components = vec![Cutter::new(false)];
        for part in template.pieces() {
            let Part::Literal(text) = part else {
                if let Some(last) = components.last_mut() {
                    last.part(part);
                }
                continue;
            };
            let mut rest = text;
            while components.len() < 6
                && let Some((own, further)) = rest.split_once(':')
            {
                if let Some(last) = components.last_mut() {
                    last.literal(own);
                }
                components.push(Cutter::new(false));
                rest = further;
            }
            if let Some(last) = components.last_mut() {
                last.literal(rest);
            }
        }
        let patterns: Vec<Pattern> = components.into_iter().map(|cutter| Pattern::of(cutter.finish())).collect();
        match <[Pattern; 6]>::try_from(patterns) {
            Ok(patterns) if matches!(&patterns[0], Pattern::Exact(text) if **text == *"arn") => {
                if template.fault().is_some() { ArnPattern::Null } else { ArnPattern::Components(Box::new(patterns)) }
            }
            _ => ArnPattern::Malformed,
        }
    }

    /// Does a well-formed ARN match? `None`: the pattern is malformed.
    pub(super) fn matches(&self, text: &str, keys: &Keys<'_>) -> Option<bool> {
        match self {
            ArnPattern::Malformed => None,
            ArnPattern::Null => Some(false),
            ArnPattern::Any => Some(true),
            ArnPattern::Components(patterns) => {
                Some(text.splitn(6, ':').zip(patterns.iter()).all(|(own, pattern)| pattern.matches(own, keys)))
            }
        }
    }
}

/// may the value of a request be compared with ARN patterns?
pub(super) fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

/// Cuts text into pieces; runs of wildcards become `?`s and one `*`.
#[derive(Debug, Clone)]
struct Cutter {
    pieces: Vec<Piece>,
    text: String,
    n_ones: usize,
    star: bool,
    /// The text is an ARN: in its first five segments wildcards match no colon but for a `*` that ends its segment.
    segments: bool,
    n_colons: usize,
}

impl Cutter {
    fn new(segments: bool) -> Cutter {
        Cutter { pieces: Vec::new(), text: String::new(), n_ones: 0, star: false, segments, n_colons: 0 }
    }

    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Literal(text) => self.literal(text),
            Part::Escape(c) => self.text(c.encode_utf8(&mut [0; 4])),
            Part::Variable(variable) => {
                self.end_run(false);
                self.end_text();
                let default = variable.default.as_deref().map(Into::into);
                self.pieces.push(Piece::Variable { key: Key::of(&variable.key), default });
            }
        }
    }

    /// Text in which wildcards are wildcards.
    fn literal(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '*' => {
                    self.end_text();
                    self.star = true;
                }
                '?' => {
                    self.end_text();
                    self.n_ones += 1;
                }
                c => {
                    let ends_segment = c == ':' && self.n_colons < 5;
                    self.end_run(ends_segment);
                    self.n_colons += usize::from(ends_segment);
                    self.text.push(c);
                }
            }
        }
    }

    /// Text in which nothing is a wildcard.
    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.end_run(false);
            self.text.push_str(text);
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text).into()));
        }
    }

    fn end_run(&mut self, ends_segment: bool) {
        let free = !self.segments || self.n_colons >= 5;
        self.pieces.extend(std::iter::repeat_n(Piece::One { colon: free }, self.n_ones));
        if self.star {
            self.pieces.push(Piece::Many { colon: free || ends_segment });
        }
        self.n_ones = 0;
        self.star = false;
    }

    fn finish(mut self) -> Vec<Piece> {
        self.end_run(true);
        self.end_text();
        self.pieces
    }
}

/// Puts values for variables; `None`: one is null.
fn resolve(pieces: &[Piece], keys: &Keys<'_>) -> Option<Vec<Piece>> {
    let one = |piece: &Piece| match piece {
        Piece::Variable { key, default } => {
            keys.variable(key).or(default.as_deref()).map(|text| Piece::Text(text.into()))
        }
        piece => Some(piece.clone()),
    };
    pieces.iter().map(one).collect()
}

/// Two places to go back to suffice: the last `*` that may match colons, and the last other one behind it. What
/// an earlier star could do by matching more, the later one can do as well.
fn glob(pieces: &[Piece], text: &str) -> bool {
    let width = |at: usize| text[at..].chars().next();
    let (mut piece, mut at) = (0, 0);
    let (mut far, mut near) = (None, None);
    loop {
        let goes_on = match pieces.get(piece) {
            None if at == text.len() => return true,
            None => false,
            Some(Piece::Text(own)) => {
                let fits = text.as_bytes()[at..].starts_with(own.as_bytes());
                at += if fits { own.len() } else { 0 };
                fits
            }
            Some(Piece::One { colon }) => match width(at) {
                Some(c) if *colon || c != ':' => {
                    at += c.len_utf8();
                    true
                }
                _ => false,
            },
            Some(Piece::Many { colon: true }) => {
                if piece + 1 == pieces.len() {
                    return true;
                }
                far = Some((piece + 1, at));
                near = None;
                true
            }
            Some(Piece::Many { colon: false }) => {
                near = Some((piece + 1, at));
                true
            }
            Some(Piece::Variable { .. }) => false,
        };
        if goes_on {
            piece += 1;
            continue;
        }
        if let Some((behind, from)) = near {
            if let Some(c) = width(from).filter(|c| *c != ':') {
                (piece, at) = (behind, from + c.len_utf8());
                near = Some((piece, at));
                continue;
            }
            near = None;
        }
        let Some((behind, from)) = far else { return false };
        let Some(c) = width(from) else { return false };
        (piece, at) = (behind, from + c.len_utf8());
        far = Some((piece, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, arn: &str) -> bool {
        let keys = Keys::default();
        Pattern::resource(&Template::with_variables(pattern), Partial::Expand).iter().any(|own| own.matches(arn, &keys))
    }

    #[test]
    fn stars_keep_to_their_segment_unless_they_end_it() {
        // The examples of.
        assert!(matches("arn:aws:s3:*:*:bkt/*", "arn:aws:s3:::bkt/x"));
        assert!(matches("arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:111111111111:q"));
        assert!(matches("arn:aws:iam::*", "arn:aws:iam::111111111111:user/a"));
        assert!(matches("arn:aws:sqs:us-*-1:1*1:q", "arn:aws:sqs:us-east-1:111:q"));
        assert!(!matches("arn:aws:sqs:us-*-1:1*1:q", "arn:aws:sqs:us-east-1:1:1:1:q"));
        assert!(!matches("arn:aws:sqs:?:1:q", "arn:aws:sqs:::1:q"));
        assert!(matches("arn:aws:iam", "arn:aws:iam::1:user/a"));
        assert!(matches("arn:aws:lambda:*:1:function:f:*", "arn:aws:lambda:eu:1:function:f:7"));
        assert!(!matches("arn:aws:s3:::${aws:username}", "arn:aws:s3:::"));
        assert!(matches("arn:aws:s3:::${aws:username, 'x'}", "arn:aws:s3:::x"));
        assert!(matches("arn:aws:s3:::${*}", "arn:aws:s3:::*") && !matches("arn:aws:s3:::${*}", "arn:aws:s3:::x"));
    }

    #[test]
    fn going_back_is_not_forgotten() {
        let keys = Keys::default();
        assert!(Pattern::glob("*ab*c?e").matches("xaabbcdabcze", &keys));
        assert!(!Pattern::glob("*a*b*c").matches(&"ab".repeat(50), &keys));
        assert!(Pattern::glob("a*?").matches("aé", &keys) && !Pattern::glob("a*?").matches("a", &keys));
    }
}
