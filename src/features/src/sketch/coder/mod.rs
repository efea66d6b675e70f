//! From token vectors to codes: standardise, project at random, threshold at the median, pack.

mod encode;
mod median;
mod projection;
mod quality;
mod scaler;

pub use encode::{Encoded, encode};
pub use projection::Projection;
pub use quality::{DepthSpread, Quality, SharedCodes};
pub use scaler::Scaler;
