//! Reads a `.skim` file through a memory map.

use std::ops::Range;
use std::path::Path;

use bytemuck::Pod;

use super::column::{Column, Element};
use super::column_layout::ColumnLayout;
use super::error::Damage;
use super::file::SkimFile;
use super::footer::Scalar;
use super::ids::{self, NumberedIds};
use super::schema::{Schema, ValueType, type_name};
use super::{ColumnarError, decode, plain};
use crate::Lists;

/// A `.skim` file, mapped. Shared freely between threads.
#[derive(Debug)]
pub struct Reader {
    file: SkimFile,
}

/// What a chunk is like, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkInfo {
    /// Its bytes in the file, padding included.
    pub bytes: u64,
    /// Number of values: rows or, for lists, items.
    pub values: u64,
    /// Its encodings, outermost first, as `COLUMNAR.md` names them.
    pub encoding: String,
    /// Smallest and largest value, where there is one.
    pub range: Option<(Scalar, Scalar)>,
}

impl Reader {
    /// Maps a file and reads its footer.
    ///
    /// # Errors
    /// [`ColumnarError`] naming the file and, where it is damaged, the byte.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ColumnarError> {
        Ok(Self { file: SkimFile::open(path.as_ref().to_owned())? })
    }

    /// Whether the file kept all its bytes so far. [`Reader::view`] leaves this to be asked; everything else asks
    /// itself.
    ///
    /// # Errors
    /// [`ColumnarError::Lost`].
    pub fn intact(&self) -> Result<(), ColumnarError> {
        Ok(self.file.map.intact()?)
    }

    /// The file's path, as it was opened.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// What the file holds.
    pub fn schema(&self) -> &Schema {
        &self.file.schema
    }

    /// The version of the format that the file was written in.
    pub fn version(&self) -> u32 {
        self.file.version
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.file.map.len() as u64
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.file.rows
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.file.blocks.len()
    }

    /// The rows of a block; empty after the last row if there is no such block.
    pub fn block_rows(&self, block: usize) -> Range<u64> {
        match self.file.blocks.get(block) {
            Some(block) => block.first_row..block.first_row + block.rows as u64,
            None => self.file.rows..self.file.rows,
        }
    }

    /// Refuses a file of another kind.
    ///
    /// # Errors
    /// [`ColumnarError::Kind`].
    pub fn expect_kind(&self, kind: &str) -> Result<(), ColumnarError> {
        if self.file.schema.kind == kind {
            return Ok(());
        }
        let (found, expected) = (self.file.schema.kind.clone(), kind.to_owned());
        Err(ColumnarError::Kind { path: self.file.path.clone(), found, expected })
    }

    /// The number of the column of this name.
    ///
    /// # Errors
    /// [`ColumnarError::MissingColumn`].
    pub fn field(&self, name: &str) -> Result<usize, ColumnarError> {
        self.file.schema.fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.file.schema.fields.iter().map(|field| field.name.as_str()).collect();
            ColumnarError::MissingColumn {
                path: self.file.path.clone(),
                name: name.to_owned(),
                present: names.join(", "),
            }
        })
    }

    /// Decodes a column of a block, after checking its checksum.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`], [`ColumnarError::NoChunk`].
    pub fn read(&self, block: usize, field: usize) -> Result<Column, ColumnarError> {
        self.file.map.checked(decode::column(&self.file, block, field))
    }

    /// Decodes a column of single values.
    ///
    /// # Errors
    /// As [`Reader::read`]; [`ColumnarError::ColumnType`] if it holds something else.
    pub fn flat<T: Element>(&self, block: usize, field: usize) -> Result<Vec<T>, ColumnarError> {
        match self.read(block, field)? {
            Column::Flat(values) => T::from_values(values).ok_or_else(|| self.another_type(field, T::TYPE, false)),
            Column::List { .. } => Err(self.another_type(field, T::TYPE, false)),
        }
    }

    /// Decodes a column of single ids, each of them once where the file has them so.
    ///
    /// # Errors
    /// As [`Reader::flat`].
    pub fn numbered_ids(&self, block: usize, field: usize) -> Result<NumberedIds, ColumnarError> {
        self.file.map.checked(self.decode_numbered_ids(block, field))
    }

    fn decode_numbered_ids(&self, block: usize, field: usize) -> Result<NumberedIds, ColumnarError> {
        self.expect_type(field, ValueType::Id, false)?;
        let chunk = self.file.checked_chunk(block, field)?;
        let mut source = self.file.source(chunk);
        let in_chunk = |damage| self.file.damaged(chunk.offset, damage);
        if ColumnLayout::read(&mut source).map_err(in_chunk)? != ColumnLayout::Flat {
            return self.flat(block, field).map(NumberedIds::from);
        }
        let ids = ids::decode_numbered(self.file.blocks[block].rows, &mut source).map_err(in_chunk)?;
        source.finish().map_err(in_chunk)?;
        Ok(ids)
    }

    /// Decodes a column of lists.
    ///
    /// # Errors
    /// As [`Reader::read`]; [`ColumnarError::ColumnType`] if it holds something else.
    pub fn lists<T: Element>(&self, block: usize, field: usize) -> Result<Lists<T>, ColumnarError> {
        let lists = match self.read(block, field)? {
            Column::List { offsets, values } => {
                T::from_values(values).and_then(|values| Lists::from_parts(offsets, values))
            }
            Column::Flat(_) => None,
        };
        lists.ok_or_else(|| self.another_type(field, T::TYPE, true))
    }

    /// The values of a flat column as they lie in the map: only where they are plain and uncompressed
    /// ([`Advice::Plain`](super::Advice::Plain) makes them so). The checksum is checked at the first view of a chunk.
    ///
    /// `None` where there is nothing to view; [`Reader::read`] then decodes the column or says what is wrong. The
    /// values are the file's own: ask [`Reader::intact`] before anything made of them goes on.
    pub fn view<T: Element + Pod>(&self, block: usize, field: usize) -> Option<&[T]> {
        if self.file.schema.fields.get(field)?.value != T::TYPE {
            return None;
        }
        let chunk = self.file.blocks.get(block)?.chunks.get(field)?;
        let mut source = self.file.source(chunk);
        if ColumnLayout::read(&mut source).ok()? != ColumnLayout::Flat {
            return None;
        }
        plain::LAYOUT.head_if_next::<T>(&mut source).ok()??;
        let length = chunk.entry.values as usize * size_of::<T>();
        if source.skip_stream().ok()? || length != chunk.entry.data_length as usize {
            return None;
        }
        self.file.verified_once(block, field).ok()?;
        bytemuck::try_cast_slice(&self.file.chunk_bytes(chunk)[..length]).ok()
    }

    /// Refuses a column of another type.
    ///
    /// # Errors
    /// [`ColumnarError::ColumnType`].
    pub fn expect_type(&self, field: usize, value: ValueType, list: bool) -> Result<(), ColumnarError> {
        match self.file.schema.fields.get(field) {
            Some(found) if found.value == value && found.list == list => Ok(()),
            _ => Err(self.another_type(field, value, list)),
        }
    }

    /// The error for values of a column that mean nothing in this kind of file.
    pub(crate) fn damaged_chunk(&self, block: usize, name: &str, what: String) -> ColumnarError {
        let field = self.file.schema.fields.iter().position(|field| field.name == name).unwrap_or_default();
        let chunk = self.file.blocks.get(block).and_then(|block| block.chunks.get(field));
        self.file.damaged(chunk.map_or(0, |chunk| chunk.offset), Damage::new(0, what))
    }

    /// What a chunk is like.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`], [`ColumnarError::NoChunk`].
    pub fn chunk_info(&self, block: usize, field: usize) -> Result<ChunkInfo, ColumnarError> {
        self.file.map.checked(self.read_chunk_info(block, field))
    }

    fn read_chunk_info(&self, block: usize, field: usize) -> Result<ChunkInfo, ColumnarError> {
        let chunk = self.file.checked_chunk(block, field)?;
        let encoding = decode::describe(&self.file, chunk, field)?;
        Ok(ChunkInfo {
            bytes: chunk.entry.length.into(),
            values: chunk.entry.values.into(),
            encoding,
            range: self.range(block, field),
        })
    }

    /// Smallest and largest value of a chunk, which the footer has: no byte of the chunk is read. `None` where there is
    /// no value, or no such chunk.
    pub fn range(&self, block: usize, field: usize) -> Option<(Scalar, Scalar)> {
        let chunk = self.file.blocks.get(block)?.chunks.get(field)?;
        chunk.entry.statistics.map(|statistics| (statistics.minimum, statistics.maximum))
    }

    /// What stands for everything in the file: a checksum of its end, which holds the checksums of all chunks. Two
    /// files of the same identity hold the same if [`Reader::verify`] finds them undamaged.
    pub fn identity(&self) -> u128 {
        self.file.checksum_of_end()
    }

    /// Checks every checksum.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`] for the first chunk that is not as it was written.
    pub fn verify(&self) -> Result<(), ColumnarError> {
        let block = |block| {
            (0..self.file.schema.fields.len()).try_for_each(|field| self.file.checked_chunk(block, field).map(drop))
        };
        self.file.map.checked((0..self.file.blocks.len()).try_for_each(block))
    }

    fn another_type(&self, field: usize, value: ValueType, list: bool) -> ColumnarError {
        let found = self.file.schema.fields.get(field);
        ColumnarError::ColumnType {
            path: self.file.path.clone(),
            name: found.map_or_else(String::new, |found| found.name.clone()),
            found: found.map_or_else(|| "nothing".to_owned(), |found| type_name(found.value, found.list)),
            expected: type_name(value, list),
        }
    }
}
