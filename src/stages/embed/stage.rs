//! What the stage says of itself.

use std::path::PathBuf;
use std::time::Duration;

use skimlog_text::{EncoderModel, EncoderOptions, EngineReport, MeanOptions, Snapshots, VectorPaths};

use super::source::{TextModel, computes_vectors, text_model};
use super::vectors::{EmbedError, EmbedOptions, EmbedSummary, embed};
use crate::config::Config;
use crate::pipeline::{Context, PipelineError, Remark, Stage, StageError, Task, TaskReport, TaskRunner};
use crate::stages::convert::training_parts;
use crate::stages::finetune::checkpoint;
use crate::workspace::Layout;

/// Token vectors → `token_embeddings.npy`, `token_ids.npy`, `token_counts.npy`.
pub struct Embed;

pub(super) const NAME: &str = "embed";

/// Files that a model may be made of besides its ONNX file.
const BESIDE: [&str; 2] = ["model.onnx.data", "config.json"];

impl StageError for EmbedError {}

fn paths(layout: &Layout) -> VectorPaths {
    VectorPaths { vectors: layout.token_embeddings(), tokens: layout.token_ids(), counts: layout.token_counts() }
}

/// The token vectors and their tokens, which must be there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn token_vectors(context: &Context<'_>) -> Result<VectorPaths, PipelineError> {
    let paths = paths(context.workspace);
    context.made(paths.vectors.clone(), NAME)?;
    context.made(paths.tokens.clone(), NAME)?;
    Ok(paths)
}

impl Stage for Embed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Compute the text model's mean vector of each token (token_embeddings.npy, token_ids.npy, token_counts.npy)"
    }

    fn is_part_of(&self, config: &Config) -> bool {
        computes_vectors(config)
    }

    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        match text_model(config)? {
            TextModel::Given(model) => Ok(EncoderModel::check(&model).map_err(EmbedError::from)?),
            TextModel::Finetuned => Ok(()),
        }
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        let VectorPaths { vectors, tokens, counts } = paths(layout);
        vec![vectors, tokens, counts]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        let distilbert = &config.distilbert;
        let model = match text_model(config)? {
            TextModel::Given(model) => model,
            TextModel::Finetuned => checkpoint(context)?,
        };
        let mut parts = training_parts(context)?;
        parts.truncate(distilbert.max_n_parts);
        let file = EncoderModel::file(&model).map_err(EmbedError::from)?;
        let mut fingerprint = context
            .made_from(&parts)?
            .with_file("distilbert.model", &file)?
            .with("distilbert.engine", format!("{:?}", distilbert.engine).to_lowercase())
            .with(
                "distilbert.batch_tokens",
                distilbert.batch_tokens.map_or("null".into(), |tokens| tokens.to_string()),
            );
        for beside in BESIDE {
            let path = file.with_file_name(beside);
            if path.exists() {
                fingerprint = fingerprint.with_file(beside, &path)?;
            }
        }
        let options = EmbedOptions {
            parts,
            model,
            open: EncoderOptions {
                engine: distilbert.engine,
                library: distilbert.onnxruntime.clone(),
                max_length: None,
            },
            mean: MeanOptions {
                threads: config.threads(),
                batch_tokens: distilbert.batch_tokens,
                ..MeanOptions::default()
            },
            snapshots: Some(Snapshots {
                path: workspace.embed_snapshot(),
                identity: fingerprint.identity(),
                every: Duration::from_secs(distilbert.snapshot_seconds),
            }),
            output: paths(workspace),
        };
        let work = move || Ok(embed(&options, progress)?);
        tasks.run(Task::new(NAME, fingerprint, self.makes(workspace), work))
    }

    fn remarks(&self, report: &TaskReport) -> Result<Vec<Remark>, PipelineError> {
        let EmbedSummary { engine, .. } = report.read_summary()?;
        Ok(vec![Remark::Note(computed_by(&engine))])
    }
}

/// What ran the text model, and what would be faster.
fn computed_by(report: &EngineReport) -> String {
    let mut line = format!("computed by {report}");
    if let Some(library) = &report.library {
        line += &format!(", library {}", library.display());
    }
    match (&*report.engine, &report.fallback) {
        (_, None) => {}
        ("tract", Some(reason)) => {
            line += &format!(
                "; ONNX Runtime, which is faster, cannot be used: {reason}; `pip install onnxruntime`, or name its \
                 library in ORT_DYLIB_PATH"
            );
        }
        (_, Some(reason)) => line += &format!("; CUDA, which is faster, cannot be used: {reason}"),
    }
    line
}
