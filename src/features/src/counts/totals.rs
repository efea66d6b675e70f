//! The totals of every counter, which prediction looks up.
//!
//! A counter's rows are routed by the leading bits of their key as `ROW := key (u64) LEB128{5}` (like, reply, retweet,
//! quote, unreacted), then sorted a range at a time.

use skimlog_formats::PerReaction;
use skimlog_runtime::shuffle::{Router, Shuffle, ShuffleError};

use super::buckets::{Buckets, Keyed};
use super::error::CountsError;
use super::family::Minor;
use super::partition::partition_of;
use super::reaction_counts::ReactionCounts;
use super::sink::CountSink;
use super::table::{Table, TotalsBlock};
use crate::key::Key;

/// Key ranges of all tables: `ranges` (a power of two) partitions for each table, in order.
#[derive(Clone, Copy)]
pub(super) struct Ranges(pub(super) usize);

impl Ranges {
    pub(super) fn partitions(self) -> usize {
        Table::ALL.len() * self.0
    }

    fn partition(self, table: Table, key: Key) -> usize {
        table.index() * self.0 + partition_of(key, 0, self.0)
    }

    /// Leading bits that the keys of a range have in common.
    fn bits(self) -> u32 {
        self.0.trailing_zeros()
    }
}

/// Room for a row, of at most 8 + 5 × 5 bytes.
const ROW: usize = 64;
/// Bytes of a row of counts below 128.
const SHORTEST_ROW: u64 = 8 + 5;

/// A row.
#[derive(Clone, Copy, Default)]
struct Total {
    key: Key,
    counts: ReactionCounts,
}

impl Keyed for Total {
    type Order = Key;

    #[inline]
    fn key(&self) -> Key {
        self.key
    }

    #[inline]
    fn order(&self) -> Key {
        self.key
    }
}

/// Sends totals to their table's ranges.
pub(super) struct TotalsRouter<'a> {
    router: Router<'a>,
    ranges: Ranges,
}

impl<'a> TotalsRouter<'a> {
    pub(super) fn new(router: Router<'a>, ranges: Ranges) -> Self {
        Self { router, ranges }
    }

    pub(super) fn send(
        &mut self,
        table: Table,
        major: Key,
        minor: Key,
        counts: &ReactionCounts,
    ) -> Result<(), ShuffleError> {
        let key = match table.counter.counted_by().1 {
            Minor::Alone => major,
            Minor::Partner | Minor::Language => minor.pair(major),
        };
        let mut row = [0; ROW];
        row[..8].copy_from_slice(&key.0.to_le_bytes());
        let mut length = 8;
        for &count in counts.reactions.as_count_order().iter().chain([&counts.unreacted]) {
            length += write_count(&mut row[length..], count);
        }
        self.router.push_start(self.ranges.partition(table, key), &row, length)
    }

    pub(super) fn finish(self) -> Result<(), ShuffleError> {
        self.router.finish()
    }
}

/// Writes a LEB128 number at the start of `bytes`; gives its length, at most 5.
#[inline]
fn write_count(bytes: &mut [u8], mut count: u32) -> usize {
    let mut length = 0;
    while count >= 0x80 {
        bytes[length] = count as u8 | 0x80;
        count >>= 7;
        length += 1;
    }
    bytes[length] = count as u8;
    length + 1
}

/// Reads what [`write_count`] wrote and moves `bytes` past it.
#[inline]
fn read_count(bytes: &mut &[u8]) -> u32 {
    let (mut count, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first().expect("a run holds whole records");
        *bytes = rest;
        count |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return count;
        }
        shift += 7;
    }
}

/// Hands a table to the sink, sorted by key. A range that would take more than `limit` bytes is sorted in place, which
/// is slower.
pub(super) fn write_table(
    table: Table,
    shuffle: &Shuffle<'_>,
    ranges: Ranges,
    limit: u64,
    sink: &impl CountSink,
) -> Result<u64, CountsError> {
    let mut block = TotalsBlock::default();
    let mut rows = Buckets::default();
    let mut written = 0;
    let mut write = |block: &mut TotalsBlock| {
        written += block.keys.len() as u64;
        sink.totals(table, block).map_err(|source| CountsError::Totals { table: table.name(), source })?;
        *block = TotalsBlock::default();
        Ok::<(), CountsError>(())
    };
    for range in 0..ranges.0 {
        let partition = table.index() * ranges.0 + range;
        let due = shuffle.bytes(partition) / SHORTEST_ROW;
        let fits = Buckets::<Total>::memory(due) <= limit;
        rows.restart(due, if fits { ranges.bits() } else { u64::BITS });
        shuffle.take(partition, |mut run| {
            while let Some((key, rest)) = run.split_first_chunk() {
                run = rest;
                let reactions = PerReaction::from_fn(|_| read_count(&mut run));
                let counts = ReactionCounts { reactions, unreacted: read_count(&mut run) };
                rows.push(Total { key: Key(u64::from_le_bytes(*key)), counts });
            }
            Ok::<(), ShuffleError>(())
        })?;
        // Two pairs may share a key by chance: equal keys count as equal.
        for same_key in rows.sorted().chunk_by(|a, b| a.key == b.key) {
            let mut counts = ReactionCounts::default();
            same_key.iter().for_each(|total| counts += total.counts);
            if !table.has_unreacted() {
                counts.unreacted = 0;
            }
            if counts.is_empty() {
                continue;
            }
            block.push(same_key[0].key, &counts, table.has_unreacted());
            if block.keys.len() == TotalsBlock::ROWS {
                write(&mut block)?;
            }
        }
    }
    write(&mut block)?;
    Ok(written)
}
