//! DistilBERT: a model read from ONNX, run by one of two engines, and the mean vector of each token.
//!
//! * [`Model`] — an ONNX file, opened by ONNX Runtime where its library is found, else by tract (pure Rust);
//! * [`Encoder`] — what an engine does: padded token ids in, last hidden states out;
//! * [`MeanVectors`] — the mean hidden state of every token over the records of many parts, gives [`TokenVectors`];
//! * [`distilbert`] — a Hugging Face DistilBERT's sizes and weights;
//! * [`finetune`] — masked-language-model training;
//! * [`Decoder`] — token ids back to text, for people.

mod batch;
mod decode;
pub mod distilbert;
mod error;
pub mod finetune;
mod library;
mod mean;
mod model;
mod npy;
pub mod onnx;
mod onnxruntime;
mod snapshot;
mod sound_graph;
mod sums;
#[cfg(test)]
mod tests;
mod tract;
mod vectors;
mod window;

use ndarray::Array3;

pub use batch::TokenBatch;
pub use decode::Decoder;
pub use error::TextError;
pub use mean::{MeanOptions, MeanSummary, MeanVectors};
pub use model::{Device, EngineChoice, EngineReport, Model, ModelOptions};
pub use snapshot::Snapshots;
pub use vectors::{MappedVectors, TokenVectors, VectorPaths};

/// Runs a BERT-like model.
pub trait Encoder: Send {
    /// Last hidden states `[sequences, length, width]` of a batch. What stands at padded positions means nothing.
    ///
    /// # Errors
    /// [`TextError::Token`] for a token beyond the model's vocabulary, [`TextError::Run`] where the engine fails.
    fn encode(&mut self, batch: &TokenBatch) -> Result<Array3<f32>, TextError>;
}
