//! A linear layer of inference: a few tiles of outputs, any number of records, in any precision.

use std::marker::PhantomData;

use super::activate::Activation;
use super::dot::{DotKernel, DotLanes};
use super::holds_rows;
use crate::tiles::{COLUMNS, Row};

/// Tiles of outputs that are computed by one task. A few records alone need several of them at a time to keep the
/// processor busy.
pub(crate) const TASK_TILES: usize = 4;

/// What a word of a factor holds.
pub(crate) trait Words: Copy + Send + Sync {
    /// Numbers in a word.
    const NUMBERS: usize;

    /// Adds to `sum` what two words give.
    fn dot<L: DotLanes>(lanes: L, input: L::Vector, weight: L::Vector, sum: L::Vector) -> L::Vector;
}

/// A word is a float.
#[derive(Clone, Copy)]
pub(crate) struct Floats;

/// A word is two bfloat16, the lower one first.
#[derive(Clone, Copy)]
pub(crate) struct Halves;

/// A word is four bytes, the lowest first: unsigned inputs, signed weights.
#[derive(Clone, Copy)]
pub(crate) struct Bytes;

impl Words for Floats {
    const NUMBERS: usize = 1;

    #[inline(always)]
    fn dot<L: DotLanes>(lanes: L, input: L::Vector, weight: L::Vector, sum: L::Vector) -> L::Vector {
        lanes.mul_add(input, weight, sum)
    }
}

impl Words for Halves {
    const NUMBERS: usize = 2;

    #[inline(always)]
    fn dot<L: DotLanes>(lanes: L, input: L::Vector, weight: L::Vector, sum: L::Vector) -> L::Vector {
        lanes.dot_halves(input, weight, sum)
    }
}

impl Words for Bytes {
    const NUMBERS: usize = 4;

    #[inline(always)]
    fn dot<L: DotLanes>(lanes: L, input: L::Vector, weight: L::Vector, sum: L::Vector) -> L::Vector {
        lanes.dot_bytes(input, weight, sum)
    }
}

/// What becomes of a linear layer's sums while they are still near.
pub(crate) trait Finish {
    /// Prefetches what [`Finish::finish`] will read.
    fn prefetch<L: DotLanes>(&self, lanes: L, tile: usize, record: usize);

    /// Takes a record's sums of a tile.
    fn finish<L: DotLanes>(&mut self, lanes: L, tile: usize, record: usize, sums: Row);
}

/// The sums are kept as they are.
pub(crate) struct Sums<'a> {
    /// A tile after the other, in each a row a record.
    pub(crate) rows: &'a mut [Row],
    /// Rows of a tile.
    pub(crate) stride: usize,
}

impl Finish for Sums<'_> {
    #[inline(always)]
    fn prefetch<L: DotLanes>(&self, _lanes: L, _tile: usize, _record: usize) {}

    #[inline(always)]
    fn finish<L: DotLanes>(&mut self, _lanes: L, tile: usize, record: usize, sums: Row) {
        self.rows[tile * self.stride + record] = sums;
    }
}

/// The sums are activated.
pub(crate) struct Activated<'a> {
    pub(crate) activation: Activation<'a>,
    /// Also keeps the activations as floats here.
    pub(crate) kept: Option<Sums<'a>>,
}

impl Finish for Activated<'_> {
    #[inline(always)]
    fn prefetch<L: DotLanes>(&self, lanes: L, tile: usize, record: usize) {
        self.activation.prefetch(lanes, tile, record);
    }

    #[inline(always)]
    fn finish<L: DotLanes>(&mut self, lanes: L, tile: usize, record: usize, mut sums: Row) {
        self.activation.apply(lanes, tile, record, &mut sums);
        if let Some(kept) = &mut self.kept {
            kept.finish(lanes, tile, record, sums);
        }
    }
}

/// `sum(tile, r) = start[tile] + Σ over k < count of input(r, k) · weight(tile, k)`, words times words.
///
/// `weight(tile, k)` is row `tile * count + k` of `weights`; `input(r, k)` is word `k % 32` of row `k / 32 *
/// input_stride + r` of `inputs`. A record's result does not depend on the others: its sums are added up in the order
/// of `k`.
pub(crate) struct Dense<'a, W, F> {
    /// A row a tile.
    pub(crate) start: &'a [Row],
    pub(crate) weights: &'a [Row],
    /// Weights that are needed next, which are prefetched.
    pub(crate) next: &'a [Row],
    /// Words of an input.
    pub(crate) count: usize,
    pub(crate) inputs: &'a [Row],
    pub(crate) input_stride: usize,
    pub(crate) records: usize,
    pub(crate) finish: F,
    pub(crate) words: PhantomData<W>,
}

/// Vectors of a row that are computed together.
const PARTS: usize = 2;

