//! The counts of one counter at one place.

use skimlog_formats::{PerReaction, ReactionSet};

/// Number of records with each reaction and with none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records with each reaction; a record with several counts in each.
    pub reactions: PerReaction<u32>,
    /// Records with no reaction.
    pub unreacted: u32,
}

impl Tally {
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
static RECORDS: [Tally; 16] = {
    let mut records = [Tally { reactions: PerReaction::from_count_order([0; 4]), unreacted: 1 }; 16];
    let mut bits = 1;
    while bits < 16 {
        let counts = [bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1];
        records[bits as usize] = Tally { reactions: PerReaction::from_count_order(counts), unreacted: 0 };
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
    PerReaction::from_count_order(std::array::from_fn(|place| with(first[place], second[place])))
}

impl std::ops::AddAssign for Tally {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.reactions = per_reaction(&self.reactions, &other.reactions, |count, more| count + more);
        self.unreacted += other.unreacted;
    }
}

/// Tallies of a counter at one place, by the numbers of its minor keys: of all groups together, and of the group that is
/// left out of what is told at the moment. Small and reused place after place.
#[derive(Default)]
pub(super) struct Tallies {
    totals: Vec<Tally>,
    /// As many.
    own: Vec<Tally>,
}

impl Tallies {
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
    pub(super) fn count(&mut self, number: u32, record: Tally) {
        let number = number as usize;
        if number >= self.totals.len() {
            self.totals.resize(number + 1, Tally::default());
            self.own.resize(number + 1, Tally::default());
        }
        self.totals[number] += record;
    }

    /// Leaves out a record that was counted, until [`Tallies::take_back`].
    #[inline]
    pub(super) fn leave_out(&mut self, number: u32, record: Tally) {
        self.own[number as usize] += record;
    }

    /// Leaves out nothing of this number any more.
    #[inline]
    pub(super) fn take_back(&mut self, number: u32) {
        self.own[number as usize] = Tally::default();
    }

    /// What was counted under a number, but for what is left out; `None` for a number that nothing was counted under.
    #[inline]
    pub(super) fn ask(&self, number: u32) -> Option<Tally> {
        let number = number as usize;
        Some(self.totals.get(number)?.minus(self.own.get(number)?))
    }

    /// All numbers that something was counted under, with their totals.
    pub(super) fn totals(&self) -> impl Iterator<Item = (u32, &Tally)> {
        (0..).zip(&self.totals).filter(|(_, tally)| !tally.is_empty())
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
            let tally = Tally::of(reactions);
            for reaction in Reaction::ALL {
                assert_eq!(tally.reactions[reaction], u32::from(reactions.contains(reaction)));
            }
            assert_eq!(tally.unreacted, u32::from(reactions.is_empty()));
        }
    }

    #[test]
    fn all_but_what_is_left_out() {
        let mut tallies = Tallies::default();
        let (like, none) = (Tally::of([Reaction::Like].into_iter().collect()), Tally::of(ReactionSet::NONE));
        tallies.count(7, like);
        tallies.count(7, none);
        tallies.count(2, none);
        assert_eq!(tallies.ask(7), Some(Tally { unreacted: 1, ..like }));
        tallies.leave_out(7, like);
        assert_eq!((tallies.ask(7), tallies.ask(2), tallies.ask(3)), (Some(none), Some(none), Some(Tally::default())));
        tallies.take_back(7);
        assert_eq!(tallies.ask(7), Some(Tally { unreacted: 1, ..like }));
        assert_eq!((tallies.ask(8), tallies.ask(u32::MAX)), (None, None));
        assert_eq!(tallies.totals().map(|(number, _)| number).collect::<Vec<_>>(), [2, 7]);
        tallies.clear();
        assert!(tallies.is_empty() && tallies.ask(7).is_none());
    }
}
