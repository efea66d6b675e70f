//! A padded batch of token sequences.

/// Token sequences padded to one length, as BERT-like models take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBatch {
    sequences: usize,
    length: usize,
    ids: Vec<i64>,
    mask: Vec<i64>,
}

impl TokenBatch {
    /// Pads the sequences with token 0 to the length of the longest; padding is masked out.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a [u32], IntoIter: Clone>) -> Self {
        Self::in_steps(sequences, 1)
    }

    /// As [`TokenBatch::new`], padded on to a multiple of `step`.
    pub fn in_steps<'a>(sequences: impl IntoIterator<Item = &'a [u32], IntoIter: Clone>, step: usize) -> Self {
        let sequences = sequences.into_iter();
        let length = sequences.clone().map(<[u32]>::len).max().unwrap_or(0).next_multiple_of(step);
        let mut batch = Self { length, ..Self::default() };
        for sequence in sequences {
            let padding = length - sequence.len();
            batch.ids.extend(sequence.iter().map(|&token| i64::from(token)));
            batch.ids.extend(std::iter::repeat_n(0, padding));
            batch.mask.extend(std::iter::repeat_n(1, sequence.len()));
            batch.mask.extend(std::iter::repeat_n(0, padding));
            batch.sequences += 1;
        }
        batch
    }

    /// Number of sequences.
    pub fn sequences(&self) -> usize {
        self.sequences
    }

    /// Padded length of each sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// `[sequences, length]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.sequences, self.length]
    }

    /// Token ids `[sequences, length]`, row after row.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// 1 for a token, 0 for padding, `[sequences, length]`, row after row.
    pub fn mask(&self) -> &[i64] {
        &self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_to_the_longest() {
        let batch = TokenBatch::new([&[101, 7, 102][..], &[101, 102]]);
        assert_eq!(batch.shape(), [2, 3]);
        assert_eq!(batch.ids(), [101, 7, 102, 101, 102, 0]);
        assert_eq!(batch.mask(), [1, 1, 1, 1, 1, 0]);
        assert_eq!(TokenBatch::new([]).shape(), [0, 0]);
        let batch = TokenBatch::in_steps([&[101, 7, 102][..]], 2);
        assert_eq!((batch.shape(), batch.mask()), ([1, 4], &[1, 1, 1, 0][..]));
    }
}
