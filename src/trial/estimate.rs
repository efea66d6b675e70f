//! What a stage says of itself in order to be planned.

use serde::Serialize;

use super::growth::Estimate;
use super::working_dir::{Trial, Whole};
use crate::config::Config;
use crate::pipeline::{PipelineError, Stage};

/// What is expected of a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagePlan {
    /// The stage's name.
    pub stage: &'static str,
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
    /// Most bytes of temporary files while it runs.
    pub temporary: f64,
}

/// What the estimates of a stage rest on that come from those before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// Bytes of the converted parts.
    pub parts: f64,
    /// Bytes of the records' counts.
    pub features: f64,
    /// Bytes of the count tables' totals.
    pub totals: Estimate,
    /// Bytes of the token vectors.
    pub vectors: f64,
    /// Tokens that have a vector, and of them those that had one in the trial.
    pub tokens: [f64; 2],
    /// Numbers in a token's vector.
    pub width: f64,
    /// Hold-out records.
    pub held_out: f64,
    /// What measuring the network takes.
    pub measuring: Measuring,
}

impl Expected {
    /// Numbers in the vectors of the tokens that had none in the trial.
    pub fn more_numbers(&self) -> f64 {
        let [tokens, tried] = self.tokens;
        (tokens - tried).max(0.0) * self.width
    }
}

/// What it takes to measure the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measuring {
    /// Seconds to read a record with its counts, and those of all threads together.
    pub reading: [f64; 2],
    /// Seconds to measure the network on a record, which includes reading it, and those of all threads together.
    pub measuring: [f64; 2],
    /// Peak resident memory in bytes.
    pub memory: f64,
    /// Bytes of the model without its counts.
    pub model: f64,
}

impl Measuring {
    /// Seconds to measure so many hold-out records, or those of all threads together. They stand among those to
    /// fine-tune on, which are read and passed over.
    pub fn seconds(&self, which: usize, held_out: f64, finetune: f64) -> f64 {
        held_out * self.measuring[which] + finetune * self.reading[which]
    }
}

/// When stages are tried. What takes long a record comes first, for it needs few records; what depends on how many
/// records there are has the most of the time. Stages of a turn are tried one after the other, in their order, then
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The text model's training.
    Finetuning,
    /// What the text model is used for.
    Text,
    /// What goes over all records.
    Counting,
    /// The network.
    Training,
}

impl Turn {
    /// All turns, in the order in which they come.
    pub const ALL: [Self; 4] = [Self::Finetuning, Self::Text, Self::Counting, Self::Training];
}

/// What came of trying a stage once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// More would say more.
    More,
    /// No more is needed, unless another stage of the turn goes on.
    Enough,
    /// There was nothing left to try: the turn is over.
    Nothing,
}

/// Tries a stage and says what it will take.
pub trait Estimator {
    /// When it is its turn.
    fn turn(&self) -> Turn;

    /// The share of all time that has to be left to it by the turns before.
    fn reserves(&self) -> f64 {
        0.0
    }

    /// Tries the stage, on more than the last time.
    ///
    /// # Errors
    /// [`PipelineError`]: what the stage says.
    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError>;

    /// What the stage will take, given what is expected of those before it; adds what those after it rest on.
    ///
    /// # Errors
    /// [`PipelineError`] if a file cannot be read.
    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError>;

    /// Records on which it was tried at the most, if they are drawn evenly from all.
    fn tried_records(&self) -> f64 {
        0.0
    }
}

/// A stage that can be planned.
pub trait Planned: Stage {
    /// An estimator that has tried nothing yet.
    fn estimator(&self) -> Box<dyn Estimator>;

    /// Makes a configuration independent of what its working directory holds already, for a trial elsewhere.
    fn settle(&self, config: &mut Config) {
        let _ = config;
    }

    /// What [`Stage::check`] looks at, as a heading.
    fn subject(&self) -> &'static str {
        "Configuration"
    }

    /// Whether it fills the memory budget and puts what is beyond it into spill files.
    fn fills_budget(&self) -> bool {
        false
    }

    /// What to set so that it takes less memory, where a smaller budget does not help.
    fn to_take_less_memory(&self) -> &'static str;

    /// What to do so that it takes less time.
    fn to_take_less_time(&self) -> &'static str {
        "use more threads, or set max_n_parts lower"
    }
}

/// Bytes of a shuffle that go to disk, of so many, when memory holds the rest.
pub fn spilled(bytes: f64, memory: f64) -> f64 {
    (bytes - memory).max(0.0)
}
