//! Readers of exports: whatever the bytes are, errors with places or a world; and the world can be compiled, written in
//! our own format and read again as the same.

mod again;
pub(crate) mod changed;
mod samples;

use self::again::{assert_same, written_and_read_again};
use self::changed::{change, changed};
use iamc_inventory::bytes::{self, Reader};
use iamc_inventory::{Errors, Input, Options, Read, read_inputs, write_lines};
use iamc_policy::source::Place;
use iamc_testkit::generators::{Entropy, damaged, scene};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;

/// Account authorization details.
pub(crate) fn details(bytes: &[u8]) -> u64 {
    one_file(bytes, bytes::details, &|entropy| changed(entropy, &samples::DETAILS))
}

/// Outputs of `aws organizations`, as they are, wrapped, bundled.
pub(crate) fn organization(bytes: &[u8]) -> u64 {
    one_file(bytes, bytes::organization, &|entropy| changed(entropy, &samples::ORGANIZATION))
}

/// Wrapped outputs of the other commands.
pub(crate) fn outputs(bytes: &[u8]) -> u64 {
    one_file(bytes, bytes::outputs, &|entropy| changed(entropy, &samples::OUTPUTS))
}

/// AWS Config: snapshots, histories, results of queries, single items.
pub(crate) fn config(bytes: &[u8]) -> u64 {
    one_file(bytes, bytes::config, &|entropy| changed(entropy, &samples::CONFIG))
}

/// A store of iam-collect.
pub(crate) fn collect(bytes: &[u8]) -> u64 {
    let (text, options) = drawn(bytes, &store);
    let texts = files_of_store(&text).unwrap_or_else(|| vec![(String::new(), text.clone())]);
    check(&bytes::collect(&text, &options), &texts, &options);
    1
}

/// Our own lines: samples, and those of generated worlds.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    one_file(bytes, bytes::lines, &own_lines)
}

/// Compressed files. What is whole is read as what was compressed is.
pub(crate) fn compressed(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let options = options(*form);
    if *form < RAW {
        let read = bytes::compressed(rest, &options);
        check(&read, &[], &options);
        return 1;
    }
    let mut entropy = Entropy::new(rest);
    let values = *entropy.pick(&[&samples::DETAILS, &samples::ORGANIZATION, &samples::LINES]);
    let text = changed(&mut entropy, values).into_bytes();
    let mut packed = packed(&mut entropy, &text);
    let whole = bytes::compressed(&packed, &options);
    assert_eq!(whole, bytes::compressed(&text, &options), "compressed it says something else");
    for _ in 0..entropy.below(4) {
        let at = entropy.below(packed.len());
        match entropy.below(3) {
            0 => packed[at] = entropy.byte(),
            1 => packed[at] ^= 1 << entropy.below(8),
            _ => packed.truncate(at.max(1)),
        }
        let read = bytes::compressed(&packed, &options);
        check(&read, &[], &options);
    }
    3
}

/// Files of several kinds in one folder: their order and the number of threads change nothing, and what is said twice is
/// said once.
pub(crate) fn together(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let options = options(*form);
    let mut entropy = Entropy::new(rest);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for number in 0..1 + entropy.below(4) {
        let (name, text) = match entropy.below(6) {
            0 => (format!("accounts/{number}.json"), changed(&mut entropy, &samples::DETAILS)),
            1 => (format!("organization/{number}.json"), changed(&mut entropy, &samples::ORGANIZATION)),
            2 => (format!("111122223333/outputs.{number}.jsonl"), changed(&mut entropy, &samples::OUTPUTS)),
            3 => (format!("config/{number}.json"), changed(&mut entropy, &samples::CONFIG)),
            4 => (format!("own.{number}.jsonl"), own_lines(&mut entropy)),
            _ => {
                let store = store(&mut entropy);
                files.extend(files_of_store(store.as_bytes()).unwrap_or_default());
                continue;
            }
        };
        let text = text.into_bytes();
        let packed = if entropy.chance(20) { packed(&mut entropy, &text) } else { text };
        files.insert(name, packed);
    }
    let inputs = |folder: &str| -> Vec<Input> {
        let input =
            |(name, bytes): (&String, &Vec<u8>)| Input::Bytes { name: format!("{folder}{name}"), bytes: bytes.clone() };
        files.iter().map(input).collect()
    };
    let read = |inputs: Vec<Input>, threads: usize| {
        read_inputs(inputs, &Options { threads: Some(threads), ..options.clone() }, &|_| {})
    };
    let first = read(inputs(""), 1);
    let mut reversed = inputs("");
    reversed.reverse();
    assert_eq!(read(reversed, 3), first, "order or threads change what is read");
    check(&first, &[], &options);
    if let Ok(first) = first {
        // Two snapshots of AWS Config are a contradiction, even where they say the same.
        let of_config = first.report.inputs.iter().any(|(input, _)| *input == "AWS Config files");
        if !of_config {
            let twice = read([inputs("a/"), inputs("b/")].concat(), 1);
            let twice = twice.unwrap_or_else(|errors| panic!("what is said twice contradicts itself: {errors}"));
            assert_same(&first.world, &twice.world, "saying it twice changes something");
        }
    }
    3
}

/// Below it, the first byte of an input says that the others are the file as it is: what libFuzzer changes one by one.
const RAW: u8 = 128;

