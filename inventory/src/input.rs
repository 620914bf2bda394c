//! What is to be read: paths and texts -> a list of files, sorted, each read and decompressed when its turn comes.

use crate::error::InputError;
use crate::report::Skipped;
use iamc_policy::source::Place;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One thing to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, or a folder that is read whole.
    Path(PathBuf),
    /// The content of a file that was read elsewhere, such as standard input.
    Bytes {
        /// Its name in messages. Folders in it count as those of a file on disk do.
        name: String,
        /// Its content, as it is or compressed.
        bytes: Vec<u8>,
    },
}

/// A file to be read.
pub(crate) struct FileInput {
    /// As the user named it, with `/` between folders.
    pub(crate) name: Arc<str>,
    content: Content,
    /// Its size before it is decompressed.
    pub(crate) n_bytes: u64,
}

enum Content {
    Path(PathBuf),
    Bytes(Vec<u8>),
}

/// What was found below the paths.
pub(crate) struct Found {
    /// Every file, sorted by name.
    pub(crate) files: Vec<FileInput>,
    /// Paths that the user named and that cannot be read.
    pub(crate) errors: Vec<InputError>,
    /// What lies in a folder and cannot be read: the rest is read all the same.
    pub(crate) unread: Vec<Skipped>,
}

/// Every file of the inputs.
pub(crate) fn find(inputs: Vec<Input>) -> Found {
    // By name, and by path where two names that are no UTF-8 look the same.
    let mut files: BTreeMap<(String, PathBuf), u64> = BTreeMap::new();
    let mut found = Found { files: Vec::new(), errors: Vec::new(), unread: Vec::new() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for input in inputs {
        match input {
            Input::Path(path) => paths.push(path),
            Input::Bytes { name, bytes } => {
                let n_bytes = bytes.len() as u64;
                found.files.push(FileInput { name: name.into(), content: Content::Bytes(bytes), n_bytes });
            }
        }
    }
    paths.sort();
    let named: BTreeSet<PathBuf> = paths.iter().cloned().collect();
    let mut fail = |path: &Path, error: io::Error| {
        if named.contains(path) {
            found.errors.push(unreadable(name_of(path).into(), &error));
        } else {
            let place = Place { file: name_of(path).into(), line: 1 };
            found.unread.push(Skipped { place, why: format!("cannot be read: {error}") });
        }
    };
    // Links may lead in circles: no folder is entered twice.
    let mut entered: BTreeSet<PathBuf> = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = paths.into_iter().rev().collect();
    while let Some(path) = waiting.pop() {
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                fail(&path, error);
                continue;
            }
        };
        if !metadata.is_dir() {
            // Of what lies in a folder only plain files are read: a pipe there would wait for ever.
            if metadata.is_file() || named.contains(&path) {
                files.insert((name_of(&path), path), metadata.len());
            }
            continue;
        }
        match entries(&path, &mut entered) {
            // The last one in is the first one out.
            Ok(entries) => waiting.extend(entries.into_iter().rev()),
            Err(error) => fail(&path, error),
        }
    }
    found.files.extend(files.into_iter().map(|((name, path), n_bytes)| FileInput {
        name: name.into(),
        content: Content::Path(path),
        n_bytes,
    }));
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// What lies in a folder, sorted, without what is hidden; nothing of a folder that was entered before.
fn entries(folder: &Path, entered: &mut BTreeSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
    if !entered.insert(folder.canonicalize()?) {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    entries.retain(|entry| !entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    entries.sort();
    Ok(entries)
}

/// The name of a path as positions show it.
fn name_of(path: &Path) -> String {
    let name = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { name.into_owned() } else { name.replace(std::path::MAIN_SEPARATOR, "/") }
}

/// A file that cannot be read, as an error.
pub(crate) fn unreadable(file: Arc<str>, error: &io::Error) -> InputError {
    let help = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => "check the path and its permissions",
        _ => "export it again; if it is compressed, decompress it to see what is in it",
    };
    let message = format!("cannot be read: {error}");
    InputError { file, line: 1, column: 1, message, help: Some(help.to_owned()) }
}

impl FileInput {
    /// Its content, decompressed.
    pub(crate) fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        let bytes = match &self.content {
            Content::Path(path) => Cow::Owned(std::fs::read(path)?),
            Content::Bytes(bytes) => Cow::Borrowed(bytes.as_slice()),
        };
        match decompress(&bytes)? {
            Some(text) => Ok(Cow::Owned(text)),
            None => Ok(bytes),
        }
    }
}

/// The endings of compressed files; a name without them says what a file is.
const ENDINGS: &[&str] = &[".gz", ".zst"];

/// The name of a file without the ending that says how it is compressed.
pub(crate) fn plain_name(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// The most that a compressed file may grow to: so much in any case, and so many times its size beyond that.
const GROWN_BYTES_FREE: u64 = 16 << 20;
const GROWTH_MAX: u64 = 256;
const GROWN_BYTES_MAX: u64 = 8 << 30;

/// Undoes gzip and Zstandard, told by the first bytes; `None`: the bytes are not compressed.
///
/// Errors: damaged data, and data that grows beyond all measure, as only what was made for the purpose does.
fn decompress(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let limit = GROWN_BYTES_FREE.saturating_add(GROWTH_MAX.saturating_mul(bytes.len() as u64)).min(GROWN_BYTES_MAX);
    let mut text = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut text)?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(bytes)?.take(limit + 1).read_to_end(&mut text)?,
        _ => return Ok(None),
    };
    if text.len() as u64 > limit {
        let given = bytes.len();
        return Err(io::Error::other(format!(
            "its {given} bytes become more than {limit}, the limit for a file of its size"
        )));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_bytes_are_told_by_their_beginning() {
        let text = b"{\"Accounts\": []}".as_slice();
        assert_eq!(decompress(text).unwrap(), None);
        assert_eq!(decompress(&gzip(text)).unwrap().as_deref(), Some(text));
        assert_eq!(decompress(&zstd::encode_all(text, 1).unwrap()).unwrap().as_deref(), Some(text));
        // Two members one after the other, as `cat` of two files gives.
        let twice = [gzip(text), gzip(text)].concat();
        assert_eq!(decompress(&twice).unwrap().unwrap().len(), 2 * text.len());
        let cut = &gzip(text)[..12];
        assert!(decompress(cut).is_err());
    }

    #[test]
    fn what_grows_beyond_all_measure_is_refused() {
        // 100 MB of zeros are some 10 KB of Zstandard.
        let zeros = vec![0; 100 << 20];
        let bomb = zstd::encode_all(zeros.as_slice(), 1).unwrap();
        assert!(bomb.len() < 100_000);
        let (given, limit) = (bomb.len(), (16 << 20) + 256 * bomb.len());
        assert_eq!(
            decompress(&bomb).unwrap_err().to_string(),
            format!("its {given} bytes become more than {limit}, the limit for a file of its size")
        );
    }

    #[test]
    fn names_lose_the_ending_of_compression() {
        assert_eq!(plain_name("a/list-roots.json.gz"), "a/list-roots.json");
        assert_eq!(plain_name("a/x.json"), "a/x.json");
    }
}
