//! What a run will take on this machine: time, memory and disk of every stage.
//!
//! The stages really run, on records that are drawn evenly from all raw parts that are there, in a folder of the
//! working directory ([`crate::trial`]). Which stages there are, how each is tried and what follows from it for all
//! records, the stages say themselves.

mod advice;
mod forecast;
mod run_plan;
mod table;

pub use forecast::{PlanOptions, SECONDS, plan};
pub use run_plan::RunPlan;
