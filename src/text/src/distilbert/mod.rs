//! DistilBERT as Hugging Face stores it: `config.json` and `model.safetensors` of a `DistilBertForMaskedLM`.
//!
//! * [`Architecture`] — the sizes, from `config.json`;
//! * [`TensorName`] — the name of a tensor, as a type;
//! * [`Weights`] — the numbers, read, written or random; [`Weights::onnx`] gives the encoder as a graph.

mod architecture;
mod error;
mod file;
mod folder;
mod graph;
mod tensor;
mod weights;

pub use architecture::{Activation, Architecture};
pub use error::DistilBertError;
#[cfg(feature = "finetune")]
pub(crate) use file::{TensorFile, write_tensors};
pub use folder::{CONFIG_FILE, WEIGHTS_FILE, check_folder, refuse_weights};
pub use tensor::{Block, TensorName};
pub use weights::Weights;
