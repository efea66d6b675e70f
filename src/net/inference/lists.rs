//! The first layer's inputs that are not zero, two at a time, by block of inputs and record.

use crate::features::{Batch, FOURIER_TERMS, Layout};
use crate::net::kernels::{Gathered, QUAD, Quad};
use crate::net::network::DENSE_AT_ZERO;
use crate::net::shape::Shape;

use super::small::SmallNumbers;

/// Pairs of inputs, block after block and in each record after record; those of a record depend on it alone.
pub(super) struct Lists<G: Gathered> {
    pub(super) quads: Vec<Quad<G::Values>>,
    /// Where each (block, record)'s quads start, and the end.
    pub(super) starts: Vec<u32>,
    /// Where each record's language, hour and day stand in the table of ids.
    pub(super) ids: Vec<[u32; 3]>,
    /// Inputs of a record and their values, record after record.
    inputs: Vec<(u32, f32)>,
    ends: Vec<usize>,
    small: SmallNumbers,
}

impl<G: Gathered> Default for Lists<G> {
    fn default() -> Self {
        Self {
            quads: Vec::new(),
            starts: Vec::new(),
            ids: Vec::new(),
            inputs: Vec::new(),
            ends: Vec::new(),
            small: SmallNumbers::default(),
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
        let records = batch.rows;
        let blocks = (shape.sparse_inputs() + SmallNumbers::INPUTS).div_ceil(G::BLOCK);
        self.starts.clear();
        self.starts.resize(blocks * records + 1, 0);
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            for run in runs::<G>(&self.inputs[first..end]) {
                self.starts[run[0].0 as usize / G::BLOCK * records + record] = run.len().div_ceil(QUAD) as u32;
            }
            first = end;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += std::mem::replace(start, sum);
        }
        self.quads.resize(sum as usize, Quad::default());
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            for run in runs::<G>(&self.inputs[first..end]) {
                let block = run[0].0 as usize / G::BLOCK;
                let quads = self.quads[self.starts[block * records + record] as usize..].iter_mut();
                for (quad, inputs) in quads.zip(run.chunks(QUAD)) {
                    *quad = Quad::new::<G>((block * G::BLOCK) as u32, inputs);
                }
            }
            first = end;
        }
    }

    /// Inputs that are not zero: sketch columns, then what differs from the Fourier terms of zeros, then small numbers.
    fn list(&mut self, batch: &Batch, shape: Shape) {
        let (sketch, sparse) = (shape.layout.sketch(), shape.sparse_inputs());
        self.inputs.clear();
        self.ends.clear();
        let mut small = Vec::new();
        for (record, dense) in batch.dense.chunks_exact(Layout::DENSE).enumerate() {
            let (columns, values) = batch.sketch.row(record);
            self.inputs.extend(columns.iter().copied().zip(values.iter().copied()));
            let numbers = dense.chunks(FOURIER_TERMS).zip(DENSE_AT_ZERO.chunks(FOURIER_TERMS));
            for (number, (terms, at_zero)) in numbers.enumerate() {
                if terms.iter().zip(at_zero).fold(true, |equal, (term, zero)| equal & (term == zero)) {
                    continue;
                }
                if let Some(input) = self.small.input(number, terms) {
                    small.push(((sparse + input) as u32, 1.0));
                    continue;
                }
                let first = (sketch + number * FOURIER_TERMS) as u32;
                for ((value, zero), input) in terms.iter().zip(at_zero).zip(first..) {
                    if value != zero {
                        self.inputs.push((input, value - zero));
                    }
                }
            }
            self.inputs.append(&mut small);
            self.ends.push(self.inputs.len());
        }
    }
}

/// A record's inputs, ascending, cut where a block of inputs ends.
fn runs<G: Gathered>(inputs: &[(u32, f32)]) -> impl Iterator<Item = &[(u32, f32)]> {
    inputs.chunk_by(|a, b| a.0 as usize / G::BLOCK == b.0 as usize / G::BLOCK)
}
