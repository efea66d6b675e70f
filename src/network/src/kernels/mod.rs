//! The inner loops, written once over vectors of any width and compiled for each kind of processor.
//!
//! A kernel is a value that implements [`Kernel`]; [`Instructions::run`] compiles its loops for the chosen instruction
//! set. The sets are tokens: one exists only where the processor has the instructions, which makes its methods safe.
//! Indices that kernels read without a bounds check come in types that checked them ([`EntryLists`], [`QuadLists`]).

mod activate;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod dense;
mod dot;
#[cfg(feature = "training")]
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod gather;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod gathered;
mod lanes;
#[cfg(feature = "training")]
mod lists;
#[cfg(feature = "training")]
mod norm;
mod portable;
#[cfg(feature = "training")]
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod product;
mod quads;
#[cfg(feature = "training")]
mod update;

#[cfg(test)]
#[cfg(feature = "training")]
mod tests;

#[cfg(test)]
use activate::byte;
pub(super) use activate::{Activate, Activation, Narrowed, Skip};
pub(super) use dense::{Activated, Bytes, Dense, Floats, Halves, Sums, TASK_TILES, Words};
pub(super) use dot::{DotInstructions, half};
#[cfg(feature = "training")]
pub(super) use gather::{GATHERED_TILES, Gather, GatherStep};
pub(super) use gathered::{FloatPairs, GatherPairs, HalfPairs, TableSums, interleaved_offset};
#[cfg(feature = "training")]
pub(super) use lanes::{Kernel, Lanes};
#[cfg(test)]
pub(super) use lists::INPUT_BLOCK;
#[cfg(feature = "training")]
pub(super) use lists::{Entry, EntryLists, SparseRecords};
#[cfg(feature = "training")]
pub(super) use norm::{ColumnSums, NormBackward, NormForward};
#[cfg(feature = "training")]
pub(super) use product::{GROUP, PAIR, Product, WeightStep};
pub(super) use quads::{Gathered, QuadLists};
#[cfg(feature = "training")]
pub(super) use update::{AddRows, Slots, Update, UpdateRows, WeightedSum};

use super::tiles::Row;

/// Added to the variance in batch normalisation.
pub const EPSILON: f32 = 1e-5;
/// Slope of the leaky rectifier for negative values.
pub const LEAK: f32 = 0.01;

/// An instruction set that this processor has.
#[cfg(feature = "training")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Portable(portable::Portable),
}

#[cfg(feature = "training")]
impl Instructions {
    /// All that this processor has, the fastest first.
    pub(super) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            available.extend(avx512::Avx512::detect().map(Self::Avx512));
            available.extend(avx2::Avx2::detect().map(Self::Avx2));
        }
        available.push(Self::Portable(portable::Portable));
        available
    }

    /// The fastest that this processor has.
    pub(super) fn best() -> Self {
        Self::available()[0]
    }

    /// Its name for a log line.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            Self::Portable(_) => "portable",
        }
    }

    /// Runs a kernel with these instructions.
    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.run(kernel),
            Self::Portable(lanes) => kernel.run(lanes),
        }
    }
}

/// Whether a slice has `count` more rows after `steps`, each a number of steps and the rows of one.
fn holds_rows<const N: usize>(rows: &[Row], steps: [(usize, usize); N], count: usize) -> bool {
    let add = |end: usize, (number, stride): (usize, usize)| end.checked_add(usize::checked_mul(number, stride)?);
    steps.into_iter().try_fold(count, add).is_some_and(|end| end <= rows.len())
}
