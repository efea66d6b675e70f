//! A training from its first step, or from its newest checkpoint, to its last step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use burn_autodiff::Autodiff;
use burn_flex::Flex;
use burn_tensor::backend::AutodiffBackend;
use serde_json::{Map, Value, json};
use skimlog_runtime::progress::{Progress, Unit};

use super::checkpoint::{self, State};
use super::masking::MaskedBatch;
use super::random::{Draws, Purpose};
use super::records::Records;
use super::trainer::Trainer;
use crate::distilbert::{Architecture, CONFIG_FILE, Weights, check_folder};
use crate::finetune::{FinetuneError, LossEntry, Start, Steps, TrainingDevice, TrainingOptions, TrainingSummary};

/// Trains on the processor or on a card; see [`finetune`](crate::finetune::finetune).
pub(in crate::finetune) fn run(
    parts: &[PathBuf],
    start: &Start,
    options: &TrainingOptions,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<TrainingSummary, FinetuneError> {
    let run = Run { parts, start, options, folder, progress };
    match options.device {
        TrainingDevice::Cpu => run.on::<Autodiff<Flex>>(&Default::default()),
        #[cfg(feature = "cuda")]
        TrainingDevice::Cuda => run.on::<Autodiff<burn_cuda::Cuda>>(&Default::default()),
        #[cfg(not(feature = "cuda"))]
        TrainingDevice::Cuda => Err(FinetuneError::Device { device: "cuda" }),
    }
}

struct Run<'r> {
    parts: &'r [PathBuf],
    start: &'r Start,
    options: &'r TrainingOptions,
    folder: &'r Path,
    progress: &'r dyn Progress,
}

impl Run<'_> {
    fn architecture(&self) -> Result<Architecture, FinetuneError> {
        let architecture = match self.start {
            Start::Folder(folder) => {
                check_folder(folder)?;
                Architecture::read(&folder.join(CONFIG_FILE))?
            }
            Start::Scratch(architecture) => {
                architecture.check("distilbert.from_scratch")?;
                architecture.clone()
            }
        };
        let (token, vocabulary) = (self.options.special.mask, architecture.vocab_size);
        if token as usize >= vocabulary {
            return Err(FinetuneError::Mask { token, vocabulary });
        }
        let (asked, most) = (self.options.max_length, architecture.max_position_embeddings);
        if asked > most { Err(FinetuneError::Length { asked, most }) } else { Ok(architecture) }
    }

    /// What the losses depend on.
    fn settings(&self, architecture: &Architecture, records: &Records) -> Map<String, Value> {
        let mut settings = match serde_json::to_value(self.options) {
            Ok(Value::Object(settings)) => settings,
            _ => Map::new(),
        };
        let names = self.parts.iter().filter_map(|part| Some(part.file_name()?.to_string_lossy()));
        settings.insert("parts".into(), json!(names.collect::<Vec<_>>()));
        settings.insert("records".into(), json!(records.all));
        settings.insert("from_scratch".into(), json!(matches!(self.start, Start::Scratch(_))));
        settings.insert("architecture".into(), json!(architecture));
        settings
    }

    fn on<B: AutodiffBackend>(&self, device: &B::Device) -> Result<TrainingSummary, FinetuneError> {
        let architecture = self.architecture()?;
        let options = self.options;
        let records = Records::open(
            self.parts.to_vec(),
            options.held_out,
            options.seed,
            options.max_length,
            architecture.vocab_size,
        )?;
        let steps = match options.steps {
            Steps::Exactly(steps) => steps,
            Steps::Epochs(epochs) => epochs * records.training.div_ceil(options.batch_size as u64),
        };
        let settings = self.settings(&architecture, &records);
        let stored = checkpoint::read(self.folder, &settings)?;
        let (state, trainer) = match stored {
            Some(stored) => {
                let [first, second] = &stored.moments;
                (stored.state, Trainer::<B>::resume(stored.weights, [first, second], device))
            }
            None => {
                let weights = match self.start {
                    Start::Folder(folder) => Weights::read(folder)?,
                    Start::Scratch(architecture) => Weights::random(architecture.clone(), options.seed),
                };
                (State::new(settings), Trainer::<B>::new(weights, device))
            }
        };
        let held_out = records.held_out(options.held_out_records)?;
        Training { run: self, records: Arc::new(records), held_out, steps, state, trainer, saved: None }.finish()
    }
}

/// A training under way.
struct Training<'r, B: AutodiffBackend> {
    run: &'r Run<'r>,
    records: Arc<Records>,
    held_out: Vec<Vec<u32>>,
    steps: u64,
    state: State,
    trainer: Trainer<B>,
    /// The step of the newest checkpoint, and where it is.
    saved: Option<(u64, PathBuf)>,
}

