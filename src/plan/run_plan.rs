//! What is expected of a run.

use serde::Serialize;

use crate::trial::{Estimate, StagePlan};

/// What is expected of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunPlan {
    /// Raw training parts.
    pub parts: usize,
    /// Training records in them.
    pub training_records: f64,
    /// Validation records.
    pub validation_records: f64,
    /// Bytes of all raw text, unpacked.
    pub raw_bytes: f64,
    /// Records that the largest trial of counting had.
    pub tried_records: f64,
    /// The stages, in their order; without a text model those before `finetune`.
    pub stages: Vec<StagePlan>,
    /// Bytes in `counts/`, which are part of what `features` leaves.
    pub counts_bytes: Estimate,
    /// Most bytes on disk at a time: what the stages left by then and spill files.
    pub disk_peak: f64,
    /// Bytes that the working directory holds of it already, from an earlier run.
    pub disk_there: u64,
    /// Room on the working directory's disk.
    pub disk_free: u64,
    /// The machine's memory, or what this process may use of it.
    pub machine_memory: u64,
    /// Threads that this process can use at a time, for the processors and the time on them that it is given.
    pub machine_threads: usize,
    /// What to know and to change, a sentence or two each.
    pub advice: Vec<String>,
}

impl RunPlan {
    /// Bytes that all stages leave on disk.
    pub fn stays(&self) -> Estimate {
        self.stages.iter().fold(Estimate::default(), |sum, stage| sum.plus(stage.stays))
    }
}
