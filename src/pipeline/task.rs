//! A task: a stage, or one part's conversion, with what it depends on and what it makes.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::{PipelineError, memory};
use crate::workspace::{AtomicFile, Fingerprint, Manifest};

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
pub(super) struct Task<'t, T = Value> {
    pub(super) name: String,
    /// Everything that the outputs depend on.
    pub(super) fingerprint: Fingerprint,
    /// Files, and folders that stand for the files in them.
    pub(super) outputs: Vec<PathBuf>,
    /// Makes the outputs and gives a summary, or what is still to be settled.
    pub(super) work: Work<'t, T>,
}

type Work<'t, T> = Box<dyn FnOnce() -> Result<T, PipelineError> + 't>;

/// Outputs that are made but for their sync and their names.
pub(super) struct Unsettled {
    pub(super) file: AtomicFile,
    pub(super) summary: Value,
}

impl Task<'_> {
    /// Does the task if its outputs are not up to date, or with `force`; shows `done` what became of it.
    pub(super) fn run(
        self,
        manifest: &mut Manifest,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        match self.begin(manifest, force)? {
            Ok((begun, work)) => {
                let summary = work()?;
                let peak = memory::peak();
                done(&begun.finish(manifest, peak, summary)?);
            }
            Err(up_to_date) => done(&up_to_date),
        }
        Ok(())
    }
}

type Settling<'scope> = ScopedJoinHandle<'scope, Result<TaskReport, PipelineError>>;

/// [`Task::run`] for tasks one after the other, the outputs of each being settled while the next one is at work: a sync
/// is time in which there is nothing to compute.
pub(super) fn run_settling(
    tasks: Vec<Task<'_, Unsettled>>,
    manifest: &mut Manifest,
    force: bool,
    done: &mut dyn FnMut(&TaskReport),
) -> Result<(), PipelineError> {
    let manifest = Mutex::new(manifest);
    let manifest = || manifest.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let mut settling = None;
        let mut wait_for = |settling: Option<Settling<'_>>| match settling.map(Settling::join) {
            Some(Ok(report)) => report.map(|report| done(&report)),
            Some(Err(panic)) => resume_unwind(panic),
            None => Ok(()),
        };
        for task in tasks {
            let begun = task.begin(&mut manifest(), force)?;
            let outcome = begun.map(|(begun, work)| work().map(|made| (begun, memory::peak(), made)));
            wait_for(settling.take())?;
            settling = Some(scope.spawn(move || match outcome {
                Ok(made) => {
                    let (begun, peak, Unsettled { file, summary }) = made?;
                    file.commit()?;
                    begun.finish(&mut manifest(), peak, summary)
                }
                Err(up_to_date) => Ok(up_to_date),
            }));
        }
        wait_for(settling)
    })
}

/// A task under way.
struct Begun {
    name: String,
    fingerprint: Fingerprint,
    outputs: Vec<PathBuf>,
    because: String,
    at: Instant,
}

impl<'t, T> Task<'t, T> {
    /// Notes that the task is under way and gives its work; a report where there is nothing to do.
    fn begin(
        self,
        manifest: &mut Manifest,
        force: bool,
    ) -> Result<Result<(Begun, Work<'t, T>), TaskReport>, PipelineError> {
        let reason = manifest.outdated(&self.name, &self.fingerprint).map(|reason| reason.to_string());
        let Some(because) = reason.or_else(|| force.then(|| "asked for".to_owned())) else {
            let summary = manifest.task(&self.name).map(|record| record.summary.clone()).unwrap_or_default();
            return Ok(Err(TaskReport { task: self.name, because: None, seconds: 0.0, peak_memory: None, summary }));
        };
        manifest.forget(&self.name, &self.outputs)?;
        memory::reset_peak();
        let Self { name, fingerprint, outputs, work } = self;
        Ok(Ok((Begun { name, fingerprint, outputs, because, at: Instant::now() }, work)))
    }
}

impl Begun {
    /// Notes that the task is done.
    fn finish(
        self,
        manifest: &mut Manifest,
        peak_memory: Option<u64>,
        summary: Value,
    ) -> Result<TaskReport, PipelineError> {
        let seconds = self.at.elapsed().as_secs_f64();
        manifest.finish(&self.name, self.fingerprint, &self.outputs, seconds, peak_memory, &summary)?;
        Ok(TaskReport { task: self.name, because: Some(self.because), seconds, peak_memory, summary })
    }
}
