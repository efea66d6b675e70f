//! The first layer's inputs that are not zero, two at a time, by block of inputs and record.

use crate::features::{Batch, FOURIER_TERMS, Layout};
use crate::net::kernels::{Gathered, Pair};
use crate::net::network::DENSE_AT_ZERO;
use crate::net::shape::Shape;

/// Pairs of inputs, block after block and in each record after record; those of a record depend on it alone.
pub(super) struct Lists<G: Gathered> {
    pub(super) pairs: Vec<Pair<G::Value>>,
    /// Where each (block, record)'s pairs start, and the end.
    pub(super) starts: Vec<u32>,
    /// Inputs of a record and their values, record after record.
    inputs: Vec<(u32, f32)>,
    ends: Vec<usize>,
}

impl<G: Gathered> Default for Lists<G> {
    fn default() -> Self {
        Self { pairs: Vec::new(), starts: Vec::new(), inputs: Vec::new(), ends: Vec::new() }
    }
}

impl<G: Gathered> Lists<G> {
    /// Lists the inputs of a batch that fits the shape.
    pub(super) fn fill(&mut self, batch: &Batch, shape: Shape) {
        self.list(batch, shape.layout.sparse());
        let records = batch.rows;
        let blocks = shape.sparse_inputs().div_ceil(G::BLOCK);
        self.starts.clear();
        self.starts.resize(blocks * records + 1, 0);
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            for run in runs::<G>(&self.inputs[first..end]) {
                self.starts[run[0].0 as usize / G::BLOCK * records + record] = run.len().div_ceil(2) as u32;
            }
            first = end;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += std::mem::replace(start, sum);
        }
        self.pairs.resize(sum as usize, Pair::default());
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            for run in runs::<G>(&self.inputs[first..end]) {
                let block = run[0].0 as usize / G::BLOCK;
                let pairs = self.pairs[self.starts[block * records + record] as usize..].iter_mut();
                let at = |input: u32| (input as usize - block * G::BLOCK) as u16;
                for (pair, two) in pairs.zip(run.chunks(2)) {
                    let (a, value) = two[0];
                    // A single input's partner is itself, with no value.
                    let (b, other) = two.get(1).copied().unwrap_or((a, 0.0));
                    *pair = Pair { at: [at(a), at(b)], value: G::value([value, other]) };
                }
            }
            first = end;
        }
    }

    /// Inputs that are not zero: sketch columns, then what differs from the Fourier terms of zeros.
    fn list(&mut self, batch: &Batch, sketch: usize) {
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
                let first = (sketch + number * FOURIER_TERMS) as u32;
                for ((value, zero), input) in terms.iter().zip(at_zero).zip(first..) {
                    if value != zero {
                        self.inputs.push((input, value - zero));
                    }
                }
            }
            self.ends.push(self.inputs.len());
        }
    }
}

/// A record's inputs, ascending, cut where a block of inputs ends.
fn runs<G: Gathered>(inputs: &[(u32, f32)]) -> impl Iterator<Item = &[(u32, f32)]> {
    inputs.chunk_by(|a, b| a.0 as usize / G::BLOCK == b.0 as usize / G::BLOCK)
}
