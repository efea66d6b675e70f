//! Why a stage could not be run.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use skimlog_formats::columnar::ColumnarError;
use skimlog_runtime::files::FileError;
use skimlog_runtime::stream::StreamError;
use thiserror::Error;

use crate::workspace::WorkspaceError;

/// Why a stage could not be run: what any of them may meet, or what the stage itself says.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// Something an earlier stage makes is not there.
    #[error("{} is not there yet: run `skimmer {stage}` first, or `skimmer run`", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
        /// Name of the stage that makes it.
        stage: &'static str,
    },
    /// A file cannot be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A summary cannot be written down.
    #[error("cannot write the summary: {0}")]
    Summary(#[from] serde_json::Error),
    /// A task's summary does not hold what it should.
    #[error("the summary of {task} in manifest.json cannot be read ({source}): make it anew with --force")]
    ReadSummary {
        /// The task.
        task: String,
        /// What is missing or of another type.
        source: serde_json::Error,
    },
    /// The working directory is unusable.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The raw parts are unusable.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A `.skim` file cannot be read or written.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
    /// What one stage alone can meet.
    #[error(transparent)]
    Stage(Box<dyn Error + Send + Sync>),
}

/// An error that a stage has of its own; it becomes a [`PipelineError`] by `?`.
pub trait StageError: Error + Send + Sync + 'static {}

impl<E: StageError> From<E> for PipelineError {
    fn from(error: E) -> Self {
        Self::Stage(Box::new(error))
    }
}

impl PipelineError {
    /// For `map_err`: the file at `path` cannot be written.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    /// The stage's own error, if this is one of that type.
    pub fn stage_error<E: StageError>(&self) -> Option<&E> {
        match self {
            Self::Stage(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl From<FileError> for PipelineError {
    fn from(error: FileError) -> Self {
        Self::Workspace(error.into())
    }
}
