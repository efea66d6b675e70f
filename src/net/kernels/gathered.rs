//! The first layer of inference: only inputs that are not zero are touched, two at a time.

use super::dot::{DotKernel, DotLanes, halves};
use crate::net::tiles::Row;

/// Two inputs of a record in the same block of inputs, and their values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::net) struct Pair<V> {
    /// Where the inputs stand in their block.
    pub(in crate::net) at: [u16; 2],
    pub(in crate::net) value: V,
}

/// How the first layer's weights and values are held. A stripe of weights has 64 outputs, two tiles.
pub(in crate::net) trait Gathered: Copy + Send + Sync {
    /// The values of a pair.
    type Value: Copy + Default + Send + Sync;
    /// Rows of a stripe of weights that hold an input.
    const ROWS: usize;
    /// Inputs whose weights stay in the first-level cache together: 32 KB of them.
    const BLOCK: usize = 256 / Self::ROWS;

    fn value(values: [f32; 2]) -> Self::Value;

    /// Adds `value₀ × weights[0] + value₁ × weights[1]` to the sums, `P` vectors for each of two tiles.
    fn add<L: DotLanes, const P: usize>(
        lanes: L,
        value: Self::Value,
        weights: [&[Row]; 2],
        sums: &mut [[L::Vector; P]; 2],
    );
}

/// Floats: an input's weights are two rows, one for each tile.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) struct FloatPairs;

/// bfloat16: an input's weights are one row, each half of it for a tile, in the order of [`half_place`].
#[derive(Clone, Copy, Debug)]
pub(in crate::net) struct HalfPairs;

/// Where a tile's column stands in its half row of bfloat16: so that interleaving two rows within every 128 bits
/// brings the columns into order.
pub(in crate::net) const fn half_place(column: usize) -> usize {
    let (upper, column) = (column / 16, column % 16);
    column / 4 * 8 + upper * 4 + column % 4
}

impl Gathered for FloatPairs {
    type Value = [f32; 2];
    const ROWS: usize = 2;

    fn value(values: [f32; 2]) -> [f32; 2] {
        values
    }

    #[inline(always)]
    fn add<L: DotLanes, const P: usize>(
        lanes: L,
        value: [f32; 2],
        weights: [&[Row]; 2],
        sums: &mut [[L::Vector; P]; 2],
    ) {
        for input in 0..2 {
            let scalar = lanes.splat(value[input]);
            for tile in 0..2 {
                for part in 0..P {
                    sums[tile][part] = lanes.mul_add(scalar, lanes.load(&weights[input][tile], part), sums[tile][part]);
                }
            }
        }
    }
}

impl Gathered for HalfPairs {
    /// A word of two bfloat16.
    type Value = f32;
    const ROWS: usize = 1;

    fn value(values: [f32; 2]) -> f32 {
        halves(values)
    }

    #[inline(always)]
    fn add<L: DotLanes, const P: usize>(lanes: L, value: f32, weights: [&[Row]; 2], sums: &mut [[L::Vector; P]; 2]) {
        let scalar = lanes.splat(value);
        for tile in 0..2 {
            for part in 0..P / 2 {
                let [a, b] = [0, 1].map(|input: usize| &weights[input][0]);
                let at = tile * P / 2 + part;
                let words = lanes.interleave_halves(lanes.load(a, at), lanes.load(b, at));
                sums[tile][part] = lanes.dot_halves(scalar, words[0], sums[tile][part]);
                sums[tile][P / 2 + part] = lanes.dot_halves(scalar, words[1], sums[tile][P / 2 + part]);
            }
        }
    }
}

/// Records from which on nearly every input of a block is used by one of them, so that all may be prefetched.
const PREFETCHING_RECORDS: usize = 32;

/// `out[tile][record] += Σ pairs of the record`, for the two tiles of a stripe.
pub(in crate::net) struct GatherPairs<'a, G: Gathered> {
    /// Pairs ordered by block of inputs, then by record.
    pub(in crate::net) pairs: &'a [Pair<G::Value>],
    /// Where each (block, record)'s pairs start, and the end.
    pub(in crate::net) starts: &'a [u32],
    pub(in crate::net) records: usize,
    /// The stripe of weights.
    pub(in crate::net) weights: &'a [Row],
    /// The stripe that comes next; with few records its weights are asked for ahead.
    pub(in crate::net) next: Option<&'a [Row]>,
    /// Two tiles of `records` rows.
    pub(in crate::net) out: &'a mut [Row],
}

impl<G: Gathered> GatherPairs<'_, G> {
    /// `P` vectors a row; every `C`th pair is added to the same sum, because one sum alone would wait for each addition.
    #[inline(always)]
    fn parts<L: DotLanes, const P: usize, const C: usize>(self, lanes: L) {
        let (first, second) = self.out.split_at_mut(self.records);
        assert!(first.len() == self.records && second.len() == self.records);
        let next = self.next.filter(|next| next.len() == self.weights.len() && self.records < PREFETCHING_RECORDS);
        for (number, block) in self.starts.windows(self.records + 1).step_by(self.records).enumerate() {
            let block_rows = number * G::BLOCK * G::ROWS..;
            let weights = &self.weights[block_rows.clone()];
            // Weights are used in no order that the processor could foresee, so the next block is asked for by and by.
            let ahead = weights.get(G::BLOCK * G::ROWS..).filter(|_| self.records >= PREFETCHING_RECORDS);
            let ahead = ahead.map_or(&[][..], |ahead| &ahead[..ahead.len().min(G::BLOCK * G::ROWS)]);
            let share = (G::BLOCK * G::ROWS).div_ceil(self.records);
            for record in 0..self.records {
                for row in ahead.iter().skip(record * share).take(share) {
                    lanes.prefetch(row);
                }
                let pairs = &self.pairs[block[record] as usize..block[record + 1] as usize];
                if pairs.is_empty() {
                    continue;
                }
                if let Some(next) = next {
                    let next = &next[block_rows.clone()];
                    for pair in pairs {
                        for at in pair.at {
                            for row in &next[usize::from(at) * G::ROWS..][..G::ROWS] {
                                lanes.prefetch(row);
                            }
                        }
                    }
                }
                let mut sums = [[[lanes.splat(0.0); P]; 2]; C];
                let (rounds, rest) = pairs.as_chunks::<C>();
                for round in rounds {
                    for chain in 0..C {
                        add_pair::<G, L, P>(lanes, weights, round[chain], &mut sums[chain]);
                    }
                }
                for &pair in rest {
                    add_pair::<G, L, P>(lanes, weights, pair, &mut sums[0]);
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

#[inline(always)]
fn add_pair<G: Gathered, L: DotLanes, const P: usize>(
    lanes: L,
    weights: &[Row],
    pair: Pair<G::Value>,
    sums: &mut [[L::Vector; P]; 2],
) {
    let [a, b] = pair.at;
    let (a, b) = (usize::from(a) * G::ROWS, usize::from(b) * G::ROWS);
    debug_assert!(a.max(b) + G::ROWS <= weights.len());
    // SAFETY: the lists are built by `inference::lists`, which lets no input beyond the layer's pass.
    let weights = unsafe { [weights.get_unchecked(a..a + G::ROWS), weights.get_unchecked(b..b + G::ROWS)] };
    G::add(lanes, pair.value, weights, sums);
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
