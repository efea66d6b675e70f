//! Masked-language-model training of a DistilBERT on the token ids of parts.
//!
//! [`finetune`] reads records in a random order (`records`), masks tokens in them (`masking`), takes steps
//! (`model`, `optimiser`) and leaves checkpoints that `transformers` reads (`checkpoint`). Everything random is a
//! function of the seed and of the step it is used in, so that a resumed training has the same numbers as one without
//! an interruption.

mod checkpoint;
mod device;
mod dropout;
mod error;
mod masking;
mod model;
mod optimiser;
mod options;
mod random;
mod records;
mod run;
mod special;
#[cfg(test)]
mod tests;
mod trainer;

pub use checkpoint::{MODEL_FILE, checkpoint_standing, newest_checkpoint};
pub use device::Device;
pub use error::FinetuneError;
pub use masking::MaskedBatch;
pub use options::{Options, Start, Steps};
pub use run::{Entry, Summary, finetune};
pub use special::SpecialTokens;
pub use trainer::CpuTrainer;
