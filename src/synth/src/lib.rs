//! A seeded, deterministic generator of tweet-engagement parts in the raw record format, with a planted engagement
//! model whose probabilities are known.
//!
//! [`generate`] writes what [`SynthOptions`] say, and returns a [`SynthSummary`] with the [`Truth`] about it.
//!
//! In the data's order: `world` holds the sizes and tables that follow from the options; `people` and `tweet` describe
//! users and tweets, each a pure function of the seed and a number; `encounter` draws who sees what; `engagement` is
//! the planted model; `vocabulary` and `line` write a record as text; `output` makes blocks of records in parallel and
//! writes them in order; `truth` measures the planted probabilities. `README.md` beside this crate describes the model.

mod encounter;
mod engagement;
mod feed;
mod files;
mod line;
mod options;
mod output;
mod people;
mod random;
mod truth;
mod tweet;
mod vocabulary;
mod world;

pub use feed::{FeedForms, FeedSummary, generate_feed};
pub use options::{SynthError, SynthOptions};
pub use output::{SynthSummary, generate};
pub use truth::{ReactionTruth, SetTruth, Truth};
