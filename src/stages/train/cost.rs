//! What training will take: tried on few records whose counts are those of the largest trial.

use std::time::Instant;

use skimlog_features::similar::SimilarAuthors;
use skimlog_model::bundle::COUNTS_FOLDER;
use skimlog_model::bundle::{Bundle, Verify};
use skimlog_network::metrics::Scores;
use skimlog_runtime::progress::Silent;

use super::freeze::freeze;
use super::settings::recipe;
use super::stage::{NAME, Train};
use super::summary::TrainSummary;
use super::warm_start::LastModel;
use crate::config::Config;
use crate::pipeline::evaluate::evaluate;
use crate::pipeline::examples::{Examples, ExamplesError, Portion, StoredExamples, StoredPart};
use crate::pipeline::{PipelineError, memory};
use crate::trial::growth::{Point, line, wait};
use crate::trial::{
    Estimate, Estimator, Expected, Measured, Measuring, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at,
    cpu_seconds, spilled,
};
use crate::workspace::{Layout, WorkspaceError};

/// Share of the time that is left to the trials of training.
const RESERVED: f64 = 0.25;
/// A trial that takes more than half of this share of the time is the last one.
const ENOUGH: f64 = 0.1;
/// Batches of the last training at least, so that those of a day are of nearly the size they will have.
const BATCHES: usize = 32;
/// Bytes that an example waiting for its turn takes besides its own: its number and its length.
const HEAD: usize = 12;

impl Planned for Train {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<TrainEstimator>::default()
    }

    fn fills_budget(&self) -> bool {
        true
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set train.hidden_size lower"
    }

    fn to_take_less_time(&self) -> &'static str {
        "use more threads, or set train.hidden_size or max_n_parts lower"
    }
}

/// What came of the trials.
#[derive(Default)]
struct TrainEstimator {
    /// Records trained on, and seconds, and those of all threads together.
    taken: [Vec<Point>; 2],
    last: Measured,
    /// Seconds to freeze the counts of the trial for prediction, and those of all threads together.
    freeze: [f64; 2],
    frozen_bytes: f64,
    totals_bytes: f64,
    code_bytes: f64,
    /// Bytes of an example on its way to training.
    example_bytes: f64,
    /// What measuring the network takes, which comes after the days and after fine-tuning.
    measuring: Measuring,
}

impl Estimator for TrainEstimator {
    fn turn(&self) -> Turn {
        Turn::Training
    }

    fn reserves(&self) -> f64 {
        RESERVED
    }

