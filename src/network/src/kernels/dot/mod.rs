//! Inner loops of inference: factors of 32-bit floats, of pairs of bfloat16, of quadruples of bytes.
//!
//! In every precision, a factor consists of 32-bit words, and a row of a tile is 32 of them: one float, two bfloat16
//! or four bytes a word. A product multiplies a word of one factor with a word of the other and adds all that it holds
//! to a 32-bit sum, so that one loop serves all precisions.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bfloat16;
mod lanes;
mod portable;

#[cfg(test)]
mod tests;

use super::portable::Portable;

pub(crate) use bfloat16::{half, halves};
pub(crate) use lanes::{DotKernel, DotLanes};

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

    /// Its name for a log line.
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
