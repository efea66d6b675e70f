//! Small numbers for the keys counted for one entity.

use crate::key::Key;

/// The number of a key that has none.
pub(super) const NONE: u32 = u32::MAX;

/// Numbers keys in the order in which they come, from 0. Reused entity after entity.
#[derive(Default)]
pub(super) struct Numbers {
    keys: Vec<Key>,
    /// Open addressing into `keys`: the first `mask + 1` of them, a power of two.
    slots: Vec<u32>,
    mask: usize,
    /// One bit a key, to tell most unknown keys at once.
    seen: u64,
}

impl Numbers {
    /// Forgets all keys and makes room for as many as `most`.
    pub(super) fn restart(&mut self, most: usize) {
        let slots = (2 * most).next_power_of_two();
        if self.slots.len() < slots {
            self.slots.resize(slots, NONE);
        }
        self.slots[..slots].fill(NONE);
        self.mask = slots - 1;
        self.keys.clear();
        self.seen = 0;
    }

    /// The key's number, a new one if it had none. There must be room for it.
    #[inline]
    pub(super) fn number(&mut self, key: Key) -> u32 {
        let mut slot = key.0 as usize & self.mask;
        loop {
            let number = self.slots[slot];
            match self.keys.get(number as usize) {
                Some(&other) if other == key => return number,
                Some(_) => slot = (slot + 1) & self.mask,
                None => break,
            }
        }
        let number = self.keys.len() as u32;
        self.slots[slot] = number;
        self.keys.push(key);
        self.seen |= bit(key);
        number
    }

    /// The key's number, or [`NONE`].
    #[inline]
    pub(super) fn find(&self, key: Key) -> u32 {
        if self.seen & bit(key) == 0 {
            return NONE;
        }
        let mut slot = key.0 as usize & self.mask;
        loop {
            let number = self.slots[slot];
            match self.keys.get(number as usize) {
                Some(&other) if other != key => slot = (slot + 1) & self.mask,
                _ => return number,
            }
        }
    }

    /// Which of up to 64 keys may have a number, a bit each: few of those that have none.
    #[inline]
    pub(super) fn candidates(&self, keys: &[Key]) -> u64 {
        // Without a branch a key: which of them pass is hard to predict.
        (0..).zip(keys).fold(0, |candidates, (bit, key)| candidates | (self.seen >> (key.0 >> 58) & 1) << bit)
    }

    /// The key with this number.
    pub(super) fn key(&self, number: u32) -> Key {
        self.keys[number as usize]
    }
}

/// Keys are hashes; slots use their lower bits.
#[inline]
fn bit(key: Key) -> u64 {
    1 << (key.0 >> 58)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_numbers_until_a_restart() {
        let mut numbers = Numbers::default();
        for most in [0, 1, 5, 1000, 3] {
            numbers.restart(most);
            let key = |index: u64| Key(index.wrapping_mul(0xD1B5_4A32_D192_ED03) & !0xF0);
            assert_eq!(numbers.find(key(0)), NONE);
            for index in 0..most as u64 {
                assert_eq!(numbers.find(key(index)), NONE);
                assert_eq!(numbers.number(key(index)), index as u32);
            }
            for index in 0..most as u64 {
                assert_eq!((numbers.number(key(index)), numbers.find(key(index))), (index as u32, index as u32));
                assert_eq!(numbers.key(index as u32), key(index));
            }
            assert_eq!(numbers.find(key(most as u64)), NONE);
            let keys: Vec<Key> = (0..64).map(key).collect();
            let candidates = numbers.candidates(&keys);
            assert!((0..most.min(64)).all(|bit| candidates >> bit & 1 == 1));
            assert_eq!(candidates == 0, most == 0);
        }
    }
}
