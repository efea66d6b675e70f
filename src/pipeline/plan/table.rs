//! A plan as text.

use std::fmt;

use indicatif::HumanCount;

use super::{Estimate, Plan};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = self.training_records + self.validation_records;
        writeln!(
            f,
            "{} training parts: {} training and {} validation records, {} of text\n\
             tried on {} records, {:.3} % of all\n",
            self.parts,
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
                time(stage.seconds),
            ];
            line(f, stage.stage.name(), cells)?;
        }
        let sum = |of: fn(&super::StagePlan) -> f64| self.stages.iter().map(of).sum::<f64>();
        let cells = [
            String::new(),
            bytes(sum(|stage| stage.reads)),
            bytes(sum(|stage| stage.stays.expected + stage.temporary)),
            bytes(self.stays().expected),
            between(self.stays()),
            bytes(self.stages.iter().map(|stage| stage.memory).fold(0.0, f64::max)),
            time(sum(|stage| stage.seconds)),
        ];
        line(f, "all", cells)?;
        writeln!(f, "\n")?;
        self.advice.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

const WIDTHS: [usize; 7] = [15, 10, 10, 15, 20, 10, 10];

/// The least and the most, where they differ.
fn between(estimate: Estimate) -> String {
    match [bytes(estimate.least), bytes(estimate.most)] {
        [least, most] if least == most => String::new(),
        [least, most] => format!("{least}-{most}"),
    }
}

/// A number of records, its digits in threes.
pub(super) fn number(number: f64) -> String {
    HumanCount(number.round() as u64).to_string()
}

/// Bytes, for people.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes {
        ..1.0 => "-".into(),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        ..1e9 => format!("{:.0} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

/// A time, for people.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        ..7200.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_people_read() {
        assert_eq!([bytes(0.0), bytes(1_500.0), bytes(2.5e9)], ["-", "1.5 kB", "2.5 GB"]);
        assert_eq!([time(3.0), time(600.0), time(36_000.0)], ["3.0 s", "10.0 min", "10.0 h"]);
        assert_eq!([number(7.0), number(1234.0), number(1e9)], ["7", "1,234", "1,000,000,000"]);
    }
}
