//! Errors of prediction.

use std::io;
use std::path::PathBuf;

use skimlog_features::counts::frozen::FrozenError;
use skimlog_formats::record::{ReadError, RecordError};
use skimlog_network::NetError;
use skimlog_runtime::stream::StreamError;
use thiserror::Error;

use crate::bundle::BundleError;

/// Why records cannot be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// The model bundle is unusable.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The frozen counts are unusable.
    #[error(transparent)]
    Counts(#[from] FrozenError),
    /// The network refuses a batch.
    #[error(transparent)]
    Network(#[from] NetError),
    /// A line is no record. The predictions of all lines before it were written.
    #[error("{}:{source}", .input.display())]
    Record {
        /// Name of the input.
        input: PathBuf,
        /// Which line, and what is wrong with it.
        source: RecordError,
    },
    /// The input is not text at all; it is compressed, for example.
    #[error(transparent)]
    NoText(#[from] StreamError),
    /// The input cannot be read.
    #[error("{}: {source}", .input.display())]
    Read {
        /// Name of the input.
        input: PathBuf,
        /// What the system said.
        source: ReadError,
    },
    /// The predictions cannot be written.
    #[error("cannot write the predictions")]
    Write(#[from] io::Error),
}
