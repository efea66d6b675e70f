//! The network against a plain definition in double precision and against PyTorch's numbers.

mod centred;
mod files;
mod golden;
mod random;
pub(super) mod reference;

pub(super) use crate::arbitrary::{batch as random_batch, network as random_network, shapes, unit};
use skimlog_features::input::{Batch, Layout, SparseRows};

/// The records of a batch in this order.
pub(super) fn selected(batch: &Batch, records: impl Iterator<Item = usize>) -> Batch {
    let mut result = Batch { sparse: SparseRows::default(), ..Batch::default() };
    for record in records {
        let (columns, values) = batch.sparse.row(record);
        result.sparse.columns.extend(columns);
        result.sparse.values.extend(values);
        result.sparse.offsets.push(result.sparse.columns.len() as u32);
        result.dense.extend(&batch.dense[record * Layout::DENSE..(record + 1) * Layout::DENSE]);
        result.language.push(batch.language[record]);
        result.hour.push(batch.hour[record]);
        result.day.push(batch.day[record]);
        result.labels.push(batch.labels[record]);
        result.rows += 1;
    }
    result
}
