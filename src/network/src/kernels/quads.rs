//! Inputs that are not zero, four pairs at a time, in lists whose offsets the inference kernels need not check.

use super::dot::DotLanes;
use crate::tiles::Row;

/// Inputs in a [`Quad`].
pub(crate) const QUAD: usize = 8;

/// Four pairs of a record's inputs, all in the same block of inputs, and their values.
///
/// Loads limit the gather, so that offsets and values are each loaded four at a time and taken apart in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Quad<V> {
    /// Offsets of the inputs' weights from their block's, in units of [`UNIT`] bytes; four 16-bit offsets a number, the
    /// lowest bits first.
    offsets: [u64; 2],
    values: V,
}

/// An address is a base and a register times at most eight.
const UNIT: usize = 8;

impl<V: Copy> Quad<V> {
    /// Inputs of the block that starts with input `first`, and their values. They must belong to that block.
    #[inline]
    fn new<G: Gathered<Values = V>>(first: u32, inputs: &[(u32, f32); QUAD]) -> Self {
        const { assert!(G::BLOCK * G::ROWS * size_of::<Row>() / UNIT <= 1 << 16, "an offset has 16 bits") };
        let mut offsets = [0; 2];
        for (number, &(input, _)) in inputs.iter().enumerate() {
            let offset = (input - first) as usize * G::ROWS * size_of::<Row>() / UNIT;
            offsets[number / 4] |= (offset as u64) << (number % 4 * 16);
        }
        Self { offsets, values: G::values(inputs.map(|(_, value)| value)) }
    }

    /// The values of all inputs.
    #[inline(always)]
    pub(super) fn values(&self) -> &V {
        &self.values
    }

    /// The weights of one of the inputs.
    ///
    /// # Safety
    /// The quad comes from a block of [`QuadLists<G>`], and `weights` are those from this block's first input on, up to
    /// those of the lists' last input at least.
    #[inline(always)]
    pub(super) unsafe fn rows<'a, G: Gathered>(&self, number: usize, weights: &'a [Row]) -> &'a [Row] {
        let bytes = (self.offsets[number / 4] >> (number % 4 * 16) & 0xFFFF) as usize * UNIT;
        debug_assert!(bytes / size_of::<Row>() + G::ROWS <= weights.len());
        // SAFETY: the offset is a whole number of inputs, each of `G::ROWS` rows, and the caller has the rows of every
        // input of the lists.
        unsafe { std::slice::from_raw_parts(weights.as_ptr().byte_add(bytes), G::ROWS) }
    }
}

/// How the first layer's weights and values are stored. A stripe of weights has 64 outputs, two tiles.
pub(crate) trait Gathered: Copy + Send + Sync {
    /// The values of four pairs.
    type Values: Copy + Default + Send + Sync;
    /// Rows of a stripe of weights that hold an input.
    const ROWS: usize;
    /// Inputs whose weights stay in the first-level cache together: 32 KB of them.
    const BLOCK: usize = 256 / Self::ROWS;

    fn values(values: [f32; QUAD]) -> Self::Values;

    /// Adds `value₀ × weights₀ + value₁ × weights₁` of each pair to the sums of a chain, `P` vectors for each of two
    /// tiles.
    ///
    /// # Safety
    /// As [`Quad::rows`].
    unsafe fn add<L: DotLanes, const P: usize, const C: usize>(
        lanes: L,
        quad: &Quad<Self::Values>,
        weights: &[Row],
        sums: &mut [[[L::Vector; P]; 2]; C],
    );
}

/// Inputs of a batch's records in quads, block of inputs after block of inputs, in each record after record.
///
/// Every input is below [`inputs`](Self::inputs) and belongs to its list's block. [`fill`](Self::fill) alone sets the
/// quads and checks both, so a kernel that has the rows of that many inputs may read them without a check.
pub(crate) struct QuadLists<G: Gathered> {
    quads: Vec<Quad<G::Values>>,
    /// Offset of each (block, record)'s first quad, and the number of quads.
    starts: Vec<u32>,
    records: usize,
    inputs: usize,
    /// A record's inputs in a block: the number of its list, and how many inputs there are.
    runs: Vec<(u32, u32)>,
}

