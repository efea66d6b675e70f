//! The most similar authors found so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Similar authors, best first: number of the author and Jaccard similarity.
pub(super) type ScoredAuthors = Vec<(u32, f64)>;

/// The best authors so far: higher scores first, then lower numbers.
pub(super) struct TopAuthors {
    top: usize,
    /// Bits of the score and number of the author. Scores are positive, so their bits order as they do.
    worst_first: BinaryHeap<(Reverse<u64>, u32)>,
}

impl TopAuthors {
    pub(super) fn new(top: usize) -> Self {
        Self { top, worst_first: BinaryHeap::new() }
    }

    /// Whether an author with this score would enter the list.
    pub(super) fn admits(&self, score: f64, author: u32) -> bool {
        let full = self.worst_first.len() >= self.top;
        !full || self.worst_first.peek().is_some_and(|&worst| (Reverse(score.to_bits()), author) < worst)
    }

    /// Adds authors of one score, ascending, as far as they enter.
    pub(super) fn add(&mut self, score: f64, authors: &[u32]) {
        for &author in authors {
            if !self.admits(score, author) {
                break;
            }
            if self.worst_first.len() == self.top {
                self.worst_first.pop();
            }
            self.worst_first.push((Reverse(score.to_bits()), author));
        }
    }

    /// The score that a further author must have, or a little less.
    pub(super) fn least(&self) -> f64 {
        let worst = self.worst_first.peek().filter(|_| self.worst_first.len() >= self.top);
        worst.map_or(0.0, |&(Reverse(bits), _)| f64::from_bits(bits))
    }

    /// All of them, best first.
    pub(super) fn into_list(self) -> ScoredAuthors {
        let sorted = self.worst_first.into_sorted_vec();
        sorted.into_iter().map(|(Reverse(bits), author)| (author, f64::from_bits(bits))).collect()
    }
}
