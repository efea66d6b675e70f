//! Eight words: AVX2.

use std::arch::x86_64::{
    __m256, _mm_loadu_ps, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcast_ps, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_permute_ps, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srai_epi16, _mm256_srli_epi16,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use super::lanes::{DotKernel, DotLanes};
use crate::kernels::avx2::Avx2;

impl Avx2 {
    #[inline]
    pub(super) fn run_dot<K: DotKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn with_instructions<K: DotKernel>(lanes: Avx2, kernel: K) {
            kernel.run(lanes);
        }
        // SAFETY: `self` exists only where the processor has these instructions.
        unsafe { with_instructions(self, kernel) }
    }
}

impl DotLanes for Avx2 {
    #[inline(always)]
    fn dot_halves(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe {
            let low = |word| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(word)));
            let mask = _mm256_set1_epi32(0xFFFF_0000_u32 as i32);
            let high = |word| _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(word), mask));
            _mm256_fmadd_ps(low(a), low(b), _mm256_fmadd_ps(high(a), high(b), c))
        }
    }

    #[inline(always)]
    fn dot_bytes(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe {
            let (a, b) = (_mm256_castps_si256(a), _mm256_castps_si256(b));
            let even_a = _mm256_and_si256(a, _mm256_set1_epi16(0xFF));
            let even_b = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b));
            let even = _mm256_madd_epi16(even_a, even_b);
            let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(a), _mm256_srai_epi16::<8>(b));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(c), _mm256_add_epi32(even, odd)))
        }
    }

    #[inline(always)]
    fn floats_of_integers(self, integers: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe { _mm256_cvtepi32_ps(_mm256_castps_si256(integers)) }
    }

    #[inline(always)]
    fn interleave_halves(self, a: __m256, b: __m256) -> [__m256; 2] {
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe {
            let (a, b) = (_mm256_castps_si256(a), _mm256_castps_si256(b));
            [_mm256_castsi256_ps(_mm256_unpacklo_epi16(a, b)), _mm256_castsi256_ps(_mm256_unpackhi_epi16(a, b))]
        }
    }

    #[inline(always)]
    fn repeat(self, words: &[f32; 4]) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe { _mm256_broadcast_ps(&_mm_loadu_ps(words.as_ptr())) }
    }

    #[inline(always)]
    fn repeated(self, words: __m256, word: usize) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe {
            match word {
                0 => _mm256_permute_ps::<0x00>(words),
                1 => _mm256_permute_ps::<0x55>(words),
                2 => _mm256_permute_ps::<0xAA>(words),
                _ => _mm256_permute_ps::<0xFF>(words),
            }
        }
    }
}
