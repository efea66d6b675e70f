//! The finetune stage: what the configuration says of the text model's training.

use std::path::PathBuf;

use super::PipelineError;
use super::stages::NoTextModel;
use crate::config::{self, Config};
use crate::text::distilbert::Architecture;
use crate::text::finetune::{Device, Options, SpecialTokens, Start};

/// What to train, on what and how.
#[derive(Clone, Debug)]
pub struct FinetuneOptions {
    /// The `.skim` parts, in their order.
    pub parts: Vec<PathBuf>,
    /// What to start from.
    pub start: Start,
    /// How to train.
    pub options: Options,
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
        let options = Options {
            seed: config.seed,
            special: special.unwrap_or_default(),
            device: match device {
                config::Device::Cpu => Device::Cpu,
                config::Device::Cuda => Device::Cuda,
            },
            ..Options::from(finetune)
        };
        Ok(Self { parts, start, options })
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
