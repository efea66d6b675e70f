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

/// What computes the text model's training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card, in a program built with the feature `cuda`.
    Cuda,
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
}

impl Default for FromScratch {
    fn default() -> Self {
        Self { vocab_size: None, dim: 768, hidden_dim: 3072, n_layers: 6, n_heads: 12, max_position_embeddings: 512 }
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
    fn default() -> Self {
        Self {
            epochs: 0,
            max_steps: None,
            batch_size: 16,
            max_length: 100,
            masked: 0.15,
            learning_rate: 5e-5,
            warmup_steps: 1000,
            weight_decay: 0.01,
            max_gradient_norm: 1.0,
            held_out: 0.02,
            held_out_records: 1000,
            evaluate_steps: 1000,
            log_steps: 100,
            save_steps: 1000,
            save_total_limit: 2,
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
    pub engine: Engine,
    /// The ONNX Runtime library; looked for in the usual places if not given.
    pub onnxruntime: Option<PathBuf>,
    /// Least seconds from one snapshot of the embed stage's sums to the next; a stage that was killed goes on from there.
    pub snapshot_seconds: u64,
    /// The ONNX file, or a folder as in `model`, that token vectors come from, whatever was fine-tuned.
    pub onnx: Option<PathBuf>,
    /// Fine-tunes a model of these sizes from random weights instead of `model`.
    pub from_scratch: Option<FromScratch>,
    /// What computes the fine-tuning.
    pub device: Device,
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
            engine: Engine::Auto,
            onnxruntime: None,
            snapshot_seconds: 300,
            onnx: None,
            from_scratch: None,
            device: Device::Cpu,
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

/// `train:` — the network's training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Train {
    /// Width of the hidden layers.
    pub hidden_size: usize,
    /// Records in a step.
    pub batch_size: usize,
    /// Learning rate of the first day, and again of the first epoch over the finetune records.
    pub learning_rate: f64,
    /// Factor on the learning rate after each day.
    pub day_decay: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Epochs over the finetune records.
    pub num_validation_epochs: usize,
    /// Factor on the learning rate after each epoch over the finetune records.
    pub validation_decay: f64,
    /// Whether the optimiser's moments start anew with each day, as the original's do.
    pub reset_optimizer_each_day: bool,
    /// Batches, seen without learning from them, on which the batch normalisations' running statistics settle before
    /// the network is measured or used; the original has none.
    pub settle_batches: usize,
    /// Where the output biases start.
    pub bias_init: BiasInit,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            hidden_size: 1500,
            batch_size: 256,
            learning_rate: 1e-4,
            day_decay: 0.96,
            weight_decay: 0.01,
            num_validation_epochs: 1,
            validation_decay: 0.5,
            reset_optimizer_each_day: false,
            settle_batches: 40,
            bias_init: BiasInit::BaseRate,
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
