//! A network made ready for prediction: batch normalisation folded away.

use rayon::prelude::*;

use super::error::NetError;
use super::forward::{FirstLayer, embed};
use super::inputs::Inputs;
use super::kernels::{ActivateEvaluation, EPSILON, GROUP, Instructions, Product};
use super::loss::by_reaction;
use super::network::Network;
use super::parameters::{EMBEDDED, LinearPlan, Plan};
use super::shape::Shape;
use super::tiles::{COLUMNS, Row};
use crate::features::Batch;
use skimmer_formats::PerReaction;

/// A network made ready for prediction, with the memory that a batch needs.
///
/// Every batch normalisation `scale × u + shift` is folded into the weights and the bias of the linear layer behind it;
/// only the skip connection from `h1` keeps its own scale and shift. Runs on the current rayon thread pool; the result
/// is the same for any number of threads and any batch size.
pub struct Inference {
    shape: Shape,
    plan: Plan,
    /// Parameters in the network's plan, folded.
    values: Vec<Row>,
    skip_scale: Vec<Row>,
    skip_shift: Vec<Row>,
    instructions: Instructions,
    inputs: Inputs,
    embedded: Vec<Row>,
    first: Vec<Row>,
    hidden: [Vec<Row>; 2],
    logits: Vec<Row>,
}

impl Inference {
    /// Folds a network.
    pub fn new(network: &Network) -> Self {
        Self::with_instructions(network, Instructions::best())
    }

    pub(super) fn with_instructions(network: &Network, instructions: Instructions) -> Self {
        let Network { shape, plan, values } = network.clone();
        let mut inference = Self {
            shape,
            plan,
            values,
            skip_scale: Vec::new(),
            skip_shift: Vec::new(),
            instructions,
            inputs: Inputs::default(),
            embedded: Vec::new(),
            first: Vec::new(),
            hidden: Default::default(),
            logits: Vec::new(),
        };
        let [l2, l3, l4] = inference.plan.hidden;
        let layers = [l2, l3, l4, inference.plan.output];
        for (number, layer) in layers.into_iter().enumerate() {
            let (scale, shift) = inference.affine(number);
            inference.fold(layer, &scale, &shift);
            if number == 0 {
                let rows = |values: Vec<f64>| {
                    values.as_chunks().0.iter().map(|row: &[f64; COLUMNS]| Row(row.map(|value| value as f32))).collect()
                };
                (inference.skip_scale, inference.skip_shift) = (rows(scale), rows(shift));
            }
        }
        inference
    }

    /// Scale and shift of a batch normalisation with its running statistics.
    fn affine(&self, number: usize) -> (Vec<f64>, Vec<f64>) {
        let norm = self.plan.norms[number];
        let column = |region: super::tiles::Region| {
            self.values[region.range()].iter().flat_map(|row| row.0).map(f64::from).collect::<Vec<_>>()
        };
        let (weight, bias) = (column(norm.weight), column(norm.bias));
        let (mean, variance) = (column(norm.running_mean), column(norm.running_variance));
        let scale: Vec<f64> = weight
            .iter()
            .zip(variance)
            .map(|(weight, variance)| weight / (variance + f64::from(EPSILON)).sqrt())
            .collect();
        let shift = bias.iter().zip(mean).zip(&scale).map(|((bias, mean), scale)| bias - mean * scale).collect();
        (scale, shift)
    }

    /// `W (scale × u + shift) + b` becomes `W' u + b'`.
    fn fold(&mut self, layer: LinearPlan, scale: &[f64], shift: &[f64]) {
        for tile in 0..layer.weight.tiles {
            let mut bias = self.values[layer.bias.start + tile].0.map(f64::from);
            let weights = &mut self.values[layer.weight.range()][tile * layer.weight.rows..][..layer.weight.rows];
            for ((row, scale), shift) in weights.iter_mut().zip(scale).zip(shift) {
                for (weight, bias) in row.0.iter_mut().zip(&mut bias) {
                    *bias += f64::from(*weight) * shift;
                    *weight = (f64::from(*weight) * scale) as f32;
                }
            }
            self.values[layer.bias.start + tile] = Row(bias.map(|value| value as f32));
        }
    }

