//! What lower precisions cost in quality.

use std::fmt;

use serde::Serialize;
use skimlog_formats::Reaction;

use skimlog_network::Precision;
use skimlog_network::metrics::Report;

/// Measures of the same records in several precisions, the exact one first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrecisionTable(pub Vec<(Precision, Report)>);

impl fmt::Display for PrecisionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9}", "reaction")?;
        for (number, (precision, _)) in self.0.iter().enumerate() {
            let columns = if number == 0 { 17 } else { 36 };
            write!(f, " {:>columns$}", format!("{precision}: AP and RCE"))?;
        }
        for reaction in Reaction::ALL {
            write!(f, "\n{:<9}", reaction.name())?;
            let exact = self.0.first().map(|(_, report)| report.overall[reaction]);
            for (number, (_, report)) in self.0.iter().enumerate() {
                let measures = report.overall[reaction];
                let pairs = [
                    (measures.average_precision, exact.and_then(|exact| exact.average_precision), 4),
                    (measures.relative_cross_entropy, exact.and_then(|exact| exact.relative_cross_entropy), 2),
                ];
                for (value, exact, decimals) in pairs {
                    match (value, exact) {
                        (Some(value), Some(_)) if number == 0 => write!(f, " {value:>8.decimals$}")?,
                        (Some(value), Some(exact)) => {
                            let (change, more) = (value - exact, decimals + 2);
                            write!(f, " {value:>7.decimals$} {:>10}", format!("({change:+.more$})"))?;
                        }
                        _ => write!(f, " {:>8}", "–")?,
                    }
                }
            }
        }
        Ok(())
    }
}
