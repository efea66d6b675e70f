//! Stand-ins for the engines that this build lacks, which load no model.

use std::path::Path;

use super::LoadedModel;
use crate::TextError;

#[cfg(not(feature = "onnxruntime"))]
pub(super) mod onnxruntime {
    use super::{LoadedModel, Path, TextError};

    /// This build has none.
    pub(in crate::engine) enum Library {}

    pub(in crate::engine) fn library(_: Option<&Path>) -> Result<Library, TextError> {
        Err(TextError::NotBuilt { engine: "ONNX Runtime", feature: "onnxruntime" })
    }

    pub(in crate::engine) fn load(
        _: &Path,
        library: Library,
        _: Option<usize>,
    ) -> Result<Box<dyn LoadedModel>, TextError> {
        match library {}
    }
}

#[cfg(not(feature = "tract"))]
pub(super) mod tract {
    use super::{LoadedModel, Path, TextError};

    /// `fallback` is the reason for which ONNX Runtime, where this build has it, cannot be used.
    pub(in crate::engine) fn load(
        _: &Path,
        _: Option<usize>,
        fallback: Option<String>,
    ) -> Result<Box<dyn LoadedModel>, TextError> {
        Err(match fallback {
            Some(reason) => TextError::NoEngine { reason },
            None => TextError::NotBuilt { engine: "tract", feature: "tract" },
        })
    }
}
