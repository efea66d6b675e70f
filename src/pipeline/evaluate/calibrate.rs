//! What a network's hidden layers see on real records, so that bytes can span it.

use super::super::examples::{Examples, ExamplesError, Portion};
use super::EvaluateError;
use crate::features::{Batch, InputBuilder, TweetSketch};
use crate::net::{Calibration, Inference, NetError, Network};

/// Records that are looked at, at most.
const RECORDS: u64 = 8192;
/// Records at a time.
const BATCH: usize = 64;

/// Why no further example is looked at.
enum Stop {
    Enough,
    Examples(ExamplesError),
    Network(NetError),
}

impl From<ExamplesError> for Stop {
    fn from(error: ExamplesError) -> Self {
        Self::Examples(error)
    }
}

/// Looks at the first hold-out records; without any, at the first records to fine-tune on or else to train on.
///
/// # Errors
/// [`EvaluateError`].
pub fn calibrate<S: TweetSketch>(
    network: &Network,
    examples: &impl Examples,
    builder: &InputBuilder<S>,
) -> Result<Calibration, EvaluateError> {
    let survey = examples.survey();
    let portion = match (survey.hold_out, survey.finetune) {
        (1.., _) => Portion::HoldOut,
        (0, 1..) => Portion::Finetune,
        (0, 0) => Portion::Training,
    };
    let mut inference = Inference::new(network);
    let mut calibration = Calibration::default();
    let mut batch = Batch::default();
    let outcome = examples.visit(portion, |_, example| {
        builder.push(example, &mut batch);
        if batch.rows == BATCH {
            inference.observe(&batch, &mut calibration).map_err(Stop::Network)?;
            batch.clear();
        }
        if calibration.records() < RECORDS { Ok(()) } else { Err(Stop::Enough) }
    });
    match outcome {
        Err(Stop::Examples(error)) => return Err(error.into()),
        Err(Stop::Network(error)) => return Err(error.into()),
        Ok(()) | Err(Stop::Enough) => {}
    }
    if batch.rows > 0 {
        inference.observe(&batch, &mut calibration)?;
    }
    Ok(calibration)
}
