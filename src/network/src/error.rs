//! What can go wrong with a network, its files and its batches.

use std::path::PathBuf;

use skimlog_formats::mapped::Lost;

use skimlog_runtime::files::FileError;

/// An error of the network.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file lost bytes while it was read.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A file is no intact safetensors file.
    #[error("{path}: not an intact safetensors file ({source}); it may be truncated: write it again or take a copy")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the format's reader said.
        source: safetensors::SafeTensorError,
    },
    /// A file's bytes are not those that were written.
    #[error("{path}: the checksum differs: the file is damaged, take it from its source again or train again")]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// A file lacks a tensor.
    #[error("{path}: no tensor `{tensor}`: the file was made for another kind of network or is no checkpoint")]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// A tensor's shape or type is not the one the configuration asks for.
    #[error(
        "{path}: tensor `{tensor}` is {found}, expected {expected}: the model was made with another sketch_width, \
         sketch_depth, hidden size or number of languages than the configuration's"
    )]
    WrongShape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Type and shape in the file.
        found: String,
        /// Type and shape that fit.
        expected: String,
    },
    /// A file is no intact packed network.
    #[error("{path}: no intact packed network: {what}; take the model from its source again, or train again")]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Bytes need ranges.
    #[error("int8 needs the ranges of activations, which `skimmer train` takes from labelled records")]
    Uncalibrated,
    /// There is no such tensor, or its size differs.
    #[error("tensor `{tensor}` with {values} values does not belong to this network")]
    NoSuchTensor {
        /// The name given.
        tensor: String,
        /// How many values were given.
        values: usize,
    },
    /// A batch does not fit the network.
    #[error("batch of {rows} records: {reason}")]
    Batch {
        /// Records in the batch.
        rows: usize,
        /// What does not fit.
        reason: String,
    },
    /// The loss is infinite or not a number.
    #[error("the loss of step {step} is {loss}: the training diverged; lower the learning rate")]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// The loss.
        loss: f32,
    },
}
