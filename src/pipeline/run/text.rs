//! The stages of the text model: fine-tuning, token vectors, token codes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use skimlog_features::sketch::SketchShape;
use skimlog_text::distilbert::{CONFIG_FILE, WEIGHTS_FILE};
use skimlog_text::finetune::{MODEL_FILE, Start, finetune, newest_checkpoint};
use skimlog_text::{EncoderModel, EncoderOptions, EngineChoice, MeanOptions, Snapshots, VectorPaths};

use super::Stages;
use crate::config::{Config, Engine};
use crate::pipeline::embed::EmbedOptions;
use crate::pipeline::finetune::FinetuneOptions;
use crate::pipeline::sketch::SketchOptions;
use crate::pipeline::stages::{TextModel, text_model};
use crate::pipeline::task::Task;
use crate::pipeline::{PipelineError, Stage, embed, sketch};

impl<'s> Stages<'s> {
    pub(super) fn finetune(self) -> Result<Task<'s>, PipelineError> {
        let what = FinetuneOptions::new(self.config, self.training_parts()?)?;
        let mut fingerprint = self.made_from(&what.parts)?;
        match &what.start {
            Start::Folder(folder) => {
                for name in [CONFIG_FILE, WEIGHTS_FILE] {
                    fingerprint = fingerprint.with_file(&format!("distilbert.model: {name}"), &folder.join(name))?;
                }
            }
            Start::Scratch(architecture) => {
                if let Value::Object(sizes) = serde_json::to_value(architecture)? {
                    for (key, value) in sizes {
                        fingerprint = fingerprint.with(&format!("distilbert.from_scratch.{key}"), value);
                    }
                }
            }
        }
        if let Value::Object(settings) = serde_json::to_value(&what.options)? {
            for (key, value) in settings {
                fingerprint = fingerprint.with(&format!("distilbert.finetune.{key}"), value);
            }
        }
        let output = self.workspace.distilbert();
        let target = output.clone();
        let work = move || {
            let FinetuneOptions { parts, start, options } = &what;
            Ok(serde_json::to_value(finetune(parts, start, options, &target, self.progress)?)?)
        };
        Ok(Task { name: "finetune".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }

    /// The model that token vectors come from.
    fn text_model(&self) -> Result<PathBuf, PipelineError> {
        match text_model(self.config)? {
            TextModel::Given(model) => Ok(model),
            TextModel::Finetuned => {
                let folder = self.workspace.distilbert();
                self.made(newest_checkpoint(&folder).unwrap_or(folder).join(MODEL_FILE), Stage::Finetune)
            }
        }
    }

    pub(super) fn embed(self) -> Result<Task<'s>, PipelineError> {
        let distilbert = &self.config.distilbert;
        let model = self.text_model()?;
        let mut parts = self.training_parts()?;
        parts.truncate(distilbert.max_n_parts);
        let file = EncoderModel::file(&model)?;
        let mut fingerprint = self
            .made_from(&parts)?
            .with_file("distilbert.model", &file)?
            .with("distilbert.engine", format!("{:?}", distilbert.engine).to_lowercase())
            .with(
                "distilbert.batch_tokens",
                distilbert.batch_tokens.map_or("null".into(), |tokens| tokens.to_string()),
            );
        for beside in ["model.onnx.data", "config.json"] {
            let path = file.with_file_name(beside);
            if path.exists() {
                fingerprint = fingerprint.with_file(beside, &path)?;
            }
        }
        let output = VectorPaths::in_directory(self.workspace.root());
        let outputs = vec![output.vectors.clone(), output.tokens.clone(), output.counts.clone()];
        let options = EmbedOptions {
            parts,
            model,
            open: EncoderOptions {
                engine: engine_choice(distilbert.engine),
                library: distilbert.onnxruntime.clone(),
                max_length: None,
            },
            mean: MeanOptions {
                threads: self.config.threads(),
                batch_tokens: distilbert.batch_tokens,
                ..MeanOptions::default()
            },
            snapshots: Some(Snapshots {
                path: self.workspace.embed_snapshot(),
                identity: fingerprint.identity(),
                every: Duration::from_secs(distilbert.snapshot_seconds),
            }),
            output,
        };
        let work = move || Ok(serde_json::to_value(embed::embed(&options, self.progress)?)?);
        Ok(Task { name: "embed".into(), fingerprint, outputs, work: Box::new(work) })
    }

    pub(super) fn sketch(self) -> Result<Task<'s>, PipelineError> {
        let vectors = VectorPaths::in_directory(self.workspace.root());
        let (embeddings, ids) = (vectors.vectors.clone(), vectors.tokens.clone());
        let inputs = [self.made(embeddings, Stage::Embed)?, self.made(ids, Stage::Embed)?];
        let Config { sketch_depth: depth, sketch_width: width, seed, .. } = *self.config;
        let fingerprint =
            self.made_from(&inputs)?.with("sketch_depth", depth).with("sketch_width", width).with("seed", seed);
        let output = self.workspace.codes();
        let options = SketchOptions {
            vectors,
            output: output.clone(),
            shape: SketchShape::new(depth as usize, width as usize)?,
            seed,
            threads: self.config.threads(),
        };
        let work = move || Ok(serde_json::to_value(sketch::sketch(&options, self.progress)?)?);
        Ok(Task { name: "sketch".into(), fingerprint, outputs: vec![output], work: Box::new(work) })
    }
}

fn engine_choice(engine: Engine) -> EngineChoice {
    match engine {
        Engine::Auto => EngineChoice::Auto,
        Engine::Onnxruntime => EngineChoice::OnnxRuntime,
        Engine::Tract => EngineChoice::Tract,
    }
}
