//! Between two layers of inference: skip connection, leaky rectifier, and the next layer's precision.

use super::LEAK;
use super::dot::{DotKernel, DotLanes, half};
use crate::net::tiles::{COLUMNS, Row};

/// A tile's values before the rectifier.
#[derive(Clone, Copy)]
pub(in crate::net) enum Skip<'a> {
    /// Nothing is added.
    None,
    /// These rows are added.
    Plain(&'a [Row]),
    /// These rows, scaled and shifted, are added.
    Scaled(&'a [Row], [&'a Row; 2]),
}

/// Where a tile's activations go besides `z`, a row a record.
pub(in crate::net) enum Narrowed<'a> {
    /// To these rows, as floats.
    Floats { rows: &'a mut [Row] },
    /// To half `part` of these rows, as bfloat16.
    Halves { rows: &'a mut [Row], part: usize },
    /// To quarter `part` of these rows, as bytes: `value × scale + zero`, rounded, at least 0 and at most 255.
    Bytes { rows: &'a mut [Row], part: usize, scale: &'a Row, zero: &'a Row },
}

/// `z = leaky(z + skip)` of a tile. With `integers`, `z` holds sums of bytes, which are scaled and shifted first.
pub(in crate::net) struct Activate<'a> {
    pub(in crate::net) z: &'a mut [Row],
    /// Scale and shift.
    pub(in crate::net) integers: Option<[&'a Row; 2]>,
    pub(in crate::net) skip: Skip<'a>,
    pub(in crate::net) narrowed: Narrowed<'a>,
}

/// Added to a float below 2²², it leaves the float rounded to a whole number in the lowest bits.
const ROUNDING: f32 = (1 << 23) as f32;

/// The byte that stands for a value.
#[inline(always)]
pub(in crate::net) fn byte(value: f32, scale: f32, zero: f32) -> u8 {
    ((value * scale + zero).clamp(0.0, 255.0) + ROUNDING).to_bits() as u8
}

impl DotKernel for Activate<'_> {
    #[inline(always)]
    fn run<L: DotLanes>(self, lanes: L) {
        let Self { z, integers, skip, mut narrowed } = self;
        let records = z.len();
        if let Skip::Plain(rows) | Skip::Scaled(rows, _) = skip {
            assert!(rows.len() >= records);
        }
        let (Narrowed::Floats { rows } | Narrowed::Halves { rows, .. } | Narrowed::Bytes { rows, .. }) = &narrowed;
        assert!(rows.len() >= records);
        for record in 0..records {
            for part in 0..L::PARTS {
                let mut value = lanes.load(&z[record], part);
                if let Some([scale, shift]) = integers {
                    let scale = lanes.load(scale, part);
                    value = lanes.mul_add(lanes.floats_of_integers(value), scale, lanes.load(shift, part));
                }
                match skip {
                    Skip::None => {}
                    Skip::Plain(rows) => value = lanes.add(value, lanes.load(&rows[record], part)),
                    Skip::Scaled(rows, [scale, shift]) => {
                        let scale = lanes.load(scale, part);
                        let row = lanes.mul_add(lanes.load(&rows[record], part), scale, lanes.load(shift, part));
                        value = lanes.add(value, row);
                    }
                }
                let leaky = lanes.max(value, lanes.mul(value, lanes.splat(LEAK)));
                lanes.store(&mut z[record], part, leaky);
            }
            let values = &z[record].0;
            match &mut narrowed {
                Narrowed::Floats { rows } => rows[record] = z[record],
                Narrowed::Halves { rows, part } => {
                    let row: &mut [u16; 2 * COLUMNS] = bytemuck::cast_mut(&mut rows[record]);
                    for (to, value) in row[*part * COLUMNS..][..COLUMNS].iter_mut().zip(values) {
                        *to = half(*value);
                    }
                }
                Narrowed::Bytes { rows, part, scale, zero } => {
                    let row: &mut [u8; 4 * COLUMNS] = bytemuck::cast_mut(&mut rows[record]);
                    let row = &mut row[*part * COLUMNS..][..COLUMNS];
                    for (((to, value), scale), zero) in row.iter_mut().zip(values).zip(&scale.0).zip(&zero.0) {
                        *to = byte(*value, *scale, *zero);
                    }
                }
            }
        }
    }
}
