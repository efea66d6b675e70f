//! Ids: plain, constant, or a dictionary in the order of first occurrence.

use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::node::{self, CONSTANT, DICTIONARY, FRESH, PLAIN};
use super::{ColumnarError, dictionary};
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
        [only] if ids.len() > 1 => {
            chunk.tag(CONSTANT);
            chunk.description.extend_from_slice(&only.0);
            Ok(())
        }
        _ if first_seen.pays() => {
            chunk.tag(DICTIONARY);
            chunk.count(first_seen.distinct.len());
            encode_plain(&first_seen.distinct, chunk);
            chunk.tag(FRESH);
            node::encode_leaf(&first_seen.codes(), chunk)
        }
        _ => {
            encode_plain(ids, chunk);
            Ok(())
        }
    }
}

/// Writes ids as they are, so that they can be viewed in a map.
pub(super) fn encode_plain(ids: &[Id], chunk: &mut ChunkWriter) {
    chunk.tag(PLAIN);
    chunk.raw_stream(bytemuck::cast_slice(ids));
}

pub(super) fn decode(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<Id>, Damage> {
    chunk.claim(count, size_of::<Id>())?;
    let Some(inner) = depth.checked_sub(1) else {
        return Err(chunk.damage("encodings lie too deep in each other"));
    };
    match chunk.tag()? {
        PLAIN => Ok(bytemuck::pod_collect_to_vec(&chunk.stream(Some(count * size_of::<Id>()))?)),
        CONSTANT => {
            let mut id = Id::default();
            for byte in &mut id.0 {
                *byte = chunk.tag()?;
            }
            Ok(vec![id; count])
        }
        DICTIONARY => {
            let size = dictionary::size(count, chunk)?;
            let distinct = decode(size, chunk, inner)?;
            dictionary::decode_indexed(count, &distinct, chunk, inner)
        }
        tag => Err(chunk.damage(format!("unknown encoding {tag} of ids"))),
    }
}

/// Reads ids and which of them each value is, without putting them where they are: few ids are many values.
pub(super) fn decode_numbered(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<NumberedIds, Damage> {
    if chunk.clone().tag()? != DICTIONARY {
        return decode(count, chunk, depth).map(NumberedIds::from);
    }
    chunk.tag()?;
    let size = dictionary::size(count, chunk)?;
    let ids = decode(size, chunk, depth)?;
    let numbers: Vec<u32> = node::decode(count, chunk, depth)?;
    match numbers.iter().max() {
        Some(&largest) if largest as usize >= size => {
            Err(chunk.damage(format!("index {largest} in a dictionary of {size}")))
        }
        _ => Ok(NumberedIds { ids, numbers }),
    }
}

/// Reads only the numbers of ids in a dictionary, and its size; the ids themselves are stepped over.
pub(super) fn decode_indices(count: usize, chunk: &mut ChunkReader<'_>) -> Result<(Vec<u32>, usize), Damage> {
    if chunk.tag()? != DICTIONARY {
        return Err(chunk.damage("a key column without a dictionary"));
    }
    let size = dictionary::size(count, chunk)?;
    node::describe(chunk, size_of::<Id>(), &mut String::new(), node::MAX_DEPTH)?;
    let indices: Vec<u32> = node::decode(count, chunk, node::MAX_DEPTH)?;
    match indices.iter().find(|&&index| index as usize >= size) {
        None => Ok((indices, size)),
        Some(index) => Err(chunk.damage(format!("index {index} in a dictionary of {size}"))),
    }
}
