//! Reading whole inputs: bounded, and named as the user named them.

use crate::ending::Failure;
use std::io::Read;
use std::path::Path;

/// The largest document that is read whole. AWS's own limit for a policy is below 40 KB; a `policies` object holds a
/// few dozen of them.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An input text and the name it goes by in messages.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// As the user gave it, with `/` between folders; `-` is `<stdin>`.
    pub(crate) name: String,
    /// The bytes, not yet known to be text.
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Failure::Input`] if it cannot be read or is larger than [`DOCUMENT_BYTES_MAX`].
    pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
        let name = display_name(path);
        let mut bytes = Vec::new();
        let read = if is_stdin(path) {
            std::io::stdin().lock().take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes))
        };
        read.map_err(|error| Failure::unreadable(&name, error))?;
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            let given = std::fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default();
            let given = match is_stdin(path) || given <= DOCUMENT_BYTES_MAX {
                true => format!("more than {DOCUMENT_BYTES_MAX}"),
                false => given.to_string(),
            };
            return Err(Failure::Input(format!("`{name}` has {given} bytes, limit {DOCUMENT_BYTES_MAX}")));
        }
        Ok(Input { name, bytes })
    }

    /// The text; a byte order mark is no part of it.
    ///
    /// # Errors
    /// [`Failure::Input`] with the offset of the first byte that is not UTF-8.
    pub(crate) fn text(&self) -> Result<&str, Failure> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes);
        std::str::from_utf8(bytes).map_err(|error| {
            Failure::Input(format!("`{}` is not UTF-8 text: byte {} is no character", self.name, error.valid_up_to()))
        })
    }
}

/// True for `-`.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name of an input in messages and in places.
pub(crate) fn display_name(path: &Path) -> String {
    if is_stdin(path) {
        return "<stdin>".to_owned();
    }
    let name = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { name.into_owned() } else { name.replace(std::path::MAIN_SEPARATOR, "/") }
}
