//! Eight words on any processor.

use super::lanes::DotLanes;
use crate::kernels::portable::{Portable, WIDTH};

impl DotLanes for Portable {
    #[inline(always)]
    fn dot_halves(self, a: [f32; WIDTH], b: [f32; WIDTH], mut c: [f32; WIDTH]) -> [f32; WIDTH] {
        for lane in 0..WIDTH {
            let (a, b) = (a[lane].to_bits(), b[lane].to_bits());
            let low = f32::from_bits(a << 16) * f32::from_bits(b << 16);
            let high = f32::from_bits(a & 0xFFFF_0000) * f32::from_bits(b & 0xFFFF_0000);
            c[lane] += high;
            c[lane] += low;
        }
        c
    }

    #[inline(always)]
    fn dot_bytes(self, a: [f32; WIDTH], b: [f32; WIDTH], mut c: [f32; WIDTH]) -> [f32; WIDTH] {
        for lane in 0..WIDTH {
            let (a, b) = (a[lane].to_bits().to_le_bytes(), b[lane].to_bits().to_le_bytes());
            let mut sum = c[lane].to_bits() as i32;
            for byte in 0..4 {
                sum = sum.wrapping_add(i32::from(a[byte]) * i32::from(b[byte] as i8));
            }
            c[lane] = f32::from_bits(sum as u32);
        }
        c
    }

    #[inline(always)]
    fn floats_of_integers(self, mut integers: [f32; WIDTH]) -> [f32; WIDTH] {
        for lane in &mut integers {
            *lane = lane.to_bits() as i32 as f32;
        }
        integers
    }

    #[inline(always)]
    fn interleave_halves(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [[f32; WIDTH]; 2] {
        let mut result = [[0.0; WIDTH]; 2];
        for (upper, words) in result.iter_mut().enumerate() {
            for (lane, word) in words.iter_mut().enumerate() {
                // Two bfloat16 a word, eight in 128 bits.
                let from = lane / 4 * 4 + upper * 2 + lane % 4 / 2;
                let shift = lane % 2 * 16;
                let (a, b) = (a[from].to_bits() >> shift & 0xFFFF, b[from].to_bits() >> shift & 0xFFFF);
                *word = f32::from_bits(a | b << 16);
            }
        }
        result
    }

    #[inline(always)]
    fn repeat(self, words: &[f32; 4]) -> [f32; WIDTH] {
        let mut result = [0.0; WIDTH];
        for (lane, word) in result.iter_mut().enumerate() {
            *word = words[lane % 4];
        }
        result
    }

    #[inline(always)]
    fn repeated(self, words: [f32; WIDTH], word: usize) -> [f32; WIDTH] {
        [words[word]; WIDTH]
    }
}
