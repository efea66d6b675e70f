//! The stage similar: follower sets → authors alike (`similar.skim`).

mod cost;
mod find;
mod stage;

pub use find::{SimilarSummary, similar};
pub use stage::{Similar, similar_authors};
