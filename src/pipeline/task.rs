//! A task: a stage, or one part's conversion, with what it depends on and what it makes.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::{PipelineError, memory};
use crate::workspace::{Fingerprint, Manifest};

/// What became of a task: a stage, or one part's conversion.
#[derive(Clone, Debug, Serialize)]
pub struct TaskReport {
    /// The task's name.
    pub task: String,
    /// Why it ran; `None` if everything was up to date and nothing was done.
    pub because: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Peak resident memory of the process meanwhile, in bytes, where the kernel tells.
    pub peak_memory: Option<u64>,
    /// The task's own summary.
    pub summary: Value,
}

/// Something that can be done, unless it is up to date.
pub(super) struct Task<'t> {
    pub(super) name: String,
    /// Everything that the outputs depend on.
    pub(super) fingerprint: Fingerprint,
    /// Files, and folders that stand for the files in them.
    pub(super) outputs: Vec<PathBuf>,
    /// Makes the outputs and gives a summary.
    pub(super) work: Box<dyn FnOnce() -> Result<Value, PipelineError> + 't>,
}

impl Task<'_> {
    /// Does the task if its outputs are not up to date, or with `force`; shows `done` what became of it.
    pub(super) fn run(
        self,
        manifest: &mut Manifest,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        let reason = manifest.outdated(&self.name, &self.fingerprint).map(|reason| reason.to_string());
        let Some(because) = reason.or_else(|| force.then(|| "asked for".to_owned())) else {
            let summary = manifest.task(&self.name).map(|record| record.summary.clone()).unwrap_or_default();
            done(&TaskReport { task: self.name, because: None, seconds: 0.0, peak_memory: None, summary });
            return Ok(());
        };
        manifest.forget(&self.name, &self.outputs)?;
        memory::reset_peak();
        let begun = Instant::now();
        let summary = (self.work)()?;
        let seconds = begun.elapsed().as_secs_f64();
        manifest.finish(&self.name, self.fingerprint, &self.outputs, seconds, &summary)?;
        done(&TaskReport { task: self.name, because: Some(because), seconds, peak_memory: memory::peak(), summary });
        Ok(())
    }
}
