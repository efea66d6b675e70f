//! Errors of fine-tuning.

use std::path::PathBuf;

use skimlog_formats::columnar::ColumnarError;
use skimlog_runtime::files::FileError;
use thiserror::Error;

use crate::TextError;
use crate::distilbert::DistilBertError;

/// Why a model cannot be fine-tuned.
#[derive(Debug, Error)]
pub enum FinetuneError {
    /// A part cannot be read.
    #[error(transparent)]
    Part(#[from] ColumnarError),
    /// The model to start from, or a checkpoint's, cannot be read or written.
    #[error(transparent)]
    Model(#[from] DistilBertError),
    /// A checkpoint's ONNX model cannot be written, or the tokenizer cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A checkpoint cannot be written.
    #[error(transparent)]
    Store(#[from] FileError),
    /// A token that the model does not know.
    #[error(
        "{}: record {record}: token {token} is beyond the model's vocabulary of {vocabulary} tokens", part.display()
    )]
    Token {
        /// The part.
        part: PathBuf,
        /// 0-based number of the record in it.
        record: u64,
        /// The token id.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A model that has no mask token.
    #[error(
        "the mask token {token} is beyond the model's vocabulary of {vocabulary} tokens: name the model's own \
         tokenizer in the configuration (distilbert.tokenizer)"
    )]
    Mask {
        /// The token id.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A sequence length that the model does not have.
    #[error("sequences of {asked} tokens are asked for, the model's longest has {most}")]
    Length {
        /// The length in the options.
        asked: usize,
        /// The longest that the model has.
        most: usize,
    },
    /// Nothing to train on.
    #[error("{records} records, {held_out} of them held out: there is nothing to train on")]
    NoRecords {
        /// Records of all parts.
        records: u64,
        /// Held-out ones.
        held_out: u64,
    },
    /// A loss that is no finite number: the training has diverged.
    #[error(
        "the loss of step {step} is {loss}: try a lower learning rate or more warm-up steps; the checkpoints made \
         before are whole"
    )]
    Diverged {
        /// 1-based number of the step.
        step: u64,
        /// The loss.
        loss: f32,
    },
    /// Checkpoints of another training.
    #[error(
        "{} belongs to a training with other settings ({what}); `skimmer finetune --force` starts anew",
        path.display()
    )]
    Settings {
        /// The checkpoint.
        path: PathBuf,
        /// The setting that differs, with both values.
        what: String,
    },
    /// A checkpoint from which no training can be resumed.
    #[error("{}: {problem}; delete the checkpoint to go on from an earlier one", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Stopped on request, with a checkpoint.
    #[error(
        "stopped after step {step} of {steps}; {} holds everything, the same command goes on from there",
        checkpoint.display()
    )]
    Interrupted {
        /// Steps taken.
        step: u64,
        /// Steps to take.
        steps: u64,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// This build lacks the training.
    #[error("this program was built without fine-tuning: build it with `--features finetune`")]
    NotBuilt,
    /// A device that this program cannot use.
    #[error(
        "distilbert.device is {device}, but this program was built without it: build it with `--features {device}`"
    )]
    Device {
        /// The device.
        device: &'static str,
    },
}
