//! SPARSE: a bit for every value that says whether it is another than the most common one, and these others.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{self, Encoding, Estimate, Head, Inner, Layout};
use super::error::Damage;
use super::numbers::{Numbers, Span};
use super::spare::at_least;
use super::word::Word;

pub(super) const LAYOUT: Layout = Layout::new(8, "sparse").value().count().streams(1).nodes(&[Inner::Same]);

/// One in so many values of a sample must be the smallest one: then the bits take less than what they save, and there
/// are fewer values to compress. Measured (see `COLUMNAR.md`): parts are the same from 2 to 16; 2 makes the small files
/// 0.5 % smaller, 16 makes them 0.4 % larger.
const ONE_IN: usize = 4;

pub(super) struct Sparse;

/// Numbers, and how those of them are written that are not the smallest.
pub(super) struct Others<'v, N: Word, V> {
    pub(super) numbers: &'v Numbers<'v, N, V>,
    pub(super) encode: fn(&Numbers<'_, N, V>, &mut ChunkWriter) -> Result<(), ColumnarError>,
}

impl<V: Word, N: Word> Encoding<V, N> for Sparse {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = Others<'v, N, V>;

    fn estimate(Others { numbers, .. }: &Others<'_, N, V>) -> Estimate {
        let common = numbers.sample.iter().filter(|&&value| value == numbers.span.minimum).count();
        Estimate::take_if(ONE_IN * common >= numbers.sample.len())
    }

    fn encode(Others { numbers, encode }: Others<'_, N, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let Numbers { values, span, minimum, .. } = *numbers;
        let mut map = std::mem::take(&mut chunk.spare.map);
        let bits = at_least(&mut map, values.len().div_ceil(8));
        mark(values, span.minimum, bits);
        let others = gather(values, bits);
        LAYOUT.write(Head { value: minimum, number: others.len() }, chunk);
        let outcome = chunk.stream(bits);
        chunk.spare.map = map;
        outcome?;
        let span = Span::of(&others);
        encode(&Numbers::standing_for(&others, span, numbers.meaning(span.minimum)), chunk)
    }

    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage> {
        let Head { value: common, number: kept } = head;
        let bits = chunk.stream(Some(count.div_ceil(8)))?;
        let beyond = bits.last().is_some_and(|&last| !count.is_multiple_of(8) && last >> (count % 8) > 0);
        if beyond || ones(&bits) != kept {
            return Err(chunk.damage(format!("{kept} values where {} have a bit", ones(&bits))));
        }
        let others: Vec<V> = encoding::decode(kept, chunk, depth)?;
        let mut values = vec![common; count];
        let mut rest = others.as_slice();
        for (values, word) in values.chunks_mut(64).zip(words(&bits)) {
            let (here, after) = rest.split_at(word.count_ones() as usize);
            for (&other, place) in here.iter().zip(places(word)) {
                values[place] = other;
            }
            rest = after;
        }
        Ok(values)
    }
}

/// Sets a bit for every value but `common`.
fn mark<V: Word>(values: &[V], common: V, bits: &mut [u8]) {
    #[inline(always)]
    fn mark<V: Word>(values: &[V], common: V, bits: &mut [u8]) {
        let (whole, left) = values.as_chunks::<64>();
        let (whole_bits, left_bits) = bits.split_at_mut(8 * whole.len());
        for (values, bits) in whole.iter().zip(whole_bits.as_chunks_mut::<8>().0) {
            let flags = values.map(|value| u8::from(value != common));
            for (flags, byte) in flags.as_chunks::<8>().0.iter().zip(bits) {
                *byte = packed(*flags);
            }
        }
        for (values, byte) in left.chunks(8).zip(left_bits) {
            let flag = |place: usize| u8::from(values.get(place).is_some_and(|&value| value != common));
            *byte = packed(std::array::from_fn(flag));
        }
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn mark_wide<V: Word>(values: &[V], common: V, bits: &mut [u8]) {
            mark(values, common, bits);
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been asked for what the function needs.
            return unsafe { mark_wide(values, common, bits) };
        }
    }
    mark(values, common, bits);
}

/// Eight flags of 0 or 1 as a byte, the first as its lowest bit: each is moved to its place in the highest byte.
#[inline(always)]
fn packed(flags: [u8; 8]) -> u8 {
    (u64::from_le_bytes(flags).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// The values that have a bit.
fn gather<V: Word>(values: &[V], bits: &[u8]) -> Vec<V> {
    let mut others = vec![V::default(); ones(bits)];
    let mut rest = others.as_mut_slice();
    for (values, word) in values.chunks(64).zip(words(bits)) {
        let (here, after) = std::mem::take(&mut rest).split_at_mut(word.count_ones() as usize);
        for (other, place) in here.iter_mut().zip(places(word)) {
            *other = values[place];
        }
        rest = after;
    }
    others
}

fn ones(bits: &[u8]) -> usize {
    words(bits).map(|word| word.count_ones() as usize).sum()
}

/// Bits, 64 at a time.
fn words(bits: &[u8]) -> impl Iterator<Item = u64> {
    let (whole, left) = bits.as_chunks::<8>();
    let mut last = [0; 8];
    last[..left.len()].copy_from_slice(left);
    whole.iter().copied().map(u64::from_le_bytes).chain((!left.is_empty()).then(|| u64::from_le_bytes(last)))
}

/// The places of a word's bits.
#[inline(always)]
fn places(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (place < 64).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_for_others() {
        for length in 0..300usize {
            let values: Vec<u16> = (0..length).map(|i| if i * i % 7 < 3 { 9 } else { i as u16 + 10 }).collect();
            let mut bits = vec![0xA5; length.div_ceil(8)];
            mark(&values, 9, &mut bits);
            let has_bit = |&place: &usize| bits[place / 8] >> (place % 8) & 1 == 1;
            let marked: Vec<usize> = (0..8 * bits.len()).filter(has_bit).collect();
            let expected: Vec<usize> = (0..length).filter(|&place| values[place] != 9).collect();
            assert_eq!(marked, expected);
            let others: Vec<u16> = expected.iter().map(|&place| values[place]).collect();
            assert_eq!(gather(&values, &bits), others);
        }
    }
}
