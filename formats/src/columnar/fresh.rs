//! FRESH: indices into a dictionary in the order of first occurrence, each either the next new one or one seen before.

use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{self, Encoding, Estimate, Head, Inner, Layout};
use super::error::Damage;
use super::{ColumnarError, leaf};

pub(super) const LAYOUT: Layout = Layout::new(7, "fresh").nodes(&[Inner::Indices]);

pub(super) struct Fresh;

impl Encoding<u32> for Fresh {
    const LAYOUT: Layout = LAYOUT;
    /// Indices in the order of first occurrence.
    type Input<'v> = &'v [u32];

    fn estimate(_: &&[u32]) -> Estimate {
        Estimate::Take
    }

    fn encode(indices: &[u32], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        LAYOUT.write(Head::<u32>::default(), chunk);
        leaf::encode(&codes(indices), chunk)
    }

    fn decode(_: Head<u32>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<u32>, Damage> {
        let mut codes: Vec<u32> = encoding::decode(count, chunk, depth)?;
        let mut next = 0;
        for code in &mut codes {
            let before = *code;
            if before > next {
                return Err(chunk.damage(format!("number {} is used before it occurs", before - 1)));
            }
            *code = if before == 0 { next } else { before - 1 };
            next += u32::from(before == 0);
        }
        Ok(codes)
    }
}

/// 0 for an index that is new, one more than the index otherwise.
fn codes(indices: &[u32]) -> Vec<u32> {
    let mut next = 0;
    let code = |&index: &u32| {
        let fresh = index == next;
        next += u32::from(fresh);
        if fresh { 0 } else { index + 1 }
    };
    indices.iter().map(code).collect()
}
