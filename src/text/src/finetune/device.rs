//! The device that computes: CPU or GPU.

use serde::{Deserialize, Serialize};

use super::FinetuneError;

/// What computes the training steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card, in a program built with the feature `cuda`.
    Cuda,
}

impl Device {
    /// # Errors
    /// [`FinetuneError::Device`] for one that this program was not built for.
    pub(super) fn check(self) -> Result<(), FinetuneError> {
        match self {
            Self::Cuda if !cfg!(feature = "cuda") => Err(FinetuneError::Device { device: "cuda" }),
            Self::Cpu | Self::Cuda => Ok(()),
        }
    }
}