impl<W: Words, F: Finish> Dense<'_, W, F> {
    /// `R` records and `T` tiles; prefetches the rows `ahead` bit by bit.
    #[inline(always)]
    fn block<L: DotLanes, const R: usize, const T: usize>(
        &mut self,
        lanes: L,
        first_record: usize,
        first_tile: usize,
        ahead: &[Row],
    ) {
        for record in 0..R {
            for tile in 0..T {
                self.finish.prefetch(lanes, first_tile + tile, first_record + record);
            }
        }
        let chunks = self.count.div_ceil(COLUMNS);
        let share = ahead.len().div_ceil(chunks.max(1));
        let mut rows = [[Row::ZERO; T]; R];
        for first_part in (0..L::PARTS).step_by(PARTS) {
            let mut sums = [[[lanes.splat(0.0); PARTS]; T]; R];
            for tile in 0..T {
                for part in 0..PARTS {
                    let start = lanes.load(&self.start[first_tile + tile], first_part + part);
                    for record in 0..R {
                        sums[record][tile][part] = start;
                    }
                }
            }
            for chunk in 0..chunks {
                for row in ahead.iter().skip(chunk * share).take(share) {
                    lanes.prefetch(row);
                }
                let inputs = &self.inputs[chunk * self.input_stride + first_record..];
                let weights = &self.weights[first_tile * self.count + chunk * COLUMNS..];
                for k in 0..(self.count - chunk * COLUMNS).min(COLUMNS) {
                    let mut vectors = [[lanes.splat(0.0); PARTS]; T];
                    for tile in 0..T {
                        // SAFETY: `run` found a row of weights for every word of every tile.
                        let row = unsafe { weights.get_unchecked(tile * self.count + k) };
                        for part in 0..PARTS {
                            vectors[tile][part] = lanes.load(row, first_part + part);
                        }
                    }
                    for record in 0..R {
                        // SAFETY: `run` found a row for every record of every chunk; `k` is below 32.
                        let input = unsafe { *inputs.get_unchecked(record).0.get_unchecked(k) };
                        let input = lanes.splat(input);
                        for tile in 0..T {
                            for part in 0..PARTS {
                                sums[record][tile][part] =
                                    W::dot(lanes, input, vectors[tile][part], sums[record][tile][part]);
                            }
                        }
                    }
                }
            }
            for record in 0..R {
                for tile in 0..T {
                    for part in 0..PARTS {
                        lanes.store(&mut rows[record][tile], first_part + part, sums[record][tile][part]);
                    }
                }
            }
        }
        for record in 0..R {
            for tile in 0..T {
                self.finish.finish(lanes, first_tile + tile, first_record + record, rows[record][tile]);
            }
        }
    }
}

impl<W: Words, F: Finish> DotKernel for Dense<'_, W, F> {
    #[inline(always)]
    fn run<L: DotLanes>(mut self, lanes: L) {
        let (tiles, records) = (self.start.len(), self.records);
        assert!(L::PARTS.is_multiple_of(PARTS));
        assert!(holds_rows(self.weights, [(tiles, self.count)], 0) && self.weights.len() == tiles * self.count);
        if let Some(last) = self.count.div_ceil(COLUMNS).checked_sub(1) {
            assert!(holds_rows(self.inputs, [(last, self.input_stride)], records));
        }
        // As many sums as the registers hold: 16 of 32 with AVX-512, 8 of 16 with AVX2.
        let wide = L::PARTS == 2;
        let full = if wide { 8 } else { 4 };
        let groups = records / full;
        for tile in 0..tiles {
            // A tile's weights stay in the second-level cache for all records; meanwhile the next ones come there.
            let next = self.weights.get((tile + 1) * self.count..).filter(|next| !next.is_empty()).unwrap_or(self.next);
            let next = &next[..next.len().min(self.count)];
            let share = next.len().div_ceil(groups.max(1));
            for group in 0..groups {
                let ahead = &next[(group * share).min(next.len())..((group + 1) * share).min(next.len())];
                match wide {
                    true => self.block::<L, 8, 1>(lanes, group * full, tile, ahead),
                    false => self.block::<L, 4, 1>(lanes, group * full, tile, ahead),
                }
            }
        }
        let mut record = groups * full;
        while record < records {
            let group = match records - record {
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            let mut tile = 0;
            while tile < tiles {
                let left = tiles - tile;
                let together = match group {
                    4 if left >= 2 => 2,
                    4 => 1,
                    _ if left >= 4 && (wide || group == 1) => 4,
                    _ if left >= 2 => 2,
                    _ => 1,
                };
                match (group, together) {
                    (4, 2) => self.block::<L, 4, 2>(lanes, record, tile, &[]),
                    (4, _) => self.block::<L, 4, 1>(lanes, record, tile, &[]),
                    (2, 4) => self.block::<L, 2, 4>(lanes, record, tile, &[]),
                    (2, 2) => self.block::<L, 2, 2>(lanes, record, tile, &[]),
                    (2, _) => self.block::<L, 2, 1>(lanes, record, tile, &[]),
                    (_, 4) => self.block::<L, 1, 4>(lanes, record, tile, &[]),
                    (_, 2) => self.block::<L, 1, 2>(lanes, record, tile, &[]),
                    _ => self.block::<L, 1, 1>(lanes, record, tile, &[]),
                }
                tile += together;
            }
            record += group;
        }
    }
}
