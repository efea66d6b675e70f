//! DistilBERT on the token ids of records: from a model's weights to a mean vector for each token.
//!
//! In the order of the data:
//!
//! 1. [`finetune`] trains a DistilBERT on the token ids of `.skim` parts, as a masked language model (if configured);
//! 2. [`distilbert`] reads and writes its weights as Hugging Face stores them, and makes an ONNX model of them, which
//!    [`onnx`] writes;
//! 3. [`EncoderModel`] opens an ONNX model with ONNX Runtime, if its library is found, or with tract; the [`Encoder`]
//!    of each worker turns a [`TokenBatch`] into hidden states;
//! 4. [`MeanVectors`] takes the mean of each token's hidden states over all records, with [`Snapshots`] from which it
//!    is resumed;
//! 5. the result is [`TokenVectors`], stored as `.npy` files and mapped again as [`MappedVectors`].
//!
//! Beside this way, [`Decoder`] turns token ids into text for people.
//!
//! ```
//! # #[cfg(feature = "tract")] {
//! use skimlog_runtime::progress::Silent;
//! use skimlog_text::distilbert::{Architecture, Weights};
//! use skimlog_text::{EncoderModel, EncoderOptions, EngineChoice, MeanOptions, MeanVectors};
//!
//! let folder = tempfile::tempdir()?;
//! // 200 token ids, hidden states of 8 numbers, 1 layer with 2 attention heads.
//! Weights::random(Architecture::new(200, 8, 16, 1, 2), 0).write(folder.path())?;
//! let options = EncoderOptions { engine: EngineChoice::Tract, ..EncoderOptions::default() };
//! let model = EncoderModel::open(folder.path(), &options)?;
//!
//! let mut mean = MeanVectors::new(&model, MeanOptions::default())?;
//! mean.add([&[101, 7, 102][..], &[101, 9, 7, 102]], &Silent)?;
//! let (vectors, summary) = mean.finish(&Silent)?;
//! assert_eq!(summary.records, 2);
//! assert_eq!((vectors.tokens, vectors.counts), (vec![7, 9, 101, 102], vec![2, 1, 2, 2]));
//! assert_eq!(vectors.vectors.dim(), (4, 8));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! All but `cuda` are on by default. What a build lacks is an error that names the feature.
//!
//! * `finetune` — the training, by burn; without it [`finetune::finetune`] is an error;
//! * `onnxruntime` — the engine ONNX Runtime, whose library is looked for at run time;
//! * `tract` — the engine tract, in pure Rust;
//! * `cuda` — training on an NVIDIA card; it is compiled without the CUDA toolkit, and runs with its libraries.

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
#[cfg(feature = "tract")]
#[cfg(test)]
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
