//! Hiding tokens that the model is to guess, as BERT does (Devlin et al. 2019, section 3.1).

use super::random::Draws;
use crate::finetune::SpecialTokens;

/// Share of the hidden tokens that `[MASK]` stands for.
const SHOWN_AS_MASK: f64 = 0.8;
/// Share of them that any token stands for; the others are left as they are.
const SHOWN_AS_ANY: f64 = 0.1;
/// Random numbers a token.
const NUMBERS: u64 = 3;

/// Records padded to one length, some of their tokens hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedBatch {
    /// Records.
    pub rows: usize,
    /// Tokens in each, padding included.
    pub length: usize,
    /// Token ids as the model sees them, `[rows, length]`.
    pub ids: Vec<u32>,
    /// Whether a token is attended to, that is, is no padding, `[rows, length]`.
    pub attention: Vec<bool>,
    /// Where tokens are to be guessed: indices into `ids`.
    pub places: Vec<u32>,
    /// What is to be guessed there.
    pub targets: Vec<u32>,
}

impl MaskedBatch {
    /// Pads records to the longest with `padding`, hiding a `share` of their tokens, never special ones.
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
                let place = batch.ids.len();
                let index = NUMBERS * place as u64;
                let mut shown = token;
                if token != padding && !special.all.contains(&token) && draws.unit(index) < share {
                    batch.places.push(place as u32);
                    batch.targets.push(token);
                    let how = draws.unit(index + 1);
                    if how < SHOWN_AS_MASK {
                        shown = special.mask;
                    } else if how < SHOWN_AS_MASK + SHOWN_AS_ANY {
                        shown = draws.below(index + 2, vocabulary as u64) as u32;
                    }
                }
                batch.ids.push(shown);
                batch.attention.push(token != padding);
            }
        }
        batch
    }

    /// Tokens that are no padding.
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
    fn tokens_are_hidden_in_the_shares_of_bert() {
        let record: Vec<u32> = [101].into_iter().chain((0..97).map(|n| 200 + n)).chain([102]).collect();
        let records = vec![record; 400];
        let batch = masked(&records, 0);
        let all = 97.0 * 400.0;
        let hidden = batch.places.len() as f64;
        assert!((hidden / all - 0.15).abs() < 0.01, "{hidden} of {all}");
        let (mut as_mask, mut as_is, mut as_any) = (0.0, 0.0, 0.0);
        for (&place, &target) in batch.places.iter().zip(&batch.targets) {
            assert_eq!(target, records[0][place as usize % 99]);
            match batch.ids[place as usize] {
                103 => as_mask += 1.0,
                id if id == target => as_is += 1.0,
                _ => as_any += 1.0,
            }
        }
        for (count, share) in [(as_mask, 0.8), (as_any, 0.1), (as_is, 0.1)] {
            assert!((count / hidden - share).abs() < 0.02, "{count} of {hidden}");
        }
        // What is not to be guessed is seen as it is.
        let changed = batch.ids.iter().zip(records.concat()).filter(|(id, token)| **id != *token).count();
        assert_eq!(changed as f64, as_mask + as_any);
        assert_eq!(batch, masked(&records, 0));
        assert_ne!(batch.places, masked(&records, 1).places);
    }

    #[test]
    fn padding_is_neither_hidden_nor_attended_to() {
        let batch = masked(&[vec![101, 300, 102], vec![101, 300, 301, 302, 102]], 0);
        assert_eq!((batch.rows, batch.length, batch.tokens()), (2, 5, 8));
        assert_eq!(batch.ids[3..5], [0, 0]);
        assert_eq!(batch.attention[..6], [true, true, true, false, false, true]);
    }
}
