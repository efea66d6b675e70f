//! What a stage took on a trial.

use crate::pipeline::{TaskReport, memory};

/// What a stage took on a trial.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Seconds.
    pub seconds: f64,
    /// Seconds of all threads together.
    pub cpu_seconds: f64,
    /// Peak resident memory in bytes.
    pub peak_memory: u64,
}

impl Measured {
    /// Adds what a task took that ran after those before it.
    pub fn add(&mut self, report: &TaskReport) {
        self.seconds += report.seconds;
        self.cpu_seconds += report.cpu_seconds;
        self.peak_memory = self.peak_memory.max(report.peak_memory.unwrap_or(0));
    }
}

/// Resident bytes of this process, once what was freed is given back.
pub(super) fn resident() -> u64 {
    memory::reset_peak();
    memory::peak().unwrap_or(0)
}

/// Seconds that all threads of this process have computed.
pub fn cpu_seconds() -> f64 {
    memory::processor_time().as_secs_f64()
}
