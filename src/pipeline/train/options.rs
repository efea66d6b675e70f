//! How to train.

use std::path::PathBuf;

/// How the output biases start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BiasInit {
    /// At the log-odds of the rates of the first day's labels.
    #[default]
    BaseRate,
    /// At zero, as in the published solution.
    Zero,
}

/// How to train. The defaults are the published solution's, but for the optimiser's moments, the
/// batch normalisations' settling and the bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Records of a batch, at least 2.
    pub batch: usize,
    /// Learning rate of the first day, and of the first fine-tuning epoch.
    pub learning_rate: f64,
    /// What the learning rate is multiplied by after each day.
    pub day_decay: f64,
    /// How many times the network is trained on the finetune records.
    pub validation_epochs: u32,
    /// What the learning rate is multiplied by after each fine-tuning epoch.
    pub validation_decay: f64,
    /// Weight decay, a share of the learning rate.
    pub weight_decay: f64,
    /// Whether the optimiser forgets its moments before each day and each fine-tuning epoch.
    pub reset_optimizer_each_day: bool,
    /// Batches, seen without learning from them, on which the batch normalisations' running statistics settle after the
    /// days and after each fine-tuning epoch. The published solution has none, and its rates are often far off for it.
    pub settle_batches: usize,
    /// How the output biases start.
    pub bias_init: BiasInit,
    /// Seed of the network's start and of the records' order.
    pub seed: u64,
    /// Bytes of examples to hold in memory at a time, about.
    pub memory_budget: u64,
    /// Threads of the training step; one more builds batches.
    pub threads: usize,
    /// Directory for spill files, removed afterwards.
    pub scratch: PathBuf,
}

impl Options {
    /// The defaults, with spill files in `scratch`.
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            batch: 256,
            learning_rate: 1e-4,
            day_decay: 0.96,
            validation_epochs: 1,
            validation_decay: 0.5,
            weight_decay: 0.01,
            reset_optimizer_each_day: false,
            settle_batches: 40,
            bias_init: BiasInit::BaseRate,
            seed: 0,
            memory_budget: 512 << 20,
            threads: 1,
            scratch,
        }
    }
}
