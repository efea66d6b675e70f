//! What a training is told.

use std::path::PathBuf;

use serde::Serialize;

use super::device::Device;
use super::special::SpecialTokens;
use crate::text::distilbert::Architecture;

/// What a training starts from.
#[derive(Clone, Debug)]
pub enum Start {
    /// A Hugging Face folder.
    Folder(PathBuf),
    /// Random weights.
    Scratch(Architecture),
}

/// How long a training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Steps {
    /// So many times over all records.
    Epochs(u64),
    /// So many steps.
    Exactly(u64),
}

/// How to train. What is not serialised changes no number.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// How long.
    pub steps: Steps,
    /// Records in a step.
    pub batch_size: usize,
    /// Longest sequence; longer ones are cut, without a new `[SEP]`.
    pub max_length: usize,
    /// Share of the tokens to be guessed.
    pub masked: f64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps in which the learning rate rises from 0; then it falls, on a line, to 0.
    pub warmup_steps: u64,
    /// Decoupled weight decay, of matrices only.
    pub weight_decay: f64,
    /// Longest gradient over all tensors together; a longer one is shortened.
    pub max_gradient_norm: f64,
    /// Share of the records that are never trained on.
    pub held_out: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Held-out records to measure on, at most.
    #[serde(skip)]
    pub held_out_records: usize,
    /// Steps between two measurements on held-out records.
    #[serde(skip)]
    pub evaluate_steps: u64,
    /// Steps whose losses are summed up in one line.
    #[serde(skip)]
    pub log_steps: u64,
    /// Steps between two checkpoints.
    #[serde(skip)]
    pub save_steps: u64,
    /// Checkpoints kept, the newest ones.
    #[serde(skip)]
    pub save_total_limit: usize,
    /// Special tokens.
    #[serde(skip)]
    pub special: SpecialTokens,
    /// What computes.
    #[serde(skip)]
    pub device: Device,
}

impl Default for Options {
    /// The original's, for one epoch.
    fn default() -> Self {
        Self {
            steps: Steps::Epochs(1),
            batch_size: 16,
            max_length: 100,
            masked: 0.15,
            learning_rate: 5e-5,
            warmup_steps: 1000,
            weight_decay: 0.01,
            max_gradient_norm: 1.0,
            held_out: 0.02,
            seed: 0,
            held_out_records: 1000,
            evaluate_steps: 1000,
            log_steps: 100,
            save_steps: 1000,
            save_total_limit: 2,
            special: SpecialTokens::default(),
            device: Device::Cpu,
        }
    }
}

impl Options {
    /// The learning rate of a step, counted from 0, of so many: a line up, a line down.
    pub(super) fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        let share = if step < self.warmup_steps {
            step as f64 / self.warmup_steps as f64
        } else {
            steps.saturating_sub(step) as f64 / steps.saturating_sub(self.warmup_steps).max(1) as f64
        };
        self.learning_rate * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls_on_lines() {
        let options = Options { learning_rate: 1.0, warmup_steps: 4, ..Options::default() };
        let rates: Vec<f64> = (0..12).map(|step| options.learning_rate_at(step, 12)).collect();
        assert_eq!(rates, [0.0, 0.25, 0.5, 0.75, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]);
        let options = Options { learning_rate: 1.0, warmup_steps: 0, ..options };
        assert_eq!(options.learning_rate_at(0, 2), 1.0);
    }
}
