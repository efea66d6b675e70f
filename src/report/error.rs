//! Why there is no report.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::workspace::WorkspaceError;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Nothing has been trained in the directory.
    #[error("{}: nothing was trained here yet: run `skimmer run` or `skimmer train` first", .directory.display())]
    NothingTrained {
        /// The working directory.
        directory: PathBuf,
    },
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}: train again, or make the report with the version that trained", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The manifest cannot be read, or the report not be written.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl ReportError {
    pub(super) fn content(path: &Path) -> impl FnOnce(serde_json::Error) -> Self {
        move |error| Self::Content { path: path.to_owned(), reason: error.to_string() }
    }
}
