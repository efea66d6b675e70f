//! Records and their counts as examples, in record order, for training and evaluation.

use std::collections::BTreeMap;

use skimmer_formats::{PerReaction, Reaction, ReactionSet};

use crate::features::{Day, Example};

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
pub struct Tally {
    /// Number of records.
    pub records: u64,
    /// Records with each reaction.
    pub reactions: PerReaction<u64>,
}

impl Tally {
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
    pub days: BTreeMap<Day, Tally>,
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
pub trait Examples {
    /// Why examples cannot be read.
    type Error;

    /// How many examples there are.
    fn survey(&self) -> &Survey;

    /// Shows `visit` every example of a portion, in the order of the records.
    ///
    /// # Errors
    /// Where examples cannot be read, and whatever `visit` returns.
    fn visit<E: From<Self::Error>>(
        &self,
        portion: Portion,
        visit: impl FnMut(Origin, &Example) -> Result<(), E>,
    ) -> Result<(), E>;
}
