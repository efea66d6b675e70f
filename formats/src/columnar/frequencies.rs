//! How often each value occurs among numbers, counted for a dictionary of them.

use super::entropy::bits_per_symbol;
use super::first_seen::FirstSeen;
use super::numbers::Numbers;
use super::slot::{Parts, slot_of};
use super::word::Word;

/// The widest range of values that is counted in a table instead of a hash table: what [`Parts`] has room for.
const TABLE_RANGE: u64 = Parts::NUMBERS as u64 - 1;
/// The most entries of that table for each value: clearing more would take longer than hashing. All files are the same
/// whatever it is.
const TABLE_ENTRIES_A_VALUE: u64 = 4;
/// A dictionary of more than this part of the values is not made. Measured (see `COLUMNAR.md`): parts are the same from
/// a quarter to three quarters; a quarter makes the small files 5 % larger, three quarters makes them 0.5 % smaller.
const MOST_DISTINCT: (usize, usize) = (1, 2);
/// The same of a sample, in which fewer values repeat than among all: of values of 32 bits and less, and of longer
/// ones, where few repeats pay. Measured (see `COLUMNAR.md`): all files are the same from a quarter (a half of longer
/// ones) to all, so it only saves the counting.
const MOST_DISTINCT_IN_SAMPLE: (usize, usize) = (1, 2);
const MOST_DISTINCT_LONG_IN_SAMPLE: (usize, usize) = (3, 4);
/// Estimated bits a dictionary value takes beyond those of the mean gap between values: they are sorted, but only among
/// those of about the same frequency. Measured (see `COLUMNAR.md`): from 0 to 4 parts are the same, 8 makes them 0.01 %
/// larger.
const VALUE_BITS: u32 = 4;
/// The fewest bits an index takes, as zstd has a frame to write. Measured (see `COLUMNAR.md`): all files are the same
/// from 0 to 0.5.
const LEAST_INDEX_BITS: f64 = 0.2;
/// What indices take, by their entropy: those of frequencies that fall slowly lose a little in slots. Measured (see
/// `COLUMNAR.md`): 1 gives the same files, 1.1 makes parts 0.04 % larger.
const INDEX_OVERHEAD: f64 = 1.02;

/// The values in use with how often each occurs, ready to be made a dictionary.
pub(super) struct Frequencies<'v, N: Word> {
    pub(super) numbers: &'v Numbers<'v, N>,
    /// In ascending order, which the estimate depends on in its last digits.
    entries: Vec<(N, u32)>,
    pub(super) found: Found,
}

/// How a value finds its entry.
pub(super) enum Found {
    /// By its place in a table as wide as the span.
    InTable,
    /// The entries' numbers in the order of first occurrence, and the number of each value.
    Seen { numbers: Vec<u32>, indices: Vec<u32> },
}

fn part((numerator, denominator): (usize, usize), of: usize) -> usize {
    of / denominator * numerator
}

impl<'v, N: Word> Frequencies<'v, N> {
    /// Counts values, unless there are so many different ones that a dictionary cannot pay. `table` is memory to use.
    pub(super) fn count(numbers: &'v Numbers<'v, N>, table: &mut Vec<u32>) -> Option<Self> {
        let Numbers { values, span, .. } = *numbers;
        let range = span.range();
        if range < TABLE_RANGE && range <= TABLE_ENTRIES_A_VALUE * values.len() as u64 {
            table.clear();
            table.resize(range as usize + 1, 0);
            values.iter().for_each(|&value| table[numbers.above(value) as usize] += 1);
            let used = table.iter().zip(0..).filter(|&(&count, _)| count > 0);
            let mut entries = Vec::with_capacity(table.iter().filter(|&&count| count > 0).count());
            entries.extend(used.map(|(&count, above)| (span.minimum.plus(N::from_u64(above)), count)));
            return Some(Self { numbers, entries, found: Found::InTable });
        }
        let most = if N::BITS > 32 { MOST_DISTINCT_LONG_IN_SAMPLE } else { MOST_DISTINCT_IN_SAMPLE };
        if FirstSeen::of(&numbers.sample, table).distinct.len() > part(most, numbers.sample.len()) {
            return None;
        }
        let FirstSeen { distinct, indices } = FirstSeen::of(values, table);
        if distinct.len() > part(MOST_DISTINCT, values.len()) {
            return None;
        }
        let mut counts = vec![0; distinct.len()];
        indices.iter().for_each(|&index| counts[index as usize] += 1);
        let mut order: Vec<u32> = (0..distinct.len() as u32).collect();
        order.sort_unstable_by_key(|&number| distinct[number as usize]);
        let entries = order.iter().map(|&number| (distinct[number as usize], counts[number as usize])).collect();
        Some(Self { numbers, entries, found: Found::Seen { numbers: order, indices } })
    }

    /// Estimated bits of the dictionary and of all indices.
    pub(super) fn bits(&self) -> f64 {
        let counts: Vec<u32> = self.entries.iter().map(|&(_, count)| count).collect();
        let occurrences: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        let span = self.numbers.span;
        let gap = span.range() / self.entries.len().max(1) as u64;
        let value_bits = f64::from(span.bits().min(64 - gap.leading_zeros() + VALUE_BITS));
        bits_per_symbol(&counts).max(LEAST_INDEX_BITS) * INDEX_OVERHEAD * occurrences + value_bits * counts.len() as f64
    }

    /// The values in the order of the slots of their frequencies, the most frequent first, and then of the values, and
    /// the places of the entries in that order.
    pub(super) fn by_slot(&self) -> (Vec<N>, Vec<u32>) {
        let mut starts = [0u32; 256];
        let slot = |&(_, count): &(N, u32)| usize::from(slot_of(count));
        self.entries.iter().for_each(|entry| starts[slot(entry)] += 1);
        let mut end = 0;
        for start in starts.iter_mut().rev() {
            end += std::mem::replace(start, end);
        }
        let mut order = vec![0; self.entries.len()];
        for (entry, number) in self.entries.iter().zip(0..) {
            let next = &mut starts[slot(entry)];
            order[*next as usize] = number;
            *next += 1;
        }
        (order.iter().map(|&entry| self.entries[entry as usize].0).collect(), order)
    }
}
