//! Runs stages and tells what they did.

use skimlog::amounts;
use skimlog::config::Config;
use skimlog::pipeline::{Context, Findings, Pipeline, PipelineError, Remark, Stage, TaskReport};
use skimlog::stages::{self, StageRef};
use skimlog_runtime::machine;

use super::Common;
use super::output::print;

/// What became of some stages.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) reports: Vec<TaskReport>,
    /// What the last one found, if that is what it is run for.
    pub(super) findings: Option<Findings>,
}

/// Runs one stage, and shows what it found.
pub(super) fn run_single(common: &Common, config: &Config, stage: StageRef, force: bool) -> anyhow::Result<()> {
    let chosen = stages::chosen(config, stage, stage)?;
    match run_stages(common, config, &chosen, force)?.findings {
        Some(findings) if !common.json => Ok(print(format_args!("{}\n", findings.table))?),
        _ => Ok(()),
    }
}

/// Runs stages one after the other, saying what each did, and prints all summaries as JSON if asked for.
pub(super) fn run_stages(
    common: &Common,
    config: &Config,
    stages: &[StageRef],
    force: bool,
) -> anyhow::Result<Outcome> {
    machine::start_workers(config.threads());
    stages.iter().filter_map(|stage| stage.note(config)).for_each(|note| tracing::info!("{note}"));
    let terminal = common.terminal();
    let outcome = run_in(&mut Pipeline::open(config, &terminal)?, stages, force)?;
    if common.json {
        common.summarize(&outcome.reports, String::new)?;
    }
    Ok(outcome)
}

/// Runs stages where they are out of date, saying what each did, and then something else in the same working directory.
pub(super) fn run_stages_then<T>(
    common: &Common,
    config: &Config,
    stages: &[StageRef],
    then: impl FnOnce(&Context<'_>) -> Result<T, PipelineError>,
) -> anyhow::Result<T> {
    machine::start_workers(config.threads());
    let terminal = common.terminal();
    let mut pipeline = Pipeline::open(config, &terminal)?;
    run_in(&mut pipeline, stages, false)?;
    Ok(then(&pipeline.context())?)
}

fn run_in(pipeline: &mut Pipeline<'_>, stages: &[StageRef], force: bool) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for &stage in stages {
        let mut reported = Ok(());
        pipeline.run(stage, force, &mut |report| {
            reported = std::mem::replace(&mut reported, Ok(())).and_then(|()| tell(stage, report));
            outcome.reports.push(report.clone());
        })?;
        reported?;
        outcome.findings = outcome.reports.last().map(|last| stage.findings(last)).transpose()?.flatten();
    }
    Ok(outcome)
}

fn tell(stage: &dyn Stage, report: &TaskReport) -> Result<(), PipelineError> {
    let Some(because) = &report.because else {
        tracing::info!("{}: up to date", report.task);
        return Ok(());
    };
    let peak = report.peak_memory.map(|bytes| format!(", peak memory {}", amounts::bytes(bytes as f64)));
    tracing::info!(
        "{}: done in {}{} (ran because: {because})",
        report.task,
        amounts::duration(report.seconds),
        peak.unwrap_or_default()
    );
    tracing::debug!("{}: {}", report.task, report.summary);
    for remark in stage.remarks(report)? {
        match remark {
            Remark::Note(note) => tracing::info!("{}: {note}", report.task),
            Remark::Detail(detail) => tracing::debug!("{}: {detail}", report.task),
        }
    }
    Ok(())
}
