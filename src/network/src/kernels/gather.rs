//! The first layer: only inputs that are not zero are read, forward by record, backward by input.

use super::update::{Slots, Update, UpdateLanes};
use super::{Kernel, Lanes};
use crate::tiles::Row;

/// Inputs whose weights are gathered together: two tiles of them are 32 KB.
pub(crate) const INPUT_BLOCK: usize = 128;

/// An input that is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// The input (in lists by record) or the record (in lists by input).
    pub(crate) at: u32,
    /// Its value.
    pub(crate) value: f32,
}

/// Records from which on nearly every input of a block is used by one of them, so that all may be prefetched.
const PREFETCHING_RECORDS: usize = 32;

/// Tiles that are best gathered together: an entry is then read once for all. That their weights do not all stay in the
/// first-level cache costs less.
pub(crate) const GATHERED_TILES: usize = 4;

/// `out[record] += Σ entries of the record: value × weights[at]`, for any number of tiles.
pub(crate) struct Gather<'a> {
    /// Entries ordered by block of inputs, then by record.
    pub(crate) entries: &'a [Entry],
    /// Where each (block, record)'s entries start, and the end.
    pub(crate) starts: &'a [u32],
    pub(crate) records: usize,
    /// Tiles of weights.
    pub(crate) weights: &'a [Row],
    /// Rows of a tile of weights.
    pub(crate) weight_rows: usize,
    /// Tiles of outputs.
    pub(crate) out: &'a mut [Row],
    /// Rows of a tile of outputs.
    pub(crate) out_rows: usize,
}

impl Gather<'_> {
    /// `P` vectors a row, `T` tiles.
    #[inline(always)]
    fn tiles<L: Lanes, const P: usize, const T: usize>(&mut self, lanes: L, first_tile: usize) {
        let weights = &self.weights[first_tile * self.weight_rows..][..T * self.weight_rows];
        let out = &mut self.out[first_tile * self.out_rows..][..T * self.out_rows];
        assert!(self.records <= self.out_rows);
        for (number, block) in self.starts.windows(self.records + 1).step_by(self.records).enumerate() {
            // Weights are used in no order that the processor could foresee, so the next block is asked for by and by.
            let (mut next, end) = match self.records < PREFETCHING_RECORDS {
                true => (0, 0),
                false => ((number + 1) * INPUT_BLOCK, ((number + 2) * INPUT_BLOCK).min(self.weight_rows)),
            };
            let share = INPUT_BLOCK.div_ceil(self.records);
            for record in 0..self.records {
                for row in next..(next + share).min(end) {
                    for tile in 0..T {
                        lanes.prefetch(&weights[tile * self.weight_rows + row]);
                    }
                }
                next += share;
                let entries = &self.entries[block[record] as usize..block[record + 1] as usize];
                if entries.is_empty() {
                    continue;
                }
                let mut sums = [[lanes.splat(0.0); P]; T];
                for entry in entries {
                    let value = lanes.splat(entry.value);
                    for tile in 0..T {
                        let at = tile * self.weight_rows + entry.at as usize;
                        debug_assert!((entry.at as usize) < self.weight_rows);
                        // SAFETY: the lists are built by `inputs`, which lets no input beyond the layer's pass.
                        let row = unsafe { weights.get_unchecked(at) };
                        for part in 0..P {
                            sums[tile][part] = lanes.mul_add(value, lanes.load(row, part), sums[tile][part]);
                        }
                    }
                }
                // A block's sum is added as a whole: short sums round less than one long sum.
                for tile in 0..T {
                    let out = &mut out[tile * self.out_rows + record];
                    for part in 0..P {
                        let sum = lanes.add(sums[tile][part], lanes.load(out, part));
                        lanes.store(out, part, sum);
                    }
                }
            }
        }
    }
}

