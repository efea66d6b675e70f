//! `skimmer evaluate`.

use std::path::PathBuf;

use clap::Args;
use skimlog::pipeline::Pipeline;
use skimlog::pipeline::evaluate::evaluate_predictions;
use skimlog::stages::{self, evaluate};
use skimlog_network::metrics::Report;
use skimlog_runtime::machine;

use super::Common;
use super::output::print;
use super::running::run_single;

/// Measure average precision and relative cross entropy of the model on the hold-out records, or of any predictions.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer evaluate --config config.yaml
  skimmer evaluate --precisions
  skimmer evaluate --predictions predictions.csv \\
      --labels test_labels.tsv")]
pub(super) struct Evaluate {
    /// Do it even if its results are up to date.
    #[arg(long)]
    force: bool,
    /// Measure the model in every precision (f32, bf16, int8) and show what the lower ones change.
    #[arg(long, conflicts_with = "predictions")]
    precisions: bool,
    /// Measure these predictions (as `skimmer predict` writes them) instead of a model.
    #[arg(long, value_name = "CSV", requires = "labels")]
    predictions: Option<PathBuf>,
    /// What really happened: a line a record with tweet id, reader id, and 0 or 1 for reply, retweet, quote and like,
    /// separated by TABs.
    #[arg(long, value_name = "FILE", requires = "predictions")]
    labels: Option<PathBuf>,
}

impl Evaluate {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if let (Some(predictions), Some(labels)) = (&self.predictions, &self.labels) {
            machine::start_workers(1);
            let report = evaluate_predictions(predictions, labels)?;
            let table = || report.as_ref().map_or_else(|| "no records".into(), Report::to_string);
            if common.json {
                return common.summarize(&report, table);
            }
            return Ok(print(format_args!("{}\n", table()))?);
        }
        let config = common.load_config()?;
        if !self.precisions {
            return run_single(common, &config, &stages::Evaluate, self.force);
        }
        machine::start_workers(config.threads());
        let terminal = common.terminal();
        let table = evaluate::precisions(&Pipeline::open(&config, &terminal)?.context())?;
        if common.json {
            return common.summarize(&table, String::new);
        }
        Ok(print(format_args!("{table}\n"))?)
    }
}
