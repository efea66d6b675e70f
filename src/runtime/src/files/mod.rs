//! Outputs that are there whole or not at all: files, folders, and the lock of a directory that one process works in.

mod atomic;
mod folder;
mod lock;
mod target;
mod temporary;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use atomic::{AtomicFile, ensure_writable, write_file};
pub use folder::{AtomicFolder, ensure_replaceable, remove_leftovers};
pub use lock::DirectoryLock;
pub use target::{InputFiles, behind_links};
pub use temporary::{clear_leftover, unfinished};

/// Why an output cannot be made.
#[derive(Debug, Error)]
pub enum FileError {
    /// A file or folder cannot be made, read, written or renamed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing can be written there.
    #[error("{}: cannot write there: {problem}", path.display())]
    NoOutput {
        /// The output, as it was asked for.
        path: PathBuf,
        /// What stands there, and what to do.
        problem: &'static str,
    },
    /// The output is one of the inputs.
    #[error(
        "{}: is also an input ({}), which is never replaced: name another output",
        output.display(),
        input.display()
    )]
    IsInput {
        /// The output, as it was asked for.
        output: PathBuf,
        /// The input, by its own name.
        input: PathBuf,
    },
    /// Somebody else writes the file.
    #[error("{}: is being written by another program: wait for it to end, or name another output", path.display())]
    Busy {
        /// The output.
        path: PathBuf,
    },
    /// A file that is a mount point could not be filled anew.
    #[error(
        "{}: is a mount point, and writing to it failed: {source}; what was to be written is {}",
        path.display(),
        whole.display()
    )]
    MountPoint {
        /// The output.
        path: PathBuf,
        /// Where everything that was to be written stands.
        whole: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process works in the directory.
    #[error(
        "{}: another skimmer works in this directory (it holds the lock file); wait for it to end, or set another \
         working_dir",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl FileError {
    /// Makes the error of what the system refused: `action`, a verb, was tried on `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), action, source }
    }
}

/// What is in a folder, as paths.
///
/// # Errors
/// [`FileError::Io`].
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = fs::read_dir(folder).map_err(FileError::io("read the folder", folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>();
    paths.map_err(FileError::io("read the folder", folder))
}

/// Removes a file or a folder with everything in it; one that is not there is no error.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove_if_there(path: &Path) -> Result<(), FileError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
