//! Numbers that lie within a byte of each other: chosen for and encoded as bytes, whatever their type.

use super::chunk::ChunkWriter;
use super::node::{self, Leaf, Span};
use super::spare::at_least;
use super::word::Word;
use super::{ColumnarError, delta, packed, planes, slots, sparse};

/// The widest range of such numbers.
pub(super) const RANGE: u64 = 255;
/// Numbers of fewer bits are not made SPARSE: several of them share a byte, which zstd finds the frequencies of.
const SPARSE_BITS: u32 = 3;

/// Writes numbers of a range up to [`RANGE`] in the cheapest encoding: what [`node::encode`] does for others.
///
/// No DICTIONARY is tried: zstd finds the frequencies of bytes whatever they are.
pub(super) fn encode<W: Word>(values: &[W], span: Span<W>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let mut narrow = std::mem::take(&mut chunk.spare.narrow);
    let bytes = at_least(&mut narrow, values.len());
    W::narrow(values, span.minimum, bytes);
    let outcome = if span.bits() >= SPARSE_BITS && sparse::pays(&node::sample(bytes), 0) {
        sparse::encode(bytes, (0, span.minimum), chunk)
            .and_then(|mut others| encode_bytes(&mut others, span.minimum, chunk))
    } else {
        encode_bytes(bytes, span.minimum, chunk)
    };
    chunk.spare.narrow = narrow;
    outcome
}

/// Writes the numbers that lie so far above `minimum`.
fn encode_bytes<W: Word>(bytes: &mut [u8], minimum: W, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let Span { minimum: lowest, maximum: highest } = Span::of(bytes);
    if lowest > 0 {
        bytes.iter_mut().for_each(|byte| *byte -= lowest);
    }
    let (minimum, largest) = (minimum.plus(W::from_u64(lowest.into())), highest - lowest);
    let span = Span { minimum: 0, maximum: largest };
    let sample = node::sample(bytes);
    let (leaf, cost) = node::choose_leaf(&sample, span);
    if cost > 1.0 && leaf != Leaf::Constant && delta::cost(&sample) < 0.9 * cost {
        chunk.tag(node::DELTA);
        let values: Vec<W> = bytes.iter().map(|&byte| minimum.plus(W::from_u64(byte.into()))).collect();
        return delta::encode(&values, chunk);
    }
    match leaf {
        Leaf::Constant => {
            chunk.tag(node::CONSTANT);
            chunk.value(minimum);
            Ok(())
        }
        Leaf::Packed => {
            chunk.tag(node::PACKED);
            chunk.value(minimum);
            packed::encode_above(bytes, 0, span.bits(), chunk)
        }
        Leaf::Slots => {
            chunk.tag(node::SLOTS);
            chunk.value(minimum);
            slots::encode_above(bytes, span, chunk)
        }
        Leaf::Planes | Leaf::Plain => {
            chunk.tag(node::PLANES);
            chunk.value(minimum);
            planes::encode_above(bytes, 0, 1, chunk)
        }
    }
}
