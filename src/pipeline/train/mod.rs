//! Training: day after day over the training records, then over the validation records kept for fine-tuning.

mod buckets;
mod feed;
mod schedule;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use skimmer_formats::PerReaction;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use self::buckets::Buckets;
use self::feed::feed;
use self::schedule::{batch_sizes, log_odds, sessions};
use super::evaluate::{EvaluateError, evaluate};
use super::examples::{Examples, ExamplesError, Origin, Portion};
use crate::features::{Example, ExampleError, InputBuilder, TweetSketch};
use crate::metrics::Report;
use crate::net::{AdamW, NetError, Network, Shape, Trainer};
use crate::progress::{Progress, Unit};
use crate::shuffle::{Pool, Scratch, ShuffleError};

/// How the output biases start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BiasInit {
    /// At the log-odds of the rates of the first day's labels.
    #[default]
    BaseRate,
    /// At zero, as in the published solution.
    Zero,
}

/// How to train. The defaults are the published solution's, but for the bias and the optimiser's moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Records of a batch, at least 2.
    pub batch: usize,
    /// Learning rate of the first day, and of the first fine-tuning epoch.
    pub learning_rate: f64,
    /// What the learning rate is multiplied by after each day.
    pub day_decay: f64,
    /// How many times the network is trained on the finetune records.
    pub validation_epochs: u32,
    /// What the learning rate is multiplied by after each fine-tuning epoch.
    pub validation_decay: f64,
    /// Weight decay, a share of the learning rate.
    pub weight_decay: f64,
    /// Whether the optimiser forgets its moments before each day and each fine-tuning epoch.
    pub reset_optimizer_each_day: bool,
    /// How the output biases start.
    pub bias_init: BiasInit,
    /// Seed of the network's start and of the records' order.
    pub seed: u64,
    /// Bytes of examples to hold in memory at a time, about.
    pub memory_budget: u64,
    /// Threads of the training step; one more builds batches.
    pub threads: usize,
    /// Directory for spill files, removed afterwards.
    pub scratch: PathBuf,
}

impl Options {
    /// The defaults, with spill files in `scratch`.
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            batch: 256,
            learning_rate: 1e-4,
            day_decay: 0.96,
            validation_epochs: 1,
            validation_decay: 0.5,
            weight_decay: 0.01,
            reset_optimizer_each_day: false,
            bias_init: BiasInit::BaseRate,
            seed: 0,
            memory_budget: 512 << 20,
            threads: 1,
            scratch,
        }
    }
}

/// Why a network cannot be trained.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The records cannot be read.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// The examples cannot be put aside and taken back.
    #[error(transparent)]
    Shuffle(#[from] ShuffleError),
    /// An example does not read back, although its checksum was right.
    #[error("an example in the scratch directory does not read back: {0}")]
    Spilled(#[source] ExampleError),
    /// The network refuses a step.
    #[error("{session}, batch {batch}: {source}")]
    Step {
        /// Which day or epoch.
        session: String,
        /// 0-based number of the batch within it.
        batch: u64,
        /// What the network says.
        source: NetError,
    },
    /// The network cannot be measured.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Fewer than two training records.
    #[error("{0} training records: batch normalisation needs at least two")]
    TooFew(u64),
    /// A batch size that cannot be.
    #[error("train.batch is {0}: batch normalisation needs at least two records")]
    Batch(usize),
    /// No threads for the step.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What rayon said.
        source: rayon::ThreadPoolBuildError,
    },
    /// The step ended first and tells why.
    #[error("the training step has ended")]
    Stopped,
}

