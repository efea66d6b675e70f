//! PACKED: value − minimum in a fixed number of bits.

use super::ColumnarError;
use super::bits::{self, BitWriter};
use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;
use super::word::Word;

/// The most bits a packed value may have: 8 bytes loaded at any bit hold so many.
pub(super) const MAX_BITS: u32 = 56;

/// Writes `values`, none of which is more than `bits` bits above `minimum`.
pub(super) fn encode<W: Word>(
    values: &[W],
    minimum: W,
    bits: u32,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    chunk.value(minimum);
    encode_above(values, minimum, bits, chunk)
}

/// The same but for the minimum, which may have another type in the file and has been written.
pub(super) fn encode_above<V: Word>(
    values: &[V],
    minimum: V,
    bits: u32,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    chunk.tag(bits as u8);
    let mut string = BitWriter::with_capacity(values.len() * bits as usize / 8);
    values.iter().for_each(|value| string.push(value.minus(minimum).to_u64(), bits));
    let string = string.finish();
    // Values that never straddle bytes leave byte patterns for zstd to find, the others only noise.
    if bits < 8 && 8 % bits == 0 {
        return chunk.stream(&string);
    }
    chunk.raw_stream(&string);
    Ok(())
}

pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>) -> Result<Vec<W>, Damage> {
    let minimum: W = chunk.value()?;
    let bits = u32::from(chunk.tag()?);
    if bits == 0 || bits > MAX_BITS.min(W::BITS) {
        return Err(chunk.damage(format!("values packed in {bits} bits")));
    }
    let string = chunk.stream(Some(bits::length(count * bits as usize)))?;
    let mut values = vec![W::default(); count];
    if bits == 1 {
        for (eight, &byte) in values.chunks_mut(8).zip(string.iter()) {
            for (bit, value) in eight.iter_mut().enumerate() {
                *value = minimum.plus(W::from_u64(u64::from(byte >> bit & 1)));
            }
        }
        return Ok(values);
    }
    let mask = (1 << bits) - 1;
    for (index, value) in values.iter_mut().enumerate() {
        // The stream has the length checked above, so the load never fails.
        let word = bits::load(&string, index * bits as usize).unwrap_or(0);
        *value = minimum.plus(W::from_u64(word & mask));
    }
    Ok(values)
}
