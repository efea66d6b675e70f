//! SLOTS: long-tailed numbers as an entropy-coded slot (eight to an octave) and the remaining bits.

use super::ColumnarError;
use super::bits;
use super::chunk::{ChunkReader, ChunkWriter};
use super::entropy::zstd_bits;
use super::error::Damage;
use super::node::Span;
use super::spare::at_least;
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

/// A number on its way into the two streams.
#[derive(Clone, Copy)]
struct Split {
    slot: u8,
    bits: u32,
    rest: u32,
}

impl Split {
    #[inline(always)]
    fn of(number: u32) -> Self {
        let slot = slot_of(number);
        let Slot { base, bits, .. } = TABLE[usize::from(slot)];
        Self { slot, bits, rest: number - base }
    }
}

/// A number below 2^20 in its parts, in one word: so tables of them stay small.
#[derive(Clone, Copy)]
pub(super) struct Parts(u32);

impl Parts {
    /// How many numbers have parts.
    pub(super) const NUMBERS: usize = 1 << 20;

    pub(super) fn of(number: u32) -> Self {
        let Split { slot, bits, rest } = Split::of(number);
        Self(u32::from(slot) | bits << 8 | rest << 13)
    }

    pub(super) fn from_word(word: u32) -> Self {
        Self(word)
    }

    pub(super) fn word(self) -> u32 {
        self.0
    }

    #[inline(always)]
    fn split(self) -> Split {
        Split { slot: self.0 as u8, bits: self.0 >> 8 & 0x1F, rest: self.0 >> 13 }
    }

    /// The number.
    pub(super) fn number(self) -> u32 {
        let Split { slot, rest, .. } = self.split();
        TABLE[usize::from(slot)].base + rest
    }
}

/// Writes `values`, all less than 2^32 above `span`'s minimum.
pub(super) fn encode<W: Word>(values: &[W], span: Span<W>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    chunk.value(span.minimum);
    encode_above(values, span, chunk)
}

/// The same but for the minimum, which may have another type in the file and has been written.
pub(super) fn encode_above<V: Word>(values: &[V], span: Span<V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let split = |value: V| Split::of(value.minus(span.minimum).to_u64() as u32);
    write(values, span.range() as u32, split, chunk)
}

/// Writes numbers up to `largest` which `parts` gives for values.
pub(super) fn encode_parts<W: Word>(
    values: &[W],
    largest: u32,
    parts: impl Fn(W) -> Parts,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    chunk.value(0u32);
    write(values, largest, |value| parts(value).split(), chunk)
}

fn write<T: Copy>(
    values: &[T],
    largest: u32,
    split: impl Fn(T) -> Split,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    let most_bits = Split::of(largest).bits;
    let (mut slots, mut rest) = (std::mem::take(&mut chunk.spare.slots), std::mem::take(&mut chunk.spare.rest));
    let slots_out = at_least(&mut slots, values.len());
    let rest_out = at_least(&mut rest, bits::length(values.len() * most_bits as usize) + bits::SLACK);
    // A store of 8 bytes takes 57 bits: those of 2 numbers of any size or of 4 not so large ones.
    let end = match most_bits {
        0..=14 => split_all::<4, T>(values, split, slots_out, rest_out),
        _ => split_all::<2, T>(values, split, slots_out, rest_out),
    };
    let outcome = chunk.stream(slots_out);
    chunk.raw_stream(&rest_out[..end]);
    (chunk.spare.slots, chunk.spare.rest) = (slots, rest);
    outcome
}

/// Fills both streams, `GROUP` numbers a store; gives the length of the second one.
fn split_all<const GROUP: usize, T: Copy>(
    values: &[T],
    split: impl Fn(T) -> Split,
    slots: &mut [u8],
    rest: &mut [u8],
) -> usize {
    let (mut word, mut filled, mut at) = (0u64, 0, 0);
    let mut group = |values: &[T], slots: &mut [u8]| {
        for (&value, slot) in values.iter().zip(slots) {
            let Split { slot: number, bits, rest } = split(value);
            *slot = number;
            word |= u64::from(rest) << filled;
            filled += bits;
        }
        rest[at..at + 8].copy_from_slice(&word.to_le_bytes());
        at += filled as usize / 8;
        word >>= filled & !7;
        filled &= 7;
    };
    let (whole, left) = values.as_chunks::<GROUP>();
    let (whole_slots, left_slots) = slots.as_chunks_mut::<GROUP>();
    for (values, slots) in whole.iter().zip(whole_slots) {
        group(values, slots);
    }
    group(left, left_slots);
    // The last store holds what is left of bits and zeros behind it, which may be less than the slack.
    let end = at + usize::from(filled > 0);
    rest[end..end + bits::SLACK].fill(0);
    end + bits::SLACK
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
        for number in (0..Parts::NUMBERS as u32).step_by(7).chain([Parts::NUMBERS as u32 - 1]) {
            assert_eq!(Parts::of(number).number(), number);
        }
        assert_eq!([0, 1, 15, 16, 17, 18, u32::MAX].map(slot_of), [0, 1, 15, 16, 16, 17, 239]);
    }
}
