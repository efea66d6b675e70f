//! PLANES: byte 0 of all values, then byte 1 of all values, …, each a stream that compresses if it can.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{Encoding, Estimate, Head, Layout};
use super::entropy::zstd_bits;
use super::error::Damage;
use super::numbers::Numbers;
use super::word::Word;

pub(super) const LAYOUT: Layout = Layout::new(4, "planes").value().byte().a_stream_each();

pub(super) struct Planes;

/// How many bytes of the values differ.
fn planes<N: Word, V: Word>(numbers: &Numbers<'_, N, V>) -> usize {
    numbers.span.bits().div_ceil(8) as usize
}

impl<V: Word, N: Word> Encoding<V, N> for Planes {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v Numbers<'v, N, V>;

    fn estimate(numbers: &&Numbers<'_, N, V>) -> Estimate {
        let plane_cost = |plane: usize| {
            let mut histogram = [0; 256];
            let byte = |&value: &N| (numbers.above(value) >> (8 * plane)) as usize & 0xFF;
            numbers.sample.iter().for_each(|value| histogram[byte(value)] += 1);
            zstd_bits(&histogram).min(8.0)
        };
        Estimate::Bits((0..planes(numbers)).map(plane_cost).sum())
    }

    fn encode(numbers: &Numbers<'_, N, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let planes = planes(numbers);
        LAYOUT.write(Head { value: numbers.minimum, number: planes }, chunk);
        for plane in 0..planes {
            let byte = |&value: &N| (numbers.above(value) >> (8 * plane)) as u8;
            let bytes: Vec<u8> = numbers.values.iter().map(byte).collect();
            chunk.stream(&bytes)?;
        }
        Ok(())
    }

    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, _: usize) -> Result<Vec<V>, Damage> {
        let Head { value: minimum, number: planes } = head;
        if planes == 0 || planes > V::BYTES {
            return Err(chunk.damage(format!("{planes} byte planes of values of {} bytes", V::BYTES)));
        }
        let mut values = vec![V::default(); count];
        for plane in 0..planes {
            let bytes = chunk.stream(Some(count))?;
            for (value, &byte) in values.iter_mut().zip(bytes.iter()) {
                *value = value.plus(V::from_u64(u64::from(byte) << (8 * plane)));
            }
        }
        values.iter_mut().for_each(|value| *value = value.plus(minimum));
        Ok(values)
    }
}
