//! A Bloom filter of ids: false positives are possible, false negatives are not.

use std::sync::atomic::{AtomicU64, Ordering};

use skimlog_formats::Id;

/// Two bits an id among about sixteen: one other id in sixty is let through.
pub(super) struct IdFilter {
    words: Vec<AtomicU64>,
}

impl IdFilter {
    /// A filter for about `ids` ids.
    pub(super) fn new(ids: u64) -> Self {
        let words = (ids / 4).max(1).next_power_of_two();
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn insert(&self, id: Id) {
        let (word, bits) = self.bits_of(id);
        self.words[word].fetch_or(bits, Ordering::Relaxed);
    }

    pub(super) fn may_contain(&self, id: Id) -> bool {
        let (word, bits) = self.bits_of(id);
        self.words[word].load(Ordering::Relaxed) & bits == bits
    }

    /// One word an id, so that a look-up costs one miss.
    fn bits_of(&self, id: Id) -> (usize, u64) {
        let [low, high]: [u64; 2] = bytemuck::cast(id.0);
        let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = mixed ^ mixed >> 32;
        let bits = 1 << (hash & 63) | 1 << (hash >> 6 & 63);
        ((hash >> 12) as usize & (self.words.len() - 1), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_was_put_in_and_few_others() {
        let filter = IdFilter::new(10_000);
        let id = |number: u32| {
            let mut id = Id([7; 16]);
            id.0[4..8].copy_from_slice(&number.to_be_bytes());
            id
        };
        (0..10_000).for_each(|number| filter.insert(id(number)));
        assert!((0..10_000).all(|number| filter.may_contain(id(number))));
        let others = (10_000..110_000).filter(|&number| filter.may_contain(id(number))).count();
        assert!(others < 5_000, "{others} of 100,000 let through");
    }
}
