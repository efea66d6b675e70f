//! Sixteen lanes: AVX-512.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps,
    _mm512_load_ps, _mm512_mask_blend_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_sqrt_ps, _mm512_store_ps, _mm512_sub_ps,
};

use super::lanes::{Kernel, Lanes};
use crate::tiles::Row;

/// Proof that the processor has AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The proof, if the processor has AVX-512.
    pub(super) fn detect() -> Option<Self> {
        std::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) {
        #[target_feature(enable = "avx512f")]
        fn with_instructions<K: Kernel>(lanes: Avx512, kernel: K) {
            kernel.run(lanes);
        }
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { with_instructions(self, kernel) }
    }
}

impl Lanes for Avx512 {
    type Vector = __m512;
    const PARTS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, row: &Row, part: usize) -> __m512 {
        let lanes = &row.0.as_chunks::<16>().0[part];
        // SAFETY: `self` exists only where the processor has AVX-512; rows are aligned to 128 bytes.
        unsafe { _mm512_load_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, row: &mut Row, part: usize, vector: __m512) {
        let lanes = &mut row.0.as_chunks_mut::<16>().0[part];
        // SAFETY: `self` exists only where the processor has AVX-512; rows are aligned to 128 bytes.
        unsafe { _mm512_store_ps(lanes.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn select_positive(self, test: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(test, _mm512_setzero_ps()), no, yes) }
    }

    #[inline(always)]
    fn prefetch(self, row: &Row) {
        for line in row.0.as_chunks::<16>().0 {
            // SAFETY: prefetching reads nothing; the address is a valid reference's.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }
}
