//! Answers on their way back to record order: most of the 65 numbers are zero, so only the others travel.
//!
//! `ANSWER := place (u32: block within the range × 65,536 + row) length (u16) ITEM*`, `ITEM := column (u8) NUMBER`, where
//! `NUMBER` is a LEB128 count or an f64, as the column has it. Numbers are little-endian; `length` counts the items' bytes.

use super::family::{COUNTS, REAL_COLUMNS};
use super::visit::{Address, LARGEST_BLOCK};
use crate::shuffle::{Router, ShuffleError};

const HEADER: usize = 6;
/// Most bytes of an answer: every column with its largest number.
const LARGEST_ANSWER: usize = HEADER + COUNTS * 9;

/// Most blocks a range may have, so that a place fits its 32 bits.
pub(super) const LARGEST_RANGE: usize = 1 << 16;

/// Writes answers and routes each to the range of blocks it belongs to.
pub(super) struct Answers<'a> {
    router: Router<'a>,
    /// Blocks of a range.
    range: usize,
    buffer: [u8; LARGEST_ANSWER],
    length: usize,
}

impl<'a> Answers<'a> {
    pub(super) fn new(router: Router<'a>, range: usize) -> Self {
        Self { router, range, buffer: [0; LARGEST_ANSWER], length: HEADER }
    }

    /// Adds a count to the open answer; a zero is left out.
    #[inline]
    pub(super) fn count(&mut self, column: usize, count: u32) {
        if count != 0 {
            self.buffer[self.length] = column as u8;
            self.length += 1 + write_count(&mut self.buffer[self.length + 1..], count);
        }
    }

    /// Adds a real to the open answer; a zero is left out.
    #[inline]
    pub(super) fn real(&mut self, column: usize, real: f64) {
        if real != 0.0 {
            self.buffer[self.length] = column as u8;
            self.buffer[self.length + 1..self.length + 9].copy_from_slice(&real.to_le_bytes());
            self.length += 9;
        }
    }

