use super::*;
use crate::layout::Tables;
use crate::pattern::{encode, encode_own};
use iamc_policy::settings::ArnCase;
use iamc_policy::{PolicyKind, Settings, Template};

/// In front of a pattern whose empty account stands for that of the policy's owner.
const OWN: &str = "own ";

/// A set of nothing but patterns, filed with buckets that are crowded beyond `crowd_min`.
fn set(patterns: &[(String, PolicyKind)], settings: &Settings, crowd_min: usize) -> CompiledPolicySet {
    let mut tables: Tables = crate::testing::minimal();
    let mut bytes = std::mem::take(&mut tables.string_bytes);
    let mut offsets = std::mem::take(&mut tables.string_offsets);
    tables.settings = crate::settings::encode(settings, 0, |text| {
        bytes.push_str(text);
        offsets.push(bytes.len() as u32);
        offsets.len() as u32 - 2
    });
    (tables.string_bytes, tables.string_offsets) = (bytes, offsets);
    for (text, kind) in patterns {
        let own = text.strip_prefix(OWN);
        let template = Template::with_variables(own.unwrap_or(text));
        let encoded = own.and_then(|_| encode_own(&template, *kind, settings, &mut |_| 0));
        let encoded = encoded.unwrap_or_else(|| encode(&template, *kind, settings, &mut |_| 0));
        let start = tables.pattern_bytes.len() as u32;
        tables.patterns.extend([start, encoded.bytes.len() as u32, encoded.shape, encoded.min_len]);
        tables.pattern_bytes.extend(encoded.bytes);
    }
    let set = CompiledPolicySet::from_tables(tables).unwrap();
    assert!(set.index.set(PatternIndex::new(&set, crowd_min)).is_ok());
    set
}

fn identity(texts: impl IntoIterator<Item = String>) -> Vec<(String, PolicyKind)> {
    texts.into_iter().map(|text| (text, PolicyKind::Identity)).collect()
}

/// What the index answers, after comparing it with the scan.
fn ask(set: &CompiledPolicySet, arn: &str, scratch: &mut IndexScratch) -> Vec<PatternMatch> {
    let (mut found, mut scanned) = (Vec::new(), Vec::new());
    set.matching_patterns(arn, scratch, &mut found);
    set.scan_patterns(arn, scratch, &mut scanned);
    assert_eq!(found, scanned, "{arn}");
    found
}

/// Random choices (xorshift64*): the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn texts(&mut self, choices: &[&str], max: usize) -> String {
        (0..self.below(max + 1)).map(|_| self.of(choices)).collect()
    }

    fn pattern(&mut self) -> String {
        const NAMES: &[&str] =
            &["app", "a", "b", "A", "é", "-", "/", "_", ":", ".", "*", "?", "*", "${aws:username}", "${*}", "x1"];
        match self.below(24) {
            0 => self.of(&["*", "**", "arn:*", "arn:aws:s3", "arn:aws:s?", "s3:x", "arn:", "arn:aws:${"]).to_owned(),
            1 => format!("execute-api:/{}", self.texts(NAMES, 5)),
            _ => {
                let head = [
                    self.of(&["aws", "aws", "aws", "*", "aws-*", "AWS"]),
                    self.of(&["s3", "s3", "sqs", "execute-api", "*", "s*3"]),
                    self.of(&["", "", "eu-1", "*", "us-?"]),
                    self.of(&["", "", "1", "*", "1*1"]),
                ];
                let own = if self.below(4) == 0 { OWN } else { "" };
                format!("{own}arn:{}:{}", head.join(":"), self.texts(NAMES, 8))
            }
        }
    }

    /// Something in place of each wildcard and variable, and sometimes a change.
    fn arn(&mut self, pattern: &str) -> String {
        let pattern = pattern.strip_prefix(OWN).unwrap_or(pattern);
        let pattern = pattern.replace("${aws:username}", "*").replace("${*}", "\u{1}");
        let mut arn = String::new();
        for c in pattern.chars() {
            match c {
                '*' => arn += &self.texts(&["app", "a", "b", "-", ":", "/", "é", "A"], 4),
                '?' => arn += self.of(&["a", "é", "1"]),
                '\u{1}' => arn.push('*'),
                c => arn.push(c),
            }
        }
        if let Some(path) = arn.strip_prefix("execute-api:") {
            arn = format!("arn:aws:execute-api:eu-1:1:api{path}");
        }
        while arn.matches(':').count() < 5 {
            arn += self.of(&[":", ":a", ":app"]);
        }
        if self.below(3) == 0 {
            let at = self.below(arn.chars().count());
            let new = self.of(&["", "a", ":", "-", "A"]);
            arn = arn.chars().enumerate().map(|(i, c)| if i == at { new.to_owned() } else { c.to_string() }).collect();
        }
        arn
    }
}

