//! AdamW (Loshchilov and Hutter 2019) with gradient clipping, as PyTorch and `transformers` compute it.

use burn_tensor::backend::Backend;
use burn_tensor::{ElementConversion, Tensor};

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The moments of every tensor's gradient.
pub(super) struct AdamW<B: Backend> {
    pub(super) first: Vec<Tensor<B, 2>>,
    pub(super) second: Vec<Tensor<B, 2>>,
}

/// The settings of a step.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    pub(super) max_gradient_norm: f64,
    /// Steps taken before.
    pub(super) step: u64,
}

impl<B: Backend> AdamW<B> {
    /// Updates all parameters; those with a true in `decays` are decayed, too. Gives the norm of the gradient before
    /// clipping.
    pub(super) fn step(
        &mut self,
        parameters: &mut [Tensor<B, 2>],
        gradients: Vec<Tensor<B, 2>>,
        decays: &[bool],
        rates: Rates,
    ) -> f64 {
        let square = |gradient: &Tensor<B, 2>| {
            let square: f32 = (gradient.clone() * gradient.clone()).sum().into_scalar().elem();
            f64::from(square)
        };
        let norm = gradients.iter().map(square).sum::<f64>().sqrt();
        let clip = (rates.max_gradient_norm / (norm + 1e-6)).min(1.0);
        let time = rates.step as f64 + 1.0;
        let first_share = 1.0 - FIRST_DECAY.powf(time);
        let second_share = (1.0 - SECOND_DECAY.powf(time)).sqrt();
        for (number, gradient) in gradients.into_iter().enumerate() {
            let gradient = gradient * clip;
            update(&mut self.second[number], |second| {
                second * SECOND_DECAY + gradient.clone() * gradient.clone() * (1.0 - SECOND_DECAY)
            });
            update(&mut self.first[number], |first| first * FIRST_DECAY + gradient * (1.0 - FIRST_DECAY));
            let deviation = self.second[number].clone().sqrt() / second_share + EPSILON;
            let change = self.first[number].clone() / deviation * (rates.learning_rate / first_share);
            let decay = if decays[number] { rates.learning_rate * rates.weight_decay } else { 0.0 };
            update(&mut parameters[number], |parameter| parameter * (1.0 - decay) - change);
        }
        norm
    }
}

/// Applies a change to a tensor that nothing else refers to meanwhile, so that burn can change it in place.
fn update<B: Backend>(tensor: &mut Tensor<B, 2>, change: impl FnOnce(Tensor<B, 2>) -> Tensor<B, 2>) {
    let empty = Tensor::empty([1, 1], &tensor.device());
    *tensor = change(std::mem::replace(tensor, empty));
}
