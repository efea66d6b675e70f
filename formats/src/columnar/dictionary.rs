//! DICTIONARY: the values in use, and which of them each value is. Numbers come in the order of their frequencies, ids
//! in that of their first occurrence.

use super::ColumnarError;
use super::choice::Choice;
use super::chunk::{ChunkReader, ChunkWriter};
use super::encoding::{self, Encoding, Estimate, Head, Inner, Layout, Value};
use super::error::Damage;
use super::first_seen::FirstSeen;
use super::frequencies::{Found, Frequencies};
use super::fresh::Fresh;
use super::leaf::{self, Leaf};
use super::numbers::{Numbers, Span};
use super::plain::Plain;
use super::slot::Parts;
use super::slots;
use super::word::Word;
use crate::Id;

pub(super) const LAYOUT: Layout = Layout::new(6, "dictionary").count().nodes(&[Inner::Same, Inner::Indices]);

pub(super) struct Dictionary;

impl<V: Word> Encoding<V> for Dictionary {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = Frequencies<'v, V>;

    fn estimate(frequencies: &Frequencies<'_, V>) -> Estimate {
        Estimate::Bits(frequencies.bits() / frequencies.numbers.values.len() as f64)
    }

    fn encode(frequencies: Frequencies<'_, V>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        let (dictionary, order) = frequencies.by_slot();
        LAYOUT.write(Head::<V> { number: dictionary.len(), ..Head::default() }, chunk);
        let numbers = Numbers::of(&dictionary);
        Choice::of(&numbers, Leaf::Plain).encode(&numbers, chunk)?;
        match frequencies.found {
            Found::InTable => {
                let mut table = std::mem::take(&mut chunk.spare.table);
                let outcome = encode_by_table(&dictionary, frequencies.numbers, &mut table, chunk);
                chunk.spare.table = table;
                outcome
            }
            Found::Seen { numbers, indices } => {
                let mut places = vec![0; numbers.len()];
                (0..).zip(&order).for_each(|(place, &entry)| places[numbers[entry as usize] as usize] = place);
                let indices: Vec<u32> = indices.iter().map(|&index| places[index as usize]).collect();
                leaf::encode(&indices, chunk)
            }
        }
    }

    fn decode(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage> {
        decode(head, count, chunk, depth)
    }
}

impl Encoding<Id> for Dictionary {
    const LAYOUT: Layout = LAYOUT;
    type Input<'v> = &'v FirstSeen<Id>;

    fn estimate(first_seen: &&FirstSeen<Id>) -> Estimate {
        Estimate::take_if(first_seen.pays())
    }

    fn encode(first_seen: &FirstSeen<Id>, chunk: &mut ChunkWriter) -> Result<(), ColumnarError> {
        LAYOUT.write(Head::<Id> { number: first_seen.distinct.len(), ..Head::default() }, chunk);
        Plain::encode(&first_seen.distinct, chunk)?;
        Fresh::encode(&first_seen.indices, chunk)
    }

    fn decode(head: Head<Id>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<Id>, Damage> {
        decode(head, count, chunk, depth)
    }
}

/// Writes the indices of numbers by way of a table as wide as their span.
fn encode_by_table<V: Word>(
    dictionary: &[V],
    numbers: &Numbers<'_, V>,
    table: &mut Vec<u32>,
    chunk: &mut ChunkWriter,
) -> Result<(), ColumnarError> {
    let above = |value: V| numbers.above(value) as usize;
    // Counting has left the table as wide as it must be, and every entry that is asked for is set here.
    table.resize(numbers.span.range() as usize + 1, 0);
    dictionary.iter().zip(0..).for_each(|(&value, index)| table[above(value)] = Parts::of(index).word());
    let parts = |value: V| Parts::from_word(table[above(value)]);
    let index = |&value: &V| parts(value).number();
    let sample: Vec<u32> = numbers.sample.iter().map(index).collect();
    let largest = dictionary.len() as u32 - 1;
    let span = Span { minimum: 0, maximum: largest };
    let (leaf, _) = Leaf::cheapest(&Numbers::within(&sample, span), Leaf::Plain);
    if leaf == Leaf::Slots {
        // Most tokens come this way: their parts are looked up without a stop at the index.
        return slots::encode_parts(numbers.values, largest, parts, chunk);
    }
    let indices: Vec<u32> = numbers.values.iter().map(index).collect();
    leaf.encode(&Numbers::within(&indices, span), chunk)
}

fn decode<V: Value>(head: Head<V>, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<V>, Damage> {
    let size = size(head, count, chunk)?;
    let dictionary: Vec<V> = encoding::decode(size, chunk, depth)?;
    let mut beyond = None;
    let look_up = |index: u32| {
        dictionary.get(index as usize).copied().unwrap_or_else(|| {
            beyond = Some(index);
            V::default()
        })
    };
    // The indices of a large dictionary are slots: looking them up as they come saves a pass over them.
    let values = match slots::LAYOUT.head_if_next(chunk)? {
        Some(head) => slots::decode_mapped(head, count, chunk, look_up)?,
        None => {
            let indices: Vec<u32> = encoding::decode(count, chunk, depth)?;
            indices.into_iter().map(look_up).collect()
        }
    };
    match beyond {
        None => Ok(values),
        Some(index) => Err(chunk.damage(format!("index {index} in a dictionary of {}", dictionary.len()))),
    }
}

/// Size of a dictionary, which no sound writer makes larger than what it is for.
fn size<V>(head: Head<V>, count: usize, chunk: &ChunkReader<'_>) -> Result<usize, Damage> {
    let size = head.number;
    if size <= count { Ok(size) } else { Err(chunk.damage(format!("a dictionary of {size} values for {count}"))) }
}

/// Reads the values of a dictionary whose head has been read, and the indices of `count` values in it.
pub(super) fn decode_apart<V: Value>(
    head: Head<V>,
    count: usize,
    chunk: &mut ChunkReader<'_>,
    depth: usize,
) -> Result<(Vec<V>, Vec<u32>), Damage> {
    let size = size(head, count, chunk)?;
    let values = encoding::decode(size, chunk, depth)?;
    Ok((values, indices(size, count, chunk, depth)?))
}

/// Reads the size of a dictionary whose head has been read, steps over its values, and reads `count` indices.
pub(super) fn decode_indices<V: Value>(
    head: Head<V>,
    count: usize,
    chunk: &mut ChunkReader<'_>,
    depth: usize,
) -> Result<(usize, Vec<u32>), Damage> {
    let size = size(head, count, chunk)?;
    encoding::describe::<V>(chunk, &mut String::new(), depth)?;
    Ok((size, indices(size, count, chunk, depth)?))
}

fn indices(size: usize, count: usize, chunk: &mut ChunkReader<'_>, depth: usize) -> Result<Vec<u32>, Damage> {
    let indices: Vec<u32> = encoding::decode(count, chunk, depth)?;
    match indices.iter().find(|&&index| index as usize >= size) {
        None => Ok(indices),
        Some(index) => Err(chunk.damage(format!("index {index} in a dictionary of {size}"))),
    }
}
