//! A task: a stage, or one part's conversion, with what it depends on and what it makes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use skimlog_runtime::files::AtomicFile;
use skimlog_runtime::machine::{self, Running};

use super::{PipelineError, memory};
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
    /// The task's own summary.
    pub summary: Value,
}

/// Something that can be done, unless it is up to date.
pub(super) struct Goal<W> {
    pub(super) name: String,
    /// Everything that the outputs depend on.
    pub(super) fingerprint: Fingerprint,
    /// Files, and folders that stand for the files in them.
    pub(super) outputs: Vec<PathBuf>,
    /// Makes the outputs, or what makes them needs to know.
    pub(super) work: W,
}

/// Something that is done by itself: its work makes the outputs and gives a summary.
pub(super) type Task<'t> = Goal<Box<dyn FnOnce() -> Result<Value, PipelineError> + 't>>;

impl Task<'_> {
    /// Does the task if its outputs are not up to date, or with `force`; shows `done` what became of it.
    pub(super) fn run(
        self,
        manifest: &mut Manifest,
        force: bool,
        done: &mut dyn FnMut(&TaskReport),
    ) -> Result<(), PipelineError> {
        match begin(vec![self], manifest, force)?.pop() {
            Some(Ok((begun, work))) => {
                let watch = Watch::start();
                let summary = work()?;
                let peak = memory::peak();
                done(&begun.complete().finish(manifest, watch, peak, summary)?);
            }
            Some(Err(up_to_date)) => done(&up_to_date),
            None => {}
        }
        Ok(())
    }
}

/// The output of a task, made but for its sync and its name.
pub(super) struct Unsettled {
    pub(super) file: AtomicFile,
    pub(super) summary: Value,
}

type Settling<'scope> = Running<'scope, Result<TaskReport, PipelineError>>;

/// [`Task::run`] for tasks that one process of work does one after the other. `work` is given what is to be done, and
/// hands on what it makes of each, in order; that is settled while the work goes on: a sync is time in which there is
/// nothing to compute. The peak of a task is that of all up to its end.
pub(super) fn run_together<W>(
    goals: Vec<Goal<W>>,
    manifest: &mut Manifest,
    force: bool,
    done: &mut dyn FnMut(&TaskReport),
    work: impl FnOnce(Vec<W>, &mut dyn FnMut(Unsettled) -> Result<(), PipelineError>) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let (mut to_do, mut begun) = (Vec::new(), VecDeque::new());
    for one in begin(goals, manifest, force)? {
        begun.push_back(one.map(|(begun, work)| {
            to_do.push(work);
            begun
        }));
    }
    let manifest = Mutex::new(manifest);
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
