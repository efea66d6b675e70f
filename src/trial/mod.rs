//! What a stage will take: it really runs, on ever more records, and the curves are extended.
//!
//! A [`Trial`] is a working directory of its own with records drawn evenly from all raw parts that are there
//! (`sample`). An [`Estimator`] tries its stage in it, again and again, and says at the end what all records will take
//! ([`growth`]). Each stage has one, beside the stage itself.

mod clock;
mod disk;
mod estimate;
pub mod growth;
mod measured;
mod reading;
mod sample;
mod working_dir;

pub use clock::Clock;
pub use disk::{bytes_at, free_bytes};
pub use estimate::{Estimator, Expected, Measuring, Planned, StagePlan, Tried, Turn, spilled};
pub use growth::Estimate;
pub use measured::{Measured, cpu_seconds};
pub use working_dir::{ConvertSample, Trial, Whole};
