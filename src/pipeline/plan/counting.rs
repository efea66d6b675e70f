//! Conversion, similar authors and counts: tried on ever more records with the same share of the memory budget, so that
//! as large a share of everything is spilled as will be.

use std::fs;
use std::path::Path;

use skimlog_features::counts;
use skimlog_features::similar::Follows;
use skimlog_formats::columnar::{Reader, ValueType};

use super::growth::{Estimate, Point, line, power, saturating, seconds, wait};
use super::trial::{Measured, Trial, Whole};
use super::{StagePlan, spilled};
use crate::pipeline::similar::SimilarSummary;
use crate::pipeline::{PipelineError, Stage};
use crate::workspace::WorkspaceError;

/// Training records of the first trial that counts, at least.
const FIRST_TRIAL: u64 = 16_384;
/// No more than this share of all records is tried.
const LARGEST_SHARE: f64 = 0.3;
/// By how much more the next trial, of twice the records, takes than the last one.
const NEXT_TRIAL: f64 = 2.3;
/// A trial's files take no more than this share of the free disk.
const DISK_SHARE: f64 = 0.25;
/// Bytes on disk that a record of a trial takes, at most, about.
const RECORD_BYTES: f64 = 1000.0;
/// Most bytes of real numbers a record has: the similarity mass, and what the four sums, mostly zero, take together.
const MOST_REAL_BYTES: f64 = 16.0;
/// `similar` grows with no more than this power of the follows. The trials may show a higher one: where there are few, next to
/// no two authors share a reader, and once many do, their number grows no faster than the follows.
const MOST_SIMILAR_POWER: f64 = 1.25;

/// What came of a trial.
struct Rung {
    /// Training and validation records.
    records: f64,
    similar: Measured,
    /// Different pairs of an author and a reader that follows it.
    follows: f64,
    features: Measured,
    /// What was shuffled.
    shuffled: counts::CountSummary,
    /// Bytes of real numbers and of all others in `features/`.
    real_bytes: f64,
    count_bytes: f64,
    totals_bytes: f64,
    similar_bytes: f64,
}

/// All trials, smallest first.
pub(super) struct Counting {
    rungs: Vec<Rung>,
}

impl Counting {
    /// Tries the stages on twice the records again and again, until about `until` seconds of the clock or until there are
    /// no more records.
    pub(super) fn climb(trial: &mut Trial<'_>, until: f64, free: u64) -> Result<Self, PipelineError> {
        let mut rungs = Vec::new();
        loop {
            let begun = trial.clock.now();
            let more = trial.grow()?;
            let whole = trial.whole();
            if more && (trial.records() as f64) < whole.training.min(FIRST_TRIAL as f64) {
                continue;
            }
            if !more && !rungs.is_empty() {
                break;
            }
            rungs.push(Rung::measure(trial, trial.records() as f64 / whole.training)?);
            let next = 2.0 * trial.records() as f64;
            let now = trial.clock.now();
            if now + NEXT_TRIAL * (now - begun) > until
                || next > LARGEST_SHARE * whole.training && next > 4.0 * FIRST_TRIAL as f64
                || next * RECORD_BYTES > DISK_SHARE * free as f64
            {
                break;
            }
        }
        Ok(Self { rungs })
    }

    /// Training and validation records of the largest trial.
    pub(super) fn records(&self) -> f64 {
        self.rungs.last().map_or(0.0, |rung| rung.records)
    }

    fn points(&self, of: impl Fn(&Rung) -> f64) -> Vec<Point> {
        self.rungs.iter().map(|rung| Point { records: rung.records, value: of(rung) }).collect()
    }

    fn wait(&self, of: impl Fn(&Rung) -> &Measured) -> f64 {
        wait(self.rungs.iter().map(of).map(|stage| [stage.seconds, stage.cpu_seconds]))
    }

    /// What conversion takes.
    pub(super) fn convert(&self, trial: &Trial<'_>, whole: &Whole) -> StagePlan {
        let (conversion, records) = trial.conversion();
        let times = whole.raw / records.max(1) as f64;
        let stays = whole.records() * trial.part_bytes(whole.training / whole.parts as f64);
        // Text is read ahead and parts are written while other blocks are converted.
        let disk = (whole.file_bytes + stays) / trial.reading_speed;
        StagePlan {
            stage: Stage::Convert,
            records: whole.records(),
            seconds: (conversion.seconds * times).max(disk),
            cpu_seconds: conversion.cpu_seconds * times,
            memory: conversion.peak_memory as f64,
            reads: whole.file_bytes,
            stays: Estimate::sure(stays),
            temporary: 0.0,
        }
    }

