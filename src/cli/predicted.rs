//! The summary of `skimmer predict`.

use std::fmt;

use serde::Serialize;
use skimlog::amounts::{self, counted};
use skimlog_model::predict::PredictSummary;
use skimlog_network::Precision;

/// A stream of predictions and what it took.
#[derive(Serialize)]
pub(super) struct PredictReport {
    #[serde(flatten)]
    pub(super) summary: PredictSummary,
    pub(super) precision: Precision,
    /// From the start to the model's being open.
    pub(super) ready_milliseconds: f64,
    /// From then on; that of the threads which are left at the end.
    pub(super) processor_seconds: f64,
    /// In bytes.
    pub(super) peak_memory: Option<u64>,
}

impl fmt::Display for PredictReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = &self.summary;
        write!(f, "predicted {}", counted(summary.records, "record", "records"))?;
        if summary.skipped > 0 {
            write!(f, ", left out {}", counted(summary.skipped, "malformed line", "malformed lines"))?;
        }
        // Without a record there is nothing to take a mean or a median of.
        if let Some(times) = &summary.times {
            let split = times.split;
            write!(
                f,
                " in {}; {}, {} of them waiting for input; {:.4} ms a record without waiting \
                 (parse {:.4}, counts {:.4}, features {:.4}, network {:.4}, write {:.4})\n\
                 half of the records were answered within {:.2} ms, 99 % within {:.2} ms",
                counted(summary.batches, "batch", "batches"),
                amounts::duration(summary.seconds),
                amounts::duration(summary.waited),
                1000.0 * (summary.seconds - summary.waited).max(0.0) / summary.records as f64,
                split.parse,
                split.counts,
                split.features,
                split.network,
                split.write,
                times.median_milliseconds,
                times.p99_milliseconds,
            )?;
        }
        write!(f, "; ready after {:.0} ms; {}", self.ready_milliseconds, self.precision)?;
        match self.peak_memory {
            Some(bytes) => write!(f, "; peak memory {}", amounts::bytes(bytes as f64)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use skimlog_model::predict::RecordTimes;

    use super::*;

    fn report(records: u64, times: Option<RecordTimes>) -> PredictReport {
        PredictReport {
            summary: PredictSummary { records, batches: records.div_ceil(256), times, ..PredictSummary::default() },
            precision: Precision::F32,
            ready_milliseconds: 12.0,
            processor_seconds: 0.0,
            peak_memory: Some(98_000_000),
        }
    }

    #[test]
    fn without_records_there_are_no_averages() {
        let nothing = report(0, None);
        assert_eq!(nothing.to_string(), "predicted 0 records; ready after 12 ms; f32; peak memory 98 MB");
        let json = serde_json::to_value(&nothing).unwrap();
        assert_eq!(json["records"], 0);
        assert!(json.get("split").is_none() && json.get("median_milliseconds").is_none(), "{json}");
    }

    #[test]
    fn with_records_there_are() {
        let some = report(1200, Some(RecordTimes { median_milliseconds: 1.5, ..RecordTimes::default() }));
        let text = some.to_string();
        assert!(text.starts_with("predicted 1,200 records in 5 batches; "), "{text}");
        assert!(text.contains("half of the records were answered within 1.50 ms"), "{text}");
        let json = serde_json::to_value(&some).unwrap();
        assert_eq!((json["median_milliseconds"].as_f64(), json["split"]["parse"].as_f64()), (Some(1.5), Some(0.0)));
    }
}
