//! DELTA: each value as its difference from the one before.

use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{self, Encoding, Estimate, Head, Inner, Layout};
use super::error::Damage;
use super::numbers::Numbers;
use super::word::{Word, unzigzag, zigzag};
use super::{ColumnarError, leaf};

pub(super) const LAYOUT: Layout = Layout::new(5, "delta").nodes(&[Inner::Same]);

pub(super) struct Delta;

fn differences<N: Word>(values: &[N]) -> Vec<N> {
    let before = std::iter::once(N::default()).chain(values.iter().copied());
    values.iter().zip(before).map(|(&value, before)| zigzag(value, before)).collect()
}

impl<V: Word, N: Word> Encoding<V, N> for Delta {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v Numbers<'v, N, V>;

    fn estimate(numbers: &&Numbers<'_, N, V>) -> Estimate {
        let mut differences = differences(&numbers.sample);
        if let Some(first) = differences.first_mut() {
            // The first one has the whole value in it and would widen the range of all.
            *first = N::default();
        }
        Estimate::Bits(leaf::bits(&differences))
    }

    fn encode(numbers: &Numbers<'_, N, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        LAYOUT.write(Head::<V>::default(), chunk);
        leaf::encode(&differences(&numbers.meanings()), chunk)
    }

    fn decode(_: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage> {
        let mut values: Vec<V> = encoding::decode(count, chunk, depth)?;
        let mut before = V::default();
        for value in &mut values {
            *value = unzigzag(*value, before);
            before = *value;
        }
        Ok(values)
    }
}
