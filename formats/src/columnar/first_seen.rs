//! Values numbered in the order in which they first occur.

use super::spare::Spare;
use super::word::Word;
use crate::Id;

const EMPTY: u32 = u32::MAX;
/// One in so many values must repeat for a dictionary in the order of first occurrence to pay. Measured (see
/// `COLUMNAR.md`): 8 makes parts 9.1 % larger, up to 128 they are the same.
const REPEATS_OF: usize = 32;

/// A value that can be found in a hash table.
pub(super) trait Hashed: Copy + PartialEq {
    /// Its hash, in the highest bits.
    fn hash(self) -> u64;
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hashed for Id {
    #[inline(always)]
    fn hash(self) -> u64 {
        let [low, high]: [u64; 2] = bytemuck::cast(self.0);
        (low ^ high.rotate_left(29)).wrapping_mul(GOLDEN)
    }
}

impl<W: Word> Hashed for W {
    #[inline(always)]
    fn hash(self) -> u64 {
        let value = self.to_u64();
        (value ^ value >> 32).wrapping_mul(GOLDEN)
    }
}

/// Values numbered in the order in which they first occur.
pub(super) struct FirstSeen<T> {
    /// Every value once.
    pub(super) distinct: Vec<T>,
    /// The number of each value given.
    pub(super) indices: Vec<u32>,
}

impl<T: Hashed> FirstSeen<T> {
    /// Numbers `values`; `table` is memory to use.
    pub(super) fn of(values: &[T], table: &mut Vec<u32>) -> Self {
        Self::in_memory(values, table, Vec::new(), Vec::new())
    }

    /// [`FirstSeen::of`] in memory that was used before.
    fn in_memory(values: &[T], table: &mut Vec<u32>, mut distinct: Vec<T>, mut indices: Vec<u32>) -> Self {
        // Open addressing, at most half full.
        let slots = (2 * values.len()).next_power_of_two().max(2);
        let shift = 64 - slots.ilog2();
        table.clear();
        table.resize(slots, EMPTY);
        distinct.clear();
        distinct.reserve(values.len());
        indices.clear();
        indices.reserve(values.len());
        for &value in values {
            let mut slot = (value.hash() >> shift) as usize;
            let index = loop {
                match table[slot] {
                    EMPTY => {
                        table[slot] = distinct.len() as u32;
                        distinct.push(value);
                        break table[slot];
                    }
                    index if distinct[index as usize] == value => break index,
                    _ => slot = (slot + 1) & (slots - 1),
                }
            };
            indices.push(index);
        }
        Self { distinct, indices }
    }

    /// Whether enough values repeat for numbers to be worth their cost.
    pub(super) fn pays(&self) -> bool {
        let repeats = self.indices.len() - self.distinct.len();
        repeats > 0 && repeats >= self.indices.len() / REPEATS_OF
    }
}

impl FirstSeen<Id> {
    /// Numbers ids in spare memory.
    pub(super) fn of_ids(ids: &[Id], spare: &mut Spare) -> Self {
        let (distinct, indices) = spare.first_seen.pop().unwrap_or_default();
        Self::in_memory(ids, &mut spare.table, distinct, indices)
    }

    /// Puts the memory back.
    pub(super) fn give_back(self, spare: &mut Spare) {
        spare.first_seen.push((self.distinct, self.indices));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_places_of_first_occurrence(
            values in prop::collection::vec(0..60u64, 0..200),
            shift in 0..58u32,
        ) {
            let values: Vec<u64> = values.into_iter().map(|value| value << shift).collect();
            let mut distinct: Vec<u64> = Vec::new();
            let number = |&value: &u64| match distinct.iter().position(|&other| other == value) {
                Some(number) => number as u32,
                None => {
                    distinct.push(value);
                    distinct.len() as u32 - 1
                }
            };
            let indices: Vec<u32> = values.iter().map(number).collect();
            let seen = FirstSeen::of(&values, &mut vec![3; 7]);
            prop_assert_eq!((seen.distinct, seen.indices), (distinct, indices));
        }
    }
}
