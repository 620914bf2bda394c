//! Memory grows with the bytes that are read, whatever they say: texts made to cost much, in each reader. One test a
//! file, since a process has one profiler.

#![allow(clippy::unwrap_used, reason = "a test panics")]

use iamc_inventory::Options;
use iamc_inventory::bytes::READERS;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Bytes of heap for each byte that is read: what the smallest values, two bytes each with their comma, take as nodes.
const FOR_EACH_BYTE: usize = 120;

#[test]
fn memory_grows_with_the_bytes_that_are_read() {
    let many = |begin: &str, item: &str, end: &str| format!("{begin}{}{end}", item.repeat(20_000 / item.len()));
    let texts = [
        many("[", "1,", "1]"),
        many("", "{}\n", ""),
        many("{", "\"a\":{},", "\"b\":1}"),
        many("", "[", ""),
        many("", "{\"kind\":1}\n", ""),
        many("", "{\"command\":\"sqs list-queues\"}\n", ""),
        many("{\"UserDetailList\":[", "{},", "{}]}"),
        many("{\"Accounts\":[", "{\"Id\":\"1\"},", "{}]}"),
        many("{\"configurationItems\":[", "{},", "{}]}"),
        many("{\"Policies\":[", "{\"Arn\":\"arn:aws:iam::111122223333:policy/P\"},", "{}]}"),
        many("", "{\"kind\":\"account\",\"id\":\"111122223333\"}\n", ""),
        many("{\"kind\":\"user\",\"arn\":\"arn:aws:iam::111122223333:user/u\",\"groups\":[", "\"g\",", "\"g\"]}"),
        many("{\"accounts/111122223333/iam/role/r/metadata.json\":[", "[],", "[]]}"),
        many("{\"a\":\"", "\\\"", "\"}"),
    ];
    for (name, reader) in READERS {
        for text in &texts {
            let _profiler = dhat::Profiler::builder().testing().trim_backtraces(Some(1)).build();
            let _ = reader(text.as_bytes(), &Options::default());
            let most = dhat::HeapStats::get().max_bytes;
            let limit = FOR_EACH_BYTE * text.len();
            assert!(most <= limit, "{name}: {most} bytes of heap for {} of `{}…`", text.len(), &text[..24]);
            println!(
                "{name}: {:.1} bytes of heap for each byte of `{}…`",
                most as f64 / text.len() as f64,
                &text[..24]
            );
        }
    }
}
