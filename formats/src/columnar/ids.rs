//! Ids: plain, constant, or a dictionary in the order of first occurrence.

use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::node::{self, CONSTANT, DICTIONARY, FRESH, PLAIN};
use super::{ColumnarError, dictionary};
use crate::Id;

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
