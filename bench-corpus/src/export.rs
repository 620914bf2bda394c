//! Export files: a corpus as AWS's own commands would print it, written account by account.
//!
//! ```text
//! DIR/organizations/describe-organization.json, list-roots.json, list-accounts.json, list-delegated-administrators.json
//!     list-policies/{SERVICE,RESOURCE}_CONTROL_POLICY.json
//!     describe-policy/ID.json, list-targets-for-policy/ID.json
//!     list-organizational-units-for-parent/ID.json, list-accounts-for-parent/ID.json
//! DIR/accounts/ACCOUNT.PAGE.json        get-account-authorization-details, documents percent-encoded
//! DIR/resources/ACCOUNT.jsonl           wrapped outputs, one a line: bucket policies, key policies, endpoints, tags …
//! ```
//!
//! [`Form`] names the other forms: the same compressed, the same in one file, a store of iam-collect, snapshots of AWS
//! Config. What a form cannot hold is written beside it as the command line prints it.
//!
//! Everything is written into `.DIR.incomplete` beside the target, which is renamed when the last byte is on its way to
//! the disk. So a folder with the target's name is always whole. What an interrupted run left is removed by the next.

mod account;
mod collect;
mod config;
mod form;
mod organization;
mod resources;

pub use form::{Form, FormError};

use crate::corpus::Corpus;
use crate::draft::json_text;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How far the writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Accounts written.
    pub accounts: usize,
    /// Accounts in all.
    pub n_accounts: usize,
    /// Bytes written.
    pub bytes: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Number of files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// The export could not be written. The target is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The target exists and holds something.
    #[error("`{path}` exists and is not an empty folder")]
    NotEmpty {
        /// The target.
        path: String,
    },
    /// The target has no name of its own, such as `/` or `..`.
    #[error("`{path}` does not name a folder that could be made")]
    NoName {
        /// The target.
        path: String,
    },
    /// The system refused: no permission, no space, no such folder.
    #[error("cannot {deed} `{path}`: {source}")]
    Io {
        /// What was tried: `create`, `write`, `rename` …
        deed: &'static str,
        /// The file or folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The progress function said stop.
    #[error("interrupted after {accounts} accounts")]
    Interrupted {
        /// Accounts written by then.
        accounts: usize,
    },
}

fn failed<'a>(deed: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ExportError + 'a {
    move |source| ExportError::Io { deed, path: path.display().to_string(), source }
}

/// The folder that an unfinished export of `dir` lies in: `.NAME.incomplete` beside it.
pub fn incomplete_path(dir: &Path) -> Option<PathBuf> {
    let name = dir.file_name()?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".incomplete");
    Some(dir.with_file_name(hidden))
}

/// Writes the export files of `corpus` as the folder `dir`, as the AWS command line prints them: [`write_form`] with
/// [`Form::Cli`].
///
/// # Errors
/// Those of [`write_form`].
pub fn write_exports(
    corpus: &Corpus,
    dir: &Path,
    progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Written, ExportError> {
    write_form(corpus, Form::Cli, dir, progress)
}

/// Writes the export files of `corpus` as the folder `dir`.
///
/// `progress` is called after each account; where it breaks, the unfinished folder is removed and
/// [`ExportError::Interrupted`] returned. A process that is killed leaves [`incomplete_path`], which the next run for the
/// same target removes.
///
/// # Errors
/// `dir` exists and is not an empty folder; or the system refuses, with the path it refused. Nothing is left then.
///
/// Cost: O(bytes written), memory for one account. Two runs must not write the same target at the same time.
pub fn write_form(
    corpus: &Corpus,
    form: Form,
    dir: &Path,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Written, ExportError> {
    let shown = || dir.display().to_string();
    let incomplete = incomplete_path(dir).ok_or_else(|| ExportError::NoName { path: shown() })?;
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(ExportError::NotEmpty { path: shown() });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(ExportError::NotEmpty { path: shown() });
        }
        Err(error) => return Err(failed("read", dir)(error)),
    }
    if incomplete.symlink_metadata().is_ok() {
        fs::remove_dir_all(&incomplete).map_err(failed("remove", &incomplete))?;
    }
    fs::create_dir(&incomplete).map_err(failed("create", &incomplete))?;
    let result = write_all(corpus, form, &incomplete, &mut progress).and_then(|written| {
        // An empty folder in the way is taken away first: not every system renames over one.
        if dir.exists() {
            fs::remove_dir(dir).map_err(failed("replace", dir))?;
        }
        fs::rename(&incomplete, dir).map_err(failed("rename", &incomplete))?;
        Ok(written)
    });
    if result.is_err() {
        // The first error is the one to tell; a folder that cannot even be removed is left for the next run.
        let _ = fs::remove_dir_all(&incomplete);
    }
    result
}

