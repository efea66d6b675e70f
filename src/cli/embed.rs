//! `skimmer embed`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use skimlog::stages;
use skimlog_text::EngineChoice;

use super::running::run_single;
use super::{Common, values};

/// Compute the text model's mean vector of each token (token_embeddings.npy, token_ids.npy, token_counts.npy).
///
/// The model is run by ONNX Runtime where its library is found (distilbert.onnxruntime in the configuration,
/// ORT_DYLIB_PATH, an installed Python package onnxruntime, the system), else by tract, which needs nothing. Killed, it
/// goes on where it was.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer embed --config config.yaml
  skimmer embed --checkpoint distilbert/checkpoint-5000
  skimmer embed --model model.onnx --engine tract")]
pub(super) struct Embed {
    /// Do it even if its results are up to date.
    #[arg(long)]
    force: bool,
    /// A folder with a model.onnx, or with config.json and model.safetensors of a Hugging Face DistilBERT, from which
    /// one is made [default: distilbert.onnx of the configuration, else the newest checkpoint, else
    /// distilbert.model].
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    checkpoint: Option<PathBuf>,
    /// An ONNX file that takes input_ids and attention_mask, and gives last_hidden_state.
    #[arg(long, value_name = "FILE.onnx")]
    model: Option<PathBuf>,
    /// What runs the model [default: distilbert.engine of the configuration].
    #[arg(long, value_name = "ENGINE", value_parser = values::engine())]
    engine: Option<EngineChoice>,
    /// Worker threads [default: threads of the configuration, else one a core].
    #[arg(long, value_name = "N", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
}

impl Embed {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let mut config = common.load_config()?;
        if let Some(folder) = self.checkpoint.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("{}: not a folder; name an ONNX file with --model", folder.display());
        }
        if let Some(model) = self.checkpoint.as_ref().or(self.model.as_ref()) {
            config.distilbert.onnx = Some(model.clone());
        }
        if let Some(engine) = self.engine {
            config.distilbert.engine = engine;
        }
        config.threads = self.threads.map(NonZeroUsize::get).or(config.threads);
        run_single(common, &config, &stages::Embed, self.force)
    }
}
