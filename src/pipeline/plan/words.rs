//! The text model and the sketch: tried on few records, for a sequence takes milliseconds.

use std::collections::HashSet;

use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;
use skimlog_text::MeanOptions;
use xxhash_rust::xxh3::xxh3_64;

use super::StagePlan;
use super::growth::{Estimate, Point, line, power, seconds};
use super::trial::{Measured, Trial, Whole};
use crate::pipeline::embed::EmbedSummary;
use crate::pipeline::sketch::SketchSummary;
use crate::pipeline::{PipelineError, Stage};

/// Bytes that a token of a sequence waiting for the text model takes.
const WAITING_TOKEN: f64 = 10.0;
/// Bytes of a number of a token's vector while the vectors are summed up and averaged.
const SUMMED_NUMBER: f64 = 12.0;
/// A token's vector takes so many bytes a number on disk.
const STORED_NUMBER: f64 = 4.0;
/// Records whose sequences are compared at most; more take their share.
const COMPARED: u64 = 1 << 20;

/// What came of the trials.
pub(super) struct Words {
    /// Sequences that went through the model, and seconds, and those of all threads together.
    embedded: [Vec<Point>; 2],
    embed: Measured,
    /// Tokens that have a vector, and the numbers in it.
    tokens: f64,
    width: f64,
    /// Tokens that were sketched, and seconds, and those of all threads together.
    sketched: [Vec<Point>; 2],
    sketch: Measured,
    embedding_bytes: f64,
    code_bytes: f64,
}

impl Words {
    /// Tries the text model, and the sketch of what came of it, on twice the records again and again until a trial takes so many
    /// seconds.
    pub(super) fn measure(trial: &mut Trial<'_>, enough: f64) -> Result<Self, PipelineError> {
        let (mut embedded, mut embed) = ([Vec::new(), Vec::new()], Measured::default());
        let (mut tokens, mut width) = (0.0, 0.0);
        let (mut sketched, mut sketch) = ([Vec::new(), Vec::new()], Measured::default());
        for parts in 1.. {
            if trial.parts() < parts && !trial.grow()? {
                break;
            }
            let (taken, summary) = trial.run::<EmbedSummary>(Stage::Embed, 1.0, |config| {
                config.distilbert.max_n_parts = parts;
            })?;
            for (points, value) in embedded.iter_mut().zip([taken.seconds, taken.cpu_seconds]) {
                points.push(Point { records: summary.mean.computed as f64, value });
            }
            (embed, tokens, width) = (taken, summary.tokens as f64, summary.width as f64);
            let (taken, summary) = trial.run_again::<SketchSummary>(Stage::Sketch)?;
            for (points, value) in sketched.iter_mut().zip([taken.seconds, taken.cpu_seconds]) {
                points.push(Point { records: summary.tokens as f64, value });
            }
            sketch = taken;
            if parts > 1 && embed.seconds > enough / 2.0 {
                break;
            }
        }
        let embedding_bytes = ["token_embeddings.npy", "token_ids.npy", "token_counts.npy"]
            .map(|name| trial.bytes(name) as f64)
            .iter()
            .sum();
        let code_bytes = trial.bytes("codes.skim") as f64;
        Ok(Self { embedded, embed, tokens, width, sketched, sketch, embedding_bytes, code_bytes })
    }

    /// What the two stages take.
    pub(super) fn plans(&self, trial: &Trial<'_>, whole: &Whole, parts: f64) -> Result<[StagePlan; 2], PipelineError> {
        let share = (trial.config.distilbert.max_n_parts as f64 / whole.parts as f64).min(1.0);
        let records = (whole.training * share).round();
        let vocabulary = Vocabulary::measure(trial, records.min(COMPARED as f64) as u64)?;
        let last = vocabulary.sequences.last().map_or(records, |last| last.records.max(1.0));
        let sequences = power(&vocabulary.sequences, records, 0.0, 1.0).expected;
        let tokens = power(&vocabulary.tokens, records, 0.0, 1.0).expected;
        let tokens = tokens.min(f64::from(trial.config.vocabulary_size));
        let (tried, width) = (self.tokens.max(1.0), self.width);
        let all = tokens / tried;
        let waiting =
            (vocabulary.text * records / last).min(MeanOptions::default().window_tokens as f64) * WAITING_TOKEN;
        let vectors = (tokens - tried).max(0.0) * width;
        let embed = StagePlan {
            stage: Stage::Embed,
            records,
            seconds: line(&self.embedded[0], sequences),
            cpu_seconds: line(&self.embedded[1], sequences),
            memory: self.embed.peak_memory as f64 + waiting + vectors * SUMMED_NUMBER,
            reads: parts * records / whole.records(),
            stays: Estimate::sure(self.embedding_bytes * all),
            temporary: 0.0,
        };
        let sketch = StagePlan {
            stage: Stage::Sketch,
            records: tokens,
            // From what is the same for any number of tokens to what is in proportion to them.
            seconds: seconds(&self.sketched[0], tokens, 0.0, 1.0),
            cpu_seconds: seconds(&self.sketched[1], tokens, 0.0, 1.0),
            memory: self.sketch.peak_memory as f64 + 2.0 * vectors * STORED_NUMBER,
            reads: self.embedding_bytes * all,
            stays: Estimate::sure(self.code_bytes * all),
            temporary: 0.0,
        };
        Ok([embed, sketch])
    }

    /// Bytes of the codes that the trials made.
    pub(super) fn code_bytes(&self) -> f64 {
        self.code_bytes
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
        for number in 0..trial.parts() {
            let part = PartReader::open(trial.path("parts").join(format!("part-{number:05}.skim")))?;
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
