//! The first layer of inference: only inputs that are not zero are read, two at a time.

use super::dot::{DotKernel, DotLanes, halves};
use super::quads::{Gathered, QUAD, Quad, QuadLists};
use crate::tiles::Row;

/// Floats: an input's weights are two rows, one for each tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatPairs;

/// bfloat16: an input's weights are one row, each half of it for a tile, in the order of [`interleaved_offset`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfPairs;

/// Offset of a tile's column in its half row of bfloat16: interleaving two rows within every 128 bits then brings the
/// columns into order.
pub(crate) const fn interleaved_offset(column: usize) -> usize {
    let (upper, column) = (column / 16, column % 16);
    column / 4 * 8 + upper * 4 + column % 4
}

impl Gathered for FloatPairs {
    type Values = [[f32; 4]; 2];
    const ROWS: usize = 2;

    #[inline]
    fn values(values: [f32; QUAD]) -> [[f32; 4]; 2] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    unsafe fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<[[f32; 4]; 2]>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    ) {
        let [low, high] = quad.values();
        let values = [lanes.repeat(low), lanes.repeat(high)];
        for input in 0..QUAD {
            let scalar = lanes.repeated(values[input / 4], input % 4);
            // SAFETY: the caller's promise.
            let rows = unsafe { quad.rows::<Self>(input, weights) };
            let sums = &mut sums[input / 2 % C];
            for tile in 0..2 {
                for part in 0..P {
                    sums[tile][part] = lanes.mul_add(scalar, lanes.load(&rows[tile], part), sums[tile][part]);
                }
            }
        }
    }
}

impl Gathered for HalfPairs {
    /// Words of two bfloat16.
    type Values = [f32; 4];
    const ROWS: usize = 1;

    #[inline]
    fn values(values: [f32; QUAD]) -> [f32; 4] {
        std::array::from_fn(|pair| halves([values[2 * pair], values[2 * pair + 1]]))
    }

    #[inline(always)]
    unsafe fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<[f32; 4]>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    ) {
        let values = lanes.repeat(quad.values());
        for pair in 0..QUAD / 2 {
            let scalar = lanes.repeated(values, pair);
            // SAFETY: the caller's promise.
            let [a, b] = unsafe { [2 * pair, 2 * pair + 1].map(|input| &quad.rows::<Self>(input, weights)[0]) };
            let sums = &mut sums[pair % C];
            for tile in 0..2 {
                for part in 0..P / 2 {
                    let at = tile * P / 2 + part;
                    let words = lanes.interleave_halves(lanes.load(a, at), lanes.load(b, at));
                    sums[tile][part] = lanes.dot_halves(scalar, words[0], sums[tile][part]);
                    sums[tile][P / 2 + part] = lanes.dot_halves(scalar, words[1], sums[tile][P / 2 + part]);
                }
            }
        }
    }
}

/// Records from which on nearly every input of a block is used by one of them, so that all may be prefetched.
const PREFETCHING_RECORDS: usize = 32;

/// `out[tile][record] = Σ over the record's three ids: table[id][tile]`, for the two tiles of a stripe.
pub(crate) struct TableSums<'a> {
    /// Two rows an id.
    pub(crate) tables: &'a [Row],
    /// Each record's ids.
    pub(crate) ids: &'a [[u32; 3]],
    /// Two tiles of a row a record.
    pub(crate) out: &'a mut [Row],
}

impl DotKernel for TableSums<'_> {
    #[inline(always)]
    fn run<L: DotLanes>(self, lanes: L) {
        let (first, second) = self.out.split_at_mut(self.ids.len());
        assert!(first.len() == second.len());
        for (record, ids) in self.ids.iter().enumerate() {
            for (tile, out) in [&mut first[record], &mut second[record]].into_iter().enumerate() {
                let [a, b, c] = ids.map(|id| &self.tables[2 * id as usize + tile]);
                for part in 0..L::PARTS {
                    let two = lanes.add(lanes.load(a, part), lanes.load(b, part));
                    lanes.store(out, part, lanes.add(two, lanes.load(c, part)));
                }
            }
        }
    }
}

