//! `skimmer embed`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::Value;
use skimlog::config;
use skimlog::pipeline::Stage;

use super::stages::run_stages;
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
    /// A folder with a model.onnx, or with config.json and model.safetensors of a Hugging Face DistilBERT, from which one is
    /// made [default: distilbert.onnx of the configuration, else the newest checkpoint, else distilbert.model].
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    checkpoint: Option<PathBuf>,
    /// An ONNX file that takes input_ids and attention_mask, and gives last_hidden_state.
    #[arg(long, value_name = "FILE.onnx")]
    model: Option<PathBuf>,
    /// What runs the model [default: distilbert.engine of the configuration].
    #[arg(long, value_name = "ENGINE", value_enum)]
    engine: Option<Engine>,
    /// Worker threads [default: threads of the configuration, else one a core].
    #[arg(long, value_name = "N", value_parser = values::threads(), allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// ONNX Runtime where a library is found, else tract.
    Auto,
    /// ONNX Runtime, or an error.
    Onnxruntime,
    /// tract.
    Tract,
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
            config.distilbert.engine = match engine {
                Engine::Auto => config::Engine::Auto,
                Engine::Onnxruntime => config::Engine::Onnxruntime,
                Engine::Tract => config::Engine::Tract,
            };
        }
        config.threads = self.threads.map(NonZeroUsize::get).or(config.threads);
        run_stages(common, &config, &[Stage::Embed], self.force)?;
        Ok(())
    }
}

/// What ran the text model, from the summary of the embed stage; nothing for another stage's.
pub(super) fn engine(summary: &Value) -> Option<String> {
    let text = |key| summary.get(key).and_then(Value::as_str);
    let mut line = format!("computed by {}", text("engine")?);
    let parts = [(" ", text("version")), (" on ", text("device")), (", library ", text("library"))];
    for (before, part) in parts {
        line.extend(part.into_iter().flat_map(|part| [before, part]));
    }
    match (text("engine"), text("fallback")) {
        (_, None) => {}
        (Some("tract"), Some(reason)) => {
            line += &format!(
                "; ONNX Runtime, which is faster, cannot be used: {reason}; `pip install onnxruntime`, or name its \
                 library in ORT_DYLIB_PATH"
            );
        }
        (_, Some(reason)) => line += &format!("; CUDA, which is faster, cannot be used: {reason}"),
    }
    Some(line)
}
