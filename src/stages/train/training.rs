//! Day after day over the training records, then over the validation records kept for fine-tuning.

use skimlog_features::input::{InputBuilder, TweetSketch};
use skimlog_formats::PerReaction;
use skimlog_network::{AdamW, Network, Shape, Trainer};
use skimlog_runtime::machine::Workers;
use skimlog_runtime::progress::Progress;

use super::checkpoint::Checkpoints;
use super::error::TrainError;
use super::options::TrainOptions;
use super::pass::{Run, Session, Trained};
use super::schedule::{log_odds, sessions};
use super::state::State;
use crate::config::BiasInit;
use crate::pipeline::examples::{Examples, Origin, Portion};

/// What a training begins with.
pub enum Start {
    /// A network of this shape with random weights.
    Anew(Shape),
    /// A trained network, after so many days. Without its optimiser's moments, which begin at zero.
    Trained {
        /// The network.
        network: Box<Network>,
        /// Days that it was trained on: [`Rates::decay`](super::Rates::decay) goes on from there.
        days: usize,
    },
}

impl From<Shape> for Start {
    fn from(shape: Shape) -> Self {
        Self::Anew(shape)
    }
}

impl Start {
    fn shape(&self) -> Shape {
        match self {
            Self::Anew(shape) => *shape,
            Self::Trained { network, .. } => network.shape(),
        }
    }
}

/// Trains a network.
///
/// With [`TrainOptions::checkpoint`], a training that was interrupted, in whatever way, goes on from its last
/// checkpoint and gives the same network as an undisturbed one.
///
/// # Errors
/// [`TrainError`]; [`TrainError::Interrupted`] if `progress` asked to stop.
pub fn train<S: TweetSketch + Sync>(
    examples: &impl Examples,
    sketches: S,
    start: impl Into<Start>,
    options: &TrainOptions,
    progress: &dyn Progress,
) -> Result<Trained, TrainError> {
    let (recipe, start) = (&options.recipe, start.into());
    let shape = start.shape();
    let days_before = match start {
        Start::Anew(_) => 0,
        Start::Trained { days, .. } => days,
    };
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
            state.resumed_at = Some(state.position());
            (state, trainer)
        }
        None => {
            let network = match start {
                Start::Anew(shape) => {
                    let bias = match recipe.bias_init {
                        BiasInit::BaseRate => log_odds(&first.tally),
                        BiasInit::Zero => PerReaction::default(),
                    };
                    Network::new(shape, recipe.seed, bias)
                }
                Start::Trained { network, .. } => *network,
            };
            (State::default(), Trainer::new(network, optimiser))
        }
    };
    let trainer = if recipe.centred { trainer.centred() } else { trainer };
    let builder = InputBuilder::new(sketches, shape.layout);
    let mut run = Run { trainer, threads, builder, options, progress, state, checkpoints, days_before };

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
