//! How good predictions are: average precision, relative cross entropy, both also by the authors' popularity, and
//! calibration.
//!
//! What has no value is `None` and never a number: average precision without any positive record, relative cross
//! entropy where all records agree.

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
