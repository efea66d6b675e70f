//! What conversion will take. Every trial of other stages is one of it: what they are tried on is drawn and converted.

use skimlog_runtime::progress::Silent;

use super::parts::ConvertSummary;
use super::stage::{Convert, NAME};
use crate::config::Config;
use crate::pipeline::{Pipeline, PipelineError};
use crate::trial::{Estimate, Estimator, Expected, Measured, Planned, StagePlan, Trial, Tried, Turn, Whole};

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

/// Converts the parts of a trial that are not converted yet.
///
/// # Errors
/// [`PipelineError`]: what conversion says of a record.
pub fn convert_sample(config: &Config, took: &mut Measured) -> Result<u64, PipelineError> {
    let mut reports = Vec::new();
    Pipeline::open(config, &Silent)?.run(&Convert, false, &mut |report| {
        if report.because.is_some() {
            took.add(report);
            reports.push(report.clone());
        }
    })?;
    reports.iter().map(|report| Ok(report.read_summary::<ConvertSummary>()?.records)).sum()
}

impl Planned for Convert {
    fn estimator(&self) -> Box<dyn Estimator> {
        Box::<ConvertEstimator>::default()
    }

    fn to_take_less_memory(&self) -> &'static str {
        "set max_n_parts_in_memory or threads lower"
    }
}

/// Lets the trial grow, to twice the records each time, as long as there is time for the other stages to be tried on
/// them.
#[derive(Default)]
struct ConvertEstimator {
    /// When the last trial began, and its training and validation records.
    last: Option<(f64, f64)>,
}

impl ConvertEstimator {
    /// Whether there is time and room for twice the records.
    fn may_double(begun: f64, trial: &Trial<'_>) -> bool {
        let (now, next, whole) = (trial.clock.now(), 2.0 * trial.records() as f64, trial.whole().training);
        now + NEXT_TRIAL * (now - begun) <= trial.until
            && (next <= LARGEST_SHARE * whole || next <= 4.0 * FIRST_TRIAL as f64)
            && next * RECORD_BYTES <= DISK_SHARE * trial.disk_free as f64
    }
}

impl Estimator for ConvertEstimator {
    fn turn(&self) -> Turn {
        Turn::Counting
    }

    fn try_more(&mut self, trial: &mut Trial<'_>) -> Result<Tried, PipelineError> {
        if self.last.is_some_and(|(begun, _)| !Self::may_double(begun, trial)) {
            return Ok(Tried::Nothing);
        }
        loop {
            let begun = trial.clock.now();
            let more = trial.grow()?;
            if more && (trial.records() as f64) < trial.whole().training.min(FIRST_TRIAL as f64) {
                continue;
            }
            if !more && self.last.is_some() {
                return Ok(Tried::Nothing);
            }
            self.last = Some((begun, trial.all_records()));
            return Ok(Tried::More);
        }
    }

    fn estimate(&self, trial: &Trial<'_>, whole: &Whole, expected: &mut Expected) -> Result<StagePlan, PipelineError> {
        let (conversion, records) = trial.conversion();
        let times = whole.raw / records.max(1) as f64;
        let stays = whole.records() * trial.part_bytes(whole.training / whole.parts as f64);
        // Text is read ahead and parts are written while other blocks are converted.
        let disk = (whole.file_bytes + stays) / trial.reading_speed;
        expected.parts = stays;
        Ok(StagePlan {
            stage: NAME,
            records: whole.records(),
            seconds: (conversion.seconds * times).max(disk),
            cpu_seconds: conversion.cpu_seconds * times,
            memory: conversion.peak_memory as f64,
            reads: whole.file_bytes,
            stays: Estimate::sure(stays),
            temporary: 0.0,
        })
    }

    fn tried_records(&self) -> f64 {
        self.last.map_or(0.0, |(_, records)| records)
    }
}
