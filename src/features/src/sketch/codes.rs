//! Token codes in memory, and the tweet sketch.

use super::{SketchError, SketchShape};
use crate::input::{SparseRows, TweetSketch};

/// The largest vocabulary a table accepts: far beyond every real one, small enough for a table dense by id.
pub(super) const MAX_TOKENS: u32 = 1 << 24;
/// Row of a token that has no codes.
const NONE: u32 = u32::MAX;

/// A code a depth for each token that has codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCodes {
    shape: SketchShape,
    seed: u64,
    /// Whether the codes are hashes of the token ids.
    hashed: bool,
    /// Row of each token id in `codes`, or [`NONE`].
    rows: Vec<u32>,
    /// `[tokens, depth]`, by ascending token id.
    codes: Vec<u16>,
}

impl TokenCodes {
    /// Codes `[tokens, depth]`, row after row, of the tokens with these ids, made from token vectors with the
    /// projection of `seed`.
    ///
    /// # Errors
    /// [`SketchError::Rows`], [`SketchError::Repeated`], [`SketchError::TokenTooLarge`] or [`SketchError::Code`] where
    /// ids and codes are no such table.
    pub fn new(shape: SketchShape, seed: u64, tokens: &[u32], codes: &[u16]) -> Result<Self, SketchError> {
        let depth = shape.depth();
        if codes.len() != tokens.len() * depth {
            return Err(SketchError::Rows { ids: tokens.len(), rows: codes.len() / depth });
        }
        if let Some(&token) = tokens.iter().find(|&&token| token >= MAX_TOKENS) {
            return Err(SketchError::TokenTooLarge { token, max: MAX_TOKENS - 1 });
        }
        if let Some(at) = codes.iter().position(|&code| usize::from(code) >= shape.width()) {
            let (token, depth) = (tokens[at / depth], at % depth);
            return Err(SketchError::Code { token, depth, code: codes[at], width: shape.width() });
        }
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_unstable_by_key(|&row| tokens[row]);
        let ids = order.last().map_or(0, |&row| tokens[row] as usize + 1);
        let mut table =
            Self { shape, seed, hashed: false, rows: vec![NONE; ids], codes: Vec::with_capacity(codes.len()) };
        for (row, from) in order.into_iter().enumerate() {
            let row_of = &mut table.rows[tokens[from] as usize];
            if *row_of != NONE {
                return Err(SketchError::Repeated { token: tokens[from] });
            }
            *row_of = row as u32;
            table.codes.extend_from_slice(&codes[from * depth..][..depth]);
        }
        Ok(table)
    }

    /// Size of the sketches made of these codes.
    pub fn shape(&self) -> SketchShape {
        self.shape
    }

    /// Seed of the random projection, or of the hash.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether the codes are hashes of the token ids ([`TokenCodes::hashed`]); else they come from token vectors.
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// The same codes, said to be hashes of the token ids or not.
    pub(super) fn marked_hashed(self, hashed: bool) -> Self {
        Self { hashed, ..self }
    }

    /// Number of tokens with codes.
    pub fn len(&self) -> usize {
        self.codes.len() / self.shape.depth()
    }

    /// Whether no token has codes.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Ids of the tokens with codes, ascending.
    pub fn tokens(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.rows).filter(|&(_, &row)| row != NONE).map(|(token, _)| token)
    }

    /// The token's code at each depth, or `None` for a token without codes.
    #[inline]
    pub fn codes(&self, token: u32) -> Option<&[u16]> {
        let row = *self.rows.get(token as usize)?;
        (row != NONE).then(|| &self.codes[row as usize * self.shape.depth()..][..self.shape.depth()])
    }

    /// Appends the sketch of a tweet, a row of `depth × width` columns.
    ///
    /// Codes are counted over the tokens without the first and the last one (`[CLS]`, `[SEP]`); tokens without codes
    /// are passed over; the counts of each depth are divided by their L2 norm. Nothing is allocated once `out` has the
    /// room.
    pub fn sketch(&self, tokens: &[u32], out: &mut SparseRows) {
        let inner = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or(&[]);
        let known = inner.iter().filter(|&&token| self.codes(token).is_some()).count();
        let start = out.columns.len();
        // Each depth's columns lie in one stretch, are sorted there and then closed up to one entry a column.
        out.columns.resize(start + known * self.shape.depth(), 0);
        for (index, codes) in inner.iter().filter_map(|&token| self.codes(token)).enumerate() {
            let mut column = 0;
            for (&code, out) in codes.iter().zip(out.columns[start + index..].iter_mut().step_by(known)) {
                *out = column + u32::from(code);
                column += self.shape.width() as u32;
            }
        }
        let mut end = start;
        for depth in 0..self.shape.depth() {
            let stretch = start + depth * known..start + (depth + 1) * known;
            out.columns[stretch.clone()].sort_unstable();
            let first = out.values.len();
            let mut squares = 0.0f64;
            let mut next = stretch.start;
            while next < stretch.end {
                let column = out.columns[next];
                let run = next;
                while next < stretch.end && out.columns[next] == column {
                    next += 1;
                }
                let count = (next - run) as f64;
                squares += count * count;
                out.columns[end] = column;
                out.values.push(count as f32);
                end += 1;
            }
            let norm = squares.sqrt();
            out.values[first..].iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
        }
        out.columns.truncate(end);
        out.offsets.push(end as u32);
    }
}

