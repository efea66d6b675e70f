//! What is measured of one reaction's predictions.

use serde::{Deserialize, Serialize};

/// Measures of one reaction's predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Number of records in which the reaction happened.
    pub positives: u64,
    /// Share of the records in which the reaction happened.
    pub rate: Option<f64>,
    /// Mean predicted probability.
    pub mean_prediction: Option<f64>,
    /// Mean binary cross entropy in nats.
    pub cross_entropy: Option<f64>,
    /// Average precision, 0–1; `None` where the reaction never happened.
    pub average_precision: Option<f64>,
    /// Relative cross entropy in percent; `None` where the reaction happened in no record or in all.
    pub relative_cross_entropy: Option<f64>,
}

/// Predictions of about the same size, and how often the reaction happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Number of records.
    pub records: u64,
    /// Mean predicted probability.
    pub mean_prediction: f64,
    /// Share of the records in which the reaction happened.
    pub rate: f64,
}

/// A point of the precision–recall curve: the records whose prediction is at least some value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Share of all records with the reaction that are among them.
    pub recall: f64,
    /// Share of them that have the reaction.
    pub precision: f64,
}
