//! Answers that are shuffled back to record order. Most of the 65 numbers are zero; families of zeros are left out.
//!
//! `ANSWER := position (u32: block within the range × 65,536 + row) length (u16) ITEM*`; `length` counts the items'
//! bytes. An item is a family's numbers: `ITEM := family (u8) NUMBERS`, counts as `u8`s, or as `u32`s where 128 is
//! added to the family because one is larger, reals as `f64`s. Numbers are little-endian.

use skimlog_runtime::shuffle::{Router, ShuffleError, append};

use super::family::{Answer, COUNTS, FAMILIES, FIRST_COLUMNS, REAL_COLUMNS};
use super::transpose::Number;
use super::visit::{Address, LARGEST_BLOCK};

const HEADER: usize = 6;
/// Most bytes of an answer: every family with its largest numbers.
const LARGEST_ANSWER: usize = HEADER + FAMILIES.len() + COUNTS * 8;
/// Added to the family of counts that do not fit a byte.
const WIDE: u8 = 128;

/// Most blocks a range may have, so that a position fits its 32 bits.
pub(super) const LARGEST_RANGE: usize = 1 << 16;

/// Records of a tile: few enough that the tile's numbers fit a core's cache while answers are added in any order.
const TILE_ROWS: usize = 1024;
const TILES_A_BLOCK: usize = LARGEST_BLOCK / TILE_ROWS;

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

    /// Adds a family's counts to the open answer; zeros are left out. A family comes once an answer.
    #[inline]
    pub(super) fn counts<const N: usize>(&mut self, family: usize, counts: &[u32; N]) {
        let all = counts.iter().fold(0, |all, count| all | count);
        if all == 0 {
            return;
        }
        let rest = &mut self.buffer[self.length..];
        if all < 256 {
            rest[0] = family as u8;
            rest[1..=N].copy_from_slice(&counts.map(|count| count as u8));
            self.length += 1 + N;
        } else {
            rest[0] = family as u8 + WIDE;
            rest[1..=4 * N].copy_from_slice(bytemuck::bytes_of(counts));
            self.length += 1 + 4 * N;
        }
    }

    /// The same with a family's reals, which are not negative.
    #[inline]
    pub(super) fn reals<const N: usize>(&mut self, family: usize, reals: &[f64; N]) {
        if reals.iter().any(|&real| real != 0.0) {
            let rest = &mut self.buffer[self.length..];
            rest[0] = family as u8;
            rest[1..=8 * N].copy_from_slice(bytemuck::bytes_of(reals));
            self.length += 1 + 8 * N;
        }
    }

    /// Sends the open answer to `address`, unless it is all zeros, and opens the next.
    #[inline]
    pub(super) fn send(&mut self, address: Address) -> Result<(), ShuffleError> {
        if self.length > HEADER {
            let position = (address.block % self.range * LARGEST_BLOCK + address.row) as u32;
            self.buffer[..4].copy_from_slice(&position.to_le_bytes());
            self.buffer[4..HEADER].copy_from_slice(&((self.length - HEADER) as u16).to_le_bytes());
            self.router.push_start(address.block / self.range, &self.buffer, self.length)?;
            self.length = HEADER;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), ShuffleError> {
        self.router.finish()
    }
}

/// The first answer of a run: its position, its items; and the whole answer's bytes.
#[inline]
fn split_answer(run: &[u8]) -> Option<(usize, &[u8], usize)> {
    let (header, rest) = run.split_first_chunk::<HEADER>()?;
    let position = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    Some((position, &rest[..length], HEADER + length))
}

/// The answers of a range of blocks, tile by tile. Reused range after range.
#[derive(Default)]
pub(super) struct Tiles {
    tiles: Vec<Vec<u8>>,
}

impl Tiles {
    /// Forgets everything and makes room for `blocks` blocks with `bytes` bytes of answers.
    pub(super) fn restart(&mut self, blocks: usize, bytes: u64) {
        self.tiles.resize_with(blocks * TILES_A_BLOCK, Vec::new);
        // A little more than the mean: most tiles never need to grow.
        let capacity = bytes as usize / self.tiles.len().max(1) * 17 / 16;
        for tile in &mut self.tiles {
            tile.clear();
            tile.reserve(capacity);
        }
    }

    /// Appends every answer of a run to its tile.
    pub(super) fn add(&mut self, mut run: &[u8]) {
        while let Some((position, _, length)) = split_answer(run) {
            append(&mut self.tiles[position / TILE_ROWS], run, length);
            run = &run[length..];
        }
    }

    /// The tiles of a block, `block` within the range.
    pub(super) fn of_block(&self, block: usize) -> &[Vec<u8>] {
        &self.tiles[block * TILES_A_BLOCK..(block + 1) * TILES_A_BLOCK]
    }
}

/// The 65 counts of a block of records, column by column.
#[derive(Clone, Debug, Default)]
pub struct CountBlock {
    rows: usize,
    counts: Vec<u32>,
    reals: Vec<f64>,
    /// The numbers of one tile's records, record by record.
    tile_counts: Vec<[u32; COUNT_SLOTS]>,
    tile_reals: Vec<[f64; REAL_SLOTS]>,
}

