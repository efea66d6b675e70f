//! From answers to blocks of 65 columns, in record order.

use std::collections::VecDeque;
use std::ops::Range;

use skimlog_runtime::progress::Progress;
use skimlog_runtime::shuffle::{Shuffle, ShuffleError};

use super::answer::{CountBlock, Tiles};
use super::queue::Queue;
use super::route::Part;
use super::{CountSink, CountsError};

/// Ranges that a thread keeps in its backlog while it goes on with the next.
const BACKLOG: usize = 2;

/// How answers become blocks.
pub(super) struct Assembly<'a, S> {
    pub(super) parts: &'a [Part<'a>],
    pub(super) answers: &'a Shuffle<'a>,
    /// Output blocks of a range of answers: of a partition of `answers`.
    pub(super) range: usize,
    pub(super) block_rows: usize,
    /// Output blocks of all parts.
    pub(super) blocks: usize,
    pub(super) sink: &'a S,
    pub(super) progress: &'a dyn Progress,
}

/// One thread's part in it.
pub(super) struct Assembler<'a, S: CountSink> {
    assembly: &'a Assembly<'a, S>,
    block: CountBlock,
    tiles: Tiles,
    /// Encoded ranges that are yet to have their turn, in order.
    backlog: VecDeque<Encoded<S::Encoded>>,
}

/// The blocks of a range.
struct Encoded<E> {
    range: usize,
    blocks: Range<usize>,
    encoded: Vec<E>,
}

impl<'a, S: CountSink> Assembler<'a, S> {
    pub(super) fn new(assembly: &'a Assembly<'a, S>) -> Self {
        Self { assembly, block: CountBlock::default(), tiles: Tiles::default(), backlog: VecDeque::new() }
    }

    /// Gives the sink all blocks of a range, in order; perhaps only when further ranges were assembled.
    pub(super) fn assemble(&mut self, range: usize, queue: &Queue) -> Result<(), CountsError> {
        let Self { assembly, block, tiles, backlog } = self;
        let blocks = range * assembly.range..((range + 1) * assembly.range).min(assembly.blocks);
        // A range's blocks are encoded before the first has its turn: encoded they are small, and the other threads get
        // on with their ranges meanwhile.
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
        backlog.push_back(Encoded { range, blocks, encoded });
        // Nobody waits for a turn while there is something to do.
        while self.backlog.len() > BACKLOG || self.backlog.front().is_some_and(|first| queue.is_turn(first.range)) {
            self.append_first(queue)?;
        }
        Ok(())
    }

    /// Gives the sink all blocks that it does not have yet.
    pub(super) fn finish(mut self, queue: &Queue) -> Result<(), CountsError> {
        while !self.backlog.is_empty() {
            self.append_first(queue)?;
        }
        Ok(())
    }

    /// Gives the sink the first range of the backlog when it has its turn.
    fn append_first(&mut self, queue: &Queue) -> Result<(), CountsError> {
        let Some(Encoded { range, blocks, encoded }) = self.backlog.pop_front() else { return Ok(()) };
        queue.in_turn(range, || {
            blocks.zip(encoded).try_for_each(|(index, encoded)| self.assembly.append(index, encoded))
        })
    }
}

impl<S: CountSink> Assembly<'_, S> {
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
