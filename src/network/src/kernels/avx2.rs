//! Eight lanes: AVX2 with fused multiply-add.

use std::arch::x86_64::{
    __m256, _CMP_GT_OQ, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_div_ps,
    _mm256_fmadd_ps, _mm256_load_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_sqrt_ps,
    _mm256_store_ps, _mm256_sub_ps,
};

use super::lanes::{Kernel, Lanes};
use crate::tiles::Row;

/// Proof that the processor has AVX2 and fused multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if the processor has AVX2 and fused multiply-add.
    pub(super) fn detect() -> Option<Self> {
        (std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn with_instructions<K: Kernel>(lanes: Avx2, kernel: K) {
            kernel.run(lanes);
        }
        // SAFETY: `self` exists only where the processor has these instructions.
        unsafe { with_instructions(self, kernel) }
    }
}

impl Lanes for Avx2 {
    type Vector = __m256;
    const PARTS: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, row: &Row, part: usize) -> __m256 {
        let lanes = &row.0.as_chunks::<8>().0[part];
        // SAFETY: `self` exists only where the processor has AVX2; rows are aligned to 128 bytes.
        unsafe { _mm256_load_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, row: &mut Row, part: usize, vector: __m256) {
        let lanes = &mut row.0.as_chunks_mut::<8>().0[part];
        // SAFETY: `self` exists only where the processor has AVX2; rows are aligned to 128 bytes.
        unsafe { _mm256_store_ps(lanes.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_sqrt_ps(a) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn select_positive(self, test: __m256, yes: __m256, no: __m256) -> __m256 {
        // SAFETY: `self` exists only where the processor has AVX2 and fused multiply-add.
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(test, _mm256_setzero_ps())) }
    }

    #[inline(always)]
    fn prefetch(self, row: &Row) {
        for line in row.0.as_chunks::<16>().0 {
            // SAFETY: prefetching reads nothing; the address is a valid reference's.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }
}
