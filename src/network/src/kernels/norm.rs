//! Leaky rectifier, skip connection and batch normalisation of a tile, forward and backward.

use super::{EPSILON, Kernel, LEAK, Lanes};
use crate::tiles::Row;

/// Share of a batch in the running statistics.
const MOMENTUM: f32 = 0.1;

/// The leaky rectifier.
#[inline(always)]
fn leaky<L: Lanes>(lanes: L, z: L::Vector) -> L::Vector {
    lanes.max(z, lanes.mul(z, lanes.splat(LEAK)))
}

/// `z += skip`, `out = norm(leaky(z))` with the batch's statistics, which also enter the running ones.
pub(crate) struct NormForward<'a> {
    pub(crate) z: &'a mut [Row],
    pub(crate) skip: Option<&'a [Row]>,
    pub(crate) weight: &'a Row,
    pub(crate) bias: &'a Row,
    pub(crate) running_mean: &'a mut Row,
    pub(crate) running_variance: &'a mut Row,
    /// The batch's mean, for the way back.
    pub(crate) mean: &'a mut Row,
    /// 1 / √(the batch's variance + ε), for the way back.
    pub(crate) inverse_deviation: &'a mut Row,
    pub(crate) out: &'a mut [Row],
}

impl Kernel for NormForward<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let records = self.z.len();
        assert!(records > 1 && self.out.len() >= records && self.skip.is_none_or(|skip| skip.len() >= records));
        let share = lanes.splat(1.0 / records as f32);
        for part in 0..L::PARTS {
            // Distances from the first record's value: where a column varies little, its sum would round too much.
            let (mut sum, mut pivot) = (lanes.splat(0.0), lanes.splat(0.0));
            for record in 0..records {
                let mut z = lanes.load(&self.z[record], part);
                if let Some(skip) = self.skip {
                    z = lanes.add(z, lanes.load(&skip[record], part));
                    lanes.store(&mut self.z[record], part, z);
                }
                let value = leaky(lanes, z);
                lanes.store(&mut self.out[record], part, value);
                if record == 0 {
                    pivot = value;
                }
                sum = lanes.add(sum, lanes.sub(value, pivot));
            }
            let mean = lanes.mul_add(sum, share, pivot);
            let mut squares = lanes.splat(0.0);
            for record in 0..records {
                let distance = lanes.sub(lanes.load(&self.out[record], part), mean);
                squares = lanes.mul_add(distance, distance, squares);
            }
            let variance = lanes.mul(squares, share);
            let deviation = lanes.sqrt(lanes.add(variance, lanes.splat(EPSILON)));
            let inverse = lanes.div(lanes.splat(1.0), deviation);
            lanes.store(self.mean, part, mean);
            lanes.store(self.inverse_deviation, part, inverse);

            let unbiased = lanes.mul(squares, lanes.splat(1.0 / (records - 1) as f32));
            for (running, value) in [(&mut *self.running_mean, mean), (&mut *self.running_variance, unbiased)] {
                let kept = lanes.mul(lanes.load(running, part), lanes.splat(1.0 - MOMENTUM));
                lanes.store(running, part, lanes.mul_add(value, lanes.splat(MOMENTUM), kept));
            }

            let scale = lanes.mul(lanes.load(self.weight, part), inverse);
            let bias = lanes.load(self.bias, part);
            for record in 0..records {
                let distance = lanes.sub(lanes.load(&self.out[record], part), mean);
                lanes.store(&mut self.out[record], part, lanes.mul_add(distance, scale, bias));
            }
        }
    }
}

/// The way back through `norm(leaky(z))`.
pub(crate) struct NormBackward<'a> {
    /// With the skip connection added.
    pub(crate) z: &'a [Row],
    pub(crate) weight: &'a Row,
    pub(crate) mean: &'a Row,
    pub(crate) inverse_deviation: &'a Row,
    /// Gradient of the output that is to be added to `gradient`.
    pub(crate) further: Option<&'a [Row]>,
    /// Gradient of the output; becomes that of `z`.
    pub(crate) gradient: &'a mut [Row],
    /// Becomes the gradient of the scale.
    pub(crate) weight_gradient: &'a mut Row,
    /// Becomes the gradient of the shift.
    pub(crate) bias_gradient: &'a mut Row,
}

impl Kernel for NormBackward<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let records = self.z.len();
        assert!(self.gradient.len() >= records && self.further.is_none_or(|further| further.len() >= records));
        let share = lanes.splat(1.0 / records as f32);
        let zero = lanes.splat(0.0);
        for part in 0..L::PARTS {
            let mean = lanes.load(self.mean, part);
            let inverse = lanes.load(self.inverse_deviation, part);
            let (mut sum, mut sum_by_distance) = (zero, zero);
            for record in 0..records {
                let mut gradient = lanes.load(&self.gradient[record], part);
                if let Some(further) = self.further {
                    gradient = lanes.add(gradient, lanes.load(&further[record], part));
                    lanes.store(&mut self.gradient[record], part, gradient);
                }
                let distance = lanes.sub(leaky(lanes, lanes.load(&self.z[record], part)), mean);
                sum = lanes.add(sum, gradient);
                sum_by_distance = lanes.mul_add(gradient, distance, sum_by_distance);
            }
            let weight_gradient = lanes.mul(sum_by_distance, inverse);
            lanes.store(self.weight_gradient, part, weight_gradient);
            lanes.store(self.bias_gradient, part, sum);

            let scale = lanes.mul(lanes.load(self.weight, part), inverse);
            let mean_gradient = lanes.mul(sum, share);
            let slope = lanes.mul(lanes.mul(weight_gradient, inverse), share);
            let leak = lanes.splat(LEAK);
            for record in 0..records {
                let z = lanes.load(&self.z[record], part);
                let distance = lanes.sub(leaky(lanes, z), mean);
                let centred = lanes.sub(lanes.load(&self.gradient[record], part), mean_gradient);
                let inner = lanes.mul(scale, lanes.sub(centred, lanes.mul(distance, slope)));
                let outer = lanes.select_positive(z, inner, lanes.mul(inner, leak));
                lanes.store(&mut self.gradient[record], part, outer);
            }
        }
    }
}

/// Sum of the rows.
pub(crate) struct ColumnSums<'a> {
    pub(crate) rows: &'a [Row],
    pub(crate) sums: &'a mut Row,
}

impl Kernel for ColumnSums<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        for part in 0..L::PARTS {
            let mut sum = lanes.splat(0.0);
            for row in self.rows {
                sum = lanes.add(sum, lanes.load(row, part));
            }
            lanes.store(self.sums, part, sum);
        }
    }
}
