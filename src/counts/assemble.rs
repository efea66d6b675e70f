//! From answers to blocks of 65 columns, in record order.

use std::collections::VecDeque;
use std::ops::Range;

use super::answer::{CountBlock, Tiles};
use super::queue::Queue;
use super::route::Part;
use super::{CountSink, CountsError};
use crate::progress::Progress;
use crate::shuffle::{Shuffle, ShuffleError};

/// Encoded ranges of a thread that are yet to have their turn, in order: their blocks, and the range.
type Backlog<E> = VecDeque<(Range<usize>, Vec<E>, usize)>;
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
    pub(super) threads: usize,
    pub(super) progress: &'a dyn Progress,
}

impl<S: CountSink> Assembly<'_, S> {
    /// Gives the sink all blocks in order.
    pub(super) fn assemble(&self) -> Result<(), CountsError> {
        Queue::run(self.answers.partitions(), self.threads, |queue| {
            let (mut block, mut tiles) = (CountBlock::default(), Tiles::default());
            let mut backlog = Backlog::new();
            while let Some(range) = queue.take() {
                let blocks = range * self.range..((range + 1) * self.range).min(self.blocks);
                // A range's blocks are encoded before the first has its turn: encoded they are small, and the other
                // threads get on with their ranges meanwhile.
                let mut encoded = Vec::with_capacity(blocks.len());
                tiles.restart(blocks.len(), self.answers.bytes(range));
                self.answers.take(range, |run| {
                    tiles.add(run);
                    Ok::<(), ShuffleError>(())
                })?;
                for index in blocks.clone() {
                    block.fill(self.rows(index), tiles.of_block(index - blocks.start));
                    encoded.push(self.encode(index, &block)?);
                }
                // Nobody waits for a turn while there is something to do.
                backlog.push_back((blocks, encoded, range));
                while backlog.len() > BACKLOG || backlog.front().is_some_and(|&(_, _, range)| queue.is_turn(range)) {
                    self.append_first(&mut backlog, queue)?;
                }
            }
            while !backlog.is_empty() {
                self.append_first(&mut backlog, queue)?;
            }
            Ok(())
        })
    }

    /// Gives the sink the first range of a backlog when it has its turn.
    fn append_first(&self, backlog: &mut Backlog<S::Encoded>, queue: &Queue) -> Result<(), CountsError> {
        let Some((blocks, encoded, range)) = backlog.pop_front() else { return Ok(()) };
        queue.in_turn(range, || {
            for (index, encoded) in blocks.zip(encoded) {
                let part = self.part(index);
                let failed = |source| CountsError::Output { part: self.name(part), source };
                self.sink.append(part, encoded).map_err(failed)?;
                self.progress.advance(self.rows(index) as u64);
            }
            Ok(())
        })
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
