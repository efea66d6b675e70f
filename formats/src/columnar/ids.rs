//! Ids: plain, constant, or a dictionary in the order of first occurrence.

use super::chunk::{ChunkReader, ChunkWriter};
use super::error::Damage;
use super::node::{self, CONSTANT, DICTIONARY, FRESH, PLAIN};
use super::{ColumnarError, dictionary};
use crate::Id;

const EMPTY: u32 = u32::MAX;

/// Ids numbered in the order in which they first occur.
pub(super) struct FirstSeen {
    /// Every id once.
    pub(super) distinct: Vec<Id>,
    /// The number of each id given.
    pub(super) indices: Vec<u32>,
}

impl FirstSeen {
    pub(super) fn of(ids: &[Id]) -> Self {
        // Open addressing, at most half full.
        let slots = (2 * ids.len()).next_power_of_two().max(2);
        let shift = 64 - slots.ilog2();
        let mut table = vec![EMPTY; slots];
        let mut distinct: Vec<Id> = Vec::new();
        let mut indices = Vec::with_capacity(ids.len());
        for &id in ids {
            let [low, high]: [u64; 2] = bytemuck::cast(id.0);
            let hash = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut slot = (hash >> shift) as usize;
            let index = loop {
                match table[slot] {
                    EMPTY => {
                        table[slot] = distinct.len() as u32;
                        distinct.push(id);
                        break table[slot];
                    }
                    index if distinct[index as usize] == id => break index,
                    _ => slot = (slot + 1) & (slots - 1),
                }
            };
            indices.push(index);
        }
        Self { distinct, indices }
    }

    /// Whether enough ids repeat for numbers to be worth their cost.
    pub(super) fn pays(&self) -> bool {
        let repeats = self.indices.len() - self.distinct.len();
        repeats > 0 && repeats >= self.indices.len() / 32
    }

    /// FRESH codes of the numbers.
    fn codes(&self) -> Vec<u32> {
        let mut next = 0;
        let code = |&index: &u32| {
            if index == next {
                next += 1;
                0
            } else {
                index + 1
            }
        };
        self.indices.iter().map(code).collect()
    }
}

/// Writes ids; `first_seen` is theirs.
pub(super) fn encode(ids: &[Id], first_seen: &FirstSeen, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
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
