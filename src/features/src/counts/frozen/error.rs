use std::io;
use std::path::{Path, PathBuf};

use skimlog_formats::mapped::Lost;
use thiserror::Error;

use skimlog_runtime::files::FileError;

/// Why a frozen file could not be written or read.
#[derive(Debug, Error)]
pub enum FrozenError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file lost bytes while it was read.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The file could not be made, or not be renamed.
    #[error(transparent)]
    Workspace(#[from] FileError),
    /// The file is not what was written.
    #[error("{path}: byte {offset}: {what}; the file is damaged or cut short: make the model again or copy it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// Written by a version of skimmer with another layout.
    #[error("{path}: byte 8: layout version {found}, this program reads version {expected}: make the model again")]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: u32,
        /// The version that can be read.
        expected: u32,
    },
    /// A key came after a higher one, or twice.
    #[error("{path}: key {key:016X} comes after key {previous:016X}: a frozen table takes ascending keys, each once")]
    Order {
        /// The file.
        path: PathBuf,
        /// The key before.
        previous: u64,
        /// The key that should have been higher.
        key: u64,
    },
}

impl FrozenError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what: what.into() }
    }
}
