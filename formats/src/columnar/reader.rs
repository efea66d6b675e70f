//! Reads a `.skim` file through a memory map.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytemuck::Pod;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::block::{FLAT, type_name};
use super::chunk::ChunkReader;
use super::column::{Column, Element};
use super::error::Damage;
use super::footer::{self, BlockEntry, ChunkEntry, Scalar};
use super::ids::NumberedIds;
use super::schema::{Schema, ValueType};
use super::{ColumnarError, HEADER_BYTES, MAGIC, TRAILER_BYTES, VERSION, node};
use crate::Lists;
use crate::mapped::MappedFile;

/// A `.skim` file, mapped. Shared freely between threads.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    map: MappedFile,
    version: u32,
    pub(super) schema: Schema,
    pub(super) blocks: Vec<Block>,
    rows: u64,
}

#[derive(Debug)]
pub(super) struct Block {
    first_row: u64,
    pub(super) rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    entry: ChunkEntry,
    /// Whether a view has found the checksum right.
    verified: AtomicBool,
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
        let path = path.as_ref().to_owned();
        let open_error = |action| {
            let path = path.clone();
            move |source| ColumnarError::Open { path, action, source }
        };
        let file = File::open(&path).map_err(open_error("open"))?;
        let map = MappedFile::of(file, &path).map_err(open_error("map"))?;
        let Layout { version, schema, blocks, rows } = map.checked(Layout::of(&map))?;
        Ok(Self { path, map, version, schema, blocks, rows })
    }

    /// Whether the file kept all its bytes so far. [`Reader::view`] leaves this to be asked; everything else asks itself.
    ///
    /// # Errors
    /// [`ColumnarError::Lost`].
    pub fn intact(&self) -> Result<(), ColumnarError> {
        Ok(self.map.intact()?)
    }

    /// The file's path, as it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The version of the format that the file was written in.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The rows of a block; empty after the last row if there is no such block.
    pub fn block_rows(&self, block: usize) -> Range<u64> {
        match self.blocks.get(block) {
            Some(block) => block.first_row..block.first_row + block.rows as u64,
            None => self.rows..self.rows,
        }
    }

    /// Refuses a file of another kind.
    ///
    /// # Errors
    /// [`ColumnarError::Kind`].
    pub fn expect_kind(&self, kind: &str) -> Result<(), ColumnarError> {
        if self.schema.kind == kind {
            return Ok(());
        }
        let (found, expected) = (self.schema.kind.clone(), kind.to_owned());
        Err(ColumnarError::Kind { path: self.path.clone(), found, expected })
    }

    /// The number of the column of this name.
    ///
    /// # Errors
    /// [`ColumnarError::MissingColumn`].
    pub fn field(&self, name: &str) -> Result<usize, ColumnarError> {
        self.schema.fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.schema.fields.iter().map(|field| field.name.as_str()).collect();
            ColumnarError::MissingColumn { path: self.path.clone(), name: name.to_owned(), present: names.join(", ") }
        })
    }

    /// Decodes a column of a block, after checking its checksum.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`], [`ColumnarError::NoChunk`].
    pub fn read(&self, block: usize, field: usize) -> Result<Column, ColumnarError> {
        self.map.checked(self.decode_column(block, field))
    }

    fn decode_column(&self, block: usize, field: usize) -> Result<Column, ColumnarError> {
        let chunk = self.checked_chunk(block, field)?;
        let rows = self.blocks[block].rows;
        let mut source = self.source(chunk);
        let column = self.decode(block, field, &mut source, chunk.offset)?;
        let in_chunk = |damage| self.damaged(chunk.offset, damage);
        let sound = matches!(column, Column::List { .. }) == self.schema.fields[field].list
            && column.as_ref().rows() == rows
            && column.as_ref().values().len() == chunk.entry.values as usize;
        if !sound {
            return Err(in_chunk(source.damage("the column is not as large as the footer says")));
        }
        source.finish().map_err(in_chunk)?;
        Ok(column)
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
        self.map.checked(self.decode_numbered_ids(block, field))
    }

    fn decode_numbered_ids(&self, block: usize, field: usize) -> Result<NumberedIds, ColumnarError> {
        self.expect_type(field, ValueType::Id, false)?;
        let chunk = self.checked_chunk(block, field)?;
        let mut source = self.source(chunk);
        let in_chunk = |damage| self.damaged(chunk.offset, damage);
        if source.tag().map_err(in_chunk)? != FLAT {
            return self.flat(block, field).map(NumberedIds::from);
        }
        let rows = self.blocks[block].rows;
        let ids = super::ids::decode_numbered(rows, &mut source, node::MAX_DEPTH).map_err(in_chunk)?;
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
    /// `None` where there is nothing to view; [`Reader::read`] then decodes the column or says what is wrong. The values
    /// are the file's own: ask [`Reader::intact`] before anything made of them goes on.
    pub fn view<T: Element + Pod>(&self, block: usize, field: usize) -> Option<&[T]> {
        if self.schema.fields.get(field)?.value != T::TYPE {
            return None;
        }
        let chunk = self.blocks.get(block)?.chunks.get(field)?;
        let mut source = self.source(chunk);
        if source.tag().ok()? != FLAT || source.tag().ok()? != node::PLAIN {
            return None;
        }
        let length = chunk.entry.values as usize * size_of::<T>();
        if source.clone().skip_stream().ok()? || length != chunk.entry.data_length as usize {
            return None;
        }
        if !chunk.verified.load(Ordering::Relaxed) {
            self.checked_chunk(block, field).ok()?;
            chunk.verified.store(true, Ordering::Relaxed);
        }
        bytemuck::try_cast_slice(&self.chunk_bytes(chunk)[..length]).ok()
    }

    /// Refuses a column of another type.
    ///
    /// # Errors
    /// [`ColumnarError::ColumnType`].
    pub fn expect_type(&self, field: usize, value: ValueType, list: bool) -> Result<(), ColumnarError> {
        match self.schema.fields.get(field) {
            Some(found) if found.value == value && found.list == list => Ok(()),
            _ => Err(self.another_type(field, value, list)),
        }
    }

    /// The error for values of a column that mean nothing in this kind of file.
    pub(crate) fn damaged_chunk(&self, block: usize, name: &str, what: String) -> ColumnarError {
        let field = self.schema.fields.iter().position(|field| field.name == name).unwrap_or_default();
        let chunk = self.blocks.get(block).and_then(|block| block.chunks.get(field));
        self.damaged(chunk.map_or(0, |chunk| chunk.offset), Damage::new(0, what))
    }

    /// What a chunk is like.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`], [`ColumnarError::NoChunk`].
    pub fn chunk_info(&self, block: usize, field: usize) -> Result<ChunkInfo, ColumnarError> {
        self.map.checked(self.read_chunk_info(block, field))
    }

    fn read_chunk_info(&self, block: usize, field: usize) -> Result<ChunkInfo, ColumnarError> {
        let chunk = self.checked_chunk(block, field)?;
        let mut encoding = String::new();
        self.describe(&mut self.source(chunk), self.schema.fields[field].value, &mut encoding)
            .map_err(|damage| self.damaged(chunk.offset, damage))?;
        Ok(ChunkInfo {
            bytes: chunk.entry.length.into(),
            values: chunk.entry.values.into(),
            encoding,
            range: chunk.entry.statistics.map(|statistics| (statistics.minimum, statistics.maximum)),
        })
    }

    /// What stands for everything in the file: a checksum of its end, which holds the checksums of all chunks. Two
    /// files of the same identity hold the same if [`Reader::verify`] finds them undamaged.
    pub fn identity(&self) -> u128 {
        let chunks = self.blocks.last().and_then(|block| block.chunks.last());
        let end = chunks.map_or(HEADER_BYTES, |chunk| chunk.offset as usize + chunk.entry.length as usize);
        xxh3_128(&self.map[end..])
    }

    /// Checks every checksum.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`] for the first chunk that is not as it was written.
    pub fn verify(&self) -> Result<(), ColumnarError> {
        let block =
            |block| (0..self.schema.fields.len()).try_for_each(|field| self.checked_chunk(block, field).map(drop));
        self.map.checked((0..self.blocks.len()).try_for_each(block))
    }

    fn chunk_bytes(&self, chunk: &Chunk) -> &[u8] {
        // `place` found all chunks to lie between header and footer, so the offset fits a usize.
        &self.map[chunk.offset as usize..][..chunk.entry.length as usize]
    }

    pub(super) fn checked_chunk(&self, block: usize, field: usize) -> Result<&Chunk, ColumnarError> {
        let chunk = self.blocks.get(block).and_then(|block| block.chunks.get(field));
        let chunk = chunk.ok_or_else(|| ColumnarError::NoChunk {
            path: self.path.clone(),
            block,
            field,
            blocks: self.blocks.len(),
            fields: self.schema.fields.len(),
        })?;
        let bytes = self.chunk_bytes(chunk);
        if xxh3_64(bytes) != chunk.entry.checksum {
            let name = &self.schema.fields[field].name;
            let what = format!("the checksum of column {name:?} in block {block} ({} bytes) is wrong", bytes.len());
            return Err(self.damaged(chunk.offset, Damage::new(0, what)));
        }
        let used = chunk.entry.data_length as usize + chunk.entry.description_length as usize;
        match bytes[used..].iter().position(|&byte| byte != 0) {
            None => Ok(chunk),
            Some(at) => Err(self.damaged(chunk.offset, Damage::new(used + at, "padding that is not zero"))),
        }
    }

    pub(super) fn source<'a>(&'a self, chunk: &Chunk) -> ChunkReader<'a> {
        let used = chunk.entry.data_length as usize + chunk.entry.description_length as usize;
        ChunkReader::new(&self.chunk_bytes(chunk)[..used], chunk.entry.data_length as usize)
    }

    pub(super) fn damaged(&self, chunk_offset: u64, Damage { at, what }: Damage) -> ColumnarError {
        ColumnarError::Damaged { path: self.path.clone(), offset: chunk_offset + at as u64, what }
    }

    fn another_type(&self, field: usize, value: ValueType, list: bool) -> ColumnarError {
        let found = self.schema.fields.get(field);
        ColumnarError::ColumnType {
            path: self.path.clone(),
            name: found.map_or_else(String::new, |found| found.name.clone()),
            found: found.map_or_else(|| "nothing".to_owned(), |found| type_name(found.value, found.list)),
            expected: type_name(value, list),
        }
    }
}

