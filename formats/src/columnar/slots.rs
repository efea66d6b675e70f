//! SLOTS: long-tailed numbers as an entropy-coded slot (eight to an octave) and the remaining bits.

use super::ColumnarError;
use super::bits::{self, BitWriter};
use super::chunk::{ChunkReader, ChunkWriter};
use super::entropy::zstd_bits;
use super::error::Damage;
use super::word::Word;

/// Number of slots of 32-bit numbers.
const SLOTS: usize = 240;

#[derive(Clone, Copy)]
struct Slot {
    base: u32,
    mask: u32,
    bits: u32,
}

/// The smallest number of every slot and how many of its bits remain; slots that do not exist stay zero.
static TABLE: [Slot; 256] = {
    let mut table = [Slot { base: 0, mask: 0, bits: 0 }; 256];
    let mut slot = 0;
    while slot < SLOTS {
        let bits = if slot < 16 { 0 } else { slot as u32 / 8 - 1 };
        let base = if slot < 16 { slot as u32 } else { (8 + slot as u32 % 8) << bits };
        table[slot] = Slot { base, mask: (1 << bits) - 1, bits };
        slot += 1;
    }
    table
};

/// The slot of a number.
#[inline(always)]
pub(super) fn slot_of(number: u32) -> u8 {
    // Numbers below 8 get the exponent 3 too, which makes each its own slot.
    let exponent = (number | 8).ilog2();
    ((exponent - 3) * 8 + (number >> (exponent - 3))) as u8
}

/// Writes `values`, all less than 2^32 above `minimum`.
pub(super) fn encode<W: Word>(values: &[W], minimum: W, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    chunk.value(minimum);
    let mut slots = Vec::with_capacity(values.len());
    let mut rest = BitWriter::with_capacity(values.len());
    for value in values {
        let number = value.minus(minimum).to_u64() as u32;
        let slot = slot_of(number);
        let Slot { base, bits, .. } = TABLE[usize::from(slot)];
        slots.push(slot);
        rest.push(u64::from(number - base), bits);
    }
    chunk.stream(&slots)?;
    chunk.raw_stream(&rest.finish());
    Ok(())
}

pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>) -> Result<Vec<W>, Damage> {
    let minimum: W = chunk.value()?;
    decode_numbers(count, chunk, |number| minimum.plus(W::from_u64(number.into())))
}

/// Reads slots of 32-bit numbers and turns each number into what it stands for on the way.
pub(super) fn decode_mapped<T: Copy + Default>(
    count: usize,
    chunk: &mut ChunkReader<'_>,
    mut value_of: impl FnMut(u32) -> T,
) -> Result<Vec<T>, Damage> {
    let minimum: u32 = chunk.value()?;
    decode_numbers(count, chunk, |number| value_of(minimum.wrapping_add(number)))
}

fn decode_numbers<T: Copy + Default>(
    count: usize,
    chunk: &mut ChunkReader<'_>,
    value_of: impl FnMut(u32) -> T,
) -> Result<Vec<T>, Damage> {
    let slots = chunk.stream(Some(count))?;
    let rest = chunk.stream(None)?;
    let largest = usize::from(slots.iter().copied().max().unwrap_or(0));
    if largest >= SLOTS {
        return Err(chunk.damage("a slot that does not exist"));
    }
    // A load gives 57 bits: enough for the remaining bits of 2 numbers of any size or of 4 not so large ones.
    let (values, end) = match TABLE[largest].bits {
        0..=14 => join::<4, T>(&slots, &rest, value_of),
        _ => join::<2, T>(&slots, &rest, value_of),
    }
    .ok_or_else(|| chunk.damage("the remaining bits of slots end too early"))?;
    if rest.len() == bits::length(end) {
        Ok(values)
    } else {
        Err(chunk.damage("remaining bits of slots are left over"))
    }
}

/// Joins slots and remaining bits, `GROUP` numbers a load; also gives the number of bits used.
fn join<const GROUP: usize, T: Copy + Default>(
    slots: &[u8],
    rest: &[u8],
    mut value_of: impl FnMut(u32) -> T,
) -> Option<(Vec<T>, usize)> {
    let mut values = vec![T::default(); slots.len()];
    let mut at = 0;
    for (values, slots) in values.chunks_mut(GROUP).zip(slots.chunks(GROUP)) {
        let mut word = bits::load(rest, at)?;
        for (value, &slot) in values.iter_mut().zip(slots) {
            let Slot { base, mask, bits } = TABLE[usize::from(slot)];
            *value = value_of(base + (word as u32 & mask));
            word >>= bits;
            at += bits as usize;
        }
    }
    Some((values, at))
}

/// Estimated bits a value; `None` if some value is 2^32 or more above `minimum`.
pub(super) fn cost<W: Word>(sample: &[W], minimum: W) -> Option<f64> {
    let mut histogram = [0; 256];
    let mut rest = 0;
    for value in sample {
        let slot = usize::from(slot_of(u32::try_from(value.minus(minimum).to_u64()).ok()?));
        histogram[slot] += 1;
        rest += u64::from(TABLE[slot].bits);
    }
    Some(zstd_bits(&histogram) + rest as f64 / sample.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_lies_in_its_slot() {
        for exponent in 0..32 {
            for near in [-2i64, -1, 0, 1, 2, 77, 12_345] {
                let Ok(number) = u32::try_from((1i64 << exponent) + near) else { continue };
                let slot = TABLE[usize::from(slot_of(number))];
                assert!(slot.base <= number && u64::from(number - slot.base) < 1 << slot.bits, "{number}");
            }
        }
        assert_eq!([0, 1, 15, 16, 17, 18, u32::MAX].map(slot_of), [0, 1, 15, 16, 16, 17, 239]);
    }
}
