//! The random projection.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::sketch::{BITS, SketchError, SketchShape};

/// A linear map from the vectors' dimensions to [`BITS`] dimensions a depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// `[rows, dimensions]`, row after row.
    entries: Vec<f64>,
    dimensions: usize,
}

impl Projection {
    /// Independent Gaussian entries with mean 0 and variance 1 / (16 × depth), drawn row after row from Xoshiro256++.
    pub fn gaussian(shape: SketchShape, dimensions: usize, seed: u64) -> Self {
        let rows = BITS * shape.depth();
        let deviation = (rows as f64).sqrt().recip();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let draw = |_| {
            let normal: f64 = StandardNormal.sample(&mut random);
            normal * deviation
        };
        Self { entries: (0..rows * dimensions).map(draw).collect(), dimensions }
    }

    /// A projection given as its entries `[rows, dimensions]`, row after row.
    ///
    /// # Errors
    /// [`SketchError::Projection`] where the number of entries is not 16 × depth × `dimensions`.
    pub fn from_entries(entries: Vec<f64>, shape: SketchShape, dimensions: usize) -> Result<Self, SketchError> {
        let needs_rows = BITS * shape.depth();
        if dimensions == 0 || entries.len() != needs_rows * dimensions {
            let rows = entries.len().checked_div(dimensions).unwrap_or(0);
            return Err(SketchError::Projection { has: dimensions, rows, needs: dimensions, needs_rows });
        }
        Ok(Self { entries, dimensions })
    }

    /// Dimensions it takes.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Dimensions it gives.
    pub fn rows(&self) -> usize {
        self.entries.len() / self.dimensions
    }

    /// Projects `vectors` (`[count, dimensions]`, row after row) on the rows from `first_row` on, as many as
    /// `projected` has room for: `projected` is `[rows, count]`, so that a projected dimension lies in one piece.
    pub(super) fn apply(&self, vectors: &[f64], first_row: usize, projected: &mut [f64]) {
        let count = vectors.len() / self.dimensions;
        let rows = projected.len() / count;
        let entries = &self.entries[first_row * self.dimensions..][..rows * self.dimensions];
        assert_eq!((vectors.len(), projected.len()), (count * self.dimensions, rows * count));
        // One thread a call: the caller spreads calls over threads, and the order of the sums stays fixed.
        // SAFETY: the three matrices lie in `projected`, `vectors` and `entries` with the strides given; the assertion
        // and the slice of `entries` above hold their sizes; `projected` is borrowed mutably, so it overlaps neither.
        unsafe {
            gemm::gemm(
                count,
                rows,
                self.dimensions,
                projected.as_mut_ptr(),
                count as isize,
                1,
                false,
                vectors.as_ptr(),
                1,
                self.dimensions as isize,
                entries.as_ptr(),
                self.dimensions as isize,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entries_have_the_variance_they_should() {
        let shape = SketchShape::new(20, 256).unwrap();
        let projection = Projection::gaussian(shape, 300, 7);
        let count = projection.entries.len() as f64;
        let mean = projection.entries.iter().sum::<f64>() / count;
        let variance = projection.entries.iter().map(|entry| entry * entry).sum::<f64>() / count;
        assert!(mean.abs() < 1e-3 && (variance * 320.0 - 1.0).abs() < 0.02, "{mean} {variance}");
        assert_eq!(projection, Projection::gaussian(shape, 300, 7));
        assert_ne!(projection, Projection::gaussian(shape, 300, 8));
    }

    #[test]
    fn projects_like_the_definition() {
        let shape = SketchShape::new(2, 256).unwrap();
        let projection = Projection::gaussian(shape, 5, 1);
        let vectors: Vec<f64> = (0..15).map(|i| f64::from(i) * 0.37 - 2.0).collect();
        let mut projected = vec![f64::NAN; 16 * 3];
        projection.apply(&vectors, 16, &mut projected);
        for row in 0..16 {
            for vector in 0..3 {
                let entries = &projection.entries[(16 + row) * 5..][..5];
                let expected: f64 = entries.iter().zip(&vectors[vector * 5..]).map(|(a, b)| a * b).sum();
                assert!((projected[row * 3 + vector] - expected).abs() < 1e-14);
            }
        }
    }
}
