//! The first layer's inputs that are not zero, two at a time, by block of inputs and record.

use skimlog_features::input::{Batch, FOURIER_TERMS, Layout, NUMBERS};

use super::small::SmallNumbers;
use crate::kernels::{Gathered, QUAD, Quad};
use crate::network::DENSE_AT_ZERO;
use crate::shape::Shape;

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
    /// A record's inputs in a block: where its quads' start stands among the starts, and how many inputs there are.
    runs: Vec<(u32, u32)>,
    small: SmallNumbers,
    /// A record's inputs that stand for small numbers.
    small_inputs: Vec<(u32, f32)>,
}

impl<G: Gathered> Default for Lists<G> {
    fn default() -> Self {
        Self {
            quads: Vec::new(),
            starts: Vec::new(),
            ids: Vec::new(),
            inputs: Vec::new(),
            ends: Vec::new(),
            runs: Vec::new(),
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
        let records = batch.rows;
        let blocks = (shape.sparse_inputs() + SmallNumbers::INPUTS).div_ceil(G::BLOCK);
        self.starts.clear();
        self.starts.resize(blocks * records + 1, 0);
        self.runs.clear();
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            // A record's inputs are ascending.
            for run in self.inputs[first..end].chunk_by(|a, b| a.0 as usize / G::BLOCK == b.0 as usize / G::BLOCK) {
                let start = run[0].0 as usize / G::BLOCK * records + record;
                self.starts[start] = run.len().div_ceil(QUAD) as u32;
                self.runs.push((start as u32, run.len() as u32));
            }
            first = end;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += std::mem::replace(start, sum);
        }
        self.quads.resize(sum as usize, Quad::default());
        let mut inputs = self.inputs.as_slice();
        for &(start, count) in &self.runs {
            let (run, rest) = inputs.split_at(count as usize);
            inputs = rest;
            let first = start as usize / records * G::BLOCK;
            let quads = &mut self.quads[self.starts[start as usize] as usize..][..run.len().div_ceil(QUAD)];
            for (quad, inputs) in quads.iter_mut().zip(run.chunks(QUAD)) {
                *quad = match inputs.as_array::<QUAD>() {
                    Some(inputs) => Quad::new::<G>(first as u32, inputs),
                    None => Quad::new::<G>(first as u32, &filled(inputs)),
                };
            }
        }
    }

    /// Inputs that are not zero: sketch columns and logarithms, then what differs from the Fourier terms of zeros, then small numbers.
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

/// What is missing is the first input once more, with no value.
fn filled(inputs: &[(u32, f32)]) -> [(u32, f32); QUAD] {
    std::array::from_fn(|place| inputs.get(place).copied().unwrap_or((inputs[0].0, 0.0)))
}
