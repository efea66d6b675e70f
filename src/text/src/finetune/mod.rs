//! Masked-language-model training of a DistilBERT on the token ids of parts.
//!
//! [`finetune`] reads records in a random order, masks tokens in them, takes steps and leaves checkpoints that
//! `transformers` reads. Everything random is a function of the seed and of the step it is used in, so a training that
//! is resumed from a checkpoint has the numbers that it would have had without the interruption.
//!
//! Training is compiled with the feature `finetune`, which brings in burn. Without it, options, results and the search
//! for checkpoints are still here, and [`finetune`] is an error.

mod checkpoints;
mod error;
mod options;
mod special;
mod summary;
#[cfg(feature = "finetune")]
mod training;

use std::path::{Path, PathBuf};

use skimlog_runtime::progress::Progress;

pub use checkpoints::{MODEL_FILE, newest_checkpoint};
pub use error::FinetuneError;
pub use options::{Start, Steps, TrainingDevice, TrainingOptions};
pub use special::SpecialTokens;
pub use summary::{LossEntry, TrainingSummary};
#[cfg(feature = "finetune")]
pub use training::{CpuTrainer, MaskedBatch, Trainer, checkpoint_standing};

/// Trains on the `.skim` parts in their order and leaves checkpoints in `folder`; resumes from the newest one there.
///
/// Memory: somewhat more than 4 times the weights, the activations of a batch, and the tokens of four blocks of
/// records.
///
/// # Errors
/// [`FinetuneError`]; [`FinetuneError::Interrupted`], with a checkpoint, as soon as `progress` asks to stop;
/// [`FinetuneError::NotBuilt`] in a build without the feature `finetune`.
pub fn finetune(
    parts: &[PathBuf],
    start: &Start,
    options: &TrainingOptions,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<TrainingSummary, FinetuneError> {
    #[cfg(feature = "finetune")]
    return training::run(parts, start, options, folder, progress);
    #[cfg(not(feature = "finetune"))]
    {
        let _ = (parts, start, options, folder, progress);
        Err(FinetuneError::NotBuilt)
    }
}
