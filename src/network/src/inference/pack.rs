//! Packs a network: folds batch normalisation into the weights, and orders weights as they are used.

use rayon::prelude::*;
use skimlog_features::input::{FOURIER_TERMS, Layout, NUMBERS};

use super::Precision;
use super::calibration::Column;
use super::layout::{BYTE_LAYERS, HiddenLayout, PackedLayout};
use super::small::SmallNumbers;
use crate::kernels::{EPSILON, FloatPairs, Gathered, HalfPairs, half, interleaved_offset};
use crate::network::{DENSE_AT_ZERO, Network};
use crate::parameters::LinearLayout;
use crate::tiles::{COLUMNS, Region, Row};

/// Packs a network; `columns` of the hidden layers' inputs are needed for bytes.
pub(super) fn pack(network: &Network, layout: &PackedLayout, columns: Option<&[Vec<Column>; BYTE_LAYERS]>) -> Vec<Row> {
    let mut rows = vec![Row::ZERO; layout.rows];
    first_layer(network, layout, &mut rows);
    let source = &network.layout;
    for (number, (&source, &packed)) in source.hidden.iter().zip(&layout.hidden).enumerate() {
        let affine = Affine::of(network, number);
        if number == 0 {
            for (region, values) in layout.skip.iter().zip([&affine.scale, &affine.shift]) {
                spread(values, &mut rows[region.range()]);
            }
        }
        match (layout.precision, columns.and_then(|columns| columns.get(number))) {
            (Precision::Int8, Some(columns)) => hidden_bytes(network, source, &affine, columns, packed, &mut rows),
            _ => hidden_floats(network, source, &affine, packed, layout.precision, &mut rows),
        }
    }
    let affine = Affine::of(network, source.hidden.len());
    let [weights, bias] = layout.output;
    let folded = FoldedTile::of(network, source.output, 0, &affine);
    rows[bias.start] = folded.bias();
    rows[weights.range()].copy_from_slice(&folded.weights);
    rows
}

/// Scale and shift of a batch normalisation with its running statistics.
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Affine {
    fn of(network: &Network, number: usize) -> Self {
        let norm = network.layout.norms[number];
        let column = |region: Region| {
            network.values[region.range()].iter().flat_map(|row| row.0).map(f64::from).collect::<Vec<_>>()
        };
        let (weight, bias) = (column(norm.weight), column(norm.bias));
        let (mean, variance) = (column(norm.running_mean), column(norm.running_variance));
        let deviations = variance.iter().map(|variance| (variance + f64::from(EPSILON)).sqrt());
        let scale: Vec<f64> = weight.iter().zip(deviations).map(|(weight, deviation)| weight / deviation).collect();
        let shift = bias.iter().zip(mean).zip(&scale).map(|((bias, mean), scale)| bias - mean * scale).collect();
        Self { scale, shift }
    }
}

/// A tile of a layer behind a batch normalisation: `W (scale × u + shift) + b` is `W' u + b'`.
struct FoldedTile {
    /// A row an input.
    weights: Vec<Row>,
    bias: [f64; COLUMNS],
}

impl FoldedTile {
    fn of(network: &Network, layer: LinearLayout, tile: usize, affine: &Affine) -> Self {
        let mut bias = network.values[layer.bias.start + tile].0.map(f64::from);
        let mut weights =
            network.values[layer.weight.range()][tile * layer.weight.rows..][..layer.weight.rows].to_vec();
        for ((row, scale), shift) in weights.iter_mut().zip(&affine.scale).zip(&affine.shift) {
            for (weight, bias) in row.0.iter_mut().zip(&mut bias) {
                *bias += f64::from(*weight) * shift;
                *weight = (f64::from(*weight) * scale) as f32;
            }
        }
        Self { weights, bias }
    }

    fn bias(&self) -> Row {
        Row(self.bias.map(|value| value as f32))
    }
}

fn spread(values: &[f64], rows: &mut [Row]) {
    for (row, values) in rows.iter_mut().zip(values.as_chunks::<COLUMNS>().0) {
        *row = Row(values.map(|value| value as f32));
    }
}

fn first_layer(network: &Network, layout: &PackedLayout, rows: &mut [Row]) {
    let (source, sparse) = (&network.layout, layout.shape.sparse_inputs());
    let LinearLayout { weight, bias } = source.first;
    let weights = &network.values[weight.range()];
    let tile = |number: usize| &weights[number * weight.rows..][..weight.rows];
    let small = SmallNumbers::default();
    rows[layout.first.range()].par_chunks_mut(layout.first.rows).enumerate().for_each(|(stripe, out)| {
        let out = &mut out[layout.table_rows..];
        for side in 0..2 {
            let weights = tile(2 * stripe + side);
            let numbers = weights[layout.shape.layout.sparse()..].chunks(FOURIER_TERMS).take(NUMBERS);
            let small = numbers.flat_map(|weights| small.terms().iter().map(|terms| of_small(weights, terms)));
            for (input, weights) in weights[..sparse].iter().copied().chain(small).enumerate() {
                match layout.precision {
                    Precision::F32 => out[FloatPairs::ROWS * input + side] = weights,
                    Precision::Bf16 | Precision::Int8 => {
                        let row: &mut [u16; 2 * COLUMNS] = bytemuck::cast_mut(&mut out[input * HalfPairs::ROWS]);
                        for (column, &weight) in weights.0.iter().enumerate() {
                            row[side * COLUMNS + interleaved_offset(column)] = half(weight);
                        }
                    }
                }
            }
        }
    });

    let mut ids = 0;
    for number in 0..source.embeddings.len() {
        let embeddings = &network.values[source.embeddings[number].range()];
        let first_input = sparse + number * Layout::EMBEDDING;
        rows[layout.first.range()].par_chunks_mut(layout.first.rows).enumerate().for_each(|(stripe, out)| {
            for (embedding, out) in embeddings.iter().zip(out[2 * ids..].as_chunks_mut::<2>().0) {
                for (side, out) in out.iter_mut().enumerate() {
                    let weights = tile(2 * stripe + side);
                    let mut sums = [0.0; COLUMNS];
                    add(&mut sums, &weights[first_input..], &embedding.0[..Layout::EMBEDDING]);
                    if number == 0 {
                        add(&mut sums, &weights[layout.shape.layout.sparse()..sparse], &DENSE_AT_ZERO);
                        let bias = network.values[bias.start + 2 * stripe + side].0;
                        sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += f64::from(bias));
                    }
                    *out = Row(sums.map(|sum| sum as f32));
                }
            }
        });
        ids += embeddings.len();
    }
}

