//! A DistilBERT's encoder as an ONNX graph.

use std::f32::consts::SQRT_2;

use ndarray::{ArrayView1, ArrayView2};

use super::{Block, TensorName, Weights};
use crate::onnx::{Dimension, ElementType, Graph, OnnxModel, Value};

/// What is added to a variance before its root is taken.
const EPSILON: f32 = 1e-12;

impl Weights {
    /// The encoder, without the masked-language-model head, as an ONNX model that borrows the weights: from `input_ids`
    /// and `attention_mask` (int64 `[batch, length]`, 1 for a token and 0 for padding) to `last_hidden_state` (f32
    /// `[batch, length, dim]`), for any batch size and any length up to `max_position_embeddings`.
    pub fn onnx(&self) -> OnnxModel<'_> {
        let mut encoder = Encoder::new(self);
        let mut hidden = encoder.embeddings();
        for layer in 0..self.architecture().n_layers {
            hidden = encoder.attention(layer, hidden);
            hidden = encoder.feed_forward(layer, hidden);
        }
        let Encoder { mut graph, .. } = encoder;
        let width = self.architecture().dim.into();
        graph.output("last_hidden_state", hidden, ElementType::F32, &["batch".into(), "length".into(), width]);
        OnnxModel::new(graph)
    }
}

/// The graph under construction, with the values that all layers share.
struct Encoder<'w> {
    weights: &'w Weights,
    graph: Graph<'w>,
    input_ids: Value,
    /// `[batch, 1, 1, length]`: 0 for a token, the least f32 for padding.
    mask: Value,
    /// The shape `[batch, length, heads, width of a head]`; 0 is for an axis that stays.
    split: Value,
    /// The shape `[batch, length, dim]`.
    joined: Value,
    /// 1/√(width of a head).
    scale: Value,
    root_of_two: Value,
    one: Value,
    half: Value,
}

impl<'w> Encoder<'w> {
    fn new(weights: &'w Weights) -> Self {
        let architecture = weights.architecture();
        let (heads, width) = (architecture.n_heads, architecture.dim);
        let mut graph = Graph::new("DistilBERT");
        let shape: [Dimension; 2] = ["batch".into(), "length".into()];
        let input_ids = graph.input("input_ids", ElementType::I64, &shape);
        let attention_mask = graph.input("attention_mask", ElementType::I64, &shape);

        let mask = graph.node_with("Cast", &[attention_mask], &[("to", ElementType::F32.number().into())]);
        let axes = graph.integers(&[1, 2]);
        let mask = graph.node("Unsqueeze", &[mask, axes]);
        let (one, least) = (graph.constant(1.0f32), graph.constant(f32::MIN));
        let padding = graph.node("Sub", &[one, mask]);
        let mask = graph.node("Mul", &[padding, least]);

        let split = graph.integers(&[0, 0, heads as i64, (width / heads) as i64]);
        let joined = graph.integers(&[0, 0, width as i64]);
        let scale = graph.constant(1.0 / ((width / heads) as f32).sqrt());
        let (root_of_two, half) = (graph.constant(SQRT_2), graph.constant(0.5f32));
        Self { weights, graph, input_ids, mask, split, joined, scale, root_of_two, one, half }
    }

    /// Sum of the tokens' and the positions' vectors, normalised.
    fn embeddings(&mut self) -> Value {
        let (words, positions) = (self.matrix(TensorName::WordEmbeddings), self.matrix(TensorName::PositionEmbeddings));
        let words = self.graph.weight(&TensorName::WordEmbeddings.name(), words);
        let positions = self.graph.weight(&TensorName::PositionEmbeddings.name(), positions);
        let words = self.graph.node("Gather", &[words, self.input_ids]);
        let shape = self.graph.node("Shape", &[self.input_ids]);
        let (zero, one, two) = (self.graph.integers(&[0]), self.graph.integers(&[1]), self.graph.integers(&[2]));
        let length = self.graph.node("Slice", &[shape, one, two]);
        // A Slice, and not a Gather of a Range, which ONNX Runtime 1.32 rewrites as an invalid Slice.
        let positions = self.graph.node("Slice", &[positions, zero, length, zero]);
        let sum = self.graph.node("Add", &[words, positions]);
        self.norm(Block::EmbeddingNorm, sum)
    }

