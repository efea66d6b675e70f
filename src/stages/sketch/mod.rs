//! The stage sketch: token codes, by EMDE from token vectors or by a hash of the token ids (`codes.skim`).

mod codes;
mod cost;
mod stage;
#[cfg(test)]
mod tests;

pub use codes::{CodeSource, SketchOptions, SketchStageError, SketchSummary, sketch};
pub use stage::{Sketch, token_codes};
