//! Counts of one counter within one place: totals and the counts of each group.

use skimmer_formats::{PerReaction, Reaction, ReactionSet};

use crate::key::Key;

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

    pub(super) fn add(&mut self, reactions: ReactionSet) {
        for reaction in Reaction::ALL {
            self.reactions[reaction] += u32::from(reactions.contains(reaction));
        }
        self.unreacted += u32::from(reactions.is_empty());
    }

    fn minus(&self, part: &Self) -> Self {
        Self {
            reactions: PerReaction::from_fn(|reaction| self.reactions[reaction] - part.reactions[reaction]),
            unreacted: self.unreacted - part.unreacted,
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for reaction in Reaction::ALL {
            self.reactions[reaction] += other.reactions[reaction];
        }
        self.unreacted += other.unreacted;
    }
}

/// Tallies by minor key, and by minor key and group. Small and reused place after place.
#[derive(Default)]
pub(super) struct Tallies {
    entries: Vec<Entry>,
    /// Open addressing into `entries`; a power of two of slots, or none.
    slots: Vec<u32>,
}

struct Entry {
    minor: Key,
    group: u32,
    tally: Tally,
}

const EMPTY: u32 = u32::MAX;
/// Stands for all groups together.
const TOTAL: u32 = 1 << 16;
const FEWEST_SLOTS: usize = 16;

impl Tallies {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything and keeps some memory.
    pub(super) fn clear(&mut self) {
        if !self.entries.is_empty() {
            self.entries.clear();
            self.slots.clear();
        }
    }

    /// Counts a record of a group under a minor key.
    pub(super) fn count(&mut self, minor: Key, group: u16, reactions: ReactionSet) {
        self.entry(minor, TOTAL).add(reactions);
        self.entry(minor, u32::from(group)).add(reactions);
    }

    /// What was counted under a minor key, without the group `left_out`.
    pub(super) fn ask(&self, minor: Key, left_out: Option<u16>) -> Option<Tally> {
        let total = self.find(minor, TOTAL)?;
        let own = left_out.and_then(|group| self.find(minor, u32::from(group)));
        Some(own.map_or(*total, |own| total.minus(own)))
    }

    /// All minor keys with their totals, in no particular order.
    pub(super) fn totals(&self) -> impl Iterator<Item = (Key, &Tally)> {
        self.entries.iter().filter(|entry| entry.group == TOTAL).map(|entry| (entry.minor, &entry.tally))
    }

    fn find(&self, minor: Key, group: u32) -> Option<&Tally> {
        let entry = self.slots[self.slot(minor, group)?] as usize;
        self.entries.get(entry).map(|entry| &entry.tally)
    }

    fn entry(&mut self, minor: Key, group: u32) -> &mut Tally {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(minor, group).expect("slots were made above");
        if self.slots[slot] == EMPTY {
            self.slots[slot] = self.entries.len() as u32;
            self.entries.push(Entry { minor, group, tally: Tally::default() });
        }
        &mut self.entries[self.slots[slot] as usize].tally
    }

    /// The slot of a key: its own, or the empty one where it would stand; `None` if there are no slots.
    #[inline]
    fn slot(&self, minor: Key, group: u32) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        // Keys are hashes already; the multiplication spreads the groups of one key.
        let hash = minor.0 ^ u64::from(group + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut slot = (hash >> 32) as usize & mask;
        loop {
            match self.entries.get(self.slots[slot] as usize) {
                Some(entry) if entry.minor != minor || entry.group != group => slot = (slot + 1) & mask,
                _ => return Some(slot),
            }
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FEWEST_SLOTS);
        self.slots.clear();
        self.slots.resize(slots, EMPTY);
        for index in 0..self.entries.len() {
            let Entry { minor, group, .. } = self.entries[index];
            let slot = self.slot(minor, group).expect("slots were made above");
            self.slots[slot] = index as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_and_own_group() {
        let mut tallies = Tallies::default();
        let (like, none) = (ReactionSet::from_iter([Reaction::Like]), ReactionSet::NONE);
        for key in 0..1000u64 {
            let minor = Key(key.wrapping_mul(0xD1B5_4A32_D192_ED03));
            for group in 0..3 {
                (0..=key % 3).for_each(|_| tallies.count(minor, group, if group == 2 { none } else { like }));
            }
        }
        for key in 0..1000u64 {
            let minor = Key(key.wrapping_mul(0xD1B5_4A32_D192_ED03));
            let times = key as u32 % 3 + 1;
            let total = tallies.ask(minor, None).expect("counted");
            assert_eq!((total.reactions[Reaction::Like], total.unreacted), (2 * times, times));
            let other = tallies.ask(minor, Some(1)).expect("counted");
            assert_eq!((other.reactions[Reaction::Like], other.unreacted), (times, times));
            assert_eq!(tallies.ask(minor, Some(9)), Some(total));
        }
        assert_eq!(tallies.ask(Key(12345), None), None);
        assert_eq!(tallies.totals().count(), 1000);
        tallies.clear();
        assert!(tallies.is_empty() && tallies.ask(Key(0), None).is_none());
    }
}
