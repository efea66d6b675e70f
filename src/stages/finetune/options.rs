//! What the configuration says of the text model's training.

use std::path::PathBuf;

use skimlog_text::TextError;
use skimlog_text::distilbert::Architecture;
use skimlog_text::finetune::{self, SpecialTokens, Start, Steps, TrainingOptions};
use thiserror::Error;

use crate::config::{self, Config, DistilBert, FromScratch};
use crate::pipeline::StageError;

/// Why the text model is not fine-tuned.
#[derive(Debug, Error)]
pub enum FinetuneError {
    /// Nothing says how long to fine-tune.
    #[error(
        "the configuration has no fine-tuning: set distilbert.finetune.epochs or distilbert.finetune.max_steps, or \
         give --max-steps"
    )]
    NoFinetuning,
    /// Nothing says what to fine-tune.
    #[error(transparent)]
    Start(#[from] NothingToStartFrom),
    /// The model to start from, or the tokenizer, is unusable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The training failed.
    #[error(transparent)]
    Training(#[from] finetune::FinetuneError),
}

impl StageError for FinetuneError {}

/// There is to be fine-tuning of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "distilbert.finetune asks for a training, but nothing says what to start from: set distilbert.model, or \
     distilbert.from_scratch for random weights"
)]
pub struct NothingToStartFrom;

/// What the fine-tuning of a configuration starts from.
///
/// # Errors
/// [`NothingToStartFrom`].
pub fn starts_from(config: &Config) -> Result<Start, NothingToStartFrom> {
    match (&config.distilbert.from_scratch, &config.distilbert.model) {
        (Some(sizes), _) => Ok(Start::Scratch(architecture(sizes, config.vocabulary_size))),
        (None, Some(model)) => Ok(Start::Folder(model.clone())),
        (None, None) => Err(NothingToStartFrom),
    }
}

/// What to train, on what and how.
pub(super) struct Training {
    /// The `.skim` parts, in their order.
    pub(super) parts: Vec<PathBuf>,
    /// What to start from.
    pub(super) start: Start,
    /// How to train.
    pub(super) options: TrainingOptions,
}

impl Training {
    /// That of a configuration, on these parts of it.
    pub(super) fn new(config: &Config, mut parts: Vec<PathBuf>) -> Result<Self, FinetuneError> {
        let DistilBert { tokenizer, max_n_parts, device, finetune, .. } = &config.distilbert;
        parts.truncate(*max_n_parts);
        if !config.distilbert.is_finetuned() {
            return Err(FinetuneError::NoFinetuning);
        }
        let start = starts_from(config)?;
        let special = tokenizer.as_ref().map(|path| SpecialTokens::read(path)).transpose()?;
        let options = TrainingOptions {
            seed: config.seed,
            special: special.unwrap_or_default(),
            device: *device,
            ..options(finetune)
        };
        Ok(Self { parts, start, options })
    }
}

fn architecture(sizes: &FromScratch, vocabulary: u32) -> Architecture {
    let vocabulary = sizes.vocab_size.unwrap_or(vocabulary as usize);
    let mut architecture = Architecture::new(vocabulary, sizes.dim, sizes.hidden_dim, sizes.n_layers, sizes.n_heads);
    architecture.max_position_embeddings = sizes.max_position_embeddings;
    architecture.initializer_range =
        sizes.initializer_range.unwrap_or_else(|| architecture.initializer_range * (768.0 / sizes.dim as f64).sqrt());
    architecture
}

/// How to train, as far as this section says.
fn options(section: &config::Finetune) -> TrainingOptions {
    TrainingOptions {
        steps: section.max_steps.map_or(Steps::Epochs(section.epochs), Steps::Exactly),
        batch_size: section.batch_size,
        max_length: section.max_length,
        masked: section.masked,
        learning_rate: section.learning_rate,
        warmup_steps: section.warmup_steps,
        weight_decay: section.weight_decay,
        max_gradient_norm: section.max_gradient_norm,
        held_out: section.held_out,
        held_out_records: section.held_out_records,
        evaluate_steps: section.evaluate_steps,
        log_steps: section.log_steps,
        save_steps: section.save_steps,
        save_total_limit: section.save_total_limit,
        ..TrainingOptions::default()
    }
}
