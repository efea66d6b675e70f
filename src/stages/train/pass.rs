//! A pass over records: put in order, trained on session by session, then the statistics settle.

use std::time::Instant;

use skimlog_features::input::{Example, InputBuilder, TweetSketch};
use skimlog_network::Network;
use skimlog_network::Trainer;
use skimlog_network::metrics::{Report, Scores};
use skimlog_runtime::machine::Workers;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_runtime::shuffle::{Pool, Scratch};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::buckets::Buckets;
use super::checkpoint::Checkpoints;
use super::coverage::Coverage;
use super::error::TrainError;
use super::feed::feed;
use super::options::TrainOptions;
use super::schedule::{Rates, batch_count, batch_sizes};
use super::settle::Sample;
use super::state::{Point, State};
use super::summary::TrainSummary;
use super::ticker::Ticker;
use crate::pipeline::evaluate::{EvaluateError, evaluate};
use crate::pipeline::examples::{Examples, Origin, Portion};

/// What a training gives.
pub struct Trained {
    /// The network.
    pub network: Network,
    /// What came of it.
    pub summary: TrainSummary,
    /// Losses and learning rates on the way.
    pub curve: Vec<Point>,
}

/// Records trained together, in a random order.
pub(super) struct Session {
    /// The date, or `epoch 1`.
    pub(super) name: String,
    pub(super) records: u64,
}

/// The learning rates of a session's batches.
struct SessionRates {
    rates: Rates,
    /// Number of the day or of the epoch.
    number: usize,
    /// Batches of the days or epochs before it.
    before: u64,
    /// Batches of all days or epochs.
    batches: u64,
}

impl SessionRates {
    fn at(&self, batch: u64) -> f64 {
        self.rates.at(self.number, self.before + batch, self.batches)
    }
}

/// A training under way.
pub(super) struct Run<'a, S> {
    pub(super) trainer: Trainer,
    /// The step's own threads.
    pub(super) threads: Workers,
    pub(super) builder: InputBuilder<S>,
    pub(super) options: &'a TrainOptions,
    pub(super) progress: &'a dyn Progress,
    pub(super) state: State,
    pub(super) checkpoints: Checkpoints<'a>,
    /// Days that the network was trained on before.
    pub(super) days_before: usize,
}