/// `out[tile][record] += Σ pairs of the record`, for the two tiles of a stripe.
pub(crate) struct GatherPairs<'a, G: Gathered> {
    /// The records' inputs.
    pub(crate) lists: &'a QuadLists<G>,
    /// The stripe of weights, of every input of the lists at least.
    pub(crate) weights: &'a [Row],
    /// What the next stripe needs first, prefetched with many records.
    pub(crate) ahead: &'a [Row],
    /// The next stripe of weights; with few records those that they use are prefetched.
    pub(crate) next: Option<&'a [Row]>,
    /// Two tiles of a row a record.
    pub(crate) out: &'a mut [Row],
}

impl<G: Gathered> GatherPairs<'_, G> {
    /// `P` vectors a row; a quad's pairs are added to `C` sums in turn, because one sum alone would wait for each
    /// addition.
    #[inline(always)]
    fn parts<L: DotLanes, const P: usize, const C: usize>(self, lanes: L) {
        let (quads, records) = (self.lists.quads(), self.lists.records());
        assert!(self.lists.inputs() <= self.weights.len() / G::ROWS);
        let (first, second) = self.out.split_at_mut(records);
        assert!(first.len() == records && second.len() == records);
        let next = self.next.filter(|next| next.len() == self.weights.len() && records < PREFETCHING_RECORDS);
        for (number, block) in self.lists.blocks().enumerate() {
            let block_rows = number * G::BLOCK * G::ROWS..;
            let weights = &self.weights[block_rows.clone()];
            // Weights are used in an order that the processor cannot predict, so the next block is prefetched bit by
            // bit.
            let ahead = match weights.get(G::BLOCK * G::ROWS..) {
                _ if records < PREFETCHING_RECORDS => &[],
                Some(ahead) if !ahead.is_empty() => &ahead[..ahead.len().min(G::BLOCK * G::ROWS)],
                _ => self.ahead,
            };
            let share = ahead.len().div_ceil(records);
            for record in 0..records {
                for row in ahead.iter().skip(record * share).take(share) {
                    lanes.prefetch(row);
                }
                let quads = &quads[block[record] as usize..block[record + 1] as usize];
                if quads.is_empty() {
                    continue;
                }
                if let Some(next) = next {
                    let next = &next[block_rows.clone()];
                    for quad in quads {
                        for input in 0..QUAD {
                            // SAFETY: as below; the next stripe has as many rows as this one.
                            let rows = unsafe { quad.rows::<G>(input, next) };
                            for row in rows {
                                lanes.prefetch(row);
                            }
                        }
                    }
                }
                let mut sums = [[[lanes.splat(0.0); P]; 2]; C];
                for quad in quads {
                    // SAFETY: the quad is one of this block's, whose weights these are; those of all inputs of the
                    // lists were found above.
                    unsafe { G::add(lanes, quad, weights, &mut sums) };
                }
                for chain in 1..C {
                    for tile in 0..2 {
                        for part in 0..P {
                            sums[0][tile][part] = lanes.add(sums[0][tile][part], sums[chain][tile][part]);
                        }
                    }
                }
                // A block's sum is added as a whole: short sums round less than one long sum.
                for part in 0..P {
                    for (tile, out) in [&mut first[record], &mut second[record]].into_iter().enumerate() {
                        lanes.store(out, part, lanes.add(sums[0][tile][part], lanes.load(out, part)));
                    }
                }
            }
        }
    }
}

impl<G: Gathered> DotKernel for GatherPairs<'_, G> {
    #[inline(always)]
    fn run<L: DotLanes>(self, lanes: L) {
        match L::PARTS {
            // AVX-512 has twice as many registers of twice the size.
            2 => self.parts::<L, 2, 4>(lanes),
            _ => self.parts::<L, 4, 1>(lanes),
        }
    }
}
