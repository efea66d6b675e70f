//! What a working directory has come to, as one HTML file that needs nothing else: loss and learning rate, measures before
//! and after fine-tuning, precision–recall and calibration, feature coverage, times and memory.

mod chart;
mod page;
mod style;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::metrics::Report;
use crate::pipeline::Stage;
use crate::stages::evaluate::EvaluateSummary;
use crate::stages::train::{Point, TrainSummary};
use crate::stages::{Evaluate, Train, position_of_task};
use crate::workspace::{InputFiles, Layout, Manifest, TaskRecord, WorkspaceError, entries, write_file};

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Nothing has been trained in the directory.
    #[error("{}: nothing was trained here yet: run `skimmer run` or `skimmer train` first", .directory.display())]
    NothingTrained {
        /// The working directory.
        directory: PathBuf,
    },
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}: train again, or make the report with the version that trained", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The manifest cannot be read, or the report not be written.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl ReportError {
    fn content(path: &Path) -> impl FnOnce(serde_json::Error) -> Self {
        move |error| Self::Content { path: path.to_owned(), reason: error.to_string() }
    }
}

/// What is known of a working directory.
struct Results {
    /// Finished tasks in the order in which they run.
    tasks: Vec<(String, TaskRecord)>,
    training: TrainSummary,
    curve: Vec<Point>,
    /// Hold-out measures of the model.
    hold_out: Option<Report>,
}

/// Writes the report of a working directory to `output`. The directory may be in use meanwhile.
///
/// # Errors
/// [`ReportError`].
pub fn write_report(directory: &Path, output: &Path) -> Result<(), ReportError> {
    let made_here = entries(directory).unwrap_or_default();
    let usual = Layout::of(directory).report();
    let others = made_here.iter().map(PathBuf::as_path).filter(|path| path.file_name() != usual.file_name());
    InputFiles::of(others).ensure_none_is(output)?;
    let html = page::html(&Results::read(directory)?);
    Ok(write_file(output, |out| out.write_all(html.as_bytes()))?)
}

impl Results {
    fn read(directory: &Path) -> Result<Self, ReportError> {
        let manifest = Manifest::read(directory)?;
        let nothing = || ReportError::NothingTrained { directory: directory.to_owned() };
        let layout = Layout::of(directory);
        let training = summary::<TrainSummary>(&layout, &manifest, &Train)?.ok_or_else(nothing)?;
        let log = layout.training_log();
        let text = std::fs::read_to_string(&log).map_err(|source| ReportError::File { path: log.clone(), source })?;
        let points = text.lines().map(|line| serde_json::from_str(line).map_err(ReportError::content(&log)));
        let curve = points.collect::<Result<_, _>>()?;
        let measured = summary::<EvaluateSummary>(&layout, &manifest, &Evaluate)?;
        let mut tasks: Vec<_> = manifest.tasks().map(|(name, record)| (name.to_owned(), record.clone())).collect();
        tasks.sort_by_key(|(name, _)| position_of_task(name));
        let hold_out = measured.and_then(|summary| summary.hold_out);
        Ok(Self { tasks, training, curve, hold_out })
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
