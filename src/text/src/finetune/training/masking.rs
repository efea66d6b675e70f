//! Masks the tokens that the model has to predict, as BERT does (Devlin et al. 2019, section 3.1).

use super::random::Draws;
use crate::finetune::SpecialTokens;

/// Share of the masked tokens that are replaced by `[MASK]`.
const REPLACED_BY_MASK: f64 = 0.8;
/// Share of them that are replaced by a random token; the rest stay as they are.
const REPLACED_BY_RANDOM: f64 = 0.1;
/// Random numbers a token.
const NUMBERS: u64 = 3;

/// Records padded to one length, some of their tokens masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedBatch {
    /// Records.
    pub rows: usize,
    /// Tokens in each, padding included.
    pub length: usize,
    /// Token ids as the model sees them, `[rows, length]`.
    pub ids: Vec<u32>,
    /// False for padding, `[rows, length]`.
    pub attention: Vec<bool>,
    /// Positions of the masked tokens: indices into `ids`.
    pub positions: Vec<u32>,
    /// The tokens to predict at these positions.
    pub targets: Vec<u32>,
}

impl MaskedBatch {
    /// Pads records to the longest with `padding` and masks a `share` of their tokens, never special ones.
    pub(super) fn new(
        records: &[Vec<u32>],
        padding: u32,
        special: &SpecialTokens,
        vocabulary: usize,
        share: f64,
        draws: Draws,
    ) -> Self {
        let length = records.iter().map(Vec::len).max().unwrap_or(0);
        let mut batch = Self { rows: records.len(), length, ..Self::default() };
        for record in records {
            for position in 0..length {
                let token = record.get(position).copied().unwrap_or(padding);
                let at = batch.ids.len();
                let index = NUMBERS * at as u64;
                let mut shown = token;
                if token != padding && !special.all.contains(&token) && draws.unit(index) < share {
                    batch.positions.push(at as u32);
                    batch.targets.push(token);
                    let how = draws.unit(index + 1);
                    if how < REPLACED_BY_MASK {
                        shown = special.mask;
                    } else if how < REPLACED_BY_MASK + REPLACED_BY_RANDOM {
                        shown = draws.below(index + 2, vocabulary as u64) as u32;
                    }
                }
                batch.ids.push(shown);
                batch.attention.push(token != padding);
            }
        }
        batch
    }

    /// Number of tokens without padding.
    pub fn tokens(&self) -> usize {
        self.attention.iter().filter(|&&attended| attended).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    fn masked(records: &[Vec<u32>], step: u64) -> MaskedBatch {
        let draws = Draws::new(1, Purpose::Masking, [step, 0]);
        MaskedBatch::new(records, 0, &SpecialTokens::default(), 2000, 0.15, draws)
    }

    #[test]
    fn tokens_are_masked_in_the_shares_of_bert() {
        let record: Vec<u32> = [101].into_iter().chain((0..97).map(|n| 200 + n)).chain([102]).collect();
        let records = vec![record; 400];
        let batch = masked(&records, 0);
        let all = 97.0 * 400.0;
        let hidden = batch.positions.len() as f64;
        assert!((hidden / all - 0.15).abs() < 0.01, "{hidden} of {all}");
        let (mut as_mask, mut as_is, mut as_any) = (0.0, 0.0, 0.0);
        for (&position, &target) in batch.positions.iter().zip(&batch.targets) {
            assert_eq!(target, records[0][position as usize % 99]);
            match batch.ids[position as usize] {
                103 => as_mask += 1.0,
                id if id == target => as_is += 1.0,
                _ => as_any += 1.0,
            }
        }
        for (count, share) in [(as_mask, 0.8), (as_any, 0.1), (as_is, 0.1)] {
            assert!((count / hidden - share).abs() < 0.02, "{count} of {hidden}");
        }
        // Other tokens stay as they are.
        let changed = batch.ids.iter().zip(records.concat()).filter(|(id, token)| **id != *token).count();
        assert_eq!(changed as f64, as_mask + as_any);
        assert_eq!(batch, masked(&records, 0));
        assert_ne!(batch.positions, masked(&records, 1).positions);
    }

    #[test]
    fn padding_is_neither_masked_nor_attended_to() {
        let batch = masked(&[vec![101, 300, 102], vec![101, 300, 301, 302, 102]], 0);
        assert_eq!((batch.rows, batch.length, batch.tokens()), (2, 5, 8));
        assert_eq!(batch.ids[3..5], [0, 0]);
        assert_eq!(batch.attention[..6], [true, true, true, false, false, true]);
    }
}
