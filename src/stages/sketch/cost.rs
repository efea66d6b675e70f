//! What coding the tokens will take: tried on the vectors that the trials of the stage before made, or on all token
//! ids.

use skimlog_features::sketch::TextMode;

use super::codes::SketchSummary;
use super::stage::{NAME, Sketch};
use crate::config::Config;
use crate::pipeline::PipelineError;
use crate::stages::embed::{computes_vectors, text_mode};
use crate::trial::growth::{Point, seconds};
use crate::trial::{Estimate, Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at};

/// A token's vector takes so many bytes a number on disk.
const STORED_NUMBER: f64 = 4.0;

impl Planned for Sketch {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<SketchEstimator>::default()
    }

    fn settle(&self, config: &mut Config) {
        config.text = Some(match text_mode(config) {
            // Vectors that were left in the working directory are not in that of a trial. To code them takes seconds,
            // as it does to hash the ids.
            TextMode::DistilBert if !computes_vectors(config) => TextMode::Hashed,
            mode => mode,
        });
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set sketch_depth or sketch_width lower"
    }
}

/// What came of the trials.
#[derive(Default)]
struct SketchEstimator {
    /// Tokens that were coded, and seconds, and those of all threads together.
    taken: [Vec<Point>; 2],
    last: Measured,
    bytes: f64,
    /// How many token ids were hashed, if there are no vectors: all there are.
    hashed: Option<f64>,
}

impl Estimator for SketchEstimator {
    fn turn(&self) -> Turn {
        Turn::Text
    }

    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        let (taken, summary) = trial.run_again::<SketchSummary>(&Sketch)?;
        for (points, value) in self.taken.iter_mut().zip([taken.seconds, taken.cpu_seconds]) {
            points.push(Point { records: summary.tokens as f64, value });
        }
        self.last = taken;
        self.hashed = summary.dimensions.is_none().then_some(summary.tokens as f64);
        self.bytes = bytes_at(&trial.layout().codes()) as f64;
        Ok(Tried::Enough)
    }

    fn estimate(
        &self,
        _trial: &Trial<'_>,
        _whole: &Whole,
        expected: &mut Expected,
    ) -> Result<StagePlan, PipelineError> {
        let [tokens, tried] = self.hashed.map_or(expected.tokens, |hashed| [hashed; 2]);
        Ok(StagePlan {
            stage: NAME,
            records: tokens,
            // From what is the same for any number of tokens to what is in proportion to them.
            seconds: seconds(&self.taken[0], tokens, 0.0, 1.0),
            cpu_seconds: seconds(&self.taken[1], tokens, 0.0, 1.0),
            memory: self.last.peak_memory as f64 + 2.0 * expected.more_numbers() * STORED_NUMBER,
            reads: expected.vectors,
            stays: Estimate::sure(self.bytes * (tokens / tried)),
            temporary: 0.0,
        })
    }
}
