//! CONSTANT: the same value again and again.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{Encoding, Estimate, Head, Layout, Value};
use super::error::Damage;

pub(super) const LAYOUT: Layout = Layout::new(1, "constant").value();

pub(super) struct Constant;

impl<V: Value> Encoding<V> for Constant {
    const LAYOUT: Layout = LAYOUT;
    /// The value.
    type Input<'v> = V;

    fn estimate(_: &V) -> Estimate {
        Estimate::Take
    }

    fn encode(value: V, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        LAYOUT.write(Head { value, ..Head::default() }, chunk);
        Ok(())
    }

    fn decode(head: Head<V>, count: usize, _: &mut ChunkReader<'_>, _: usize) -> Result<Vec<V>, Damage> {
        Ok(vec![head.value; count])
    }
}
