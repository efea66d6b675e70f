//! Logs as blocks of rows: opened, cut into blocks on one thread, decoded on any.
//!
//! ```text
//! Log::open → Log::blocks (one thread) → LogBlock → BlockDecoder (a thread each) → Arrow batches and bad lines
//! ```

mod batches;
mod chunks;
mod csv;
mod error;
mod format;
mod json;
mod open;
mod text;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use skimlog_runtime::semaphore::Permit;
use skimlog_runtime::stream::{Block, BlockSize};

pub use error::LogError;
pub use format::LogFormat;
pub use text::row_text;

use batches::{ColumnBlocks, ColumnLog};
use chunks::{Decoded, decode_lines};
use csv::{CsvBlocks, CsvRecords, Dialect};
use json::JsonLines;

/// Most rows of a block.
const BLOCK_ROWS: usize = skimlog_formats::part::BLOCK_ROWS;
/// Most bytes of a block of text, and of a line.
const BLOCK_BYTES: usize = 64 << 20;
/// Rows that are decoded at once.
const CHUNK: usize = 4096;

/// A log that was opened; its rows have not been read.
pub struct Log {
    path: PathBuf,
    format: LogFormat,
    schema: SchemaRef,
    source: Source,
    permit: Option<Arc<Permit>>,
}

enum Source {
    Columns(ColumnLog),
    Csv(CsvBlocks, Dialect),
    Lines(Box<dyn Iterator<Item = Result<Block, LogError>> + Send>, Option<u64>),
}

/// The blocks of a log, in order.
pub struct LogBlocks {
    source: BlockSource,
    row: u64,
    permit: Option<Arc<Permit>>,
    bytes: Option<u64>,
}

enum BlockSource {
    Columns(ColumnBlocks),
    Csv(CsvBlocks),
    Lines(Box<dyn Iterator<Item = Result<Block, LogError>> + Send>),
}

/// Some rows of a log, at most 65,536, not decoded yet if they are text.
pub struct LogBlock {
    /// 1-based number of the first row; of lines, empty ones included.
    pub first_row: u64,
    content: Content,
    _permit: Option<Arc<Permit>>,
}

enum Content {
    Columns(Vec<RecordBatch>),
    Csv(Vec<u8>),
    Lines(Block),
}

/// What a decoder needs to know of a log; shared by its threads.
#[derive(Clone)]
pub struct BlockShape {
    /// The log's path, or a name of what is read, for messages.
    pub path: Arc<Path>,
    shape: Shape,
}

#[derive(Clone)]
enum Shape {
    Columns,
    Csv { schema: SchemaRef, dialect: Dialect, projection: Vec<usize> },
    Lines(SchemaRef),
}

impl Log {
    /// The log's path, or a name of what is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The log's format.
    pub fn format(&self) -> LogFormat {
        self.format
    }

    /// The columns: all of a file that has a schema, those that the mapping takes of NDJSON.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Cuts the log into blocks with these top-level columns.
    ///
    /// # Errors
    /// [`LogError::Damaged`].
    pub fn blocks(self, columns: &[&str]) -> Result<(LogBlocks, BlockShape), LogError> {
        let Self { path, schema, source, permit, .. } = self;
        let named = |name: &&str| schema.fields().find(name).map(|(index, _)| index);
        let mut projection: Vec<usize> = columns.iter().filter_map(named).collect();
        projection.sort_unstable();
        projection.dedup();
        let (source, shape, bytes) = match source {
            Source::Columns(log) => {
                let bytes = log.bytes();
                (BlockSource::Columns(log.blocks(&projection)?), Shape::Columns, bytes)
            }
            Source::Csv(blocks, dialect) => {
                (BlockSource::Csv(blocks), Shape::Csv { schema, dialect, projection }, None)
            }
            Source::Lines(blocks, bytes) => (BlockSource::Lines(blocks), Shape::Lines(schema), bytes),
        };
        Ok((LogBlocks { source, row: 1, permit, bytes }, BlockShape { path: path.into(), shape }))
    }
}

impl LogBlocks {
    /// The log's size in bytes, where it is known and equal to the sum of [`LogBlock::bytes`].
    pub fn bytes(&self) -> Option<u64> {
        match self.source {
            BlockSource::Lines(_) => self.bytes,
            BlockSource::Columns(_) | BlockSource::Csv(_) => None,
        }
    }
}

