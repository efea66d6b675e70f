//! Counts frozen for prediction: read-only files that are mapped, not loaded, and queried a batch at a time.
//!
//! * [`FrozenTableWriter`] and [`FrozenTable`] — from a 64-bit key to its [`ReactionCounts`](super::ReactionCounts),
//!   about 8 bytes a key;
//! * [`FrozenSimilar`] — the similar authors of every author;
//! * [`FrozenCounts`] — all tables of a model and the 65 numbers of records it has never seen.
//!
//! `docs/FROZEN.md` describes the files byte by byte.

mod bucket;
mod error;
mod lookup;
mod sections;
mod similar;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use error::FrozenError;
pub use lookup::{FrozenCounts, LookupScratch};
pub use similar::FrozenSimilar;
pub use table::FrozenTable;
pub use writer::FrozenTableWriter;