fn write_all(
    corpus: &Corpus,
    form: Form,
    dir: &Path,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Written, ExportError> {
    let mut folder = Folder::new(dir, form)?;
    let organization = corpus.organization();
    match form {
        Form::Collect => collect::organization(organization, &mut folder)?,
        _ => organization::write(organization, &mut folder)?,
    }
    let accounts = account::Writer::new(organization);
    let store = collect::Writer::new(organization);
    let mut used = BTreeSet::new();
    for (index, part) in corpus.accounts().enumerate() {
        match form {
            Form::Cli | Form::Gzip | Form::Bundle => {
                accounts.write(&part, &mut folder)?;
                resources::write(&part, &mut folder)?;
            }
            Form::Collect => {
                store.write(&part, &mut folder)?;
                resources::write_rest(&part, &mut folder, |_| false)?;
            }
            Form::Config => {
                config::write(&part, &mut folder)?;
                resources::write_rest(&part, &mut folder, config::lacks)?;
                accounts.note_used(&part, &mut used);
            }
        }
        let done = Progress { accounts: index + 1, n_accounts: corpus.n_accounts(), bytes: folder.written.bytes };
        if progress(done).is_break() {
            return Err(ExportError::Interrupted { accounts: done.accounts });
        }
    }
    if form == Form::Config {
        // Config records no policies of AWS.
        folder.file("managed.jsonl", &accounts.versions(&used))?;
    }
    folder.finish()
}

/// The default policy of a VPC endpoint, as AWS prints it.
pub(crate) const DEFAULT_ENDPOINT_POLICY: &str = "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\
    \"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}";

/// The folder being written.
pub(crate) struct Folder {
    dir: PathBuf,
    form: Form,
    written: Written,
    /// The one file of a bundle.
    bundle: Option<(PathBuf, BufWriter<File>)>,
}

impl Folder {
    fn new(dir: &Path, form: Form) -> Result<Folder, ExportError> {
        let mut folder = Folder { dir: dir.to_owned(), form, written: Written { files: 0, bytes: 0 }, bundle: None };
        if form == Form::Bundle {
            let path = dir.join("export.json");
            let file = File::create(&path).map_err(failed("create", &path))?;
            folder.bundle = Some((path, BufWriter::with_capacity(1 << 16, file)));
            folder.written.files = 1;
        }
        Ok(folder)
    }

    fn file(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        if let Some((path, file)) = &mut self.bundle {
            let item = bundled(name, text);
            let before = if self.written.bytes == 0 { "[" } else { "," };
            let result = file.write_all(before.as_bytes()).and_then(|()| file.write_all(item.as_bytes()));
            self.written.bytes += (item.len() + 1) as u64;
            return result.map_err(failed("write", path));
        }
        let (name, bytes) = match self.form {
            Form::Gzip => (format!("{name}.gz"), gzip(text)),
            _ => (name.to_owned(), text.as_bytes().to_vec()),
        };
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        fs::write(&path, &bytes).map_err(failed("write", &path))?;
        self.written.files += 1;
        self.written.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Written, ExportError> {
        if let Some((path, mut file)) = self.bundle.take() {
            file.write_all(b"]\n").and_then(|()| file.flush()).map_err(failed("write", &path))?;
        }
        Ok(self.written)
    }
}

/// A file as items of a bundle: `{"COMMAND": OUTPUT}` or `{"COMMAND": {"ID": OUTPUT}}`, lines as they are; wrapped where
/// nothing else names the account, as when it is empty.
fn bundled(name: &str, text: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    let stem = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    match parts[..] {
        ["accounts", file] => format!(
            "{{\"command\":\"iam get-account-authorization-details\",\"account\":\"{}\",\"output\":{text}}}",
            stem(file)
        ),
        ["organizations", command, id] => format!("{{\"{command}\":{{\"{}\":{text}}}}}", stem(id)),
        ["organizations", command] => format!("{{\"{}\":{text}}}", stem(command)),
        _ => text.trim_end().replace('\n', ","),
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory cannot fail; what is written is what was given.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// Appends `"name":"text"`.
pub(crate) fn text_member(name: &str, text: &str, out: &mut String) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    json_text(text, out);
}

/// Appends a list, its items written by `item` and separated by commas.
pub(crate) fn list<T>(items: impl IntoIterator<Item = T>, out: &mut String, mut item: impl FnMut(T, &mut String)) {
    out.push('[');
    for (index, value) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(value, out);
    }
    out.push(']');
}

/// Percent-encodes as IAM does (RFC 3986): everything but letters, digits, `-`, `.`, `_` and `~`.
pub(crate) fn percent_encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_encoded_as_aws_does() {
        let mut out = String::new();
        percent_encode("{\"a\": \"b*~-_.é\"}", &mut out);
        assert_eq!(out, "%7B%22a%22%3A%20%22b%2A~-_.%C3%A9%22%7D");
    }

    #[test]
    fn the_unfinished_folder_lies_beside_the_target() {
        assert_eq!(incomplete_path(Path::new("/a/b")), Some(PathBuf::from("/a/.b.incomplete")));
        assert_eq!(incomplete_path(Path::new("b/")), Some(PathBuf::from(".b.incomplete")));
        assert_eq!(incomplete_path(Path::new("/")), None);
    }
}
