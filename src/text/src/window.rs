//! A bounded number of distinct token sequences, each with the number of its occurrences.

use std::ops::Range;

use hashbrown::HashTable;
use skimlog_formats::Lists;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct token sequences and how often each was seen.
#[derive(Default)]
pub(super) struct Window {
    sequences: Lists<u32>,
    weights: Vec<u64>,
    numbers: HashTable<u32>,
}

impl Window {
    /// Counts a sequence.
    pub(super) fn add(&mut self, sequence: &[u32]) {
        let hash = hash(sequence);
        if let Some(&number) = self.numbers.find(hash, |&number| self.sequences.get(number as usize) == sequence) {
            self.weights[number as usize] += 1;
            return;
        }
        let number = self.weights.len() as u32;
        self.sequences.push(sequence);
        self.weights.push(1);
        self.numbers.insert_unique(hash, number, |&number| hash_of(&self.sequences, number));
    }

    /// Tokens of all sequences, each counted once.
    pub(super) fn tokens(&self) -> usize {
        self.sequences.values().len()
    }

    /// Number of distinct sequences.
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn sequence(&self, number: u32) -> &[u32] {
        self.sequences.get(number as usize)
    }

    pub(super) fn weight(&self, number: u32) -> u64 {
        self.weights[number as usize]
    }

    /// Removes all sequences and keeps the memory allocated.
    pub(super) fn clear(&mut self) {
        self.sequences.clear();
        self.weights.clear();
        self.numbers.clear();
    }

    /// Sequences by descending length, and where to cut them into batches of at most `tokens` tokens, padded to a
    /// multiple of `step` (one sequence at least). They depend on nothing but the sequences and the order in which
    /// they were first seen.
    pub(super) fn batches(&self, tokens: usize, step: usize) -> (Vec<u32>, Vec<Range<usize>>) {
        let mut order: Vec<u32> = (0..self.weights.len() as u32).collect();
        order.sort_by_key(|&number| std::cmp::Reverse(self.sequence(number).len()));
        let mut batches = Vec::new();
        let mut start = 0;
        while start < order.len() {
            let longest = self.sequence(order[start]).len().next_multiple_of(step);
            let end = (start + (tokens / longest).max(1)).min(order.len());
            batches.push(start..end);
            start = end;
        }
        (order, batches)
    }
}

fn hash(sequence: &[u32]) -> u64 {
    xxh3_64(bytemuck::cast_slice(sequence))
}

fn hash_of(sequences: &Lists<u32>, number: u32) -> u64 {
    hash(sequences.get(number as usize))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sequence_is_in_one_batch_with_its_count(
            sequences in prop::collection::vec(prop::collection::vec(0u32..3, 1..6), 0..60),
            tokens in 1usize..20,
            step in 1usize..4,
        ) {
            let mut window = Window::default();
            let mut counts: HashMap<&[u32], u64> = HashMap::new();
            for sequence in &sequences {
                window.add(sequence);
                *counts.entry(sequence).or_default() += 1;
            }
            prop_assert_eq!(window.len(), counts.len());
            let (order, batches) = window.batches(tokens, step);
            prop_assert_eq!(batches.iter().map(|batch| batch.len()).sum::<usize>(), counts.len());
            let mut next = 0;
            for batch in batches {
                prop_assert_eq!(batch.start, next);
                next = batch.end;
                let longest = order[batch.clone()].iter().map(|&number| window.sequence(number).len()).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * longest.next_multiple_of(step) <= tokens);
                for &number in &order[batch] {
                    prop_assert_eq!(counts.remove(window.sequence(number)), Some(window.weight(number)));
                }
            }
            prop_assert!(counts.is_empty());
        }
    }
}
