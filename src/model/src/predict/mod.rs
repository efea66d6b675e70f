//! Prediction: from a pipe of records to lines of CSV.
//!
//! * [`EngagementModel`] — a model bundle opened for prediction, shared by threads;
//! * [`Predictor`] — the buffers of one thread, for batches of records;
//! * [`predict_batches`] — batches of records that come from anywhere, to whatever is made of their probabilities;
//! * [`predict_stream`] — from a pipe of raw records to lines of CSV.

mod error;
mod input;
mod latency;
mod model;
mod stream;

pub use error::PredictError;
pub use input::{Input, PipeInput};
pub use latency::Latencies;
pub use model::{EngagementModel, Predictor, Times};
pub use stream::{
    Arrived, OnError, PredictSummary, RecordTimes, Split, StreamOptions, predict_batches, predict_stream,
};
