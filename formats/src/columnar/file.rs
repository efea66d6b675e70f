//! A `.skim` file: its header and footer read, its chunks found, each of them checked before it is used.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::chunk::ChunkReader;
use super::error::Damage;
use super::footer::{self, BlockEntry, ChunkEntry};
use super::schema::Schema;
use super::{ColumnarError, HEADER_BYTES, MAGIC, TRAILER_BYTES, VERSION};
use crate::mapped::MappedFile;

/// A mapped file and where its chunks lie.
#[derive(Debug)]
pub(super) struct SkimFile {
    pub(super) path: PathBuf,
    pub(super) map: MappedFile,
    pub(super) version: u32,
    pub(super) schema: Schema,
    pub(super) blocks: Vec<Block>,
    pub(super) rows: u64,
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) first_row: u64,
    pub(super) rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) entry: ChunkEntry,
    /// Whether [`SkimFile::verified_once`] has found the checksum right.
    verified: AtomicBool,
}

impl SkimFile {
    /// Maps a file and reads its footer.
    pub(super) fn open(path: PathBuf) -> Result<Self, ColumnarError> {
        let open_error = |action| {
            let path = path.clone();
            move |source| ColumnarError::Open { path, action, source }
        };
        let file = File::open(&path).map_err(open_error("open"))?;
        let map = MappedFile::of(file, &path).map_err(open_error("map"))?;
        let Layout { version, schema, blocks, rows } = map.checked(Layout::of(&map))?;
        Ok(Self { path, map, version, schema, blocks, rows })
    }

    /// A checksum of everything behind the last chunk.
    pub(super) fn checksum_of_end(&self) -> u128 {
        let chunks = self.blocks.last().and_then(|block| block.chunks.last());
        let end = chunks.map_or(HEADER_BYTES, |chunk| chunk.offset as usize + chunk.entry.length as usize);
        xxh3_128(&self.map[end..])
    }

    pub(super) fn chunk_bytes(&self, chunk: &Chunk) -> &[u8] {
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

    /// Checks a chunk's checksum unless that has been done here before.
    pub(super) fn verified_once(&self, block: usize, field: usize) -> Result<(), ColumnarError> {
        let verified = self.blocks.get(block).and_then(|block| block.chunks.get(field)).map(|chunk| &chunk.verified);
        if verified.is_none_or(|verified| !verified.load(Ordering::Relaxed)) {
            self.checked_chunk(block, field)?.verified.store(true, Ordering::Relaxed);
        }
        Ok(())
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
