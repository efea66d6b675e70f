//! The choice between a leaf and DELTA.

use super::ColumnarError;
use super::chunk::ChunkWriter;
use super::delta::Delta;
use super::encoding::Encoding;
use super::leaf::Leaf;
use super::numbers::Numbers;
use super::word::Word;

/// What part of the best leaf's estimate DELTA must stay below: reading it is a further pass over the values, each of
/// which waits for the one before. Measured (see `COLUMNAR.md`): parts are the same from 0.8 to 1; 0.8 makes the small
/// files 1.3 % larger, 1 makes them 0.3 % smaller.
const DELTA_MARGIN: f64 = 0.9;
/// Bits a value up to which no encoding of several nodes is tried: they cannot beat what takes next to nothing.
/// Measured (see `COLUMNAR.md`): all files are the same from 0 to 2, so it only saves the trying.
const NEXT_TO_NOTHING: f64 = 1.0;

/// What the estimates say of numbers.
pub(super) struct Choice {
    leaf: Leaf,
    leaf_bits: f64,
    delta_bits: f64,
}

impl Choice {
    /// `incompressible` is the leaf of values that no leaf makes smaller.
    pub(super) fn of<N: Word, V: Word>(numbers: &Numbers<'_, N, V>, incompressible: Leaf) -> Self {
        let (leaf, leaf_bits) = Leaf::cheapest(numbers, incompressible);
        let small = leaf_bits <= NEXT_TO_NOTHING;
        let delta_bits = if small { f64::INFINITY } else { Delta::estimate(&numbers).bits() };
        Self { leaf, leaf_bits, delta_bits }
    }

    /// Whether the numbers take so little that nothing else need be tried.
    pub(super) fn is_final(&self) -> bool {
        self.leaf_bits <= NEXT_TO_NOTHING
    }

    /// The lowest of the estimates, in bits a value.
    pub(super) fn bits(&self) -> f64 {
        self.leaf_bits.min(self.delta_bits)
    }

    /// Writes the numbers that the choice is of.
    pub(super) fn encode<N: Word, V: Word>(
        &self,
        numbers: &Numbers<'_, N, V>,
        chunk: &mut ChunkWriter,
    ) -> Result<(), ColumnarError> {
        if self.delta_bits < DELTA_MARGIN * self.leaf_bits {
            Delta::encode(numbers, chunk)
        } else {
            self.leaf.encode(numbers, chunk)
        }
    }
}
