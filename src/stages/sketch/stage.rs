//! What the stage says of itself.

use std::path::PathBuf;

use skimlog_features::sketch::{SketchShape, TextMode, TokenCodes};

use super::codes::{CodeSource, SketchOptions, SketchStageError, SketchSummary, sketch};
use crate::config::Config;
use crate::pipeline::{Context, PipelineError, Remark, Stage, StageError, Task, TaskReport, TaskRunner};
use crate::stages::embed::{text_mode, token_vectors};
use crate::workspace::Layout;

/// Token codes → `codes.skim`.
pub struct Sketch;

pub(super) const NAME: &str = "sketch";

impl StageError for SketchStageError {}

/// The file with the token codes, which must be there; `None` where the network sees nothing of a tweet's text.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn token_codes(context: &Context<'_>) -> Result<Option<PathBuf>, PipelineError> {
    match text_mode(context.config) {
        TextMode::None => Ok(None),
        TextMode::Hashed | TextMode::DistilBert => context.made(context.workspace.codes(), NAME).map(Some),
    }
}

impl Stage for Sketch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Code the tokens, from their vectors or by a hash of their ids (codes.skim)"
    }

    fn is_part_of(&self, config: &Config) -> bool {
        text_mode(config) != TextMode::None
    }

    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        match text_mode(config) {
            TextMode::None => Err(SketchStageError::NoText.into()),
            TextMode::Hashed => {
                Ok(TokenCodes::check_vocabulary(config.vocabulary_size).map_err(SketchStageError::Vocabulary)?)
            }
            TextMode::DistilBert => Ok(()),
        }
    }

    fn note(&self, config: &Config) -> Option<&'static str> {
        let by_default = config.text.is_none() && text_mode(config) == TextMode::Hashed;
        by_default
            .then_some("no text model is set, so the network sees tweets' text as hashed token ids (text: hashed)")
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.codes()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        let Config { sketch_depth: depth, sketch_width: width, seed, vocabulary_size, .. } = *config;
        let (source, made_from) = match text_mode(config) {
            TextMode::None => return Err(SketchStageError::NoText.into()),
            TextMode::Hashed => {
                let made_from = context.made_from([])?.with("text", TextMode::Hashed);
                (CodeSource::TokenIds(vocabulary_size), made_from.with("vocabulary_size", vocabulary_size))
            }
            TextMode::DistilBert => {
                let vectors = token_vectors(context)?;
                let made_from = context.made_from([&vectors.vectors, &vectors.tokens])?;
                (CodeSource::Vectors(vectors), made_from)
            }
        };
        let fingerprint = made_from.with("sketch_depth", depth).with("sketch_width", width).with("seed", seed);
        let output = workspace.codes();
        let options = SketchOptions {
            source,
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
        Ok(quality.map(|quality| Remark::Detail(quality.to_string())).into_iter().collect())
    }
}
