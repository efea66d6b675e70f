//! One training step, and the loss without one.

use burn_autodiff::Autodiff;
use burn_flex::Flex;
use burn_tensor::backend::AutodiffBackend;
use burn_tensor::{ElementConversion, Tensor};

use super::distilbert::{DistilBert, download, upload};
use super::dropout::Dropout;
use super::masking::MaskedBatch;
use super::optimiser::{AdamW, Rates};
use super::random::{Draws, Purpose};
use crate::distilbert::Weights;
use crate::finetune::TrainingOptions;

/// A model in training on the processor.
pub type CpuTrainer = Trainer<Autodiff<Flex>>;

/// A model in training on one of burn's backends.
pub struct Trainer<B: AutodiffBackend> {
    weights: Weights,
    parameters: Vec<Tensor<B::InnerBackend, 2>>,
    optimiser: AdamW<B::InnerBackend>,
    decays: Vec<bool>,
}

impl<B: AutodiffBackend> Trainer<B> {
    /// A training that begins with these weights.
    pub fn new(weights: Weights, device: &B::Device) -> Self {
        let zeros = vec![0.0; weights.values().len()];
        Self::resume(weights, [&zeros, &zeros], device)
    }

    /// A training resumed with these weights and the moments of their gradients, in the order of [`Weights::values`].
    pub(super) fn resume(weights: Weights, moments: [&[f32]; 2], device: &B::Device) -> Self {
        let parameters = upload(&weights, weights.values(), device);
        let [first, second] = moments.map(|values| upload(&weights, values, device));
        // As `transformers`: neither biases nor normalisations decay.
        let decays = weights.tensors().map(|tensor| weights.architecture().shape(tensor).len() == 2).collect();
        Self { weights, parameters, optimiser: AdamW { first, second }, decays }
    }

    /// Takes step number `step`, counted from 0, of `steps`, and gives the loss before it. A batch without a masked
    /// token gives 0 and leaves the weights alone.
    pub fn step(&mut self, batch: &MaskedBatch, step: u64, steps: u64, options: &TrainingOptions) -> f32 {
        if batch.positions.is_empty() {
            return 0.0;
        }
        let dropout = Dropout::new(Draws::new(options.seed, Purpose::Dropout, [step, 0]));
        let (loss, gradients) = self.gradients(batch, dropout);
        let rates = Rates {
            learning_rate: options.learning_rate_at(step, steps),
            weight_decay: options.weight_decay,
            max_gradient_norm: options.max_gradient_norm,
            step,
        };
        self.optimiser.step(&mut self.parameters, gradients, &self.decays, rates);
        loss
    }

    /// The loss of a batch and its gradients.
    pub(super) fn gradients(&self, batch: &MaskedBatch, dropout: Dropout) -> (f32, Vec<Tensor<B::InnerBackend, 2>>) {
        let parameters = self.parameters.iter().map(|inner| Tensor::from_inner(inner.clone()).require_grad());
        let model = DistilBert::<B>::new(self.weights.architecture(), parameters.collect());
        let loss = model.loss(batch, dropout);
        let mut gradients = loss.backward();
        let all = model.parameters().iter().map(|parameter| {
            let gradient = parameter.grad_remove(&mut gradients);
            gradient.unwrap_or_else(|| parameter.clone().inner().zeros_like())
        });
        (loss.inner().into_scalar().elem(), all.collect())
    }

    /// The loss of a batch, without dropout.
    pub fn loss(&self, batch: &MaskedBatch) -> f32 {
        self.model().loss(batch, Dropout::NONE).into_scalar().elem()
    }

    pub(super) fn model(&self) -> DistilBert<B::InnerBackend> {
        DistilBert::new(self.weights.architecture(), self.parameters.clone())
    }

    /// The weights as they are now.
    pub fn weights(&mut self) -> &Weights {
        download(&self.parameters, self.weights.values_mut());
        &self.weights
    }

    /// The moments of the gradients as they are now, in the order of [`Weights::values`].
    pub(super) fn moments(&self) -> [Vec<f32>; 2] {
        [&self.optimiser.first, &self.optimiser.second].map(|tensors| {
            let mut values = vec![0.0; self.weights.values().len()];
            download(tensors, &mut values);
            values
        })
    }

    /// The vocabulary's size and the padding token.
    pub(super) fn vocabulary(&self) -> (usize, u32) {
        let architecture = self.weights.architecture();
        (architecture.vocab_size, architecture.pad_token_id)
    }
}
