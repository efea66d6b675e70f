//! The stage train: day after day over the training records, then over the validation records kept for fine-tuning, and
//! the model folder (`model/`).

mod buckets;
mod checkpoint;
mod cost;
mod coverage;
mod error;
mod feed;
pub mod freeze;
mod options;
mod pass;
mod schedule;
mod settings;
mod settle;
mod stage;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod ticker;
mod training;

pub use coverage::Coverage;
pub use error::TrainError;
pub use options::{Checkpointing, Recipe, TrainOptions};
pub use pass::Trained;
pub use schedule::Rates;
pub use stage::{Train, model_manifest};
pub use state::Point;
pub use summary::{SessionSummary, TrainSummary};
pub use training::train;
