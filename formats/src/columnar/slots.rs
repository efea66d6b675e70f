//! SLOTS: long-tailed numbers as an entropy-coded slot (eight to an octave) and the remaining bits.

use super::ColumnarError;
use super::bits;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{Encoding, Estimate, Head, Layout};
use super::entropy::zstd_bits;
use super::error::Damage;
use super::numbers::Numbers;
use super::slot::{Parts, SLOTS, Slot, Split, TABLE, slot_of};
use super::spare::at_least;
use super::word::Word;

pub(super) const LAYOUT: Layout = Layout::new(3, "slots").value().streams(2);

pub(super) struct Slots;

impl<V: Word, N: Word> Encoding<V, N> for Slots {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v Numbers<'v, N, V>;

    fn estimate(numbers: &&Numbers<'_, N, V>) -> Estimate {
        match cost(numbers) {
            Some(bits) if numbers.span.range() <= u64::from(u32::MAX) => Estimate::Bits(bits),
            _ => Estimate::Skip,
        }
    }

    fn encode(numbers: &Numbers<'_, N, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let split = |value: N| Split::of(numbers.above(value) as u32);
        write(numbers.minimum, numbers.values, numbers.span.range() as u32, split, chunk)
    }

    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, _: usize) -> Result<Vec<V>, Damage> {
        decode_numbers(count, chunk, |number| head.value.plus(V::from_u64(number.into())))
    }
}

/// Estimated bits a value; `None` if some value of the sample is 2^32 or more above the smallest.
pub(super) fn cost<N: Word, V: Word>(numbers: &Numbers<'_, N, V>) -> Option<f64> {
    let mut histogram = [0; 256];
    let mut rest = 0;
    for &value in numbers.sample.iter() {
        let slot = usize::from(slot_of(u32::try_from(numbers.above(value)).ok()?));
        histogram[slot] += 1;
        rest += u64::from(TABLE[slot].bits);
    }
    Some(zstd_bits(&histogram) + rest as f64 / numbers.sample.len().max(1) as f64)
}

/// Writes numbers up to `largest`, which `parts` gives for values.
pub(super) fn encode_parts<T: Copy>(
    values: &[T],
    largest: u32,
    parts: impl Fn(T) -> Parts,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    write(0u32, values, largest, |value| parts(value).split(), chunk)
}

/// Writes what `split` gives for values, which are at most `largest` above `minimum`.
fn write<V: Word, T: Copy>(
    minimum: V,
    values: &[T],
    largest: u32,
    split: impl Fn(T) -> Split,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    LAYOUT.write(Head { value: minimum, ..Head::default() }, chunk);
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

/// Reads 32-bit numbers and turns each of them into what it stands for on the way.
pub(super) fn decode_mapped<T: Copy + Default>(
    head: Head<u32>,
    count: usize,
    chunk: &mut ChunkReader<'_>,
    mut value_of: impl FnMut(u32) -> T,
) -> Result<Vec<T>, Damage> {
    decode_numbers(count, chunk, |number| value_of(head.value.wrapping_add(number)))
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