impl Kernel for Gather<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let tiles = self.weights.len() / self.weight_rows;
        assert!(self.weights.len() == tiles * self.weight_rows && self.out.len() == tiles * self.out_rows);
        let mut tile = 0;
        while tile < tiles {
            // As many sums as the registers hold: with AVX-512, which has 32, a row is two vectors; with AVX2 it is four of 16.
            tile += match (L::PARTS, tiles - tile) {
                (2, GATHERED_TILES..) => {
                    self.tiles::<L, 2, GATHERED_TILES>(lanes, tile);
                    GATHERED_TILES
                }
                (2, 2..) => {
                    self.tiles::<L, 2, 2>(lanes, tile);
                    2
                }
                (2, _) => {
                    self.tiles::<L, 2, 1>(lanes, tile);
                    1
                }
                (_, 2..) => {
                    self.tiles::<L, 4, 2>(lanes, tile);
                    2
                }
                _ => {
                    self.tiles::<L, 4, 1>(lanes, tile);
                    1
                }
            };
        }
    }
}

/// How many inputs ahead weights and moments are asked for on the way back.
const AHEAD: usize = 8;

/// Gradient of a tile of first-layer weights and its AdamW step.
///
/// `gradient[i] = at_zero[i] × sums + Σ entries of input i: value × gradients[at]`.
pub(crate) struct GatherStep<'a> {
    /// Entries ordered by input, then by record.
    pub(crate) entries: &'a [Entry],
    /// Where each input's entries start, and the end.
    pub(crate) starts: &'a [u32],
    /// What was subtracted from each input.
    pub(crate) at_zero: &'a [f32],
    /// Gradient of the tile's outputs, a row a record.
    pub(crate) gradients: &'a [Row],
    /// Sum of `gradients` over the records.
    pub(crate) sums: &'a Row,
    pub(crate) slots: Slots<'a>,
    pub(crate) update: &'a Update,
}

impl GatherStep<'_> {
    #[inline(always)]
    fn parts<L: Lanes, const P: usize, const CHAINS: usize>(mut self, lanes: L) {
        let inputs = self.at_zero.len();
        assert!(self.starts.len() == inputs + 1);
        self.slots.assert_rows(inputs);
        let update = UpdateLanes::new(lanes, self.update);
        let mut all = [lanes.splat(0.0); P];
        for part in 0..P {
            all[part] = lanes.load(self.sums, part);
        }
        for input in 0..inputs {
            self.slots.prefetch(lanes, (input + AHEAD).min(inputs - 1));
            let entries = &self.entries[self.starts[input] as usize..self.starts[input + 1] as usize];
            // Several sums side by side, because one alone would wait for each addition.
            let mut sums = [[lanes.splat(0.0); P]; CHAINS];
            let at_zero = lanes.splat(self.at_zero[input]);
            for part in 0..P {
                sums[0][part] = lanes.mul(at_zero, all[part]);
            }
            let (chunks, rest) = entries.as_chunks::<CHAINS>();
            for chunk in chunks {
                for chain in 0..CHAINS {
                    self.add(lanes, chunk[chain], &mut sums[chain]);
                }
            }
            for &entry in rest {
                self.add(lanes, entry, &mut sums[0]);
            }
            for chain in 1..CHAINS {
                for part in 0..P {
                    sums[0][part] = lanes.add(sums[0][part], sums[chain][part]);
                }
            }
            for part in 0..P {
                update.apply(lanes, sums[0][part], self.slots.row(input), part);
            }
        }
    }

    #[inline(always)]
    fn add<L: Lanes, const P: usize>(&self, lanes: L, entry: Entry, sums: &mut [L::Vector; P]) {
        debug_assert!((entry.at as usize) < self.gradients.len());
        // SAFETY: the lists are built by `inputs`, whose records number as many as the gradients' rows.
        let row = unsafe { self.gradients.get_unchecked(entry.at as usize) };
        let value = lanes.splat(entry.value);
        for part in 0..P {
            sums[part] = lanes.mul_add(value, lanes.load(row, part), sums[part]);
        }
    }
}

impl Kernel for GatherStep<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        match L::PARTS {
            2 => self.parts::<L, 2, 4>(lanes),
            _ => self.parts::<L, 4, 2>(lanes),
        }
    }
}
