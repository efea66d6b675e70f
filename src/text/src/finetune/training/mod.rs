//! The training itself: records in a random order (`records`), tokens masked in them (`masking`), steps (`distilbert`,
//! `dropout`, `optimiser`, `trainer`) and checkpoints (`checkpoint`).

mod checkpoint;
mod distilbert;
mod dropout;
mod masking;
mod optimiser;
mod random;
mod records;
mod run;
#[cfg(test)]
mod tests;
mod trainer;

pub use checkpoint::checkpoint_standing;
pub use masking::MaskedBatch;
pub(super) use run::run;
pub use trainer::{CpuTrainer, Trainer};
