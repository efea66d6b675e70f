//! Eight lanes on any processor: plain arrays that the compiler vectorises.

use super::lanes::Lanes;
use crate::tiles::Row;

pub(super) const WIDTH: usize = 8;

/// Any processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portable;

/// One operation on every lane.
macro_rules! lanes {
    ($lane:ident => $value:expr) => {{
        let mut result = [0.0f32; WIDTH];
        for $lane in 0..WIDTH {
            result[$lane] = $value;
        }
        result
    }};
}

impl Lanes for Portable {
    type Vector = [f32; WIDTH];
    const PARTS: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; WIDTH] {
        [value; WIDTH]
    }

    #[inline(always)]
    fn load(self, row: &Row, part: usize) -> [f32; WIDTH] {
        row.0.as_chunks().0[part]
    }

    #[inline(always)]
    fn store(self, row: &mut Row, part: usize, vector: [f32; WIDTH]) {
        row.0.as_chunks_mut().0[part] = vector;
    }

    #[inline(always)]
    fn add(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane] * b[lane])
    }

    #[inline(always)]
    fn div(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane] / b[lane])
    }

    #[inline(always)]
    fn max(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn sqrt(self, a: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane].sqrt())
    }

    // Not fused: without the instruction, `f32::mul_add` is a slow library call.
    #[inline(always)]
    fn mul_add(self, a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn select_positive(self, test: [f32; WIDTH], yes: [f32; WIDTH], no: [f32; WIDTH]) -> [f32; WIDTH] {
        lanes!(lane => if test[lane] > 0.0 { yes[lane] } else { no[lane] })
    }

    #[inline(always)]
    fn prefetch(self, _row: &Row) {}
}
