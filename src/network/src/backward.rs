//! The backward pass: gradients from layer to layer, and AdamW on every parameter as soon as its gradient is complete.
//!
//! A layer's weights are changed only after the gradient has passed through them.

use rayon::prelude::*;
use skimlog_features::input::Layout;

use super::activations::{Activations, Gradients};
use super::adamw::Trainable;
use super::inputs::Inputs;
use super::kernels::{
    AddRows, ColumnSums, GatherStep, Instructions, NormBackward, PAIR, Product, Slots, Update, UpdateRows, WeightStep,
};
use super::parameters::{EMBEDDED, LinearLayout, ParameterLayout};
use super::shape::Shape;
use super::tiles::{COLUMNS, Region, Row, transpose_blocks};

/// Width of the output layer.
const OUTPUTS: usize = 4;

/// One batch's way back.
pub(super) struct Backward<'a> {
    pub(super) instructions: Instructions,
    pub(super) shape: Shape,
    pub(super) layout: &'a ParameterLayout,
    pub(super) inputs: &'a Inputs,
    pub(super) values: &'a Activations,
    pub(super) update: &'a Update,
    /// What the first layer subtracts from its sparse inputs.
    pub(super) at_zero: &'a [f32],
}

/// The layer that a gradient comes from.
#[derive(Clone, Copy)]
struct Above<'a> {
    weight: Region,
    outputs: usize,
    /// Gradient of its outputs, in transposed blocks.
    blocks: &'a [Row],
    /// Zeros for as many blocks of records.
    zeros: &'a [Row],
}

/// A linear layer that is stepped.
#[derive(Clone, Copy)]
struct Linear<'a> {
    layout: LinearLayout,
    input: &'a [Row],
    /// Gradient of its outputs.
    gradient: &'a [Row],
}

/// A hidden layer and where its gradient goes.
struct Layer<'a> {
    number: usize,
    z: &'a [Row],
    further: Option<&'a [Row]>,
    gradient: &'a mut [Row],
    blocks: &'a mut [Row],
}

