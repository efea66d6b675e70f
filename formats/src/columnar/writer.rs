//! Writes a `.skim` file front to back.

use std::io::{self, Write};

use xxhash_rust::xxh3::xxh3_64;

use super::block::EncodedBlock;
use super::footer::{self, BlockEntry};
use super::schema::Schema;
use super::{ColumnarError, HEADER_BYTES, MAGIC, VERSION};

/// Puts encoded blocks into a file, in the order in which they are appended.
///
/// A file is readable once [`Writer::finish`] returned; before that it has no footer, and a reader refuses it.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    schema: Schema,
    blocks: Vec<BlockEntry>,
    rows: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// [`ColumnarError::Shape`] for a schema with no, nameless or twice-named fields; [`ColumnarError::Write`].
    pub fn new(mut out: W, schema: &Schema) -> Result<Self, ColumnarError> {
        schema.check()?;
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out.write_all(&header).map_err(ColumnarError::Write)?;
        Ok(Self { out, schema: schema.clone(), blocks: Vec::new(), rows: 0, bytes: HEADER_BYTES as u64 })
    }

    /// Adds a block encoded for the same schema. A block without rows is left out.
    ///
    /// # Errors
    /// [`ColumnarError::Shape`] for a block of columns of other types; [`ColumnarError::Write`].
    pub fn append(&mut self, block: EncodedBlock) -> Result<(), ColumnarError> {
        if block.rows == 0 {
            return Ok(());
        }
        let types = self.schema.fields.iter().map(|field| (field.value, field.list));
        if !types.eq(block.types.iter().copied()) {
            let what =
                format!("a block encoded for another schema than that of this file of kind {:?}", self.schema.kind);
            return Err(ColumnarError::Shape(what));
        }
        self.out.write_all(&block.bytes).map_err(ColumnarError::Write)?;
        self.rows += block.rows();
        self.bytes += block.size();
        self.blocks.push(BlockEntry { rows: block.rows, chunks: block.chunks });
        Ok(())
    }

    /// Adds a word about the whole file, in place of what stood under the key.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        self.schema.metadata.insert(key.to_owned(), value.to_owned());
    }

    /// Rows appended so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the footer, flushes, and gives the output back.
    ///
    /// # Errors
    /// [`ColumnarError::Write`].
    pub fn finish(mut self) -> Result<W, ColumnarError> {
        let footer = footer::write(&self.schema, &self.blocks);
        self.finish_with(&footer).map_err(ColumnarError::Write)?;
        Ok(self.out)
    }

    fn finish_with(&mut self, footer: &[u8]) -> io::Result<()> {
        self.out.write_all(footer)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes())?;
        self.out.write_all(&xxh3_64(footer).to_le_bytes())?;
        self.out.write_all(&VERSION.to_le_bytes())?;
        self.out.write_all(&MAGIC)?;
        self.out.flush()
    }
}
