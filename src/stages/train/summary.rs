//! What came of a training.

use serde::{Deserialize, Serialize};
use skimlog_network::metrics::Report;

use super::coverage::Coverage;

/// What came of a day or of a fine-tuning epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// The date, or `epoch 1`.
    pub name: String,
    /// Number of records.
    pub records: u64,
    /// Learning rate at its end.
    pub learning_rate: f64,
    /// Mean loss over the records, each as it was met.
    pub loss: f64,
    /// How long it took, without putting the records in order, measuring and checkpoints.
    pub seconds: f64,
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainSummary {
    /// The days.
    pub days: Vec<SessionSummary>,
    /// Hold-out measures after the days; `None` without hold-out records.
    pub before_finetuning: Option<Report>,
    /// The fine-tuning epochs.
    pub finetuning: Vec<SessionSummary>,
    /// Hold-out measures after fine-tuning; `None` without hold-out records or without fine-tuning.
    pub after_finetuning: Option<Report>,
    /// Records per second, over days and epochs, without putting the records in order, measuring and checkpoints.
    pub records_per_second: f64,
    /// Records per second of the training step alone.
    pub step_records_per_second: f64,
    /// Records per second from the stored features to the trained weights: with putting in order and settling, without
    /// measuring and checkpoints.
    pub whole_records_per_second: f64,
    /// In how many training records each number is not zero.
    pub coverage: Coverage,
    /// Where an interrupted training was taken up again, the last time; `None` if it never was.
    pub resumed_at: Option<String>,
}
