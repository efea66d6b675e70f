//! What computing the token vectors will take: tried on few records, for a sequence takes milliseconds.

use std::collections::HashSet;

use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;
use skimlog_text::MeanOptions;
use xxhash_rust::xxh3::xxh3_64;

use super::source::{TextModel, text_model};
use super::stage::{Embed, NAME};
use super::vectors::EmbedSummary;
use crate::config::Config;
use crate::pipeline::{PipelineError, Stage};
use crate::trial::growth::{Point, line, power};
use crate::trial::{Estimate, Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at};

/// A trial that takes more than half of this share of the time is the last one.
const ENOUGH: f64 = 0.08;
/// Bytes that a token of a sequence waiting for the text model takes.
const WAITING_TOKEN: f64 = 10.0;
/// Bytes of a number of a token's vector while the vectors are summed up and averaged.
const SUMMED_NUMBER: f64 = 12.0;
/// Records whose sequences are compared at most; more take their share.
const COMPARED: u64 = 1 << 20;

impl Planned for Embed {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<EmbedEstimator>::default()
    }

    fn settle(&self, config: &mut Config) {
        // A checkpoint that was left in the working directory is not in that of a trial.
        if let Ok(TextModel::Given(model)) = text_model(config) {
            config.distilbert.onnx = Some(model);
        }
    }

    fn subject(&self) -> &'static str {
        "Text model"
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set distilbert.batch_tokens or threads lower"
    }

    fn to_take_less_time(&self) -> &'static str {
        "set distilbert.max_n_parts lower, or distilbert.onnxruntime to a faster engine"
    }
}

/// What came of the trials.
#[derive(Default)]
struct EmbedEstimator {
    /// Sequences that went through the model, and seconds, and those of all threads together.
    taken: [Vec<Point>; 2],
    last: Measured,
    /// Tokens that have a vector, and the numbers in it.
    tokens: f64,
    width: f64,
    bytes: f64,
}

impl Estimator for EmbedEstimator {
    fn turn(&self) -> Turn {
        Turn::Text
    }

    /// Takes one part more than the last time, which holds as many records as all those before it.
    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        let parts = self.taken[0].len() + 1;
        if trial.parts() < parts && !trial.grow()? {
            return Ok(Tried::Nothing);
        }
        let (taken, summary) =
            trial.run::<EmbedSummary>(&Embed, 1.0, |config| config.distilbert.max_n_parts = parts)?;
        for (points, value) in self.taken.iter_mut().zip([taken.seconds, taken.cpu_seconds]) {
            points.push(Point { records: summary.mean.computed as f64, value });
        }
        (self.last, self.tokens, self.width) = (taken, summary.tokens as f64, summary.width as f64);
        self.bytes = Embed.makes(trial.layout()).iter().map(|path| bytes_at(path) as f64).sum();
        let enough = parts > 1 && self.last.seconds > trial.clock.share(ENOUGH) / 2.0;
        Ok(if enough { Tried::Enough } else { Tried::More })
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let share = (trial.config.distilbert.max_n_parts as f64 / whole.parts as f64).min(1.0);
        let records = (whole.training * share).round();
        let vocabulary = Vocabulary::measure(trial, records.min(COMPARED as f64) as u64)?;
        let last = vocabulary.sequences.last().map_or(records, |last| last.records.max(1.0));
        let sequences = power(&vocabulary.sequences, records, 0.0, 1.0).expected;
        let tokens = power(&vocabulary.tokens, records, 0.0, 1.0).expected;
        let tokens = tokens.min(f64::from(trial.config.vocabulary_size));
        let tried = self.tokens.max(1.0);
        let waiting =
            (vocabulary.text * records / last).min(MeanOptions::default().window_tokens as f64) * WAITING_TOKEN;
        let stays = self.bytes * (tokens / tried);
        (expected.tokens, expected.width, expected.vectors) = ([tokens, tried], self.width, stays);
        Ok(StagePlan {
            stage: NAME,
            records,
            seconds: line(&self.taken[0], sequences),
            cpu_seconds: line(&self.taken[1], sequences),
            memory: self.last.peak_memory as f64 + waiting + expected.more_numbers() * SUMMED_NUMBER,
            reads: expected.parts * records / whole.records(),
            stays: Estimate::sure(stays),
            temporary: 0.0,
        })
    }
}

/// Different token sequences and tokens in ever more records of the trial, and tokens in all of them.
struct Vocabulary {
    sequences: Vec<Point>,
    tokens: Vec<Point>,
    /// Tokens of the different sequences.
    text: f64,
}

impl Vocabulary {
    /// Looks at the trial's parts until so many records are seen.
    fn measure(trial: &Trial<'_>, records: u64) -> Result<Self, PipelineError> {
        let mut found = Self { sequences: Vec::new(), tokens: Vec::new(), text: 0.0 };
        let (mut sequences, mut tokens, mut seen) = (HashSet::new(), HashSet::<u32>::new(), 0);
        for path in trial.converted(trial.parts()) {
            let part = PartReader::open(path)?;
            for block in 0..part.blocks() {
                let lists = part.read(block, Columns::TOKENS)?.tokens;
                for list in lists.iter().take((records - seen) as usize) {
                    seen += 1;
                    if sequences.insert(xxh3_64(bytemuck::cast_slice(list))) {
                        tokens.extend(list);
                        found.text += list.len() as f64;
                    }
                }
            }
            found.sequences.push(Point { records: seen as f64, value: sequences.len() as f64 });
            found.tokens.push(Point { records: seen as f64, value: tokens.len() as f64 });
            if seen >= records {
                break;
            }
        }
        Ok(found)
    }
}
