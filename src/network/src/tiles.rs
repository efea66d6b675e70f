//! Matrices in tiles of 32 columns.
//!
//! Element `(r, c)` of a matrix with `rows` rows is in row `c / 32 * rows + r`, column `c % 32`. A tile is 128 bytes
//! wide and contiguous: two AVX-512 registers a row, no strides in the inner loops, and a task of its own for a thread.

use std::ops::Range;

/// Columns of a tile.
pub(super) const COLUMNS: usize = 32;

/// A row of a tile.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(128))]
pub(super) struct Row(pub(super) [f32; COLUMNS]);

impl Row {
    pub(super) const ZERO: Self = Self([0.0; COLUMNS]);
}

/// Rows of zeros, in large pages where the system gives them: training goes through all of its memory at every step,
/// and an address in one of many small pages takes longer to look up.
pub(super) fn zeroed(rows: usize) -> Vec<Row> {
    let mut memory: Vec<Row> = Vec::with_capacity(rows);
    #[cfg(target_os = "linux")]
    ask_for_large_pages(memory.spare_capacity_mut());
    memory.resize(rows, Row::ZERO);
    memory
}

#[cfg(target_os = "linux")]
fn ask_for_large_pages(memory: &mut [std::mem::MaybeUninit<Row>]) {
    const LARGE_PAGE: usize = 1 << 21;
    let start = memory.as_mut_ptr();
    let skipped = start.addr().next_multiple_of(LARGE_PAGE) - start.addr();
    let bytes = size_of_val(memory).saturating_sub(skipped) / LARGE_PAGE * LARGE_PAGE;
    if bytes > 0 {
        let first = start.wrapping_byte_add(skipped).cast();
        // SAFETY: the range lies within `memory`, and the advice changes nothing of what that holds. The system may
        // ignore it.
        let _ = unsafe { rustix::mm::madvise(first, bytes, rustix::mm::Advice::LinuxHugepage) };
    }
}

/// The rows of a buffer that hold a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// First row of the buffer.
    pub(super) start: usize,
    /// Rows of the matrix.
    pub(super) rows: usize,
    /// Tiles of the matrix.
    pub(super) tiles: usize,
}

impl Region {
    /// The buffer's rows that hold the matrix.
    pub(super) const fn range(&self) -> Range<usize> {
        self.start..self.start + self.rows * self.tiles
    }

    /// Row of the buffer and column in it of an element.
    pub(super) const fn at(&self, row: usize, column: usize) -> (usize, usize) {
        (self.start + column / COLUMNS * self.rows + row, column % COLUMNS)
    }
}

/// Transposes a tile block by block: `to[i + c].0[r] = from[i + r].0[c]` for every `i` divisible by 32.
pub(super) fn transpose_blocks(from: &[Row], to: &mut [Row]) {
    for (from, to) in from.as_chunks::<COLUMNS>().0.iter().zip(to.as_chunks_mut::<COLUMNS>().0) {
        for (column, to) in to.iter_mut().enumerate() {
            for (value, from) in to.0.iter_mut().zip(from) {
                *value = from.0[column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_transposed() {
        let from: Vec<Row> = (0..64).map(|r| Row(std::array::from_fn(|c| (r * 100 + c) as f32))).collect();
        let mut to = vec![Row::ZERO; 64];
        transpose_blocks(&from, &mut to);
        for (row, from) in from.iter().enumerate() {
            let (block, offset) = (row / COLUMNS * COLUMNS, row % COLUMNS);
            let column: Vec<f32> = to[block..block + COLUMNS].iter().map(|to| to.0[offset]).collect();
            assert_eq!(column, from.0);
        }
    }

    #[test]
    fn elements_of_a_region_are_distinct() {
        let region = Region { start: 5, rows: 3, tiles: 2 };
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..3 {
            for column in 0..64 {
                let (at, lane) = region.at(row, column);
                assert!(region.range().contains(&at) && seen.insert((at, lane)));
            }
        }
    }
}
