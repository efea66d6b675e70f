//! Token codes without token vectors: hashes of the token ids.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::codes::MAX_TOKENS;
use super::{SketchError, SketchShape, TokenCodes};

/// The code of a token at a depth: SipHash-2-4 with the key (`seed`, 0) over the token id and the depth, each in four
/// bytes, lowest first; modulo the width.
fn code(shape: SketchShape, seed: u64, token: u32, depth: u32) -> u16 {
    let mut hasher = SipHasher24::new_with_keys(seed, 0);
    hasher.write(&(u64::from(depth) << 32 | u64::from(token)).to_le_bytes());
    // The width is at most 65,536.
    (hasher.finish() % shape.width() as u64) as u16
}

impl TokenCodes {
    /// Codes of all token ids below `vocabulary` that are hashes of the ids. A tweet's sketch then says which tokens it
    /// holds, as a feature hash does, and nothing of which tokens are alike.
    ///
    /// # Errors
    /// [`SketchError::TokenTooLarge`] for more than 2²⁴ token ids.
    pub fn hashed(shape: SketchShape, seed: u64, vocabulary: u32) -> Result<Self, SketchError> {
        Self::check_vocabulary(vocabulary)?;
        let tokens: Vec<u32> = (0..vocabulary).collect();
        let depths = 0..shape.depth() as u32;
        let codes = tokens.iter().flat_map(|&token| depths.clone().map(move |depth| code(shape, seed, token, depth)));
        let codes: Vec<u16> = codes.collect();
        Ok(Self::new(shape, seed, &tokens, &codes)?.marked_hashed(true))
    }

    /// Whether a table of codes may hold so many token ids.
    ///
    /// # Errors
    /// [`SketchError::TokenTooLarge`] for more than 2²⁴ token ids.
    pub fn check_vocabulary(vocabulary: u32) -> Result<(), SketchError> {
        if vocabulary <= MAX_TOKENS {
            return Ok(());
        }
        Err(SketchError::TokenTooLarge { token: vocabulary - 1, max: MAX_TOKENS - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::SparseRows;

    #[test]
    fn codes_are_the_hash_that_is_documented() {
        let shape = SketchShape::new(3, 1000).unwrap();
        let codes = TokenCodes::hashed(shape, 7, 50).unwrap();
        assert!(codes.is_hashed() && codes.tokens().eq(0..50));
        assert_eq!((codes.shape(), codes.seed(), codes.len()), (shape, 7, 50));
        // By an implementation of SipHash-2-4 in Python that gives the test vector of the paper.
        let known = [(0, [69, 857, 53]), (1, [586, 85, 952]), (49, [292, 308, 762])];
        for (token, expected) in known {
            assert_eq!(codes.codes(token), Some(&expected[..]), "token {token}");
        }
    }

    #[test]
    fn codes_spread_evenly_and_independently_of_depth_seed_and_vocabulary() {
        let shape = SketchShape::new(2, 16).unwrap();
        let codes = TokenCodes::hashed(shape, 1, 16_000).unwrap();
        for depth in 0..2 {
            let mut counts = [0_u32; 16];
            codes.tokens().for_each(|token| counts[usize::from(codes.codes(token).unwrap()[depth])] += 1);
            // 1,000 expected each, with a standard deviation of 31.
            assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        }
        let equal = codes.tokens().filter(|&token| codes.codes(token).unwrap()[0] == codes.codes(token).unwrap()[1]);
        assert!((850..1150).contains(&equal.count()), "depths agree by chance only");
        let more = TokenCodes::hashed(shape, 1, 17_000).unwrap();
        assert!(codes.tokens().all(|token| codes.codes(token) == more.codes(token)));
        let other = TokenCodes::hashed(shape, 2, 16_000).unwrap();
        let equal = codes.tokens().filter(|&token| codes.codes(token) == other.codes(token)).count();
        assert!(equal < 150, "{equal} of 16,000 tokens have the same two codes with another seed, 62 by chance");
    }

    #[test]
    fn tweets_without_tokens_have_an_empty_sketch() {
        let codes = TokenCodes::hashed(SketchShape::new(2, 16).unwrap(), 1, 200).unwrap();
        let mut rows = SparseRows::default();
        for tweet in [&[][..], &[101], &[101, 102], &[101, 150, 102]] {
            codes.sketch(tweet, &mut rows);
        }
        assert_eq!(rows.offsets, [0, 0, 0, 0, 2]);
    }

    #[test]
    fn a_vocabulary_beyond_what_a_table_takes_is_refused_before_anything_is_allocated() {
        let shape = SketchShape::new(1024, 16).unwrap();
        let found = TokenCodes::hashed(shape, 1, u32::MAX).unwrap_err();
        assert!(matches!(found, SketchError::TokenTooLarge { max: 0xff_ffff, .. }), "{found}");
        assert!(TokenCodes::hashed(shape, 1, 0).unwrap().is_empty());
    }
}