/// What header and footer say of a file.
struct Layout {
    version: u32,
    schema: Schema,
    blocks: Vec<Block>,
    rows: u64,
}

impl Layout {
    fn of(map: &MappedFile) -> Result<Self, ColumnarError> {
        let path = map.path().to_owned();
        if map.len() < HEADER_BYTES + TRAILER_BYTES {
            let (offset, what) =
                (map.len() as u64, format!("the file ends after {} bytes, before its footer", map.len()));
            return Err(ColumnarError::Damaged { path, offset, what });
        }
        let trailer_at = map.len() - TRAILER_BYTES;
        let damaged = |offset: usize, what: &str| ColumnarError::Damaged {
            path: path.clone(),
            offset: offset as u64,
            what: what.to_owned(),
        };
        if map[..8] != MAGIC {
            return Err(ColumnarError::NotSkim { path });
        }
        let small = |at: usize| u32::from_le_bytes([map[at], map[at + 1], map[at + 2], map[at + 3]]);
        let large = |at: usize| u64::from(small(at)) | u64::from(small(at + 4)) << 32;
        let version = |at: usize| match small(at) {
            found @ 1..=VERSION => Ok(found),
            found => Err(ColumnarError::Version { path: path.clone(), offset: at as u64, found }),
        };
        let header_version = version(8)?;
        if let Some(at) = map[12..HEADER_BYTES].iter().position(|&byte| byte != 0) {
            return Err(damaged(12 + at, "a byte of the header that must be zero"));
        }
        if map[trailer_at + 20..] != MAGIC {
            return Err(damaged(trailer_at + 20, "the file does not end as a finished .skim file does"));
        }
        if version(trailer_at + 16)? != header_version {
            return Err(damaged(trailer_at + 16, "another format version than at the beginning"));
        }
        let footer_length = large(trailer_at);
        let footer_at = match usize::try_from(footer_length).ok().and_then(|length| trailer_at.checked_sub(length)) {
            Some(at) if at >= HEADER_BYTES => at,
            _ => return Err(damaged(trailer_at, &format!("a footer of {footer_length} bytes cannot be"))),
        };
        let footer = &map[footer_at..trailer_at];
        if xxh3_64(footer) != large(trailer_at + 8) {
            return Err(damaged(footer_at, "the footer's checksum is wrong"));
        }
        let (schema, entries) = footer::read(footer).map_err(|Damage { at, what }| damaged(footer_at + at, &what))?;
        let (blocks, rows, end) = place(entries);
        if end != footer_at as u64 {
            return Err(damaged(footer_at, &format!("the blocks end at byte {end}, the footer begins elsewhere")));
        }
        Ok(Self { version: header_version, schema, blocks, rows })
    }
}

/// Puts the blocks one behind the other; also gives the number of rows and where the last one ends.
fn place(entries: Vec<BlockEntry>) -> (Vec<Block>, u64, u64) {
    let (mut rows, mut offset) = (0, HEADER_BYTES as u64);
    let mut place_chunk = |entry: ChunkEntry| {
        let chunk = Chunk { offset, entry, verified: AtomicBool::new(false) };
        offset += u64::from(chunk.entry.length);
        chunk
    };
    let place_block = |entry: BlockEntry| {
        let first_row = rows;
        rows += u64::from(entry.rows);
        let chunks = entry.chunks.into_iter().map(&mut place_chunk).collect();
        Block { first_row, rows: entry.rows as usize, chunks }
    };
    let blocks = entries.into_iter().map(place_block).collect();
    (blocks, rows, offset)
}