#[test]
fn the_index_answers_as_comparing_every_pattern_does() {
    let mut insensitive = Settings::default();
    insensitive.set("arn_case", "insensitive").unwrap();
    assert_eq!(insensitive.arn_case, ArnCase::Insensitive);
    let mut dice = Dice(7);
    let mut scratch = IndexScratch::default();
    let mut all = IndexCounts::default();
    let [mut n_found, mut n_open, mut n_own] = [0; 3];
    for round in 0..60 {
        let n = 1 + dice.below(400);
        let patterns: Vec<(String, PolicyKind)> =
            (0..n).map(|_| (dice.pattern(), PolicyKind::ALL[dice.below(PolicyKind::ALL.len())])).collect();
        let settings = if round % 4 == 3 { &insensitive } else { &Settings::default() };
        let set = set(&patterns, settings, [0, 1, 3, CROWD_MIN][round / 4 % 4]);
        let counts = set.pattern_index().counts();
        let IndexCounts { everything, nothing, whole, head, pair, token, piece, listed, .. } = counts;
        assert_eq!(everything + nothing + whole + head + pair + token + piece + listed, n);
        all.everything += everything;
        all.nothing += nothing;
        all.whole += whole;
        all.head += head;
        all.pair += pair;
        all.token += token;
        all.piece += piece;
        all.listed += listed;
        for (text, _) in &patterns {
            let arn = dice.arn(text);
            let found = ask(&set, &arn, &mut scratch);
            n_found += found.len();
            n_open += found.iter().filter(|found| found.has_variables()).count();
            n_own += found.iter().filter(|found| found.is_own()).count();
        }
    }
    let IndexCounts { everything, nothing, whole, head, pair, token, piece, listed, .. } = all;
    let served = [everything, nothing, whole, head, pair, token, piece, listed];
    assert!(served.iter().all(|n| *n > 20), "{all:?}");
    assert!(n_found > 20_000 && n_open > 500 && n_own > 500, "{n_found} {n_open} {n_own}");
}

#[test]
fn what_is_no_arn_is_matched_by_what_matches_everything() {
    let texts = ["*", "arn:*", "arn:aws:s3:::*", "***", "execute-api:/*"];
    let set = set(&identity(texts.map(str::to_owned)), &Settings::default(), CROWD_MIN);
    let mut scratch = IndexScratch::default();
    for text in ["*", "", "arn:aws:s3", "arn:aws:s3::"] {
        let ids: Vec<u32> = ask(&set, text, &mut scratch).iter().map(|found| found.id()).collect();
        assert_eq!(ids, [0, 3], "{text}");
    }
    assert_eq!(ask(&set, "arn:aws:s3:::*", &mut scratch).len(), 4);
}

