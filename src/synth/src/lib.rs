//! A seeded, deterministic generator of tweet-engagement parts in the raw record format, with a planted engagement
//! model whose probabilities are known.
//!
//! From the smallest to the whole: [`Options`] give a `world::World` of sizes and tables; `people` and `tweet`
//! say what a user and a tweet look like, each a pure function of the seed and a number; `encounter` draws who sees
//! what; `engagement` is the planted model; `line` writes a record as text; `output` makes blocks of records in
//! parallel and writes them in order; `truth` measures the planted probabilities. `README.md` beside this crate
//! describes the model.

mod encounter;
mod engagement;
mod line;
mod options;
mod output;
mod people;
mod random;
mod truth;
mod tweet;
mod vocabulary;
mod world;

pub use options::{Options, SynthError};
pub use output::{Summary, generate};
pub use truth::{ReactionTruth, SetTruth, Truth};
