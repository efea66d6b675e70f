//! DICTIONARY of numbers: the values in use, most frequent first, and which of them each value is.

use std::collections::HashMap;

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::entropy::bits_per_symbol;
use super::error::Damage;
use super::node::{self, Span};
use super::slots::{self, slot_of};
use super::word::Word;

/// The widest range of values that is counted in a table instead of a hash map.
const TABLE_RANGE: u64 = 1 << 20;
/// Estimated bits a dictionary value takes beyond those of the mean gap between values: they are sorted, but only among
/// those of about the same frequency.
const VALUE_BITS: u32 = 4;

/// The values in use with how often each occurs, ready to be made a dictionary.
pub(super) struct Frequencies<W> {
    entries: Vec<(W, u32)>,
    span: Span<W>,
}

impl<W: Word> Frequencies<W> {
    /// Counts `values`, unless there are so many different ones that a dictionary cannot pay.
    pub(super) fn count(values: &[W], sample: &[W], span: Span<W>) -> Option<Self> {
        let range = span.range();
        let entries = if range < TABLE_RANGE && range <= 4 * values.len() as u64 {
            let mut table = vec![0; range as usize + 1];
            values.iter().for_each(|value| table[value.minus(span.minimum).to_u64() as usize] += 1);
            let used = table.into_iter().enumerate().filter(|&(_, count)| count > 0);
            used.map(|(above, count)| (span.minimum.plus(W::from_u64(above as u64)), count)).collect()
        } else {
            let mut distinct = sample.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() * 2 > sample.len() {
                return None;
            }
            let mut map: HashMap<u64, u32> = HashMap::new();
            for value in values {
                *map.entry(value.to_u64()).or_default() += 1;
                if map.len() > values.len() / 2 {
                    return None;
                }
            }
            let mut entries: Vec<_> = map.into_iter().map(|(value, count)| (W::from_u64(value), count)).collect();
            // The order of a hash map is random, and an estimate's last digit depends on the order of its terms.
            entries.sort_unstable();
            entries
        };
        Some(Self { entries, span })
    }

    /// Estimated bits of the whole node.
    pub(super) fn cost(&self) -> f64 {
        let counts: Vec<u32> = self.entries.iter().map(|&(_, count)| count).collect();
        let occurrences: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        let gap = self.span.range() / self.entries.len().max(1) as u64;
        let value_bits = f64::from(self.span.bits().min(64 - gap.leading_zeros() + VALUE_BITS));
        // Zipf-like indices lose a little in slots, and no index takes less than a bit or so.
        bits_per_symbol(&counts).max(0.2) * 1.02 * occurrences + value_bits * counts.len() as f64
    }

    /// Writes the dictionary and the indices of `values`, which are those that were counted.
    pub(super) fn encode(mut self, values: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        self.entries.sort_unstable_by_key(|&(value, count)| (std::cmp::Reverse(slot_of(count)), value));
        let dictionary: Vec<W> = self.entries.iter().map(|&(value, _)| value).collect();
        chunk.count(dictionary.len());
        node::encode_without_dictionary(&dictionary, chunk)?;
        let indexed = dictionary.iter().zip(0..);
        let indices: Vec<u32> = if self.span.range() < TABLE_RANGE {
            let mut table = vec![0; self.span.range() as usize + 1];
            indexed.for_each(|(value, index)| table[value.minus(self.span.minimum).to_u64() as usize] = index);
            values.iter().map(|value| table[value.minus(self.span.minimum).to_u64() as usize]).collect()
        } else {
            let map: HashMap<u64, u32> = indexed.map(|(value, index)| (value.to_u64(), index)).collect();
            values.iter().map(|value| map[&value.to_u64()]).collect()
        };
        node::encode_leaf(&indices, chunk)
    }
}

/// Size of a dictionary, which no sound writer makes larger than what it is for.
pub(super) fn size(count: usize, chunk: &mut ChunkReader<'_>) -> Result<usize, Damage> {
    let size = chunk.count()?;
    if size <= count { Ok(size) } else { Err(chunk.damage(format!("a dictionary of {size} values for {count}"))) }
}

/// Reads `count` indices and gives what they stand for.
pub(super) fn decode_indexed<T: Copy + Default>(
    count: usize,
    dictionary: &[T],
    chunk: &mut ChunkReader<'_>,
    depth: usize,
) -> Result<Vec<T>, Damage> {
    let mut beyond = None;
    let look_up = |index: u32| {
        dictionary.get(index as usize).copied().unwrap_or_else(|| {
            beyond = Some(index);
            T::default()
        })
    };
    // The indices of a large dictionary are slots: looking them up as they come saves a pass over them.
    let values = if chunk.clone().tag()? == node::SLOTS {
        chunk.tag()?;
        slots::decode_mapped(count, chunk, look_up)?
    } else {
        let indices: Vec<u32> = node::decode(count, chunk, depth)?;
        indices.into_iter().map(look_up).collect()
    };
    match beyond {
        None => Ok(values),
        Some(index) => Err(chunk.damage(format!("index {index} in a dictionary of {}", dictionary.len()))),
    }
}

pub(super) fn decode<W: Word>(count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<W>, Damage> {
    let size = size(count, chunk)?;
    let dictionary: Vec<W> = node::decode(size, chunk, depth)?;
    decode_indexed(count, &dictionary, chunk, depth)
}
