//! Edges in a file beside the inventory: made with the first question, read by later ones.

use crate::ending::Failure;
use crate::input::display_name;
use crate::output::Output;
use iamc_analysis::Reach;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Larger files are not read: edges of the largest organization that can be compiled are a fraction of it.
const BYTES_MAX: u64 = 4 << 30;

/// A file of edges.
pub(crate) struct Kept {
    path: PathBuf,
    /// The inventory, as a hash.
    source: u64,
    /// How much was in it; `None`: there was no file.
    n_read: Option<usize>,
}

impl Kept {
    /// Takes what is in the file, if there is one.
    ///
    /// # Errors
    /// [`Failure::Input`]: it cannot be read, is damaged, or was made from something else.
    pub(crate) fn read(path: &Path, source: u64, reach: &mut Reach) -> Result<Kept, Failure> {
        let mut kept = Kept { path: path.to_owned(), source, n_read: None };
        let name = display_name(path);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(kept),
            Err(error) => return Err(Failure::unreadable(name, error)),
        };
        let too_large = || Failure::unreadable(&name, format!("it has more than {BYTES_MAX} bytes"));
        if file.metadata().is_ok_and(|metadata| metadata.len() > BYTES_MAX) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| Failure::unreadable(&name, error))?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(too_large());
        }
        reach.edges_from_bytes(&bytes, source).map_err(|error| {
            Failure::Input(format!("`{name}`: {error}; name another file, or remove this one, and it is made anew"))
        })?;
        kept.n_read = Some(reach.n_kept());
        Ok(kept)
    }

    /// Writes the file if it was not there, or if more is known by now.
    ///
    /// # Errors
    /// [`Failure::Output`]; [`Failure::Input`]: a variant of the inventory cannot be compiled.
    pub(crate) fn write(self, reach: &mut Reach) -> Result<(), Failure> {
        if self.n_read == Some(reach.n_kept()) {
            return Ok(());
        }
        let bytes = reach.edges_to_bytes(self.source)?;
        let mut output = Output::open(Some(&self.path))?;
        output.bytes(&bytes)?;
        output.finish()
    }
}
