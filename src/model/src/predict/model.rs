//! A model bundle opened for prediction, and what a thread needs to predict with it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skimlog_features::counts::COUNTS;
use skimlog_features::counts::frozen::{FrozenCounts, LookupScratch};
use skimlog_features::input::{Batch, Example, InputBuilder, Languages};
use skimlog_features::sketch::TokenCodes;
use skimlog_formats::PerReaction;
use skimlog_formats::record::{Columns, RecordBatch};
use skimlog_network::{Inference, Precision, probability};

use super::PredictError;
use crate::bundle::{Bundle, COUNTS_FOLDER, MANIFEST, Verify};

/// A model bundle opened for prediction: weights and counts are mapped, so that processes share their memory.
/// Everything it needs is in its bundle.
pub struct EngagementModel {
    builder: InputBuilder<Option<TokenCodes>>,
    languages: Languages,
    counts: FrozenCounts,
    inference: Inference,
}

impl EngagementModel {
    /// Opens a model bundle. Where another one takes its place meanwhile (`skimmer refresh`), that one is opened whole.
    ///
    /// # Errors
    /// [`PredictError::Bundle`] or [`PredictError::Counts`] for a bundle that is missing, incomplete, damaged, made by
    /// another version, or has no network of this precision.
    pub fn open(model: &Path, precision: Precision, verify: Verify) -> Result<Self, PredictError> {
        let manifest = || std::fs::read(model.join(MANIFEST)).ok();
        let mut before = manifest();
        loop {
            let opened = Self::open_once(model, precision, verify);
            let after = manifest();
            if after == before {
                return opened;
            }
            before = after;
        }
    }

    fn open_once(model: &Path, precision: Precision, verify: Verify) -> Result<Self, PredictError> {
        let bundle = Bundle::open(model, verify)?;
        Ok(Self {
            builder: bundle.inputs()?,
            languages: bundle.languages().clone(),
            counts: FrozenCounts::open(&model.join(COUNTS_FOLDER))?,
            inference: bundle.inference(precision)?,
        })
    }

    /// Precision of the network.
    pub fn precision(&self) -> Precision {
        self.inference.precision()
    }

    /// What a thread needs to predict; it uses that thread alone.
    pub fn predictor(self: &Arc<Self>) -> Predictor {
        Predictor {
            inference: self.inference.another_on_one_thread(),
            model: self.clone(),
            scratch: LookupScratch::default(),
            numbers: Vec::new(),
            example: Example::default(),
            batch: Batch::default(),
            logits: Vec::new(),
        }
    }
}

/// Time a batch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Looking up counts.
    pub counts: Duration,
    /// Making the network's input.
    pub features: Duration,
    /// The network.
    pub network: Duration,
}

/// A thread's memory for batches of records.
pub struct Predictor {
    model: Arc<EngagementModel>,
    inference: Inference,
    scratch: LookupScratch,
    numbers: Vec<[f64; COUNTS]>,
    example: Example,
    batch: Batch,
    logits: Vec<PerReaction<f32>>,
}

impl Predictor {
    /// The columns of a record that prediction reads.
    pub const COLUMNS: Columns =
        Example::COLUMNS.union(Columns::TWEET).union(Columns::AUTHOR_ID).union(Columns::READER_ID);

    /// Replaces the contents of `probabilities` by those of every record of a batch. A record's probabilities do
    /// not depend on the other records of the batch.
    ///
    /// # Errors
    /// [`PredictError::Counts`] if a count table turns out to be damaged.
    pub fn predict(
        &mut self,
        records: &RecordBatch,
        probabilities: &mut Vec<PerReaction<f32>>,
    ) -> Result<Times, PredictError> {
        let Self { model, inference, scratch, numbers, example, batch, logits } = self;
        let begun = Instant::now();
        numbers.resize(records.rows, [0.0; COUNTS]);
        model.counts.numbers(records, scratch, numbers)?;
        let counted = Instant::now();
        batch.clear();
        for (row, numbers) in numbers.iter().enumerate() {
            example.set(records, row, numbers, &model.languages);
            example.labels = None;
            model.builder.push(example, batch);
        }
        let built = Instant::now();
        inference.logits(batch, logits)?;
        probabilities.clear();
        probabilities.extend(logits.iter().map(|logits| logits.map(probability)));
        Ok(Times { counts: counted - begun, features: built - counted, network: built.elapsed() })
    }
}