/// Numbers of a record in a tile: whole cache lines.
const COUNT_SLOTS: usize = (COUNTS - REALS).next_multiple_of(16);
const REAL_SLOTS: usize = REALS.next_multiple_of(8);

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
    /// Makes it the `rows` records of these tiles.
    pub(super) fn fill(&mut self, rows: usize, tiles: &[Vec<u8>]) {
        self.rows = rows;
        self.counts.resize((COUNTS - REALS) * rows, 0);
        self.reals.resize(REALS * rows, 0.0);
        for (tile, first) in tiles.iter().zip((0..rows).step_by(TILE_ROWS)) {
            let tile_rows = TILE_ROWS.min(rows - first);
            self.tile_counts.clear();
            self.tile_counts.resize(tile_rows, [0; COUNT_SLOTS]);
            self.tile_reals.clear();
            self.tile_reals.resize(tile_rows, [0.0; REAL_SLOTS]);
            self.add(tile, first);
            Number::transpose(&self.tile_counts, &mut self.counts, rows, first);
            Number::transpose(&self.tile_reals, &mut self.reals, rows, first);
        }
    }

    /// Adds every answer of a tile, whose records begin at `first`, to its record.
    fn add(&mut self, mut run: &[u8], first: usize) {
        while let Some((position, mut items, length)) = split_answer(run) {
            let row = position % LARGEST_BLOCK - first;
            let (counts, reals) = (&mut self.tile_counts[row], &mut self.tile_reals[row]);
            while let Some((&head, rest)) = items.split_first() {
                let family = usize::from(head % WIDE);
                let (wide, slot) = (head >= WIDE, SLOTS[FIRST_COLUMNS[family]]);
                items = match FAMILIES[family].answer {
                    Answer::Reactions => add_counts::<4>(counts, slot, wide, rest),
                    Answer::Unreacted => add_counts::<1>(counts, slot, wide, rest),
                    Answer::Similar => add_reals::<4>(reals, slot, rest),
                    Answer::SimilarityMass => add_reals::<1>(reals, slot, rest),
                };
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

/// Adds the counts at the start of `items` to a record's; gives what comes after them.
#[inline]
fn add_counts<'a, const N: usize>(
    counts: &mut [u32; COUNT_SLOTS],
    slot: usize,
    wide: bool,
    mut items: &'a [u8],
) -> &'a [u8] {
    let mut numbers = [0; N];
    if wide {
        numbers.fill_with(|| u32::from_le_bytes(take(&mut items)));
    } else {
        numbers = take::<N>(&mut items).map(u32::from);
    }
    for (count, number) in counts[slot..slot + N].iter_mut().zip(numbers) {
        // Only the hashtags of a record answer one by one; all other numbers come once.
        *count = count.saturating_add(number);
    }
    items
}

/// The same with reals.
#[inline]
fn add_reals<'a, const N: usize>(reals: &mut [f64; REAL_SLOTS], slot: usize, mut items: &'a [u8]) -> &'a [u8] {
    reals[slot..slot + N].iter_mut().for_each(|real| *real += f64::from_le_bytes(take(&mut items)));
    items
}

/// Takes the first bytes of a run.
#[inline]
fn take<const N: usize>(run: &mut &[u8]) -> [u8; N] {
    let (bytes, rest) = run.split_first_chunk().expect("a run holds whole records");
    *run = rest;
    *bytes
}

#[cfg(test)]
mod tests {
    use skimlog_runtime::shuffle::{Pool, Scratch, Shuffle};

    use super::*;

    #[test]
    fn answers_come_back_to_their_records() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let scratch = Scratch::prepare(directory.path().join("scratch")).expect("scratch");
        let pool = Pool::new(1 << 20);
        let shuffle = Shuffle::new("answers", 2, 1, &pool, &scratch);
        let mut answers = Answers::new(Router::new(&shuffle), 3);
        for (block, row, count) in [(4, 65_535, u32::MAX), (4, 0, 127), (5, 7, 256), (4, 0, 3), (0, 0, 0)] {
            answers.counts(0, &[count, 0, count / 2, 1].map(|count_of| count_of.min(count)));
            answers.counts(19, &[count / 2]);
            answers.reals(6, &[f64::from(count) / 4.0]);
            answers.send(Address { block, row }).expect("sent");
        }
        answers.finish().expect("sent");
        assert_eq!(shuffle.bytes(0), 0, "zeros are not sent");
        let mut tiles = Tiles::default();
        tiles.restart(3, shuffle.bytes(1));
        let split = |run: &[u8]| {
            tiles.add(run);
            Ok::<(), ShuffleError>(())
        };
        shuffle.take(1, split).expect("taken");
        assert!(tiles.of_block(0).iter().all(Vec::is_empty));
        let mut block = CountBlock::default();
        block.fill(65_536, tiles.of_block(1));
        let counts = |block: &CountBlock, column| match block.column(column) {
            CountColumn::Counts(counts) => counts.to_vec(),
            CountColumn::Reals(_) => panic!("counts"),
        };
        for (column, first, last) in
            [(0, 130, u32::MAX), (1, 0, 0), (2, 64, u32::MAX / 2), (3, 2, 1), (64, 64, u32::MAX / 2)]
        {
            let counts = counts(&block, column);
            assert_eq!((counts[0], counts[65_535], counts[1]), (first, last, 0), "column {column}");
        }
        let CountColumn::Reals(mass) = block.column(24) else { panic!("reals") };
        assert_eq!((mass[0], mass[65_535]), (32.5, f64::from(u32::MAX) / 4.0));
        block.fill(8, tiles.of_block(2));
        assert_eq!(counts(&block, 0), [0, 0, 0, 0, 0, 0, 0, 256]);
        assert_eq!(counts(&block, 64), [0, 0, 0, 0, 0, 0, 0, 128]);
    }
}
