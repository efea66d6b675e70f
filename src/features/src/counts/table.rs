//! Tables of totals, which is what prediction looks up, and their rows by the block.

use skimlog_formats::{PerReaction, Reaction};

use super::family::{Answer, Counter, FAMILIES, Family, Period};
use super::reaction_counts::ReactionCounts;
use crate::key::Key;

/// One table of totals: a counter of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// Whose records.
    pub period: Period,
    /// Counted how.
    pub counter: Counter,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 11] = [
        Self { period: Period::Training, counter: Counter::Pair },
        Self { period: Period::Training, counter: Counter::Author },
        Self { period: Period::Training, counter: Counter::Reader },
        Self { period: Period::Training, counter: Counter::LanguageReader },
        Self { period: Period::Training, counter: Counter::HashtagsReader },
        Self { period: Period::Validation, counter: Counter::Pair },
        Self { period: Period::Validation, counter: Counter::Author },
        Self { period: Period::Validation, counter: Counter::Reader },
        Self { period: Period::Validation, counter: Counter::LanguageReader },
        Self { period: Period::Validation, counter: Counter::HashtagsReader },
        Self { period: Period::Validation, counter: Counter::Tweet },
    ];

    /// The table's name, for example `valid.pair`.
    pub fn name(self) -> String {
        let period = match self.period {
            Period::Training => "train",
            Period::Validation => "valid",
        };
        format!("{period}.{}", self.counter.name())
    }

    /// Whether a family asks it for records with no reaction, so that the table says how many there are.
    pub fn has_unreacted(self) -> bool {
        let of = |family: &Family| Self { period: family.period, counter: family.counter };
        FAMILIES.iter().any(|family| of(family) == self && family.answer == Answer::Unreacted)
    }

    /// Its index in [`Table::ALL`].
    pub fn index(self) -> usize {
        self.period as usize * 5 + self.counter as usize
    }
}

/// Rows of a table, column by column; keys ascend within a block and from block to block, none comes twice.
///
/// The key of a pair is `author.pair(reader)`, of a language and a reader `language.pair(reader)`, of a hashtag and a
/// reader `hashtag.pair(reader)`, else the entity's own ([`Key::pair`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TotalsBlock {
    /// The keys.
    pub keys: Vec<u64>,
    /// Records with each reaction.
    pub reactions: PerReaction<Vec<u32>>,
    /// Records with no reaction; empty unless [`Table::has_unreacted`].
    pub unreacted: Vec<u32>,
}

impl TotalsBlock {
    /// Most rows of a block; every block but a table's last has as many.
    pub const ROWS: usize = 1 << 16;

    pub(super) fn push(&mut self, key: Key, counts: &ReactionCounts, has_unreacted: bool) {
        self.keys.push(key.0);
        for reaction in Reaction::ALL {
            self.reactions[reaction].push(counts.reactions[reaction]);
        }
        if has_unreacted {
            self.unreacted.push(counts.unreacted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::FAMILIES;
    use super::*;

    #[test]
    fn tables_are_what_families_ask() {
        for family in &FAMILIES {
            assert!(Table::ALL.contains(&Table { period: family.period, counter: family.counter }), "{}", family.name);
        }
        for (index, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table.index(), index);
        }
        assert_eq!(Table::ALL[10].name(), "valid.tweet");
    }
}