    /// Trains on twice the records again and again until a trial takes long enough, then measures that network.
    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        let least = (BATCHES * recipe(&trial.config).batch) as u64;
        let mut used = 0;
        for parts in 1..=trial.parts() {
            let records = trial.records_of(parts);
            if 8 * records < least && parts < trial.parts() {
                continue;
            }
            // Fine-tuning goes over its records as training does over its own.
            (self.last, _) = trial.run::<TrainSummary>(&Train, 1.0, |config| {
                config.max_n_parts = Some(parts);
                config.validation_part = None;
                // Or it would go on from the trial before.
                config.train.warm_start = false;
            })?;
            for (points, value) in self.taken.iter_mut().zip([self.last.seconds, self.last.cpu_seconds]) {
                points.push(Point { records: records as f64, value });
            }
            used = parts;
            if records >= least && self.last.seconds > trial.clock.share(ENOUGH) / 2.0 {
                break;
            }
        }
        let layout = trial.layout();
        let bundle = Bundle::open(layout.model(), Verify::Sizes)?;
        let Examined { example_bytes, reading, measuring } = examine(trial, &bundle, used)?;
        let memory = memory::peak().unwrap_or(0) as f64;
        self.example_bytes = example_bytes;
        self.frozen_bytes = bytes_at(&layout.model().join(COUNTS_FOLDER)) as f64;
        self.totals_bytes = (bytes_at(&layout.counts()) as f64).max(1.0);
        self.code_bytes = bytes_at(&layout.codes()) as f64;
        let model = bytes_at(&layout.model()) as f64 - self.frozen_bytes;
        self.measuring = Measuring { reading, measuring, memory, model };
        self.freeze = freeze_again(trial)?;
        Ok(Tried::Enough)
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let config = &trial.config;
        expected.measuring = self.measuring;
        expected.held_out = whole.validation * held_out_share(config)?;
        let finetune = whole.validation - expected.held_out;
        let epochs = f64::from(recipe(config).validation_epochs);
        let growth = expected.totals.times(1.0 / self.totals_bytes);
        // A warm start trains on what is new, and on the finetune records if anything is.
        let last = LastModel::find(&Layout::of(&config.working_dir).model(), config)?;
        let training = last.map_or(whole.training, |last| (whole.training - last.trained().records() as f64).max(0.0));
        let passes = if training > 0.0 { training + epochs * finetune } else { 0.0 };
        let measures = if epochs > 0.0 { 2.0 } else { 1.0 };
        let [waited, computed] = &self.taken;
        let cpu_seconds = line(computed, passes);
        let trials = waited.iter().zip(computed).map(|(seconds, cpu_seconds)| [seconds.value, cpu_seconds.value]);
        let trained = [cpu_seconds * wait(trials), cpu_seconds];
        let seconds = |which: usize| {
            trained[which]
                + measures * self.measuring.seconds(which, expected.held_out, finetune)
                + self.freeze[which] * (growth.expected - 1.0).max(0.0)
        };
        let waiting = self.example_bytes * training.max(finetune);
        // A quarter of the budget for examples that wait, and one for those that are put in order.
        let quarter = config.memory_budget() as f64 / 4.0;
        Ok(StagePlan {
            stage: NAME,
            records: passes,
            seconds: seconds(0),
            cpu_seconds: seconds(1),
            memory: self.last.peak_memory as f64 + 2.0 * waiting.min(quarter),
            reads: expected.parts + expected.features + expected.totals.expected + self.code_bytes,
            stays: Estimate::sure(self.measuring.model).plus(growth.times(self.frozen_bytes)),
            temporary: spilled(waiting, quarter),
        })
    }
}

/// The share of the validation records that is held out.
fn held_out_share(config: &Config) -> Result<f64, PipelineError> {
    let Some(path) = &config.validation_split else { return Ok(config.validation_percentage) };
    let split = std::fs::read(path).map_err(WorkspaceError::io("read", path))?;
    let [one, zero] = [b'1', b'0'].map(|side| memchr::memchr_iter(side, &split).count() as f64);
    Ok(one / (one + zero).max(1.0))
}

/// What an example of the trial takes: bytes on its way to training, and seconds, and those of all threads together, to
/// read it and to measure the network on it, which includes reading it.
struct Examined {
    example_bytes: f64,
    reading: [f64; 2],
    measuring: [f64; 2],
}

/// Reads the parts that the network was trained on, and measures it on them.
fn examine(trial: &Trial<'_>, bundle: &Bundle, parts: usize) -> Result<Examined, PipelineError> {
    let stored = trial.converted(parts).map(|part| StoredPart { features: trial.layout().features_of(&part), part });
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
    memory::reset_peak();
    // Three times, since it takes but a moment, and any moment may be a disturbed one.
    let mut measured = Vec::new();
    for _ in 0..3 {
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let scores = Scores::within(trial.config.memory_budget(), trial.layout().root());
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
    let layout = trial.layout();
    let similar = SimilarAuthors::open(&layout.similar())?;
    let frozen = tempfile::tempdir_in(layout.root()).map_err(WorkspaceError::io("make a folder in", layout.root()))?;
    freeze(&layout.counts(), &similar, frozen.path(), &Silent)?;
    Ok([begun.elapsed().as_secs_f64(), cpu_seconds() - cpu])
}
