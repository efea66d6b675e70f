//! A record's visits: what is routed, counted and answered.

use bytemuck::{Pod, Zeroable};
use skimlog_formats::ReactionSet;

use super::buckets::Keyed;
use super::family::{Minor, Period, Visitor};
use crate::key::Key;

/// Where a record's answers go: an output block and a row in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) block: usize,
    pub(super) row: usize,
}

/// Rows of a block an address can tell apart.
pub(super) const LARGEST_BLOCK: usize = 1 << 16;
/// Blocks an address can tell apart.
pub(super) const MOST_BLOCKS: usize = 1 << 24;

/// How a record stands to the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Standing {
    /// Counted as training; its own day is left out of its training counts.
    Training = 0,
    /// Counted as validation; its own chunk is left out of its validation counts.
    Finetune = 1,
    /// Hold-out or test: never counted, gets the totals.
    Uncounted = 2,
}

/// Everything about a visiting record but its keys, in one word.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Stamp(u64);

const ROW: u32 = 16;
const REACTIONS: u32 = 40;
const VISITOR: u32 = 44;
const GROUP: u32 = 46;
const STANDING: u32 = 62;

impl Stamp {
    pub(super) fn new(address: Address, group: u16, reactions: ReactionSet, standing: Standing) -> Self {
        debug_assert!(address.row < LARGEST_BLOCK && address.block < MOST_BLOCKS);
        Self(
            (address.block as u64) << ROW
                | address.row as u64
                | u64::from(group) << GROUP
                | u64::from(reactions.bits()) << REACTIONS
                | (standing as u64) << STANDING,
        )
    }

    /// The same record as another visitor; `self` must come from [`Stamp::new`].
    pub(super) fn visiting_as(self, visitor: Visitor) -> Self {
        Self(self.0 | (visitor as u64) << VISITOR)
    }

    pub(super) fn address(self) -> Address {
        let bits = self.0 & ((1 << REACTIONS) - 1);
        Address { block: (bits >> ROW) as usize, row: (bits & 0xFFFF) as usize }
    }

    /// The record's standing and the day (training) or chunk (finetune) that is left out of its counts: visits of one
    /// group leave out the same.
    pub(super) fn group(self) -> u64 {
        self.0 >> GROUP
    }

    pub(super) fn reactions(self) -> ReactionSet {
        ReactionSet::from_bits((self.0 >> REACTIONS) as u8)
    }

    pub(super) fn visitor(self) -> Visitor {
        match self.0 >> VISITOR & 0b11 {
            0 => Visitor::Reader,
            1 => Visitor::Author,
            2 => Visitor::Hashtag,
            _ => Visitor::Tweet,
        }
    }

    /// The period the record belongs to: in whose counters it is counted, unless it has nothing to count there, and
    /// in whose answers its group is left out. `None` for one that is not counted.
    pub(super) fn period(self) -> Option<Period> {
        match self.0 >> STANDING {
            0 => Some(Period::Training),
            1 => Some(Period::Validation),
            _ => None,
        }
    }
}

/// One visit of one record to one entity.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Visit {
    /// The entity.
    pub(super) major: Key,
    /// Author, reader or hashtag, as the visitor has it; zero for a tweet visit.
    pub(super) minor: Key,
    /// The record's language for a reader visit, zero else.
    pub(super) language: Key,
    pub(super) stamp: Stamp,
}

impl Visit {
    /// The minor half of the key; the major one is the entity.
    #[inline]
    pub(super) fn key(&self, minor: Minor) -> Key {
        match minor {
            Minor::Alone => Key(0),
            Minor::Partner => self.minor,
            Minor::Language => self.language,
        }
    }
}

impl Keyed for Visit {
    type Order = u128;

    #[inline]
    fn key(&self) -> Key {
        self.major
    }

    /// By entity, and within an entity those of one group together.
    #[inline]
    fn order(&self) -> u128 {
        u128::from(self.major.0) << 64 | u128::from(self.stamp.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_everything() {
        let address = Address { block: MOST_BLOCKS - 1, row: LARGEST_BLOCK - 1 };
        for (standing, period) in [
            (Standing::Training, Some(Period::Training)),
            (Standing::Finetune, Some(Period::Validation)),
            (Standing::Uncounted, None),
        ] {
            for visitor in [Visitor::Reader, Visitor::Author, Visitor::Hashtag, Visitor::Tweet] {
                let stamp = Stamp::new(address, 0xABCD, ReactionSet::from_bits(0b1010), standing).visiting_as(visitor);
                assert_eq!(stamp.address(), address);
                assert_eq!(stamp.group(), 0xABCD | (standing as u64) << 16);
                assert_eq!(stamp.reactions(), ReactionSet::from_bits(0b1010));
                assert_eq!(stamp.period(), period);
                assert_eq!(stamp.visitor(), visitor);
            }
        }
    }
}
