//! Why a log cannot be read.

use std::io;
use std::path::PathBuf;

use skimlog_formats::mapped::Lost;
use skimlog_runtime::stream::StreamError;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A mapped log became shorter.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// Neither the name nor the first bytes say the format.
    #[error("{}: neither its name nor its first bytes say its format: give it (--format {names})", path.display())]
    Format {
        /// The log.
        path: PathBuf,
        /// The formats there are.
        names: String,
    },
    /// The log holds no row.
    #[error("{}: is empty: write it again, or leave it out", path.display())]
    Empty {
        /// The log.
        path: PathBuf,
    },
    /// The log is damaged, or not in its format.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The log and its mapping do not fit.
    #[error("{0}")]
    Schema(String),
}
