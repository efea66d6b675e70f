//! The first layer's inputs that are not zero, listed by record for the forward pass and by input for the backward
//! pass.
//!
//! Most numbers of a record are zero counts, whose Fourier terms are always the same (sine 0, cosine 1). The lists hold
//! `x − x(0)`, which is zero for them; `W · x(0)` is added to the bias, and the gradient of a weight gets back
//! `x(0) × Σ of its output's gradient`. Both are exact.

use skimlog_features::input::{Batch, FOURIER_TERMS, Layout};

use super::check::check;
use super::error::NetError;
use super::kernels::{Entry, EntryLists, SparseRecords};
use super::network::DENSE_AT_ZERO;
use super::shape::Shape;
use super::tiles::COLUMNS;

/// What the first layer multiplies, of one batch.
#[derive(Default)]
pub(super) struct Inputs {
    /// Number of records.
    pub(super) records: usize,
    /// A list for each record in each block of inputs; an entry's index is its input.
    pub(super) by_record: EntryLists,
    /// A list for each input; an entry's index is its record.
    pub(super) by_input: EntryLists,
    /// Ids of language, hour and day, a record each.
    pub(super) ids: [Vec<u32>; 3],
    sparse: SparseRecords,
}

impl Inputs {
    /// Takes a batch in. Only training needs the lists by input.
    pub(super) fn fill(&mut self, batch: &Batch, shape: Shape, for_training: bool) -> Result<(), NetError> {
        check(batch, shape).map_err(|reason| NetError::Batch { rows: batch.rows, reason })?;
        self.records = batch.rows;
        self.ids[0].clone_from(&batch.language);
        for (ids, from) in self.ids[1..].iter_mut().zip([&batch.hour, &batch.day]) {
            ids.clear();
            ids.extend(from.iter().copied().map(u32::from));
        }
        fill_sparse(&mut self.sparse, batch, shape.layout.sparse());
        let (sparse, by_record, by_input) = (&self.sparse, &mut self.by_record, &mut self.by_input);
        let inputs = shape.sparse_inputs();
        let mut forward = || by_record.fill_by_block(inputs, sparse);
        let backward = || by_input.fill_by_input(inputs, sparse);
        if for_training {
            rayon::join(forward, backward);
        } else {
            forward();
        }
        Ok(())
    }

    /// Number of records, filled up to whole blocks of 32.
    pub(super) fn padded(&self) -> usize {
        self.records.next_multiple_of(COLUMNS)
    }
}

/// Lists the inputs of a batch that are not zero; those of the dense part follow the `first_dense` sparse ones.
fn fill_sparse(sparse: &mut SparseRecords, batch: &Batch, first_dense: usize) {
    sparse.clear();
    for (record, dense) in batch.dense.chunks_exact(Layout::DENSE).enumerate() {
        let (columns, values) = batch.sparse.row(record);
        sparse.extend(columns.iter().zip(values).map(|(&index, &value)| Entry { index, value }));
        let numbers = dense.chunks(FOURIER_TERMS).zip(DENSE_AT_ZERO.chunks(FOURIER_TERMS));
        for (number, (terms, at_zero)) in numbers.enumerate() {
            if terms.iter().zip(at_zero).fold(true, |equal, (term, zero)| equal & (term == zero)) {
                continue;
            }
            let first = first_dense + number * FOURIER_TERMS;
            for (term, (value, zero)) in terms.iter().zip(at_zero).enumerate() {
                if value != zero {
                    sparse.push(Entry { index: (first + term) as u32, value: value - zero });
                }
            }
        }
        sparse.end_record();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::INPUT_BLOCK;
    use crate::tests::random_batch;

    #[test]
    fn lists_hold_every_input_once() {
        let layout = Layout { sketch_depth: 7, sketch_width: 45, logarithms: false, languages: 2 };
        let shape = Shape { layout, hidden: 1 };
        let batch = random_batch(layout, 13, 5);
        let mut inputs = Inputs::default();
        inputs.fill(&batch, shape, true).expect("a batch that fits");

        let mut expected = vec![vec![0.0f32; shape.sparse_inputs()]; batch.rows];
        for (record, row) in expected.iter_mut().enumerate() {
            let (columns, values) = batch.sparse.row(record);
            columns.iter().zip(values).for_each(|(&column, &value)| row[column as usize] = value);
            let dense = batch.dense.chunks(Layout::DENSE).nth(record).expect("a record");
            for (input, value) in dense.iter().enumerate() {
                row[layout.sparse() + input] = value - DENSE_AT_ZERO[input];
            }
        }
        let mut seen = vec![vec![0.0f32; shape.sparse_inputs()]; batch.rows];
        for (list, range) in inputs.by_record.starts().windows(2).enumerate() {
            for entry in &inputs.by_record.entries()[range[0] as usize..range[1] as usize] {
                assert_eq!(entry.index as usize / INPUT_BLOCK, list / batch.rows);
                seen[list % batch.rows][entry.index as usize] += entry.value;
            }
        }
        assert_eq!(seen, expected);
        for (input, range) in inputs.by_input.starts().windows(2).enumerate() {
            let column = inputs.by_input.entries()[range[0] as usize..range[1] as usize].iter();
            let column: Vec<_> = column.map(|entry| (entry.index, entry.value)).collect();
            let records = (0u32..).zip(&expected).map(|(record, row)| (record, row[input]));
            assert_eq!(column, records.filter(|&(_, value)| value != 0.0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn batches_that_do_not_fit_are_refused() {
        let layout = Layout { sketch_depth: 2, sketch_width: 8, logarithms: false, languages: 2 };
        let shape = Shape { layout, hidden: 1 };
        let refused = |change: &dyn Fn(&mut Batch)| {
            let mut batch = random_batch(layout, 3, 1);
            change(&mut batch);
            Inputs::default().fill(&batch, shape, true).expect_err("a batch that does not fit").to_string()
        };
        assert!(refused(&|batch| batch.language[1] = 3).contains("language 3"));
        assert!(refused(&|batch| batch.hour[0] = 24).contains("hour 24"));
        assert!(refused(&|batch| batch.day[2] = 31).contains("day 31"));
        assert!(refused(&|batch| batch.dense.truncate(5)).contains("`dense` has 5 values"));
        assert!(refused(&|batch| batch.sparse.columns[0] = 16).contains("sparse column 16"));
    }
}
