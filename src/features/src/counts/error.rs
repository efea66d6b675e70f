//! Why counting stopped.

use skimlog_runtime::shuffle::ShuffleError;
use thiserror::Error;

/// Whatever went wrong in a source or a sink.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why counting stopped.
#[derive(Debug, Error)]
pub enum CountsError {
    /// A part could not be read.
    #[error("cannot read the records of {part}")]
    Records {
        /// The part.
        part: String,
        /// Why.
        source: BoxError,
    },
    /// A training or validation part without the reaction columns.
    #[error("{part} has records of 20 fields: training and validation parts need the four reaction times as well")]
    NoReactions {
        /// The part.
        part: String,
    },
    /// The split was made for another validation part.
    #[error("the validation split is for {split} records, but {part} has {rows}")]
    SplitLength {
        /// The validation part.
        part: String,
        /// Its records.
        rows: u64,
        /// The split's.
        split: u64,
    },
    /// More records than can be counted together.
    #[error("{blocks} blocks of records are too many: at most {most} can be counted together; use fewer parts")]
    TooMany {
        /// Output blocks.
        blocks: usize,
        /// How many there may be.
        most: usize,
    },
    /// More days than can be distinguished.
    #[error(
        "the training records lie on more than {most} different days outside 1970 to 2059: \
         their times are no unix seconds"
    )]
    TooManyDays {
        /// How many there may be.
        most: usize,
    },
    /// Spilling failed.
    #[error(transparent)]
    Shuffle(#[from] ShuffleError),
    /// The sink refused a part's counts.
    #[error("cannot write the counts of {part}")]
    Output {
        /// The part.
        part: String,
        /// Why.
        source: BoxError,
    },
    /// The sink refused a table.
    #[error("cannot write the totals {table}")]
    Totals {
        /// The table.
        table: String,
        /// Why.
        source: BoxError,
    },
}
