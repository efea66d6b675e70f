//! What a working directory has come to, as one HTML file that needs nothing else: loss and learning rate, measures
//! before and after fine-tuning, precision–recall and calibration, feature coverage, times and memory.

mod chart;
mod error;
mod page;
mod results;
mod style;
mod write;

pub use error::ReportError;
pub use write::write_report;
