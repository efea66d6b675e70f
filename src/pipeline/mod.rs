//! How stages are run, and what works with their results: measuring, export, inspection, prediction.
//!
//! [`Stage`] is what a stage says of itself, a [`Context`] what it is given, a [`Task`] what it has done where it is
//! out of date; [`Pipeline`] runs stages in a working directory. The stages themselves are in [`crate::stages`].

pub mod assembled;
mod context;
mod error;
pub mod evaluate;
pub mod examples;
pub mod export;
pub mod inspect;
pub mod memory;
pub(crate) mod onnx;
mod raw;
pub mod run;
mod stage;
mod task;

pub use context::Context;
pub use error::{PipelineError, StageError};
pub use raw::RawData;
pub use run::Pipeline;
pub use stage::{Findings, Remark, Stage};
pub use task::{Goal, Task, TaskReport, TaskRunner, Unsettled};
