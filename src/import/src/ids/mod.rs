//! The dictionary of a part's ids: from the 128-bit ids of the records back to the texts of the log they came from.
//!
//! A part stores of every id only [`id_of`](crate::identity::id_of), which a text cannot be computed from. The import
//! therefore keeps the distinct texts in a file beside the part, `part-00000.ids`, in the order of their ids. The ids
//! themselves are not stored, because they can be computed from the texts. Texts that are ids already, of 32 upper-case
//! hexadecimal digits, are not stored either. `docs/IDS.md` describes the file.
//!
//! Written, by any number of threads in bounded memory:
//!
//! ```text
//! IdCollector, one a thread: id, recently seen? → shuffle, by the id's first byte → a partition's distinct texts,
//! sorted by id → blocks of 1,024 texts → file
//! ```
//!
//! Read: an [`IdDictionary`] finds the texts of a batch of ids and decodes no block twice for it; [`Dictionaries`] does
//! so in the files of several parts.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use skimlog_import::ids::{Dictionaries, IdDictionary, IdDictionaryBuilder};
//! use skimlog_runtime::shuffle::{Pool, Scratch};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//!
//! let (scratch, pool) = (Scratch::prepare(folder.path().join("scratch"))?, Pool::new(64 << 20));
//! let builder = IdDictionaryBuilder::new("part-00000", NonZeroUsize::MIN, &pool, &scratch);
//! let mut collector = builder.collector();
//! let alice = collector.add(b"did:plc:alice")?;
//! let post = collector.add(b"at://did:plc:alice/app.bsky.feed.post/3k")?;
//! assert_eq!(collector.add(b"did:plc:alice")?, alice);
//! drop(collector);
//! let path = folder.path().join("part-00000.ids");
//! assert_eq!(builder.finish(&path)?.distinct, 2);
//!
//! assert_eq!(IdDictionary::open(&path)?.text(alice)?.as_deref(), Some(&b"did:plc:alice"[..]));
//! let own = Dictionaries::of_folder(folder.path())?.own_ids(&[post, alice])?;
//! assert_eq!(own.get(1), b"did:plc:alice");
//! # Ok(())
//! # }
//! ```

mod block;
mod builder;
mod dictionaries;
mod dictionary;
mod error;
mod kept;
mod partition;
mod seen;
#[cfg(test)]
mod tests;
mod text_set;
mod writer;

use skimlog_formats::Id;

pub use builder::{IdCollector, IdDictionaryBuilder};
pub use dictionaries::{Dictionaries, OwnIds, dictionary_path};
pub use dictionary::IdDictionary;
pub use error::IdsError;
pub use writer::DictionarySummary;

/// The kind of `.skim` file.
pub const KIND: &str = "ids";
/// The ending of the file's name.
pub const ENDING: &str = "ids";
/// The most bytes of a text.
pub const LONGEST_TEXT: usize = u16::MAX as usize;

/// Whether a text is an id itself, which no dictionary holds.
fn is_id(text: &[u8]) -> bool {
    Id::parse(text).is_ok()
}
