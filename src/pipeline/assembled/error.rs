//! Errors of assembled features.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use skimlog_features::counts::frozen::FrozenError;
use skimlog_formats::columnar::ColumnarError;
use skimlog_import::ids::IdsError;
use skimlog_runtime::files::FileError;
use thiserror::Error;

use crate::pipeline::StageError;
use crate::pipeline::examples::ExamplesError;

/// Why features were not written.
#[derive(Debug, Error)]
pub enum AssembleError {
    /// The records cannot be read.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// A part cannot be read.
    #[error(transparent)]
    Part(#[from] ColumnarError),
    /// The frozen counts are unusable.
    #[error(transparent)]
    Counts(#[from] FrozenError),
    /// A dictionary of ids is unusable.
    #[error(transparent)]
    Ids(#[from] IdsError),
    /// The output cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// The output does not take the bytes.
    #[error("{}: cannot write: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Parquet writer refuses.
    #[error("{}: cannot write Parquet: {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// The Arrow writer refuses.
    #[error("cannot write Arrow: {0}")]
    Arrow(#[from] ArrowError),
    /// It was asked to stop, for example with Ctrl-C.
    #[error("stopped: nothing was written")]
    Stopped,
}

impl StageError for AssembleError {}