fn options(form: u8) -> Options {
    let mut options = Options { assume_complete: form % 2 == 1, ..Options::default() };
    options.settings.strict = form % 8 == 6;
    options.strict_completeness = form % 16 == 4;
    options
}

/// Reads the bytes, or a text that is drawn, as one file.
fn one_file(bytes: &[u8], read: Reader, draw: &dyn Fn(&mut Entropy<'_>) -> String) -> u64 {
    let (text, options) = drawn(bytes, draw);
    let read = read(&text, &options);
    check(&read, &[(String::new(), text)], &options);
    1
}

/// The bytes behind the first, or a text that is drawn with them, and how it is to be read.
fn drawn(bytes: &[u8], draw: &dyn Fn(&mut Entropy<'_>) -> String) -> (Vec<u8>, Options) {
    let (form, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut entropy = Entropy::new(rest);
    let text = match form {
        0..RAW => rest.to_vec(),
        _ => {
            let text = draw(&mut entropy);
            // As PowerShell writes it.
            let wide = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes));
            if entropy.chance(4) { wide.collect() } else { text.into_bytes() }
        }
    };
    (text, options(*form))
}

/// Panics unless errors have places, and a world can be compiled, written and read again. `texts`: what was read, by name
/// of the file; an empty name is that of the only file. Without texts places are not looked up in them.
fn check(read: &Result<Read, Errors>, texts: &[(String, Vec<u8>)], options: &Options) {
    let inside = |file: &str, line: u32, column: u32| {
        assert!(!file.is_empty() && line > 0 && column > 0, "{file}:{line}:{column}");
        let text = texts.iter().find(|(name, _)| name.is_empty() || name == file).map(|(_, text)| text);
        let Some(text) = text.filter(|text| is_plain(text)) else {
            return assert!(
                texts.is_empty() || texts.iter().any(|(name, _)| name.is_empty()),
                "there is no file {file}"
            );
        };
        let length = text.split(|byte| *byte == b'\n').nth(line as usize - 1).map(<[u8]>::len);
        assert!(length.is_some_and(|length| column as usize <= length + 1), "{file}:{line}:{column} lies outside");
    };
    let place = |place: &Place| inside(&place.file, place.line, 1);
    match read {
        Err(errors) => {
            for error in errors.as_slice() {
                inside(&error.file, error.line, error.column);
                assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}");
            }
            assert!(!errors.as_slice().is_empty(), "refused, and nobody says why");
        }
        Ok(read) => {
            read.report.skipped.iter().for_each(|skipped| place(&skipped.place));
            read.report.quarantined.iter().for_each(|policy| place(&policy.place));
            read.report.findings.iter().for_each(|finding| place(&finding.place));
            read.world.gaps.iter().filter_map(|gap| gap.place.as_ref()).for_each(place);
            written_and_read_again(&read.world, options);
        }
    }
}

/// Whether lines can be counted in the bytes as they are: neither compressed nor UTF-16.
fn is_plain(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// Lines of our own format.
fn own_lines(entropy: &mut Entropy<'_>) -> String {
    if entropy.chance(50) {
        return changed(entropy, &samples::LINES);
    }
    let (world, _) = scene(entropy, 1);
    let mut lines = Vec::new();
    write_lines(&world, &mut lines).expect("memory can be written");
    damaged(entropy, &String::from_utf8_lossy(&lines))
}

/// A store as one object; some files are missing, some are changed.
fn store(entropy: &mut Entropy<'_>) -> String {
    let mut store = samples::STORE.clone();
    let paths: Vec<String> = store.keys().cloned().collect();
    for _ in 0..entropy.below(8) {
        store.remove(entropy.pick::<String>(&paths));
    }
    for _ in 0..entropy.below(6) {
        if let Some(content) = store.get_mut(entropy.pick::<String>(&paths)) {
            change(entropy, content);
        }
    }
    if entropy.chance(20) {
        let content = store.get(entropy.pick::<String>(&paths)).cloned().unwrap_or_default();
        let path = entropy.pick::<String>(&paths);
        store.insert(damaged(entropy, path), content);
    }
    let text = Value::Object(store).to_string();
    if entropy.chance(10) { damaged(entropy, &text) } else { text }
}

/// The files of a store, as [`bytes::collect`] names them; `None`: the bytes are no such object.
fn files_of_store(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let files: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_slice(bytes).ok()?;
    let file = |(path, content): (String, Box<serde_json::value::RawValue>)| {
        (format!("store/aws/aws/{path}"), content.get().as_bytes().to_vec())
    };
    Some(files.into_iter().map(file).collect())
}

/// The bytes compressed, now and then as two members one after the other.
fn packed(entropy: &mut Entropy<'_>, bytes: &[u8]) -> Vec<u8> {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written")
    };
    let zstandard = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory can be written");
    let (first, second) = bytes.split_at(if entropy.chance(20) { entropy.below(bytes.len() + 1) } else { 0 });
    let pack = |bytes: &[u8], is_gzip: bool| if is_gzip { gzip(bytes) } else { zstandard(bytes) };
    let is_gzip = entropy.chance(50);
    match first {
        [] => pack(second, is_gzip),
        first => [pack(first, is_gzip), pack(second, is_gzip)].concat(),
    }
}
