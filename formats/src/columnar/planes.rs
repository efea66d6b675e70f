//! PLANES: byte 0 of all values, then byte 1 of all values, …, each a stream that compresses if it can.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::entropy::zstd_bits;
use super::error::Damage;
use super::word::Word;

/// Writes `values`, which have `planes` bytes above `minimum`.
pub(super) fn encode<W: Word>(
    values: &[W],
    minimum: W,
    planes: usize,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    chunk.value(minimum);
    encode_above(values, minimum, planes, chunk)
}

/// The same but for the minimum, which may have another type in the file and has been written.
pub(super) fn encode_above<V: Word>(
    values: &[V],
    minimum: V,
    planes: usize,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    chunk.tag(planes as u8);
    for plane in 0..planes {
        let bytes: Vec<u8> = values.iter().map(|value| (value.minus(minimum).to_u64() >> (8 * plane)) as u8).collect();
        chunk.stream(&bytes)?;
    }
    Ok(())
}

pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>) -> Result<Vec<W>, Damage> {
    let minimum: W = chunk.value()?;
    let planes = usize::from(chunk.tag()?);
    if planes == 0 || planes > W::BYTES {
        return Err(chunk.damage(format!("{planes} byte planes of values of {} bytes", W::BYTES)));
    }
    let mut values = vec![W::default(); count];
    for plane in 0..planes {
        let bytes = chunk.stream(Some(count))?;
        for (value, &byte) in values.iter_mut().zip(bytes.iter()) {
            *value = value.plus(W::from_u64(u64::from(byte) << (8 * plane)));
        }
    }
    values.iter_mut().for_each(|value| *value = value.plus(minimum));
    Ok(values)
}

/// Estimated bits a value.
pub(super) fn cost<W: Word>(sample: &[W], minimum: W, planes: usize) -> f64 {
    let plane_cost = |plane: usize| {
        let mut histogram = [0; 256];
        sample.iter().for_each(|value| histogram[(value.minus(minimum).to_u64() >> (8 * plane)) as usize & 0xFF] += 1);
        zstd_bits(&histogram).min(8.0)
    };
    (0..planes).map(plane_cost).sum()
}
