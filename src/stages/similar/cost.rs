//! What finding similar authors will take.

use skimlog_features::similar::Follows;

use super::find::SimilarSummary;
use super::stage::{NAME, Similar};
use crate::pipeline::PipelineError;
use crate::trial::growth::{Point, line, power, seconds, wait};
use crate::trial::{Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at};

/// The work grows with no more than this power of the follows. The trials may show a higher one: where there are few,
/// next to no two authors share a reader, and once many do, their number grows no faster than the follows.
const MOST_SIMILAR_POWER: f64 = 1.25;

impl Planned for Similar {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<SimilarEstimator>::default()
    }

    fn fills_budget(&self) -> bool {
        true
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set threads or max_n_parts lower; memory_budget alone does not help"
    }
}

/// What came of a trial.
struct Rung {
    /// Training and validation records.
    records: f64,
    taken: Measured,
    /// Different pairs of an author and a reader that follows it.
    follows: f64,
    bytes: f64,
}

/// All trials, smallest first.
#[derive(Default)]
struct SimilarEstimator {
    rungs: Vec<Rung>,
}

impl SimilarEstimator {
    fn points(&self, of: impl Fn(&Rung) -> f64) -> Vec<Point> {
        self.rungs.iter().map(|rung| Point { records: rung.records, value: of(rung) }).collect()
    }
}

impl Estimator for SimilarEstimator {
    fn turn(&self) -> Turn {
        Turn::Counting
    }

    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        // So short that other programs disturb it most: the better of two.
        let run = || trial.run::<SimilarSummary>(&Similar, trial.share(), |_| {});
        let [first, second] = [run()?, run()?];
        let (taken, found) = if second.0.cpu_seconds < first.0.cpu_seconds { second } else { first };
        self.rungs.push(Rung {
            records: trial.all_records(),
            taken,
            follows: found.follows as f64,
            bytes: bytes_at(&trial.layout().similar()) as f64,
        });
        Ok(Tried::Enough)
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let records = whole.records();
        let follows = power(&self.points(|rung| rung.follows), records, 0.0, 1.0).expected;
        // Of an even sample, follows are the better measure of the work: ever fewer of its records have a new one.
        // Where there are none, records are read and nothing else is done.
        let measure = |records, found| if follows > 0.0 { found } else { records };
        let points = self
            .rungs
            .iter()
            .map(|rung| Point { records: measure(rung.records, rung.follows), value: rung.taken.cpu_seconds });
        let points: Vec<Point> = points.collect();
        let cpu_seconds = seconds(&points, measure(records, follows), 1.0, MOST_SIMILAR_POWER);
        let waited = wait(self.rungs.iter().map(|rung| [rung.taken.seconds, rung.taken.cpu_seconds]));
        let temporary = Follows::temporary_bytes(follows as u64, trial.config.memory_budget() as usize);
        Ok(StagePlan {
            stage: NAME,
            records: whole.training,
            seconds: cpu_seconds * waited,
            cpu_seconds,
            memory: line(&self.points(|rung| rung.taken.peak_memory as f64), records),
            reads: expected.parts * whole.training / records,
            stays: power(&self.points(|rung| rung.bytes), records, 0.0, 2.0),
            temporary: temporary as f64,
        })
    }
}
