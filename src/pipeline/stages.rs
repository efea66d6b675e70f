//! Which stages a configuration has and which text model they use: the one rule for runs, plans and single commands.

use std::path::PathBuf;

use skimlog_text::distilbert::check_folder;
use skimlog_text::finetune::newest_checkpoint;
use skimlog_text::{EncoderModel, TextError};
use thiserror::Error;

use super::{PipelineError, Stage};
use crate::config::Config;
use crate::workspace::Workspace;

/// Where token vectors come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextModel {
    /// A model that is there: an ONNX file or a folder as [`EncoderModel::file`] takes it.
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
    #[error(
        "distilbert.finetune asks for a training, but nothing says what to start from: set distilbert.model, or \
         distilbert.from_scratch for random weights"
    )]
    NothingToStartFrom,
    /// There is to be a model of random weights that is not trained.
    #[error(
        "distilbert.from_scratch is set, but nothing says how long to train: set distilbert.finetune.epochs or \
         distilbert.finetune.max_steps"
    )]
    NeverTrained,
}

/// The text model of a configuration: `distilbert.onnx`, else what fine-tuning makes, else `distilbert.model`, else a
/// checkpoint that an earlier `skimmer finetune --max-steps` left in the working directory.
///
/// # Errors
/// [`NoTextModel`].
pub fn text_model(config: &Config) -> Result<TextModel, NoTextModel> {
    let distilbert = &config.distilbert;
    let can_start = distilbert.from_scratch.is_some() || distilbert.model.is_some();
    if let Some(model) = &distilbert.onnx {
        return Ok(TextModel::Given(model.clone()));
    }
    if distilbert.is_finetuned() {
        return if can_start { Ok(TextModel::Finetuned) } else { Err(NoTextModel::NothingToStartFrom) };
    }
    let left = || newest_checkpoint(&config.working_dir.join(Workspace::DISTILBERT));
    match distilbert.model.clone().or_else(left) {
        Some(model) => Ok(TextModel::Given(model)),
        None if distilbert.from_scratch.is_some() => Err(NoTextModel::NeverTrained),
        None => Err(NoTextModel::NotSet),
    }
}

/// The stages that a configuration has of those from `from` to `to`, in their order. `finetune` is left out where there
/// is no fine-tuning, `evaluate` where there is no validation part, unless nothing else was asked for.
///
/// # Errors
/// What the configuration lacks for one of them, so that it is known before hours of work: [`PipelineError::NoTextModel`],
/// and what [`EncoderModel::check`] says of the text model's files.
pub fn stages(config: &Config, from: Stage, to: Stage) -> Result<Vec<Stage>, PipelineError> {
    let asked = |stage: &Stage| (from..=to).contains(stage);
    let distilbert = &config.distilbert;
    if asked(&Stage::Finetune) && distilbert.is_finetuned() {
        match (&distilbert.from_scratch, &distilbert.model) {
            (Some(_), _) => {}
            (None, Some(folder)) => check_folder(folder).map_err(TextError::from)?,
            (None, None) => return Err(NoTextModel::NothingToStartFrom.into()),
        }
    }
    if asked(&Stage::Embed)
        && let TextModel::Given(model) = text_model(config)?
    {
        EncoderModel::check(&model)?;
    }
    let has = |stage: &Stage| match stage {
        Stage::Finetune => distilbert.is_finetuned() || from == to,
        Stage::Evaluate => config.validation_part.is_some() || from == to,
        _ => true,
    };
    Ok(Stage::ALL.into_iter().filter(asked).filter(has).collect())
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
            (config(|config| config.distilbert.finetune.epochs = 1), Err(NoTextModel::NothingToStartFrom)),
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

    #[test]
    fn stages_are_those_the_configuration_has() {
        let names = |config: &Config, from, to| {
            let stages = stages(config, from, to);
            stages.map(|stages| stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(" "))
        };
        let bare = config(|_| {});
        assert_eq!(names(&bare, Stage::Convert, Stage::Features).unwrap(), "convert similar features");
        assert!(matches!(names(&bare, Stage::Convert, Stage::Evaluate), Err(PipelineError::NoTextModel(_))));
        // What was made with another configuration may be gone on from.
        assert_eq!(names(&bare, Stage::Sketch, Stage::Evaluate).unwrap(), "sketch train");
        assert_eq!(names(&bare, Stage::Evaluate, Stage::Evaluate).unwrap(), "evaluate");
        let full = config(|config| {
            config.distilbert.from_scratch = Some(FromScratch::default());
            config.distilbert.finetune.epochs = 1;
            config.validation_part = Some("v".into());
        });
        let all = Stage::ALL.map(Stage::name).join(" ");
        assert_eq!(names(&full, Stage::Convert, Stage::Evaluate).unwrap(), all);
    }
}
