//! What a computation of mean vectors has come to.

use serde::{Deserialize, Serialize};

/// What was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeanSummary {
    /// Records seen.
    pub records: u64,
    /// Token sequences that went through the model: equal ones of a window only once.
    pub computed: u64,
    /// Records longer than the model's longest sequence, of which the rest was left out.
    pub cut: u64,
}
