//! A plan as text.

use std::fmt;

use super::Plan;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, raw) = (self.parts, bytes(self.raw_bytes));
        writeln!(f, "{parts} training parts and the validation part, if any: {raw} of text, expected to take\n")?;
        let titles = ["records", "time", "memory", "written", "temporary"];
        write!(f, "{:<9}", "stage")?;
        titles.iter().try_for_each(|title| write!(f, "{title:>15}"))?;
        for stage in &self.stages {
            write!(f, "\n{:<9}{:>15}{:>15}", stage.stage, stage.records, time(stage.seconds))?;
            write!(f, "{:>15}{:>15}{:>15}", bytes(stage.memory), bytes(stage.written), bytes(stage.temporary))?;
        }
        let seconds = self.stages.iter().map(|stage| stage.seconds).sum();
        let written = self.stages.iter().map(|stage| stage.written).sum();
        let memory = self.stages.iter().map(|stage| stage.memory).max().unwrap_or(0);
        write!(f, "\n{:<9}{:>15}{:>15}{:>15}", "all", "", time(seconds), bytes(memory))?;
        writeln!(f, "{:>15}{:>15}\n", bytes(written), "")?;
        self.advice.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Bytes, for people.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "-".into(),
        1..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
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
        assert_eq!([bytes(0), bytes(1_500), bytes(2_500_000_000)], ["-", "1.5 kB", "2.5 GB"]);
        assert_eq!([time(3.0), time(600.0), time(36_000.0)], ["3.0 s", "10.0 min", "10.0 h"]);
    }
}
