//! The first layer of inference: only inputs that are not zero are read, two at a time.

use super::dot::{DotKernel, DotLanes, halves};
use crate::tiles::Row;

/// Inputs in a [`Quad`].
pub(crate) const QUAD: usize = 8;

/// Four pairs of a record's inputs, all in the same block of inputs, and their values.
///
/// Loads limit the gather, so that places and values are each loaded four at a time and taken apart in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Quad<V> {
    /// Where the inputs' weights stand in their block, in units of [`UNIT`] bytes; four places a number, the lowest bits
    /// first.
    at: [u64; 2],
    values: V,
}

/// An address is a base and a register times at most eight.
const UNIT: usize = 8;

impl<V> Quad<V> {
    /// Inputs of the block that starts with input `first`, and their values.
    #[inline]
    pub(crate) fn new<G: Gathered<Values = V>>(first: u32, inputs: &[(u32, f32); QUAD]) -> Self {
        let mut at = [0; 2];
        for (place, &(input, _)) in inputs.iter().enumerate() {
            let stands = (input - first) as usize * G::ROWS * size_of::<Row>() / UNIT;
            at[place / 4] |= (stands as u64) << (place % 4 * 16);
        }
        Self { at, values: G::values(inputs.map(|(_, value)| value)) }
    }

    /// The weights of an input.
    #[inline(always)]
    fn rows<'a, G: Gathered>(&self, place: usize, weights: &'a [Row]) -> &'a [Row] {
        let bytes = (self.at[place / 4] >> (place % 4 * 16) & 0xFFFF) as usize * UNIT;
        debug_assert!(bytes / size_of::<Row>() + G::ROWS <= weights.len());
        // SAFETY: the lists are built by `inference::lists`, which lets no input beyond the layer's pass.
        unsafe { std::slice::from_raw_parts(weights.as_ptr().byte_add(bytes), G::ROWS) }
    }
}

/// How the first layer's weights and values are held. A stripe of weights has 64 outputs, two tiles.
pub(crate) trait Gathered: Copy + Send + Sync {
    /// The values of four pairs.
    type Values: Copy + Default + Send + Sync;
    /// Rows of a stripe of weights that hold an input.
    const ROWS: usize;
    /// Inputs whose weights stay in the first-level cache together: 32 KB of them.
    const BLOCK: usize = 256 / Self::ROWS;

    fn values(values: [f32; QUAD]) -> Self::Values;

    /// Adds `value₀ × weights₀ + value₁ × weights₁` of each pair to the sums of a chain, `P` vectors for each of two tiles.
    fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<Self::Values>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    );
}

/// Floats: an input's weights are two rows, one for each tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatPairs;

/// bfloat16: an input's weights are one row, each half of it for a tile, in the order of [`half_place`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfPairs;

/// Where a tile's column stands in its half row of bfloat16: so that interleaving two rows within every 128 bits
/// brings the columns into order.
pub(crate) const fn half_place(column: usize) -> usize {
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
    fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<[[f32; 4]; 2]>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    ) {
        let values = [lanes.repeat(&quad.values[0]), lanes.repeat(&quad.values[1])];
        for input in 0..QUAD {
            let scalar = lanes.repeated(values[input / 4], input % 4);
            let rows = quad.rows::<Self>(input, weights);
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
    fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<[f32; 4]>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    ) {
        let values = lanes.repeat(&quad.values);
        for pair in 0..QUAD / 2 {
            let scalar = lanes.repeated(values, pair);
            let [a, b] = [2 * pair, 2 * pair + 1].map(|input| &quad.rows::<Self>(input, weights)[0]);
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
    /// Pairs ordered by block of inputs, then by record.
    pub(crate) quads: &'a [Quad<G::Values>],
    /// Where each (block, record)'s quads start, and the end.
    pub(crate) starts: &'a [u32],
    pub(crate) records: usize,
    /// The stripe of weights.
    pub(crate) weights: &'a [Row],
    /// What the next stripe needs first, asked for ahead with many records.
    pub(crate) ahead: &'a [Row],
    /// The next stripe of weights; with few records those that they use are asked for ahead.
    pub(crate) next: Option<&'a [Row]>,
    /// Two tiles of `records` rows.
    pub(crate) out: &'a mut [Row],
}

impl<G: Gathered> GatherPairs<'_, G> {
    /// `P` vectors a row; a quad's pairs are added to `C` sums in turn, because one sum alone would wait for each addition.
    #[inline(always)]
    fn parts<L: DotLanes, const P: usize, const C: usize>(self, lanes: L) {
        let (first, second) = self.out.split_at_mut(self.records);
        assert!(first.len() == self.records && second.len() == self.records);
        let next = self.next.filter(|next| next.len() == self.weights.len() && self.records < PREFETCHING_RECORDS);
        for (number, block) in self.starts.windows(self.records + 1).step_by(self.records).enumerate() {
            let block_rows = number * G::BLOCK * G::ROWS..;
            let weights = &self.weights[block_rows.clone()];
            // Weights are used in no order that the processor could foresee, so the next block is asked for by and by.
            let ahead = match weights.get(G::BLOCK * G::ROWS..) {
                _ if self.records < PREFETCHING_RECORDS => &[],
                Some(ahead) if !ahead.is_empty() => &ahead[..ahead.len().min(G::BLOCK * G::ROWS)],
                _ => self.ahead,
            };
            let share = ahead.len().div_ceil(self.records);
            for record in 0..self.records {
                for row in ahead.iter().skip(record * share).take(share) {
                    lanes.prefetch(row);
                }
                let quads = &self.quads[block[record] as usize..block[record + 1] as usize];
                if quads.is_empty() {
                    continue;
                }
                if let Some(next) = next {
                    let next = &next[block_rows.clone()];
                    for quad in quads {
                        for input in 0..QUAD {
                            for row in quad.rows::<G>(input, next) {
                                lanes.prefetch(row);
                            }
                        }
                    }
                }
                let mut sums = [[[lanes.splat(0.0); P]; 2]; C];
                for quad in quads {
                    G::add(lanes, quad, weights, &mut sums);
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