/// What came of a day or of a fine-tuning epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionSummary {
    /// The date, or `epoch 1`.
    pub name: String,
    /// Number of records.
    pub records: u64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean loss over the records, each as it was met.
    pub loss: f64,
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The days.
    pub days: Vec<SessionSummary>,
    /// Hold-out measures after the days; `None` without hold-out records.
    pub before_finetuning: Option<Report>,
    /// The fine-tuning epochs.
    pub finetuning: Vec<SessionSummary>,
    /// Hold-out measures after fine-tuning; `None` without hold-out records or without fine-tuning.
    pub after_finetuning: Option<Report>,
    /// Records trained per second, over days and epochs, without putting the records in order and measuring.
    pub records_per_second: f64,
}

/// Where a training stands. Everything that comes after it follows from it, the options and the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    /// 0 for the days, 1, 2, … for the fine-tuning epochs.
    pass: u64,
    /// The day within the pass.
    session: usize,
    /// The batch within the day.
    batch: u64,
}

/// Trains a network of this shape.
///
/// # Errors
/// [`TrainError`].
pub fn train<S: TweetSketch + Sync>(
    examples: &impl Examples,
    sketches: S,
    shape: Shape,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Network, Summary), TrainError> {
    if options.batch < 2 {
        return Err(TrainError::Batch(options.batch));
    }
    let sessions = sessions(&examples.survey().days);
    let records: u64 = sessions.iter().map(|session| session.tally.records).sum();
    let Some(first) = sessions.first().filter(|_| records >= 2) else { return Err(TrainError::TooFew(records)) };
    let bias = match options.bias_init {
        BiasInit::BaseRate => log_odds(&first.tally),
        BiasInit::Zero => PerReaction::default(),
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let threads = threads.map_err(|source| TrainError::Threads { threads: options.threads, source })?;
    let optimiser =
        AdamW { learning_rate: options.learning_rate as f32, weight_decay: options.weight_decay, ..AdamW::default() };
    let mut run = Run {
        trainer: Trainer::new(Network::new(shape, options.seed, bias), optimiser),
        builder: InputBuilder::new(sketches),
        options,
        threads,
        progress,
        position: Position::default(),
        trained: 0,
        time: Duration::ZERO,
    };

    let days: Vec<Session> = (0..)
        .zip(&sessions)
        .map(|(number, session)| Session {
            name: session.days[0].to_string(),
            records: session.tally.records,
            learning_rate: options.learning_rate * options.day_decay.powi(number),
        })
        .collect();
    // A day that was joined to another is found with that one's first day.
    let session_of = |origin: Origin| sessions.partition_point(|session| session.days[0] <= origin.day) - 1;
    let days = run.pass(examples, Portion::Training, &days, session_of)?;
    let before_finetuning = run.measure(examples)?;

    let finetune = examples.survey().finetune;
    let epochs = if finetune < 2 { 0 } else { options.validation_epochs };
    let mut finetuning = Vec::new();
    for epoch in 0..epochs {
        run.position = Position { pass: u64::from(epoch) + 1, ..Position::default() };
        let learning_rate = options.learning_rate * options.validation_decay.powi(epoch as i32);
        let session = Session { name: format!("epoch {}", epoch + 1), records: finetune, learning_rate };
        finetuning.extend(run.pass(examples, Portion::Finetune, &[session], |_| 0)?);
    }
    let after_finetuning = if epochs > 0 { run.measure(examples)? } else { None };
    let records_per_second = run.trained as f64 / run.time.as_secs_f64().max(f64::MIN_POSITIVE);
    let summary = Summary { days, before_finetuning, finetuning, after_finetuning, records_per_second };
    Ok((run.trainer.into_network(), summary))
}

/// Records trained together, in a random order.
struct Session {
    name: String,
    records: u64,
    learning_rate: f64,
}

struct Run<'a, S> {
    trainer: Trainer,
    builder: InputBuilder<S>,
    options: &'a Options,
    threads: rayon::ThreadPool,
    progress: &'a dyn Progress,
    position: Position,
    trained: u64,
    time: Duration,
}

