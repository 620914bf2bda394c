use super::*;

fn encoded(text: &str, kind: PolicyKind, settings: &Settings) -> Encoded {
    encode(&Template::with_variables(text), kind, settings, &mut |_| 3)
}

/// Compares with every variable filled by `value`; `None`: a hole.
fn check_with(text: &str, kind: PolicyKind, arn: &str, value: Option<&str>, settings: &Settings) -> bool {
    let encoded = encoded(text, kind, settings);
    let pattern = Pattern::read(&encoded.bytes, encoded.shape, encoded.min_len).unwrap();
    assert!(pattern.is_valid(4), "{text}");
    assert_eq!(pattern.template(None), Template::with_variables(text), "{text}");
    let filling = |_| value.map_or(Filling::Hole, |value| Filling::Text(value.as_bytes()));
    let subject = Subject::new(arn.as_bytes());
    let mut reached = Reached::default();
    let quick = matches(&pattern, &subject, settings, &mut reached, filling);
    if matches!(pattern.kind(), EXACT | PREFIX | COMPONENTS) {
        let general = Pattern { shape: GENERAL, ..pattern };
        let slow = matches(&general, &subject, settings, &mut reached, filling);
        assert_eq!(quick, slow, "{text} {arn}: a quick shape differs from the code");
    }
    quick
}

fn check(text: &str, arn: &str) -> bool {
    check_with(text, PolicyKind::Identity, arn, Some("v"), &Settings::default())
}

/// The entry with its account left out, for policies of that account.
fn check_own(text: &str, arn: &str, own: &str) -> bool {
    let settings = Settings::default();
    let account = account_of(text).unwrap();
    let short = format!("{}{}", &text[..account.start], &text[account.end..]);
    let template = Template::with_variables(short);
    let encoded = encode_own(&template, PolicyKind::Identity, &settings, &mut |_| 3).unwrap();
    let pattern = Pattern::read(&encoded.bytes, encoded.shape, encoded.min_len).unwrap();
    assert!(pattern.is_valid(4) && pattern.shape & HAS_OWN != 0, "{text}");
    assert_eq!(pattern.template(Some(&text[account])), Template::with_variables(text), "{text}");
    let filling = |slot| match slot {
        OWN_ACCOUNT => Filling::Text(own.as_bytes()),
        _ => Filling::Text(b"v"),
    };
    let subject = Subject::new(arn.as_bytes());
    let mut reached = Reached::default();
    let quick = matches(&pattern, &subject, &settings, &mut reached, filling);
    let general = Pattern { shape: GENERAL | HAS_OWN, ..pattern };
    assert_eq!(quick, matches(&general, &subject, &settings, &mut reached, filling), "{text} {arn}");
    assert!(!matches(&pattern, &subject, &settings, &mut reached, |slot| match slot {
        OWN_ACCOUNT => Filling::Nothing,
        slot => filling(slot),
    }));
    let open = matches(&pattern, &subject, &settings, &mut reached, |_| Filling::Hole);
    assert!(open || !quick, "{text} {arn}");
    quick
}

