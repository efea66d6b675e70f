//! The first layer: only inputs that are not zero are read, forward by record, backward by input.

use super::lists::{Entry, EntryLists, INPUT_BLOCK};
use super::update::{Slots, Update, UpdateLanes};
use super::{Kernel, Lanes};
use crate::tiles::Row;

/// Records from which on nearly every input of a block is used by one of them, so that all may be prefetched.
const PREFETCHING_RECORDS: usize = 32;

/// Tiles that are best gathered together: an entry is then read once for all. That their weights do not all stay in the
/// first-level cache costs less.
pub(crate) const GATHERED_TILES: usize = 4;

/// `out[record] += Σ entries of the record: value × weights[index]`, for any number of tiles.
pub(crate) struct Gather<'a> {
    /// A list for each (block of inputs, record), block after block; an entry's index is its input.
    pub(crate) lists: &'a EntryLists,
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
        assert!(self.records <= self.out_rows && self.lists.bound() <= self.weight_rows);
        let entries = self.lists.entries();
        for (number, block) in self.lists.starts().windows(self.records + 1).step_by(self.records).enumerate() {
            // Weights are used in an order that the processor cannot predict, so the next block is prefetched bit by
            // bit.
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
                let entries = &entries[block[record] as usize..block[record + 1] as usize];
                if entries.is_empty() {
                    continue;
                }
                let mut sums = [[lanes.splat(0.0); P]; T];
                for entry in entries {
                    let value = lanes.splat(entry.value);
                    for tile in 0..T {
                        let index = tile * self.weight_rows + entry.index as usize;
                        // SAFETY: the lists' indices are below their bound, which was found to be at most a tile's
                        // rows; `weights` are `T` tiles.
                        let row = unsafe { weights.get_unchecked(index) };
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
            // As many sums as the registers hold: with AVX-512, which has 32, a row is two vectors; with AVX2 it is
            // four of 16.
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

/// How many inputs ahead weights and moments are prefetched on the way back.
const AHEAD: usize = 8;

/// Gradient of a tile of first-layer weights and its AdamW step.
///
/// `gradient[i] = at_zero[i] × sums + Σ entries of input i: value × gradients[index]`.
pub(crate) struct GatherStep<'a> {
    /// A list for each input; an entry's index is its record.
    pub(crate) lists: &'a EntryLists,
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
        let (entries, starts) = (self.lists.entries(), self.lists.starts());
        assert!(starts.len() == inputs + 1 && self.lists.bound() <= self.gradients.len());
        self.slots.assert_rows(inputs);
        let update = UpdateLanes::new(lanes, self.update);
        let mut all = [lanes.splat(0.0); P];
        for part in 0..P {
            all[part] = lanes.load(self.sums, part);
        }
        for input in 0..inputs {
            self.slots.prefetch(lanes, (input + AHEAD).min(inputs - 1));
            let entries = &entries[starts[input] as usize..starts[input + 1] as usize];
            // Several sums side by side, because one alone would wait for each addition.
            let mut sums = [[lanes.splat(0.0); P]; CHAINS];
            let at_zero = lanes.splat(self.at_zero[input]);
            for part in 0..P {
                sums[0][part] = lanes.mul(at_zero, all[part]);
            }
            let (chunks, rest) = entries.as_chunks::<CHAINS>();
            for chunk in chunks {
                for chain in 0..CHAINS {
                    // SAFETY: an entry of the lists, whose bound was found to be at most the number of gradients.
                    unsafe { self.add(lanes, chunk[chain], &mut sums[chain]) };
                }
            }
            for &entry in rest {
                // SAFETY: as above.
                unsafe { self.add(lanes, entry, &mut sums[0]) };
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

    /// Adds what an entry gives to sums.
    ///
    /// # Safety
    /// There is a gradient of the entry's index.
    #[inline(always)]
    unsafe fn add<L: Lanes, const P: usize>(&self, lanes: L, entry: Entry, sums: &mut [L::Vector; P]) {
        // SAFETY: the caller's promise.
        let row = unsafe { self.gradients.get_unchecked(entry.index as usize) };
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
