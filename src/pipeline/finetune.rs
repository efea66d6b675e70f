//! The finetune stage: what the configuration says of the text model's training.

use std::path::PathBuf;

use skimlog_text::distilbert::Architecture;
use skimlog_text::finetune::{SpecialTokens, Start, Steps, TrainingDevice, TrainingOptions};

use super::PipelineError;
use super::stages::NoTextModel;
use crate::config::{self, Config};

/// What to train, on what and how.
#[derive(Clone, Debug)]
pub struct FinetuneOptions {
    /// The `.skim` parts, in their order.
    pub parts: Vec<PathBuf>,
    /// What to start from.
    pub start: Start,
    /// How to train.
    pub options: TrainingOptions,
}

impl FinetuneOptions {
    /// Those of a configuration, for these parts of it.
    ///
    /// # Errors
    /// [`PipelineError::NoFinetuning`], [`PipelineError::NoTextModel`]; [`PipelineError::Text`] for a tokenizer that cannot
    /// be read.
    pub fn new(config: &Config, mut parts: Vec<PathBuf>) -> Result<Self, PipelineError> {
        let config::DistilBert { model, from_scratch, tokenizer, max_n_parts, device, finetune, .. } =
            &config.distilbert;
        parts.truncate(*max_n_parts);
        if !config.distilbert.is_finetuned() {
            return Err(PipelineError::NoFinetuning);
        }
        let start = match (from_scratch, model) {
            (Some(sizes), _) => Start::Scratch(architecture(sizes, config.vocabulary_size)),
            (None, Some(model)) => Start::Folder(model.clone()),
            (None, None) => return Err(NoTextModel::NothingToStartFrom.into()),
        };
        let special = tokenizer.as_ref().map(|path| SpecialTokens::read(path)).transpose()?;
        let options = TrainingOptions {
            seed: config.seed,
            special: special.unwrap_or_default(),
            device: match device {
                config::Device::Cpu => TrainingDevice::Cpu,
                config::Device::Cuda => TrainingDevice::Cuda,
            },
            ..options(finetune)
        };
        Ok(Self { parts, start, options })
    }
}

/// What the section says; seed, special tokens and device are not in it.
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

fn architecture(sizes: &config::FromScratch, vocabulary: u32) -> Architecture {
    let vocabulary = sizes.vocab_size.unwrap_or(vocabulary as usize);
    let mut architecture = Architecture::new(vocabulary, sizes.dim, sizes.hidden_dim, sizes.n_layers, sizes.n_heads);
    architecture.max_position_embeddings = sizes.max_position_embeddings;
    architecture.initializer_range =
        sizes.initializer_range.unwrap_or_else(|| architecture.initializer_range * (768.0 / sizes.dim as f64).sqrt());
    architecture
}
