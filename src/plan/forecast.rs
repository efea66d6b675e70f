//! Tries the stages and extends what was measured.

use std::path::Path;

use skimlog_runtime::machine;
use skimlog_runtime::progress::Progress;

use super::advice::{Lacking, advice};
use super::run_plan::RunPlan;
use crate::config::Config;
use crate::pipeline::PipelineError;
use crate::stages::{self, STAGES, StageRef};
use crate::trial::{Clock, Estimator, Expected, StagePlan, Trial, Tried, Turn, bytes_at, free_bytes};
use crate::workspace::Workspace;

/// Seconds that planning takes if nothing else is asked for, about.
pub const SECONDS: f64 = 60.0;
/// Share of the time after which no more trials begin, less what is reserved for later ones.
const LAST_TRIAL: f64 = 0.95;

/// How to plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanOptions {
    /// Seconds that planning may take, about.
    pub seconds: f64,
    /// How many training parts there are to be, if more will come; those that are there stand for all.
    pub parts: Option<usize>,
}

/// Plans a run.
///
/// Works in a scratch folder of the working directory and removes it. Uses the current rayon pool.
///
/// # Errors
/// [`PipelineError`]: whatever a stage says of the records drawn, or a working directory that is in use.
pub fn plan(config: &Config, options: PlanOptions, progress: &dyn Progress) -> Result<RunPlan, PipelineError> {
    let workspace = Workspace::open(&config.working_dir)?;
    let scratch = workspace.scratch("plan")?;
    let outcome = forecast(config, options, &workspace, &scratch, progress);
    workspace.remove_scratch()?;
    outcome
}

fn forecast(
    config: &Config,
    options: PlanOptions,
    workspace: &Workspace,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<RunPlan, PipelineError> {
    let clock = Clock::start(options.seconds, progress);
    let disk_free = free_bytes(&config.working_dir)?;
    let (planned, lacking) = possible(config)?;
    let mut settled = config.clone();
    STAGES.iter().for_each(|stage| stage.settle(&mut settled));
    let mut trial = Trial::new(&settled, options.parts, scratch, &clock, stages::convert::convert_sample)?;
    let mut estimators: Vec<_> = planned.iter().map(|stage| stage.estimator()).collect();
    for turn in Turn::ALL {
        take_turn(turn, &mut estimators, &mut trial)?;
    }
    progress.end();

    let (whole, mut expected) = (trial.whole(), Expected::default());
    let plans = estimators.iter().map(|estimator| estimator.estimate(&trial, &whole, &mut expected));
    let plans = plans.collect::<Result<Vec<_>, _>>()?;
    let made = STAGES.iter().flat_map(|stage| stage.makes(workspace));
    let mut plan = RunPlan {
        parts: whole.parts,
        training_records: whole.training,
        validation_records: whole.validation,
        raw_bytes: whole.text_bytes,
        tried_records: estimators.iter().map(|estimator| estimator.tried_records()).fold(0.0, f64::max),
        disk_peak: disk_peak(&plans),
        stages: plans,
        counts_bytes: expected.totals,
        disk_there: made.map(|path| bytes_at(&path)).sum(),
        disk_free,
        machine_memory: machine::memory(),
        machine_threads: machine::threads().get(),
        advice: Vec::new(),
    };
    plan.advice = advice(&plan, config, lacking.as_ref());
    Ok(plan)
}

/// The stages that a run would do, up to the first for which something is lacking, and that. What a run would refuse at
/// once, a plan does, too.
fn possible(config: &Config) -> Result<(Vec<StageRef>, Option<Lacking>), PipelineError> {
    let mut planned: Vec<StageRef> = Vec::new();
    for stage in stages::of(config) {
        match (stage.check(config), planned.last()) {
            (Ok(()), _) => planned.push(stage),
            (Err(error), None) => return Err(error),
            (Err(error), Some(&last)) => {
                let first = STAGES[stages::position(last) + 1];
                return Ok((planned, Some(Lacking { first, subject: stage.subject(), error })));
            }
        }
    }
    Ok((planned, None))
}

/// Has the stages of a turn tried, one after the other, then again, until none needs more.
fn take_turn(turn: Turn, estimators: &mut [Box<dyn Estimator>], trial: &mut Trial<'_>) -> Result<(), PipelineError> {
    let later = Turn::ALL.into_iter().skip_while(|&one| one != turn).skip(1);
    let reserved =
        |turn: Turn| estimators.iter().filter(|one| one.turn() == turn).map(|one| one.reserves()).sum::<f64>();
    trial.until = trial.clock.share(LAST_TRIAL - later.map(reserved).sum::<f64>());
    loop {
        let mut more = false;
        for estimator in estimators.iter_mut().filter(|one| one.turn() == turn) {
            match estimator.try_more(trial)? {
                Tried::More => more = true,
                Tried::Enough => {}
                Tried::Nothing => return Ok(()),
            }
        }
        if !more {
            return Ok(());
        }
    }
}

/// Most bytes on disk at a time.
fn disk_peak(stages: &[StagePlan]) -> f64 {
    let (mut standing, mut peak) = (0.0, 0.0_f64);
    for stage in stages {
        // Spill files go as what stays comes.
        peak = peak.max(standing + stage.stays.expected.max(stage.temporary));
        standing += stage.stays.expected;
    }
    peak
}

#[cfg(test)]
mod tests {
    use skimlog_features::sketch::TextMode;

    use super::*;
    use crate::config::FromScratch;

    #[test]
    fn the_stages_before_something_is_lacking_are_planned() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("part-00000"), "a record").unwrap();
        let none = folder.path().join("none");
        let text = Some(TextMode::DistilBert);
        let mut config =
            Config { working_dir: none.clone(), recsys_data: folder.path().into(), text, ..Config::default() };
        let outcome = |config: &Config| {
            let (planned, lacking) = possible(config).unwrap();
            let names: Vec<&str> = planned.iter().map(|stage| stage.name()).collect();
            (names.join(" "), lacking.map(|lacking| format!("{} from {}", lacking.subject, lacking.first.name())))
        };
        let without = outcome(&config);
        assert_eq!(without, ("convert similar features".into(), Some("Text model from finetune".into())));
        config.text = None;
        assert_eq!(outcome(&config), ("convert similar features sketch train".into(), None));
        config.distilbert.from_scratch = Some(FromScratch::default());
        config.distilbert.finetune.epochs = 1;
        assert_eq!(outcome(&config), ("convert similar features finetune embed sketch train".into(), None));
        // It is fine-tuned, but the vectors are to come from a file that is not there.
        config.distilbert.onnx = Some(none.clone());
        assert_eq!(outcome(&config).1, Some("Text model from embed".into()));
        assert!(possible(&Config { recsys_data: none, ..config }).is_err(), "without data there is no plan");
    }
}
