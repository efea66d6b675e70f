//! A task: a stage, or one part's conversion, with what it depends on and what it makes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::machine::{self, Running};

use super::error::PipelineError;
use super::memory;
use crate::workspace::{Checksum, Difference, Fingerprint, Manifest, Outdated};

/// What became of a task: a stage, or one part's conversion.
#[derive(Clone, Debug, Serialize)]
pub struct TaskReport {
    /// The task's name.
    pub task: String,
    /// Why it ran; `None` if everything was up to date and nothing was done.
    pub because: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Seconds that all threads computed together meanwhile.
    pub cpu_seconds: f64,
    /// Peak resident memory of the process meanwhile, in bytes, where the kernel tells.
    pub peak_memory: Option<u64>,
    /// The task's own summary, as JSON has it.
    pub summary: Value,
}

impl TaskReport {
    /// The summary as the stage that the task is of means it.
    ///
    /// # Errors
    /// [`PipelineError::ReadSummary`] if it lacks something or is another stage's.
    pub fn read_summary<S: DeserializeOwned>(&self) -> Result<S, PipelineError> {
        let read = S::deserialize(&self.summary);
        read.map_err(|source| PipelineError::ReadSummary { task: self.task.clone(), source })
    }
}

/// Something that can be done, unless it is up to date.
pub struct Goal<W> {
    /// Its name in the manifest.
    pub name: String,
    /// Everything that the outputs depend on.
    pub fingerprint: Fingerprint,
    /// Files, and folders that stand for the files in them.
    pub outputs: Vec<PathBuf>,
    /// Makes the outputs, or what makes them needs to know.
    pub work: W,
}

/// Something that is done by itself: its work makes the outputs and gives a summary.
pub type Task<'t> = Goal<Box<dyn FnOnce() -> Result<Value, PipelineError> + 't>>;

impl<'t> Task<'t> {
    /// A task whose work gives a summary of its stage's own type.
    pub fn new<S: Serialize>(
        name: impl Into<String>,
        fingerprint: Fingerprint,
        outputs: Vec<PathBuf>,
        work: impl FnOnce() -> Result<S, PipelineError> + 't,
    ) -> Self {
        let work = || Ok(serde_json::to_value(work()?)?);
        Self { name: name.into(), fingerprint, outputs, work: Box::new(work) }
    }
}

/// The output of a task, made but for its sync and its name.
pub struct Unsettled {
    /// The only output.
    pub file: AtomicFile,
    /// The task's summary.
    pub summary: Value,
}

/// Does the tasks that are not up to date and notes them in the manifest.
pub struct TaskRunner<'r> {
    manifest: &'r mut Manifest,
    force: bool,
    done: &'r mut dyn FnMut(&TaskReport),
}

impl<'r> TaskRunner<'r> {
    /// Does everything with `force`; shows `done` what became of each task.
    pub(crate) fn new(manifest: &'r mut Manifest, force: bool, done: &'r mut dyn FnMut(&TaskReport)) -> Self {
        Self { manifest, force, done }
    }

    /// Whether everything is done, even what is up to date.
    pub fn is_forced(&self) -> bool {
        self.force
    }

    /// Does a task if its outputs are not up to date.
    ///
    /// # Errors
    /// What its work says; [`PipelineError::Workspace`] if the manifest cannot be written.
    pub fn run(&mut self, task: Task<'_>) -> Result<(), PipelineError> {
        match begin(vec![task], self.manifest, self.force)?.pop() {
            Some(Ok((begun, work))) => {
                let watch = Watch::start();
                let summary = work()?;
                let peak = memory::peak();
                (self.done)(&begun.complete().finish(self.manifest, watch, peak, summary)?);
            }
            Some(Err(up_to_date)) => (self.done)(&up_to_date),
            None => {}
        }
        Ok(())
    }

    /// [`TaskRunner::run`] for tasks that one process of work does one after the other. `work` is given what is to be
    /// done, and hands on what it makes of each, in order; that is settled while the work goes on: a sync is time in
    /// which there is nothing to compute. The peak of a task is that of all up to its end.
    ///
    /// # Errors
    /// As of [`TaskRunner::run`].
    pub fn run_together<W>(
        &mut self,
        goals: Vec<Goal<W>>,
        work: impl FnOnce(Vec<W>, &mut dyn FnMut(Unsettled) -> Result<(), PipelineError>) -> Result<(), PipelineError>,
    ) -> Result<(), PipelineError> {
        let (mut to_do, mut begun) = (Vec::new(), VecDeque::new());
        for one in begin(goals, self.manifest, self.force)? {
            begun.push_back(one.map(|(begun, work)| {
                to_do.push(work);
                begun
            }));
        }
        let done = &mut *self.done;
        let manifest = Mutex::new(&mut *self.manifest);
        thread::scope(|scope| {
            let mut settling: Option<Settling<'_>> = None;
            let mut watch = Watch::start();
            let mut made = |Unsettled { file, summary }| {
                let peak = memory::peak();
                settle(settling.take(), done)?;
                while let Some(Err(up_to_date)) = begun.front() {
                    done(up_to_date);
                    begun.pop_front();
                }
                let Some(Ok(begun)) = begun.pop_front() else { return Ok(()) };
                let (manifest, since) = (&manifest, std::mem::replace(&mut watch, Watch::start()));
                settling = Some(machine::run_within(scope, move || begun.settle(file, manifest, since, peak, summary)));
                Ok(())
            };
            let outcome = if to_do.is_empty() { Ok(()) } else { work(to_do, &mut made) };
            settle(settling, done)?;
            outcome?;
            begun.into_iter().filter_map(Result::err).for_each(|up_to_date| done(&up_to_date));
            Ok(())
        })
    }
}