#[test]
fn few_patterns_are_compared() {
    let patterns = (0..3_000).flat_map(|n| {
        [
            format!("arn:aws:s3:::*-app{n}-*"),
            format!("arn:aws:sqs:*:*:queue{n}-*"),
            format!("arn:aws:iam::{:012}:role/team-*-x*", n / 10),
            format!("arn:aws:s3:::*zq{n}zq*"),
        ]
    });
    let set = set(&identity(patterns), &Settings::default(), CROWD_MIN);
    let counts = set.pattern_index().counts();
    // A few more, whose rare keys share a counter with a common one.
    assert_eq!((counts.n_crowded, counts.listed), (1, 0));
    assert!((3_000..3_020).contains(&counts.piece), "{counts:?}");
    let mut scratch = IndexScratch::default();
    for (arn, n) in [
        ("arn:aws:s3:::eu-app17-data/x", 1),
        ("arn:aws:sqs:eu-1:1:queue2999-dead", 1),
        ("arn:aws:iam::000000000017:role/team-7-xy", 10),
        ("arn:aws:s3:::0zq123zq/x", 1),
        ("arn:aws:s3:::nothing/x", 0),
    ] {
        let before = scratch.n_compared();
        assert_eq!(ask(&set, arn, &mut scratch).len(), n, "{arn}");
        let n_compared = scratch.n_compared() - before;
        assert!(n_compared <= 10, "{arn}: {n_compared}");
    }
}

/// Bytes of the index, and of the patterns.
fn sizes(set: &CompiledPolicySet) -> [usize; 2] {
    [set.pattern_index().counts().heap_bytes, set.tables().pattern_bytes.len()]
}

#[test]
fn hostile_patterns_cost_what_their_bytes_cost() {
    let letters = |n: usize, pieces: usize| -> String {
        (0..pieces).map(|i| format!("*{}", char::from(b'a' + ((n * 7 + i * n) % 26) as u8))).collect()
    };
    let shapes: [(&str, &dyn Fn(usize) -> String); 5] = [
        ("letters", &|n| format!("arn:aws:s3:::{}*", letters(n, 12))),
        ("a star inside a shared beginning", &|n| format!("arn:aws:iam::1:role/team-{n}-*-x*")),
        ("no two pieces alike", &|n| format!("arn:aws:s3:::*q{n}q*w{n}w*e{n}e*")),
        ("no token", &|n| format!("arn:aws:s3:::*{}*", "ab".repeat(n % 50))),
        ("nothing but question marks", &|n| format!("arn:aws:s3:::{}*", "?".repeat(n % 60))),
    ];
    for (what, shape) in shapes {
        let [small, large] = [500, 4_000].map(|n| set(&identity((0..n).map(shape)), &Settings::default(), CROWD_MIN));
        let [[small_index, small_bytes], [large_index, large_bytes]] = [sizes(&small), sizes(&large)];
        let growth = large_index as f64 / small_index as f64;
        let given = large_bytes as f64 / small_bytes as f64;
        assert!(growth < 1.5 * given, "{what}: {growth} for {given}");
        assert!(large_index < 40 * large_bytes, "{what}: {large_index} for {large_bytes}");
        let mut scratch = IndexScratch::default();
        for arn in
            ["arn:aws:s3:::abcdefghijklmnopqrstuvwxyz", "arn:aws:s3:::q7qw7we7e", "arn:aws:iam::1:role/team-3-a-x"]
        {
            ask(&large, arn, &mut scratch);
        }
        assert!(scratch.n_compared() <= 3 * 4_000, "{what}");
    }
}

#[test]
fn one_key_for_all_is_found_by_bisection_and_pieces() {
    // One token as often as one likes, and one pattern over and over.
    let patterns =
        (0..200).map(|n| format!("arn:*:*:*:*:k/{}", "k/".repeat(n))).chain((0..200).map(|_| "arn:aws:*".into()));
    let set = set(&identity(patterns), &Settings::default(), 8);
    let mut scratch = IndexScratch::default();
    assert_eq!(ask(&set, "arn:aws:s3:::k/k/k/", &mut scratch).len(), 201);
    assert!(set.pattern_index().counts().n_crowded >= 1);
}

#[test]
fn the_same_patterns_give_the_same_index() {
    let mut dice = Dice(3);
    let patterns: Vec<(String, PolicyKind)> = (0..500).map(|_| (dice.pattern(), PolicyKind::Identity)).collect();
    let [left, right] = [(); 2].map(|()| set(&patterns, &Settings::default(), 2));
    assert_eq!(format!("{:?}", left.pattern_index()), format!("{:?}", right.pattern_index()));
}
