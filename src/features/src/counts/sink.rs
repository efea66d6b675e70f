//! What takes the counts.

use super::answer::CountBlock;
use super::error::BoxError;
use super::table::{Table, TotalsBlock};

/// Takes what [`count`](super::count()) makes. Parts are numbered as they were given: training, validation, test.
pub trait CountSink: Sync {
    /// A block ready to be written.
    type Encoded: Send;

    /// Prepares a block of a part, whose first record has number `first_row`. Called from any thread, in no order.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn encode(&self, part: usize, first_row: u64, block: &CountBlock) -> Result<Self::Encoded, BoxError>;

    /// Takes the next block: in order within a part and part after part, one at a time. A part without records has
    /// none.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn append(&self, part: usize, block: Self::Encoded) -> Result<(), BoxError>;

    /// Takes the next block of a table's totals. A table's come in order, the last of them less than full, perhaps
    /// empty; those of other tables and the blocks of parts may come at the same time.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn totals(&self, table: Table, block: &TotalsBlock) -> Result<(), BoxError>;
}
