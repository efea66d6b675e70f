//! Reads and writes tweet-engagement records, as raw text and as `.skim` files, a compressed columnar container.
//!
//! * [`record`]: the raw record, a line of 24 fields (with reactions) or 20 (without): its types, parsers and writer;
//! * [`part`]: the records of a raw part as a `.skim` file, and the way back;
//! * [`columnar`]: the container itself, for columns of any meaning: schema, encodings, writer, memory-mapped reader;
//! * [`mapped`]: files mapped for reading, and what becomes of one that is cut short meanwhile.
//!
//! Raw text becomes a `.skim` file and text again, byte for byte:
//!
//! ```
//! use skimlog_formats::part::{BLOCK_ROWS, PartEncoder, PartReader, PartWriter};
//! use skimlog_formats::record::{Columns, RecordBatch, RecordOptions, RecordScanner, write_record};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("part-00000.skim");
//! # let text: &[u8] = include_bytes!("../fixtures/labelled");
//!
//! // `text` is what a raw part holds, `path` where the .skim file goes.
//! let mut scanner = RecordScanner::new(text, RecordOptions::default());
//! let mut writer = PartWriter::new(std::fs::File::create(&path)?, true)?;
//! let (mut encoder, mut batch) = (PartEncoder::default(), RecordBatch::default());
//! while let Some(outcome) = scanner.read(&mut batch) {
//!     outcome?;
//!     if batch.rows == BLOCK_ROWS {
//!         writer.append(encoder.encode(&batch)?)?;
//!         batch.clear();
//!     }
//! }
//! writer.append(encoder.encode(&batch)?)?;
//! writer.finish()?;
//!
//! let part = PartReader::open(&path)?;
//! let mut written = Vec::new();
//! for block in 0..part.blocks() {
//!     let batch = part.read(block, Columns::ALL)?;
//!     (0..batch.rows).for_each(|row| write_record(&batch, row, &mut written));
//! }
//! assert!(written == text);
//! assert!(4 * part.reader().bytes() < 3 * text.len() as u64);
//! # Ok(())
//! # }
//! ```

pub mod columnar;
mod id;
mod lists;
pub mod mapped;
pub mod part;
mod reaction;
pub mod record;

/// The examples of the package's page compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use id::{Id, IdError};
pub use lists::Lists;
pub use reaction::{PerReaction, Reaction, ReactionSet};