#[test]
fn the_account_of_the_owner_is_like_its_digits() {
    let (own, other) = ("111122223333", "999999999999");
    let mut n_matches = 0;
    for text in [
        "arn:aws:sqs:us-east-1:111122223333:q",
        "arn:aws:sqs:*:111122223333:q*",
        "arn:aws:sqs:us-*-1:111122223333:*",
        "arn:*:sqs:*:111122223333:",
        "arn:aws:dynamodb:*:111122223333:table/${aws:username}",
        "arn:aws:logs:*:111122223333:log-group:*:*",
        "arn:aws:iam::111122223333:role/a*b?",
    ] {
        for arn in [
            "arn:aws:sqs:us-east-1:111122223333:q",
            "arn:aws:sqs:us-east-1:999999999999:q",
            "arn:aws:sqs:a:999999999999:111122223333:q",
            "arn:aws:sqs:us-east-1::q",
            "arn:aws:sqs:us-east-1:111122223333:",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/v",
            "arn:aws:logs:eu-west-1:111122223333:log-group:g:s",
            "arn:aws:iam::111122223333:role/axxbc",
            "arn:aws:iam::999999999999:role/axxbc",
        ] {
            let expected = check(text, arn);
            assert_eq!(check_own(text, arn, own), expected, "{text} {arn}");
            n_matches += usize::from(expected);
            // In another account it is that account's.
            let moved = check(&text.replace(own, other), arn);
            assert_eq!(check_own(text, arn, other), moved, "{text} {arn}");
        }
    }
    assert!(n_matches > 7, "{n_matches}");
    for text in [
        "arn:aws:s3:::bucket/*",
        "arn:aws:sqs:us-east-1:11112222333?:q",
        "arn:aws:sqs:us-east-1:1111222233334:q",
        "arn:aws:sqs:us-east-1:111122223333",
        "arn:aws:sqs:${aws:RequestedRegion}:111122223333:q",
        "*:aws:sqs:us-east-1:111122223333:q",
        "*",
    ] {
        assert_eq!(account_of(text), None, "{text}");
    }
}

#[test]
fn stars_at_the_end_of_a_segment_run_on() {
    // R-2.14.
    assert!(check("arn:aws:s3:*:*:bkt/*", "arn:aws:s3:::bkt/x"));
    assert!(check("arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:111111111111:q"));
    assert!(check("arn:aws:iam::*", "arn:aws:iam::111111111111:user/ana"));
    assert!(check("arn:aws:sqs:us-*-1:1*1:q", "arn:aws:sqs:us-east-1:111:q"));
    assert!(!check("arn:aws:sqs:us-*-1:1*1:q", "arn:aws:sqs:us-a:b-1:111:q"));
    assert!(!check("arn:aws:sqs:?:1:q", "arn:aws:sqs:::1:q"));
    // R-2.2: `*?` is `?*`, so its star ends the segment.
    assert!(check("arn:aws:sqs:*?:q", "arn:aws:sqs:us-east-1:111:q"));
    assert!(check("arn:aws:lambda:us-east-1:1:function:f*", "arn:aws:lambda:us-east-1:1:function:foo:PROD"));
}

#[test]
fn partial_arns_follow_the_table() {
    use PolicyKind::*;
    let at = |kind, text| check_with(text, kind, "arn:aws:iam::1:role/r", None, &Settings::default());
    for (text, yes) in [
        ("arn:aws:iam", &[Identity, Boundary, Session][..]),
        ("arn:aws:i?m", &[Identity, Boundary, Session, Resource, Trust, Key, Endpoint]),
        ("arn:aws:iam*", &[Identity, Boundary, Session, Resource, Trust, Key, Endpoint, Scp]),
        ("arn", &[]),
        ("iam:aws:*", &[]),
        ("arn:aws:iam::2", &[]),
    ] {
        for kind in PolicyKind::ALL {
            assert_eq!(at(*kind, text), yes.contains(kind), "{kind} {text}");
        }
    }
    let mut reject = Settings::default();
    reject.set("partial_arn", "reject").unwrap();
    assert!(!check_with("arn:aws:iam*", Identity, "arn:aws:iam::1:role/r", None, &reject));
}

#[test]
fn variables_and_holes() {
    let arn = "arn:aws:s3:::bkt/a:b/x";
    let at = |text, value| check_with(text, PolicyKind::Identity, arn, value, &Settings::default());
    assert!(at("arn:aws:s3:::bkt/${k}/*", Some("a:b")));
    assert!(!at("arn:aws:s3:::bkt/${k}/*", Some("*")));
    assert!(at("arn:aws:s3:::bkt/${k}/*", None));
    assert!(!at("arn:aws:s3:::other/${k}", None));
    // R-3.15: a colon in a value may stand for a colon of the ARN, and makes no segment of the pattern.
    assert!(at("arn:aws:${k}:::bkt/*", Some("s3")));
    assert!(at("arn:aws:${k}:bkt/*", Some("s3:::x")) == at("arn:aws:s3:::x:bkt/*", None));
    assert!(at("arn:aws:${k, 'd'}bkt/*", Some("s3:::")));
}

