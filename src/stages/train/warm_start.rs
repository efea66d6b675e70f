//! A warm start: training goes on from the last model, on the days that it was not trained on.
//!
//! The last model is the one in the working directory (`model/`), whose manifest says on which days it was trained. It
//! can be gone on from if its network reads the same inputs: same sizes, same token codes. Languages may be added.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use skimlog_features::input::{Day, Languages};
use skimlog_features::sketch::{TextMode, TokenCodes};
use skimlog_model::bundle::{Bundle, BundleError, TrainedOn, Verify, WEIGHTS};
use skimlog_network::Network;
use thiserror::Error;

use super::settings::recipe;
use super::summary::WarmStartSummary;
use crate::config::Config;
use crate::pipeline::examples::{Examples, StoredExamples};
use crate::stages::embed::text_mode;

/// Why training cannot go on from the last model.
#[derive(Debug, Error)]
pub enum WarmStartError {
    /// The network would have another shape.
    #[error(
        "train.warm_start: the network in {} has {key} {found}, the configuration says {expected}: set it back, or set \
         train.warm_start: false to train anew",
        .model.display()
    )]
    Shape {
        /// The model.
        model: PathBuf,
        /// The key of the configuration.
        key: &'static str,
        /// The model's value.
        found: String,
        /// The configuration's value.
        expected: String,
    },
    /// The network was trained on sketches of other codes.
    #[error(
        "train.warm_start: the network in {} was trained with other token codes than codes.skim has now, because the \
         text model, its parts or the sketch changed: set that back, or set train.warm_start: false to train anew",
        .model.display()
    )]
    Codes {
        /// The model.
        model: PathBuf,
    },
    /// The model does not say what it was trained on.
    #[error(
        "train.warm_start: {} does not say on which days it was trained, because an earlier version made it: train \
         once with train.warm_start: false",
        .model.display()
    )]
    NoDays {
        /// The model.
        model: PathBuf,
    },
    /// The model cannot be read.
    #[error("train.warm_start: {0}")]
    Model(#[from] BundleError),
}

/// The model that training goes on from.
#[derive(Debug)]
pub(super) struct LastModel {
    bundle: Bundle,
    trained: TrainedOn,
}

impl LastModel {
    /// Opens the model in this folder if the configuration asks for a warm start; `None` if there is no model yet.
    ///
    /// # Errors
    /// [`WarmStartError`] if the network is not the one that the configuration says, or does not say its days.
    pub(super) fn find(model: &Path, config: &Config) -> Result<Option<Self>, WarmStartError> {
        if !config.train.warm_start {
            return Ok(None);
        }
        let bundle = match Bundle::open(model, Verify::Sizes) {
            Err(BundleError::NoBundle { .. }) => return Ok(None),
            other => other?,
        };
        let manifest = bundle.manifest();
        let text = text_mode(config);
        // A network that sees nothing of the text has no sketch.
        let (depth, width) = if text == TextMode::None { (0, 0) } else { (config.sketch_depth, config.sketch_width) };
        let values = [
            ("train.hidden_size", manifest.hidden.to_string(), config.train.hidden_size.to_string()),
            ("train.logarithms", manifest.logarithms.to_string(), recipe(config).logarithms.to_string()),
            ("text", manifest.text.to_string(), text.to_string()),
            ("sketch_depth", manifest.sketch_depth.to_string(), depth.to_string()),
            ("sketch_width", manifest.sketch_width.to_string(), width.to_string()),
        ];
        if let Some((key, found, expected)) = values.into_iter().find(|(_, found, expected)| found != expected) {
            return Err(WarmStartError::Shape { model: model.to_owned(), key, found, expected });
        }
        let trained = manifest.origin.as_ref().and_then(|origin| origin.trained.clone());
        let trained = trained.filter(|trained| !trained.days.is_empty());
        let trained = trained.ok_or_else(|| WarmStartError::NoDays { model: model.to_owned() })?;
        Ok(Some(Self { bundle, trained }))
    }

    /// Makes sure that the network knows these codes.
    ///
    /// # Errors
    /// [`WarmStartError::Codes`].
    pub(super) fn expect_codes(&self, codes: Option<&TokenCodes>) -> Result<(), WarmStartError> {
        match self.bundle.codes()?.as_ref() == codes {
            true => Ok(()),
            false => Err(WarmStartError::Codes { model: self.bundle.directory().to_owned() }),
        }
    }

    /// What the network has learned from.
    pub(super) fn trained(&self) -> &TrainedOn {
        &self.trained
    }

    /// The languages that the network knows.
    pub(super) fn languages(&self) -> &Languages {
        self.bundle.languages()
    }

    /// The days of these records that the network was trained on.
    pub(super) fn days_of(&self, examples: &StoredExamples) -> BTreeSet<Day> {
        let days = examples.survey().days.keys().copied();
        days.filter(|day| self.trained.days.contains_key(&day.to_string())).collect()
    }

    /// What stands for the network and its days in a checkpoint's fingerprint.
    pub(super) fn identity(&self) -> String {
        let weights = self.bundle.manifest().files.get(WEIGHTS).map(|entry| entry.xxh3.as_str());
        let days: Vec<&str> = self.trained.days.keys().map(String::as_str).collect();
        format!("weights {}, days {}", weights.unwrap_or_default(), days.join(" "))
    }

    /// The network, for these languages. One that it does not know begins as the unknown language.
    ///
    /// # Errors
    /// [`WarmStartError::Model`].
    pub(super) fn network(&self, languages: &Languages) -> Result<Network, WarmStartError> {
        let (network, known) = (self.bundle.network()?, self.languages());
        if known == languages {
            return Ok(network);
        }
        let rows = languages.ids().iter().map(|&id| known.index(id) as usize).chain([known.len()]);
        Ok(network.with_language_rows(&rows.collect::<Vec<_>>()))
    }

    /// What to say of going on with these records.
    pub(super) fn summary(&self, examples: &StoredExamples) -> WarmStartSummary {
        let late = examples.survey().days.iter().filter_map(|(day, tally)| {
            let before = self.trained.days.get(&day.to_string())?;
            Some(tally.records.saturating_sub(*before))
        });
        WarmStartSummary {
            days_before: self.trained.days.len() as u64,
            last_day: self.trained.range().map(|[_, last]| last.to_owned()),
            late_records: late.sum(),
            new_languages: (examples.languages().len() - self.languages().len()) as u64,
        }
    }
}
