//! Examples into a batch of network inputs.

use skimmer_formats::{PerReaction, ReactionSet};

use super::{Batch, Example, Fourier, SparseRows};

/// Makes the sketch of a tweet.
pub trait TweetSketch {
    /// Appends the sketch of a tweet with these token ids, `[CLS]` and `[SEP]` included, as one row.
    fn sketch(&self, tokens: &[u32], rows: &mut SparseRows);
}

/// Turns examples into the rows of a [`Batch`].
#[derive(Clone, Debug)]
pub struct InputBuilder<S> {
    sketches: S,
    fourier: Fourier,
}

impl<S: TweetSketch> InputBuilder<S> {
    /// A builder that makes tweet sketches with `sketches`.
    pub fn new(sketches: S) -> Self {
        Self { sketches, fourier: Fourier::default() }
    }

    /// Appends an example to the batch. Either all examples of a batch have labels or none has.
    pub fn push(&self, example: &Example, batch: &mut Batch) {
        self.sketches.sketch(&example.tokens, &mut batch.sketch);
        self.fourier.encode(&example.numbers, &mut batch.dense);
        batch.dense.extend_from_slice(&example.flags.as_numbers());
        batch.language.push(example.language);
        batch.hour.push(example.hour);
        batch.day.push(example.day);
        if let Some(labels) = example.labels {
            batch.labels.push(targets(labels));
        }
        batch.rows += 1;
    }
}

/// 1 for every reaction of the set and 0 for every other.
fn targets(reactions: ReactionSet) -> PerReaction<f32> {
    PerReaction::from_fn(|reaction| f32::from(u8::from(reactions.contains(reaction))))
}