impl Backward<'_> {
    /// From the gradient of the logits to those of `l1(x)` and `p`; steps everything behind the first layer.
    pub(super) fn hidden_layers(&self, parameters: &mut Trainable<'_>, gradients: &mut Gradients) {
        let padded = self.inputs.padded();
        let Activations { first, z: [z2, z3, z4], h: [h1, h2, h3, h4], .. } = self.values;
        let l1 = &first[..first.len() / 2];
        let Gradients { logits, logits_blocks, first, first_blocks, zeros, .. } = gradients;
        let ([dz2, dz3, dz4], [blocks2, blocks3, blocks4]) = (&mut gradients.z, &mut gradients.z_blocks);
        let half = first.len() / 2;
        let ((dl1, dp), (l1_blocks, p_blocks)) = (first.split_at_mut(half), first_blocks.split_at_mut(half));
        let hidden = |layer: usize, blocks| Above {
            weight: self.layout.hidden[layer].weight,
            outputs: self.shape.hidden,
            blocks,
            zeros,
        };

        transpose_blocks(logits, logits_blocks);
        // A linear layer is stepped once the gradient has passed through it, while that goes on to the layer before.
        let above = Above { weight: self.layout.output.weight, outputs: OUTPUTS, blocks: logits_blocks, zeros };
        let layer = Layer { number: 3, z: z4, further: None, gradient: dz4, blocks: blocks4 };
        self.layer(parameters, None, above, layer);
        let linear = Linear { layout: self.layout.output, input: h4, gradient: logits };
        let layer = Layer { number: 2, z: z3, further: None, gradient: dz3, blocks: blocks3 };
        self.layer(parameters, Some(linear), hidden(2, blocks4), layer);
        let linear = Linear { layout: self.layout.hidden[2], input: h3, gradient: dz4 };
        let layer = Layer { number: 1, z: z2, further: None, gradient: dz2, blocks: blocks2 };
        self.layer(parameters, Some(linear), hidden(1, blocks3), layer);
        let linear = Linear { layout: self.layout.hidden[1], input: h2, gradient: dz3 };
        // h1 also enters the fourth layer, right in front of the rectifier; so does p the second and the third.
        let layer = Layer { number: 0, z: l1, further: Some(dz4), gradient: dl1, blocks: l1_blocks };
        self.layer(parameters, Some(linear), hidden(0, blocks2), layer);
        let [weight, bias] = parameters.regions([self.layout.hidden[0].weight, self.layout.hidden[0].bias]);
        self.linear(weight, bias, Linear { layout: self.layout.hidden[0], input: h1, gradient: dz2 });
        let out = dp.par_chunks_exact_mut(padded).zip(p_blocks.par_chunks_exact_mut(padded));
        let terms = dz2.par_chunks_exact(padded).zip(dz3.par_chunks_exact(padded));
        out.zip(terms).for_each(|((out, blocks), (a, b))| {
            self.instructions.run(AddRows { terms: [a, b], out });
            transpose_blocks(out, blocks);
        });
    }

    /// Takes the gradient through a layer, and steps a linear layer beside it.
    fn layer(&self, parameters: &mut Trainable<'_>, linear: Option<Linear<'_>>, above: Above<'_>, layer: Layer<'_>) {
        let norm = self.layout.norms[layer.number];
        if let Some(linear) = linear {
            let layout = linear.layout;
            let regions = [layout.weight, layout.bias, above.weight, norm.weight, norm.bias];
            let [weight, bias, above_weight, scale, shift] = parameters.regions(regions);
            let through = || self.through(above, above_weight.weight, layer, scale, shift);
            rayon::join(through, || self.linear(weight, bias, linear));
        } else {
            let [above_weight, scale, shift] = parameters.regions([above.weight, norm.weight, norm.bias]);
            self.through(above, above_weight.weight, layer, scale, shift);
        }
    }

    /// From the gradient of a layer's output to that of its `z`; steps its normalisation.
    fn through(&self, above: Above<'_>, above_weight: &[Row], layer: Layer<'_>, scale: Slots<'_>, shift: Slots<'_>) {
        let (records, padded) = (self.inputs.records, self.inputs.padded());
        let (mean, inverse) = (&self.values.mean[layer.number], &self.values.inverse_deviation[layer.number]);
        let out = layer.gradient.par_chunks_mut(PAIR * padded).zip(layer.blocks.par_chunks_mut(PAIR * padded));
        let pairs = out.zip(scale.tiles(PAIR).zip(shift.tiles(PAIR))).enumerate();
        pairs.for_each(|(pair, ((gradients, blocks), (mut scale, mut shift)))| {
            let rows = gradients.len() / padded * COLUMNS;
            self.instructions.run(Product {
                start: above.zeros,
                vectors: above.blocks,
                tile_stride: COLUMNS,
                vector_stride: padded,
                scalars: &above_weight[pair * PAIR * COLUMNS..],
                scalar_stride: above.weight.rows,
                count: above.outputs,
                rows,
                out: blocks,
                out_stride: rows,
            });
            for (member, gradient) in gradients.chunks_exact_mut(padded).enumerate() {
                for (block, gradient) in blocks.chunks_exact(rows).zip(gradient.chunks_exact_mut(COLUMNS)) {
                    transpose_blocks(&block[member * COLUMNS..][..COLUMNS], gradient);
                }
            }
            for (member, gradient) in gradients.chunks_exact_mut(padded).enumerate() {
                let tile = pair * PAIR + member;
                let (mut scale_gradient, mut shift_gradient) = (Row::ZERO, Row::ZERO);
                self.instructions.run(NormBackward {
                    z: &layer.z[tile * padded..][..records],
                    weight: &scale.weight[member],
                    mean: &mean[tile],
                    inverse_deviation: &inverse[tile],
                    further: layer.further.map(|further| &further[tile * padded..]),
                    gradient,
                    weight_gradient: &mut scale_gradient,
                    bias_gradient: &mut shift_gradient,
                });
                self.step_row(&scale_gradient, scale.range(member..member + 1));
                self.step_row(&shift_gradient, shift.range(member..member + 1));
                transpose_blocks(gradient, &mut blocks[member * padded..][..padded]);
            }
        });
    }

    /// Steps a linear layer from its inputs and the gradient of its outputs.
    fn linear(&self, weight: Slots<'_>, bias: Slots<'_>, Linear { layout, input, gradient }: Linear<'_>) {
        let padded = self.inputs.padded();
        let pairs =
            weight.tiles(PAIR * layout.weight.rows).zip(bias.tiles(PAIR)).zip(gradient.par_chunks(PAIR * padded));
        pairs.for_each(|((slots, mut bias), gradient)| {
            self.instructions.run(WeightStep {
                vectors: gradient,
                vector_stride: padded,
                records: self.inputs.records,
                scalars: input,
                scalar_stride: padded,
                tiles: gradient.len() / padded,
                slots,
                update: self.update,
            });
            for (tile, gradient) in gradient.chunks_exact(padded).enumerate() {
                self.step_row(&self.column_sums(&gradient[..self.inputs.records]), bias.range(tile..tile + 1));
            }
        });
    }

    /// Steps the first layer and the embeddings from the gradients of `l1(x)` and `p`.
    pub(super) fn first_layer(&self, parameters: &mut Trainable<'_>, gradients: &mut Gradients) {
        let (records, padded) = (self.inputs.records, self.inputs.padded());
        let layout = self.layout.first;
        let sparse = self.shape.sparse_inputs();
        self.embeddings(parameters, gradients);
        let [weight, bias] = parameters.regions([layout.weight, layout.bias]);
        let tiles = weight.tiles(layout.weight.rows).zip(bias.tiles(1)).zip(gradients.first.par_chunks_exact(padded));
        tiles.for_each(|((slots, bias), gradient)| {
            let gradients = &gradient[..records];
            let sums = self.column_sums(gradients);
            let (sparse_slots, embedded_slots) = slots.split_at(sparse);
            self.instructions.run(GatherStep {
                lists: &self.inputs.by_input,
                at_zero: self.at_zero,
                gradients,
                sums: &sums,
                slots: sparse_slots,
                update: self.update,
            });
            self.instructions.run(WeightStep {
                vectors: gradients,
                vector_stride: 0,
                records,
                scalars: &self.values.embedded,
                scalar_stride: padded,
                tiles: 1,
                slots: embedded_slots,
                update: self.update,
            });
            self.step_row(&sums, bias);
        });
    }

    /// Steps the tables of languages, hours and days. Rows that no record uses decay like every other parameter.
    fn embeddings(&self, parameters: &mut Trainable<'_>, gradients: &mut Gradients) {
        let padded = self.inputs.padded();
        let layout = self.layout.first.weight;
        let Gradients { first_blocks, embedded, tables, .. } = gradients;
        let weights = &parameters.weight[layout.range()][self.shape.sparse_inputs()..];
        embedded.par_chunks_exact_mut(EMBEDDED).enumerate().for_each(|(block, out)| {
            self.instructions.run(Product {
                start: &[Row::ZERO],
                vectors: &first_blocks[block * COLUMNS..],
                tile_stride: 0,
                vector_stride: padded,
                scalars: weights,
                scalar_stride: layout.rows,
                count: layout.tiles * COLUMNS,
                rows: EMBEDDED,
                out,
                out_stride: 0,
            });
        });
        for (number, (table, ids)) in tables.iter_mut().zip(&self.inputs.ids).enumerate() {
            table.fill(Row::ZERO);
            for (record, &id) in ids.iter().enumerate() {
                let first = record / COLUMNS * EMBEDDED + number * Layout::EMBEDDING;
                let inputs = &embedded[first..first + Layout::EMBEDDING];
                for (sum, input) in table[id as usize].0.iter_mut().zip(inputs) {
                    *sum += input.0[record % COLUMNS];
                }
            }
        }
        for (slots, gradient) in parameters.regions(self.layout.embeddings).into_iter().zip(tables) {
            self.instructions.run(UpdateRows { gradient, slots, update: self.update });
        }
    }

    fn column_sums(&self, rows: &[Row]) -> Row {
        let mut sums = Row::ZERO;
        self.instructions.run(ColumnSums { rows, sums: &mut sums });
        sums
    }

    fn step_row(&self, gradient: &Row, slots: Slots<'_>) {
        self.instructions.run(UpdateRows { gradient: std::slice::from_ref(gradient), slots, update: self.update });
    }
}