    /// Multi-head attention, added to its input and normalised.
    fn attention(&mut self, layer: usize, hidden: Value) -> Value {
        let [query, key, value] = [
            (Block::Query(layer), [0, 2, 1, 3]),
            (Block::Key(layer), [0, 2, 3, 1]),
            (Block::Value(layer), [0, 2, 1, 3]),
        ]
        .map(|(block, permutation)| {
            let projected = self.linear(block, hidden);
            let heads = self.graph.node("Reshape", &[projected, self.split]);
            self.graph.node_with("Transpose", &[heads], &[("perm", permutation.into())])
        });
        let query = self.graph.node("Mul", &[query, self.scale]);
        let scores = self.graph.node("MatMul", &[query, key]);
        let scores = self.graph.node("Add", &[scores, self.mask]);
        let shares = self.graph.node_with("Softmax", &[scores], &[("axis", (-1).into())]);
        let context = self.graph.node("MatMul", &[shares, value]);
        let context = self.graph.node_with("Transpose", &[context], &[("perm", [0, 2, 1, 3].into())]);
        let context = self.graph.node("Reshape", &[context, self.joined]);
        let attention = self.linear(Block::AttentionOutput(layer), context);
        let sum = self.graph.node("Add", &[attention, hidden]);
        self.norm(Block::AttentionNorm(layer), sum)
    }

    /// The two feed-forward layers, added to their input and normalised.
    fn feed_forward(&mut self, layer: usize, hidden: Value) -> Value {
        let wide = self.linear(Block::Expand(layer), hidden);
        let activated = self.gelu(wide);
        let narrow = self.linear(Block::Contract(layer), activated);
        let sum = self.graph.node("Add", &[narrow, hidden]);
        self.norm(Block::OutputNorm(layer), sum)
    }

    /// x · (1 + erf(x/√2)) · ½, in the form that ONNX Runtime fuses into one operator.
    fn gelu(&mut self, x: Value) -> Value {
        let scaled = self.graph.node("Div", &[x, self.root_of_two]);
        let erf = self.graph.node("Erf", &[scaled]);
        let bell = self.graph.node("Add", &[erf, self.one]);
        let product = self.graph.node("Mul", &[x, bell]);
        self.graph.node("Mul", &[product, self.half])
    }

    fn linear(&mut self, block: Block, x: Value) -> Value {
        let weight = self.matrix(TensorName::Weight(block));
        let weight = self.graph.weight(&format!("{}.weight.transposed", block.name()), weight.reversed_axes());
        let bias = self.vector(TensorName::Bias(block));
        let product = self.graph.node("MatMul", &[x, weight]);
        self.graph.node("Add", &[product, bias])
    }

    fn norm(&mut self, block: Block, x: Value) -> Value {
        let (scale, shift) = (self.vector(TensorName::Weight(block)), self.vector(TensorName::Bias(block)));
        let attributes = [("axis", (-1).into()), ("epsilon", EPSILON.into())];
        self.graph.node_with("LayerNormalization", &[x, scale, shift], &attributes)
    }

    fn vector(&mut self, tensor: TensorName) -> Value {
        self.graph.weight(&tensor.name(), ArrayView1::from(self.weights.tensor(tensor)))
    }

    fn matrix(&self, tensor: TensorName) -> ArrayView2<'w, f32> {
        let shape = self.weights.architecture().shape(tensor);
        let values = ArrayView2::from_shape([shape[0], shape[1]], self.weights.tensor(tensor));
        values.expect("the tensor has the shape that its architecture gives it")
    }
}
