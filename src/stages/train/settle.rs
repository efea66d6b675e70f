//! Settles the running statistics of the batch normalisations.
//!
//! Most numbers of a record are zero, and the cosines of zero are hundreds of inputs that are one. Their weights change
//! together, by the learning rate at a time however small the gradients are (AdamW scales them), and shift what enters
//! the batch normalisations. In training that shift is removed at once; the running mean follows over some dozens of
//! batches. A network measured in the middle of it predicts rates that are far off, though its ranking is good. So
//! before it is measured, it sees some batches with its weights held still.

use skimlog_features::input::{Batch, Example, InputBuilder, TweetSketch};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::error::TrainError;
use super::schedule::batch_sizes;

/// A random sample of examples, kept in memory.
pub(super) struct Sample {
    seed: u64,
    /// Examples whose random number lies below are kept.
    threshold: f64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Sample {
    /// A sample of about `wanted` of `records` examples.
    pub(super) fn new(wanted: u64, records: u64, seed: u64) -> Self {
        // Another seed than the order's: the sample must not be those that come first.
        let seed = seed.rotate_left(32) ^ wanted;
        let threshold = wanted as f64 / records.max(1) as f64 * 2f64.powi(64);
        Self { seed, threshold, bytes: Vec::new(), ends: Vec::new() }
    }

    /// Keeps the example of a record, or passes over it.
    pub(super) fn offer(&mut self, record: u64, example: &Example) {
        if (xxh3_64_with_seed(&record.to_le_bytes(), self.seed) as f64) < self.threshold {
            example.encode(&mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    /// Calls `step` with the sample in batches; fewer than two examples make none.
    pub(super) fn batches<S: TweetSketch>(
        &self,
        batch_size: usize,
        builder: &InputBuilder<S>,
        mut step: impl FnMut(&Batch) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let (mut start, mut ends) = (0, self.ends.iter());
        let (mut batch, mut example) = (Batch::default(), Example::default());
        for size in batch_sizes(self.ends.len() as u64, batch_size).filter(|&size| size > 1) {
            batch.clear();
            for &end in ends.by_ref().take(size) {
                example.decode(&self.bytes[start..end]).map_err(TrainError::Spilled)?;
                builder.push(&example, &mut batch);
                start = end;
            }
            step(&batch)?;
        }
        Ok(())
    }
}
