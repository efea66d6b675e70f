//! In how many records each of the network's numbers says anything.

use serde::{Deserialize, Serialize};

use skimlog_features::input::{Example, number_names};

/// In how many records each number is not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Number of records.
    pub records: u64,
    /// The numbers' names, in the order of the network's input.
    pub names: Vec<String>,
    /// Records in which each is not zero.
    pub present: Vec<u64>,
}

impl Coverage {
    /// Of no record yet.
    pub(super) fn new() -> Self {
        let names: Vec<String> = number_names().collect();
        Self { records: 0, present: vec![0; names.len()], names }
    }

    /// Counts a record.
    pub(super) fn add(&mut self, example: &Example) {
        self.records += 1;
        for (present, number) in self.present.iter_mut().zip(&example.numbers) {
            *present += u64::from(*number != 0.0);
        }
    }
}
