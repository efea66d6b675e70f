//! The nested sections of the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What to do with a malformed record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRecords {
    /// Stop with its file, line and field.
    #[default]
    Stop,
    /// Put it aside, whole and with the reason, in `working_dir/rejected/`, and go on.
    Quarantine,
}

/// What runs the text model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// ONNX Runtime where a library is found, else tract.
    #[default]
    Auto,
    /// ONNX Runtime, or an error.
    Onnxruntime,
    /// tract, which is always there.
    Tract,
}

/// `distilbert:` — the text model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistilBert {
    /// The ONNX file, or a checkpoint folder that holds a `model.onnx`.
    pub model: Option<PathBuf>,
    /// A `tokenizer.json`, to show tweets as text.
    pub tokenizer: Option<PathBuf>,
    /// How many training parts to take token vectors from.
    pub max_n_parts: usize,
    /// Tokens (padding included) in a batch.
    pub batch_tokens: usize,
    /// What runs the model.
    pub engine: Engine,
    /// The ONNX Runtime library; looked for in the usual places if not given.
    pub onnxruntime: Option<PathBuf>,
}

impl Default for DistilBert {
    fn default() -> Self {
        Self {
            model: None,
            tokenizer: None,
            max_n_parts: 1,
            batch_tokens: 2048,
            engine: Engine::Auto,
            onnxruntime: None,
        }
    }
}

/// Where the output biases start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasInit {
    /// At the log-odds of the first day's reaction rates.
    #[default]
    BaseRate,
    /// At zero.
    Zero,
}

/// Where a training's settings come from that are not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// The published solution's.
    Original,
    /// Ours.
    #[default]
    Tuned,
}

/// `train:` — the network's training. What is `None` is the recipe's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Train {
    /// Width of the hidden layers.
    pub hidden_size: usize,
    /// Where the settings below come from.
    pub recipe: Recipe,
    /// Records in a step.
    pub batch_size: Option<usize>,
    /// Largest learning rate of the days.
    pub learning_rate: Option<f64>,
    /// Factor on the learning rate after each day.
    pub day_decay: Option<f64>,
    /// Share of the batches, of the days and again of the finetune records, over which the learning rate rises from zero.
    pub warm_up: Option<f64>,
    /// Share of the learning rate that is left at the last batch of the days, and of the finetune records.
    pub last_rate: Option<f64>,
    /// Decoupled weight decay.
    pub weight_decay: Option<f64>,
    /// Epochs over the finetune records.
    pub num_validation_epochs: Option<u32>,
    /// Largest learning rate over the finetune records.
    pub finetune_learning_rate: Option<f64>,
    /// Factor on the learning rate after each epoch over the finetune records.
    pub validation_decay: Option<f64>,
    /// Whether the optimiser's moments start anew with each day, as the original's do.
    pub reset_optimizer_each_day: Option<bool>,
    /// Batches, seen without learning from them, on which the batch normalisations' running statistics settle before
    /// the network is measured or used; the original has none.
    pub settle_batches: Option<usize>,
    /// Whether the first layer's weights learn from what differs from a record whose numbers are all zero.
    pub centred: Option<bool>,
    /// Where the output biases start.
    pub bias_init: Option<BiasInit>,
    /// Minutes between two checkpoints, at most. Results do not depend on it.
    pub checkpoint_minutes: f64,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            hidden_size: 1500,
            recipe: Recipe::Tuned,
            batch_size: None,
            learning_rate: None,
            day_decay: None,
            warm_up: None,
            last_rate: None,
            weight_decay: None,
            num_validation_epochs: None,
            finetune_learning_rate: None,
            validation_decay: None,
            reset_optimizer_each_day: None,
            settle_batches: None,
            centred: None,
            bias_init: None,
            checkpoint_minutes: 10.0,
        }
    }
}

/// `predict:` — prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Predict {
    /// Most records in a batch.
    pub batch_size: usize,
}

impl Default for Predict {
    fn default() -> Self {
        Self { batch_size: 256 }
    }
}
