//! The engines that run an ONNX model: ONNX Runtime, where its library is found, and tract, in pure Rust.
//!
//! Each is a feature of this crate. One that the build lacks is an error where it is asked for.

#[cfg(not(all(feature = "onnxruntime", feature = "tract")))]
mod absent;
#[cfg(feature = "tract")]
mod graph_check;
#[cfg(feature = "onnxruntime")]
mod library;
mod loaded;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
#[cfg(any(feature = "onnxruntime", feature = "tract"))]
mod signature;
#[cfg(feature = "tract")]
mod tract;

use std::path::Path;

use serde::{Deserialize, Serialize};

#[cfg(not(feature = "onnxruntime"))]
use absent::onnxruntime;
#[cfg(not(feature = "tract"))]
use absent::tract;
pub(crate) use loaded::LoadedModel;
pub use loaded::{EngineDevice, EngineReport};

use crate::TextError;

/// Which engine runs the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// ONNX Runtime where a library is found, else tract.
    #[default]
    Auto,
    /// ONNX Runtime, or an error.
    OnnxRuntime,
    /// tract.
    Tract,
}

/// Loads an ONNX file. `library` is the file of ONNX Runtime, which is looked for if not given; `vocabulary` is the
/// number of token ids, where the model's `config.json` gives it.
pub(crate) fn load(
    path: &Path,
    choice: EngineChoice,
    library: Option<&Path>,
    vocabulary: Option<usize>,
) -> Result<Box<dyn LoadedModel>, TextError> {
    let fallback = match choice {
        EngineChoice::Tract => None,
        EngineChoice::Auto | EngineChoice::OnnxRuntime => match onnxruntime::library(library) {
            Ok(library) => return onnxruntime::load(path, library, vocabulary),
            Err(error) if choice == EngineChoice::OnnxRuntime => return Err(error),
            Err(TextError::NoOnnxRuntime { reason }) => Some(reason),
            // This build has no ONNX Runtime, so tract is what there is to choose.
            Err(_) => None,
        },
    };
    tract::load(path, vocabulary, fallback)
}