impl TweetSketch for TokenCodes {
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows) {
        self.sketch(tokens, rows);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::sketch::golden;

    #[test]
    fn sketches_equal_the_original() {
        let flat: Vec<u16> = golden::codes_absolute().concat().iter().map(|code| (code % 256) as u16).collect();
        let codes = TokenCodes::new(golden::shape(), 0, &golden::tokens(), &flat).unwrap();
        let tweets = golden::holdout_tokens();
        let mut rows = SparseRows::default();
        let mut checked = 0;
        for line in golden::read("features/sketches.tsv").lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            let tokens = &tweets[fields[1]];
            assert_eq!(tokens.len(), fields[2].parse::<usize>().unwrap());
            codes.sketch(tokens, &mut rows);
            let (columns, values) = rows.row(rows.rows() - 1);
            let expected: Vec<(u32, f64)> = fields[5]
                .split(' ')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once(':').unwrap())
                .map(|(column, value)| (column.parse().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(columns, expected.iter().map(|pair| pair.0).collect::<Vec<_>>(), "{}", fields[1]);
            assert!(values.iter().zip(&expected).all(|(&a, b)| (f64::from(a) - b.1).abs() < 1e-6), "{}", fields[1]);
            checked += 1;
        }
        assert_eq!((checked, rows.rows()), (60, 60));
    }

    fn naive(table: &HashMap<u32, Vec<u16>>, shape: SketchShape, tweet: &[u32]) -> Vec<f64> {
        let mut dense = vec![0.0f64; shape.depth() * shape.width()];
        for (index, token) in tweet.iter().enumerate() {
            if index == 0 || index + 1 == tweet.len() {
                continue;
            }
            for (depth, &code) in table.get(token).into_iter().flatten().enumerate() {
                dense[depth * shape.width() + usize::from(code)] += 1.0;
            }
        }
        for row in dense.chunks_mut(shape.width()) {
            let norm = row.iter().map(|count| count * count).sum::<f64>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|count| *count /= norm);
            }
        }
        dense
    }

    proptest! {
        #[test]
        fn sketches_equal_the_definition(
            depth in 1usize..5,
            width in 1usize..9,
            raw in prop::collection::hash_map(0u32..30, prop::collection::vec(any::<u16>(), 4), 0..20),
            tweets in prop::collection::vec(prop::collection::vec(0u32..40, 0..25), 0..5),
        ) {
            let shape = SketchShape::new(depth, width).unwrap();
            let table: HashMap<u32, Vec<u16>> = raw
                .into_iter()
                .map(|(token, codes)| (token, codes[..depth].iter().map(|code| code % width as u16).collect()))
                .collect();
            let (ids, flat): (Vec<u32>, Vec<Vec<u16>>) = table.clone().into_iter().unzip();
            let codes = TokenCodes::new(shape, 3, &ids, &flat.concat()).unwrap();
            let mut rows = SparseRows::default();
            tweets.iter().for_each(|tweet| codes.sketch(tweet, &mut rows));
            prop_assert_eq!(rows.rows(), tweets.len());
            for (row, tweet) in tweets.iter().enumerate() {
                let (columns, values) = rows.row(row);
                prop_assert!(columns.is_sorted_by(|a, b| a < b));
                let mut dense = naive(&table, shape, tweet);
                for (&column, &value) in columns.iter().zip(values) {
                    prop_assert!(value > 0.0 && (dense[column as usize] - f64::from(value)).abs() < 1e-7);
                    dense[column as usize] = 0.0;
                }
                prop_assert!(dense.iter().all(|&rest| rest == 0.0));
            }
            let mut sorted = ids.clone();
            sorted.sort_unstable();
            prop_assert_eq!(codes.tokens().collect::<Vec<_>>(), sorted);
            for (token, expected) in &table {
                prop_assert_eq!(codes.codes(*token), Some(&expected[..]));
            }
        }
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        let shape = SketchShape::new(2, 10).unwrap();
        let found = |tokens: &[u32], codes: &[u16]| TokenCodes::new(shape, 0, tokens, codes).unwrap_err();
        assert!(matches!(found(&[1], &[1]), SketchError::Rows { ids: 1, rows: 0 }));
        assert!(matches!(found(&[4, 4], &[0; 4]), SketchError::Repeated { token: 4 }));
        assert!(matches!(found(&[4, 5], &[0, 0, 0, 10]), SketchError::Code { token: 5, depth: 1, code: 10, .. }));
        assert!(matches!(found(&[1 << 24], &[0, 0]), SketchError::TokenTooLarge { .. }));
        assert!(TokenCodes::new(shape, 0, &[], &[]).unwrap().codes(0).is_none());
    }
}
