//! How good predictions are: average precision, relative cross entropy, both also by the authors' popularity, and
//! calibration.
//!
//! A measure that is not defined is `None` and never a number: average precision without a positive record, relative
//! cross entropy if all records have the same label.

mod popularity;
mod ranking;
mod report;
mod rows;
mod scores;

pub use popularity::{GROUPS, Popularity};
pub use ranking::{Calibration, PrecisionRecall, Ranked, Ranking};
pub use report::{Measures, Quintile, QuintileMeans, Report};
pub use scores::{NotAProbability, Scores, ScoresError};
