//! Sixteen words: AVX-512, with and without the instructions for bfloat16 and bytes.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm_loadu_ps, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_f32x4,
    _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cvtepi32_ps, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_madd_epi16, _mm512_permute_ps, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_slli_epi16, _mm512_slli_epi32, _mm512_srai_epi16, _mm512_srli_epi16, _mm512_storeu_si512,
    _mm512_unpackhi_epi16, _mm512_unpacklo_epi16,
};

use super::lanes::{DotKernel, DotLanes};
use crate::kernels::avx512::Avx512;
use crate::kernels::lanes::Lanes;
use crate::tiles::{COLUMNS, Row};

/// Proof that the processor has AVX-512 with 16-bit words (F and BW).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512Words(Avx512);

/// Proof that the processor has AVX-512 F, BW, BF16 and VNNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512Dot(Avx512Words);

impl Avx512Words {
    /// The proof, if the processor has these instructions.
    pub(super) fn detect() -> Option<Self> {
        Avx512::detect().filter(|_| std::is_x86_feature_detected!("avx512bw")).map(Self)
    }

    #[inline]
    pub(super) fn run<K: DotKernel>(self, kernel: K) {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn with_instructions<K: DotKernel>(lanes: Avx512Words, kernel: K) {
            kernel.run(lanes);
        }
        // SAFETY: `self` exists only where the processor has these instructions.
        unsafe { with_instructions(self, kernel) }
    }
}

impl Avx512Dot {
    /// The proof, if the processor has these instructions.
    pub(super) fn detect() -> Option<Self> {
        let more = std::is_x86_feature_detected!("avx512bf16") && std::is_x86_feature_detected!("avx512vnni");
        Avx512Words::detect().filter(|_| more).map(Self)
    }

    #[inline]
    pub(super) fn run<K: DotKernel>(self, kernel: K) {
        #[target_feature(enable = "avx512f,avx512bw,avx512bf16,avx512vnni")]
        fn with_instructions<K: DotKernel>(lanes: Avx512Dot, kernel: K) {
            kernel.run(lanes);
        }
        // SAFETY: `self` exists only where the processor has these instructions.
        unsafe { with_instructions(self, kernel) }
    }
}

/// The plain operations are those of AVX-512.
macro_rules! plain_operations {
    ($lanes:ident, |$own:ident| $plain:expr) => {
        impl Lanes for $lanes {
            type Vector = __m512;
            const PARTS: usize = Avx512::PARTS;

            #[inline(always)]
            fn splat(self, value: f32) -> __m512 {
                let $own = self;
                $plain.splat(value)
            }
            #[inline(always)]
            fn load(self, row: &Row, part: usize) -> __m512 {
                let $own = self;
                $plain.load(row, part)
            }
            #[inline(always)]
            fn store(self, row: &mut Row, part: usize, vector: __m512) {
                let $own = self;
                $plain.store(row, part, vector);
            }
            #[inline(always)]
            fn add(self, a: __m512, b: __m512) -> __m512 {
                let $own = self;
                $plain.add(a, b)
            }
            #[inline(always)]
            fn sub(self, a: __m512, b: __m512) -> __m512 {
                let $own = self;
                $plain.sub(a, b)
            }
            #[inline(always)]
            fn mul(self, a: __m512, b: __m512) -> __m512 {
                let $own = self;
                $plain.mul(a, b)
            }
            #[inline(always)]
            fn div(self, a: __m512, b: __m512) -> __m512 {
                let $own = self;
                $plain.div(a, b)
            }
            #[inline(always)]
            fn max(self, a: __m512, b: __m512) -> __m512 {
                let $own = self;
                $plain.max(a, b)
            }
            #[inline(always)]
            fn sqrt(self, a: __m512) -> __m512 {
                let $own = self;
                $plain.sqrt(a)
            }
            #[inline(always)]
            fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
                let $own = self;
                $plain.mul_add(a, b, c)
            }
            #[inline(always)]
            fn select_positive(self, test: __m512, yes: __m512, no: __m512) -> __m512 {
                let $own = self;
                $plain.select_positive(test, yes, no)
            }
            #[inline(always)]
            fn prefetch(self, row: &Row) {
                let $own = self;
                $plain.prefetch(row);
            }
        }
    };
}

