//! Training: day after day over the training records, then over the validation records kept for fine-tuning.

mod buckets;
mod error;
mod feed;
mod options;
mod schedule;
mod settle;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use serde::Serialize;
use skimmer_formats::PerReaction;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use self::buckets::Buckets;
use self::feed::feed;
use self::schedule::{batch_sizes, log_odds, sessions};
use self::settle::Sample;
use super::evaluate::{EvaluateError, evaluate};
use super::examples::{Examples, Origin, Portion};
use crate::features::{Batch, Example, InputBuilder, TweetSketch};
use crate::metrics::Report;
use crate::net::{AdamW, Network, Shape, Trainer};
use crate::progress::{Progress, Unit};
use crate::shuffle::{Pool, Scratch};

pub use self::error::TrainError;
pub use self::options::{BiasInit, Options};

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
        stepper: Stepper { trainer: Trainer::new(Network::new(shape, options.seed, bias), optimiser), threads },
        builder: InputBuilder::new(sketches),
        options,
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
    Ok((run.stepper.trainer.into_network(), summary))
}

/// Records trained together, in a random order.
struct Session {
    name: String,
    records: u64,
    learning_rate: f64,
}

struct Run<'a, S> {
    stepper: Stepper,
    builder: InputBuilder<S>,
    options: &'a Options,
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
        let last = sessions.len() - 1;
        let mut sample = Sample::new((self.options.settle_batches * self.options.batch) as u64, records[last], seed);
        let mut ticker = Ticker::default();
        examples.visit(portion, |origin, example: &Example| {
            let session = session_of(origin);
            filler.push(session, origin.record, example)?;
            if session == last {
                sample.offer(origin.record, example);
            }
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
        self.settle(&sample)?;
        self.progress.end();
        Ok(summaries)
    }

    fn session(&mut self, buckets: &Buckets<'_>, session: &Session) -> Result<SessionSummary, TrainError> {
        if self.options.reset_optimizer_each_day {
            self.stepper.trainer.reset_moments();
        }
        let sizes = batch_sizes(session.records, self.options.batch);
        let started = Instant::now();
        let (mut sum, mut recent, mut ticker) = (0.0, (0.0, 0), Ticker::default());
        let Self { stepper, builder, progress, position, .. } = self;
        feed(buckets, position.session, sizes, builder, |batch| {
            let loss = stepper.step(&session.name, position.batch, batch, session.learning_rate)?;
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

    /// Lets the running statistics of the batch normalisations come to rest.
    fn settle(&mut self, sample: &Sample) -> Result<(), TrainError> {
        let Self { stepper, builder, options, .. } = self;
        let mut number = 0;
        sample.batches(options.batch, builder, |batch| {
            // A learning rate of zero leaves the weights as they are.
            stepper.step("settling", number, batch, 0.0)?;
            number += 1;
            Ok(())
        })
    }

    fn measure(&self, examples: &impl Examples) -> Result<Option<Report>, EvaluateError> {
        let Stepper { trainer, threads } = &self.stepper;
        let network = trainer.network();
        threads.install(|| evaluate(network, examples, Portion::HoldOut, &self.builder, self.progress, |_, _| {}))
    }
}

/// The training step on its own threads.
struct Stepper {
    trainer: Trainer,
    threads: rayon::ThreadPool,
}

impl Stepper {
    /// Takes a step and gives the loss before it; `session` and `number` say in an error which batch it was.
    fn step(&mut self, session: &str, number: u64, batch: &Batch, learning_rate: f64) -> Result<f32, TrainError> {
        let outcome = self.threads.install(|| self.trainer.step(batch, learning_rate as f32));
        let session = || session.to_owned();
        outcome.map_err(|source| TrainError::Step { session: session(), batch: number, source: Box::new(source) })
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
