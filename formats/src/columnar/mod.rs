//! The `.skim` column container, as `COLUMNAR.md` describes it: blocks of rows, a chunk a column, each chunk in the
//! encoding its values ask for, a footer with the schema, and a checksum over every byte.
//!
//! [`encode_block`] is pure and runs in worker threads; one [`Writer`] puts the blocks in a file; a [`Reader`] maps the
//! file and decodes the columns it is asked for.

mod bits;
mod block;
mod chunk;
mod column;
mod decode;
mod delta;
mod dictionary;
mod entropy;
mod error;
mod first_seen;
mod footer;
#[cfg(test)]
mod hostile;
mod ids;
mod keyed;
mod narrow;
mod node;
mod packed;
mod planes;
mod reader;
mod relative;
mod schema;
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
