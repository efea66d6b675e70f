//! The stage sketch: EMDE codes of the token vectors (`codes.skim`).

mod codes;
mod cost;
mod stage;
#[cfg(test)]
mod tests;

pub use codes::{SketchOptions, SketchStageError, SketchSummary, sketch};
pub use stage::{Sketch, token_codes};
