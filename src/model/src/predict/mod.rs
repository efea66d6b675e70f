//! Prediction: from a pipe of records to lines of CSV.
//!
//! * [`EngagementModel`] — a model bundle opened for prediction, shared by threads;
//! * [`Predictor`] — the buffers of one thread, for batches of records;
//! * [`predict_stream`] — from a pipe of records to lines of CSV.

mod error;
mod input;
mod latency;
mod model;
mod stream;

pub use error::PredictError;
pub use input::{Input, PipeInput};
pub use latency::Latencies;
pub use model::{EngagementModel, Predictor, Times};
pub use stream::{OnError, PredictSummary, RecordTimes, Split, StreamOptions, predict_stream};
