//! Tokens of texts that were cut before, in bounded memory, for all threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

/// Parts that threads lock one by one.
const SHARDS: usize = 64;
/// Most tokens that a shard keeps: 32 MiB in all.
const TOKENS: usize = (32 << 20) / 4 / SHARDS;

/// Lists of tokens by a hash of their text. Beyond its bound a shard begins anew: what is asked for often comes back.
pub(super) struct Shelf([Mutex<Shard>; SHARDS]);

#[derive(Default)]
struct Shard {
    /// Where the tokens of a text stand.
    ranges: HashMap<u128, (u32, u32)>,
    tokens: Vec<u32>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Shelf {
    /// Adds the tokens of a text to `to`, if they are known.
    pub(super) fn get(&self, key: u128, to: &mut Vec<u32>) -> bool {
        let shard = self.shard(key);
        let Some(&(start, end)) = shard.ranges.get(&key) else { return false };
        to.extend_from_slice(&shard.tokens[start as usize..end as usize]);
        true
    }

    pub(super) fn put(&self, key: u128, tokens: &[u32]) {
        let mut shard = self.shard(key);
        // A text takes some memory even without a token.
        if shard.tokens.len() + tokens.len() + 16 * shard.ranges.len() > TOKENS {
            *shard = Shard::default();
        }
        let start = shard.tokens.len();
        shard.tokens.extend_from_slice(tokens);
        let range = (start as u32, shard.tokens.len() as u32);
        shard.ranges.insert(key, range);
    }

    fn shard(&self, key: u128) -> MutexGuard<'_, Shard> {
        self.0[key as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_shard_begins_anew() {
        let (shelf, mut to) = (Shelf::default(), Vec::new());
        shelf.put(0, &[1, 2]);
        assert!(shelf.get(0, &mut to) && !shelf.get(1, &mut to));
        shelf.put(64, &vec![7; TOKENS - 1]);
        assert!(!shelf.get(0, &mut to) && shelf.get(64, &mut Vec::new()));
        assert_eq!(to, [1, 2]);
    }
}
