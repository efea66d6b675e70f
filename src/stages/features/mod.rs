//! The stage features: parts and similar authors → the 65 counts of every record (`features/`) and the totals of every
//! counter (`counts/`).

mod cost;
mod count;
mod stage;

pub use crate::pipeline::examples::FEATURES_KIND;
pub use count::{FeatureInputs, FeatureOptions, FeatureOutputs, FeaturesError, HoldOut, TOTALS_KIND, build};
pub use stage::{Features, expect_totals, stored_part};
