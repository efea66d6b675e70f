//! The results in a working directory as one self-contained HTML file: loss and learning rate, measures before and
//! after fine-tuning, precision–recall and calibration, feature coverage, times and memory.

mod chart;
mod page;
mod style;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use skimlog_network::metrics::Report;
use skimlog_runtime::files::{InputFiles, entries, write_file};
use thiserror::Error;

use crate::pipeline::Stage;
use crate::pipeline::train::{Point, Summary};
use crate::workspace::WorkspaceError;
use crate::workspace::{Manifest, TaskRecord};

/// The report's usual name in its working directory.
pub const REPORT: &str = "report.html";

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

/// What is known of a working directory.
struct Results {
    /// Finished tasks in the order in which they run.
    tasks: Vec<(String, TaskRecord)>,
    training: Summary,
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
    let others = made_here.iter().map(PathBuf::as_path).filter(|path| path.file_name() != Some(REPORT.as_ref()));
    InputFiles::of(others).ensure_none_is(output).map_err(WorkspaceError::from)?;
    let html = page::html(&Results::read(directory)?);
    Ok(write_file(output, |out| out.write_all(html.as_bytes())).map_err(WorkspaceError::from)?)
}

impl Results {
    fn read(directory: &Path) -> Result<Self, ReportError> {
        let manifest = Manifest::read(directory)?;
        let nothing = || ReportError::NothingTrained { directory: directory.to_owned() };
        let record = manifest.task(Stage::Train.name()).ok_or_else(nothing)?;
        let training = parse(&directory.join("manifest.json"), &record.summary.to_string())?;
        let log = directory.join("training.jsonl");
        let text = std::fs::read_to_string(&log).map_err(|source| ReportError::File { path: log.clone(), source })?;
        let curve = text.lines().map(|line| parse(&log, line)).collect::<Result<_, _>>()?;
        let measured = manifest.task(Stage::Evaluate.name()).and_then(|task| task.summary.get("hold_out"));
        let hold_out =
            measured.map(|report| parse(&directory.join("manifest.json"), &report.to_string())).transpose()?;

        // Conversions have a task for each part: `convert part-00000`.
        let place = |name: &str| Stage::ALL.iter().position(|stage| name.split(' ').next() == Some(stage.name()));
        let mut tasks: Vec<_> = manifest.tasks().map(|(name, record)| (name.to_owned(), record.clone())).collect();
        tasks.sort_by_key(|(name, _)| place(name));
        Ok(Self { tasks, training, curve, hold_out: hold_out.flatten() })
    }
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReportError> {
    serde_json::from_str(text)
        .map_err(|error| ReportError::Content { path: path.to_owned(), reason: error.to_string() })
}
