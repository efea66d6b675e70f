//! The pieces of texts that occur again and again, where the processor's cache holds them.

/// Number of entries, of 32 bytes each.
const ENTRIES: usize = 1 << 14;
/// Most tokens of a piece that is kept.
const TOKENS: usize = 5;

/// Tokens of pieces by a hash of the piece; a newer piece takes the entry of an older one.
pub(super) struct Hot(Box<[Entry]>);

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Half of the hash; the other half says which entry it is. 0: none.
    key: u64,
    count: u32,
    tokens: [u32; TOKENS],
}

impl Default for Hot {
    fn default() -> Self {
        Self(vec![Entry::default(); ENTRIES].into())
    }
}

impl Hot {
    /// The tokens of a piece, if they are here.
    #[inline]
    pub(super) fn get(&self, hash: u128) -> Option<&[u32]> {
        let entry = &self.0[index(hash)];
        (entry.key == hash as u64 && entry.key != 0).then(|| &entry.tokens[..entry.count as usize])
    }

    /// Keeps the tokens of a piece, if there are few.
    #[inline]
    pub(super) fn put(&mut self, hash: u128, tokens: &[u32]) {
        if tokens.len() <= TOKENS {
            let entry = &mut self.0[index(hash)];
            (entry.key, entry.count) = (hash as u64, tokens.len() as u32);
            entry.tokens[..tokens.len()].copy_from_slice(tokens);
        }
    }
}

fn index(hash: u128) -> usize {
    (hash >> 64) as usize % ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_piece_replaces_an_older_one() {
        let mut hot = Hot::default();
        assert_eq!(hot.get(0), None);
        hot.put(7, &[1, 2]);
        hot.put(8, &[1; TOKENS + 1]);
        assert_eq!((hot.get(7), hot.get(8)), (Some(&[1, 2][..]), None));
        hot.put(9, &[]);
        assert_eq!((hot.get(7), hot.get(9)), (None, Some(&[][..])));
    }
}
