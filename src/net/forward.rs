//! The way forward in training.

use rayon::prelude::*;

use super::activations::Activations;
use super::adamw::disjoint;
use super::inputs::Inputs;
use super::kernels::{GATHERED_TILES, GROUP, Gather, Instructions, NormForward, PAIR, Product, WeightedSum};
use super::network::{DENSE_AT_ZERO, Network};
use super::parameters::{EMBEDDED, LinearPlan, NormPlan};
use super::tiles::{COLUMNS, Row};
use crate::features::Layout;

/// `l1(x)` and `p`: weights `[inputs + EMBEDDED, 2 × tiles]`, biases of all tiles.
pub(super) struct FirstLayer<'a> {
    pub(super) weight: &'a [Row],
    pub(super) bias: &'a [Row],
    /// Rows of `weight` in a tile.
    pub(super) rows: usize,
    /// Where the Fourier terms begin among the rows.
    pub(super) dense: usize,
    pub(super) inputs: &'a Inputs,
    pub(super) embedded: &'a [Row],
    pub(super) padded: usize,
}

impl FirstLayer<'_> {
    /// Fills all tiles of outputs: `l1(x)`, then `p`.
    pub(super) fn fill(&self, instructions: Instructions, out: &mut [Row]) {
        let out = out.par_chunks_mut(GATHERED_TILES * self.padded);
        let weights = self.weight.par_chunks(GATHERED_TILES * self.rows);
        let tiles = out.zip(weights).zip(self.bias.par_chunks(GATHERED_TILES));
        tiles.for_each(|((out, weights), bias)| self.tiles(instructions, weights, bias, out));
    }

    /// Fills some tiles of outputs.
    fn tiles(&self, instructions: Instructions, weights: &[Row], bias: &[Row], out: &mut [Row]) {
        let records = self.inputs.records;
        let sparse = self.rows - EMBEDDED;
        let tiles = out.chunks_exact_mut(self.padded).zip(weights.chunks_exact(self.rows));
        for ((out, weights), bias) in tiles.zip(bias) {
            let (rows, mut start) = (&weights[self.dense..sparse], Row::ZERO);
            instructions.run(WeightedSum { start: bias, scalars: &DENSE_AT_ZERO, rows, out: &mut start });
            instructions.run(Product {
                start: &[start],
                vectors: &weights[sparse..],
                tile_stride: 0,
                vector_stride: COLUMNS,
                scalars: self.embedded,
                scalar_stride: self.padded,
                count: 3 * Layout::EMBEDDING,
                rows: records.next_multiple_of(GROUP),
                out,
                out_stride: 0,
            });
        }
        instructions.run(Gather {
            entries: &self.inputs.by_record.entries,
            starts: &self.inputs.by_record.starts,
            records,
            weights,
            weight_rows: self.rows,
            out,
            out_rows: self.padded,
        });
    }
}

/// Copies the records' embeddings side by side: language, hour, day.
pub(super) fn embed(tables: [&[Row]; 3], inputs: &Inputs, embedded: &mut [Row]) {
    let padded = inputs.padded();
    for (number, (table, ids)) in tables.into_iter().zip(&inputs.ids).enumerate() {
        for (record, &id) in ids.iter().enumerate() {
            for (place, value) in table[id as usize].0[..Layout::EMBEDDING].iter().enumerate() {
                let column = number * Layout::EMBEDDING + place;
                embedded[column / COLUMNS * padded + record].0[column % COLUMNS] = *value;
            }
        }
    }
}

/// Runs a batch through the first layer.
pub(super) fn first_layer(instructions: Instructions, network: &Network, inputs: &Inputs, values: &mut Activations) {
    let Network { shape, plan, values: buffer } = network;
    let padded = inputs.padded();
    values.resize(*shape, padded);
    embed(plan.embeddings.map(|region| &buffer[region.range()]), inputs, &mut values.embedded);
    let layer = FirstLayer {
        weight: &buffer[plan.first.weight.range()],
        bias: &buffer[plan.first.bias.range()],
        rows: plan.first.weight.rows,
        dense: shape.layout.sparse(),
        inputs,
        embedded: &values.embedded,
        padded,
    };
    layer.fill(instructions, &mut values.first);
}