type Settling<'scope> = Running<'scope, Result<TaskReport, PipelineError>>;

/// Waits for what is being settled.
fn settle(settling: Option<Settling<'_>>, done: &mut dyn FnMut(&TaskReport)) -> Result<(), PipelineError> {
    settling.map_or(Ok(()), |settling| settling.join().map(|report| done(&report)))
}

/// When a task began.
#[derive(Clone, Copy)]
struct Watch {
    at: Instant,
    processor: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { at: Instant::now(), processor: memory::processor_time() }
    }

    /// Seconds since then, and those of all threads together.
    fn elapsed(self) -> (f64, f64) {
        let processor = memory::processor_time().saturating_sub(self.processor);
        (self.at.elapsed().as_secs_f64(), processor.as_secs_f64())
    }
}

/// A task under way.
struct Begun {
    name: String,
    fingerprint: Fingerprint,
    outputs: Vec<PathBuf>,
    because: String,
    /// What the only output holds, and the touched input, if the task is done to see whether it still makes just this.
    expected: Option<(Checksum, String)>,
}

/// A task under way and its work, or the report that there is nothing to do.
type Started<W> = Result<(Begun, W), TaskReport>;

/// Notes that tasks are under way and gives their work; a report where there is nothing to do.
fn begin<W>(goals: Vec<Goal<W>>, manifest: &mut Manifest, force: bool) -> Result<Vec<Started<W>>, PipelineError> {
    let begun = goals.into_iter().map(|Goal { name, fingerprint, outputs, work }| {
        let reason = manifest.outdated(&name, &fingerprint);
        let expected = match &reason {
            Some(Outdated::Input(Difference::Touched(input))) if !force => {
                manifest.only_output(&name).map(|made| (made.clone(), input.clone()))
            }
            _ => None,
        };
        match reason.map(|reason| reason.to_string()).or_else(|| force.then(|| "asked for".to_owned())) {
            Some(because) => Ok((Begun { name, fingerprint, outputs, because, expected }, work)),
            None => Err(up_to_date(name, manifest)),
        }
    });
    let begun: Vec<_> = begun.collect();
    // All at once: a manifest that is written part by part is as many syncs to wait for.
    let outdated = begun.iter().flatten().filter(|(begun, _)| begun.expected.is_none());
    let outdated = outdated.map(|(begun, _)| (begun.name.as_str(), &begun.outputs[..]));
    manifest.forget(outdated)?;
    memory::reset_peak();
    Ok(begun)
}

fn up_to_date(name: String, manifest: &Manifest) -> TaskReport {
    let summary = manifest.task(&name).map(|record| record.summary.clone()).unwrap_or_default();
    TaskReport { task: name, because: None, seconds: 0.0, cpu_seconds: 0.0, peak_memory: None, summary }
}

impl Begun {
    /// Looks at what the inputs hold, so that they may be touched later.
    fn complete(mut self) -> Self {
        self.fingerprint.complete();
        self
    }

    /// Gives the output its name and notes that the task is done. Raw parts are read once and get no checksum, which
    /// would take a third of their conversion's time; so one that was touched is converted to see what comes of it, and
    /// an output that holds what the last one does is dropped.
    fn settle(
        mut self,
        mut file: AtomicFile,
        manifest: &Mutex<&mut Manifest>,
        watch: Watch,
        peak_memory: Option<u64>,
        summary: Value,
    ) -> Result<TaskReport, PipelineError> {
        let lock = || manifest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((expected, touched)) = self.expected.take() {
            file.close()?;
            if file.temporary().map(Checksum::of).transpose()?.is_some_and(|made| made == expected) {
                let mut manifest = lock();
                manifest.confirm(&self.name, self.fingerprint)?;
                return Ok(up_to_date(self.name, &manifest));
            }
            self.because = Difference::Content(touched).to_string();
        }
        file.commit()?;
        self.finish(&mut lock(), watch, peak_memory, summary)
    }

    /// Notes that the task, which began when the watch did, is done.
    fn finish(
        self,
        manifest: &mut Manifest,
        watch: Watch,
        peak_memory: Option<u64>,
        summary: Value,
    ) -> Result<TaskReport, PipelineError> {
        let (seconds, cpu_seconds) = watch.elapsed();
        manifest.finish(&self.name, self.fingerprint, &self.outputs, seconds, peak_memory, &summary)?;
        Ok(TaskReport { task: self.name, because: Some(self.because), seconds, cpu_seconds, peak_memory, summary })
    }
}
