//! Which text model a configuration uses: the one rule for runs, plans and single commands.

use std::path::PathBuf;

use skimlog_text::finetune::newest_checkpoint;
use thiserror::Error;

use crate::config::Config;
use crate::pipeline::StageError;
use crate::stages::finetune::{NothingToStartFrom, starts_from};
use crate::workspace::Layout;

/// Where token vectors come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextModel {
    /// A model that is there: an ONNX file or a folder as [`skimlog_text::EncoderModel::file`] takes it.
    Given(PathBuf),
    /// The newest checkpoint in the working directory, which the finetune stage makes.
    Finetuned,
}

/// Why a configuration has no text model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoTextModel {
    /// Nothing is said of one.
    #[error(
        "no text model is set: distilbert.model names one, distilbert.from_scratch with distilbert.finetune.max_steps \
         trains one; `--to features` runs the stages that need none"
    )]
    NotSet,
    /// There is to be fine-tuning of nothing.
    #[error(transparent)]
    NothingToStartFrom(#[from] NothingToStartFrom),
    /// There is to be a model of random weights that is not trained.
    #[error(
        "distilbert.from_scratch is set, but nothing says how long to train: set distilbert.finetune.epochs or \
         distilbert.finetune.max_steps"
    )]
    NeverTrained,
}

impl StageError for NoTextModel {}

/// The text model of a configuration: `distilbert.onnx`, else what fine-tuning makes, else `distilbert.model`, else a
/// checkpoint that an earlier `skimmer finetune --max-steps` left in the working directory.
///
/// # Errors
/// [`NoTextModel`].
pub fn text_model(config: &Config) -> Result<TextModel, NoTextModel> {
    let distilbert = &config.distilbert;
    if let Some(model) = &distilbert.onnx {
        return Ok(TextModel::Given(model.clone()));
    }
    if distilbert.is_finetuned() {
        starts_from(config)?;
        return Ok(TextModel::Finetuned);
    }
    let left = || newest_checkpoint(&Layout::of(&config.working_dir).distilbert());
    match distilbert.model.clone().or_else(left) {
        Some(model) => Ok(TextModel::Given(model)),
        None if distilbert.from_scratch.is_some() => Err(NoTextModel::NeverTrained),
        None => Err(NoTextModel::NotSet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FromScratch;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config { working_dir: "/no such folder".into(), ..Config::default() };
        change(&mut config);
        config
    }

    #[test]
    fn the_text_model_is_what_the_keys_say() {
        let scratch = || Some(FromScratch::default());
        let cases: [(Config, Result<TextModel, NoTextModel>); 7] = [
            (config(|_| {}), Err(NoTextModel::NotSet)),
            (config(|config| config.distilbert.model = Some("m".into())), Ok(TextModel::Given("m".into()))),
            (config(|config| config.distilbert.from_scratch = scratch()), Err(NoTextModel::NeverTrained)),
            (config(|config| config.distilbert.finetune.epochs = 1), Err(NothingToStartFrom.into())),
            (
                config(|config| {
                    config.distilbert.from_scratch = scratch();
                    config.distilbert.finetune.max_steps = Some(3);
                }),
                Ok(TextModel::Finetuned),
            ),
            (
                config(|config| {
                    config.distilbert.model = Some("m".into());
                    config.distilbert.finetune.epochs = 1;
                }),
                Ok(TextModel::Finetuned),
            ),
            (
                config(|config| {
                    config.distilbert.onnx = Some("o".into());
                    config.distilbert.finetune.epochs = 1;
                }),
                Ok(TextModel::Given("o".into())),
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(text_model(&config), expected, "{:?}", config.distilbert);
        }
    }

    #[test]
    fn a_checkpoint_that_is_there_is_a_text_model_where_no_other_is_set() {
        let folder = tempfile::tempdir().unwrap();
        for step in [9, 10] {
            std::fs::create_dir_all(folder.path().join(format!("distilbert/checkpoint-{step}"))).unwrap();
        }
        let mut config = config(|config| config.working_dir = folder.path().to_owned());
        assert_eq!(text_model(&config), Ok(TextModel::Given(folder.path().join("distilbert/checkpoint-10"))));
        config.distilbert.model = Some("m".into());
        assert_eq!(text_model(&config), Ok(TextModel::Given("m".into())));
    }
}
