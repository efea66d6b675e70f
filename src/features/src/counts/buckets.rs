//! Sorts items by keys that are hashes.

use super::partition::partition_of;
use crate::key::Key;

/// Buckets, at most: where each is filled to must stay in a core's cache.
const MOST_BUCKETS: usize = 1 << 18;

/// What has a key and an order in which the keys come first.
pub(super) trait Keyed: Copy + Default {
    /// What items are ordered by.
    type Order: Ord;

    fn key(&self) -> Key;

    fn order(&self) -> Self::Order;
}

/// Orders items by buckets of keys. Its memory is used again for the next ones.
///
/// Keys are hashes: their next bits spread them over as many buckets as there are pairs of items, and what shares a
/// bucket is soon sorted.
#[derive(Default)]
pub(super) struct Buckets<T> {
    /// As they come.
    incoming: Vec<T>,
    /// In order; what lies behind those that came means nothing.
    ordered: Vec<T>,
    /// Items of the bucket before each, then where the next item of each bucket goes.
    next: Vec<u32>,
    /// The first so many bits of all keys are the same.
    bits: u32,
}

impl<T: Keyed> Buckets<T> {
    /// Bytes that so many items take while they are ordered.
    pub(super) fn memory(items: u64) -> u64 {
        2 * items * size_of::<T>() as u64
    }

    /// Forgets everything and makes room for about `due` items, whose keys have the first `bits` bits in common: if
    /// that is all 64, or said to be, there is one bucket, which is sorted in place.
    pub(super) fn restart(&mut self, due: u64, bits: u32) {
        let due = due as usize;
        let buckets = if bits < u64::BITS { (due / 2).next_power_of_two().min(MOST_BUCKETS) } else { 1 };
        self.bits = bits;
        self.next.clear();
        self.next.resize(buckets + 1, 0);
        self.incoming.clear();
        self.incoming.reserve_exact(due);
    }

    fn bucket(&self, item: &T) -> usize {
        partition_of(item.key(), self.bits, self.next.len() - 1)
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) {
        let bucket = self.bucket(&item);
        self.next[bucket + 1] += 1;
        self.incoming.push(item);
    }

    /// All items, in order.
    pub(super) fn sorted(&mut self) -> &[T] {
        let buckets = self.next.len() - 1;
        if buckets == 1 {
            self.incoming.sort_unstable_by_key(T::order);
            return &self.incoming;
        }
        let mut end = 0;
        for next in &mut self.next {
            end += *next;
            *next = end;
        }
        if self.ordered.len() < self.incoming.len() {
            self.ordered.resize(self.incoming.len(), T::default());
        }
        let ordered = &mut self.ordered[..self.incoming.len()];
        for item in &self.incoming {
            let next = &mut self.next[partition_of(item.key(), self.bits, buckets)];
            ordered[*next as usize] = *item;
            *next += 1;
        }
        // Every bucket's next place is now the first one of the bucket behind it.
        let mut start = 0;
        for &end in &self.next[..buckets] {
            ordered[start..end as usize].sort_unstable_by_key(T::order);
            start = end as usize;
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for (Key, u32) {
        type Order = (Key, u32);

        fn key(&self) -> Key {
            self.0
        }

        fn order(&self) -> Self::Order {
            *self
        }
    }

    #[test]
    fn any_number_of_items_comes_in_order() {
        let mut buckets = Buckets::default();
        for (count, due) in [(0, 0), (1, 1), (2, 2), (1000, 1000), (700, 3), (5, 100_000), (64, 64)] {
            for bits in [0, 5, 64] {
                let key = |item: u32| Key(u64::from(item % 97).wrapping_mul(0x9E37_79B9_7F4A_7C15).unbounded_shr(bits));
                let items: Vec<(Key, u32)> =
                    (0..count).map(|item: u32| (key(item), item.wrapping_mul(77_777))).collect();
                buckets.restart(due, bits);
                items.iter().for_each(|&item| buckets.push(item));
                let mut expected = items;
                expected.sort_unstable();
                assert_eq!(buckets.sorted(), expected, "{count} items, {bits} bits");
            }
        }
    }
}
