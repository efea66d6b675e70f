//! Dropout whose masks are functions of the seed and the step.

use burn_tensor::backend::Backend;
use burn_tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::random::Draws;

/// Numbers that a task draws at a time.
const CHUNK: usize = 1 << 14;

/// The dropout of a step, or none.
#[derive(Clone, Copy)]
pub(super) struct Dropout(Option<Draws>);

impl Dropout {
    /// No dropout, as in evaluation.
    pub(super) const NONE: Self = Self(None);

    /// That of a step.
    pub(super) fn new(draws: Draws) -> Self {
        Self(Some(draws))
    }

    /// Drops a share of the numbers of `x` and scales the others up; each `site` in the model has a mask of its own.
    pub(super) fn apply<B: Backend, const D: usize>(self, x: Tensor<B, D>, share: f64, site: u64) -> Tensor<B, D> {
        let Some(draws) = self.0.filter(|_| share > 0.0) else { return x };
        let shape = x.dims();
        let mut factors = vec![0f32; shape.iter().product()];
        fill(&mut factors, draws, share, site);
        let factors = Tensor::from_data(TensorData::new(factors, shape), &x.device());
        x * factors
    }
}

/// Factors 0 and `1 / (1 - share)`. Each 64 random bits decide for two of them.
fn fill(factors: &mut [f32], draws: Draws, share: f64, site: u64) {
    let keep = (1.0 / (1.0 - share)) as f32;
    let least = (share * 2f64.powi(32)) as u64;
    let factor = |bits: u64| if bits >= least { keep } else { 0.0 };
    factors.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, factors)| {
        let first = (site << 40) + (chunk * CHUNK / 2) as u64;
        for (index, pair) in (first..).zip(factors.chunks_mut(2)) {
            let bits = draws.bits(index);
            pair[0] = factor(bits >> 32);
            if let Some(second) = pair.get_mut(1) {
                *second = factor(bits & 0xffff_ffff);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn a_share_is_dropped_and_the_mean_stays() {
        let draws = Draws::new(1, Purpose::Dropout, [5, 0]);
        let mut factors = vec![0f32; 3 * CHUNK + 1];
        fill(&mut factors, draws, 0.1, 2);
        let dropped = factors.iter().filter(|&&factor| factor == 0.0).count() as f64;
        assert!((dropped / factors.len() as f64 - 0.1).abs() < 0.01);
        let mean = factors.iter().sum::<f32>() / factors.len() as f32;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        let mut others = vec![0f32; factors.len()];
        fill(&mut others, draws, 0.1, 3);
        assert_ne!(factors, others);
    }
}