impl<S: TweetSketch + Sync> Run<'_, S> {
    /// Trains on every example of a portion once.
    fn pass(
        &mut self,
        examples: &impl Examples,
        portion: Portion,
        sessions: &[Session],
        session_of: impl Fn(Origin) -> usize,
    ) -> Result<Vec<SessionSummary>, TrainError> {
        let scratch = Scratch::prepare(self.options.scratch.clone())?;
        // A quarter of the budget each for examples waiting to be written, and for those being put in order.
        let share = self.options.memory_budget / 4;
        let pool = Pool::new(share);
        let records: Vec<u64> = sessions.iter().map(|session| session.records).collect();
        let seed = xxh3_64_with_seed(&self.position.pass.to_le_bytes(), self.options.seed);
        let buckets = Buckets::new(&records, seed, share, &pool, &scratch);

        let total = records.iter().sum();
        self.progress.begin("order the records", Some(total), Unit::Records);
        let mut filler = buckets.fill();
        let mut ticker = Ticker::default();
        examples.visit(portion, |origin, example: &Example| {
            filler.push(session_of(origin), origin.record, example)?;
            ticker.advance(1, self.progress);
            Ok::<(), TrainError>(())
        })?;
        filler.finish()?;
        ticker.flush(self.progress);
        self.progress.end();

        self.progress.begin("train", Some(total), Unit::Records);
        let mut summaries = Vec::with_capacity(sessions.len());
        for (number, session) in sessions.iter().enumerate() {
            self.position = Position { session: number, batch: 0, ..self.position };
            summaries.push(self.session(&buckets, session)?);
        }
        self.progress.end();
        Ok(summaries)
    }

    fn session(&mut self, buckets: &Buckets<'_>, session: &Session) -> Result<SessionSummary, TrainError> {
        if self.options.reset_optimizer_each_day {
            self.trainer.reset_moments();
        }
        let sizes = batch_sizes(session.records, self.options.batch);
        let started = Instant::now();
        let (mut sum, mut recent, mut ticker) = (0.0, (0.0, 0), Ticker::default());
        let Self { trainer, builder, threads, progress, position, .. } = self;
        feed(buckets, position.session, sizes, builder, |batch| {
            let loss = threads
                .install(|| trainer.step(batch, session.learning_rate as f32))
                .map_err(|source| TrainError::Step { session: session.name.clone(), batch: position.batch, source })?;
            sum += f64::from(loss) * batch.rows as f64;
            recent = (recent.0 + f64::from(loss), recent.1 + 1);
            position.batch += 1;
            if ticker.advance(batch.rows as u64, *progress) {
                progress.remark(&format!("{}: loss {:.4}", session.name, recent.0 / f64::from(recent.1)));
                recent = (0.0, 0);
            }
            Ok(())
        })?;
        ticker.flush(*progress);
        self.time += started.elapsed();
        self.trained += session.records;
        Ok(SessionSummary {
            name: session.name.clone(),
            records: session.records,
            learning_rate: session.learning_rate,
            loss: sum / session.records as f64,
        })
    }

    fn measure(&self, examples: &impl Examples) -> Result<Option<Report>, EvaluateError> {
        let network = self.trainer.network();
        self.threads.install(|| evaluate(network, examples, Portion::HoldOut, &self.builder, self.progress, |_, _| {}))
    }
}

/// Passes progress on, not more often than people can read.
struct Ticker {
    since: Instant,
    waiting: u64,
}

impl Default for Ticker {
    fn default() -> Self {
        Self { since: Instant::now(), waiting: 0 }
    }
}

impl Ticker {
    const PAUSE: Duration = Duration::from_millis(300);

    /// Counts on; says whether progress was told now.
    fn advance(&mut self, amount: u64, progress: &dyn Progress) -> bool {
        self.waiting += amount;
        let due = self.since.elapsed() >= Self::PAUSE;
        if due {
            self.flush(progress);
        }
        due
    }

    fn flush(&mut self, progress: &dyn Progress) {
        progress.advance(std::mem::take(&mut self.waiting));
        self.since = Instant::now();
    }
}
