//! The stage evaluate: the model's measures on the hold-out records (`evaluation.json`).

mod cost;
mod stage;

pub use stage::{Evaluate, EvaluateSummary, NoValidationPart, precisions};
