//! Author similarity: which authors are followed by the same readers.
//!
//! An author's follower set is the readers of the training records whose field 19 is true. The similarity of two
//! authors is the Jaccard similarity of their follower sets. The search is exact:
//!
//! 1. [`Follows`] numbers authors and sorts (reader, author) pairs, on disk if they exceed the budget, into
//!    [`FollowerSets`], authors ascending, readers numbered rarest first;
//! 2. authors with equal sets form a class, and [`SimilaritySearch`] keeps an inverted index of the classes by reader;
//! 3. a class counts the readers that it shares with others, its rare readers first. In the long lists of its popular
//!    readers it skips classes that can no longer reach the threshold or the worst of its best `top` authors;
//! 4. [`SimilarWriter`] keeps the lists in `similar.skim`, and [`SimilarAuthors`] answers look-ups by an author's key.

mod classes;
mod error;
mod file;
mod follows;
mod index;
mod lists;
mod met;
mod runs;
mod search;
mod signature;
mod sort;
mod spool;
#[cfg(test)]
mod tests;
mod top;

pub use error::SimilarError;
pub use file::{KIND, SimilarWriter, read_lists};
pub use follows::{FollowerSets, Follows};
pub use lists::SimilarAuthors;
pub use search::{Found, SimilaritySearch, SimilaritySettings};
