//! What measuring the model will take: training measures it too, and is tried before.

use super::stage::{Evaluate, NAME};
use crate::pipeline::PipelineError;
use crate::trial::{Estimate, Estimator, Expected, Measuring, Planned, StagePlan, Trial, Tried, Turn, Whole};

impl Planned for Evaluate {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::new(EvaluateEstimator)
    }

    fn fills_budget(&self) -> bool {
        true
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set train.hidden_size lower"
    }
}

struct EvaluateEstimator;

impl Estimator for EvaluateEstimator {
    fn turn(&self) -> Turn {
        Turn::Training
    }

    fn try_more(&mut self, _trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        Ok(Tried::Enough)
    }

    fn estimate(&self, _trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let Measuring { memory, model, .. } = expected.measuring;
        let finetune = whole.validation - expected.held_out;
        let seconds = |which: usize| expected.measuring.seconds(which, expected.held_out, finetune);
        Ok(StagePlan {
            stage: NAME,
            records: expected.held_out,
            seconds: seconds(0),
            cpu_seconds: seconds(1),
            memory,
            reads: (expected.parts + expected.features) * whole.validation / whole.records() + model,
            stays: Estimate::sure(0.0),
            temporary: 0.0,
        })
    }
}
