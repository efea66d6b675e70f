//! Streaming feature extraction, learning and prediction for tweet-engagement records larger than memory.
//!
//! `ARCHITECTURE.md` draws the data's way through the crates.

pub mod amounts;
pub mod config;
pub mod pipeline;
pub mod report;
pub mod workspace;
