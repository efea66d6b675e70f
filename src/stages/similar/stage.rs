//! What the stage says of itself.

use std::path::PathBuf;

use skimlog_features::similar::{SimilarError, SimilaritySettings};
use skimlog_formats::columnar::ColumnarError;
use skimlog_runtime::files::AtomicFile;

use super::find::similar;
use crate::pipeline::{Context, PipelineError, Stage, StageError, Task, TaskRunner};
use crate::stages::convert::training_parts;
use crate::workspace::Layout;

/// Follower sets → `similar.skim`.
pub struct Similar;

pub(super) const NAME: &str = "similar";

impl StageError for SimilarError {}

/// The file with the authors' similar authors, which must be there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn similar_authors(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    context.made(context.workspace.similar(), NAME)
}

impl Stage for Similar {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Find authors with similar follower sets (similar.skim)"
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.similar()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        let parts = training_parts(context)?;
        let settings =
            SimilaritySettings { threshold: config.authors_similarity_threshold, top: config.authors_similarity_top_n };
        let fingerprint = context
            .made_from(&parts)?
            .with("authors_similarity_threshold", settings.threshold)
            .with("authors_similarity_top_N", settings.top);
        let output = workspace.similar();
        let outputs = vec![output.clone()];
        let work = move || {
            let scratch = workspace.scratch(NAME)?;
            let budget = config.memory_budget() as usize;
            let out = std::io::BufWriter::new(AtomicFile::create(&output)?);
            // On one of the threads that share the work, so that the others are woken beside it.
            let made = rayon::scope(|_| similar(&parts, settings, budget, &scratch, out, progress));
            let (out, summary) = made.map_err(|error| match error {
                SimilarError::File(ColumnarError::Write(source)) => PipelineError::write(&output)(source),
                error => error.into(),
            })?;
            out.into_inner().map_err(|error| PipelineError::write(&output)(error.into_error()))?.commit()?;
            Ok(summary)
        };
        tasks.run(Task::new(NAME, fingerprint, outputs, work))
    }
}
