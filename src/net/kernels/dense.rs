//! A linear layer of inference: a few tiles of outputs, any number of records, in any precision.

use std::marker::PhantomData;

use super::dot::{DotKernel, DotLanes};
use crate::net::tiles::{COLUMNS, Row};

/// Tiles of outputs that are computed by one task. A few records alone need several of them at a time to keep the
/// processor busy.
pub(in crate::net) const TASK_TILES: usize = 4;

/// What a word of a factor holds.
pub(in crate::net) trait Words: Copy + Send + Sync {
    /// Numbers in a word.
    const NUMBERS: usize;

    /// Adds to `sum` what two words give.
    fn dot<L: DotLanes>(lanes: L, input: L::Vector, weight: L::Vector, sum: L::Vector) -> L::Vector;
}

/// A word is a float.
#[derive(Clone, Copy)]
pub(in crate::net) struct Floats;

/// A word is two bfloat16, the lower one first.
#[derive(Clone, Copy)]
pub(in crate::net) struct Halves;

/// A word is four bytes, the lowest first: unsigned inputs, signed weights.
#[derive(Clone, Copy)]
pub(in crate::net) struct Bytes;

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

/// `out[tile][r] = start[tile] + Σ over k < count of input(r, k) · weight(tile, k)`, words times words.
///
/// `weight(tile, k)` is row `tile * count + k` of `weights`; `input(r, k)` is word `k % 32` of row
/// `k / 32 * input_stride + r` of `inputs`; `out[tile][r]` is row `tile * out_stride + r` of `out`. A record's result
/// does not depend on the others: its sums are added up in the order of `k`.
pub(in crate::net) struct Dense<'a, W> {
    /// A row a tile.
    pub(in crate::net) start: &'a [Row],
    pub(in crate::net) weights: &'a [Row],
    /// Words of an input.
    pub(in crate::net) count: usize,
    pub(in crate::net) inputs: &'a [Row],
    pub(in crate::net) input_stride: usize,
    pub(in crate::net) records: usize,
    pub(in crate::net) out: &'a mut [Row],
    pub(in crate::net) out_stride: usize,
    pub(in crate::net) words: PhantomData<W>,
}

impl<'a, W> Dense<'a, W> {
    /// The same of other words.
    pub(in crate::net) fn of<V>(self) -> Dense<'a, V> {
        let Self { start, weights, count, inputs, input_stride, records, out, out_stride, words: _ } = self;
        Dense { start, weights, count, inputs, input_stride, records, out, out_stride, words: PhantomData }
    }
}

/// Vectors of a row that are computed together.
const PARTS: usize = 2;

impl<W: Words> Dense<'_, W> {
    /// `R` records and `T` tiles.
    #[inline(always)]
    fn block<L: DotLanes, const R: usize, const T: usize>(&mut self, lanes: L, first_record: usize, first_tile: usize) {
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
            for chunk in 0..self.count.div_ceil(COLUMNS) {
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
                    let out = &mut self.out[(first_tile + tile) * self.out_stride + first_record + record];
                    for part in 0..PARTS {
                        lanes.store(out, first_part + part, sums[record][tile][part]);
                    }
                }
            }
        }
    }
}

impl<W: Words> DotKernel for Dense<'_, W> {
    #[inline(always)]
    fn run<L: DotLanes>(mut self, lanes: L) {
        let (tiles, records) = (self.start.len(), self.records);
        assert!(L::PARTS.is_multiple_of(PARTS) && self.weights.len() == tiles * self.count);
        if let Some(last) = self.count.div_ceil(COLUMNS).checked_sub(1) {
            assert!(last * self.input_stride + records <= self.inputs.len());
        }
        // As many sums as the registers hold: 16 of 32 with AVX-512, 8 of 16 with AVX2.
        let wide = L::PARTS == 2;
        let mut record = 0;
        while record < records {
            let group = match records - record {
                8.. if wide => 8,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            let mut tile = 0;
            while tile < tiles {
                let left = tiles - tile;
                let together = match group {
                    8 => 1,
                    4 if wide && left >= 2 => 2,
                    4 => 1,
                    _ if left >= 4 && (wide || group == 1) => 4,
                    _ if left >= 2 => 2,
                    _ => 1,
                };
                match (group, together) {
                    (8, _) => self.block::<L, 8, 1>(lanes, record, tile),
                    (4, 2) => self.block::<L, 4, 2>(lanes, record, tile),
                    (4, _) => self.block::<L, 4, 1>(lanes, record, tile),
                    (2, 4) => self.block::<L, 2, 4>(lanes, record, tile),
                    (2, 2) => self.block::<L, 2, 2>(lanes, record, tile),
                    (2, _) => self.block::<L, 2, 1>(lanes, record, tile),
                    (_, 4) => self.block::<L, 1, 4>(lanes, record, tile),
                    (_, 2) => self.block::<L, 1, 2>(lanes, record, tile),
                    _ => self.block::<L, 1, 1>(lanes, record, tile),
                }
                tile += together;
            }
            record += group;
        }
    }
}
