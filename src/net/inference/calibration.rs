//! The ranges of activations, seen on records, that bytes have to span.

use crate::net::tiles::{COLUMNS, Row};

/// What was seen of a column of activations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) smallest: f32,
    pub(super) largest: f32,
    pub(super) mean: f32,
}

impl Default for Column {
    /// Nothing but zeros.
    fn default() -> Self {
        Self { smallest: 0.0, largest: 0.0, mean: 0.0 }
    }
}

impl Column {
    /// What one step of a byte stands for.
    pub(super) fn step(&self) -> f32 {
        let range = self.largest.max(0.0) - self.smallest.min(0.0);
        if range > 0.0 { range / 255.0 } else { 1.0 }
    }

    /// The byte that stands for zero.
    pub(super) fn zero(&self) -> u8 {
        (-self.smallest.min(0.0) / self.step()).round() as u8
    }
}

/// What was seen of the inputs of the three hidden layers that may be multiplied in bytes. Made by showing records to
/// [`super::Inference::observe`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    layers: [Vec<Column>; 3],
    records: u64,
}

impl Calibration {
    /// Number of records seen.
    pub fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn layer(&self, number: usize) -> &[Column] {
        &self.layers[number]
    }

    pub(super) fn count(&mut self, records: usize) {
        self.records += records as u64;
    }

    /// Takes in a layer's input: tiles of `records` rows. [`Self::count`] comes after all layers.
    pub(super) fn add(&mut self, layer: usize, tiles: &[Row], records: usize) {
        let columns = &mut self.layers[layer];
        columns.resize(tiles.len() / records * COLUMNS, Column::default());
        let share = 1.0 / (self.records + records as u64) as f64;
        for (columns, rows) in columns.chunks_exact_mut(COLUMNS).zip(tiles.chunks_exact(records)) {
            for (place, column) in columns.iter_mut().enumerate() {
                let mut sum = 0.0;
                for value in rows.iter().map(|row| row.0[place]) {
                    column.smallest = column.smallest.min(value);
                    column.largest = column.largest.max(value);
                    sum += f64::from(value);
                }
                column.mean = ((f64::from(column.mean) * self.records as f64 + sum) * share) as f32;
            }
        }
    }
}
