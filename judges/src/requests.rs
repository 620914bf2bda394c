//! Lines of requests: an error that names field and place, or a request that is printed and read again as the same.

use crate::readers::changed::change;
use iamc_inventory::request::read_line;
use iamc_policy::document::Strictness;
use iamc_policy::request::Mode;
use iamc_policy::{Request, World};
use iamc_testkit::engine::Reference;
use iamc_testkit::generators::{Entropy, Sample, damaged, sample};
use iamc_testkit::oracles::case_line;
use serde_json::Value;

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let mut entropy = Entropy::new(rest);
    let text = match form {
        0..128 => String::from_utf8_lossy(rest).into_owned(),
        _ => {
            let mut line = line_of(&sample(&mut entropy).request);
            for _ in 0..entropy.below(4) {
                change(&mut entropy, &mut line);
            }
            let text = line.to_string();
            if entropy.chance(25) { damaged(&mut entropy, &text) } else { text }
        }
    };
    let strictness = if form % 2 == 1 { Strictness::Strict } else { Strictness::Lenient };
    match read_line(&text, Mode::Open, strictness) {
        Err(error) => {
            let (line, column) = error.position();
            let length = text.split('\n').nth(line as usize - 1).map(str::len);
            assert!(length.is_some_and(|length| (1..=length + 1).contains(&(column as usize))), "{error}: outside");
            assert!(!error.message().is_empty() && !error.message().contains('\n'), "{error}");
        }
        Ok(read) => {
            // Session policies of a case stand elsewhere.
            let request = Request { session: None, ..read.request };
            let printed = line_of(&request).to_string();
            match read_line(&printed, Mode::Open, Strictness::Lenient) {
                Ok(again) => assert_eq!(again.request, request, "{text}\n{printed}"),
                Err(error) => panic!("a printed request is refused: {error}\n{text}\n{printed}"),
            }
        }
    }
    1
}

/// The request as a line of `iamc decide --requests`.
fn line_of(request: &Request) -> Value {
    let sample = Sample { world: World::default(), request: request.clone() };
    let case = case_line("line", &sample, &Reference);
    let case = case.lines().last().expect("a case is a line");
    let mut case: Value = serde_json::from_str(case).expect("a case is JSON");
    let mut line = case["request"].take();
    // A case is closed unless it says otherwise, a line is open.
    let (facts, mode) = (case["facts"].take(), line["mode"].take());
    if !facts.is_null() {
        line["facts"] = facts;
    }
    line["mode"] = if mode.is_null() { "closed".into() } else { mode };
    line
}
