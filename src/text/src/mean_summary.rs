//! The summary of a computation of mean vectors.

use serde::{Deserialize, Serialize};

/// What was read and computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeanSummary {
    /// Records seen.
    pub records: u64,
    /// Token sequences computed by the model: equal ones of a window only once.
    pub computed: u64,
    /// Records longer than the model's longest sequence, which were truncated.
    pub cut: u64,
}
