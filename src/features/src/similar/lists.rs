//! Look-ups of similar authors.

use std::ops::Range;
use std::path::Path;

use rayon::slice::ParallelSliceMut;
use skimlog_formats::Id;
use skimlog_runtime::prefetch::prefetch;

use super::SimilarError;
use super::file::{ListBlock, read_blocks};
use crate::key::Key;

/// The similar authors of every author that has any: 26 to 28 bytes an author, 16 bytes a similar author.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarAuthors {
    /// Where each author's list stands, ascending by author.
    entries: Vec<Entry>,
    /// The first entry of each bucket of authors, and the number of entries at the end. Keys are hashes, so their upper
    /// bits spread them evenly, two to four to a bucket: a look-up reads two spots in memory.
    buckets: Vec<usize>,
    bucket_bits: u32,
    similar: Vec<Key>,
    scores: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    author: Key,
    start: usize,
    end: usize,
}

impl SimilarAuthors {
    /// Reads a file that [`super::SimilarWriter`] wrote.
    ///
    /// # Errors
    /// [`SimilarError::File`] where the file cannot be read, is of another kind, or is damaged.
    pub fn open(path: &Path) -> Result<Self, SimilarError> {
        let keyed = |block: ListBlock| {
            let (mut authors, mut similar) = (Vec::new(), Vec::new());
            Key::of_all(&block.authors, &mut authors);
            Key::of_all(block.similar.values(), &mut similar);
            (authors, similar, block.scores)
        };
        let mut all = Self::empty();
        read_blocks(path, keyed, |(authors, similar, scores)| {
            let mut rest = similar.as_slice();
            for (author, scores) in authors.into_iter().zip(scores.iter()) {
                let (similar, later) = rest.split_at(scores.len());
                all.add(author, similar, scores);
                rest = later;
            }
        })?;
        Ok(all.sorted())
    }

    /// From lists in any order, at most one an author: similar authors and their Jaccard similarities, best first.
    pub fn from_lists(lists: impl IntoIterator<Item = (Id, Vec<(Id, f64)>)>) -> Self {
        let mut all = Self::empty();
        for (author, list) in lists {
            let (keys, scores): (Vec<Key>, Vec<f64>) = list.into_iter().map(|(id, score)| (Key::of(id), score)).unzip();
            all.add(Key::of(author), &keys, &scores);
        }
        all.sorted()
    }

    fn empty() -> Self {
        Self { entries: Vec::new(), buckets: vec![0, 0], bucket_bits: 0, similar: Vec::new(), scores: Vec::new() }
    }

    /// Sorts the entries and divides them into buckets.
    fn sorted(mut self) -> Self {
        self.entries.par_sort_unstable_by_key(|entry| entry.author);
        let bits = self.entries.len().checked_ilog2().map_or(0, |bits| bits.saturating_sub(1));
        self.buckets = vec![0; (1 << bits) + 1];
        self.entries.iter().for_each(|entry| self.buckets[bucket(entry.author, bits) + 1] += 1);
        (1..self.buckets.len()).for_each(|at| self.buckets[at] += self.buckets[at - 1]);
        self.bucket_bits = bits;
        self
    }

    fn add(&mut self, author: Key, similar: &[Key], scores: &[f64]) {
        if !similar.is_empty() {
            let start = self.similar.len();
            self.similar.extend_from_slice(similar);
            self.scores.extend_from_slice(scores);
            self.entries.push(Entry { author, start, end: self.similar.len() });
        }
    }

    /// Number of authors that have similar authors.
    pub fn authors(&self) -> usize {
        self.entries.len()
    }

    /// Keys of an author's similar authors and their Jaccard similarities, best first; empty for an unknown author.
    #[inline]
    pub fn get(&self, author: Key) -> (&[Key], &[f64]) {
        self.list(self.range(author, self.bucket(author)))
    }

    /// [`SimilarAuthors::get`] of each author, added to `lists`: the look-ups wait for memory together, and the lists
    /// are in the processor's cache after them.
    pub fn get_all<'a>(&'a self, authors: &[Key], lists: &mut Vec<(&'a [Key], &'a [f64])>) {
        const TOGETHER: usize = 64;
        for authors in authors.chunks(TOGETHER) {
            let mut ranges: [Range<usize>; TOGETHER] = std::array::from_fn(|_| 0..0);
            for (&author, range) in authors.iter().zip(&mut ranges) {
                *range = self.bucket(author);
                prefetch(&self.entries, range.start);
            }
            for (&author, range) in authors.iter().zip(&mut ranges) {
                *range = self.range(author, range.clone());
                prefetch(&self.similar, range.start);
                prefetch(&self.scores, range.start);
            }
            lists.extend(ranges.into_iter().take(authors.len()).map(|range| self.list(range)));
        }
    }

    /// The authors that have similar authors, ascending by key, with their lists as [`SimilarAuthors::get`] gives them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Key, (&[Key], &[f64]))> + Clone {
        self.entries.iter().map(|entry| (entry.author, self.list(entry.start..entry.end)))
    }

    /// The entries among which the author's is, if it has one.
    #[inline]
    fn bucket(&self, author: Key) -> Range<usize> {
        let bucket = bucket(author, self.bucket_bits);
        self.buckets[bucket]..self.buckets[bucket + 1]
    }

    /// The range of an author's list whose entry is among these.
    #[inline]
    fn range(&self, author: Key, entries: Range<usize>) -> Range<usize> {
        self.entries[entries].iter().find(|entry| entry.author == author).map_or(0..0, |entry| entry.start..entry.end)
    }

    #[inline]
    fn list(&self, range: Range<usize>) -> (&[Key], &[f64]) {
        (&self.similar[range.clone()], &self.scores[range])
    }
}

/// The bucket of a key among 2 to the power of `bits`: its upper bits.
#[inline]
fn bucket(key: Key, bits: u32) -> usize {
    key.0.checked_shr(u64::BITS - bits).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_author_is_found_and_no_other() {
        let id = |number: u32| Id(u128::from(number).to_be_bytes());
        for authors in [0, 1, 2, 3, 4, 5, 7, 8, 9, 1000, 1024] {
            let similar =
                SimilarAuthors::from_lists((0..authors).map(|author| (id(author), vec![(id(author + 1), 0.5)])));
            assert_eq!(similar.authors(), authors as usize);
            for author in 0..authors + 100 {
                let found: &[Key] = &[Key::of(id(author + 1))];
                let expected: (&[Key], &[f64]) = if author < authors { (found, &[0.5]) } else { (&[], &[]) };
                assert_eq!(similar.get(Key::of(id(author))), expected);
            }
            let keys: Vec<Key> = (0..authors + 100).map(|author| Key::of(id(author))).collect();
            let mut lists = Vec::new();
            similar.get_all(&keys, &mut lists);
            assert_eq!(lists, keys.iter().map(|&author| similar.get(author)).collect::<Vec<_>>());
        }
    }
}
