//! Where results go: standard output, or a file that is complete or not there.

use crate::ending::Failure;
use ::parquet::errors::ParquetError;
use anstream::AutoStream;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::NamedTempFile;

/// The temporary file being written, so that a signal or a panic can remove it. There is at most one output.
static PENDING: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the temporary file being written, if there is one.
pub(crate) fn discard_pending() {
    // A panic hook may run while this very lock is held: then the file stays, under its temporary name.
    if let Ok(mut pending) = PENDING.try_lock()
        && let Some(path) = pending.take()
    {
        let _ = std::fs::remove_file(path);
    }
}

/// Makes Ctrl-C, SIGTERM and SIGHUP remove the temporary file before they end the process.
///
/// Where a handler cannot be installed the process ends as it would without one, so that is no error.
pub(crate) fn tidy_up_on_signals() {
    let _ = ctrlc::set_handler(|| {
        discard_pending();
        // What shells report for a process that SIGINT ended.
        std::process::exit(130);
    });
}

/// The place where a command writes its results.
pub(crate) struct Output {
    sink: Sink,
}

enum Sink {
    Stdout(BufWriter<std::io::Stdout>),
    /// A device, a pipe: nothing that could be replaced.
    Device(BufWriter<std::fs::File>, PathBuf),
    File(BufWriter<NamedTempFile>, PathBuf),
}

const BUFFER_BYTES: usize = 64 * 1024;

impl Output {
    /// Standard output for `None` and `-`, otherwise the file, which appears under its name only with
    /// [`Output::finish`].
    ///
    /// # Errors
    /// [`Failure::Output`] if nothing can be written there.
    pub(crate) fn open(path: Option<&Path>) -> Result<Output, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Output { sink: Sink::Stdout(BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout())) });
        };
        let fail = |error| Failure::Output(format!("cannot write `{}`: {}", path.display(), reason(&error)));
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::Output(format!("cannot write `{}`: it is a folder", path.display())))
            }
            // Replacing `/dev/null` or a named pipe by a file would surprise everyone.
            Ok(metadata) if !metadata.is_file() => {
                let file = std::fs::OpenOptions::new().write(true).open(path).map_err(fail)?;
                Ok(Output { sink: Sink::Device(BufWriter::with_capacity(BUFFER_BYTES, file), path.to_owned()) })
            }
            existing => {
                // A symbolic link stays one: the file that it leads to is replaced.
                let target = if existing.is_ok() { path.canonicalize().map_err(fail)? } else { path.to_owned() };
                let folder = match target.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                let temporary = temporary_file(folder, existing.ok().map(|m| m.permissions())).map_err(fail)?;
                if let Ok(mut pending) = PENDING.lock() {
                    *pending = Some(temporary.path().to_owned());
                }
                Ok(Output { sink: Sink::File(BufWriter::with_capacity(BUFFER_BYTES, temporary), target) })
            }
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// [`Failure::Closed`] if the reader of standard output has gone, [`Failure::Output`] for everything else.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write_all(bytes).map_err(|error| self.failure(error))
    }

    /// Writes a text that may hold colours; they are kept only where standard output shows them.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let result = match &mut self.sink {
            Sink::Stdout(_) => {
                let choice = AutoStream::choice(&std::io::stdout());
                let mut plain = AutoStream::new(Vec::with_capacity(text.len()), choice);
                plain.write_all(text.as_bytes()).and_then(|()| self.write_all(&plain.into_inner()))
            }
            _ => {
                let stripped = anstream::adapter::strip_str(text).to_string();
                self.write_all(stripped.as_bytes())
            }
        };
        result.map_err(|error| self.failure(error))
    }

    /// Writes out what is buffered, and gives the file its name.
    ///
    /// # Errors
    /// As [`Output::bytes`]; the file that had the name before is then untouched.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush().map_err(|error| self.failure(error))?;
        if let Sink::File(buffer, target) = self.sink {
            let fail = |error| Failure::Output(format!("cannot write `{}`: {}", target.display(), reason(&error)));
            let temporary = buffer.into_inner().map_err(|error| fail(error.into_error()))?;
            let persisted = temporary.persist(&target).map_err(|error| fail(error.error));
            if let Ok(mut pending) = PENDING.lock() {
                *pending = None;
            }
            persisted?;
        }
        Ok(())
    }

    /// The failure that an error of the sink is.
    pub(crate) fn failure(&self, error: std::io::Error) -> Failure {
        let name = match &self.sink {
            Sink::Stdout(_) if error.kind() == ErrorKind::BrokenPipe => return Failure::Closed,
            Sink::Stdout(_) => "standard output".to_owned(),
            Sink::Device(_, path) | Sink::File(_, path) => format!("`{}`", path.display()),
        };
        Failure::Output(format!("cannot write {name}: {}", reason(&error)))
    }
}

/// Raw access for writers of other formats (CSV, Parquet).
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.sink {
            Sink::Stdout(sink) => sink.write(bytes),
            Sink::Device(sink, _) => sink.write(bytes),
            Sink::File(sink, _) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.sink {
            Sink::Stdout(sink) => sink.flush(),
            Sink::Device(sink, _) => sink.flush(),
            Sink::File(sink, _) => sink.flush(),
        }
    }
}

/// The failure that an error of the Parquet library is. It wraps errors of the output; a reader that has gone is no failure
/// there either.
pub(crate) fn parquet_failure(error: ParquetError) -> Failure {
    let of_output = match &error {
        ParquetError::External(inner) => inner.downcast_ref::<std::io::Error>(),
        _ => None,
    };
    match of_output {
        Some(error) if error.kind() == ErrorKind::BrokenPipe => Failure::Closed,
        Some(error) => Failure::Output(format!("cannot write the answers: {}", reason(error))),
        None => Failure::Output(format!("cannot write the answers: {error}")),
    }
}

/// What an error says but for the name of the temporary file, which `tempfile` puts behind it: it tells nobody anything and
/// is never the same.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" at path \"").next().unwrap_or_default().to_owned()
}

/// A temporary file beside its target, with the permissions of the file that it replaces, or those of a new file.
fn temporary_file(folder: &Path, permissions: Option<std::fs::Permissions>) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".iamc-").suffix(".tmp");
    #[cfg(unix)]
    let permissions = {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask is taken from this, as for every file that a program creates.
        Some(permissions.unwrap_or_else(|| std::fs::Permissions::from_mode(0o666)))
    };
    if cfg!(unix)
        && let Some(permissions) = permissions
    {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder)
}
