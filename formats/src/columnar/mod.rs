//! The `.skim` column container, as `COLUMNAR.md` describes it: blocks of rows, a chunk a column, each chunk in the
//! encoding its values ask for, a footer with the schema, and a checksum over every byte.
//!
//! [`encode_block`] is pure and runs in worker threads; one [`Writer`] puts the blocks in a file; a [`Reader`] maps the
//! file and decodes the columns it is asked for.
//!
//! ```
//! use skimlog_formats::Lists;
//! use skimlog_formats::columnar::{ColumnRef, Field, Reader, Schema, ValueType, Writer, encode_block};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("users.skim");
//!
//! let fields = vec![Field::flat("age", ValueType::U32), Field::list("scores", ValueType::F32)];
//! let schema = Schema::new("users", fields);
//! let mut writer = Writer::new(std::fs::File::create(&path)?, &schema)?;
//! let scores: Lists<f32> = [&[0.5, 0.25][..], &[], &[1.0]].into_iter().collect();
//! writer.append(encode_block(&schema, &[ColumnRef::flat(&[31u32, 47, 23]), ColumnRef::lists(&scores)])?)?;
//! writer.finish()?;
//!
//! let reader = Reader::open(&path)?;
//! reader.expect_kind("users")?;
//! let ages: Vec<u32> = reader.flat(0, reader.field("age")?)?;
//! assert_eq!(ages, [31, 47, 23]);
//! let scores: Lists<f32> = reader.lists(0, reader.field("scores")?)?;
//! assert_eq!(scores.get(0), [0.5, 0.25]);
//! # Ok(())
//! # }
//! ```

mod bits;
mod block;
mod choice;
mod chunk;
mod column;
mod column_layout;
mod constant;
mod decode;
mod delta;
mod dictionary;
mod encoding;
mod entropy;
mod error;
mod file;
mod first_seen;
mod footer;
mod frequencies;
mod fresh;
#[cfg(test)]
mod hostile;
mod ids;
mod keyed;
mod leaf;
mod node;
mod numbers;
mod packed;
mod plain;
mod planes;
mod reader;
mod relative;
mod schema;
mod slot;
mod slots;
mod spare;
mod sparse;
mod word;
mod writer;

pub use block::{Advice, BlockEncoder, EncodedBlock, encode_block, encode_block_advised};
pub use column::{Column, ColumnRef, Element, Values, ValuesRef};
pub use error::ColumnarError;
pub use footer::Scalar;
pub use ids::NumberedIds;
pub use reader::{ChunkInfo, Reader};
pub use schema::{Field, Schema, ValueType};
pub use writer::Writer;

#[cfg(target_endian = "big")]
compile_error!("the .skim container is read and written by little-endian machines only");

/// The version of the format that this library writes; it reads this one and all before it.
pub const VERSION: u32 = 3;
/// The most rows a block may have.
pub const MAX_BLOCK_ROWS: usize = 1 << 20;
/// The most bytes the values of one chunk may take when decoded.
pub const MAX_CHUNK_BYTES: usize = 1 << 28;

/// What every file begins and ends with.
pub const MAGIC: [u8; 8] = *b"\x89SKIM\r\n\x1A";
const HEADER_BYTES: usize = 64;
const TRAILER_BYTES: usize = 28;
const ALIGNMENT: usize = 64;
