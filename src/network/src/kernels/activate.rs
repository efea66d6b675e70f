//! Between two layers of inference: skip connection, leaky rectifier, and the next layer's precision.

use super::LEAK;
use super::dot::{DotKernel, DotLanes};
use crate::tiles::{COLUMNS, Row};

/// What is added to a few tiles before the rectifier: a tile after the other, in each a row a record.
#[derive(Clone, Copy)]
pub(crate) enum Skip<'a> {
    /// Nothing is added.
    None,
    /// These rows are added.
    Plain(&'a [Row]),
    /// These rows are added, scaled and shifted; a scale and a shift a tile.
    Scaled(&'a [Row], [&'a [Row]; 2]),
}

/// Where the activations of a few tiles go as the next layer's words, a row a record. A row of words holds as many
/// tiles as a word holds numbers, one after the other.
pub(crate) enum Narrowed<'a> {
    /// To these rows, as floats.
    Floats(&'a mut [Row]),
    /// To these rows, as bfloat16.
    Halves(&'a mut [Row]),
    /// To these rows, as bytes: `value × scale + zero`, rounded, at least 0 and at most 255; a scale and a zero a tile.
    Bytes(&'a mut [Row], [&'a [Row]; 2]),
}

/// `leaky(z + skip)` of a few tiles.
pub(crate) struct Activation<'a> {
    /// For sums of bytes, which are scaled and shifted first: a scale and a shift a tile.
    pub(crate) integers: Option<[&'a [Row]; 2]>,
    pub(crate) skip: Skip<'a>,
    /// Rows of a tile of `skip`.
    pub(crate) skip_stride: usize,
    pub(crate) narrowed: Narrowed<'a>,
    /// Rows of `narrowed` that hold the same tiles.
    pub(crate) narrowed_stride: usize,
}

/// Added to a float below 2²², it leaves the float rounded to a whole number in the lowest bits.
const ROUNDING: f32 = (1 << 23) as f32;

/// A value as a byte.
#[inline(always)]
pub(crate) fn byte(value: f32, scale: f32, zero: f32) -> u8 {
    ((value * scale + zero).clamp(0.0, 255.0) + ROUNDING).to_bits() as u8
}

impl Activation<'_> {
    /// Prefetches what [`Activation::apply`] will read.
    #[inline(always)]
    pub(super) fn prefetch<L: DotLanes>(&self, lanes: L, tile: usize, record: usize) {
        if let Skip::Plain(rows) | Skip::Scaled(rows, _) = self.skip {
            lanes.prefetch(&rows[tile * self.skip_stride + record]);
        }
    }

    /// Turns a record's sums of a tile into its activations.
    #[inline(always)]
    pub(super) fn apply<L: DotLanes>(&mut self, lanes: L, tile: usize, record: usize, z: &mut Row) {
        let skipped = tile * self.skip_stride + record;
        for part in 0..L::PARTS {
            let mut value = lanes.load(z, part);
            if let Some([scale, shift]) = self.integers {
                let scale = lanes.load(&scale[tile], part);
                value = lanes.mul_add(lanes.floats_of_integers(value), scale, lanes.load(&shift[tile], part));
            }
            match self.skip {
                Skip::None => {}
                Skip::Plain(rows) => value = lanes.add(value, lanes.load(&rows[skipped], part)),
                Skip::Scaled(rows, [scale, shift]) => {
                    let (scale, shift) = (lanes.load(&scale[tile], part), lanes.load(&shift[tile], part));
                    value = lanes.add(value, lanes.mul_add(lanes.load(&rows[skipped], part), scale, shift));
                }
            }
            let leaky = lanes.max(value, lanes.mul(value, lanes.splat(LEAK)));
            lanes.store(z, part, leaky);
        }
        let row = |numbers: usize| tile / numbers * self.narrowed_stride + record;
        match &mut self.narrowed {
            Narrowed::Floats(rows) => rows[row(1)] = *z,
            Narrowed::Halves(rows) => {
                let halves: &mut [[u16; COLUMNS]; 2] = bytemuck::cast_mut(&mut rows[row(2)]);
                lanes.narrow(z, &mut halves[tile % 2]);
            }
            Narrowed::Bytes(rows, [scale, zero]) => {
                let row: &mut [u8; 4 * COLUMNS] = bytemuck::cast_mut(&mut rows[row(4)]);
                let row = &mut row[tile % 4 * COLUMNS..][..COLUMNS];
                for (((to, value), scale), zero) in row.iter_mut().zip(&z.0).zip(&scale[tile].0).zip(&zero[tile].0) {
                    *to = byte(*value, *scale, *zero);
                }
            }
        }
    }
}

/// Activates sums in place.
pub(crate) struct Activate<'a> {
    /// A tile after the other, in each a row a record.
    pub(crate) z: &'a mut [Row],
    /// Rows of a tile.
    pub(crate) stride: usize,
    pub(crate) tiles: usize,
    pub(crate) records: usize,
    pub(crate) activation: Activation<'a>,
}

impl DotKernel for Activate<'_> {
    #[inline(always)]
    fn run<L: DotLanes>(mut self, lanes: L) {
        for tile in 0..self.tiles {
            for (record, z) in self.z[tile * self.stride..][..self.records].iter_mut().enumerate() {
                self.activation.apply(lanes, tile, record, z);
            }
        }
    }
}
