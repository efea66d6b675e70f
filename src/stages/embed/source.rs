//! What a configuration has the network see of a tweet's text, and which text model it uses: the one rule for runs,
//! plans and single commands.

use std::path::PathBuf;

use skimlog_features::sketch::TextMode;
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
         trains one; `text: hashed` needs none"
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

/// What the network sees of a tweet's text: what `text` says, else token vectors where there is a text model or an
/// earlier `skimmer embed` left its vectors in the working directory, else hashed token ids.
pub fn text_mode(config: &Config) -> TextMode {
    let without_model = || {
        let vectors = Layout::of(&config.working_dir).token_embeddings();
        if is_not_set(config) && !vectors.exists() { TextMode::Hashed } else { TextMode::DistilBert }
    };
    config.text.unwrap_or_else(without_model)
}

/// Whether token vectors are to be computed: where the network sees them, but for those that an earlier `skimmer embed`
/// left, if the configuration says nothing of text.
pub fn computes_vectors(config: &Config) -> bool {
    text_mode(config) == TextMode::DistilBert && (config.text.is_some() || !is_not_set(config))
}

fn is_not_set(config: &Config) -> bool {
    text_model(config) == Err(NoTextModel::NotSet)
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

    #[test]
    fn the_text_is_hashed_where_there_is_neither_a_model_nor_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(|config| config.working_dir = folder.path().to_owned());
        let found = |config: &Config| (text_mode(config), computes_vectors(config));
        assert_eq!(found(&config), (TextMode::Hashed, false));
        // Keys that make no whole model are an error, and not passed over.
        config.distilbert.from_scratch = Some(FromScratch::default());
        assert_eq!(found(&config), (TextMode::DistilBert, true));
        config.distilbert.from_scratch = None;
        config.distilbert.finetune.epochs = 1;
        assert_eq!(found(&config), (TextMode::DistilBert, true));
        config.distilbert.finetune.epochs = 0;
        // Vectors that are there are used as they are, unless it is said that they are to be computed.
        std::fs::write(folder.path().join("token_embeddings.npy"), "vectors").unwrap();
        assert_eq!(found(&config), (TextMode::DistilBert, false));
        config.distilbert.model = Some("m".into());
        assert_eq!(found(&config), (TextMode::DistilBert, true));
        config.distilbert.model = None;
        for (text, computes) in [(TextMode::None, false), (TextMode::Hashed, false), (TextMode::DistilBert, true)] {
            config.text = Some(text);
            assert_eq!(found(&config), (text, computes));
        }
    }
}
