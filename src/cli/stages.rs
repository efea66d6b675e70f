//! `skimmer similar`, `features`, … one stage each, and `skimmer run`, all of them.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::Value;
use skimlog::amounts;
use skimlog::config::Config;
use skimlog::pipeline::evaluate::evaluate_predictions;
use skimlog::pipeline::run::raw_parts;
use skimlog::pipeline::stages::stages;
use skimlog::pipeline::{Pipeline, Stage, TaskReport};
use skimlog_features::sketch::Quality;
use skimlog_network::metrics::Report;
use skimlog_runtime::machine;

use super::embed::{self, Embed};
use super::finetune::Finetune;
use super::output::print;
use super::{Common, report, values};

/// The single stages.
#[derive(Subcommand)]
pub(super) enum StageCommand {
    /// Find authors with similar follower sets (similar.skim).
    #[command(after_help = "Examples:\n  skimmer similar --config config.yaml")]
    Similar(OneStage),
    /// Count what each record's reader, author and tweet did before: 65 counts a record (features/, counts/).
    #[command(after_help = "Examples:\n  skimmer features --config config.yaml")]
    Features(OneStage),
    Finetune(Finetune),
    Embed(Embed),
    /// Code the token vectors (codes.skim).
    #[command(after_help = "Examples:\n  skimmer sketch --config config.yaml")]
    Sketch(OneStage),
    /// Train the network and make the model folder (model/).
    #[command(after_help = "Examples:\n  skimmer train --config config.yaml")]
    Train(OneStage),
    /// Measure average precision and relative cross entropy of the model on the hold-out records, or of any predictions.
    #[command(after_help = "\
Examples:
  skimmer evaluate --config config.yaml
  skimmer evaluate --precisions
  skimmer evaluate --predictions predictions.csv \\
      --labels test_labels.tsv")]
    Evaluate(Evaluate),
}

/// One stage.
#[derive(Args)]
pub(super) struct OneStage {
    /// Do it even if its results are up to date.
    #[arg(long)]
    force: bool,
}

/// Measuring.
#[derive(Args)]
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

/// Run all stages, skipping what is up to date.
///
/// It can be stopped or killed at any moment and started again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  skimmer run --config config.yaml
  skimmer run --from features --to train")]
pub(super) struct Run {
    /// The first stage to run.
    #[arg(long, value_name = "STAGE", default_value_t = Stage::Convert, value_parser = values::stage())]
    from: Stage,
    /// The last stage to run.
    #[arg(long, value_name = "STAGE", default_value_t = Stage::Evaluate, value_parser = values::stage())]
    to: Stage,
    /// Do everything anew, even what is up to date.
    #[arg(long)]
    force: bool,
}

impl StageCommand {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let (stage, force) = match self {
            Self::Similar(one) => (Stage::Similar, one.force),
            Self::Features(one) => (Stage::Features, one.force),
            Self::Finetune(finetune) => return finetune.run(common),
            Self::Embed(embed) => return embed.run(common),
            Self::Sketch(one) => (Stage::Sketch, one.force),
            Self::Train(one) => (Stage::Train, one.force),
            Self::Evaluate(Evaluate { predictions: Some(predictions), labels: Some(labels), .. }) => {
                machine::start_workers(1);
                let report = evaluate_predictions(predictions, labels)?;
                let table = || report.as_ref().map_or_else(|| "no records".into(), Report::to_string);
                if common.json {
                    return common.summarize(&report, table);
                }
                return Ok(print(format_args!("{}\n", table()))?);
            }
            Self::Evaluate(Evaluate { precisions: true, .. }) => {
                let config = common.load_config()?;
                machine::start_workers(config.threads());
                let terminal = common.terminal();
                let table = Pipeline::open(&config, &terminal)?.precisions()?;
                if common.json {
                    return common.summarize(&table, String::new);
                }
                return Ok(print(format_args!("{table}\n"))?);
            }
            Self::Evaluate(evaluate) => (Stage::Evaluate, evaluate.force),
        };
        let reports = run_stages(common, &common.load_config()?, &[stage], force)?;
        if stage == Stage::Evaluate
            && !common.json
            && let Some(table) = reports.last().and_then(hold_out_report)
        {
            print(format_args!("{table}\n"))?;
        }
        Ok(())
    }
}

impl Run {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<()> {
        if self.from > self.to {
            bail!("--from {} comes after --to {}: the stages run in the order {}", self.from, self.to, Stage::order());
        }
        let config = common.load_config()?;
        if self.from == Stage::Convert {
            // What is wrong with the data is said before what is wrong with the text model.
            raw_parts(&config)?;
        }
        let stages = stages(&config, self.from, self.to)?;
        if config.validation_part.is_none() && self.to >= Stage::Train && self.from != Stage::Evaluate {
            tracing::warn!(
                "validation_part is not set: the model is not fine-tuned, and there is nothing to evaluate it on"
            );
        }
        let reports = run_stages(common, &config, &stages, self.force)?;
        if self.to >= Stage::Train {
            let report = report::write(&config, None)?;
            tracing::info!("report: {}", report.display());
        }
        if !common.json
            && let Some(table) = reports.last().and_then(hold_out_report)
        {
            print(format_args!("hold-out records\n{table}\n"))?;
        }
        Ok(())
    }
}

/// Runs stages one after the other, saying what each did, and prints all summaries as JSON if asked for.
pub(super) fn run_stages(
    common: &Common,
    config: &Config,
    stages: &[Stage],
    force: bool,
) -> anyhow::Result<Vec<TaskReport>> {
    machine::start_workers(config.threads());
    let terminal = common.terminal();
    let mut pipeline = Pipeline::open(config, &terminal)?;
    let mut reports = Vec::new();
    for &stage in stages {
        pipeline.run(stage, force, &mut |report| {
            tell(report);
            reports.push(report.clone());
        })?;
    }
    if common.json {
        common.summarize(&reports, String::new)?;
    }
    Ok(reports)
}

fn tell(report: &TaskReport) {
    match &report.because {
        None => tracing::info!("{}: up to date", report.task),
        Some(because) => {
            let peak = report.peak_memory.map(|bytes| format!(", peak memory {}", amounts::bytes(bytes as f64)));
            tracing::info!(
                "{}: done in {}{} (ran because: {because})",
                report.task,
                amounts::duration(report.seconds),
                peak.unwrap_or_default()
            );
            tracing::debug!("{}: {}", report.task, report.summary);
            if let Some(engine) = embed::engine(&report.summary) {
                tracing::info!("{}: {engine}", report.task);
            }
            if let Some(quality) = report.summary.get("quality").cloned()
                && let Ok(quality) = serde_json::from_value::<Quality>(quality)
            {
                tracing::debug!("{}: {quality}", report.task);
            }
        }
    }
}

/// The measures in the summary of the evaluate stage.
pub(super) fn hold_out_report(report: &TaskReport) -> Option<Report> {
    match report.summary.get("hold_out") {
        None | Some(Value::Null) => None,
        Some(report) => serde_json::from_value(report.clone()).ok(),
    }
}
