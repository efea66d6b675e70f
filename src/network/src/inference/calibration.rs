//! Calibrates lower precisions on records: the ranges that bytes span, and the biases.

use skimlog_features::input::Batch;

use super::engine::{Engine, Seen, TOGETHER};
use super::layout::{BYTE_LAYERS, PackedLayout};
use crate::kernels::LEAK;
use crate::tiles::{COLUMNS, Row};

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

/// How a column of activations becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    /// The difference that one step of a byte makes.
    pub(super) step: f32,
    /// The byte for zero.
    pub(super) zero: u8,
}

/// How far bytes reach beyond the largest activation seen, because other records may go further. Clipping costs far
/// more accuracy than coarser steps.
const HEADROOM: f32 = 1.25;

impl Column {
    /// For activations between these, of which the first is at most and the second at least zero.
    fn fit(extremes: [f32; 2]) -> Self {
        let [smallest, largest] = extremes.map(|extreme| extreme * HEADROOM);
        let step = if largest > smallest { (largest - smallest) / 255.0 } else { 1.0 };
        Self { step, zero: (-smallest / step).round_ties_even() as u8 }
    }
}

/// Fits bytes to the inputs of the hidden layers as the exact network has them.
pub(super) fn fit_columns(engine: &mut Engine, rows: &[Row], calibration: &Calibration) -> [Vec<Column>; BYTE_LAYERS] {
    let tiles = engine.layout().shape.tiles();
    let mut seen: [Vec<[f32; 2]>; BYTE_LAYERS] = std::array::from_fn(|_| vec![[0.0; 2]; tiles * COLUMNS]);
    for batch in calibration.batches() {
        let mut see = |what: Seen<'_>| {
            let (layer, values) = match what {
                Seen::First(values) => (0, &values[..tiles * batch.rows]),
                Seen::Hidden(number, values) if number + 1 < BYTE_LAYERS => (number + 1, values),
                _ => return,
            };
            for (columns, rows) in seen[layer].chunks_exact_mut(COLUMNS).zip(values.chunks_exact(batch.rows)) {
                for row in rows {
                    for ([smallest, largest], value) in columns.iter_mut().zip(row.0) {
                        (*smallest, *largest) = (smallest.min(value), largest.max(value));
                    }
                }
            }
        };
        engine.run(rows, batch, Some(&mut see), &mut Vec::new());
    }
    seen.map(|columns| columns.into_iter().map(Column::fit).collect())
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
        engine.run(rows, batch, Some(&mut see), &mut Vec::new());
    }
    means
}

/// Shifts the biases, one layer after the other, so that every column's mean is the exact network's. Rounding shifts a
/// sum where inputs are the same for many records; the shifts of thousands of inputs add up in the logits.
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
        let shifts = shifts.as_chunks::<COLUMNS>().0;
        let biases: Vec<(usize, &[f64; COLUMNS])> = match layer {
            // Every record has a language.
            0 => {
                let table = |(tile, shifts)| {
                    let first = layout.first.start + tile / 2 * layout.first.rows + tile % 2;
                    (0..=layout.shape.layout.languages).map(move |language| (first + 2 * language, shifts))
                };
                shifts.iter().enumerate().flat_map(table).collect()
            }
            LAYERS.. => unreachable!("there are {LAYERS} layers"),
            _ if layer + 1 == LAYERS => layout.output[1].range().zip(shifts).collect(),
            _ => layout.hidden[layer - 1].bias.range().zip(shifts).collect(),
        };
        for (row, shifts) in biases {
            for (bias, shift) in rows[row].0.iter_mut().zip(shifts) {
                *bias = (f64::from(*bias) + shift) as f32;
            }
        }
    }
}
