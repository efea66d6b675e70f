//! Errors of a text model, its vectors or a tokenizer.

use std::{io, path::PathBuf};

use skimlog_formats::mapped::Lost;
use skimlog_runtime::files::FileError;
use thiserror::Error;

use crate::distilbert::DistilBertError;

/// Why a model could not be read or run, or its results not be stored.
#[derive(Debug, Error)]
pub enum TextError {
    /// A file that cannot be read or written.
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
    /// A file that is no `config.json`.
    #[error("{}: not a model configuration: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The reason the JSON parser gives.
        reason: serde_json::Error,
    },
    /// A file that the engine cannot load as a model.
    #[error("{}: {engine} cannot load it as an ONNX model: {reason}", path.display())]
    Load {
        /// The model file.
        path: PathBuf,
        /// The engine.
        engine: &'static str,
        /// The reason the engine gives.
        reason: String,
    },
    /// A model whose inputs or outputs are not those of a BERT-like encoder.
    #[error(
        "{}: {problem}; a model must take input_ids and attention_mask (int64, [batch, length]; token_type_ids too if \
         it wants them) and give last_hidden_state (float32, [batch, length, width])",
        path.display()
    )]
    Signature {
        /// The model file.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// Neither the model nor a `config.json` gives the vocabulary's size.
    #[error(
        "{}: the size of its vocabulary is not known; put the model's config.json (with vocab_size) beside it",
        path.display()
    )]
    UnknownVocabulary {
        /// The model file.
        path: PathBuf,
    },
    /// A token that the model does not know.
    #[error(
        "token {token} is beyond the vocabulary of {} ({vocabulary} tokens): the parts were tokenised for another \
         model",
        path.display()
    )]
    Token {
        /// The token id.
        token: i64,
        /// The model file.
        path: PathBuf,
        /// Size of its vocabulary.
        vocabulary: usize,
    },
    /// The engine failed on a batch.
    #[error("{}: {engine} failed on {sequences} sequences of length {length}: {reason}", path.display())]
    Run {
        /// The model file.
        path: PathBuf,
        /// The engine.
        engine: &'static str,
        /// Sequences in the batch.
        sequences: usize,
        /// Their padded length.
        length: usize,
        /// The reason the engine gives.
        reason: String,
    },
    /// ONNX Runtime was asked for and no usable library was found.
    #[error(
        "ONNX Runtime cannot be used: {reason}; `pip install onnxruntime`, name its library in ORT_DYLIB_PATH or in \
         the configuration (distilbert.onnxruntime), or let the engine be chosen automatically"
    )]
    NoOnnxRuntime {
        /// What was tried.
        reason: String,
    },
    /// An engine was asked for that this build lacks.
    #[error("this program was built without the engine {engine}: build it with `--features {feature}`")]
    NotBuilt {
        /// The engine.
        engine: &'static str,
        /// The feature that adds it.
        feature: &'static str,
    },
    /// No usable library of ONNX Runtime was found, and this build lacks tract.
    #[error(
        "ONNX Runtime cannot be used: {reason}, and this program was built without the engine tract: `pip install \
         onnxruntime`, name its library in ORT_DYLIB_PATH or in the configuration (distilbert.onnxruntime), or build \
         the program with `--features tract`"
    )]
    NoEngine {
        /// What was tried.
        reason: String,
    },
    /// A hidden state that is not a finite number.
    #[error("{}: the hidden state of token {token} is {value}: the model's weights are damaged", path.display())]
    NotFinite {
        /// The model file.
        path: PathBuf,
        /// The token id.
        token: u32,
        /// The number found.
        value: f32,
    },
    /// Weights from which no ONNX file can be made.
    #[error(transparent)]
    Weights(#[from] DistilBertError),
    /// An ONNX file that cannot be written.
    #[error(transparent)]
    Write(FileError),
    /// A snapshot cannot be stored.
    #[error(transparent)]
    Snapshot(FileError),
    /// No record to learn token vectors from.
    #[error("no record with tokens: there is nothing to compute token vectors from")]
    NoTokens,
    /// A file of token vectors that does not hold what it should.
    #[error("{}: {problem}; run the embed stage again", path.display())]
    Vectors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A tokenizer that cannot be read.
    #[error("{}: not a tokenizer.json: {reason}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// The reason the tokenizer library gives.
        reason: String,
    },
    /// A token that the tokenizer does not know.
    #[error("token {token} is not in the tokenizer's vocabulary of {vocabulary} tokens")]
    Decode {
        /// The token id.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
}

impl TextError {
    /// For `map_err` on a file operation.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
