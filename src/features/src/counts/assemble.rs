//! From answers to blocks of 65 columns, in record order.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use skimlog_runtime::ordered::{Ordered, Worker};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::shuffle::{Shuffle, ShuffleError};

use super::answer::{CountBlock, Tiles};
use super::error::CountsError;
use super::sink::CountSink;
use super::source::Part;
use super::table::Table;
use super::totals::{Ranges, write_table};

/// Ranges of answers that may be under way or wait for their turn, for each thread. Encoded they are small.
const RANGES_A_THREAD: usize = 3;

/// How answers become blocks.
pub(super) struct Assembly<'a, S> {
    pub(super) parts: &'a [Part<'a>],
    pub(super) answers: &'a Shuffle<'a>,
    /// Output blocks of a range of answers: of a partition of `answers`.
    pub(super) range: usize,
    pub(super) block_rows: usize,
    /// Output blocks of all parts.
    pub(super) blocks: usize,
    pub(super) totals: &'a Shuffle<'a>,
    pub(super) total_ranges: Ranges,
    /// Bytes of totals that a thread sorts at a time.
    pub(super) limit: u64,
    pub(super) sink: &'a S,
    pub(super) progress: &'a dyn Progress,
}

/// One thread's part in it.
struct Assembler<'a, S> {
    assembly: &'a Assembly<'a, S>,
    block: CountBlock,
    tiles: Tiles,
}

/// The blocks of a range.
struct Encoded<E> {
    blocks: Range<usize>,
    encoded: Vec<E>,
}

impl<S: CountSink> Worker<usize> for Assembler<'_, S> {
    type Output = Encoded<S::Encoded>;
    type Error = CountsError;

    fn work(&mut self, range: usize) -> Result<Self::Output, CountsError> {
        let Self { assembly, block, tiles } = self;
        let blocks = range * assembly.range..((range + 1) * assembly.range).min(assembly.blocks);
        let mut encoded = Vec::with_capacity(blocks.len());
        tiles.restart(blocks.len(), assembly.answers.bytes(range));
        assembly.answers.take(range, |run| {
            tiles.add(run);
            Ok::<(), ShuffleError>(())
        })?;
        for index in blocks.clone() {
            block.fill(assembly.rows(index), tiles.of_block(index - blocks.start));
            encoded.push(assembly.encode(index, block)?);
        }
        Ok(Encoded { blocks, encoded })
    }
}

impl<S: CountSink> Assembly<'_, S> {
    /// Gives the sink every table, then the blocks of every range of answers in order; gives the rows of all tables.
    pub(super) fn assemble(&self, threads: NonZeroUsize) -> Result<u64, CountsError> {
        let (tables, total_rows) = (Mutex::new(Table::ALL.into_iter()), AtomicU64::new(0));
        let next_table = || tables.lock().unwrap_or_else(PoisonError::into_inner).next();
        let worker = || {
            // Before the ranges: no range then waits for its turn behind a large table.
            while let Some(table) = next_table() {
                let rows = write_table(table, self.totals, self.total_ranges, self.limit, self.sink)?;
                total_rows.fetch_add(rows, Ordering::Relaxed);
            }
            Ok(Assembler { assembly: self, block: CountBlock::default(), tiles: Tiles::default() })
        };
        let ranges = (0..self.answers.partitions()).map(Ok);
        let append = |Encoded { blocks, encoded }: Encoded<S::Encoded>| {
            blocks.zip(encoded).try_for_each(|(index, encoded)| self.append(index, encoded))
        };
        Ordered::new(threads).in_flight(RANGES_A_THREAD * threads.get()).run(ranges, worker, append)?;
        Ok(total_rows.into_inner())
    }

    fn append(&self, index: usize, encoded: S::Encoded) -> Result<(), CountsError> {
        let part = self.part(index);
        let failed = |source| CountsError::Output { part: self.name(part), source };
        self.sink.append(part, encoded).map_err(failed)?;
        self.progress.advance(self.rows(index) as u64);
        Ok(())
    }

    fn encode(&self, index: usize, block: &CountBlock) -> Result<S::Encoded, CountsError> {
        let part = self.part(index);
        let failed = |source| CountsError::Output { part: self.name(part), source };
        self.sink.encode(part, self.first_row(index), block).map_err(failed)
    }

    /// The part an output block belongs to: the last that starts at it or before (parts without rows have no block).
    fn part(&self, block: usize) -> usize {
        self.parts.partition_point(|part| part.first_block <= block) - 1
    }

    fn name(&self, part: usize) -> String {
        self.parts[part].records.name().to_owned()
    }

    fn first_row(&self, block: usize) -> u64 {
        (block - self.parts[self.part(block)].first_block) as u64 * self.block_rows as u64
    }

    fn rows(&self, block: usize) -> usize {
        let left = self.parts[self.part(block)].records.rows() - self.first_row(block);
        left.min(self.block_rows as u64) as usize
    }
}
