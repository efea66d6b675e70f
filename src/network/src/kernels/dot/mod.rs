//! Inner loops of inference: factors of 32-bit floats, of pairs of bfloat16, of quadruples of bytes.
//!
//! In every precision, a factor consists of 32-bit words, and a row of a tile is 32 of them: one float, two bfloat16
//! or four bytes a word. A product multiplies a word of one factor with a word of the other and adds all that it holds
//! to a 32-bit sum, so that one loop serves all precisions.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(test)]
mod tests;

use super::Lanes;
use super::portable::Portable;
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
    /// Words of a bfloat16 of `a` (low) and one of `b` (high), in every 128 bits first those of the lower, then those of
    /// the upper four bfloat16.
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

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DotInstructions {
    #[cfg(target_arch = "x86_64")]
    Avx512Dot(avx512::Avx512Dot),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512Words),
    #[cfg(target_arch = "x86_64")]
    Avx2(super::avx2::Avx2),
    Portable(Portable),
}

impl DotInstructions {
    /// All that this processor has, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            available.extend(avx512::Avx512Dot::detect().map(Self::Avx512Dot));
            available.extend(avx512::Avx512Words::detect().map(Self::Avx512));
            available.extend(super::avx2::Avx2::detect().map(Self::Avx2));
        }
        available.push(Self::Portable(Portable));
        available
    }

    /// The fastest that this processor has.
    pub(crate) fn best() -> Self {
        Self::available()[0]
    }

    /// Its name, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Dot(_) => "AVX-512 with BF16 and VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            Self::Portable(_) => "portable",
        }
    }

    /// Runs a kernel with these instructions.
    #[inline]
    pub(crate) fn run<K: DotKernel>(self, kernel: K) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Dot(lanes) => lanes.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.run_dot(kernel),
            Self::Portable(lanes) => kernel.run(lanes),
        }
    }
}

/// The bfloat16 nearest to a float, ties to even.
#[inline(always)]
pub(crate) fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    (bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}

/// The word of two floats rounded to bfloat16.
#[inline(always)]
pub(crate) fn halves([low, high]: [f32; 2]) -> f32 {
    f32::from_bits(u32::from(half(low)) | u32::from(half(high)) << 16)
}
