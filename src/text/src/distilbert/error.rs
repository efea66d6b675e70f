//! Errors of a stored DistilBERT.

use std::io;
use std::path::PathBuf;

use skimlog_formats::mapped::Lost;
use thiserror::Error;

use skimlog_runtime::files::FileError;

/// Why a model cannot be read or written.
#[derive(Debug, Error)]
pub enum DistilBertError {
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason the system gives.
        source: io::Error,
    },
    /// A file lost bytes while it was read.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A file that is no `config.json` of a DistilBERT, or lacks a key.
    #[error("{}: not the configuration of a DistilBERT: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The reason the JSON parser gives, with line and column.
        source: serde_json::Error,
    },
    /// An architecture that this program does not compute.
    #[error("{location}: {problem}")]
    Architecture {
        /// Where it was given: a file or a configuration section.
        location: String,
        /// What does not fit.
        problem: String,
    },
    /// A file of weights that does not hold what its `config.json` says.
    #[error("{}: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The tensor and what is wrong with it.
        problem: String,
    },
    /// A folder that holds no DistilBERT that can be read, with what to do.
    #[error("{}: {problem}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the folder holds, what is missing and what to do.
        problem: String,
    },
    /// A file that cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}
