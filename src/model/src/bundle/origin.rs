//! Where a model comes from: what it was counted over and trained on. Prediction does not need it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a model comes from. Models of earlier versions lack it, whole or in part: everything is optional.
///
/// It follows from the records and the configuration alone, so that the same input gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Version of the program that made the model.
    pub skimmer: Option<String>,
    /// The day of the newest record that was counted, as `2021-02-10`; the day of `SOURCE_DATE_EPOCH` where that was
    /// set.
    pub date: Option<String>,
    /// What the count tables and similar authors were made from.
    pub counted: Option<Counted>,
    /// What the network was trained on.
    pub trained: Option<TrainedOn>,
    /// The settings that the model depends on: a key of `config.yaml`, and its value.
    pub configuration: BTreeMap<String, String>,
}

/// The records that the counts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counted {
    /// First and last UTC day on which a tweet of the training records was written; `None` without records.
    pub tweets: Option<[String; 2]>,
    /// Training records.
    pub training: u64,
    /// Validation records to fine-tune on.
    pub finetune: u64,
    /// Validation records that are held out.
    pub hold_out: u64,
}

/// The records that the network has learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainedOn {
    /// Training records by the UTC day of their event, as `2021-02-10`. A warm start goes on with the days that are not
    /// here.
    pub days: BTreeMap<String, u64>,
    /// Finetune records of the last training.
    pub finetune: u64,
    /// How many times a warm start went on with this network.
    pub warm_starts: u64,
}

impl TrainedOn {
    /// The first and the last day; `None` without any.
    pub fn range(&self) -> Option<[&str; 2]> {
        Some([self.days.first_key_value()?.0, self.days.last_key_value()?.0])
    }

    /// Training records of all days.
    pub fn records(&self) -> u64 {
        self.days.values().fold(0, |sum, &records| sum.saturating_add(records))
    }
}
