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
mod origin;
mod pass;
mod refresh;
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
mod warm_start;

pub use coverage::Coverage;
pub use error::TrainError;
pub use options::{Checkpointing, Recipe, TrainOptions};
pub use pass::Trained;
pub use refresh::{RefreshSummary, expect_refreshable, refresh};
pub use schedule::Rates;
pub use stage::{Train, model_manifest};
pub use state::Point;
pub use summary::{SessionSummary, TrainSummary, WarmStartSummary};
pub use training::{Start, train};
pub use warm_start::WarmStartError;
