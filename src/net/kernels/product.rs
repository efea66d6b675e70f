//! Products of tiled matrices: a tile's row of vectors times scalars broadcast from another matrix.

use super::update::{Slots, Update, UpdateLanes};
use super::{Kernel, Lanes};
use crate::net::tiles::{COLUMNS, Row};

/// Rows computed together; results come in multiples of it.
pub(in crate::net) const GROUP: usize = 8;

/// `out[r] = start + Σ over k < count of scalar(r, k) × vector(k)`.
///
/// Both factors are cut into chunks of 32 along `k`: `vector(k)` is row `k / 32 * vector_stride + k % 32` of `vectors`,
/// `scalar(r, k)` is column `k % 32` of row `k / 32 * scalar_stride + r` of `scalars`.
pub(in crate::net) struct Product<'a> {
    pub(in crate::net) start: &'a Row,
    pub(in crate::net) vectors: &'a [Row],
    pub(in crate::net) vector_stride: usize,
    pub(in crate::net) scalars: &'a [Row],
    pub(in crate::net) scalar_stride: usize,
    pub(in crate::net) count: usize,
    /// A multiple of [`GROUP`] rows.
    pub(in crate::net) out: &'a mut [Row],
}

impl Product<'_> {
    #[inline(always)]
    fn groups<L: Lanes, const P: usize, const R: usize>(self, lanes: L) {
        let rows = self.out.len();
        assert!(rows.is_multiple_of(GROUP) && GROUP.is_multiple_of(R) && L::PARTS.is_multiple_of(P));
        if let Some(last) = self.count.div_ceil(COLUMNS).checked_sub(1) {
            assert!(last * self.vector_stride + (self.count - last * COLUMNS) <= self.vectors.len());
            assert!(last * self.scalar_stride + rows <= self.scalars.len());
        }
        for first_part in (0..L::PARTS).step_by(P) {
            for group in (0..rows).step_by(R) {
                let mut sums = [[lanes.splat(0.0); P]; R];
                for sums in &mut sums {
                    for part in 0..P {
                        sums[part] = lanes.load(self.start, first_part + part);
                    }
                }
                for chunk in 0..self.count.div_ceil(COLUMNS) {
                    let vectors = &self.vectors[chunk * self.vector_stride..];
                    let scalars = &self.scalars[chunk * self.scalar_stride + group..];
                    for k in 0..(self.count - chunk * COLUMNS).min(COLUMNS) {
                        // SAFETY: the last chunk's last row was found inside `vectors` above, and the others lie before it.
                        let vector_row = unsafe { vectors.get_unchecked(k) };
                        let mut vector = [lanes.splat(0.0); P];
                        for part in 0..P {
                            vector[part] = lanes.load(vector_row, first_part + part);
                        }
                        for row in 0..R {
                            // SAFETY: as above for `scalars`, where a chunk has `rows` rows; `k` is below 32.
                            let scalar = unsafe { *scalars.get_unchecked(row).0.get_unchecked(k) };
                            let scalar = lanes.splat(scalar);
                            for part in 0..P {
                                sums[row][part] = lanes.mul_add(scalar, vector[part], sums[row][part]);
                            }
                        }
                    }
                }
                for row in 0..R {
                    for part in 0..P {
                        lanes.store(&mut self.out[group + row], first_part + part, sums[row][part]);
                    }
                }
            }
        }
    }
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        // As many sums as the registers hold: 16 of 32 with AVX-512, 8 of 16 with AVX2.
        match L::PARTS {
            2 => self.groups::<L, 2, 8>(lanes),
            _ => self.groups::<L, 2, 4>(lanes),
        }
    }
}

/// Gradient of a tile of weights and its AdamW step: `gradient[i] = Σ over records of input(record, i) × vectors[record]`.
///
/// `input(record, i)` is column `i % 32` of row `i / 32 * scalar_stride + record` of `scalars`.
pub(in crate::net) struct WeightStep<'a> {
    /// Gradient of the tile's outputs, a row a record.
    pub(in crate::net) vectors: &'a [Row],
    /// The layer's inputs.
    pub(in crate::net) scalars: &'a [Row],
    pub(in crate::net) scalar_stride: usize,
    /// The tile of weights, a multiple of [`GROUP`] rows.
    pub(in crate::net) slots: Slots<'a>,
    pub(in crate::net) update: &'a Update,
}

impl WeightStep<'_> {
    #[inline(always)]
    fn groups<L: Lanes, const P: usize, const R: usize>(mut self, lanes: L) {
        let (records, inputs) = (self.vectors.len(), self.slots.weight.len());
        assert!(inputs.is_multiple_of(GROUP) && GROUP.is_multiple_of(R) && L::PARTS.is_multiple_of(P));
        self.slots.assert_rows(inputs);
        if let Some(last) = inputs.div_ceil(COLUMNS).checked_sub(1) {
            assert!(last * self.scalar_stride + records <= self.scalars.len());
        }
        let update = UpdateLanes::new(lanes, self.update);
        for group in (0..inputs).step_by(R) {
            for row in group..group + R {
                self.slots.prefetch(lanes, row);
            }
            let scalars = &self.scalars[group / COLUMNS * self.scalar_stride..];
            for first_part in (0..L::PARTS).step_by(P) {
                let mut sums = [[lanes.splat(0.0); P]; R];
                for record in 0..records {
                    let mut vector = [lanes.splat(0.0); P];
                    for part in 0..P {
                        vector[part] = lanes.load(&self.vectors[record], first_part + part);
                    }
                    for row in 0..R {
                        // SAFETY: a tile of `scalars` was found to have `records` rows above; the column is below 32
                        // because `group % 32` is a multiple of `R` and `R` divides 32.
                        let scalar = unsafe { *scalars.get_unchecked(record).0.get_unchecked(group % COLUMNS + row) };
                        let scalar = lanes.splat(scalar);
                        for part in 0..P {
                            sums[row][part] = lanes.mul_add(scalar, vector[part], sums[row][part]);
                        }
                    }
                }
                for row in 0..R {
                    for part in 0..P {
                        update.apply(lanes, sums[row][part], self.slots.row(group + row), first_part + part);
                    }
                }
            }
        }
    }
}

impl Kernel for WeightStep<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        match L::PARTS {
            2 => self.groups::<L, 2, 8>(lanes),
            _ => self.groups::<L, 2, 4>(lanes),
        }
    }
}
