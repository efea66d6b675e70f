//! Training and evaluation: tried on few records whose counts are those of the largest trial.

use std::time::Instant;

use skimlog_features::similar::SimilarAuthors;
use skimlog_model::bundle::{Bundle, Verify};
use skimlog_network::metrics::Scores;
use skimlog_runtime::progress::Silent;

use super::growth::{Estimate, Point, line, wait};
use super::trial::{Measured, Trial, Whole, cpu_seconds};
use super::words::Words;
use super::{StagePlan, spilled};
use crate::pipeline::evaluate::evaluate;
use crate::pipeline::examples::{Examples, ExamplesError, Portion, StoredExamples, StoredPart};
use crate::pipeline::run::recipe;
use crate::pipeline::train::Summary;
use crate::pipeline::{PipelineError, Stage, freeze};
use crate::workspace::WorkspaceError;

/// Batches of the last training at least, so that those of a day are of nearly the size they will have.
const BATCHES: usize = 32;
/// Bytes that an example waiting for its turn takes besides its own: its number and its length.
const HEAD: usize = 12;

/// What came of the trials.
pub(super) struct Learning {
    /// Records trained on, and seconds, and those of all threads together.
    trained: [Vec<Point>; 2],
    train: Measured,
    /// Seconds to freeze the counts of the trial for prediction, and those of all threads together.
    freeze: [f64; 2],
    frozen_bytes: f64,
    /// Bytes of the model without them.
    model_bytes: f64,
    totals_bytes: f64,
    /// Bytes of an example on its way to training.
    example_bytes: f64,
    /// Seconds to read a record with its counts, and those of all threads together.
    reading: [f64; 2],
    /// Seconds to measure the network on a record, and those of all threads together.
    measuring: [f64; 2],
    evaluation_memory: f64,
}

impl Learning {
    /// Trains on twice the records again and again until a trial takes so many seconds, then measures that network.
    pub(super) fn measure(trial: &Trial<'_>, enough: f64) -> Result<Self, PipelineError> {
        let least = (BATCHES * recipe(&trial.config).batch) as u64;
        let (mut trained, mut train, mut used) = ([Vec::new(), Vec::new()], Measured::default(), 0);
        for parts in 1..=trial.parts() {
            let records = trial.records_of(parts);
            if 8 * records < least && parts < trial.parts() {
                continue;
            }
            // Fine-tuning goes over its records as training does over its own.
            (train, _) = trial.run::<Summary>(Stage::Train, 1.0, |config| {
                config.max_n_parts = Some(parts);
                config.validation_part = None;
            })?;
            for (points, value) in trained.iter_mut().zip([train.seconds, train.cpu_seconds]) {
                points.push(Point { records: records as f64, value });
            }
            used = parts;
            if records >= least && train.seconds > enough / 2.0 {
                break;
            }
        }
        let model = trial.path("model");
        let bundle = Bundle::open(&model, Verify::Sizes)?;
        let Examined { example_bytes, reading, measuring } = examine(trial, &bundle, used)?;
        let evaluation_memory = crate::pipeline::memory::peak().unwrap_or(0) as f64;
        let frozen = trial.bytes("model/counts") as f64;
        Ok(Self {
            trained,
            freeze: freeze_again(trial)?,
            frozen_bytes: frozen,
            model_bytes: trial.bytes("model") as f64 - frozen,
            totals_bytes: (trial.bytes("counts") as f64).max(1.0),
            train,
            example_bytes,
            reading,
            measuring,
            evaluation_memory,
        })
    }

