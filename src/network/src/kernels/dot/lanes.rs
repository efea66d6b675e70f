//! Vectors of 32-bit words: floats, pairs of bfloat16, quadruples of bytes.

use super::bfloat16::half;
use crate::kernels::lanes::Lanes;
use crate::tiles::{COLUMNS, Row};

/// Lanes that also multiply words of bfloat16 and of bytes. Such words lie in vectors as their bits.
pub(crate) trait DotLanes: Lanes {
    /// `c + a₀ b₀ + a₁ b₁` in every word, where a word holds two bfloat16; up to the last bit's rounding.
    fn dot_halves(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `c + a₀ b₀ + a₁ b₁ + a₂ b₂ + a₃ b₃` in every word, where a word of `a` holds four unsigned and one of `b` four
    /// signed bytes, and one of `c` a 32-bit integer. Exact.
    fn dot_bytes(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// 32-bit integers as floats.
    fn floats_of_integers(self, integers: Self::Vector) -> Self::Vector;
    /// Words of a bfloat16 of `a` (low) and one of `b` (high), in every 128 bits first those of the lower, then those
    /// of the upper four bfloat16.
    fn interleave_halves(self, a: Self::Vector, b: Self::Vector) -> [Self::Vector; 2];
    /// A row's floats as bfloat16.
    #[inline(always)]
    fn narrow(self, row: &Row, halves: &mut [u16; COLUMNS]) {
        for (to, value) in halves.iter_mut().zip(&row.0) {
            *to = half(*value);
        }
    }
    /// Four words, again and again.
    fn repeat(self, words: &[f32; 4]) -> Self::Vector;
    /// Of a vector of four words again and again, one of them in every lane.
    fn repeated(self, words: Self::Vector, word: usize) -> Self::Vector;
}

/// An inner loop of inference.
pub(crate) trait DotKernel {
    /// Runs it; implementations are `#[inline(always)]`, so that they are compiled for the instruction set.
    fn run<L: DotLanes>(self, lanes: L);
}
