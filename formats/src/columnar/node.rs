//! What values may be encoded in, and the choice among all encodings of numbers.

use super::ColumnarError;
use super::choice::Choice;
use super::chunk::ChunkWriter;
use super::constant::Constant;
use super::delta::Delta;
use super::dictionary::Dictionary;
use super::encoding::{Encoding, Entry, Estimate, Value};
use super::frequencies::Frequencies;
use super::fresh::Fresh;
use super::leaf::Leaf;
use super::numbers::{Numbers, Span};
use super::packed::Packed;
use super::plain::Plain;
use super::planes::Planes;
use super::slots::Slots;
use super::spare::at_least;
use super::sparse::{Others, Sparse};
use super::word::Word;
use crate::Id;

/// The widest range of numbers that are taken for bytes: that of a byte.
const BYTE_RANGE: u64 = 255;
/// Bytes of fewer bits are not made SPARSE: several of them share a byte, which zstd finds the frequencies of. Measured
/// (see `COLUMNAR.md`): 2 makes the small files 0.3 % larger and parts 0.03 % smaller, 4 makes them 0.9 % and 0.1 %
/// larger.
const SPARSE_BITS: u32 = 3;
/// What part of the best other estimate a dictionary must stay below: reading it is a look-up a value. Measured (see
/// `COLUMNAR.md`): 0.8 makes parts 14 % larger; from 0.9 to 1 they are the same to 0.01 %.
const DICTIONARY_MARGIN: f64 = 0.93;

macro_rules! numbers {
    ($($integer:ty, $name:literal, [$($further:ident),*];)*) => {$(
        impl Value for $integer {
            const NAME: &'static str = $name;
            const ENCODINGS: &'static [Entry<Self>] = &[
                Entry::of::<Plain>(),
                Entry::of::<Constant>(),
                Entry::of::<Packed>(),
                Entry::of::<Slots>(),
                Entry::of::<Planes>(),
                Entry::of::<Delta>(),
                Entry::of::<Dictionary>(),
                Entry::of::<Sparse>(),
                $(Entry::of::<$further>(),)*
            ];
        }
    )*};
}
numbers! {
    u8, "8 bits", [];
    u16, "16 bits", [];
    u32, "32 bits", [Fresh];
    u64, "64 bits", [];
    i64, "64 bits", [];
}

impl Value for Id {
    const NAME: &'static str = "ids";
    const ENCODINGS: &'static [Entry<Self>] =
        &[Entry::of::<Plain>(), Entry::of::<Constant>(), Entry::of::<Dictionary>()];
}

/// Writes numbers in the cheapest encoding.
pub(super) fn encode<W: Word>(values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    encode_within(values, Span::of(values), chunk)
}

/// The same of numbers whose span is known.
pub(super) fn encode_within<W: Word>(
    values: &[W],
    span: Span<W>,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    if span.range() <= BYTE_RANGE {
        let mut narrow = std::mem::take(&mut chunk.spare.narrow);
        let bytes = at_least(&mut narrow, values.len());
        W::narrow(values, span.minimum, bytes);
        let bytes_span = Span { minimum: 0, maximum: span.range() as u8 };
        let numbers = Numbers::standing_for(bytes, bytes_span, span.minimum);
        let may_be_sparse = span.bits() >= SPARSE_BITS;
        let outcome = encode_others(&numbers, may_be_sparse, encode_bytes, chunk);
        chunk.spare.narrow = narrow;
        return outcome;
    }
    encode_others(&Numbers::within(values, span), true, encode_wide, chunk)
}

/// Writes numbers as SPARSE if that pays, with `encode` for what then is left, or else for all.
fn encode_others<N: Word, V: Word>(
    numbers: &Numbers<'_, N, V>,
    may_be_sparse: bool,
    encode: fn(&Numbers<'_, N, V>, &mut ChunkWriter) -> Result<(), ColumnarError>,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    let others = Others { numbers, encode };
    if may_be_sparse && Sparse::estimate(&others) == Estimate::Take {
        return Sparse::encode(others, chunk);
    }
    encode(numbers, chunk)
}

/// Writes numbers that are taken for bytes in the cheapest encoding but SPARSE.
///
/// No DICTIONARY is tried: zstd finds the frequencies of bytes whatever they are. One plane holds incompressible ones
/// in less than PLAIN if their type is wider.
fn encode_bytes<V: Word>(numbers: &Numbers<'_, u8, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    Choice::of(numbers, Leaf::Planes).encode(numbers, chunk)
}

/// Writes other numbers in the cheapest encoding but SPARSE.
fn encode_wide<W: Word>(numbers: &Numbers<'_, W>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let choice = Choice::of(numbers, Leaf::Plain);
    if !choice.is_final()
        && let Some(frequencies) = Frequencies::count(numbers, &mut chunk.spare.table)
        && <Dictionary as Encoding<W>>::estimate(&frequencies).bits() < DICTIONARY_MARGIN * choice.bits()
    {
        return <Dictionary as Encoding<W>>::encode(frequencies, chunk);
    }
    choice.encode(numbers, chunk)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columnar::chunk::ChunkReader;
    use crate::columnar::encoding::{self, MAX_DEPTH};

    /// Encodes values, and decodes and describes them: both must use up exactly what was written.
    fn there_and_back<W: Word>(values: &[W]) -> String {
        let mut chunk = ChunkWriter::default();
        encode(values, &mut chunk).unwrap();
        let (data, description) = chunk.finish(0);
        let mut reader = ChunkReader::new(&chunk.bytes[..data + description], data);
        let (mut described, mut name) = (reader.clone(), String::new());
        assert_eq!(encoding::decode::<W>(values.len(), &mut reader, MAX_DEPTH).unwrap(), values);
        reader.finish().unwrap();
        encoding::describe::<W>(&mut described, &mut name, MAX_DEPTH).unwrap();
        described.finish().unwrap();
        name
    }

    proptest! {
        #[test]
        fn layouts_are_read_as_they_are_written(
            seeds in prop::collection::vec(any::<u64>(), 1..40),
            count in 0..6000usize,
            bits in 1..64u32,
            zeros in 1..5u64,
            sorted in any::<bool>(),
        ) {
            let value = |place: usize| seeds[place * place % seeds.len()].rotate_left(place as u32 % 7) >> (64 - bits);
            let kept = |place: usize| u64::from((place as u64).is_multiple_of(zeros));
            let mut values: Vec<u64> = (0..count).map(|place| value(place) * kept(place)).collect();
            if sorted {
                values.sort_unstable();
            }
            there_and_back(&values);
            there_and_back(&values.iter().map(|&value| value as i64).collect::<Vec<_>>());
            there_and_back(&values.iter().map(|&value| value as u32).collect::<Vec<_>>());
            there_and_back(&values.iter().map(|&value| value as u16).collect::<Vec<_>>());
            there_and_back(&values.iter().map(|&value| value as u8).collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_tell_numbers_codecs_and_inner_nodes() {
        assert_eq!(there_and_back(&[7u32; 9]), "constant");
        let sparse: Vec<u32> = (0..5000).map(|place| if place % 5 == 0 { 1000 + place % 8 } else { 3 }).collect();
        assert!(there_and_back(&sparse).starts_with("sparse 1000+zstd("), "{}", there_and_back(&sparse));
        let few: Vec<u64> =
            (0..5000).map(|place| [1 << 60, 5, 1 << 33, 77, 1 << 20][place * place % 7919 % 5]).collect();
        assert!(there_and_back(&few).starts_with("dictionary 5("), "{}", there_and_back(&few));
    }
}
