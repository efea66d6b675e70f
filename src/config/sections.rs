//! The nested sections of the configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skimlog_network::Precision;
use skimlog_text::EngineChoice;
use skimlog_text::finetune::{TrainingDevice, TrainingOptions};

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

/// `distilbert.from_scratch:` — the sizes of a text model that starts from random weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FromScratch {
    /// Token ids; `vocabulary_size` if not given.
    pub vocab_size: Option<usize>,
    /// Width of the hidden states.
    pub dim: usize,
    /// Width between the feed-forward layers.
    pub hidden_dim: usize,
    /// Layers.
    pub n_layers: usize,
    /// Attention heads of a layer.
    pub n_heads: usize,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Standard deviation of the random weights; 0.02 · √(768 / `dim`) if not given: DistilBERT's at its own width, and
    /// a narrower layer lets as much through as that.
    pub initializer_range: Option<f64>,
}

impl Default for FromScratch {
    fn default() -> Self {
        Self {
            vocab_size: None,
            dim: 768,
            hidden_dim: 3072,
            n_layers: 6,
            n_heads: 12,
            max_position_embeddings: 512,
            initializer_range: None,
        }
    }
}

/// `distilbert.finetune:` — the text model's training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finetune {
    /// How many times over the records; 0 and no `max_steps`: the model is used as it is.
    pub epochs: u64,
    /// How many steps, whatever `epochs` says.
    pub max_steps: Option<u64>,
    /// Records in a step.
    pub batch_size: usize,
    /// Longest sequence; longer ones are cut.
    pub max_length: usize,
    /// Share of the tokens to be guessed.
    pub masked: f64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps in which the learning rate rises.
    pub warmup_steps: u64,
    /// Decoupled weight decay, of matrices only.
    pub weight_decay: f64,
    /// Longest gradient; a longer one is shortened.
    pub max_gradient_norm: f64,
    /// Share of the records that are never trained on.
    pub held_out: f64,
    /// Held-out records to measure on, at most.
    pub held_out_records: usize,
    /// Steps between two measurements on held-out records.
    pub evaluate_steps: u64,
    /// Steps whose mean loss is said.
    pub log_steps: u64,
    /// Steps between two checkpoints.
    pub save_steps: u64,
    /// Checkpoints kept, the newest ones.
    pub save_total_limit: usize,
}

impl Default for Finetune {
    /// No fine-tuning; else what the training itself takes for usual.
    fn default() -> Self {
        let usual = TrainingOptions::default();
        Self {
            epochs: 0,
            max_steps: None,
            batch_size: usual.batch_size,
            max_length: usual.max_length,
            masked: usual.masked,
            learning_rate: usual.learning_rate,
            warmup_steps: usual.warmup_steps,
            weight_decay: usual.weight_decay,
            max_gradient_norm: usual.max_gradient_norm,
            held_out: usual.held_out,
            held_out_records: usual.held_out_records,
            evaluate_steps: usual.evaluate_steps,
            log_steps: usual.log_steps,
            save_steps: usual.save_steps,
            save_total_limit: usual.save_total_limit,
        }
    }
}

/// `distilbert:` — the text model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistilBert {
    /// The ONNX file, or a checkpoint folder that holds a `model.onnx` or a DistilBERT's `model.safetensors`.
    pub model: Option<PathBuf>,
    /// A `tokenizer.json`, to show tweets as text.
    pub tokenizer: Option<PathBuf>,
    /// How many training parts to take token vectors from.
    pub max_n_parts: usize,
    /// Tokens (padding included) in a batch; what suits the engine and the device if not given.
    pub batch_tokens: Option<usize>,
    /// What runs the model.
    pub engine: EngineChoice,
    /// The ONNX Runtime library; looked for in the usual folders if not given.
    pub onnxruntime: Option<PathBuf>,
    /// Least seconds from one snapshot of the embed stage's sums to the next; a stage that was killed goes on from
    /// there.
    pub snapshot_seconds: u64,
    /// The ONNX file, or a folder as in `model`, that token vectors come from, whatever was fine-tuned.
    pub onnx: Option<PathBuf>,
    /// Fine-tunes a model of these sizes from random weights instead of `model`.
    pub from_scratch: Option<FromScratch>,
    /// What computes the fine-tuning.
    pub device: TrainingDevice,
    /// Fine-tuning.
    pub finetune: Finetune,
}

impl DistilBert {
    /// Whether the model is to be fine-tuned.
    pub fn is_finetuned(&self) -> bool {
        self.finetune.epochs > 0 || self.finetune.max_steps.is_some()
    }
}

impl Default for DistilBert {
    fn default() -> Self {
        Self {
            model: None,
            tokenizer: None,
            max_n_parts: 1,
            batch_tokens: None,
            engine: EngineChoice::Auto,
            onnxruntime: None,
            snapshot_seconds: 300,
            onnx: None,
            from_scratch: None,
            device: TrainingDevice::Cpu,
            finetune: Finetune::default(),
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

/// The recipe that a training's settings come from where they are not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipeName {
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
    /// Whether training goes on from the last model on the days that it was not trained on.
    pub warm_start: bool,
    /// Where the settings below come from.
    pub recipe: RecipeName,
    /// Records in a step.
    pub batch_size: Option<usize>,
    /// Largest learning rate of the days.
    pub learning_rate: Option<f64>,
    /// Factor on the learning rate after each day.
    pub day_decay: Option<f64>,
    /// Share of the batches, of the days and again of the finetune records, over which the learning rate rises from
    /// zero.
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
    /// Whether the network sees the logarithm of every number beside its Fourier terms.
    pub logarithms: Option<bool>,
    /// Where the output biases start.
    pub bias_init: Option<BiasInit>,
    /// Seed of the network's start and of the records' order; that of everything else if not given.
    pub seed: Option<u64>,
    /// Minutes between two checkpoints, at most. Results do not depend on it.
    pub checkpoint_minutes: f64,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            hidden_size: 1500,
            warm_start: false,
            recipe: RecipeName::Tuned,
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
            logarithms: None,
            bias_init: None,
            seed: None,
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
    /// How exactly the network is computed where `skimmer predict` has no --precision.
    pub precision: Precision,
}

impl Default for Predict {
    fn default() -> Self {
        Self { batch_size: 256, precision: Precision::F32 }
    }
}
