//! How to train.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::schedule::Rates;
use crate::config::BiasInit;

/// What the weights that come of a training depend on, beside the records and the network's shape. docs/TRAINING.md
/// holds what the two recipes come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recipe {
    /// Records of a batch, at least 2.
    pub batch: usize,
    /// Learning rates of the days.
    pub days: Rates,
    /// How many times the network is trained on the finetune records.
    pub validation_epochs: u32,
    /// Learning rates of these epochs.
    pub finetuning: Rates,
    /// Weight decay, a share of the learning rate.
    pub weight_decay: f64,
    /// Whether the optimiser forgets its moments before each day and each fine-tuning epoch.
    pub reset_optimizer_each_day: bool,
    /// Batches, seen without learning from them, on which the batch normalisations' running statistics settle after the
    /// days and after each fine-tuning epoch. The published solution has none, and its rates are often far off for it.
    pub settle_batches: usize,
    /// Whether the first layer's weights learn from what differs from a record whose numbers are all zero
    /// ([`skimlog_network::Trainer::centred`]).
    pub centred: bool,
    /// Whether the network sees the logarithm of every number ([`skimlog_features::input::Layout::logarithms`]).
    pub logarithms: bool,
    /// How the output biases start.
    pub bias_init: BiasInit,
    /// Seed of the network's start and of the records' order.
    pub seed: u64,
}

impl Recipe {
    /// The published solution's.
    pub fn original() -> Self {
        let rates = Rates { peak: 1e-4, decay: 0.96, warm_up: 0.0, last: 1.0 };
        Self {
            batch: 256,
            days: rates,
            validation_epochs: 1,
            finetuning: Rates { decay: 0.5, ..rates },
            weight_decay: 0.01,
            reset_optimizer_each_day: true,
            settle_batches: 0,
            centred: false,
            logarithms: false,
            bias_init: BiasInit::Zero,
            seed: 0,
        }
    }

    /// Ours.
    pub fn tuned() -> Self {
        let rates = Rates { peak: 5e-4, decay: 1.0, warm_up: 0.05, last: 0.0 };
        Self {
            days: rates,
            finetuning: rates,
            reset_optimizer_each_day: false,
            settle_batches: 40,
            centred: true,
            logarithms: true,
            bias_init: BiasInit::BaseRate,
            ..Self::original()
        }
    }
}

/// How to train, and where.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// What the weights depend on.
    pub recipe: Recipe,
    /// Bytes of examples to hold in memory at a time, about.
    pub memory_budget: u64,
    /// Threads of the training step; one more builds batches.
    pub threads: usize,
    /// Directory for spill files, removed afterwards.
    pub scratch: PathBuf,
    /// Where to keep what it takes to go on after an interruption; `None`: nowhere.
    pub checkpoint: Option<Checkpointing>,
}

/// Where and how often a training's state is written.
#[derive(Clone, Debug)]
pub struct Checkpointing {
    /// Its folder.
    pub folder: PathBuf,
    /// Everything that the weights depend on, as text: a state is taken up only if this is the same.
    pub fingerprint: String,
    /// The longest time between two.
    pub every: Duration,
}

impl TrainOptions {
    /// The recipe on one thread, with spill files in `scratch`, without checkpoints.
    pub fn new(recipe: Recipe, scratch: PathBuf) -> Self {
        Self { recipe, memory_budget: 512 << 20, threads: 1, scratch, checkpoint: None }
    }
}
