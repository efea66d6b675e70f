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

/// How exactly the network's weights and activations are held in prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32 = 1,
    /// bfloat16 with sums in single precision.
    Bf16 = 2,
    /// Hidden layers in bytes with sums in integers, the first layer in bfloat16.
    Int8 = 3,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|precision| precision.name() == text);
        known.ok_or_else(|| format!("{text:?} is no precision: f32, bf16 or int8"))
    }
}

/// `predict:` — prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Predict {
    /// Most records in a batch.
    pub batch_size: usize,
    /// How exactly the network is computed where `skimmer predict` is not told otherwise.
    pub precision: Precision,
}

impl Default for Predict {
    fn default() -> Self {
        Self { batch_size: 256, precision: Precision::F32 }
    }
}
