//! DICTIONARY of numbers: the values in use, most frequent first, and which of them each value is.

use super::ColumnarError;
use super::chunk::{ChunkReader, ChunkWriter};
use super::entropy::bits_per_symbol;
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::node::{self, Leaf, Span};
use super::slots::{self, Parts, slot_of};
use super::word::Word;

/// The widest range of values that is counted in a table instead of a hash table.
const TABLE_RANGE: u64 = Parts::NUMBERS as u64 - 1;
/// Estimated bits a dictionary value takes beyond those of the mean gap between values: they are sorted, but only among
/// those of about the same frequency.
const VALUE_BITS: u32 = 4;

/// The values in use with how often each occurs, ready to be made a dictionary.
pub(super) struct Frequencies<W> {
    /// In ascending order, which the estimate depends on in its last digits.
    entries: Vec<(W, u32)>,
    span: Span<W>,
    found: Found,
}

/// How a value finds its entry.
enum Found {
    /// By its place in a table as wide as the span.
    InTable,
    /// The entries' numbers in the order of first occurrence, and the number of each value.
    Seen { numbers: Vec<u32>, indices: Vec<u32> },
}

impl<W: Word> Frequencies<W> {
    /// Counts `values`, unless there are so many different ones that a dictionary cannot pay.
    pub(super) fn count(values: &[W], sample: &[W], span: Span<W>, table: &mut Vec<u32>) -> Option<Self> {
        let range = span.range();
        if range < TABLE_RANGE && range <= 4 * values.len() as u64 {
            table.clear();
            table.resize(range as usize + 1, 0);
            values.iter().for_each(|value| table[value.minus(span.minimum).to_u64() as usize] += 1);
            let used = table.iter().zip(0..).filter(|&(&count, _)| count > 0);
            let mut entries = Vec::with_capacity(table.iter().filter(|&&count| count > 0).count());
            entries.extend(used.map(|(&count, above)| (span.minimum.plus(W::from_u64(above)), count)));
            return Some(Self { entries, span, found: Found::InTable });
        }
        // More values repeat among all than in a sample, and it takes few to pay where a value is long.
        let most = if W::BITS > 32 { sample.len() / 4 * 3 } else { sample.len() / 2 };
        if FirstSeen::of(sample, table).distinct.len() > most {
            return None;
        }
        let FirstSeen { distinct, indices } = FirstSeen::of(values, table);
        if distinct.len() > values.len() / 2 {
            return None;
        }
        let mut counts = vec![0; distinct.len()];
        indices.iter().for_each(|&index| counts[index as usize] += 1);
        let mut numbers: Vec<u32> = (0..distinct.len() as u32).collect();
        numbers.sort_unstable_by_key(|&number| distinct[number as usize]);
        let entries = numbers.iter().map(|&number| (distinct[number as usize], counts[number as usize])).collect();
        Some(Self { entries, span, found: Found::Seen { numbers, indices } })
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

    /// Writes the dictionary and the indices of `values`, which are those that were counted; `sample` is of them.
    pub(super) fn encode(self, values: &[W], sample: &[W], chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let order = by_frequency(&self.entries);
        let dictionary: Vec<W> = order.iter().map(|&entry| self.entries[entry as usize].0).collect();
        chunk.count(dictionary.len());
        node::encode_without_dictionary(&dictionary, chunk)?;
        let indices: Vec<u32> = match &self.found {
            Found::InTable => {
                let mut table = std::mem::take(&mut chunk.spare.table);
                let outcome = self.encode_by_table(&dictionary, values, sample, &mut table, chunk);
                chunk.spare.table = table;
                return outcome;
            }
            Found::Seen { numbers, indices } => {
                let mut places = vec![0; numbers.len()];
                (0..).zip(&order).for_each(|(place, &entry)| places[numbers[entry as usize] as usize] = place);
                indices.iter().map(|&index| places[index as usize]).collect()
            }
        };
        node::encode_leaf(&indices, chunk)
    }

    /// Writes the indices by way of a table as wide as the span.
    fn encode_by_table(
        &self,
        dictionary: &[W],
        values: &[W],
        sample: &[W],
        table: &mut Vec<u32>,
        chunk: &mut ChunkWriter,
    ) -> Result<(), ColumnarError> {
        let above = |value: &W| value.minus(self.span.minimum).to_u64() as usize;
        // Counting has left the table as wide as it must be, and every entry that is asked for is set here.
        table.resize(self.span.range() as usize + 1, 0);
        dictionary.iter().zip(0..).for_each(|(value, index)| table[above(value)] = Parts::of(index).word());
        let parts = |value: &W| Parts::from_word(table[above(value)]);
        let sample: Vec<u32> = sample.iter().map(|value| parts(value).number()).collect();
        let largest = dictionary.len() as u32 - 1;
        let span = Span { minimum: 0, maximum: largest };
        let (leaf, _) = node::choose_leaf(&sample, span);
        if leaf == Leaf::Slots {
            // Most tokens come this way: their parts are looked up without a stop at the index.
            chunk.tag(node::SLOTS);
            return slots::encode_parts(values, largest, |value| parts(&value), chunk);
        }
        let indices: Vec<u32> = values.iter().map(|value| parts(value).number()).collect();
        node::write_leaf(&indices, span, leaf, chunk)
    }
}

/// The entries' places in the order of the slots of their counts, the most frequent first, and then of their values.
fn by_frequency<W>(entries: &[(W, u32)]) -> Vec<u32> {
    let mut starts = [0u32; 256];
    let slot = |&(_, count): &(W, u32)| usize::from(slot_of(count));
    entries.iter().for_each(|entry| starts[slot(entry)] += 1);
    let mut end = 0;
    for start in starts.iter_mut().rev() {
        end += std::mem::replace(start, end);
    }
    let mut order = vec![0; entries.len()];
    for (entry, place) in entries.iter().zip(0..) {
        let next = &mut starts[slot(entry)];
        order[*next as usize] = place;
        *next += 1;
    }
    order
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
