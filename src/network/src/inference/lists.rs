//! The first layer's inputs that are not zero, two at a time, by block of inputs and record.

use skimlog_features::input::{Batch, FOURIER_TERMS, Layout, NUMBERS};

use super::small::SmallNumbers;
use crate::kernels::{Gathered, QuadLists};
use crate::network::DENSE_AT_ZERO;
use crate::shape::Shape;

/// What the first layer takes of a batch. What is listed of a record depends on it alone.
pub(super) struct Lists<G: Gathered> {
    pub(super) quads: QuadLists<G>,
    /// Rows of each record's language, hour and day in the table of ids.
    pub(super) ids: Vec<[u32; 3]>,
    /// Inputs of a record and their values, record after record.
    inputs: Vec<(u32, f32)>,
    ends: Vec<usize>,
    small: SmallNumbers,
    /// A record's inputs for small numbers.
    small_inputs: Vec<(u32, f32)>,
}

impl<G: Gathered> Default for Lists<G> {
    fn default() -> Self {
        Self {
            quads: QuadLists::default(),
            ids: Vec::new(),
            inputs: Vec::new(),
            ends: Vec::new(),
            small: SmallNumbers::default(),
            small_inputs: Vec::new(),
        }
    }
}

impl<G: Gathered> Lists<G> {
    /// Lists the inputs of a batch that fits the shape.
    pub(super) fn fill(&mut self, batch: &Batch, shape: Shape) {
        let first_hour = shape.layout.languages as u32 + 1;
        let first_day = first_hour + Layout::HOURS as u32;
        self.ids.clear();
        self.ids.extend(
            batch
                .language
                .iter()
                .zip(&batch.hour)
                .zip(&batch.day)
                .map(|((&language, &hour), &day)| [language, first_hour + u32::from(hour), first_day + u32::from(day)]),
        );

        self.list(batch, shape);
        self.quads.fill(shape.sparse_inputs() + SmallNumbers::INPUTS, &self.inputs, &self.ends);
    }

    /// Inputs that are not zero: sketch columns and logarithms, then what differs from the Fourier terms of zeros, then
    /// small numbers.
    fn list(&mut self, batch: &Batch, shape: Shape) {
        let (first_dense, sparse) = (shape.layout.sparse(), shape.sparse_inputs());
        self.inputs.clear();
        self.ends.clear();
        for (record, dense) in batch.dense.chunks_exact(Layout::DENSE).enumerate() {
            let (columns, values) = batch.sparse.row(record);
            self.inputs.extend(columns.iter().copied().zip(values.iter().copied()));
            let numbers = dense.chunks(FOURIER_TERMS).zip(DENSE_AT_ZERO.chunks(FOURIER_TERMS));
            for (number, (terms, at_zero)) in numbers.enumerate() {
                if terms.iter().zip(at_zero).fold(true, |equal, (term, zero)| equal & (term == zero)) {
                    continue;
                }
                if let Some(input) = self.small.input(number, terms) {
                    self.small_inputs.push(((sparse + input) as u32, 1.0));
                    continue;
                }
                let first = (first_dense + number * FOURIER_TERMS) as u32;
                if number == NUMBERS {
                    let flags = (first..).zip(terms.iter().copied());
                    self.inputs.extend(flags.filter(|&(_, flag)| flag != 0.0));
                } else {
                    let differences = terms.iter().zip(at_zero).map(|(value, zero)| value - zero);
                    self.inputs.extend((first..first + FOURIER_TERMS as u32).zip(differences));
                }
            }
            self.inputs.append(&mut self.small_inputs);
            self.ends.push(self.inputs.len());
        }
    }
}
