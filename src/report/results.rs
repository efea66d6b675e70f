//! What is known of a working directory.

use std::path::Path;

use serde::de::DeserializeOwned;
use skimlog_features::sketch::TextMode;
use skimlog_model::bundle::{Bundle, Verify};
use skimlog_network::metrics::Report;

use super::error::ReportError;
use crate::pipeline::Stage;
use crate::stages::evaluate::EvaluateSummary;
use crate::stages::train::{Point, TrainSummary};
use crate::stages::{Evaluate, Train, position_of_task};
use crate::workspace::{Layout, Manifest, TaskRecord};

/// What is known of a working directory.
pub(super) struct Results {
    /// Finished tasks in the order in which they run.
    pub(super) tasks: Vec<(String, TaskRecord)>,
    /// What the network sees of a tweet's text, if the model is still there.
    pub(super) text: Option<TextMode>,
    pub(super) training: TrainSummary,
    pub(super) curve: Vec<Point>,
    /// Hold-out measures of the model.
    pub(super) hold_out: Option<Report>,
}

impl Results {
    pub(super) fn read(directory: &Path) -> Result<Self, ReportError> {
        let manifest = Manifest::read(directory)?;
        let nothing = || ReportError::NothingTrained { directory: directory.to_owned() };
        let layout = Layout::of(directory);
        let training = summary::<TrainSummary>(&layout, &manifest, &Train)?.ok_or_else(nothing)?;
        let log = layout.training_log();
        let text = std::fs::read_to_string(&log).map_err(|source| ReportError::File { path: log.clone(), source })?;
        let points = text.lines().map(|line| serde_json::from_str(line).map_err(ReportError::content(&log)));
        // The curve is of the last training; that of a warm start without new days is an earlier one.
        let curve = if training.days.is_empty() { Vec::new() } else { points.collect::<Result<_, _>>()? };
        let measured = summary::<EvaluateSummary>(&layout, &manifest, &Evaluate)?;
        let mut tasks: Vec<_> = manifest.tasks().map(|(name, record)| (name.to_owned(), record.clone())).collect();
        tasks.sort_by_key(|(name, _)| position_of_task(name));
        let hold_out = measured.and_then(|summary| summary.hold_out);
        let text = Bundle::open(layout.model(), Verify::Sizes).ok().map(|bundle| bundle.manifest().text);
        Ok(Self { tasks, text, training, curve, hold_out })
    }
}

/// The summary of a finished stage.
fn summary<S: DeserializeOwned>(
    layout: &Layout,
    manifest: &Manifest,
    stage: &dyn Stage,
) -> Result<Option<S>, ReportError> {
    let Some(record) = manifest.task(stage.name()) else { return Ok(None) };
    S::deserialize(&record.summary).map(Some).map_err(ReportError::content(&layout.manifest()))
}
