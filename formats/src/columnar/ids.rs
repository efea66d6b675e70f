//! Ids: plain, constant, or a dictionary in the order of first occurrence.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::constant::Constant;
use super::dictionary::{self, Dictionary};
use super::encoding::{self, Encoding, Estimate, MAX_DEPTH};
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::plain::Plain;
use crate::Id;

/// Ids of rows, which need not all be different, and the number of the one that each row has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumberedIds {
    /// The ids.
    pub ids: Vec<Id>,
    /// For each row the place of its id in `ids`.
    pub numbers: Vec<u32>,
}

impl From<Vec<Id>> for NumberedIds {
    /// The ids of rows, each with a number of its own.
    fn from(ids: Vec<Id>) -> Self {
        let numbers = (0..ids.len() as u32).collect();
        Self { ids, numbers }
    }
}

/// Writes ids; `first_seen` is theirs.
pub(super) fn encode(ids: &[Id], first_seen: &FirstSeen<Id>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
    match first_seen.distinct[..] {
        [only] if ids.len() > 1 => Constant::encode(only, chunk),
        _ if <Dictionary as Encoding<Id>>::estimate(&first_seen) == Estimate::Take => {
            <Dictionary as Encoding<Id>>::encode(first_seen, chunk)
        }
        _ => Plain::encode(ids, chunk),
    }
}

/// Reads ids and which of them each value is, without putting them where they are: few ids are many values.
pub(super) fn decode_numbered(count: usize, chunk: &mut ChunkReader<'_>) -> Result<NumberedIds, Damage> {
    match dictionary::LAYOUT.head_if_next::<Id>(chunk)? {
        Some(head) => {
            let (ids, numbers) = dictionary::decode_apart(head, count, chunk, MAX_DEPTH)?;
            Ok(NumberedIds { ids, numbers })
        }
        None => encoding::decode(count, chunk, MAX_DEPTH).map(NumberedIds::from),
    }
}

/// Reads only the numbers of ids in a dictionary, and its size; the ids themselves are stepped over.
pub(super) fn decode_indices(count: usize, chunk: &mut ChunkReader<'_>) -> Result<(Vec<u32>, usize), Damage> {
    match dictionary::LAYOUT.head_if_next::<Id>(chunk)? {
        Some(head) => {
            let (size, indices) = dictionary::decode_indices(head, count, chunk, MAX_DEPTH)?;
            Ok((indices, size))
        }
        None => Err(chunk.damage("a key column without a dictionary")),
    }
}
