//! PLAIN: the values as they are, so that they can be viewed in a map.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{Encoding, Estimate, Head, Layout, Value};
use super::error::Damage;

pub(super) const LAYOUT: Layout = Layout::new(0, "plain").streams(1);

pub(super) struct Plain;

impl<V: Value> Encoding<V> for Plain {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v [V];

    fn estimate(_: &&[V]) -> Estimate {
        Estimate::Bits(8.0 * size_of::<V>() as f64)
    }

    fn encode(values: &[V], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        LAYOUT.write(Head::<V>::default(), chunk);
        chunk.raw_stream(bytemuck::cast_slice(values));
        Ok(())
    }

    fn decode(_: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, _: usize) -> Result<Vec<V>, Damage> {
        Ok(bytemuck::pod_collect_to_vec(&chunk.stream(Some(count * size_of::<V>()))?))
    }
}
