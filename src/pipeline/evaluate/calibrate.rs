//! Real records for lower precisions to be fitted to.

use skimlog_features::input::{Batch, InputBuilder, TweetSketch};
use skimlog_network::Calibration;

use super::super::examples::{Examples, ExamplesError, Portion};

/// Records that are looked at, at most.
const RECORDS: usize = 4096;

/// Why no further example is looked at.
enum Stop {
    Enough,
    Examples(ExamplesError),
}

impl From<ExamplesError> for Stop {
    fn from(error: ExamplesError) -> Self {
        Self::Examples(error)
    }
}

/// Takes the first hold-out records; without any, the first records to fine-tune on or else to train on.
///
/// # Errors
/// [`ExamplesError`].
pub fn calibrate<S: TweetSketch>(
    examples: &impl Examples,
    builder: &InputBuilder<S>,
) -> Result<Calibration, ExamplesError> {
    let survey = examples.survey();
    let portion = match (survey.hold_out, survey.finetune) {
        (1.., _) => Portion::HoldOut,
        (0, 1..) => Portion::Finetune,
        (0, 0) => Portion::Training,
    };
    let mut calibration = Calibration::default();
    let mut batch = Batch::default();
    let outcome = examples.visit(portion, |_, example| {
        builder.push(example, &mut batch);
        if batch.rows == Calibration::BATCH {
            calibration.push(std::mem::take(&mut batch));
        }
        if calibration.records() < RECORDS { Ok(()) } else { Err(Stop::Enough) }
    });
    match outcome {
        Err(Stop::Examples(error)) => return Err(error),
        Ok(()) | Err(Stop::Enough) => calibration.push(batch),
    }
    Ok(calibration)
}
