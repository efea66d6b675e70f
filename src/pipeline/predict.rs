//! Prediction: records from a pipe, looked up, through the network, as lines of CSV.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use skimmer_formats::record::{Columns, ReadError, RecordBatch, RecordError, RecordOptions, RecordReader};
use skimmer_formats::{PerReaction, Reaction};
use thiserror::Error;

use super::bundle::{Bundle, BundleError, Verify};
use super::evaluate::probability;
use super::run::BUNDLE_COUNTS;
use crate::counts::COUNTS;
use crate::counts::frozen::{FrozenCounts, FrozenError, LookupScratch};
use crate::features::{Batch, Example, InputBuilder, Languages};
use crate::net::{Inference, NetError};
use crate::sketch::TokenCodes;

/// Why records cannot be predicted.
#[derive(Debug, Error)]
pub enum PredictError {
    /// The model bundle is unusable.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The frozen counts are unusable.
    #[error(transparent)]
    Counts(#[from] FrozenError),
    /// The network refuses a batch.
    #[error(transparent)]
    Network(#[from] NetError),
    /// A line is no record. The predictions of all lines before it were written.
    #[error("standard input:{0}")]
    Record(#[source] RecordError),
    /// The input cannot be read.
    #[error("standard input: {0}")]
    Read(#[source] ReadError),
    /// The predictions cannot be written.
    #[error("cannot write the predictions")]
    Write(#[from] io::Error),
}

/// A model ready to predict. Everything it needs is in its bundle.
pub struct Predictor {
    inference: Inference,
    builder: InputBuilder<TokenCodes>,
    languages: Languages,
    counts: FrozenCounts,
    scratch: LookupScratch,
    numbers: Vec<[f64; COUNTS]>,
    example: Example,
    batch: Batch,
    logits: Vec<PerReaction<f32>>,
}

impl Predictor {
    /// What a record needs besides the ids that counts are looked up by.
    pub const COLUMNS: Columns = Example::COLUMNS.and(Columns::TWEET).and(Columns::AUTHOR_ID).and(Columns::READER_ID);

    /// Opens a model bundle.
    ///
    /// # Errors
    /// [`PredictError::Bundle`] or [`PredictError::Counts`] for a bundle that is missing, incomplete, damaged, or made
    /// by another version.
    pub fn open(model: &Path) -> Result<Self, PredictError> {
        let bundle = Bundle::open(model, Verify::Sizes)?;
        Ok(Self {
            inference: Inference::new(&bundle.network()?),
            builder: InputBuilder::new(bundle.codes()?),
            languages: bundle.languages().clone(),
            counts: FrozenCounts::open(&model.join(BUNDLE_COUNTS))?,
            scratch: LookupScratch::default(),
            numbers: Vec::new(),
            example: Example::default(),
            batch: Batch::default(),
            logits: Vec::new(),
        })
    }

    /// The probabilities of every record of a batch, in place of what `probabilities` held. A record's probabilities do
    /// not depend on the other records of the batch.
    ///
    /// # Errors
    /// [`PredictError::Counts`] if a count table turns out to be damaged.
    pub fn predict(
        &mut self,
        records: &RecordBatch,
        probabilities: &mut Vec<PerReaction<f32>>,
    ) -> Result<(), PredictError> {
        self.numbers.resize(records.rows, [0.0; COUNTS]);
        self.counts.numbers(records, &mut self.scratch, &mut self.numbers)?;
        self.batch.clear();
        for (row, numbers) in self.numbers.iter().enumerate() {
            self.example.set(records, row, numbers, &self.languages);
            self.example.labels = None;
            self.builder.push(&self.example, &mut self.batch);
        }
        self.inference.logits(&self.batch, &mut self.logits)?;
        probabilities.clear();
        probabilities.extend(self.logits.iter().map(|logits| logits.map(probability)));
        Ok(())
    }
}

/// What to do with a line that is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Stop there, after everything before it was written.
    Stop,
    /// Report it and leave its line out.
    Skip,
}

/// What a stream of predictions came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PredictSummary {
    /// Records predicted.
    pub records: u64,
    /// Malformed lines left out.
    pub skipped: u64,
    /// From the first record to the last line written.
    pub seconds: f64,
    /// Median time from a batch's being read to its lines' being written, in milliseconds.
    pub median_batch_milliseconds: f64,
    /// The 99th percentile of the same.
    pub p99_batch_milliseconds: f64,
}

/// Reads records to the end of the input and writes a line of CSV for each, in their order:
/// `tweet_id,reader_id,reply,retweet,quote,like`. Lines are written as soon as the input has nothing more for the
/// moment, or `batch_size` records are there.
///
/// # Errors
/// [`PredictError`]. With [`OnError::Skip`] malformed lines are shown to `skipped` instead.
pub fn predict_stream(
    predictor: &mut Predictor,
    input: impl Read,
    mut output: impl Write,
    options: RecordOptions,
    batch_size: usize,
    on_error: OnError,
    mut skipped: impl FnMut(&RecordError),
) -> Result<PredictSummary, PredictError> {
    let mut reader = RecordReader::new(input, options);
    let (mut records, mut probabilities, mut text) = (RecordBatch::default(), Vec::new(), Vec::new());
    let mut summary = PredictSummary::default();
    let mut latencies = Latencies::default();
    let mut begun = None;
    loop {
        records.clear();
        let more = reader.read(&mut records, batch_size);
        let read = Instant::now();
        begun.get_or_insert(read);
        if records.rows > 0 {
            predictor.predict(&records, &mut probabilities)?;
            text.clear();
            for (row, probability) in probabilities.iter().enumerate() {
                write_line(&records, row, probability, &mut text)?;
            }
            output.write_all(&text)?;
            output.flush()?;
            summary.records += records.rows as u64;
            latencies.add(read.elapsed());
        }
        match more {
            Ok(true) => {}
            Ok(false) => break,
            Err(ReadError::Record(error)) if on_error == OnError::Skip => {
                summary.skipped += 1;
                skipped(&error);
            }
            Err(ReadError::Record(error)) => return Err(PredictError::Record(error)),
            Err(error) => return Err(PredictError::Read(error)),
        }
    }
    summary.seconds = begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
    (summary.median_batch_milliseconds, summary.p99_batch_milliseconds) =
        (latencies.quantile(0.5), latencies.quantile(0.99));
    Ok(summary)
}

fn write_line(
    records: &RecordBatch,
    row: usize,
    probabilities: &PerReaction<f32>,
    text: &mut Vec<u8>,
) -> io::Result<()> {
    text.extend_from_slice(&records.tweet[row].to_hex());
    text.push(b',');
    text.extend_from_slice(&records.reader.id[row].to_hex());
    for probability in probabilities.in_order(Reaction::RECORD_ORDER) {
        write!(text, ",{probability}")?;
    }
    text.push(b'\n');
    Ok(())
}

/// How long batches took, in constant memory: a bin for each eighth of a doubling of microseconds.
struct Latencies {
    bins: [u64; 256],
}

impl Default for Latencies {
    fn default() -> Self {
        Self { bins: [0; 256] }
    }
}

impl Latencies {
    fn add(&mut self, latency: Duration) {
        let microseconds = (latency.as_nanos() as f64 / 1000.0).max(1.0);
        self.bins[(microseconds.log2() * 8.0).min(255.0) as usize] += 1;
    }

    /// Upper end of the bin with this quantile, in milliseconds; 0 without any batch.
    fn quantile(&self, quantile: f64) -> f64 {
        let rank = (self.bins.iter().sum::<u64>() as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        let bin = self.bins.iter().position(|&count| {
            seen += count;
            seen >= rank && rank > 0
        });
        bin.map_or(0.0, |bin| ((bin + 1) as f64 / 8.0).exp2() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_keep_their_order_of_magnitude() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.99), 0.0);
        (0..98).for_each(|_| latencies.add(Duration::from_millis(2)));
        (0..2).for_each(|_| latencies.add(Duration::from_millis(50)));
        assert!((1.8..2.3).contains(&latencies.quantile(0.5)), "{}", latencies.quantile(0.5));
        assert!((45.0..60.0).contains(&latencies.quantile(0.99)), "{}", latencies.quantile(0.99));
    }
}
