//! What came of a training.

use serde::{Deserialize, Serialize};
use skimlog_network::metrics::Report;

use super::coverage::Coverage;
use crate::amounts;

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

/// What a warm start went on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmStartSummary {
    /// Days that the model was trained on before.
    pub days_before: u64,
    /// The last of these days, as `2021-02-10`.
    pub last_day: Option<String>,
    /// Records of these days that came later: they are counted, but were never trained on.
    pub late_records: u64,
    /// Languages that the model did not know.
    pub new_languages: u64,
}

impl WarmStartSummary {
    /// What is worth knowing, if it was trained on so many new days.
    pub fn sentences(&self, new_days: usize) -> Vec<String> {
        let Self { days_before, last_day, late_records, new_languages } = self;
        let last_day = last_day.as_deref().unwrap_or_default();
        let before = amounts::counted(*days_before, "day", "days");
        let mut sentences = vec![match new_days {
            0 => format!("no new days since {last_day}: the network stays as it is, its counts are those of now"),
            new => format!(
                "went on from the model of {before} up to {last_day}, on {}",
                amounts::counted(new as u64, "new day", "new days")
            ),
        }];
        if *late_records > 0 {
            sentences.push(format!(
                "{} of days that were trained on before came later: counted, but not trained on",
                amounts::counted(*late_records, "record", "records")
            ));
        }
        if *new_languages > 0 {
            let languages = amounts::counted(*new_languages, "new language", "new languages");
            sentences.push(format!("{languages}, which began as the unknown language"));
        }
        sentences
    }
}

/// What came of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainSummary {
    /// What it went on from; `None` if it began anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_start: Option<WarmStartSummary>,
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
