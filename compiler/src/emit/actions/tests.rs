use super::*;
use iamc_policy::Settings;

/// Expands `patterns` as a set of `service`: positions, shape, and number of patterns kept as text.
fn expanded(catalogue: &Catalogue, service: &str, patterns: &[&str]) -> (Vec<u32>, u32, usize) {
    let (limits, settings) = (crate::Limits::default(), Settings::default());
    let mut lowered = crate::lower::Lowered::new(limits);
    let name = lowered.string(service).unwrap().0;
    let mut set = vec![name];
    for pattern in patterns {
        set.push(lowered.string(pattern).unwrap().0);
    }
    let set = lowered.action_sets.intern(&set).unwrap();
    let mut emitter = Emitter::new(catalogue, catalogue, &settings, &limits, &mut lowered).unwrap();
    let service = emitter.service(name).unwrap();
    let row = emitter.action_set(service, set).unwrap() as usize;
    assert_eq!(emitter.action_set(service, set).unwrap() as usize, row);
    let tables = &emitter.tables;
    let [shape, a, b, texts] = tables.action_sets[4 * row..][..4].try_into().unwrap();
    let positions = match shape {
        0 => Vec::new(),
        1 => [a & 0xffff, a >> 16, b & 0xffff, b >> 16].into_iter().filter(|at| *at != NO_POSITION).collect(),
        _ => ones(&tables.action_bits[a as usize..]).collect(),
    };
    (positions, shape, if texts == NONE { 0 } else { tables.action_texts[texts as usize] as usize })
}

/// The positions of the actions of a service that a test accepts.
fn positions(service: &str, test: impl Fn(&str) -> bool) -> Vec<u32> {
    let service = Catalogue::embedded().service(service).unwrap();
    (0..).zip(service.actions()).filter(|(_, action)| test(action.name())).map(|(at, _)| at).collect()
}

#[test]
fn sets_have_the_shape_of_their_size() {
    let catalogue = Catalogue::embedded();
    assert_eq!(expanded(catalogue, "s3", &["*"]), (Vec::new(), 0, 0));
    let one = positions("s3", |name| name == "GetObject");
    assert_eq!(one.len(), 1);
    assert_eq!(expanded(catalogue, "s3", &["getobject"]), (one.clone(), 1, 1));
    assert_eq!(expanded(catalogue, "s3", &["getobject", "invented"]), (one, 1, 2));
    let reads = positions("s3", |name| name.starts_with("Get"));
    assert!(reads.len() > 4);
    assert_eq!(expanded(catalogue, "s3", &["get*"]), (reads, 2, 1));
    let all = positions("s3", |_| true);
    assert_eq!(expanded(catalogue, "s3", &["?*"]), (all, 2, 1));
}

#[test]
fn what_the_catalogue_lacks_is_kept_as_text() {
    assert_eq!(expanded(Catalogue::embedded(), "nobody", &["a*", "b"]), (Vec::new(), 1, 2));
    assert_eq!(expanded(&Catalogue::without_actions(), "s3", &["get*"]), (Vec::new(), 1, 1));
    assert_eq!(expanded(&Catalogue::without_actions(), "s3", &["*"]), (Vec::new(), 0, 0));
}

#[test]
fn every_pattern_expands_to_what_it_matches() {
    for pattern in ["get*acl", "*object*", "?etobject", "list????", "*", "g*t*o*t", "getobjectx", "*x*y*z*"] {
        let service = Catalogue::embedded().service("s3").unwrap();
        let expected = positions("s3", |name| matches(pattern, name));
        assert_eq!(ones(&expand_one(service, pattern)).collect::<Vec<_>>(), expected, "{pattern}");
    }
}
