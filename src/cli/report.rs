//! `skimmer report`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use skimlog::config::Config;
use skimlog::report::write_report;
use skimlog::workspace::Layout;
use skimlog_runtime::files::InputFiles;

use super::Common;
use super::output::path_text;

/// Write what a training came to as one HTML file that needs no network: curves, measures, calibration, times.
///
/// `skimmer run` writes it at its end, too. The working directory may be in use meanwhile.
#[derive(Args)]
#[command(after_help = "Examples:\n  skimmer report --config config.yaml -o report.html")]
pub(super) struct Report {
    /// Where to write [default: report.html in the working directory].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct ReportSummary {
    #[serde(serialize_with = "path_text")]
    report: PathBuf,
}

impl Report {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load_config()?;
        if let Some(output) = &self.output {
            InputFiles::of([common.config_path()]).ensure_none_is(output)?;
        }
        let report = write(&config, self.output.as_deref())?;
        common.summarize(&ReportSummary { report: report.clone() }, || format!("wrote {}", report.display()))
    }
}

/// Writes the report and gives its path.
pub(super) fn write(config: &Config, output: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = output.map_or_else(|| Layout::of(&config.working_dir).report(), Path::to_owned);
    write_report(&config.working_dir, &path).context("no report")?;
    Ok(path)
}
