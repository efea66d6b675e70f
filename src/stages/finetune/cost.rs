//! What fine-tuning will take: tried for a few steps, for a step takes the same time however many there are.

use skimlog_text::finetune::TrainingSummary;

use super::stage::{Finetune, NAME};
use crate::config;
use crate::pipeline::PipelineError;
use crate::trial::growth::{Point, line};
use crate::trial::{Estimate, Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at};

/// A trial that takes more than half of this share of the time is the last one.
const ENOUGH: f64 = 0.08;
/// No more steps than this are tried.
const MOST_STEPS: u64 = 256;
/// Training records of the trial at least, so that its batches are as mixed as those of the whole.
const RECORDS: u64 = 512;

impl Planned for Finetune {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<FinetuneEstimator>::default()
    }

    fn subject(&self) -> &'static str {
        "Text model"
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set distilbert.finetune.batch_size or distilbert.finetune.max_length lower"
    }

    fn to_take_less_time(&self) -> &'static str {
        "set distilbert.finetune.max_steps, or distilbert.finetune.epochs, lower, or distilbert.device: cuda with an \
         NVIDIA card"
    }
}

/// What came of the trials.
#[derive(Default)]
struct FinetuneEstimator {
    /// Steps taken, and seconds, and those of all threads together.
    taken: [Vec<Point>; 2],
    /// The trial in which the loss of so many held-out records was measured, twice, besides a step.
    measured: Option<(Measured, f64)>,
    peak_memory: u64,
    checkpoint_bytes: f64,
}

impl Estimator for FinetuneEstimator {
    fn turn(&self) -> Turn {
        Turn::Finetuning
    }

    /// Takes twice the steps of the last time. The checkpoint of the last trial stays, for the embed stage to be tried
    /// with.
    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        if self.measured.is_none() {
            while trial.records() < RECORDS && trial.grow()? {}
            let batch = trial.config.distilbert.finetune.batch_size;
            let (measured, summary) = take_steps(trial, 1, |finetune| {
                (finetune.held_out, finetune.held_out_records) = (0.5, batch);
            })?;
            self.measured = Some((measured, summary.held_out_records.max(1) as f64));
        }
        let steps = 1 << self.taken[0].len();
        let (last, _) = take_steps(trial, steps, |_| {})?;
        for (points, value) in self.taken.iter_mut().zip([last.seconds, last.cpu_seconds]) {
            points.push(Point { records: steps as f64, value });
        }
        self.peak_memory = last.peak_memory;
        self.checkpoint_bytes = bytes_at(&trial.layout().distilbert()) as f64;
        let enough = steps > 1 && last.seconds > trial.clock.share(ENOUGH) / 2.0 || 2 * steps > MOST_STEPS;
        Ok(if enough { Tried::Enough } else { Tried::More })
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let distilbert = &trial.config.distilbert;
        let finetune = &distilbert.finetune;
        let records = whole.training * (distilbert.max_n_parts as f64 / whole.parts as f64).min(1.0);
        let batch = finetune.batch_size as f64;
        let training = (records * (1.0 - finetune.held_out)).round();
        let steps = finetune.max_steps.map_or(finetune.epochs as f64 * (training / batch).ceil(), |steps| steps as f64);
        let times = |every: u64| if every == 0 { 1.0 } else { (steps / every as f64).ceil().max(1.0) };
        let held_out = (records * finetune.held_out).min(finetune.held_out_records as f64);
        let (saves, measured) = (times(finetune.save_steps), (1.0 + times(finetune.evaluate_steps)) * held_out);
        let seconds = |which: usize| {
            let (each, fixed) = self.step(which);
            each * steps + fixed * saves + self.measuring(which) * measured
        };
        let kept = saves.min(finetune.save_total_limit as f64);
        let measuring_peak = self.measured.as_ref().map_or(0, |(measured, _)| measured.peak_memory);
        Ok(StagePlan {
            stage: NAME,
            records: steps * batch,
            seconds: seconds(0),
            cpu_seconds: seconds(1),
            memory: self.peak_memory.max(measuring_peak) as f64,
            reads: expected.parts * steps * batch / whole.records(),
            stays: Estimate::sure(kept * self.checkpoint_bytes),
            // A checkpoint is whole before the oldest one goes.
            temporary: self.checkpoint_bytes,
        })
    }
}

/// Trains for so many steps, with one checkpoint at the end and, unless `change` asks for them, no measurements.
fn take_steps(
    trial: &Trial<'_>,
    steps: u64,
    change: impl FnOnce(&mut config::Finetune),
) -> Result<(Measured, TrainingSummary), PipelineError> {
    trial.run::<TrainingSummary>(&Finetune, 1.0, |config| {
        config.distilbert.max_n_parts = trial.parts();
        let finetune = &mut config.distilbert.finetune;
        (finetune.save_steps, finetune.evaluate_steps, finetune.held_out_records) = (0, 0, 0);
        finetune.max_steps = Some(steps);
        change(finetune);
    })
}

impl FinetuneEstimator {
    /// Seconds to measure the loss of a held-out record.
    fn measuring(&self, which: usize) -> f64 {
        let (Some((with, held_out)), [without, ..]) = (&self.measured, self.taken[which].as_slice()) else {
            return 0.0;
        };
        let with = [with.seconds, with.cpu_seconds][which];
        // It is measured before the first step and after the last one.
        (with - without.value).max(0.0) / (2.0 * held_out)
    }

    /// Seconds of a step, and of what a trial takes besides: opening the model and writing a checkpoint.
    fn step(&self, which: usize) -> (f64, f64) {
        const MANY: f64 = 1e6;
        let points = &self.taken[which];
        let each = (line(points, 2.0 * MANY) - line(points, MANY)) / MANY;
        (each, (line(points, MANY) - each * MANY).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_and_what_comes_besides_are_told_apart() {
        let points: Vec<Point> =
            [1.0, 2.0, 4.0].map(|steps| Point { records: steps, value: 5.0 + 0.25 * steps }).into();
        let taken = [points.clone(), points];
        let tried = FinetuneEstimator { taken, ..FinetuneEstimator::default() };
        let (each, fixed) = tried.step(0);
        assert!((each - 0.25).abs() < 1e-6 && (fixed - 5.0).abs() < 1e-3, "{each} {fixed}");
    }
}