    /// What finding similar authors takes, reading parts of so many bytes.
    pub(super) fn similar(&self, trial: &Trial<'_>, whole: &Whole, parts: f64) -> StagePlan {
        let records = whole.records();
        let follows = power(&self.points(|rung| rung.follows), records, 0.0, 1.0).expected;
        // Of an even sample, follows are the better measure of the work: ever fewer of its records have a new one. Where there
        // are none, records are read and nothing else is done.
        let measure = |records, found| if follows > 0.0 { found } else { records };
        let points = self
            .rungs
            .iter()
            .map(|rung| Point { records: measure(rung.records, rung.follows), value: rung.similar.cpu_seconds });
        let points: Vec<Point> = points.collect();
        let cpu_seconds = seconds(&points, measure(records, follows), 1.0, MOST_SIMILAR_POWER);
        let temporary = Follows::temporary_bytes(follows as u64, trial.config.memory_budget() as usize);
        StagePlan {
            stage: Stage::Similar,
            records: whole.training,
            seconds: cpu_seconds * self.wait(|rung| &rung.similar),
            cpu_seconds,
            memory: line(&self.points(|rung| rung.similar.peak_memory as f64), records),
            reads: parts * whole.training / records,
            stays: power(&self.points(|rung| rung.similar_bytes), records, 0.0, 2.0),
            temporary: temporary as f64,
        }
    }

    /// Bytes of `counts/`.
    pub(super) fn totals(&self, whole: &Whole) -> Estimate {
        power(&self.points(|rung| rung.totals_bytes), whole.records(), 0.0, 1.0)
    }

    /// What counting takes, reading parts of so many bytes.
    pub(super) fn features(&self, trial: &Trial<'_>, whole: &Whole, parts: f64) -> StagePlan {
        let records = whole.records();
        let counts = power(&self.points(|rung| rung.count_bytes), records, 1.0, 2.0);
        let reals = saturating(&self.points(|rung| rung.real_bytes), records, MOST_REAL_BYTES);
        let shuffled = |of: fn(&counts::CountSummary) -> counts::Shuffled| {
            power(&self.points(|rung| of(&rung.shuffled).bytes as f64), records, 0.0, 2.0).expected
        };
        let (visits, answers) = (shuffled(|summary| summary.visits), shuffled(|summary| summary.answers));
        let cpu_seconds = seconds(&self.points(|rung| rung.features.cpu_seconds), records, 1.0, 1.35);
        // What is held besides the budget is about the same in any trial.
        let peaks = self.points(|rung| rung.features.peak_memory as f64);
        let (peaks, last) = (line(&peaks, records), peaks.last().map_or(0.0, |last| last.value));
        let pool = trial.config.memory_budget() as f64 / 2.0;
        StagePlan {
            stage: Stage::Features,
            records,
            seconds: cpu_seconds * self.wait(|rung| &rung.features),
            cpu_seconds,
            memory: peaks.min(last + trial.config.memory_budget() as f64),
            reads: parts,
            stays: counts.plus(reals).plus(self.totals(whole)),
            // A partition's visits go before its answers come.
            temporary: spilled(visits, pool).max(spilled(answers, pool)),
        }
    }
}

impl Rung {
    fn measure(trial: &Trial<'_>, share: f64) -> Result<Self, PipelineError> {
        // So short that other programs disturb it most: the better of two.
        let run = || trial.run::<SimilarSummary>(Stage::Similar, share, |_| {});
        let [first, second] = [run()?, run()?];
        let (similar, found) = if second.0.cpu_seconds < first.0.cpu_seconds { second } else { first };
        let (features, shuffled) = trial.run(Stage::Features, share, |_| {})?;
        let (real_bytes, count_bytes) = feature_bytes(&trial.path("features"))?;
        Ok(Self {
            records: (trial.records() + trial.validation_records()) as f64,
            similar,
            follows: found.follows as f64,
            features,
            shuffled,
            real_bytes,
            count_bytes,
            totals_bytes: trial.bytes("counts") as f64,
            similar_bytes: trial.bytes("similar.skim") as f64,
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