impl<G: Gathered> Default for QuadLists<G> {
    fn default() -> Self {
        Self { quads: Vec::new(), starts: Vec::new(), records: 0, inputs: 0, runs: Vec::new() }
    }
}

impl<G: Gathered> QuadLists<G> {
    /// Lists the inputs of records and their values. `listed` holds them record after record, each record's in
    /// ascending blocks; `ends` are the offsets at which the records end; `inputs` is the number of inputs there are.
    ///
    /// # Panics
    /// If an input is not below `inputs`, or a record's blocks do not ascend.
    pub(crate) fn fill(&mut self, inputs: usize, listed: &[(u32, f32)], ends: &[usize]) {
        // Empty lists are left behind if anything below panics.
        let Self { mut quads, mut starts, mut runs, .. } = std::mem::take(self);
        let records = ends.len();
        starts.clear();
        starts.resize(inputs.div_ceil(G::BLOCK) * records + 1, 0);
        assert!(u32::try_from(starts.len().max(listed.len())).is_ok(), "{} inputs in one batch", listed.len());
        runs.clear();
        let mut first = 0;
        for (record, &end) in ends.iter().enumerate() {
            let mut next_block = 0;
            for run in listed[first..end].chunk_by(|a, b| a.0 as usize / G::BLOCK == b.0 as usize / G::BLOCK) {
                let block = run[0].0 as usize / G::BLOCK;
                assert!(block >= next_block, "block {block} of record {record} after block {next_block}");
                next_block = block + 1;
                // All inputs of the other blocks are below the last one.
                if next_block * G::BLOCK > inputs {
                    let beyond = run.iter().find(|(input, _)| *input as usize >= inputs);
                    assert!(beyond.is_none(), "input {beyond:?} of {inputs}");
                }
                let list = block * records + record;
                starts[list] = run.len().div_ceil(QUAD) as u32;
                runs.push((list as u32, run.len() as u32));
            }
            first = end;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        quads.resize(sum as usize, Quad::default());
        // Blocks ascend, so no list has two runs: each run fills its own list's quads, and together they fill all.
        let mut rest = listed;
        for &(list, count) in &runs {
            let run;
            (run, rest) = rest.split_at(count as usize);
            let first = list as usize / records * G::BLOCK;
            let quads = &mut quads[starts[list as usize] as usize..][..run.len().div_ceil(QUAD)];
            for (quad, inputs) in quads.iter_mut().zip(run.chunks(QUAD)) {
                *quad = match inputs.as_array::<QUAD>() {
                    Some(inputs) => Quad::new::<G>(first as u32, inputs),
                    None => Quad::new::<G>(first as u32, &filled(inputs)),
                };
            }
        }
        *self = Self { quads, starts, records, inputs, runs };
    }

    /// Number of inputs there are; those of all quads are below it.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of records.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// All quads, list after list.
    #[inline(always)]
    pub(super) fn quads(&self) -> &[Quad<G::Values>] {
        &self.quads
    }

    /// For every block of [`Gathered::BLOCK`] inputs, the offset of each record's first quad and the end of the last
    /// record's quads.
    #[inline(always)]
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(self.records + 1).step_by(self.records.max(1))
    }
}

/// What is missing is the first input once more, with no value.
fn filled(inputs: &[(u32, f32)]) -> [(u32, f32); QUAD] {
    std::array::from_fn(|number| inputs.get(number).copied().unwrap_or((inputs[0].0, 0.0)))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::kernels::FloatPairs;

    #[test]
    fn inputs_beyond_the_last_and_descending_blocks_are_refused() {
        let mut lists = QuadLists::<FloatPairs>::default();
        let mut refused = |listed: &[(u32, f32)]| {
            lists.fill(300, &[(299, 1.0)], &[1]);
            let outcome = catch_unwind(AssertUnwindSafe(|| lists.fill(300, listed, &[listed.len()])));
            outcome.is_err() && lists.quads().is_empty() && lists.inputs() == 0
        };
        assert!(refused(&[(300, 1.0)]));
        assert!(refused(&[(200, 1.0), (3, 1.0)]));
        assert!(refused(&[(3, 1.0), (200, 1.0), (4, 1.0)]));
        assert!(!refused(&[(4, 1.0), (3, 1.0), (200, 1.0)]));
    }
}
