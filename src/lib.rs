//! Streaming feature extraction, learning and prediction for tweet-engagement records larger than memory.
//!
//! `ARCHITECTURE.md` draws the data's way through these modules.

pub mod amounts;
pub mod config;
pub mod counts;
pub mod features;
pub mod key;
pub mod machine;
pub mod metrics;
pub mod net;
pub mod onnx;
pub mod pipeline;
pub mod plan;
mod prefetch;
pub mod progress;
pub mod report;
pub mod shuffle;
pub mod similar;
pub mod sketch;
pub mod stages;
pub mod stream;
mod tensors;
pub mod text;
pub mod trial;
pub mod workspace;