impl Iterator for LogBlocks {
    type Item = Result<LogBlock, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let content = match &mut self.source {
            BlockSource::Columns(blocks) => blocks.next()?.map(|batches| {
                let rows = batches.iter().map(RecordBatch::num_rows).sum();
                (Content::Columns(batches), rows)
            }),
            BlockSource::Csv(blocks) => blocks.next()?.map(|(text, rows)| (Content::Csv(text), rows)),
            // A block of lines has its own number.
            BlockSource::Lines(blocks) => blocks.next()?.map(|block| {
                self.row = block.line;
                (Content::Lines(block), 0)
            }),
        };
        let first_row = self.row;
        Some(content.map(|(content, rows)| {
            self.row += rows as u64;
            LogBlock { first_row, content, _permit: self.permit.clone() }
        }))
    }
}

impl LogBlock {
    /// Bytes of text, or of columns in memory.
    pub fn bytes(&self) -> u64 {
        match &self.content {
            Content::Columns(batches) => batches.iter().map(|batch| batch.get_array_memory_size() as u64).sum(),
            Content::Csv(text) => text.len() as u64,
            Content::Lines(block) => block.text().len() as u64,
        }
    }
}

/// Rows of a block, or one that cannot be decoded.
pub enum BlockRows<'b> {
    /// Rows as columns, the first with this number; the others follow one by one.
    Rows(u64, RecordBatch),
    /// A line that holds no row: its number, its text, and what is wrong.
    Bad(u64, &'b [u8], String),
}

/// Decodes blocks: one thread's memory for it.
pub struct BlockDecoder(Decoder);

enum Decoder {
    Columns,
    Csv(Box<CsvRecords>, Dialect),
    Lines(Box<JsonLines>),
}

impl BlockDecoder {
    /// A decoder of blocks of this shape.
    pub fn new(BlockShape { shape, .. }: &BlockShape) -> Self {
        Self(match shape.clone() {
            Shape::Columns => Decoder::Columns,
            Shape::Csv { schema, dialect, projection } => {
                Decoder::Csv(Box::new(CsvRecords::new(schema, dialect, projection)), dialect)
            }
            Shape::Lines(schema) => Decoder::Lines(Box::new(JsonLines::new(schema))),
        })
    }

    /// Shows the rows of a block in order, some thousands at a time.
    ///
    /// # Errors
    /// What `each` returns, and [`LogError::Lost`] for a log that became shorter.
    ///
    /// # Panics
    /// For a block of another shape.
    pub fn decode<E: From<LogError>>(
        &mut self,
        block: &LogBlock,
        mut each: impl FnMut(BlockRows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match (&mut self.0, &block.content) {
            (Decoder::Columns, Content::Columns(batches)) => {
                let mut row = block.first_row;
                batches.iter().try_for_each(|batch| {
                    let first = row;
                    row += batch.num_rows() as u64;
                    each(BlockRows::Rows(first, batch.clone()))
                })
            }
            (Decoder::Csv(records, dialect), Content::Csv(text)) => {
                let ends = csv::record_ends(text, *dialect);
                by_chunk(records.as_mut(), text, &ends, block.first_row, &mut each)?;
                match &text[ends.last().copied().unwrap_or(0)..] {
                    [] => Ok(()),
                    rest => each(BlockRows::Bad(block.first_row + ends.len() as u64, rest, csv::OPEN_QUOTE.to_owned())),
                }
            }
            (Decoder::Lines(lines), Content::Lines(block)) => {
                let text = block.text();
                let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', text).map(|end| end + 1).collect();
                if ends.last() != Some(&text.len()) {
                    ends.push(text.len());
                }
                let outcome = by_chunk(lines.as_mut(), text, &ends, block.line, &mut each);
                block.intact().map_err(LogError::from)?;
                outcome
            }
            _ => unreachable!("the block is of another log"),
        }
    }
}

fn by_chunk<E>(
    decoder: &mut impl chunks::DecodeLines,
    text: &[u8],
    ends: &[usize],
    first_row: u64,
    each: &mut impl FnMut(BlockRows<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut start = 0;
    for (index, chunk) in ends.chunks(CHUNK).enumerate() {
        let first = first_row + (index * CHUNK) as u64;
        let local: Vec<usize> = chunk.iter().map(|end| end - start).collect();
        let lines = &text[start..start + local.last().copied().unwrap_or(0)];
        decode_lines(decoder, lines, &local, &mut |line: usize, range: Range<usize>, decoded| {
            let row = first + line as u64;
            each(match decoded {
                Decoded::Rows(rows) => BlockRows::Rows(row, rows),
                Decoded::Bad(what) => {
                    let line = &lines[range];
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    BlockRows::Bad(row, line, what)
                }
            })
        })?;
        start += lines.len();
    }
    Ok(())
}

/// How lines are cut into blocks.
const BLOCK_SIZE: BlockSize = BlockSize { lines: BLOCK_ROWS, bytes: BLOCK_BYTES };