#[test]
fn short_forms_of_an_api() {
    let arn = "arn:aws:execute-api:us-east-1:1:abc/prod/GET/pets";
    let at = |text, kind, arn| check_with(text, kind, arn, None, &Settings::default());
    assert!(at("execute-api:/prod/*", PolicyKind::Resource, arn));
    assert!(!at("execute-api:/prod/POST/*", PolicyKind::Resource, arn));
    assert!(!at("execute-api:/prod/*", PolicyKind::Identity, arn));
    assert!(!at("execute-api:/*", PolicyKind::Resource, "arn:aws:s3:::bkt/prod"));
    // A slash where no API has one: the star of the path does not end the segment.
    assert!(!at("execute-api:/*x", PolicyKind::Resource, "arn:aws:execute-api:us/a:1:abc/x"));
    assert!(at("execute-api:/*", PolicyKind::Resource, "arn:aws:execute-api:us/a:1:abc/x"));
}

#[test]
fn letter_case_by_its_switch() {
    let mut insensitive = Settings::default();
    insensitive.set("arn_case", "insensitive").unwrap();
    let at = |text| check_with(text, PolicyKind::Identity, "arn:aws:sqs:us-east-1:1:Q", None, &insensitive);
    assert!(at("ARN:AWS:sqs:US-east-1:1:Q"));
    assert!(!at("ARN:AWS:sqs:US-east-1:1:q"));
    assert!(at("arn:AWS:s*:1:Q"));
    assert!(!check("arn:aws:sqs:US-EAST-1:1:Q", "arn:aws:sqs:us-east-1:1:Q"));
}

#[test]
fn what_matches_nothing_and_everything() {
    for text in ["", "a", "${*}", "arn", "s3:::bkt", "arn:aws:s3:::b${", "bkt*"] {
        assert!(!check(text, "arn:aws:s3:::bkt"), "{text}");
    }
    assert!(check("*", "arn:aws:s3:::bkt") && check("**", "arn:aws:s3:::bkt"));
    assert!(check("arn:*", "arn:aws:s3:::bkt"));
    assert!(!check("arn:aws:s3:::${*}", "arn:aws:s3:::b") && check("arn:aws:s3:::${*}", "arn:aws:s3:::*"));
}

#[test]
fn quick_shapes_say_what_the_code_says() {
    // Every entry of up to six segments over a few words, against ARNs with and without further colons.
    let words = ["", "*", "a", "a*", "*b", "?"];
    let arns = ["arn:a:b::a:b", "arn:a:b::a:b:a", "arn:ab:b:a:a:a/b", "arn:a:é:b:a:ab", "arn:b:a:::x"];
    let mut n_matches = 0;
    for code in 0..words.len().pow(5) {
        let word = |place: u32| words[code / words.len().pow(place) % words.len()];
        let text = format!("arn:{}:{}:{}:{}:{}", word(0), word(1), word(2), word(3), word(4));
        for arn in arns {
            // `check` compares the shape with the code.
            n_matches += usize::from(check(&text, arn));
        }
    }
    assert!(n_matches > 1000, "{n_matches}");
}

#[test]
fn components_end_at_the_first_five_colons() {
    let naive = |text: &[u8]| {
        let all: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b':').collect();
        let mut colons = [usize::MAX; 5];
        for (place, at) in colons.iter_mut().zip(&all) {
            *place = *at;
        }
        (colons, all.len() == 5)
    };
    // Neighbours of a colon in value, and bytes above ASCII, at every place of a word.
    for n_bytes in 0..40usize {
        for step in 1..12 {
            let text: Vec<u8> =
                (0..n_bytes).map(|at| [b';', b':', b'9', 0xba, 0, 0xff, b':', b'a'][at * step % 8]).collect();
            let subject = Subject::new(&text);
            let (colons, simple) = naive(&text);
            assert_eq!((subject.colons, subject.simple), (colons, simple), "{text:?}");
        }
    }
}
