//! AdamW with decoupled weight decay, as PyTorch's `torch.optim.AdamW`, on every parameter.

use super::kernels::{Slots, Update};
use super::tiles::{Region, Row};

/// Settings of AdamW; the defaults are the method's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate to start with; every step is given its own.
    pub learning_rate: f32,
    /// Weight decay, a share of the learning rate.
    pub weight_decay: f64,
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the gradient's mean square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { learning_rate: 1e-4, weight_decay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl AdamW {
    /// The numbers of a step, `steps` counting from 1.
    pub(super) fn update(&self, learning_rate: f32, steps: u64) -> Update {
        let rate = f64::from(learning_rate);
        let first_correction = 1.0 - self.beta1.powf(steps as f64);
        let second_correction = 1.0 - self.beta2.powf(steps as f64);
        Update {
            keep: (1.0 - rate * self.weight_decay) as f32,
            first_share: (1.0 - self.beta1) as f32,
            second_keep: self.beta2 as f32,
            second_share: (1.0 - self.beta2) as f32,
            step: (rate / first_correction) as f32,
            root_scale: (1.0 / second_correction.sqrt()) as f32,
            epsilon: self.epsilon as f32,
        }
    }
}

/// A parameter buffer with its two moments, and the regions that are changed at the same time.
pub(super) struct Trainable<'a> {
    pub(super) weight: &'a mut [Row],
    pub(super) first: &'a mut [Row],
    pub(super) second: &'a mut [Row],
}

impl Trainable<'_> {
    /// Disjoint regions of all three buffers.
    pub(super) fn regions<const N: usize>(&mut self, regions: [Region; N]) -> [Slots<'_>; N] {
        let mut weight = disjoint(self.weight, regions).into_iter();
        let mut first = disjoint(self.first, regions).into_iter();
        let mut second = disjoint(self.second, regions).into_iter();
        std::array::from_fn(|_| match (weight.next(), first.next(), second.next()) {
            (Some(weight), Some(first), Some(second)) => Slots { weight, first, second },
            _ => unreachable!("each buffer has {N} regions"),
        })
    }
}

/// Disjoint regions of a buffer.
pub(super) fn disjoint<const N: usize>(buffer: &mut [Row], regions: [Region; N]) -> [&mut [Row]; N] {
    buffer.get_disjoint_mut(regions.map(|region| region.range())).expect("a layout's regions do not overlap")
}
