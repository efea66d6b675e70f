//! A model file that an engine has loaded, and the report on the engine.

use std::{borrow::Cow, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Encoder, TextError};

/// A model that an engine has loaded.
pub(crate) trait LoadedModel: Send + Sync {
    /// An encoder for one worker.
    ///
    /// # Errors
    /// [`TextError::Load`] or [`TextError::Signature`] where the engine cannot use the model.
    fn encoder(&self) -> Result<Box<dyn Encoder + '_>, TextError>;

    /// The number of token ids, if it is known.
    fn vocabulary(&self) -> Option<usize>;

    /// Batches run fastest when their length is a multiple of this.
    fn length_step(&self) -> usize;

    /// The engine and why it was chosen.
    fn report(&self) -> &EngineReport;
}

/// The engine in use and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineReport {
    /// `ONNX Runtime` or `tract`.
    pub engine: Cow<'static, str>,
    /// Version of the library, if the engine is one.
    pub version: Option<String>,
    /// File of the library, if the engine is one.
    pub library: Option<PathBuf>,
    /// What the engine computes on.
    pub device: EngineDevice,
    /// Why a preferred engine or device of this build is not in use.
    pub fallback: Option<String>,
}

/// What an engine computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineDevice {
    /// The processor.
    #[serde(rename = "CPU")]
    Cpu,
    /// A graphics card, where ONNX Runtime's library was built for CUDA and finds one.
    #[serde(rename = "CUDA")]
    Cuda,
}

impl fmt::Display for EngineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.engine)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        match self.device {
            EngineDevice::Cpu => f.write_str(" on CPU"),
            EngineDevice::Cuda => f.write_str(" on CUDA"),
        }
    }
}