impl<S: TweetSketch + Sync> Run<'_, S> {
    /// Trains on every example of a portion once, from where the training stands.
    pub(super) fn pass(
        &mut self,
        examples: &impl Examples,
        portion: Portion,
        sessions: &[Session],
        session_of: impl Fn(Origin) -> usize,
    ) -> Result<(), TrainError> {
        if self.state.position.settled {
            return Ok(());
        }
        let (options, progress, first) = (self.options, self.progress, self.state.position.session);
        let recipe = &options.recipe;
        let scratch = Scratch::prepare(options.scratch.clone())?;
        // A quarter of the budget each for examples waiting to be written, and for those being put in order.
        let share = options.memory_budget / 4;
        let pool = Pool::new(share);
        let records: Vec<u64> = sessions.iter().map(|session| session.records).collect();
        let seed = xxh3_64_with_seed(&self.state.position.pass.to_le_bytes(), recipe.seed);
        let buckets = Buckets::new(&records, seed, share, &pool, &scratch);

        let begun = Instant::now();
        let total = records.iter().sum();
        progress.begin("order the records", Some(total), Unit::Records);
        let mut filler = buckets.fill();
        let last = sessions.len() - 1;
        let mut sample = Sample::new((recipe.settle_batches * recipe.batch) as u64, records[last], seed);
        let (mut coverage, mut ticker) = (Coverage::new(), Ticker::default());
        let ordered = examples.visit(portion, |origin, example: &Example| {
            let session = session_of(origin);
            coverage.add(example);
            // Days that were over before an interruption are not needed again.
            if session >= first {
                filler.push(session, origin.record, example)?;
            }
            if session == last {
                sample.offer(origin.record, example);
            }
            let stop = ticker.advance(1, progress) && progress.stop_requested();
            if stop { Err(TrainError::Stopped) } else { Ok(()) }
        });
        match ordered {
            Err(TrainError::Stopped) => return Err(self.interrupted()),
            other => other?,
        }
        filler.finish()?;
        if portion == Portion::Training {
            self.state.coverage = coverage;
        }
        ticker.flush(progress);
        progress.end();
        self.state.other_seconds += begun.elapsed().as_secs_f64();

        progress.begin("train", Some(total), Unit::Records);
        progress.advance(self.state.met);
        for session in &sessions[first..] {
            let rates = self.rates(&records);
            self.session(&buckets, session, total, &rates)?;
        }
        progress.end();
        let begun = Instant::now();
        self.settle(&sample)?;
        self.state.other_seconds += begun.elapsed().as_secs_f64();
        Ok(())
    }

    /// The learning rates of the session at which the training stands.
    fn rates(&self, records: &[u64]) -> SessionRates {
        let (recipe, position) = (&self.options.recipe, self.state.position);
        let batches = |records: &[u64]| records.iter().map(|&records| batch_count(records, recipe.batch)).sum::<u64>();
        match position.pass {
            0 => SessionRates {
                rates: recipe.days,
                number: self.days_before + position.session,
                before: batches(&records[..position.session]),
                batches: batches(records),
            },
            epoch => SessionRates {
                rates: recipe.finetuning,
                number: epoch as usize - 1,
                before: (epoch - 1) * batches(records),
                batches: u64::from(recipe.validation_epochs) * batches(records),
            },
        }
    }

    fn session(
        &mut self,
        buckets: &Buckets<'_>,
        session: &Session,
        of_pass: u64,
        rates: &SessionRates,
    ) -> Result<(), TrainError> {
        let Self { trainer, threads, builder, options, progress, state, checkpoints, .. } = self;
        let recipe = &options.recipe;
        let trained = state.position.batch as usize;
        if recipe.reset_optimizer_each_day && trained == 0 {
            trainer.reset_moments();
        }
        let sizes = batch_sizes(session.records, recipe.batch);
        let (mut begun, mut ticker) = (Instant::now(), Ticker::default());
        let mut learning_rate = rates.at(trained.saturating_sub(1) as u64);
        feed(buckets, state.position.session, sizes, trained, builder, |batch| {
            let number = state.position.batch;
            learning_rate = rates.at(number);
            let stepping = Instant::now();
            let outcome = threads.install(|| trainer.step(batch, learning_rate as f32));
            state.step_seconds += stepping.elapsed().as_secs_f64();
            let loss = outcome.map_err(|source| TrainError::Step {
                session: session.name.clone(),
                batch: number,
                source: Box::new(source),
            })?;
            state.count(loss, batch.rows, learning_rate, of_pass);
            let reported = ticker.advance(batch.rows as u64, *progress);
            if reported {
                progress.remark(&format!("{}: loss {:.4}", session.name, state.day.mean()));
            }
            let stop = progress.stop_requested();
            if stop || checkpoints.due(false) {
                state.seconds += begun.elapsed().as_secs_f64();
                checkpoints.write(state, trainer)?;
                begun = Instant::now();
            }
            if stop { Err(checkpoints.interrupted(state)) } else { Ok(()) }
        })?;
        ticker.flush(*progress);
        state.seconds += begun.elapsed().as_secs_f64();
        state.end_session(&session.name, learning_rate);
        self.checkpoint_if_due()
    }

    /// Lets the running statistics of the batch normalisations come to rest.
    fn settle(&mut self, sample: &Sample) -> Result<(), TrainError> {
        let Self { trainer, threads, builder, options, state, .. } = self;
        sample.batches(options.recipe.batch, builder, |batch| {
            let outcome = threads.install(|| trainer.settle(batch));
            outcome.map_err(|source| TrainError::Settle { source: Box::new(source) })
        })?;
        state.position.settled = true;
        Ok(())
    }

    /// Measures the network on the hold-out records; `None` if there are none.
    pub(super) fn measure(&mut self, examples: &impl Examples) -> Result<Option<Report>, TrainError> {
        let Self { trainer, threads, builder, options, progress, .. } = self;
        let scratch = Scratch::prepare(options.scratch.clone())?;
        let (network, scores) = (trainer.network(), Scores::within(options.memory_budget, scratch.path()));
        let measured =
            threads.install(|| evaluate(network, examples, Portion::HoldOut, builder, scores, *progress, |_, _| {}));
        match measured {
            Err(EvaluateError::Stopped) => Err(self.interrupted()),
            other => Ok(other?),
        }
    }

    /// Begins another pass.
    pub(super) fn begin_pass(&mut self, pass: u64) -> Result<(), TrainError> {
        self.state.begin_pass(pass);
        self.checkpoint_if_due()
    }

    fn checkpoint_if_due(&mut self) -> Result<(), TrainError> {
        if self.checkpoints.due(true) {
            self.checkpoints.write(&self.state, &self.trainer)?;
        }
        Ok(())
    }

    /// Writes a checkpoint and says that the training was interrupted.
    fn interrupted(&mut self) -> TrainError {
        let written = self.checkpoints.write(&self.state, &self.trainer);
        written.err().unwrap_or_else(|| self.checkpoints.interrupted(&self.state))
    }

    /// Ends the training.
    pub(super) fn finish(self) -> Trained {
        let (summary, curve) = self.state.into_summary();
        Trained { network: self.trainer.into_network(), summary, curve }
    }
}
