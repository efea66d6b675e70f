//! The choice among encodings that need no other node.

use super::ColumnarError;
use super::chunk::ChunkWriter;
use super::constant::Constant;
use super::encoding::{Encoding, Estimate};
use super::numbers::Numbers;
use super::packed::Packed;
use super::plain::Plain;
use super::planes::Planes;
use super::slots::Slots;
use super::word::Word;

/// What part of the best estimate so far another must stay below to be preferred. Leaves are offered from the fastest
/// to read to the slowest. Measured (see `COLUMNAR.md`): 0.95 makes parts 4.5 % larger; 1, which takes the slower one
/// however little it saves, makes them 0.2 % smaller.
const LEAF_MARGIN: f64 = 0.98;

/// An encoding that needs no other node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leaf {
    Constant,
    Plain,
    Packed,
    Planes,
    Slots,
}

impl Leaf {
    /// The cheapest leaf and its estimated bits a value, preferring what is faster to read where it is close.
    /// `incompressible` is taken where none is cheaper than values as they are.
    pub(super) fn cheapest<N: Word, V: Word>(numbers: &Numbers<'_, N, V>, incompressible: Self) -> (Self, f64) {
        if numbers.span.bits() == 0 {
            return (Self::Constant, 0.0);
        }
        let mut best = (incompressible, f64::from(N::BITS));
        let offers = [
            (Self::Packed, Packed::estimate(&numbers)),
            (Self::Planes, Planes::estimate(&numbers)),
            (Self::Slots, Slots::estimate(&numbers)),
        ];
        for (leaf, offer) in offers {
            if let Estimate::Bits(bits) = offer
                && bits < best.1 * LEAF_MARGIN
            {
                best = (leaf, bits);
            }
        }
        best
    }

    /// Writes numbers in this encoding.
    pub(super) fn encode<N: Word, V: Word>(
        self,
        numbers: &Numbers<'_, N, V>,
        chunk: &mut ChunkWriter,
    ) -> Result<(), ColumnarError> {
        match self {
            Self::Constant => Constant::encode(numbers.minimum, chunk),
            Self::Plain => Plain::encode(&numbers.meanings(), chunk),
            Self::Packed => Packed::encode(numbers, chunk),
            Self::Planes => Planes::encode(numbers, chunk),
            Self::Slots => Slots::encode(numbers, chunk),
        }
    }
}

/// Estimated bits a value in the cheapest leaf.
pub(super) fn bits<N: Word>(values: &[N]) -> f64 {
    Leaf::cheapest(&Numbers::of(values), Leaf::Plain).1
}

/// Writes numbers in the cheapest leaf.
pub(super) fn encode<N: Word>(values: &[N], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    let numbers = Numbers::of(values);
    Leaf::cheapest(&numbers, Leaf::Plain).0.encode(&numbers, chunk)
}
