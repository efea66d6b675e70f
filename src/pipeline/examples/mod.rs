//! Records and their counts as examples, in record order, for training and evaluation.

mod stored;

use std::collections::BTreeMap;
use std::path::PathBuf;

use skimlog_formats::columnar::ColumnarError;
use skimlog_formats::{PerReaction, Reaction, ReactionSet};
use thiserror::Error;

use skimlog_features::input::{Day, Example};

pub use stored::{CountedBlocks, CountedRecords, StoredExamples, StoredPart};

/// Kind of the `.skim` files with a part's counts.
pub const FEATURES_KIND: &str = "features";

/// Which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Portion {
    /// The records of the training parts.
    Training,
    /// The validation records that the network is fine-tuned on.
    Finetune,
    /// The validation records that are only measured.
    HoldOut,
}

/// Number of records and how many of them have each reaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReactionTally {
    /// Number of records.
    pub records: u64,
    /// Records with each reaction.
    pub reactions: PerReaction<u64>,
}

impl ReactionTally {
    /// Counts a record.
    pub fn add(&mut self, reactions: ReactionSet) {
        self.records += 1;
        for reaction in Reaction::ALL.into_iter().filter(|&reaction| reactions.contains(reaction)) {
            self.reactions[reaction] += 1;
        }
    }

    /// Both together.
    pub fn and(&self, other: &Self) -> Self {
        let reactions = PerReaction::from_fn(|reaction| self.reactions[reaction] + other.reactions[reaction]);
        Self { records: self.records + other.records, reactions }
    }
}

/// How many examples there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Training records by the UTC day of their event time.
    pub days: BTreeMap<Day, ReactionTally>,
    /// Number of records to fine-tune on.
    pub finetune: u64,
    /// Number of hold-out records.
    pub hold_out: u64,
}

/// Where an example comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// 0-based number of the record among those of all training parts, or of the validation part.
    pub record: u64,
    /// UTC day of the record's event time.
    pub day: Day,
}

/// Something that yields examples with labels, the same ones in the same order every time.
pub trait Examples: Sync {
    /// How many examples there are.
    fn survey(&self) -> &Survey;

    /// Shows `visit` every example of a portion, in the order of the records.
    ///
    /// # Errors
    /// [`ExamplesError`] where examples cannot be read, and whatever `visit` returns.
    fn visit<E: From<ExamplesError>>(
        &self,
        portion: Portion,
        visit: impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// Why examples cannot be read.
#[derive(Debug, Error)]
pub enum ExamplesError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] ColumnarError),
    /// A part and its features are not about the same records.
    #[error(
        "{} has {records} records and its features {} have {features}: make the features again",
        .part.display(), .features_path.display()
    )]
    Rows {
        /// The part.
        part: PathBuf,
        /// Its features.
        features_path: PathBuf,
        /// Records of the part.
        records: u64,
        /// Rows of the features.
        features: u64,
    },
    /// A part without labels.
    #[error("{}: the records have 20 fields and no reactions; training and evaluation need those of 24 fields",
        .part.display())]
    Unlabelled {
        /// The part.
        part: PathBuf,
    },
    /// The side a validation record is on is neither of the two.
    #[error("{}: record {record}: split {split} is neither 0 (finetune) nor 1 (hold-out): make the features again",
        .features.display())]
    Split {
        /// The features.
        features: PathBuf,
        /// 0-based number of the record.
        record: u64,
        /// What stands there.
        split: u8,
    },
}
