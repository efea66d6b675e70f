//! What the stage says of itself.

use std::path::PathBuf;

use serde_json::Value;
use skimlog_features::sketch::TextMode;
use skimlog_runtime::files::remove_if_there;
use skimlog_text::distilbert::{CONFIG_FILE, WEIGHTS_FILE, check_folder};
use skimlog_text::finetune::{MODEL_FILE, Start, finetune, newest_checkpoint};

use super::options::{FinetuneError, Training, starts_from};
use crate::config::Config;
use crate::pipeline::{Context, PipelineError, Stage, Task, TaskRunner};
use crate::stages::convert::training_parts;
use crate::stages::embed::text_mode;
use crate::workspace::{Fingerprint, Layout};

/// The text model → `distilbert/checkpoint-N/`.
pub struct Finetune;

pub(super) const NAME: &str = "finetune";

/// The model of the newest checkpoint, which must be there.
///
/// # Errors
/// [`PipelineError::Missing`].
pub fn checkpoint(context: &Context<'_>) -> Result<PathBuf, PipelineError> {
    let folder = context.workspace.distilbert();
    context.made(newest_checkpoint(&folder).unwrap_or(folder).join(MODEL_FILE), NAME)
}

impl Stage for Finetune {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Train the text model on the parts' token ids: tokens are hidden, and it guesses them \
         (distilbert/checkpoint-N/)"
    }

    fn is_part_of(&self, config: &Config) -> bool {
        config.distilbert.is_finetuned() && text_mode(config) == TextMode::DistilBert
    }

    fn check(&self, config: &Config) -> Result<(), PipelineError> {
        if !config.distilbert.is_finetuned() {
            return Ok(());
        }
        match starts_from(config).map_err(FinetuneError::from)? {
            Start::Scratch(_) => Ok(()),
            Start::Folder(folder) => Ok(check_folder(&folder).map_err(|error| FinetuneError::Text(error.into()))?),
        }
    }

    fn makes(&self, layout: &Layout) -> Vec<PathBuf> {
        vec![layout.distilbert()]
    }

    fn run(&self, context: &Context<'_>, tasks: &mut TaskRunner<'_>) -> Result<(), PipelineError> {
        let Context { config, workspace, progress, .. } = *context;
        if tasks.is_forced() {
            // Else it would go on from there.
            remove_if_there(&workspace.distilbert())?;
        }
        let training = Training::new(config, training_parts(context)?)?;
        let fingerprint = fingerprint(context, &training)?;
        let output = workspace.distilbert();
        let outputs = vec![output.clone()];
        let work = move || {
            let Training { parts, start, options } = &training;
            Ok(finetune(parts, start, options, &output, progress).map_err(FinetuneError::from)?)
        };
        tasks.run(Task::new(NAME, fingerprint, outputs, work))
    }
}

fn fingerprint(context: &Context<'_>, training: &Training) -> Result<Fingerprint, PipelineError> {
    let mut fingerprint = context.made_from(&training.parts)?;
    match &training.start {
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
    if let Value::Object(settings) = serde_json::to_value(&training.options)? {
        for (key, value) in settings {
            fingerprint = fingerprint.with(&format!("distilbert.finetune.{key}"), value);
        }
    }
    Ok(fingerprint)
}
