//! What can go wrong in training.

use thiserror::Error;

use crate::features::ExampleError;
use crate::net::NetError;
use crate::pipeline::evaluate::EvaluateError;
use crate::pipeline::examples::ExamplesError;
use crate::shuffle::ShuffleError;

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
    /// The network cannot be measured.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Fewer than two training records.
    #[error("{0} training records: batch normalisation needs at least two")]
    TooFew(u64),
    /// A batch size that cannot be.
    #[error("train.batch is {0}: batch normalisation needs at least two records")]
    Batch(usize),
    /// No threads for the step.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What rayon said.
        source: rayon::ThreadPoolBuildError,
    },
    /// The step ended first and tells why.
    #[error("the training step has ended")]
    Stopped,
}
