//! Bytes on disk and nothing else: the raw tweet-engagement record and the `.skim` column container.
//!
//! * [`record`] — the 24-field (labelled) or 20-field (test) text record: its types, parser and writer;
//! * [`columnar`] — the `.skim` container described in `COLUMNAR.md`: schema, encodings, writer, memory-mapped reader;
//! * [`mapped`] — files mapped for reading, also when one is cut short meanwhile;
//! * [`part`] — a raw part as a `.skim` file: a record's columns, written and read.

pub mod columnar;
mod id;
mod lists;
pub mod mapped;
pub mod part;
mod reaction;
pub mod record;

pub use id::{Id, IdError};
pub use lists::Lists;
pub use reaction::{PerReaction, Reaction, ReactionSet};
