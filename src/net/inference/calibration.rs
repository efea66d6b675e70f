//! Records on which lower precisions are fitted: the ranges that bytes span, and the biases.

use super::engine::{Engine, Seen, TOGETHER};
use super::layout::PackedLayout;
use crate::features::Batch;
use crate::net::kernels::LEAK;
use crate::net::tiles::{COLUMNS, Row};

/// Records on which lower precisions are fitted; a few thousand are plenty.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    batches: Vec<Batch>,
    records: usize,
}

impl Calibration {
    /// Most records in a batch.
    pub const BATCH: usize = TOGETHER;

    /// Adds a batch of at most [`Calibration::BATCH`] records.
    ///
    /// # Panics
    /// If the batch has more.
    pub fn push(&mut self, batch: Batch) {
        assert!(batch.rows <= Self::BATCH, "a batch of {} records", batch.rows);
        self.records += batch.rows;
        if batch.rows > 0 {
            self.batches.push(batch);
        }
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.records
    }

    pub(super) fn batches(&self) -> &[Batch] {
        &self.batches
    }
}

/// How a column of activations becomes bytes, and what the records had there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    /// What one step of a byte stands for.
    pub(super) step: f32,
    /// The byte that stands for zero.
    pub(super) zero: u8,
    /// Mean square of the activations, in steps.
    pub(super) square: f64,
}

/// Factors on the largest activation that are tried as the largest one that a byte stands for: a few rare ones cut off
/// may cost less than coarser steps for all others.
const SHRINKS: [f32; 8] = [1.0, 0.85, 0.72, 0.61, 0.52, 0.44, 0.37, 0.31];

impl Column {
    /// The steps with the least mean square error over these activations.
    fn fit(values: &[f32]) -> Self {
        let smallest = values.iter().copied().fold(0.0, f32::min);
        let largest = values.iter().copied().fold(0.0, f32::max);
        let square = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len().max(1) as f64;
        let candidate = |shrink: f32| {
            let range = largest * shrink - smallest;
            let step = if range > 0.0 { range / 255.0 } else { 1.0 };
            let zero = (-smallest / step).round_ties_even().min(255.0);
            let error = |&value: &f32| {
                let stored = (value / step + zero).round_ties_even().clamp(0.0, 255.0);
                f64::from((stored - zero) * step - value).powi(2)
            };
            (
                values.iter().map(error).sum::<f64>(),
                Self { step, zero: zero as u8, square: square / f64::from(step).powi(2) },
            )
        };
        let candidates = SHRINKS.map(candidate);
        let best = candidates.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        best.expect("there are candidates").1
    }
}

/// Fits bytes to the inputs of the hidden layers as the exact network has them.
pub(super) fn fit_columns(engine: &mut Engine, rows: &[Row], calibration: &Calibration) -> [Vec<Column>; 3] {
    let tiles = engine.layout().shape.tiles();
    let mut seen: [Vec<Vec<f32>>; 3] = std::array::from_fn(|_| vec![Vec::new(); tiles * COLUMNS]);
    for batch in calibration.batches() {
        let mut see = |what: Seen<'_>| {
            let (layer, values) = match what {
                Seen::First(values) => (0, &values[..tiles * batch.rows]),
                Seen::Hidden(number, values) if number < 2 => (number + 1, values),
                _ => return,
            };
            for (columns, rows) in seen[layer].chunks_exact_mut(COLUMNS).zip(values.chunks_exact(batch.rows)) {
                for (place, column) in columns.iter_mut().enumerate() {
                    column.extend(rows.iter().map(|row| row.0[place]));
                }
            }
        };
        engine.run(rows, batch, &mut see, &mut Vec::new());
    }
    seen.map(|columns| columns.iter().map(|values| Column::fit(values)).collect())
}

/// Layers with a bias: the first, the three hidden ones, the output.
pub(super) const LAYERS: usize = 5;

/// Means of the layers' sums, before the rectifier, over the records; a column each.
pub(super) fn means(engine: &mut Engine, rows: &[Row], calibration: &Calibration) -> [Vec<f64>; LAYERS] {
    let tiles = engine.layout().shape.tiles();
    let mut means: [Vec<f64>; LAYERS] =
        std::array::from_fn(|layer| vec![0.0; COLUMNS * [2 * tiles, tiles, tiles, tiles, 1][layer]]);
    let share = 1.0 / calibration.records().max(1) as f64;
    for batch in calibration.batches() {
        let mut see = |what: Seen<'_>| {
            // The projection and the logits are not rectified.
            let (layer, values, rectified) = match what {
                Seen::First(values) => (0, values, tiles),
                Seen::Hidden(number, values) => (number + 1, values, tiles),
                Seen::Output(values) => (LAYERS - 1, values, 0),
            };
            let columns = means[layer].chunks_exact_mut(COLUMNS).zip(values.chunks_exact(batch.rows));
            for (tile, (columns, rows)) in columns.enumerate() {
                let slope = if tile < rectified { LEAK } else { 1.0 };
                for row in rows {
                    for (mean, value) in columns.iter_mut().zip(row.0) {
                        *mean += f64::from(if value < 0.0 { value / slope } else { value }) * share;
                    }
                }
            }
        };
        engine.run(rows, batch, &mut see, &mut Vec::new());
    }
    means
}

/// Shifts the biases, one layer after the other, so that every column's mean is the exact network's. Rounding shifts a sum
/// where inputs are the same for many records; the shifts of thousands of inputs add up in the logits.
pub(super) fn correct_biases(
    layout: &PackedLayout,
    rows: &mut [Row],
    engine: &mut Engine,
    exact: &[Vec<f64>; LAYERS],
    calibration: &Calibration,
) {
    for layer in 0..LAYERS {
        let found = means(engine, rows, calibration);
        let shifts: Vec<f64> = exact[layer].iter().zip(&found[layer]).map(|(exact, found)| exact - found).collect();
        let biases = match layer {
            0 => layout.tables[0].range(),
            LAYERS.. => unreachable!("there are {LAYERS} layers"),
            _ if layer + 1 == LAYERS => layout.output[1].range(),
            _ => layout.hidden[layer - 1].bias.range(),
        };
        for (row, shifts) in rows[biases].iter_mut().zip(shifts.as_chunks::<COLUMNS>().0.iter().cycle()) {
            for (bias, shift) in row.0.iter_mut().zip(shifts) {
                *bias = (f64::from(*bias) + shift) as f32;
            }
        }
    }
}
