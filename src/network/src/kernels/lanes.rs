//! Vectors of floats, and loops over them that are compiled for each instruction set.

use crate::tiles::Row;

/// Vectors of 32-bit floats of one width. A row of a tile is `PARTS` of them.
///
/// Loops over lanes contain no closures: a closure would be compiled without the instruction set.
pub(crate) trait Lanes: Copy + Send + Sync {
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
    /// Prefetches a row into the cache.
    fn prefetch(self, row: &Row);
}

/// An inner loop.
pub(crate) trait Kernel {
    /// Runs it; implementations are `#[inline(always)]`, so that they are compiled for the instruction set.
    fn run<L: Lanes>(self, lanes: L);
}
