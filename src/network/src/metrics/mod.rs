//! How good predictions are: average precision, relative cross entropy, both also by the authors' popularity, and
//! calibration.
//!
//! A measure that is not defined is `None` and never a number: average precision without a positive record, relative
//! cross entropy if all records have the same label.

mod measures;
mod popularity;
mod ranking;
mod report;
mod rows;
mod scores;

pub use measures::{CalibrationBin, Measures, PrecisionRecall};
pub use popularity::{GROUPS, Popularity};
pub use ranking::{Ranked, Ranking};
pub use report::{Quintile, QuintileMeans, Report};
pub use scores::{NotAProbability, Scores, ScoresError};
