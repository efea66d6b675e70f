//! The forward pass in training.

use rayon::prelude::*;
use skimlog_features::input::Layout;

use super::activations::Activations;
use super::adamw::disjoint;
use super::inputs::Inputs;
use super::kernels::{GATHERED_TILES, GROUP, Gather, Instructions, NormForward, PAIR, Product, WeightedSum};
use super::network::{DENSE_AT_ZERO, Network};
use super::parameters::{EMBEDDED, LinearLayout};
use super::tiles::{COLUMNS, Row};

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
            lists: &self.inputs.by_record,
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
            for (dimension, value) in table[id as usize].0[..Layout::EMBEDDING].iter().enumerate() {
                let column = number * Layout::EMBEDDING + dimension;
                embedded[column / COLUMNS * padded + record].0[column % COLUMNS] = *value;
            }
        }
    }
}

/// Runs a batch through the first layer.
pub(super) fn first_layer(instructions: Instructions, network: &Network, inputs: &Inputs, values: &mut Activations) {
    let Network { shape, layout, values: buffer } = network;
    let padded = inputs.padded();
    values.resize(*shape, padded);
    embed(layout.embeddings.map(|region| &buffer[region.range()]), inputs, &mut values.embedded);
    let layer = FirstLayer {
        weight: &buffer[layout.first.weight.range()],
        bias: &buffer[layout.first.bias.range()],
        rows: layout.first.weight.rows,
        dense: shape.layout.sparse(),
        inputs,
        embedded: &values.embedded,
        padded,
    };
    layer.fill(instructions, &mut values.first);
}

/// Runs a batch on from the first layer to the logits with the batch's own statistics, which also enter the running
/// ones.
pub(super) fn hidden_layers(
    instructions: Instructions,
    network: &mut Network,
    inputs: &Inputs,
    values: &mut Activations,
) {
    let Network { shape, layout, values: buffer } = network;
    let batch = BatchForward { instructions, records: inputs.records, padded: inputs.padded() };
    let Activations { first, z: [z2, z3, z4], h: [h1, h2, h3, h4], mean, inverse_deviation, logits, .. } = values;
    let (l1, p) = first.split_at_mut(batch.padded * shape.tiles());
    let mut statistics = mean.iter_mut().zip(inverse_deviation).zip(layout.norms);
    let mut next = || {
        let ((mean, inverse_deviation), norm) = statistics.next().expect("four normalisations");
        ([mean.as_mut_slice(), inverse_deviation.as_mut_slice()], norm.regions())
    };
    let (statistics, norm) = next();
    batch.normalise(disjoint(buffer, norm), statistics, l1, None, h1, |_, _| {});
    let mut layer =
        |layout: LinearLayout, input: &[Row], z: &mut [Row], skip: &[Row], h: &mut [Row], buffer: &mut [Row]| {
            let (statistics, [scale, shift, mean, variance]) = next();
            let regions = [layout.weight, layout.bias, scale, shift, mean, variance];
            let [weight, bias, norm @ ..] = disjoint(buffer, regions);
            let linear = Linear { weight, rows: layout.weight.rows, bias, input, inputs: shape.hidden };
            batch.normalise(norm, statistics, z, Some(skip), h, |pair, z| batch.linear(linear, pair, z));
        };
    layer(layout.hidden[0], h1, z2, p, h2, buffer);
    layer(layout.hidden[1], h2, z3, p, h3, buffer);
    layer(layout.hidden[2], h3, z4, h1, h4, buffer);
    let LinearLayout { weight, bias } = layout.output;
    let [weight_rows, bias] = [weight, bias].map(|region| &buffer[region.range()]);
    batch.linear(Linear { weight: weight_rows, rows: weight.rows, bias, input: h4, inputs: shape.hidden }, 0, logits);
}

/// A linear layer and what goes into it.
#[derive(Clone, Copy)]
struct Linear<'a> {
    weight: &'a [Row],
    /// Rows of `weight` in a tile.
    rows: usize,
    bias: &'a [Row],
    input: &'a [Row],
    inputs: usize,
}

/// What all layers need to know of a batch.
#[derive(Clone, Copy)]
struct BatchForward {
    instructions: Instructions,
    records: usize,
    padded: usize,
}

impl BatchForward {
    /// Fills a pair of tiles.
    fn linear(self, layer: Linear<'_>, pair: usize, out: &mut [Row]) {
        let first = pair * PAIR;
        let tiles = out.len() / self.padded;
        self.instructions.run(Product {
            start: &layer.bias[first..first + tiles],
            vectors: &layer.weight[first * layer.rows..],
            tile_stride: layer.rows,
            vector_stride: COLUMNS,
            scalars: layer.input,
            scalar_stride: self.padded,
            count: layer.inputs,
            rows: self.records.next_multiple_of(GROUP),
            out,
            out_stride: self.padded,
        });
    }

    /// Normalises what `fill` puts into each pair of tiles of `z`.
    fn normalise(
        self,
        norm: [&mut [Row]; 4],
        statistics: [&mut [Row]; 2],
        z: &mut [Row],
        skip: Option<&[Row]>,
        out: &mut [Row],
        fill: impl Fn(usize, &mut [Row]) + Sync,
    ) {
        let size = PAIR * self.padded;
        let [weight, bias, running_mean, running_variance] = norm.map(|rows| rows.par_chunks_mut(PAIR));
        let [mean, inverse_deviation] = statistics.map(|rows| rows.par_chunks_mut(PAIR));
        let pairs = z.par_chunks_mut(size).zip(out.par_chunks_mut(size)).zip(weight.zip(bias));
        let pairs = pairs.zip(running_mean.zip(running_variance)).zip(mean.zip(inverse_deviation)).enumerate();
        pairs.for_each(|(pair, ((((z, out), affine), running), batch))| {
            fill(pair, z);
            let tiles = z.chunks_exact_mut(self.padded).zip(out.chunks_exact_mut(self.padded)).enumerate();
            for (member, (z, out)) in tiles {
                self.instructions.run(NormForward {
                    z: &mut z[..self.records],
                    skip: skip.map(|skip| &skip[(pair * PAIR + member) * self.padded..]),
                    weight: &affine.0[member],
                    bias: &affine.1[member],
                    running_mean: &mut running.0[member],
                    running_variance: &mut running.1[member],
                    mean: &mut batch.0[member],
                    inverse_deviation: &mut batch.1[member],
                    out,
                });
            }
        });
    }
}
