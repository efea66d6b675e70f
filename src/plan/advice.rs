//! What to change if a run does not fit, in sentences.

use super::run_plan::RunPlan;
use crate::amounts::{bytes, duration};
use crate::config::Config;
use crate::pipeline::PipelineError;
use crate::stages::{StageRef, named};
use crate::trial::StagePlan;

/// The least budget that a configuration may set.
const LEAST_BUDGET: f64 = 67_108_864.0;
/// Stages that take longer than this get a sentence.
const LONG: f64 = 24.0 * 3600.0;

/// What the configuration lacks for a run to its end.
pub(super) struct Lacking {
    /// The first stage that cannot run.
    pub(super) first: StageRef,
    /// What it is about.
    pub(super) subject: &'static str,
    /// What is wrong.
    pub(super) error: PipelineError,
}

pub(super) fn advice(plan: &RunPlan, config: &Config, lacking: Option<&Lacking>) -> Vec<String> {
    let sentences = [disk(plan, config), memory(plan, config), spilling(plan), lacking.map(not_planned)];
    sentences.into_iter().flatten().chain(notes(plan, config)).chain(long(plan)).chain(trust(plan)).collect()
}

fn disk(plan: &RunPlan, config: &Config) -> Option<String> {
    let folder = config.working_dir.display();
    let room = plan.disk_free + plan.disk_there;
    let (needed, there) = (bytes(plan.disk_peak), bytes(room as f64));
    if plan.disk_peak <= room as f64 {
        return Some(format!(
            "Disk: fits. At most {needed} of the {there} that are free or taken by it already in {folder}."
        ));
    }
    let fitting = (plan.parts as f64 * room as f64 / plan.disk_peak) as usize;
    let fewer = if fitting == 0 { String::new() } else { format!(", or set max_n_parts: {fitting}") };
    Some(format!(
        "Disk: does not fit. {needed} are needed at a time, and {there} are free or taken by it already in {folder}: \
         set working_dir to a folder on another disk{fewer}."
    ))
}

fn memory(plan: &RunPlan, config: &Config) -> Option<String> {
    let machine = plan.machine_memory as f64;
    let stage = plan.stages.iter().max_by(|one, other| one.memory.total_cmp(&other.memory))?;
    let (name, needed, there) = (stage.stage, bytes(stage.memory), bytes(machine));
    if stage.memory <= machine {
        return Some(format!("Memory: fits. {name} takes the most, {needed} of {there}."));
    }
    let budget = config.memory_budget() as f64;
    let without = (stage.memory - budget).max(0.0);
    let change = if of(stage).fills_budget() && without + LEAST_BUDGET <= machine {
        let mebibytes = ((machine - without) / 2.0).clamp(LEAST_BUDGET, budget.max(LEAST_BUDGET)) / 1_048_576.0;
        format!("set memory_budget: {mebibytes:.0}MiB")
    } else {
        of(stage).to_take_less_memory().to_owned()
    };
    Some(format!("Memory: does not fit. {name} takes {needed} of {there}: {change}."))
}

fn spilling(plan: &RunPlan) -> Option<String> {
    // What others write for a time, they write whatever the budget.
    let stages = plan.stages.iter().filter(|stage| stage.temporary > 0.0 && of(stage).fills_budget());
    let stage = stages.max_by(|one, other| one.temporary.total_cmp(&other.temporary))?;
    Some(format!(
        "Spill files: {} puts up to {} on disk for a time; a larger memory_budget makes them fewer.",
        stage.stage,
        bytes(stage.temporary)
    ))
}

fn not_planned(Lacking { first, subject, error }: &Lacking) -> String {
    format!("{subject}: {error}. So the stages from {} on cannot run and are not planned.", first.name())
}

fn notes<'p>(plan: &'p RunPlan, config: &'p Config) -> impl Iterator<Item = String> {
    let notes = plan.stages.iter().filter_map(|stage| Some((stage.stage, of(stage).note(config)?)));
    notes.map(|(name, note)| format!("Note: {name}: {note}."))
}

fn long(plan: &RunPlan) -> impl Iterator<Item = String> {
    plan.stages.iter().filter(|stage| stage.seconds > LONG).map(|stage| {
        let change = of(stage).to_take_less_time();
        format!("Time: {} takes {}: {change}.", stage.stage, duration(stage.seconds))
    })
}

/// The stage that a plan is of.
fn of(plan: &StagePlan) -> StageRef {
    named(plan.stage).expect("only stages are planned")
}

/// How sure the plan is of the sizes.
fn trust(plan: &RunPlan) -> Option<String> {
    let records = plan.training_records + plan.validation_records;
    let times = records / plan.tried_records.max(1.0);
    let stays = plan.stays();
    (times > 8.0).then(|| {
        format!(
            "Trust: the curves are extended {times:.0}-fold, by {} to {} on disk; with more --seconds, or more parts \
             there, more is measured.",
            bytes(stays.least),
            bytes(stays.most)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ByteSize;
    use crate::stages::embed::NoTextModel;
    use crate::stages::finetune::Finetune;
    use crate::trial::Estimate;

    const GIB: f64 = 1_073_741_824.0;

    fn plan(disk_free: f64, machine_memory: f64) -> RunPlan {
        let stage = StagePlan {
            stage: "features",
            records: 7.0,
            seconds: 100_000.0,
            cpu_seconds: 200_000.0,
            memory: 3.0 * GIB,
            reads: 1.0,
            stays: Estimate { expected: 40.0 * GIB, least: 30.0 * GIB, most: 50.0 * GIB },
            temporary: 45.0 * GIB,
        };
        RunPlan {
            parts: 10,
            training_records: 14.0,
            validation_records: 0.0,
            raw_bytes: 1.0,
            tried_records: 1.0,
            stages: vec![stage],
            counts_bytes: Estimate::default(),
            disk_peak: 45.0 * GIB,
            disk_there: GIB as u64,
            disk_free: disk_free as u64,
            machine_memory: machine_memory as u64,
            machine_threads: 2,
            advice: Vec::new(),
        }
    }

    fn said(plan: &RunPlan) -> String {
        let config = Config { memory_budget: Some(ByteSize(2 << 30)), ..Config::default() };
        let lacking = Lacking { first: &Finetune, subject: "Text model", error: NoTextModel::NotSet.into() };
        advice(plan, &config, Some(&lacking)).join("\n")
    }

    #[test]
    fn what_fits_is_said_to_fit() {
        let text = said(&plan(100.0 * GIB, 8.0 * GIB));
        assert!(text.contains("Disk: fits") && text.contains("Memory: fits"), "{text}");
    }

    #[test]
    fn what_does_not_fit_comes_with_a_change() {
        let text = said(&plan(8.0 * GIB, 2.0 * GIB));
        assert!(text.contains("Disk: does not fit") && text.contains("max_n_parts: 2"), "{text}");
        assert!(text.contains("Memory: does not fit") && text.contains("set memory_budget: 512MiB"), "{text}");
        assert!(text.contains("Time: features takes") && text.contains("not planned"), "{text}");
        assert!(text.contains("14-fold") && text.contains("32.2 GB to 53.7 GB"), "{text}");
    }

    #[test]
    fn what_is_there_already_needs_no_more_room() {
        assert!(said(&plan(44.5 * GIB, 8.0 * GIB)).contains("Disk: fits"));
    }
}
