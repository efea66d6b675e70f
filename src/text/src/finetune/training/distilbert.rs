//! The computation: DistilBERT (Sanh et al. 2019) and its masked-language-model loss, on any of burn's backends.

use std::collections::HashMap;

use burn_tensor::activation::{gelu, log_softmax, softmax};
use burn_tensor::backend::Backend;
use burn_tensor::{Int, Tensor, TensorData};

use super::dropout::Dropout;
use super::masking::MaskedBatch;
use crate::distilbert::{Architecture, Block, TensorName, Weights};

/// Added to the variance in layer normalisation.
const EPSILON: f64 = 1e-12;
/// Added to the scores of padding. Finite, so that the difference of two of them is defined.
const UNATTENDED: f32 = -1e30;

/// A model's tensors, each of two dimensions: a vector is a matrix of one row.
pub(super) struct DistilBert<B: Backend> {
    architecture: Architecture,
    index: HashMap<TensorName, usize>,
    parameters: Vec<Tensor<B, 2>>,
}

impl<B: Backend> DistilBert<B> {
    /// Tensors in the order of [`Architecture::tensors`].
    pub(super) fn new(architecture: &Architecture, parameters: Vec<Tensor<B, 2>>) -> Self {
        let index = architecture.tensors().zip(0..).collect();
        Self { architecture: architecture.clone(), index, parameters }
    }

    pub(super) fn parameters(&self) -> &[Tensor<B, 2>] {
        &self.parameters
    }

    fn parameter(&self, name: TensorName) -> Tensor<B, 2> {
        self.parameters[self.index[&name]].clone()
    }

    fn linear(&self, block: Block, x: Tensor<B, 2>) -> Tensor<B, 2> {
        x.matmul(self.parameter(TensorName::Weight(block)).transpose()) + self.parameter(TensorName::Bias(block))
    }

    fn norm(&self, block: Block, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let centred = x.clone() - x.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        let scaled = centred / (variance + EPSILON).sqrt();
        scaled * self.parameter(TensorName::Weight(block)) + self.parameter(TensorName::Bias(block))
    }

    /// Last hidden states, `[rows × length, dim]`.
    pub(super) fn hidden_states(&self, batch: &MaskedBatch, dropout: Dropout) -> Tensor<B, 2> {
        let Architecture { dim, dropout: share, n_layers, .. } = self.architecture;
        let (rows, length) = (batch.rows, batch.length);
        let words = self.parameter(TensorName::WordEmbeddings);
        let device = words.device();
        let x = words.select(0, indices(&batch.ids, &device)).reshape([rows, length, dim]);
        let positions = self.parameter(TensorName::PositionEmbeddings).slice([0..length, 0..dim]);
        let x = (x + positions.reshape([1, length, dim])).reshape([rows * length, dim]);
        let mut x = dropout.apply(self.norm(Block::EmbeddingNorm, x), share, 0);
        let scores = batch.attention.iter().any(|attended| !attended).then(|| {
            let scores = batch.attention.iter().map(|&attended| if attended { 0.0 } else { UNATTENDED });
            Tensor::<B, 4>::from_data(TensorData::new(scores.collect::<Vec<f32>>(), [rows, 1, 1, length]), &device)
        });
        for layer in 0..n_layers {
            let attended = self.attention(layer, batch, x.clone(), scores.clone(), dropout);
            x = self.norm(Block::AttentionNorm(layer), attended + x);
            let expanded = gelu(self.linear(Block::Expand(layer), x.clone()));
            let contracted = self.linear(Block::Contract(layer), expanded);
            let contracted = dropout.apply(contracted, share, 2 * layer as u64 + 2);
            x = self.norm(Block::OutputNorm(layer), contracted + x);
        }
        x
    }

    fn attention(
        &self,
        layer: usize,
        batch: &MaskedBatch,
        x: Tensor<B, 2>,
        unattended: Option<Tensor<B, 4>>,
        dropout: Dropout,
    ) -> Tensor<B, 2> {
        let Architecture { dim, n_heads, attention_dropout, .. } = self.architecture;
        let width = dim / n_heads;
        let heads = |block| {
            let all = self.linear(block, x.clone());
            all.reshape([batch.rows, batch.length, n_heads, width]).swap_dims(1, 2)
        };
        let query = heads(Block::Query(layer)) / (width as f64).sqrt();
        let mut scores = query.matmul(heads(Block::Key(layer)).transpose());
        if let Some(unattended) = unattended {
            scores = scores + unattended;
        }
        let weights = dropout.apply(softmax(scores, 3), attention_dropout, 2 * layer as u64 + 1);
        let context = weights.matmul(heads(Block::Value(layer)));
        let context = context.swap_dims(1, 2).reshape([batch.rows * batch.length, dim]);
        self.linear(Block::AttentionOutput(layer), context)
    }

    /// Mean cross entropy of the masked tokens, `[1]`. Logits are computed for them alone, since the others do not
    /// enter the loss.
    pub(super) fn loss(&self, batch: &MaskedBatch, dropout: Dropout) -> Tensor<B, 1> {
        let hidden = self.hidden_states(batch, dropout);
        let device = hidden.device();
        let x = hidden.select(0, indices(&batch.positions, &device));
        let x = self.norm(Block::TransformNorm, gelu(self.linear(Block::Transform, x)));
        let logits = x.matmul(self.parameter(TensorName::WordEmbeddings).transpose());
        let logits = logits + self.parameter(TensorName::Bias(Block::Projector));
        let targets = indices::<B>(&batch.targets, &device).reshape([batch.targets.len(), 1]);
        log_softmax(logits, 1).gather(1, targets).mean().neg()
    }
}

fn indices<B: Backend>(indices: &[u32], device: &B::Device) -> Tensor<B, 1, Int> {
    let indices: Vec<i64> = indices.iter().map(|&index| i64::from(index)).collect();
    let len = indices.len();
    Tensor::from_data(TensorData::new(indices, [len]), device)
}

/// A model's tensors on a device.
pub(super) fn upload<B: Backend>(weights: &Weights, values: &[f32], device: &B::Device) -> Vec<Tensor<B, 2>> {
    let tensor = |tensor: TensorName| {
        let shape = weights.architecture().shape(tensor);
        let columns = shape[shape.len() - 1];
        let values = values[weights.range(tensor)].to_vec();
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    };
    weights.tensors().map(tensor).collect()
}

/// The tensors' numbers, one after the other.
pub(super) fn download<B: Backend>(tensors: &[Tensor<B, 2>], values: &mut [f32]) {
    let mut rest = values;
    for tensor in tensors {
        let data = tensor.to_data();
        let numbers = data.as_slice::<f32>().expect("the backends compute in single precision");
        let (values, after) = rest.split_at_mut(numbers.len());
        values.copy_from_slice(numbers);
        rest = after;
    }
}