    /// Sends the open answer to `address`, unless it is all zeros, and opens the next.
    #[inline]
    pub(super) fn send(&mut self, address: Address) -> Result<(), ShuffleError> {
        if self.length > HEADER {
            let place = (address.block % self.range * LARGEST_BLOCK + address.row) as u32;
            self.buffer[..4].copy_from_slice(&place.to_le_bytes());
            self.buffer[4..HEADER].copy_from_slice(&((self.length - HEADER) as u16).to_le_bytes());
            self.router.push(address.block / self.range, &self.buffer[..self.length])?;
            self.length = HEADER;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), ShuffleError> {
        self.router.finish()
    }
}

/// Writes a LEB128 number at the start of `bytes`; gives its length, at most 5.
#[inline]
pub(super) fn write_count(bytes: &mut [u8], mut count: u32) -> usize {
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
pub(super) fn read_count(bytes: &mut &[u8]) -> u32 {
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

/// The first answer of a run: its block within the range, its row, its items; and the whole answer's bytes.
fn split_answer(run: &[u8]) -> Option<(Address, &[u8], usize)> {
    let (header, rest) = run.split_first_chunk::<HEADER>()?;
    let place = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let address = Address { block: place / LARGEST_BLOCK, row: place % LARGEST_BLOCK };
    Some((address, &rest[..length], HEADER + length))
}

/// Appends every answer of a run to its block's bytes, `blocks[block within the range]`.
pub(super) fn split_by_block(mut run: &[u8], blocks: &mut [Vec<u8>]) {
    while let Some((address, _, length)) = split_answer(run) {
        blocks[address.block].extend_from_slice(&run[..length]);
        run = &run[length..];
    }
}

/// The 65 counts of a block of records, column by column.
#[derive(Clone, Debug, Default)]
pub struct CountBlock {
    rows: usize,
    counts: Vec<u32>,
    reals: Vec<f64>,
}

/// One column of a [`CountBlock`], a number a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CountColumn<'a> {
    /// Counts.
    Counts(&'a [u32]),
    /// Reals.
    Reals(&'a [f64]),
}

/// Number of columns before each that hold the same kind of number as it.
const SLOTS: [usize; COUNTS] = {
    let (mut slots, mut column, mut kinds) = ([0; COUNTS], 0, [0; 2]);
    while column < COUNTS {
        let kind = REAL_COLUMNS[column] as usize;
        slots[column] = kinds[kind];
        kinds[kind] += 1;
        column += 1;
    }
    slots
};

const REALS: usize = {
    let (mut reals, mut column) = (0, 0);
    while column < COUNTS {
        reals += REAL_COLUMNS[column] as usize;
        column += 1;
    }
    reals
};

impl CountBlock {
    /// Makes it `rows` records of zeros.
    pub(super) fn reset(&mut self, rows: usize) {
        self.rows = rows;
        self.counts.clear();
        self.counts.resize((COUNTS - REALS) * rows, 0);
        self.reals.clear();
        self.reals.resize(REALS * rows, 0.0);
    }

    /// Adds every answer of a run to its record; the answers must belong to this block.
    pub(super) fn scatter(&mut self, mut run: &[u8]) {
        while let Some((Address { row, .. }, mut items, length)) = split_answer(run) {
            while let Some((&column, rest)) = items.split_first() {
                let column = usize::from(column);
                let at = SLOTS[column] * self.rows + row;
                items = rest;
                if REAL_COLUMNS[column] {
                    let (bytes, rest) = items.split_first_chunk().expect("a run holds whole records");
                    self.reals[at] += f64::from_le_bytes(*bytes);
                    items = rest;
                } else {
                    // Only the hashtags of a record answer one by one; all other numbers come once.
                    self.counts[at] = self.counts[at].saturating_add(read_count(&mut items));
                }
            }
            run = &run[length..];
        }
    }

    /// Number of records.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// One of the [`COUNTS`] columns.
    pub fn column(&self, column: usize) -> CountColumn<'_> {
        let range = SLOTS[column] * self.rows..(SLOTS[column] + 1) * self.rows;
        match REAL_COLUMNS[column] {
            true => CountColumn::Reals(&self.reals[range]),
            false => CountColumn::Counts(&self.counts[range]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shuffle::{Pool, Scratch, Shuffle};

    #[test]
    fn answers_come_back_to_their_records() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let scratch = Scratch::prepare(directory.path().join("scratch")).expect("scratch");
        let pool = Pool::new(1 << 20);
        let shuffle = Shuffle::new("answers", 2, 1, &pool, &scratch);
        let mut answers = Answers::new(Router::new(&shuffle), 3);
        for (block, row, count) in [(4, 65_535, u32::MAX), (4, 0, 127), (5, 7, 128), (4, 0, 3), (0, 0, 0)] {
            answers.count(0, count);
            answers.count(64, count / 2);
            answers.real(24, f64::from(count) / 4.0);
            answers.send(Address { block, row }).expect("sent");
        }
        answers.finish().expect("sent");
        assert_eq!(shuffle.bytes(0), 0, "zeros are not sent");
        let mut blocks = vec![Vec::new(); 3];
        let split = |run: &[u8]| {
            split_by_block(run, &mut blocks);
            Ok::<(), ShuffleError>(())
        };
        shuffle.take(1, split).expect("taken");
        assert!(blocks[0].is_empty());
        let mut block = CountBlock::default();
        block.reset(65_536);
        block.scatter(&blocks[1]);
        let CountColumn::Counts(first) = block.column(0) else { panic!("counts") };
        let CountColumn::Counts(last) = block.column(64) else { panic!("counts") };
        let CountColumn::Reals(mass) = block.column(24) else { panic!("reals") };
        assert_eq!((first[0], first[65_535], first[1]), (130, u32::MAX, 0));
        assert_eq!((last[0], last[65_535]), (64, u32::MAX / 2));
        assert_eq!((mass[0], mass[65_535]), (32.5, f64::from(u32::MAX) / 4.0));
        block.reset(8);
        block.scatter(&blocks[2]);
        assert_eq!(block.column(0), CountColumn::Counts(&[0, 0, 0, 0, 0, 0, 0, 128]));
    }
}