/// Runs a batch on from the first layer to the logits with the batch's own statistics, which also enter the running ones.
pub(super) fn hidden_layers(
    instructions: Instructions,
    network: &mut Network,
    inputs: &Inputs,
    values: &mut Activations,
) {
    let Network { shape, plan, values: buffer } = network;
    let batch = BatchForward { instructions, records: inputs.records, padded: inputs.padded() };
    let Activations { first, z: [z2, z3, z4], h: [h1, h2, h3, h4], mean, inverse_deviation, logits, .. } = values;
    let (l1, p) = first.split_at_mut(batch.padded * shape.tiles());
    let mut statistics = mean.iter_mut().zip(inverse_deviation).zip(plan.norms);
    let mut normalise = |z: &mut [Row], skip: Option<&[Row]>, h: &mut [Row], buffer: &mut [Row]| {
        let ((mean, inverse_deviation), norm) = statistics.next().expect("four normalisations");
        batch.normalise(norm, buffer, z, skip, [mean, inverse_deviation], h);
    };
    normalise(l1, None, h1, buffer);
    batch.linear(plan.hidden[0], shape.hidden, buffer, h1, z2);
    normalise(z2, Some(p), h2, buffer);
    batch.linear(plan.hidden[1], shape.hidden, buffer, h2, z3);
    normalise(z3, Some(p), h3, buffer);
    batch.linear(plan.hidden[2], shape.hidden, buffer, h3, z4);
    normalise(z4, Some(h1), h4, buffer);
    batch.linear(plan.output, shape.hidden, buffer, h4, logits);
}

/// What all layers need to know of a batch.
#[derive(Clone, Copy)]
struct BatchForward {
    instructions: Instructions,
    records: usize,
    padded: usize,
}

impl BatchForward {
    fn linear(self, plan: LinearPlan, inputs: usize, buffer: &[Row], input: &[Row], out: &mut [Row]) {
        let weights = buffer[plan.weight.range()].par_chunks(PAIR * plan.weight.rows);
        let biases = buffer[plan.bias.range()].par_chunks(PAIR);
        let pairs = out.par_chunks_mut(PAIR * self.padded).zip(weights).zip(biases);
        pairs.for_each(|((out, weights), start)| {
            self.instructions.run(Product {
                start,
                vectors: weights,
                tile_stride: plan.weight.rows,
                vector_stride: COLUMNS,
                scalars: input,
                scalar_stride: self.padded,
                count: inputs,
                rows: self.records.next_multiple_of(GROUP),
                out,
                out_stride: self.padded,
            });
        });
    }

    fn normalise(
        self,
        plan: NormPlan,
        buffer: &mut [Row],
        z: &mut [Row],
        skip: Option<&[Row]>,
        [mean, inverse_deviation]: [&mut [Row]; 2],
        out: &mut [Row],
    ) {
        let regions = [plan.weight, plan.bias, plan.running_mean, plan.running_variance];
        let [weight, bias, running_mean, running_variance] = disjoint(buffer, regions);
        let tiles = z.par_chunks_exact_mut(self.padded).zip(out.par_chunks_exact_mut(self.padded));
        let running = running_mean.par_iter_mut().zip(running_variance);
        let batch = mean.par_iter_mut().zip(inverse_deviation);
        let tiles = tiles.zip(running).zip(batch).zip(weight.par_iter().zip(bias)).enumerate();
        tiles.for_each(
            |(tile, ((((z, out), (running_mean, running_variance)), (mean, inverse_deviation)), affine))| {
                self.instructions.run(NormForward {
                    z: &mut z[..self.records],
                    skip: skip.map(|skip| &skip[tile * self.padded..]),
                    weight: affine.0,
                    bias: affine.1,
                    running_mean,
                    running_variance,
                    mean,
                    inverse_deviation,
                    out,
                });
            },
        );
    }
}
