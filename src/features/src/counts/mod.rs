//! Count families: the 65 counts of a record, out of core.
//!
//! [`FAMILIES`] says what is counted and asked. [`count()`] does it in three steps, each sequential on disk and bounded
//! by the memory budget:
//!
//! 1. *route*: every record visits three entities: its reader, its author and its tweet. Visits are shuffled by entity;
//! 2. *resolve*: a partition of entities at a time, each entity's visits are counted and answered, leaving out a
//!    training record's own day and a finetune record's own chunk; answers (non-zero numbers only) are shuffled by
//!    record range, the counters' totals by key;
//! 3. *assemble*: a range of records at a time, answers are scattered into columns; totals are sorted.
//!
//! Counts are integers and everything real-valued is summed within one visit in a fixed order, so the result does not
//! depend on the budget, the number of threads or the number of partitions.
//!
//! [`frozen`] has the totals as files that are mapped, and the counts of records that were never counted.

mod answer;
mod assemble;
mod block;
mod buckets;
mod count;
mod days;
mod entity;
mod error;
mod family;
mod filter;
pub mod frozen;
mod numbers;
mod partition;
mod reaction_counts;
mod resolve;
mod route;
mod similar;
mod sink;
mod source;
mod split;
mod table;
mod totals;
mod transpose;
mod visit;

pub use answer::{CountBlock, CountColumn};
pub use block::CountedBlock;
pub use count::{CountOptions, CountSummary, Shuffled, count};
pub use error::{BoxError, CountsError};
pub use family::{
    Answer, COUNTS, Counter, FAMILIES, FIRST_COLUMNS, Family, Minor, Period, REAL_COLUMNS, Visitor, column_names,
};
pub use reaction_counts::ReactionCounts;
pub use similar::{NoSimilar, SimilarLookup};
pub use sink::CountSink;
pub use source::{CountInputs, RecordSource};
pub use split::{Side, Split, SplitError};
pub use table::{Table, TotalsBlock};
