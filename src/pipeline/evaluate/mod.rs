//! How good a network's predictions are on records with labels.

mod calibrate;
mod precisions;
mod predictions;

use skimlog_features::input::{Batch, InputBuilder, TweetSketch};
use skimlog_formats::PerReaction;
use skimlog_network::metrics::{NotAProbability, Report, Scores, ScoresError};
use skimlog_network::{Inference, NetError, Network, probability};
use skimlog_runtime::progress::{Progress, Unit};
use thiserror::Error;

use super::examples::{Examples, ExamplesError, Origin, Portion};

pub use calibrate::calibrate;
pub use precisions::PrecisionTable;
pub use predictions::{PredictionsError, evaluate_predictions};

/// Records predicted at a time.
const BATCH: usize = 512;

/// Why predictions cannot be measured.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The records cannot be read.
    #[error(transparent)]
    Examples(#[from] ExamplesError),
    /// The network cannot predict them.
    #[error(transparent)]
    Network(#[from] NetError),
    /// The network predicted something that is no probability.
    #[error("{0}: the network is damaged or its training diverged")]
    Prediction(NotAProbability),
    /// The predictions cannot be kept.
    #[error(transparent)]
    Scores(ScoresError),
    /// It was asked to stop, for example with Ctrl-C.
    #[error("stopped while measuring")]
    Stopped,
}

impl From<ScoresError> for EvaluateError {
    fn from(error: ScoresError) -> Self {
        match error {
            ScoresError::NotAProbability(error) => Self::Prediction(error),
            spill => Self::Scores(spill),
        }
    }
}

/// [`evaluate_inference`] with a network in single precision.
///
/// # Errors
/// [`EvaluateError`].
pub fn evaluate<S: TweetSketch>(
    network: &Network,
    examples: &impl Examples,
    portion: Portion,
    builder: &InputBuilder<S>,
    scores: Scores,
    progress: &dyn Progress,
    each: impl FnMut(Origin, PerReaction<f32>),
) -> Result<Option<Report>, EvaluateError> {
    evaluate_inference(Inference::new(network), examples, portion, builder, scores, progress, each)
}

/// Predicts every record of a portion, shows `each` the predictions in the order of the records, and measures them with
/// `scores`, which is empty. `None` if there is no record.
///
/// # Errors
/// [`EvaluateError`].
pub fn evaluate_inference<S: TweetSketch>(
    inference: Inference,
    examples: &impl Examples,
    portion: Portion,
    builder: &InputBuilder<S>,
    scores: Scores,
    progress: &dyn Progress,
    mut each: impl FnMut(Origin, PerReaction<f32>),
) -> Result<Option<Report>, EvaluateError> {
    let survey = examples.survey();
    let records = match portion {
        Portion::Training => survey.days.values().map(|tally| tally.records).sum(),
        Portion::Finetune => survey.finetune,
        Portion::HoldOut => survey.hold_out,
    };
    progress.begin("evaluate", Some(records), Unit::Records);
    let mut measured = Measured { inference, logits: Vec::new(), scores };
    let (mut batch, mut about) = (Batch::default(), Vec::new());
    examples.visit(portion, |origin, example| {
        builder.push(example, &mut batch);
        about.push((origin, example.labels.unwrap_or_default(), example.author_followers()));
        if batch.rows == BATCH {
            measured.add(&batch, &about, &mut each)?;
            progress.advance(BATCH as u64);
            if progress.stop_requested() {
                return Err(EvaluateError::Stopped);
            }
            batch.clear();
            about.clear();
        }
        Ok::<(), EvaluateError>(())
    })?;
    if batch.rows > 0 {
        measured.add(&batch, &about, &mut each)?;
        progress.advance(batch.rows as u64);
    }
    progress.end();
    Ok(measured.scores.report()?)
}

/// What is known of a predicted record: where it comes from, its reactions, how many accounts follow its author.
type About = (Origin, skimlog_formats::ReactionSet, u32);

struct Measured {
    inference: Inference,
    logits: Vec<PerReaction<f32>>,
    scores: Scores,
}

impl Measured {
    fn add(
        &mut self,
        batch: &Batch,
        about: &[About],
        each: &mut impl FnMut(Origin, PerReaction<f32>),
    ) -> Result<(), EvaluateError> {
        self.inference.logits(batch, &mut self.logits)?;
        for (logits, &(origin, labels, author_followers)) in self.logits.iter().zip(about) {
            let prediction = logits.map(probability);
            self.scores.push(prediction, labels, author_followers)?;
            each(origin, prediction);
        }
        Ok(())
    }
}
