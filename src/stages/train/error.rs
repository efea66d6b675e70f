//! What can go wrong in training.

use std::path::PathBuf;

use skimlog_features::input::ExampleError;
use skimlog_network::NetError;
use skimlog_runtime::files::FileError;
use skimlog_runtime::shuffle::ShuffleError;
use thiserror::Error;

use crate::pipeline::evaluate::EvaluateError;
use crate::pipeline::examples::ExamplesError;

/// Why a network cannot be trained.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The records cannot be read.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// The examples cannot be put aside and taken back.
    #[error(transparent)]
    Shuffle(#[from] ShuffleError),
    /// An example does not read back, although its checksum was right.
    #[error("an example in the scratch directory does not read back: {0}")]
    Spilled(#[source] ExampleError),
    /// The network refuses a step.
    #[error("{session}, batch {batch}: {source}")]
    Step {
        /// Which day or epoch.
        session: String,
        /// 0-based number of the batch within it.
        batch: u64,
        /// What the network says.
        source: Box<NetError>,
    },
    /// The network refuses a batch on which its statistics were to settle.
    #[error("settling the batch normalisations: {source}")]
    Settle {
        /// What the network says.
        source: Box<NetError>,
    },
    /// A checkpoint cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] FileError),
    /// A checkpoint's weights cannot be written.
    #[error("the training's checkpoint: {0}")]
    Weights(#[from] NetError),
    /// A checkpoint's weights cannot be read.
    #[error("the training's checkpoint: {0}; delete the folder to begin the training anew")]
    Damaged(NetError),
    /// What a checkpoint says of itself is not what was written.
    #[error("{}: the checksum differs: the file is damaged; delete the folder to begin the training anew",
        .path.display())]
    DamagedState {
        /// The file.
        path: PathBuf,
    },
    /// What a checkpoint says of itself cannot be written.
    #[error("{}: {source}", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// It was asked to stop, for example with Ctrl-C.
    #[error(
        "stopped at {position}{}",
        .checkpoint.as_ref().map_or_else(String::new, |folder| format!(
            "; the checkpoint is {}: the same command goes on from there", folder.display()
        ))
    )]
    Interrupted {
        /// Where it stopped.
        position: String,
        /// The checkpoint from which it goes on, if there is one.
        checkpoint: Option<PathBuf>,
    },
    /// The network cannot be measured.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Fewer than two training records.
    #[error("{0} training records: batch normalisation needs at least two")]
    TooFew(u64),
    /// A batch size that cannot be.
    #[error("train.batch is {0}: batch normalisation needs at least two records")]
    Batch(usize),
    /// The work goes on no further; someone else tells why.
    #[error("the training has ended")]
    Stopped,
}
