//! What counting will take: tried with the same share of the memory budget as records, so that as large a share of
//! everything is spilled as will be.

use std::fs;
use std::path::Path;

use skimlog_features::counts;
use skimlog_formats::columnar::{Reader, ValueType};

use super::stage::{Features, NAME};
use crate::pipeline::PipelineError;
use crate::trial::growth::{Point, line, power, saturating, seconds, wait};
use crate::trial::{Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole, bytes_at, spilled};
use crate::workspace::WorkspaceError;

/// Most bytes of real numbers a record has: the similarity mass, and what the four sums, mostly zero, take together.
const MOST_REAL_BYTES: f64 = 16.0;

impl Planned for Features {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<FeaturesEstimator>::default()
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
    /// What was shuffled.
    shuffled: counts::CountSummary,
    /// Bytes of real numbers and of all others in `features/`.
    real_bytes: f64,
    count_bytes: f64,
    totals_bytes: f64,
}

/// All trials, smallest first.
#[derive(Default)]
struct FeaturesEstimator {
    rungs: Vec<Rung>,
}

impl FeaturesEstimator {
    fn points(&self, of: impl Fn(&Rung) -> f64) -> Vec<Point> {
        self.rungs.iter().map(|rung| Point { records: rung.records, value: of(rung) }).collect()
    }
}

impl Estimator for FeaturesEstimator {
    fn turn(&self) -> Turn {
        Turn::Counting
    }

    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        let (taken, shuffled) = trial.run(&Features, trial.share(), |_| {})?;
        let (real_bytes, count_bytes) = feature_bytes(&trial.layout().features())?;
        self.rungs.push(Rung {
            records: trial.all_records(),
            taken,
            shuffled,
            real_bytes,
            count_bytes,
            totals_bytes: bytes_at(&trial.layout().counts()) as f64,
        });
        Ok(Tried::Enough)
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let records = whole.records();
        let counts = power(&self.points(|rung| rung.count_bytes), records, 1.0, 2.0);
        let reals = saturating(&self.points(|rung| rung.real_bytes), records, MOST_REAL_BYTES);
        let shuffled = |of: fn(&counts::CountSummary) -> counts::Shuffled| {
            power(&self.points(|rung| of(&rung.shuffled).bytes as f64), records, 0.0, 2.0).expected
        };
        let (visits, answers) = (shuffled(|summary| summary.visits), shuffled(|summary| summary.answers));
        let cpu_seconds = seconds(&self.points(|rung| rung.taken.cpu_seconds), records, 1.0, 1.35);
        let waited = wait(self.rungs.iter().map(|rung| [rung.taken.seconds, rung.taken.cpu_seconds]));
        // What is held besides the budget is about the same in any trial.
        let peaks = self.points(|rung| rung.taken.peak_memory as f64);
        let (peaks, last) = (line(&peaks, records), peaks.last().map_or(0.0, |last| last.value));
        let pool = trial.config.memory_budget() as f64 / 2.0;
        expected.totals = power(&self.points(|rung| rung.totals_bytes), records, 0.0, 1.0);
        let features = counts.plus(reals);
        let stays = features.plus(expected.totals);
        expected.features = stays.expected - expected.totals.expected;
        Ok(StagePlan {
            stage: NAME,
            records,
            seconds: cpu_seconds * waited,
            cpu_seconds,
            memory: peaks.min(last + trial.config.memory_budget() as f64),
            reads: expected.parts,
            stays,
            // A partition's visits go before its answers come.
            temporary: spilled(visits, pool).max(spilled(answers, pool)),
        })
    }
}

/// Bytes of real numbers, and all other bytes, of the files in a folder of counts.
fn feature_bytes(folder: &Path) -> Result<(f64, f64), PipelineError> {
    let (mut reals, mut all) = (0, 0);
    for entry in fs::read_dir(folder).map_err(WorkspaceError::io("read the folder", folder))?.flatten() {
        let file = Reader::open(entry.path())?;
        all += file.bytes();
        let types = file.schema().fields.iter().map(|field| field.value);
        for (number, _) in types.enumerate().filter(|&(_, value)| value == ValueType::F64) {
            for block in 0..file.blocks() {
                reals += file.chunk_info(block, number)?.bytes;
            }
        }
    }
    Ok((reals as f64, (all - reals) as f64))
}
