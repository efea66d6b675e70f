//! DistilBERT: a model read from ONNX, run by one of two engines, and the mean vector of each token.
//!
//! * [`Model`] — an ONNX file, opened by ONNX Runtime where its library is found, else by tract (pure Rust);
//! * [`Encoder`] — the one thing a model does: padded token ids in, last hidden states out;
//! * [`MeanVectors`] — the mean hidden state of every token over the records of many parts, gives [`TokenVectors`];
//! * [`distilbert`] — a Hugging Face DistilBERT's sizes and weights;
//! * [`finetune`] — masked-language-model training;
//! * [`Decoder`] — token ids back to text, for people.

mod batch;
mod decode;
pub mod distilbert;
mod encoder;
mod engine;
mod error;
pub mod finetune;
mod mean;
mod mean_summary;
mod model;
mod npy;
pub mod onnx;
mod snapshot;
mod sums;
#[cfg(all(test, feature = "tract"))]
mod tests;
mod vectors;
mod window;

pub use batch::TokenBatch;
pub use decode::Decoder;
pub use encoder::Encoder;
pub use engine::{EngineChoice, EngineDevice, EngineReport};
pub use error::TextError;
pub use mean::{MeanOptions, MeanVectors};
pub use mean_summary::MeanSummary;
pub use model::{EncoderModel, EncoderOptions};
pub use snapshot::Snapshots;
pub use vectors::{MappedVectors, TokenVectors, VectorPaths};
