//! What is wrong with rows.

use crate::mapping::LogField;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Its 0-based number in the batch.
    pub row: usize,
    /// The field of the record.
    pub field: LogField,
    /// What is wrong, and the remedy.
    pub what: String,
}

/// The faults of some rows.
#[derive(Default)]
pub(super) struct Faults(Vec<RowFault>);

impl Faults {
    pub(super) fn add(&mut self, row: usize, field: LogField, what: String) {
        self.0.push(RowFault { row, field, what });
    }

    /// The faults by row, those of a row in the order in which they were found.
    pub(super) fn finish(self) -> Vec<RowFault> {
        let mut faults = self.0;
        faults.sort_by_key(|fault| fault.row);
        faults
    }
}
