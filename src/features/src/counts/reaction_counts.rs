//! Counts of one counter for one entity.

use skimlog_formats::{PerReaction, ReactionSet};

/// Number of records with each reaction and with none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReactionCounts {
    /// Records with each reaction; a record with several counts in each.
    pub reactions: PerReaction<u32>,
    /// Records with no reaction.
    pub unreacted: u32,
}

impl ReactionCounts {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A record with these reactions.
    #[inline]
    pub(super) fn of(reactions: ReactionSet) -> Self {
        RECORDS[usize::from(reactions.bits())]
    }

    #[inline]
    fn minus(&self, part: &Self) -> Self {
        Self {
            reactions: per_reaction(&self.reactions, &part.reactions, |all, part| all - part),
            unreacted: self.unreacted - part.unreacted,
        }
    }
}

/// A record by the bits of its reactions.
static RECORDS: [ReactionCounts; 16] = {
    let mut records = [ReactionCounts { reactions: PerReaction::from_count_order([0; 4]), unreacted: 1 }; 16];
    let mut bits = 1;
    while bits < 16 {
        let counts = [bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1];
        records[bits as usize] = ReactionCounts { reactions: PerReaction::from_count_order(counts), unreacted: 0 };
        bits += 1;
    }
    records
};

/// In a shape that becomes one instruction for all four.
#[inline]
fn per_reaction(
    first: &PerReaction<u32>,
    second: &PerReaction<u32>,
    with: impl Fn(u32, u32) -> u32,
) -> PerReaction<u32> {
    let (first, second) = (first.as_count_order(), second.as_count_order());
    PerReaction::from_count_order(std::array::from_fn(|index| with(first[index], second[index])))
}

impl std::ops::AddAssign for ReactionCounts {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.reactions = per_reaction(&self.reactions, &other.reactions, |count, more| count + more);
        self.unreacted += other.unreacted;
    }
}

/// Counts of a counter for one entity, by the numbers of its minor keys: of all groups together, and of the group that
/// is left out of the answers at the moment. Small and reused entity after entity.
#[derive(Default)]
pub(super) struct OwnGroupCounts {
    totals: Vec<ReactionCounts>,
    /// As many.
    own: Vec<ReactionCounts>,
}

impl OwnGroupCounts {
    pub(super) fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// Forgets everything and keeps some memory.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.totals.clear();
        self.own.clear();
    }

    /// Counts a record.
    #[inline]
    pub(super) fn count(&mut self, number: u32, record: ReactionCounts) {
        let number = number as usize;
        if number >= self.totals.len() {
            self.totals.resize(number + 1, ReactionCounts::default());
            self.own.resize(number + 1, ReactionCounts::default());
        }
        self.totals[number] += record;
    }

    /// Leaves out a record that was counted, until [`OwnGroupCounts::take_back`].
    #[inline]
    pub(super) fn leave_out(&mut self, number: u32, record: ReactionCounts) {
        self.own[number as usize] += record;
    }

    /// Leaves out nothing of this number any more.
    #[inline]
    pub(super) fn take_back(&mut self, number: u32) {
        self.own[number as usize] = ReactionCounts::default();
    }

    /// What was counted under a number, but for what is left out; `None` for a number that nothing was counted under.
    #[inline]
    pub(super) fn ask(&self, number: u32) -> Option<ReactionCounts> {
        let number = number as usize;
        Some(self.totals.get(number)?.minus(self.own.get(number)?))
    }

    /// All numbers that something was counted under, with their totals.
    pub(super) fn totals(&self) -> impl Iterator<Item = (u32, &ReactionCounts)> {
        (0..).zip(&self.totals).filter(|(_, counts)| !counts.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use skimlog_formats::Reaction;

    use super::*;

    #[test]
    fn a_record_counts_in_each_of_its_reactions() {
        for bits in 0..16 {
            let reactions = ReactionSet::from_bits(bits);
            let counts = ReactionCounts::of(reactions);
            for reaction in Reaction::ALL {
                assert_eq!(counts.reactions[reaction], u32::from(reactions.contains(reaction)));
            }
            assert_eq!(counts.unreacted, u32::from(reactions.is_empty()));
        }
    }

    #[test]
    fn all_but_what_is_left_out() {
        let mut counts = OwnGroupCounts::default();
        let (like, none) =
            (ReactionCounts::of([Reaction::Like].into_iter().collect()), ReactionCounts::of(ReactionSet::NONE));
        counts.count(7, like);
        counts.count(7, none);
        counts.count(2, none);
        assert_eq!(counts.ask(7), Some(ReactionCounts { unreacted: 1, ..like }));
        counts.leave_out(7, like);
        assert_eq!(
            (counts.ask(7), counts.ask(2), counts.ask(3)),
            (Some(none), Some(none), Some(ReactionCounts::default()))
        );
        counts.take_back(7);
        assert_eq!(counts.ask(7), Some(ReactionCounts { unreacted: 1, ..like }));
        assert_eq!((counts.ask(8), counts.ask(u32::MAX)), (None, None));
        assert_eq!(counts.totals().map(|(number, _)| number).collect::<Vec<_>>(), [2, 7]);
        counts.clear();
        assert!(counts.is_empty() && counts.ask(7).is_none());
    }
}