    /// What the two stages take; `totals` are the bytes of all counts, `inputs` those of the parts and the records' counts.
    pub(super) fn plans(
        &self,
        trial: &Trial<'_>,
        whole: &Whole,
        totals: Estimate,
        inputs: f64,
        words: &Words,
    ) -> Result<Vec<StagePlan>, PipelineError> {
        let config = &trial.config;
        let held_out = match &config.validation_split {
            Some(path) => {
                let split = std::fs::read(path).map_err(WorkspaceError::io("read", path))?;
                let [one, zero] = [b'1', b'0'].map(|side| memchr::memchr_iter(side, &split).count() as f64);
                one / (one + zero).max(1.0)
            }
            None => config.validation_percentage,
        };
        let (finetune, measured) = (whole.validation * (1.0 - held_out), whole.validation * held_out);
        let epochs = f64::from(recipe(config).validation_epochs);
        let growth = totals.times(1.0 / self.totals_bytes);
        let passes = whole.training + epochs * finetune;
        let measures = if epochs > 0.0 { 2.0 } else { 1.0 };
        let [waited, computed] = &self.trained;
        let cpu_seconds = line(computed, passes);
        let trials = waited.iter().zip(computed).map(|(seconds, cpu_seconds)| [seconds.value, cpu_seconds.value]);
        let trained = [cpu_seconds * wait(trials), cpu_seconds];
        // Hold-out records stand among those to fine-tune on, which are read and passed over.
        let measuring = |which: usize| measured * self.measuring[which] + finetune * self.reading[which];
        let seconds = |which: usize| {
            trained[which] + measures * measuring(which) + self.freeze[which] * (growth.expected - 1.0).max(0.0)
        };
        let waiting = self.example_bytes * whole.training.max(finetune);
        // A quarter of the budget for examples that wait, and one for those that are put in order.
        let quarter = config.memory_budget() as f64 / 4.0;
        let train = StagePlan {
            stage: Stage::Train,
            records: passes,
            seconds: seconds(0),
            cpu_seconds: seconds(1),
            memory: self.train.peak_memory as f64 + 2.0 * waiting.min(quarter),
            reads: inputs + totals.expected + words.code_bytes(),
            stays: Estimate::sure(self.model_bytes).plus(growth.times(self.frozen_bytes)),
            temporary: spilled(waiting, quarter),
        };
        let evaluate = StagePlan {
            stage: Stage::Evaluate,
            records: measured,
            seconds: measuring(0),
            cpu_seconds: measuring(1),
            memory: self.evaluation_memory,
            reads: inputs * whole.validation / whole.records() + self.model_bytes,
            stays: Estimate::sure(0.0),
            temporary: 0.0,
        };
        let has_validation = config.validation_part.is_some();
        Ok([train].into_iter().chain(has_validation.then_some(evaluate)).collect())
    }
}

/// What an example of the trial takes: bytes on its way to training, and seconds, and those of all threads together, to read it
/// and to measure the network on it, which includes reading it.
struct Examined {
    example_bytes: f64,
    reading: [f64; 2],
    measuring: [f64; 2],
}

/// Reads the parts that the network was trained on, and measures it on them.
fn examine(trial: &Trial<'_>, bundle: &Bundle, parts: usize) -> Result<Examined, PipelineError> {
    let stored = (0..parts).map(|number| {
        let name = format!("part-{number:05}.skim");
        StoredPart { part: trial.path("parts").join(&name), features: trial.path("features").join(&name) }
    });
    let examples = StoredExamples::open(stored.collect(), None)?;
    let (mut buffer, mut bytes, mut records) = (Vec::new(), 0, 0_usize);
    let taken = |begun: Instant, cpu: f64| [begun.elapsed().as_secs_f64(), cpu_seconds() - cpu];
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    examples.visit(Portion::Training, |_, example| {
        buffer.clear();
        example.encode(&mut buffer);
        bytes += buffer.len() + HEAD;
        records += 1;
        Ok::<(), ExamplesError>(())
    })?;
    let reading = taken(begun, cpu);
    let (builder, network) = (bundle.inputs()?, bundle.network()?);
    crate::pipeline::memory::reset_peak();
    // Three times, since it takes but a moment, and any moment may be a disturbed one.
    let mut measured = Vec::new();
    for _ in 0..3 {
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let scores = Scores::within(trial.config.memory_budget(), &trial.path(""));
        evaluate(&network, &examples, Portion::Training, &builder, scores, &Silent, |_, _| {})?;
        measured.push(taken(begun, cpu));
    }
    measured.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let measuring = measured[1];
    let each = |seconds: f64| seconds / records.max(1) as f64;
    Ok(Examined { example_bytes: each(bytes as f64), reading: reading.map(each), measuring: measuring.map(each) })
}

/// Seconds to freeze the counts of the trial for prediction.
fn freeze_again(trial: &Trial<'_>) -> Result<[f64; 2], PipelineError> {
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let similar = SimilarAuthors::open(&trial.path("similar.skim"))?;
    freeze::freeze(&trial.path("counts"), &similar, &trial.path("frozen"), &Silent)?;
    Ok([begun.elapsed().as_secs_f64(), cpu_seconds() - cpu])
}
