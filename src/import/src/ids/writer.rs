//! Writes the file: blocks of texts in the order of their ids.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use skimlog_formats::columnar::{
    BlockEncoder, ColumnRef, ColumnarError, EncodedBlock, Field, Schema, ValueType, Writer,
};
use skimlog_formats::{Id, Lists};

use super::KIND;
use super::error::IdsError;

/// Texts of a block, at most.
const BLOCK_TEXTS: usize = 1 << 10;
/// Bytes of texts after which a block ends.
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks a thread that are encoded together.
const BLOCKS_A_THREAD: usize = 8;

/// The column of the texts.
pub(super) const TEXT: &str = "text";
/// The column that holds the first id of a block in all its rows, so that the footer has it.
pub(super) const FIRST: &str = "first";
/// The metadata that says how ids are made of texts, and how they are made.
pub(super) const HASH_KEY: &str = "hash";
pub(super) const HASH: &str = "XXH3-128";

fn schema() -> Schema {
    let fields = vec![Field::flat(FIRST, ValueType::Id), Field::list(TEXT, ValueType::U8)];
    let mut schema = Schema::new(KIND, fields);
    schema.metadata.insert(HASH_KEY.to_owned(), HASH.to_owned());
    schema
}

/// What a dictionary holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DictionarySummary {
    /// Number of texts.
    pub distinct: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// Puts texts into a file, in the order of their ids. Holds a few blocks.
pub(super) struct DictionaryWriter<W: Write> {
    file: Writer<Counted<W>>,
    schema: Schema,
    open: TextsOfBlock,
    /// Blocks that are to be encoded together.
    full: Vec<TextsOfBlock>,
    at_once: usize,
}

#[derive(Default)]
struct TextsOfBlock {
    first: Id,
    texts: Lists<u8>,
}

impl TextsOfBlock {
    fn encode(&self, schema: &Schema, encoder: &mut BlockEncoder) -> Result<EncodedBlock, ColumnarError> {
        let first = vec![self.first; self.texts.len()];
        encoder.encode(schema, &[ColumnRef::flat(&first), ColumnRef::lists(&self.texts)], &[])
    }
}

impl<W: Write> DictionaryWriter<W> {
    /// Starts a file; so many threads encode its blocks.
    pub(super) fn new(out: W, threads: NonZeroUsize) -> Result<Self, IdsError> {
        let schema = schema();
        let at_once = BLOCKS_A_THREAD * threads.get();
        let file = Writer::new(Counted { out, bytes: 0 }, &schema)?;
        Ok(Self { file, schema, open: TextsOfBlock::default(), full: Vec::new(), at_once })
    }

    /// Adds the text of the next id.
    pub(super) fn push(&mut self, id: Id, text: &[u8]) -> Result<(), IdsError> {
        if self.open.texts.is_empty() {
            self.open.first = id;
        }
        self.open.texts.push(text);
        if self.open.texts.len() == BLOCK_TEXTS || self.open.texts.values().len() >= BLOCK_BYTES {
            self.full.push(std::mem::take(&mut self.open));
            if self.full.len() == self.at_once {
                self.write_full()?;
            }
        }
        Ok(())
    }

    fn write_full(&mut self) -> Result<(), IdsError> {
        let encode = |encoder: &mut BlockEncoder, block: &TextsOfBlock| block.encode(&self.schema, encoder);
        let blocks = self.full.par_iter().map_init(BlockEncoder::default, encode).collect::<Result<Vec<_>, _>>()?;
        blocks.into_iter().try_for_each(|block| self.file.append(block))?;
        self.full.clear();
        Ok(())
    }

    /// Completes the file and gives the output back.
    pub(super) fn finish(mut self) -> Result<(W, DictionarySummary), IdsError> {
        self.full.push(std::mem::take(&mut self.open));
        self.write_full()?;
        let distinct = self.file.rows();
        let Counted { out, bytes } = self.file.finish()?;
        Ok((out, DictionarySummary { distinct, bytes }))
    }
}

/// An output that counts what it takes.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
