//! PACKED: value − minimum in a fixed number of bits.

use super::ColumnarError;
use super::bits::{self, BitWriter};
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{Encoding, Estimate, Head, Layout};
use super::error::Damage;
use super::numbers::Numbers;
use super::slots;
use super::word::Word;

pub(super) const LAYOUT: Layout = Layout::new(2, "packed").value().byte().streams(1);

/// The most bits a packed value may have: 8 bytes loaded at any bit hold so many.
const MAX_BITS: u32 = 56;
/// zstd makes of several values a byte slightly less than of one value a byte, which the estimate of slots is for.
/// Measured (see `COLUMNAR.md`): all files are the same from 0.9 to 1.
const SHARED_BYTE_GAIN: f64 = 0.97;

pub(super) struct Packed;

/// Whether a byte holds several values, none of which straddles two: then bytes leave patterns for zstd to find.
fn share_bytes(bits: u32) -> bool {
    bits < 8 && 8 % bits == 0
}

impl<V: Word, N: Word> Encoding<V, N> for Packed {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v Numbers<'v, N, V>;

    fn estimate(numbers: &&Numbers<'_, N, V>) -> Estimate {
        let bits = numbers.span.bits();
        if bits == 0 || bits > MAX_BITS {
            return Estimate::Skip;
        }
        let fixed = f64::from(bits);
        match slots::cost(numbers) {
            Some(entropy) if share_bytes(bits) => Estimate::Bits((entropy * SHARED_BYTE_GAIN).min(fixed)),
            _ => Estimate::Bits(fixed),
        }
    }

    fn encode(numbers: &Numbers<'_, N, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let bits = numbers.span.bits();
        LAYOUT.write(Head { value: numbers.minimum, number: bits as usize }, chunk);
        let mut string = BitWriter::with_capacity(numbers.values.len() * bits as usize / 8);
        numbers.values.iter().for_each(|&value| string.push(numbers.above(value), bits));
        let string = string.finish();
        if share_bytes(bits) {
            return chunk.stream(&string);
        }
        chunk.raw_stream(&string);
        Ok(())
    }

    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, _: usize) -> Result<Vec<V>, Damage> {
        let Head { value: minimum, number: bits } = head;
        if bits == 0 || bits > MAX_BITS.min(V::BITS) as usize {
            return Err(chunk.damage(format!("values packed in {bits} bits")));
        }
        let string = chunk.stream(Some(bits::length(count * bits)))?;
        let mut values = vec![V::default(); count];
        if bits == 1 {
            for (eight, &byte) in values.chunks_mut(8).zip(string.iter()) {
                for (bit, value) in eight.iter_mut().enumerate() {
                    *value = minimum.plus(V::from_u64(u64::from(byte >> bit & 1)));
                }
            }
            return Ok(values);
        }
        let mask = (1 << bits) - 1;
        for (index, value) in values.iter_mut().enumerate() {
            // The stream has the length checked above, so the load never fails.
            let word = bits::load(&string, index * bits).unwrap_or(0);
            *value = minimum.plus(V::from_u64(word & mask));
        }
        Ok(values)
    }
}