    /// The logits of a batch's records, one after the other, in place of what `out` held.
    ///
    /// # Errors
    ///
    /// [`NetError::Batch`] for a batch that does not fit the network.
    pub fn logits(&mut self, batch: &Batch, out: &mut Vec<PerReaction<f32>>) -> Result<(), NetError> {
        out.clear();
        if batch.rows == 0 {
            return Ok(());
        }
        self.inputs.fill(batch, self.shape, false)?;
        let (tiles, padded) = (self.shape.tiles(), self.inputs.padded());
        self.embedded.resize(EMBEDDED / COLUMNS * padded, Row::ZERO);
        self.first.resize(2 * tiles * padded, Row::ZERO);
        self.hidden.iter_mut().for_each(|rows| rows.resize(tiles * padded, Row::ZERO));
        self.logits.resize(padded, Row::ZERO);

        let Self { plan, values, instructions, inputs, embedded, first, hidden: [even, odd], logits, .. } = self;
        embed(plan.embeddings.map(|region| &values[region.range()]), inputs, embedded);
        FirstLayer {
            weight: &values[plan.first.weight.range()],
            bias: &values[plan.first.bias.range()],
            rows: plan.first.weight.rows,
            sketch: self.shape.layout.sketch(),
            inputs,
            embedded,
            padded,
        }
        .fill(*instructions, first);
        let (u1, p) = first.split_at_mut(tiles * padded);
        u1.par_chunks_exact_mut(padded).for_each(|z| {
            instructions.run(ActivateEvaluation { z: &mut z[..inputs.records], skip: None, affine: None });
        });
        let layer =
            Layer { instructions: *instructions, values, width: self.shape.hidden, records: inputs.records, padded };
        layer.run(plan.hidden[0], u1, even, Skip::Plain(p));
        layer.run(plan.hidden[1], even, odd, Skip::Plain(p));
        layer.run(plan.hidden[2], odd, even, Skip::Scaled(u1, &self.skip_scale, &self.skip_shift));
        layer.run(plan.output, even, logits, Skip::Output);
        out.extend(by_reaction(&logits[..inputs.records]));
        Ok(())
    }
}

/// What is added to a layer's output in front of the rectifier.
enum Skip<'a> {
    Plain(&'a [Row]),
    Scaled(&'a [Row], &'a [Row], &'a [Row]),
    /// Nothing, and no rectifier either.
    Output,
}

struct Layer<'a> {
    instructions: Instructions,
    values: &'a [Row],
    width: usize,
    records: usize,
    padded: usize,
}

impl Layer<'_> {
    fn run(&self, plan: LinearPlan, input: &[Row], out: &mut [Row], skip: Skip<'_>) {
        let (records, padded) = (self.records, self.padded);
        let weights = self.values[plan.weight.range()].par_chunks_exact(plan.weight.rows);
        let tiles = out.par_chunks_exact_mut(padded).zip(weights).zip(&self.values[plan.bias.range()]).enumerate();
        tiles.for_each(|(tile, ((out, vectors), start))| {
            self.instructions.run(Product {
                start,
                vectors,
                vector_stride: COLUMNS,
                scalars: input,
                scalar_stride: padded,
                count: self.width,
                out: &mut out[..records.next_multiple_of(GROUP)],
            });
            let (skip, affine) = match &skip {
                Skip::Plain(rows) => (&rows[tile * padded..], None),
                Skip::Scaled(rows, scale, shift) => (&rows[tile * padded..], Some([&scale[tile], &shift[tile]])),
                Skip::Output => return,
            };
            self.instructions.run(ActivateEvaluation { z: &mut out[..records], skip: Some(skip), affine });
        });
    }
}
