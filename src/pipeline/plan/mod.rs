//! What a run will take on this machine: time, memory and disk of every stage.
//!
//! The stages really run, on records that are drawn evenly from all raw parts that are there, in a folder of the
//! working directory. `counting` tries conversion, similar authors and counts on ever more records, as long as the
//! time lasts, and extends the curves; the text model (`finetuning`, `words`) and training (`learning`) take so
//! long a record that few are enough. Which stages there are is what a run would say ([`stages`]). A further stage gets
//! a [`StagePlan`] of its own in `forecast`.

mod advice;
mod counting;
mod finetuning;
mod growth;
mod learning;
mod speed;
mod table;
mod text;
mod trial;
mod words;

use std::path::Path;

use serde::{Serialize, Serializer};

use self::counting::Counting;
use self::finetuning::Finetuning;
pub use self::growth::Estimate;
use skimlog_runtime::machine;
use skimlog_runtime::progress::Progress;

use self::learning::Learning;
use self::trial::{Clock, Trial, size};
use self::words::Words;
use super::stages::stages;
use super::{PipelineError, Stage};
use crate::config::Config;
use crate::workspace::{Workspace, WorkspaceError};

/// Seconds that planning takes if nothing else is asked for, about.
pub const SECONDS: f64 = 60.0;
/// Shares of the time: until a trial of the text model, or of its training, is long enough, until counting ends if
/// training follows, until counting ends if it does not, and until a trial of training is long enough.
const SHARES: [f64; 4] = [0.08, 0.7, 0.95, 0.1];

/// How to plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Seconds that planning may take, about.
    pub seconds: f64,
    /// How many training parts there are to be, if more will come; those that are there stand for all.
    pub parts: Option<usize>,
}

/// What is expected of a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagePlan {
    /// The stage.
    #[serde(serialize_with = "stage_name")]
    pub stage: Stage,
    /// Records it works on; for `sketch`, tokens.
    pub records: f64,
    /// Seconds it takes.
    pub seconds: f64,
    /// Seconds that all threads compute together, which depend less on what else the machine does.
    pub cpu_seconds: f64,
    /// Peak resident memory in bytes.
    pub memory: f64,
    /// Bytes of the files it reads. Columns that it does not need are passed over.
    pub reads: f64,
    /// Bytes it leaves on disk.
    pub stays: Estimate,
    /// Most bytes of spill files while it runs.
    pub temporary: f64,
}

fn stage_name<S: Serializer>(stage: &Stage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(stage.name())
}

/// What is expected of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
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

impl Plan {
    /// Bytes that all stages leave on disk.
    pub fn stays(&self) -> Estimate {
        self.stages.iter().fold(Estimate::default(), |sum, stage| sum.plus(stage.stays))
    }
}

/// Plans a run.
///
/// Works in a scratch folder of the working directory and removes it. Uses the current rayon pool.
///
/// # Errors
/// [`PipelineError`]: whatever a stage says of the records drawn, or a working directory that is in use.
pub fn plan(config: &Config, options: Options, progress: &dyn Progress) -> Result<Plan, PipelineError> {
    let workspace = Workspace::open(&config.working_dir)?;
    let scratch = workspace.scratch("plan")?;
    let outcome = forecast(config, options, &workspace, &scratch, progress);
    workspace.remove_scratch()?;
    outcome
}

fn forecast(
    config: &Config,
    options: Options,
    workspace: &Workspace,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<Plan, PipelineError> {
    let clock = Clock::start(options.seconds, progress);
    let disk_free = free(&config.working_dir)?;
    let mut trial = Trial::new(config, options.parts, scratch, &clock)?;
    // What a run would refuse is in the advice.
    let planned = stages(config, Stage::Convert, Stage::Evaluate);
    let planned = planned.or_else(|_| stages(config, Stage::Convert, Stage::Features))?;
    let has_model = planned.contains(&Stage::Embed);
    let [embedding, counting_first, counting_last, training] = SHARES.map(|share| clock.share(share));
    let is_finetuned = planned.contains(&Stage::Finetune);
    let finetuning = is_finetuned.then(|| Finetuning::measure(&mut trial, embedding)).transpose()?;
    let words = has_model.then(|| Words::measure(&mut trial, embedding)).transpose()?;
    let counting_ends = if has_model { counting_first } else { counting_last };
    let counting = Counting::climb(&mut trial, counting_ends, disk_free)?;
    let learning = has_model.then(|| Learning::measure(&trial, training)).transpose()?;
    progress.end();

    let whole = trial.whole();
    let convert = counting.convert(&trial, &whole);
    let parts_bytes = convert.stays.expected;
    let similar = counting.similar(&trial, &whole, parts_bytes);
    let features = counting.features(&trial, &whole, parts_bytes);
    let totals = counting.totals(&whole);
    let inputs = parts_bytes + features.stays.expected - totals.expected;
    let mut stages = vec![convert, similar, features];
    stages.extend(finetuning.map(|finetuning| finetuning.plan(&trial, &whole, parts_bytes)));
    if let (Some(words), Some(learning)) = (&words, &learning) {
        stages.extend(words.plans(&trial, &whole, parts_bytes)?);
        stages.extend(learning.plans(&trial, &whole, totals, inputs, words)?);
    }

    let (mut standing, mut disk_peak) = (0.0, 0.0_f64);
    for stage in &stages {
        // Spill files go as what stays comes.
        disk_peak = disk_peak.max(standing + stage.stays.expected.max(stage.temporary));
        standing += stage.stays.expected;
    }
    let made = [
        workspace.parts(),
        workspace.similar(),
        workspace.features(),
        workspace.counts(),
        workspace.distilbert(),
        workspace.token_embeddings(),
        workspace.codes(),
        workspace.model(),
    ];
    let mut plan = Plan {
        parts: whole.parts,
        training_records: whole.training,
        validation_records: whole.validation,
        raw_bytes: whole.text_bytes,
        tried_records: counting.records(),
        stages,
        counts_bytes: totals,
        disk_peak,
        disk_there: made.iter().map(|path| size(path)).sum(),
        disk_free,
        machine_memory: machine::memory(),
        machine_threads: machine::threads().get(),
        advice: Vec::new(),
    };
    plan.advice = advice::advice(&plan, config);
    Ok(plan)
}

/// Bytes of a shuffle that go to disk, of so many, when memory holds the rest.
fn spilled(bytes: f64, memory: f64) -> f64 {
    (bytes - memory).max(0.0)
}

/// Room on the disk of a folder, for this user.
fn free(folder: &Path) -> Result<u64, PipelineError> {
    let room =
        rustix::fs::statvfs(folder).map_err(|error| WorkspaceError::io("ask for the room on", folder)(error.into()))?;
    Ok(room.f_bavail * room.f_frsize)
}
