//! The stages and their order, and what works with their results: export, inspection, prediction.

pub mod convert;
pub mod embed;
mod error;
pub mod evaluate;
pub mod examples;
pub mod export;
pub mod features;
pub mod finetune;
pub mod freeze;
pub mod inspect;
pub mod memory;
mod onnx;
pub mod plan;
pub mod run;
pub mod similar;
pub mod sketch;
mod stage;
pub mod stages;
mod task;
pub mod train;

#[cfg(test)]
mod tests;

pub use error::PipelineError;
pub use run::Pipeline;
pub use stage::Stage;
pub use task::TaskReport;
