//! The inner loops, written once over vectors of any width and compiled for each kind of processor.
//!
//! A kernel is a value that implements [`Kernel`]; [`Instructions::run`] runs its loops compiled for the given
//! instruction set. The sets are tokens: one can only be made where the processor has the instructions, which makes its
//! methods safe.

mod activate;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod dense;
mod dot;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod gather;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod gathered;
mod norm;
mod portable;
#[allow(clippy::needless_range_loop, reason = "arrays of vectors are indexed in lockstep, without iterators' closures")]
mod product;
mod update;

#[cfg(test)]
mod tests;

#[cfg(test)]
use activate::byte;
pub(super) use activate::{Activate, Activation, Narrowed, Skip};
pub(super) use dense::{Activated, Bytes, Dense, Floats, Halves, Sums, TASK_TILES, Words};
pub(super) use dot::{DotInstructions, half};
pub(super) use gather::{Entry, GATHERED_TILES, Gather, GatherStep, INPUT_BLOCK};
pub(super) use gathered::{FloatPairs, GatherPairs, Gathered, HalfPairs, QUAD, Quad, TableSums, half_place};
pub use norm::EPSILON;
pub(super) use norm::{ColumnSums, NormBackward, NormForward};
pub(super) use product::{GROUP, PAIR, Product, WeightStep};
pub(super) use update::{AddRows, Slots, Update, UpdateRows, WeightedSum};

use super::tiles::Row;

/// Slope of the leaky rectifier for negative values.
pub const LEAK: f32 = 0.01;

/// Vectors of 32-bit floats of one width. A row of a tile is `PARTS` of them.
///
/// Loops over lanes contain no closures: a closure would be compiled without the instruction set.
pub(super) trait Lanes: Copy + Send + Sync {
    type Vector: Copy;
    const PARTS: usize;

    fn splat(self, value: f32) -> Self::Vector;
    fn load(self, row: &Row, part: usize) -> Self::Vector;
    fn store(self, row: &mut Row, part: usize, vector: Self::Vector);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sqrt(self, a: Self::Vector) -> Self::Vector;
    /// `a × b + c`
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `yes` where `test` is above zero, else `no`.
    fn select_positive(self, test: Self::Vector, yes: Self::Vector, no: Self::Vector) -> Self::Vector;
    /// Asks for a row to be brought into the cache.
    fn prefetch(self, row: &Row);
}

/// An inner loop.
pub(super) trait Kernel {
    /// Runs it; implementations are `#[inline(always)]`, so that they are compiled for the instruction set.
    fn run<L: Lanes>(self, lanes: L);
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Portable(portable::Portable),
}

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

    /// Its name, for people.
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
