//! Fine-tuning of the text model: tried for a few steps, for a step takes the same time however many there are.

use skimlog_text::finetune::TrainingSummary;

use super::StagePlan;
use super::growth::{Estimate, Point, line};
use super::trial::{Measured, Trial, Whole};
use crate::config::Finetune;
use crate::pipeline::{PipelineError, Stage};

/// No more steps than this are tried.
const MOST_STEPS: u64 = 256;
/// Training records of the trial at least, so that its batches are as mixed as those of the whole.
const RECORDS: u64 = 512;

/// What came of the trials.
pub(super) struct Finetuning {
    /// Steps taken, and seconds, and those of all threads together.
    taken: [Vec<Point>; 2],
    /// Seconds to measure the loss of a held-out record, and those of all threads together.
    measuring: [f64; 2],
    peak_memory: u64,
    checkpoint_bytes: f64,
}

impl Finetuning {
    /// Takes twice the steps again and again until a trial takes so many seconds. The checkpoint of the last trial
    /// stays, for the embed stage to be tried with.
    pub(super) fn measure(trial: &mut Trial<'_>, enough: f64) -> Result<Self, PipelineError> {
        while trial.records() < RECORDS && trial.grow()? {}
        let parts = trial.parts();
        let run = |change: &dyn Fn(&mut Finetune)| {
            trial.run::<TrainingSummary>(Stage::Finetune, 1.0, |config| {
                config.distilbert.max_n_parts = parts;
                let finetune = &mut config.distilbert.finetune;
                // One checkpoint, at the end, and no measurements.
                (finetune.save_steps, finetune.evaluate_steps, finetune.held_out_records) = (0, 0, 0);
                change(finetune);
            })
        };
        let batch = trial.config.distilbert.finetune.batch_size;
        let (measured, summary) = run(&|finetune| {
            (finetune.max_steps, finetune.held_out, finetune.held_out_records) = (Some(1), 0.5, batch);
        })?;
        let mut taken = [Vec::new(), Vec::new()];
        let mut last = Measured::default();
        let mut steps = 1;
        while steps <= MOST_STEPS {
            (last, _) = run(&|finetune| finetune.max_steps = Some(steps))?;
            for (points, value) in taken.iter_mut().zip([last.seconds, last.cpu_seconds]) {
                points.push(Point { records: steps as f64, value });
            }
            if steps > 1 && last.seconds > enough / 2.0 {
                break;
            }
            steps *= 2;
        }
        // It is measured before the first step and after the last one.
        let held_out = 2.0 * summary.held_out_records.max(1) as f64;
        let more = |with: f64, points: &[Point]| (with - points[0].value).max(0.0) / held_out;
        Ok(Self {
            measuring: [more(measured.seconds, &taken[0]), more(measured.cpu_seconds, &taken[1])],
            taken,
            peak_memory: last.peak_memory.max(measured.peak_memory),
            checkpoint_bytes: trial.bytes("distilbert") as f64,
        })
    }

    /// What the stage takes, reading parts of so many bytes.
    pub(super) fn plan(&self, trial: &Trial<'_>, whole: &Whole, parts: f64) -> StagePlan {
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
            each * steps + fixed * saves + self.measuring[which] * measured
        };
        let kept = saves.min(finetune.save_total_limit as f64);
        StagePlan {
            stage: Stage::Finetune,
            records: steps * batch,
            seconds: seconds(0),
            cpu_seconds: seconds(1),
            memory: self.peak_memory as f64,
            reads: parts * steps * batch / whole.records(),
            stays: Estimate::sure(kept * self.checkpoint_bytes),
            // A checkpoint is whole before the oldest one goes.
            temporary: self.checkpoint_bytes,
        }
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
        let tried = Finetuning { taken, measuring: [0.0; 2], peak_memory: 0, checkpoint_bytes: 0.0 };
        let (each, fixed) = tried.step(0);
        assert!((each - 0.25).abs() < 1e-6 && (fixed - 5.0).abs() < 1e-3, "{each} {fixed}");
    }
}
