//! A small set of keys that may say yes too often, never no wrongly.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Key;

/// Two bits a key among about sixteen: one stranger in sixty is let through.
pub(super) struct KeyFilter {
    words: Vec<AtomicU64>,
}

impl KeyFilter {
    /// A filter for about `keys` keys.
    pub(super) fn new(keys: u64) -> Self {
        let words = (keys / 4).max(1).next_power_of_two();
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn insert(&self, key: Key) {
        let (word, bits) = self.place(key);
        self.words[word].fetch_or(bits, Ordering::Relaxed);
    }

    pub(super) fn may_contain(&self, key: Key) -> bool {
        let (word, bits) = self.place(key);
        self.words[word].load(Ordering::Relaxed) & bits == bits
    }

    /// One word a key, so that a look-up costs one miss.
    fn place(&self, key: Key) -> (usize, u64) {
        let bits = 1 << (key.0 & 63) | 1 << (key.0 >> 6 & 63);
        ((key.0 >> 12) as usize & (self.words.len() - 1), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::siphash;

    #[test]
    fn keeps_what_was_put_in_and_few_others() {
        let filter = KeyFilter::new(10_000);
        let key = |number: u32| Key(siphash(&number.to_le_bytes()));
        (0..10_000).for_each(|number| filter.insert(key(number)));
        assert!((0..10_000).all(|number| filter.may_contain(key(number))));
        let strangers = (10_000..110_000).filter(|&number| filter.may_contain(key(number))).count();
        assert!(strangers < 5_000, "{strangers} of 100,000 let through");
    }
}