plain_operations!(Avx512Words, |own| own.0);
plain_operations!(Avx512Dot, |own| own.0.0);

impl DotLanes for Avx512Words {
    #[inline(always)]
    fn dot_halves(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 F.
        unsafe {
            let low = |word| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_castps_si512(word)));
            let mask = _mm512_set1_epi32(0xFFFF_0000_u32 as i32);
            let high = |word| _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(word), mask));
            _mm512_fmadd_ps(low(a), low(b), _mm512_fmadd_ps(high(a), high(b), c))
        }
    }

    #[inline(always)]
    fn dot_bytes(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 F and BW.
        unsafe {
            let (a, b) = (_mm512_castps_si512(a), _mm512_castps_si512(b));
            let even_a = _mm512_and_si512(a, _mm512_set1_epi16(0xFF));
            let even_b = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(b));
            let even = _mm512_madd_epi16(even_a, even_b);
            let odd = _mm512_madd_epi16(_mm512_srli_epi16::<8>(a), _mm512_srai_epi16::<8>(b));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(c), _mm512_add_epi32(even, odd)))
        }
    }

    #[inline(always)]
    fn floats_of_integers(self, integers: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 F.
        unsafe { _mm512_cvtepi32_ps(_mm512_castps_si512(integers)) }
    }

    #[inline(always)]
    fn interleave_halves(self, a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: `self` exists only where the processor has AVX-512 F and BW.
        unsafe {
            let (a, b) = (_mm512_castps_si512(a), _mm512_castps_si512(b));
            [_mm512_castsi512_ps(_mm512_unpacklo_epi16(a, b)), _mm512_castsi512_ps(_mm512_unpackhi_epi16(a, b))]
        }
    }

    #[inline(always)]
    fn repeat(self, words: &[f32; 4]) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 F.
        unsafe { _mm512_broadcast_f32x4(_mm_loadu_ps(words.as_ptr())) }
    }

    #[inline(always)]
    fn repeated(self, words: __m512, word: usize) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 F.
        unsafe {
            match word {
                0 => _mm512_permute_ps::<0x00>(words),
                1 => _mm512_permute_ps::<0x55>(words),
                2 => _mm512_permute_ps::<0xAA>(words),
                _ => _mm512_permute_ps::<0xFF>(words),
            }
        }
    }
}

impl DotLanes for Avx512Dot {
    #[inline(always)]
    fn narrow(self, row: &Row, halves: &mut [u16; COLUMNS]) {
        let [low, high] = [0, 1].map(|part| self.load(row, part));
        // SAFETY: `self` exists only where the processor has AVX-512 BF16; a vector of 32 bfloat16 has the array's
        // size.
        unsafe {
            let narrowed = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(halves.as_mut_ptr().cast(), narrowed);
        }
    }

    #[inline(always)]
    fn dot_halves(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 BF16; vectors of the same size are the same bits.
        unsafe {
            _mm512_dpbf16_ps(c, std::mem::transmute::<__m512, __m512bh>(a), std::mem::transmute::<__m512, __m512bh>(b))
        }
    }

    #[inline(always)]
    fn dot_bytes(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where the processor has AVX-512 VNNI.
        unsafe {
            let [a, b, c]: [__m512i; 3] = [_mm512_castps_si512(a), _mm512_castps_si512(b), _mm512_castps_si512(c)];
            _mm512_castsi512_ps(_mm512_dpbusd_epi32(c, a, b))
        }
    }

    #[inline(always)]
    fn floats_of_integers(self, integers: __m512) -> __m512 {
        self.0.floats_of_integers(integers)
    }

    #[inline(always)]
    fn interleave_halves(self, a: __m512, b: __m512) -> [__m512; 2] {
        self.0.interleave_halves(a, b)
    }

    #[inline(always)]
    fn repeat(self, words: &[f32; 4]) -> __m512 {
        self.0.repeat(words)
    }

    #[inline(always)]
    fn repeated(self, words: __m512, word: usize) -> __m512 {
        self.0.repeated(words, word)
    }
}