/// What a small number gives a tile beyond what zero gives it.
fn of_small(weights: &[Row], terms: &[f32; FOURIER_TERMS]) -> Row {
    let differences: [f32; FOURIER_TERMS] = std::array::from_fn(|term| terms[term] - DENSE_AT_ZERO[term]);
    let mut sums = [0.0; COLUMNS];
    add(&mut sums, weights, &differences);
    Row(sums.map(|sum| sum as f32))
}

fn add(sums: &mut [f64; COLUMNS], weights: &[Row], values: &[f32]) {
    for (row, &value) in weights.iter().zip(values) {
        for (sum, &weight) in sums.iter_mut().zip(&row.0) {
            *sum += f64::from(value) * f64::from(weight);
        }
    }
}

/// Splits a hidden layer's part of the rows into tiles and has each packed.
fn each_tile(
    packed: HiddenLayout,
    rows: &mut [Row],
    pack: impl Fn(usize, &mut [Row], &mut Row, Option<&mut Row>) + Sync,
) {
    let range = packed.weights.start..packed.unit.range().end;
    let (weights, rest) = rows[range].split_at_mut(packed.weights.range().len());
    let (bias, unit) = rest.split_at_mut(packed.bias.range().len());
    let mut units: Vec<Option<&mut Row>> = unit.iter_mut().map(Some).collect();
    units.resize_with(bias.len(), || None);
    let tiles = weights.par_chunks_mut(packed.weights.rows).zip(bias).zip(units).enumerate();
    tiles.for_each(|(tile, ((weights, bias), unit))| pack(tile, weights, bias, unit));
}

fn hidden_floats(
    network: &Network,
    source: LinearLayout,
    affine: &Affine,
    packed: HiddenLayout,
    precision: Precision,
    rows: &mut [Row],
) {
    each_tile(packed, rows, |tile, out, bias, _| {
        let folded = FoldedTile::of(network, source, tile, affine);
        *bias = folded.bias();
        if precision == Precision::F32 {
            out.copy_from_slice(&folded.weights);
            return;
        }
        for (out, [low, high]) in out.iter_mut().zip(folded.weights.as_chunks().0) {
            let words: &mut [[u16; 2]; COLUMNS] = bytemuck::cast_mut(out);
            for ((word, low), high) in words.iter_mut().zip(low.0).zip(high.0) {
                *word = [half(low), half(high)];
            }
        }
    });
}

/// With bytes, an input column has its own step, which goes into the weights, and its own zero, whose share goes into
/// the bias; an output has a unit, which its sum is multiplied by.
fn hidden_bytes(
    network: &Network,
    source: LinearLayout,
    affine: &Affine,
    columns: &[Column],
    packed: HiddenLayout,
    rows: &mut [Row],
) {
    let [factors, zeros] = packed.input;
    for (input, column) in columns.iter().enumerate() {
        let (tile, lane) = (input / COLUMNS, input % COLUMNS);
        rows[factors.start + tile].0[lane] = 1.0 / column.step;
        rows[zeros.start + tile].0[lane] = f32::from(column.zero);
    }
    each_tile(packed, rows, |tile, out, bias, unit| {
        let folded = FoldedTile::of(network, source, tile, affine);
        let mut biases = folded.bias;
        let mut units = Row([1.0; COLUMNS]);
        let mut weights = vec![0.0; columns.len()];
        for output in 0..COLUMNS {
            for ((weight, row), column) in weights.iter_mut().zip(&folded.weights).zip(columns) {
                *weight = f64::from(row.0[output]) * f64::from(column.step);
            }
            let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
            if largest > 0.0 {
                units.0[output] = (largest / 127.0) as f32;
            }
            let scale = f64::from(units.0[output]);
            for (input, (&weight, column)) in weights.iter().zip(columns).enumerate() {
                let rounded = (weight / scale).round_ties_even().clamp(-127.0, 127.0);
                let bytes: &mut [[i8; 4]; COLUMNS] = bytemuck::cast_mut(&mut out[input / 4]);
                bytes[output][input % 4] = rounded as i8;
                biases[output] -= rounded * scale * f64::from(column.zero);
            }
        }
        *bias = Row(biases.map(|value| value as f32));
        if let Some(unit) = unit {
            *unit = units;
        }
    });
}
