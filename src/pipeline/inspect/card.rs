//! A model folder as a card: what it was trained on, what it counts, how good it is.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skimlog_formats::Reaction;
use skimlog_model::bundle::{self, Bundle, BundleError, BundleManifest, Counted, TrainedOn, Verify};
use skimlog_network::Precision;
use skimlog_network::metrics::Report;
use thiserror::Error;

use super::path_text;
use crate::amounts;

/// What a model folder says of itself. What its version did not record is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCard {
    /// The folder.
    #[serde(serialize_with = "path_text")]
    pub path: PathBuf,
    /// Always `model`.
    pub kind: &'static str,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Version of the program that made it.
    pub skimmer: Option<String>,
    /// Version of the folder's layout.
    pub format_version: u32,
    /// Version of what the network's input means.
    pub feature_version: u32,
    /// The day of the newest record counted, as `2021-02-10`.
    pub date: Option<String>,
    /// What the network was trained on.
    pub trained: Option<TrainedOn>,
    /// What was counted.
    pub counted: Option<Counted>,
    /// The network.
    pub network: NetworkCard,
    /// Keys of the configuration, and their values when it was made.
    pub configuration: BTreeMap<String, String>,
    /// Measures on the hold-out records; `None` before it was evaluated.
    pub measures: Option<Measured>,
    #[serde(skip)]
    report: Option<Report>,
}

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkCard {
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Rows of the tweet sketch.
    pub sketch_depth: usize,
    /// Numbers in a row of the tweet sketch.
    pub sketch_width: usize,
    /// Whether it sees the logarithms of the numbers.
    pub logarithms: bool,
    /// Known languages.
    pub languages: usize,
    /// Precisions that it is there in.
    pub precisions: Vec<String>,
}

/// Measures on the hold-out records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Number of records.
    pub records: u64,
    /// Mean binary cross entropy over records and reactions, in nats.
    pub cross_entropy: f64,
    /// Average precision of each reaction.
    pub average_precision: BTreeMap<&'static str, Option<f64>>,
    /// Relative cross entropy of each reaction, in percent.
    pub relative_cross_entropy: BTreeMap<&'static str, Option<f64>>,
}

/// Why there is no card.
#[derive(Debug, Error)]
pub enum CardError {
    /// The folder is no model, or a damaged one.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The measures cannot be read.
    #[error("{}: {source}; delete the file, or make it anew with `skimmer evaluate --force`", .path.display())]
    Measures {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
}

/// Whether the folder at `path` is a model, as far as names tell.
pub fn is_model(path: &Path) -> bool {
    path.join(bundle::MANIFEST).exists() && path.join(bundle::WEIGHTS).exists()
}

/// The card of a model folder. With [`Verify::Checksums`], every file is read.
///
/// # Errors
/// [`CardError`].
pub fn model_card(path: &Path, verify: Verify) -> Result<ModelCard, CardError> {
    let bundle = Bundle::open(path, verify)?;
    let report = measures(&path.join(bundle::EVALUATION))?;
    let BundleManifest { format_version, feature_version, sketch_depth, sketch_width, logarithms, .. } =
        *bundle.manifest();
    let BundleManifest { hidden, languages, ref files, ref origin, .. } = *bundle.manifest();
    let precisions = Precision::ALL.into_iter().filter(|&one| files.contains_key(&bundle::network_file(one)));
    let precisions = precisions.map(|precision| precision.to_string()).collect();
    let origin = origin.clone().unwrap_or_default();
    let measures = report.as_ref().map(|report| Measured {
        records: report.records,
        cross_entropy: report.cross_entropy,
        average_precision: of_each(|reaction| report.overall[reaction].average_precision),
        relative_cross_entropy: of_each(|reaction| report.overall[reaction].relative_cross_entropy),
    });
    Ok(ModelCard {
        path: path.to_owned(),
        kind: "model",
        bytes: files.values().fold(0, |sum, file| sum.saturating_add(file.bytes)),
        skimmer: origin.skimmer,
        format_version,
        feature_version,
        date: origin.date,
        trained: origin.trained,
        counted: origin.counted,
        network: NetworkCard { hidden, sketch_depth, sketch_width, logarithms, languages, precisions },
        configuration: origin.configuration,
        measures,
        report,
    })
}

fn of_each(value: impl Fn(Reaction) -> Option<f64>) -> BTreeMap<&'static str, Option<f64>> {
    Reaction::ALL.into_iter().map(|reaction| (reaction.name(), value(reaction))).collect()
}

/// What `skimmer evaluate` left beside the model, if it did.
fn measures(path: &Path) -> Result<Option<Report>, CardError> {
    #[derive(Deserialize)]
    struct Evaluated {
        hold_out: Option<Report>,
    }
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other,
    };
    let read = text.and_then(|text| Ok(serde_json::from_slice::<Evaluated>(&text)?));
    let read = read.map_err(|source| CardError::Measures { path: path.to_owned(), source })?;
    Ok(read.hold_out)
}

impl fmt::Display for ModelCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "not recorded".to_owned();
        let NetworkCard { hidden, sketch_depth, sketch_width, logarithms, languages, precisions } = &self.network;
        let logarithms = if *logarithms { ", logarithms" } else { "" };
        let lines = [
            ("model", format!("{}, {}", self.path.display(), amounts::bytes(self.bytes as f64))),
            ("made by", self.skimmer.as_ref().map_or_else(unknown, |version| format!("skimmer {version}"))),
            ("data up to", self.date.clone().unwrap_or_else(unknown)),
            ("trained on", self.trained.as_ref().map_or_else(unknown, trained)),
            ("counted", self.counted.as_ref().map_or_else(unknown, counted)),
            (
                "network",
                format!(
                    "hidden size {hidden}, sketch {sketch_depth} x {sketch_width}{logarithms}, {}",
                    amounts::counted(*languages as u64, "language", "languages")
                ),
            ),
            ("precisions", precisions.join(", ")),
        ];
        lines.iter().try_for_each(|(name, value)| writeln!(f, "{name:<13} {value}"))?;
        let width = self.configuration.keys().map(String::len).max().unwrap_or(0);
        for (number, (key, value)) in self.configuration.iter().enumerate() {
            writeln!(f, "{:<13} {key:<width$}  {value}", if number == 0 { "configuration" } else { "" })?;
        }
        match &self.report {
            Some(report) => write!(f, "\nhold-out records\n{report}"),
            None => write!(f, "{:<13} none: `skimmer evaluate` has not measured it", "measures"),
        }
    }
}

fn trained(trained: &TrainedOn) -> String {
    let mut text = amounts::counted(trained.records(), "record", "records");
    if let Some([first, last]) = trained.range() {
        text += &format!(" of {}, {first} to {last}", amounts::counted(trained.days.len() as u64, "day", "days"));
    }
    if trained.finetune > 0 {
        text += &format!("; then {}", amounts::counted(trained.finetune, "finetune record", "finetune records"));
    }
    if trained.warm_starts > 0 {
        text += &format!("; {}", amounts::counted(trained.warm_starts, "warm start", "warm starts"));
    }
    text
}

fn counted(counted: &Counted) -> String {
    let Counted { tweets, training, finetune, hold_out } = counted;
    let number = |number: &u64| amounts::count(*number);
    let mut text =
        format!("{} training, {} finetune, {} hold-out records", number(training), number(finetune), number(hold_out));
    if let Some([first, last]) = tweets {
        text += &format!("; tweets of {first} to {last}");
    }
    text
}
