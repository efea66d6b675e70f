//! A plan as text.

use std::fmt;

use super::run_plan::RunPlan;
use crate::amounts::{self, duration};
use crate::trial::{Estimate, StagePlan};

impl fmt::Display for RunPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = self.training_records + self.validation_records;
        writeln!(
            f,
            "{}: {} training and {} validation records, {} of text\n\
             tried on {} records, {:.3} % of all\n",
            amounts::counted(self.parts as u64, "training part", "training parts"),
            number(self.training_records),
            number(self.validation_records),
            bytes(self.raw_bytes),
            number(self.tried_records),
            100.0 * self.tried_records / records.max(1.0)
        )?;
        let titles = ["records", "reads", "writes", "stays on disk", "between", "memory", "time"];
        write!(f, "{:<9}", "stage")?;
        titles.iter().zip(WIDTHS).try_for_each(|(title, width)| write!(f, "{title:>width$}"))?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, cells: [String; 7]| {
            write!(f, "\n{name:<9}")?;
            cells.iter().zip(WIDTHS).try_for_each(|(cell, width)| write!(f, "{cell:>width$}"))
        };
        for stage in &self.stages {
            let cells = [
                number(stage.records),
                bytes(stage.reads),
                bytes(stage.stays.expected + stage.temporary),
                bytes(stage.stays.expected),
                between(stage.stays),
                bytes(stage.memory),
                duration(stage.seconds),
            ];
            line(f, stage.stage, cells)?;
        }
        let sum = |of: fn(&StagePlan) -> f64| self.stages.iter().map(of).sum::<f64>();
        let cells = [
            String::new(),
            bytes(sum(|stage| stage.reads)),
            bytes(sum(|stage| stage.stays.expected + stage.temporary)),
            bytes(self.stays().expected),
            between(self.stays()),
            bytes(self.stages.iter().map(|stage| stage.memory).fold(0.0, f64::max)),
            duration(sum(|stage| stage.seconds)),
        ];
        line(f, "all", cells)?;
        writeln!(f, "\n")?;
        self.advice.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

const WIDTHS: [usize; 7] = [15, 10, 10, 15, 20, 10, 13];

/// The least and the most, where they differ.
fn between(estimate: Estimate) -> String {
    match [bytes(estimate.least), bytes(estimate.most)] {
        [least, most] if least == most => String::new(),
        [least, most] => format!("{least}-{most}"),
    }
}

/// A number of records.
fn number(number: f64) -> String {
    amounts::count(number.round() as u64)
}

/// Bytes; nothing is not worth a number.
fn bytes(bytes: f64) -> String {
    if bytes < 1.0 { "-".into() } else { amounts::bytes(bytes) }
}
