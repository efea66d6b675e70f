//! What to change if a run does not fit, in sentences.

use super::Plan;
use super::table::{bytes, time};
use crate::config::Config;

pub(super) fn advice(plan: &Plan, config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    let Plan { disk_peak, disk_free, machine_memory, .. } = *plan;
    let folder = config.working_dir.display();
    if disk_peak > disk_free {
        let fitting = (plan.parts as f64 * disk_free as f64 / disk_peak as f64) as usize;
        let fewer = match fitting {
            0 => String::new(),
            fitting => format!(", or set max_n_parts: {fitting}"),
        };
        lines.push(format!(
            "Disk: does not fit. {} are needed at a time and {} are free: set working_dir to a folder on another disk{fewer}.",
            bytes(disk_peak),
            bytes(disk_free)
        ));
    } else {
        lines.push(format!("Disk: fits. At most {} of the {} free in {folder}.", bytes(disk_peak), bytes(disk_free)));
    }
    let largest = plan.stages.iter().max_by_key(|stage| stage.memory);
    if let Some(stage) = largest {
        let (name, memory, machine) = (stage.stage, bytes(stage.memory), bytes(machine_memory));
        if stage.memory <= machine_memory {
            lines.push(format!("Memory: fits. {name} takes the most, {memory} of {machine}."));
        } else {
            let budget = config.memory_budget();
            let without = stage.memory.saturating_sub(budget);
            let change = if without + (64 << 20) <= machine_memory {
                format!("set memory_budget: {}MiB", ((machine_memory - without).min(budget) / 2 >> 20).max(64))
            } else {
                "set threads, max_n_parts or train.hidden_size lower; memory_budget alone does not help".into()
            };
            lines.push(format!("Memory: does not fit. {name} takes {memory} of {machine}: {change}."));
        }
    }
    if let Some(stage) = plan.stages.iter().filter(|stage| stage.temporary > 0).max_by_key(|stage| stage.temporary) {
        lines.push(format!(
            "Spill files: {} puts up to {} on disk for a time; a larger memory_budget makes them fewer.",
            stage.stage,
            bytes(stage.temporary)
        ));
    }
    let longest = plan.stages.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds));
    if let Some(stage) = longest.filter(|stage| stage.seconds > 24.0 * 3600.0) {
        let change = match stage.stage {
            "embed" => "set distilbert.max_n_parts lower, or install ONNX Runtime",
            "train" => "use more threads, or set train.hidden_size or max_n_parts lower",
            _ => "use more threads, or set max_n_parts lower",
        };
        lines.push(format!("Time: {} takes {}: {change}.", stage.stage, time(stage.seconds)));
    }
    if config.distilbert.model.is_none() {
        lines.push(
            "distilbert.model is not set: embed, sketch, train and evaluate cannot run, and are not planned.".into(),
        );
    }
    lines.push(format!(
        "The search for similar authors is taken to grow with the records to the power {:.2}, as between two samples.",
        plan.similar_exponent
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::StagePlan;
    use super::*;

    fn plan(disk_free: u64, machine_memory: u64) -> Plan {
        let (seconds, memory, written, temporary) = (100_000.0, 3 << 30, 40 << 30, 5 << 30);
        let stage = StagePlan { stage: "features", records: 7, seconds, memory, written, temporary };
        Plan {
            parts: 10,
            training_records: 7,
            validation_records: 0,
            raw_bytes: 1,
            stages: vec![stage],
            parts_bytes: 0,
            features_bytes: 0,
            counts_bytes: 0,
            similar_exponent: 1.0,
            disk_peak: 45 << 30,
            disk_free,
            machine_memory,
            advice: Vec::new(),
        }
    }

    fn said(plan: &Plan) -> String {
        let config = Config { memory_budget: Some(crate::config::ByteSize(2 << 30)), ..Config::default() };
        advice(plan, &config).join("\n")
    }

    #[test]
    fn what_fits_is_said_to_fit() {
        let text = said(&plan(100 << 30, 8 << 30));
        assert!(text.contains("Disk: fits") && text.contains("Memory: fits"), "{text}");
    }

    #[test]
    fn what_does_not_fit_comes_with_a_change() {
        let text = said(&plan(9 << 30, 2 << 30));
        assert!(text.contains("Disk: does not fit") && text.contains("max_n_parts: 2"), "{text}");
        assert!(text.contains("Memory: does not fit") && text.contains("set memory_budget: 512MiB"), "{text}");
        assert!(text.contains("Time: features takes") && text.contains("not planned"), "{text}");
    }
}
