//! DELTA: each value as its difference from the one before.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;
use super::node;
use super::word::{Word, unzigzag, zigzag};

fn differences<W: Word>(values: &[W]) -> Vec<W> {
    let before = std::iter::once(W::default()).chain(values.iter().copied());
    values.iter().zip(before).map(|(&value, before)| zigzag(value, before)).collect()
}

pub(super) fn encode<W: Word>(values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    node::encode_leaf(&differences(values), chunk)
}

pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<W>, Damage> {
    let mut values: Vec<W> = node::decode(count, chunk, depth)?;
    let mut before = W::default();
    for value in &mut values {
        *value = unzigzag(*value, before);
        before = *value;
    }
    Ok(values)
}

/// Estimated bits a value.
pub(super) fn cost<W: Word>(sample: &[W]) -> f64 {
    let mut differences = differences(sample);
    if let Some(first) = differences.first_mut() {
        // The first one has the whole value in it and would widen the range of all.
        *first = W::default();
    }
    node::leaf_cost(&differences)
}
