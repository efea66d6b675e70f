//! Training: day after day over the training records, then over the validation records kept for fine-tuning.

mod buckets;
mod checkpoint;
mod coverage;
mod error;
mod feed;
mod options;
mod pass;
mod schedule;
mod settle;
mod state;
#[cfg(test)]
mod tests;
mod ticker;

use serde::{Deserialize, Serialize};
use skimlog_features::input::{InputBuilder, TweetSketch};
use skimlog_formats::PerReaction;
use skimlog_network::metrics::Report;
use skimlog_network::{AdamW, Network, Shape, Trainer};
use skimlog_runtime::machine::Workers;
use skimlog_runtime::progress::Progress;

use self::checkpoint::Checkpoints;
use self::pass::{Run, Session};
use self::schedule::{log_odds, sessions};
use self::state::State;
use super::examples::{Examples, Origin, Portion};

pub use self::coverage::Coverage;
pub use self::error::TrainError;
pub use self::options::{BiasInit, Checkpointing, Options, Recipe};
pub use self::schedule::Rates;
pub use self::state::Point;

/// What came of a day or of a fine-tuning epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// The date, or `epoch 1`.
    pub name: String,
    /// Number of records.
    pub records: u64,
    /// Learning rate at its end.
    pub learning_rate: f64,
    /// Mean loss over the records, each as it was met.
    pub loss: f64,
    /// How long it took, without putting the records in order, measuring and checkpoints.
    pub seconds: f64,
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The days.
    pub days: Vec<SessionSummary>,
    /// Hold-out measures after the days; `None` without hold-out records.
    pub before_finetuning: Option<Report>,
    /// The fine-tuning epochs.
    pub finetuning: Vec<SessionSummary>,
    /// Hold-out measures after fine-tuning; `None` without hold-out records or without fine-tuning.
    pub after_finetuning: Option<Report>,
    /// Records per second, over days and epochs, without putting the records in order, measuring and checkpoints.
    pub records_per_second: f64,
    /// Records per second of the training step alone.
    pub step_records_per_second: f64,
    /// Records per second from the stored features to the trained weights: with putting in order and settling, without
    /// measuring and checkpoints.
    pub whole_records_per_second: f64,
    /// In how many training records each number is not zero.
    pub coverage: Coverage,
    /// Where an interrupted training was taken up again, the last time; `None` if it never was.
    pub resumed_at: Option<String>,
}

/// What a training gives.
pub struct Trained {
    /// The network.
    pub network: Network,
    /// What came of it.
    pub summary: Summary,
    /// Losses and learning rates on the way.
    pub curve: Vec<Point>,
}

/// Trains a network of this shape.
///
/// With [`Options::checkpoint`], a training that was interrupted, in whatever way, goes on from its last checkpoint and gives the
/// same network as an undisturbed one.
///
/// # Errors
/// [`TrainError`]; [`TrainError::Interrupted`] if `progress` asked to stop.
pub fn train<S: TweetSketch + Sync>(
    examples: &impl Examples,
    sketches: S,
    shape: Shape,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Trained, TrainError> {
    let recipe = &options.recipe;
    if recipe.batch < 2 {
        return Err(TrainError::Batch(recipe.batch));
    }
    let sessions = sessions(&examples.survey().days);
    let records: u64 = sessions.iter().map(|session| session.tally.records).sum();
    let Some(first) = sessions.first().filter(|_| records >= 2) else { return Err(TrainError::TooFew(records)) };
    let threads = Workers::new(options.threads);
    let optimiser = AdamW { weight_decay: recipe.weight_decay, ..AdamW::default() };
    let mut checkpoints = Checkpoints::new(options.checkpoint.as_ref());
    let (state, trainer) = match checkpoints.resume(shape, optimiser)? {
        Some((mut state, trainer)) => {
            state.resumed_at = Some(state.place());
            (state, trainer)
        }
        None => {
            let bias = match recipe.bias_init {
                BiasInit::BaseRate => log_odds(&first.tally),
                BiasInit::Zero => PerReaction::default(),
            };
            let network = Network::new(shape, recipe.seed, bias);
            (State::default(), Trainer::new(network, optimiser))
        }
    };
    let trainer = if recipe.centred { trainer.centred() } else { trainer };
    let builder = InputBuilder::new(sketches, shape.layout);
    let mut run = Run { trainer, threads, builder, options, progress, state, checkpoints };

    if run.state.position.pass == 0 {
        let days: Vec<Session> = sessions
            .iter()
            .map(|session| Session { name: session.days[0].to_string(), records: session.tally.records })
            .collect();
        // A day that was joined to another is found with that one's first day.
        let session_of = |origin: Origin| sessions.partition_point(|session| session.days[0] <= origin.day) - 1;
        run.pass(examples, Portion::Training, &days, session_of)?;
        run.state.before_finetuning = run.measure(examples)?;
        run.begin_pass(1)?;
    }
    let finetune = examples.survey().finetune;
    let epochs = if finetune < 2 { 0 } else { recipe.validation_epochs };
    for epoch in run.state.position.pass as u32..=epochs {
        let session = Session { name: format!("epoch {epoch}"), records: finetune };
        run.pass(examples, Portion::Finetune, &[session], |_| 0)?;
        if epoch == epochs {
            run.state.after_finetuning = run.measure(examples)?;
        }
        run.begin_pass(u64::from(epoch) + 1)?;
    }
    Ok(run.finish())
}
