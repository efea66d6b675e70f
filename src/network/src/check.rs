//! Whether a batch fits a network.

use skimlog_features::input::{Batch, Layout};

use super::shape::Shape;

/// Checks that a batch fits a network, else says what of it does not.
pub(super) fn check(batch: &Batch, shape: Shape) -> Result<(), String> {
    let rows = batch.rows;
    let lengths = [
        ("sparse", batch.sparse.rows(), rows),
        ("dense", batch.dense.len(), rows * Layout::DENSE),
        ("language", batch.language.len(), rows),
        ("hour", batch.hour.len(), rows),
        ("day", batch.day.len(), rows),
    ];
    if let Some((part, found, expected)) = lengths.into_iter().find(|&(_, found, expected)| found != expected) {
        return Err(format!("`{part}` has {found} values instead of {expected}"));
    }
    let width = shape.layout.sparse();
    if let Some(column) = batch.sparse.columns.iter().find(|&&column| column as usize >= width) {
        return Err(format!("sparse column {column} in a network with {width} of them"));
    }
    let ids = [
        ("language", batch.language.iter().copied().max(), shape.layout.languages),
        ("hour", batch.hour.iter().copied().max().map(u32::from), Layout::HOURS - 1),
        ("day", batch.day.iter().copied().max().map(u32::from), Layout::DAYS - 1),
    ];
    for (part, largest, limit) in ids {
        if let Some(id) = largest.filter(|&id| id as usize > limit) {
            return Err(format!("{part} {id} in a network that knows 0 to {limit}"));
        }
    }
    Ok(())
}
