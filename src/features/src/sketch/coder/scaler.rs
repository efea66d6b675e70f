//! Standardisation: every dimension of the token vectors gets mean 0 and standard deviation 1.

use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

use crate::sketch::SketchError;

/// Rows summed at a time: blocks are fixed, so that sums do not depend on the number of threads.
const BLOCK: usize = 4096;

/// Mean and scale of each dimension over all tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaler {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaler {
    /// Measures the vectors `[tokens, dimensions]`: mean and population standard deviation of each dimension, in f64; a
    /// constant dimension has scale 1.
    ///
    /// # Errors
    /// [`SketchError::Empty`] for no token or no dimension, [`SketchError::NotFinite`] for infinities and NaN.
    pub fn fit<T: Copy + Into<f64> + Sync>(vectors: ArrayView2<'_, T>) -> Result<Self, SketchError> {
        let (tokens, dimensions) = vectors.dim();
        if tokens == 0 || dimensions == 0 {
            return Err(SketchError::Empty { tokens, dimensions });
        }
        if let Some((row, dimension, value)) = first_not_finite(vectors) {
            return Err(SketchError::NotFinite { row, dimension, value });
        }
        let count = tokens as f64;
        let mut mean = sum(vectors, |_, value| value);
        mean.iter_mut().for_each(|sum| *sum /= count);
        let first: Vec<f64> = vectors.row(0).iter().map(|&value| value.into()).collect();
        let varies = sum(vectors, |dimension, value| f64::from(value != first[dimension]));
        let mut scale = sum(vectors, |dimension, value| (value - mean[dimension]).powi(2));
        for (scale, varies) in scale.iter_mut().zip(varies) {
            let deviation = (*scale / count).sqrt();
            // The deviation of differing but tiny numbers may underflow to zero.
            *scale = if varies > 0.0 && deviation > 0.0 { deviation } else { 1.0 };
        }
        Ok(Self { mean, scale })
    }

    /// Mean of each dimension.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// What each dimension is divided by.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Writes the standardised vectors, row after row, into `standardised`.
    pub(super) fn apply<T: Copy + Into<f64>>(&self, vectors: ArrayView2<'_, T>, standardised: &mut [f64]) {
        for (row, out) in vectors.rows().into_iter().zip(standardised.chunks_exact_mut(self.mean.len())) {
            for (((&value, mean), scale), out) in row.iter().zip(&self.mean).zip(&self.scale).zip(out) {
                *out = (value.into() - mean) / scale;
            }
        }
    }
}

fn first_not_finite<T: Copy + Into<f64> + Sync>(vectors: ArrayView2<'_, T>) -> Option<(usize, usize, f64)> {
    (0..vectors.nrows()).into_par_iter().find_map_first(|row| {
        let values = vectors.row(row);
        let found = values.iter().position(|&value| !value.into().is_finite());
        found.map(|dimension| (row, dimension, values[dimension].into()))
    })
}

/// Sums `term(dimension, value)` down each dimension: within blocks of rows, then over the blocks in order.
fn sum<T: Copy + Into<f64> + Sync>(vectors: ArrayView2<'_, T>, term: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let blocks = vectors.nrows().div_ceil(BLOCK);
    let sums: Vec<Vec<f64>> = (0..blocks)
        .into_par_iter()
        .map(|block| {
            let (start, end) = (block * BLOCK, ((block + 1) * BLOCK).min(vectors.nrows()));
            let mut sums = vec![0.0; vectors.ncols()];
            for row in vectors.slice_axis(Axis(0), (start..end).into()).rows() {
                for (dimension, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += term(dimension, value.into());
                }
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; vectors.ncols()];
    for block in sums {
        total.iter_mut().zip(block).for_each(|(total, sum)| *total += sum);
    }
    total
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_constant_dimension_divides_by_one() {
        let scaler = Scaler::fit(array![[0.1f32, 1.0], [0.1, 3.0], [0.1, 5.0]].view()).unwrap();
        assert_eq!(scaler.scale()[0], 1.0);
        assert!((scaler.scale()[1] - (8.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(scaler.mean()[1], 3.0);
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let found = Scaler::fit(array![[1.0f32, 2.0], [f32::NAN, f32::INFINITY]].view()).unwrap_err();
        assert!(matches!(found, SketchError::NotFinite { row: 1, dimension: 0, .. }), "{found}");
        assert!(matches!(
            Scaler::fit(array![[1.0f32; 0]].view()),
            Err(SketchError::Empty { tokens: 1, dimensions: 0 })
        ));
    }
}