impl<B: AutodiffBackend> Training<'_, B> {
    fn finish(mut self) -> Result<TrainingSummary, FinetuneError> {
        let Run { options, progress, folder, .. } = *self.run;
        let resumed_from = self.state.step;
        if resumed_from > 0 {
            self.saved = Some((resumed_from, checkpoint::path(folder, resumed_from)));
        }
        progress.begin("finetune", Some(self.steps.saturating_sub(resumed_from)), Unit::Items);
        if resumed_from == 0 {
            let held_out = self.measure();
            self.note(LossEntry { step: 0, loss: None, held_out });
        } else {
            progress.note(&format!("goes on after step {resumed_from} of {}", self.steps));
        }
        let (began, mut tokens) = (Instant::now(), 0);
        let records = Arc::clone(&self.records);
        let mut stream = records.stream(self.state.position);
        while self.state.step < self.steps {
            let batch = stream.batch(options.batch_size)?;
            let batch = self.masked(&batch, Purpose::Masking, self.state.step);
            let loss = self.trainer.step(&batch, self.state.step, self.steps, options);
            self.state.step += 1;
            self.state.position = stream.position();
            if !loss.is_finite() {
                return Err(FinetuneError::Diverged { step: self.state.step, loss });
            }
            tokens += batch.tokens();
            self.state.recent.push(loss);
            let rate = tokens as f64 / began.elapsed().as_secs_f64();
            progress.remark(&format!("loss {loss:.3}, {rate:.0} tokens/s"));
            progress.advance(1);
            self.after_step()?;
        }
        progress.end();
        let seconds = began.elapsed().as_secs_f64();
        let new_head = self.trainer.weights().has_new_head();
        let held_out = self.state.history.iter().rev().find_map(|entry| entry.held_out);
        Ok(TrainingSummary {
            checkpoint: self.save()?,
            steps: self.state.step,
            resumed_from,
            records: records.training,
            held_out_records: self.held_out.len(),
            held_out,
            perplexity: held_out.map(f32::exp),
            new_head,
            tokens_per_second: tokens as f64 / seconds.max(f64::MIN_POSITIVE),
            history: self.state.history,
        })
    }

    /// What is due after a step: an entry of the history, a measurement, a checkpoint, the stop that was asked for.
    fn after_step(&mut self) -> Result<(), FinetuneError> {
        let Run { options, progress, .. } = *self.run;
        let (step, last) = (self.state.step, self.state.step == self.steps);
        let due = |every: u64| last || (every > 0 && step.is_multiple_of(every));
        let measure = due(options.evaluate_steps);
        if measure || due(options.log_steps) {
            let sum: f64 = self.state.recent.iter().map(|&loss| f64::from(loss)).sum();
            let loss = Some((sum / self.state.recent.len() as f64) as f32);
            let held_out = if measure { self.measure() } else { None };
            self.state.recent.clear();
            self.note(LossEntry { step, loss, held_out });
        }
        if due(options.save_steps) {
            self.save()?;
        }
        if !last && progress.stop_requested() {
            let checkpoint = self.save()?;
            return Err(FinetuneError::Interrupted { step, steps: self.steps, checkpoint });
        }
        Ok(())
    }

    fn note(&mut self, entry: LossEntry) {
        self.run.progress.note(&entry.line());
        self.state.history.push(entry);
    }

    fn masked(&self, records: &[Vec<u32>], purpose: Purpose, number: u64) -> MaskedBatch {
        let options = self.run.options;
        let (vocabulary, padding) = self.trainer.vocabulary();
        let draws = Draws::new(options.seed, purpose, [number, 0]);
        MaskedBatch::new(records, padding, &options.special, vocabulary, options.masked, draws)
    }

    /// The loss on held-out records, in which always the same tokens are masked.
    fn measure(&self) -> Option<f32> {
        let (mut sum, mut count) = (0.0, 0);
        for (records, number) in self.held_out.chunks(self.run.options.batch_size).zip(0..) {
            let batch = self.masked(records, Purpose::HeldOutMasking, number);
            if !batch.positions.is_empty() {
                sum += f64::from(self.trainer.loss(&batch)) * batch.positions.len() as f64;
                count += batch.positions.len();
            }
        }
        (count > 0).then(|| (sum / count as f64) as f32)
    }

    /// Writes a checkpoint, unless the newest one is of this step.
    fn save(&mut self) -> Result<PathBuf, FinetuneError> {
        if let Some((step, path)) = &self.saved
            && *step == self.state.step
        {
            return Ok(path.clone());
        }
        let moments = self.trainer.moments();
        let Run { folder, options, .. } = *self.run;
        let weights = self.trainer.weights();
        let path = checkpoint::write(folder, &self.state, weights, &moments, options.save_total_limit)?;
        self.saved = Some((self.state.step, path.clone()));
        Ok(path)
    }
}
