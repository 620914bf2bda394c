//! One function for each reader, from bytes alone: for fuzzing, and for whoever has one file in memory and knows what
//! it is.
//!
//! None of them panics, whatever the bytes are, and each ends in time and memory that grow with them alone.

use crate::{Errors, Input, Options, Read, read_inputs};

fn read(name: &str, bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    let input = Input::Bytes { name: name.to_owned(), bytes: bytes.to_vec() };
    read_inputs(vec![input], &Options { threads: Some(1), ..options.clone() }, &|_| {})
}

/// Account authorization details, one page or several.
///
/// Errors: those of [`read_inputs`]; so for all functions here.
pub fn details(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("iam/get-account-authorization-details/111122223333.json", bytes, options)
}

/// Outputs of `aws organizations …` that say what they are by their fields, or one bundle of them.
pub fn organization(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("organization.json", bytes, options)
}

/// Wrapped outputs of any command.
pub fn outputs(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("outputs.jsonl", bytes, options)
}

/// AWS Config: a snapshot, a history, or results of a query.
pub fn config(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("configservice/select-aggregate-resource-config.json", bytes, options)
}

/// A store of iam-collect as one JSON object, path in the store -> content of the file, from the partition on:
/// `{"accounts/111122223333/s3/site/metadata.json": {…}, …}`. What is no such object is read as one file of a store.
pub fn collect(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    let files: Option<std::collections::BTreeMap<String, Box<serde_json::value::RawValue>>> =
        serde_json::from_slice(bytes).ok();
    let file = |(path, content): (String, Box<serde_json::value::RawValue>)| Input::Bytes {
        name: format!("store/aws/aws/{path}"),
        bytes: content.get().as_bytes().to_vec(),
    };
    let inputs = match files {
        Some(files) => files.into_iter().map(file).collect(),
        None => {
            let name = "store/aws/aws/accounts/111122223333/s3/site/metadata.json".to_owned();
            vec![Input::Bytes { name, bytes: bytes.to_vec() }]
        }
    };
    read_inputs(inputs, &Options { threads: Some(1), ..options.clone() }, &|_| {})
}

/// Our own lines, as a file of a folder.
pub fn lines(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("own.jsonl", bytes, options)
}

/// A file that is compressed, or claims to be.
pub fn compressed(bytes: &[u8], options: &Options) -> Result<Read, Errors> {
    read("list-accounts.json.gz", bytes, options)
}

/// Every reader with its name.
pub const READERS: &[(&str, Reader)] = &[
    ("details", details),
    ("organization", organization),
    ("outputs", outputs),
    ("config", config),
    ("collect", collect),
    ("lines", lines),
    ("compressed", compressed),
];

/// The form that all readers have in common.
pub type Reader = fn(&[u8], &Options) -> Result<Read, Errors>;
