//! DistilBERT as Hugging Face stores it: `config.json` and `model.safetensors` of a `DistilBertForMaskedLM`.
//!
//! * [`Architecture`] — the sizes, from `config.json`;
//! * [`Tensor`] — the name of each tensor, as a type;
//! * [`Weights`] — the numbers, read, written or drawn at random; [`Weights::onnx`] gives the encoder as a graph.

mod architecture;
mod error;
mod file;
mod folder;
mod graph;
mod tensor;
mod weights;

pub use architecture::{Activation, Architecture, CONFIG_FILE};
pub use error::DistilBertError;
pub(super) use file::{TensorFile, write_tensors};
pub use folder::{check_folder, refuse_weights};
pub use tensor::{Block, Tensor};
pub use weights::{WEIGHTS_FILE, Weights};
