//! What the stage says of itself.

use std::path::PathBuf;

use skimlog_features::sketch::SketchShape;

use super::codes::{SketchOptions, SketchStageError, SketchSummary, sketch};
use crate::config::Config;
use crate::pipeline::{Context, PipelineError, Remark, Stage, StageError, Task, TaskReport, TaskRunner};
use crate::stages::embed::token_vectors;
use crate::workspace::Layout;

/// Token codes → `codes.skim`.
pub struct Sketch;

pub(super) const NAME: &str = "sketch";

impl StageError for SketchStageError {}

/// The file with the token codes, which must be there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn token_codes(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    context.made(context.workspace.codes(), NAME)
}

impl Stage for Sketch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Code the token vectors (codes.skim)"
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.codes()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        let vectors = token_vectors(context)?;
        let Config { sketch_depth: depth, sketch_width: width, seed, .. } = *config;
        let fingerprint = context
            .made_from([&vectors.vectors, &vectors.tokens])?
            .with("sketch_depth", depth)
            .with("sketch_width", width)
            .with("seed", seed);
        let output = workspace.codes();
        let options = SketchOptions {
            vectors,
            output: output.clone(),
            shape: SketchShape::new(depth as usize, width as usize).map_err(SketchStageError::Shape)?,
            seed,
            threads: config.threads(),
        };
        let work = move || Ok(sketch(&options, progress)?);
        tasks.run(Task::new(NAME, fingerprint, vec![output], work))
    }

    fn remarks(&self, report: &TaskReport) -> Result<Vec<Remark>, PipelineError> {
        let SketchSummary { quality, .. } = report.read_summary()?;
        Ok(vec![Remark::Detail(quality.to_string())])
    }
}
