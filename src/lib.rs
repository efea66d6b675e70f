//! Streaming feature extraction, learning and prediction for tweet-engagement records larger than memory.
//!
//! `ARCHITECTURE.md` shows the data flow through the crates.

pub mod amounts;
pub mod config;
pub mod log_predictions;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod stages;
pub mod trial;
pub mod workspace;
