//! The best similar authors of a class of authors with equal follower sets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use skimmer_formats::Id;

use super::classes::Classes;
use super::index::{Index, Posting, Signature};
use super::{FollowerSets, SimilarError};

/// What counts as similar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilaritySettings {
    /// Least Jaccard similarity, greater than 0 and at most 1.
    pub threshold: f64,
    /// Length of an author's list, the author itself included: the list given out is usually one shorter.
    pub top: usize,
}

impl SimilaritySettings {
    /// Refuses a threshold outside (0, 1].
    ///
    /// # Errors
    /// [`SimilarError::Threshold`].
    pub fn check(&self) -> Result<(), SimilarError> {
        let sound = self.threshold > 0.0 && self.threshold <= 1.0;
        if sound { Ok(()) } else { Err(SimilarError::Threshold(self.threshold)) }
    }
}

/// Finds the similar authors of every author with a follower set.
///
/// Holds 20 bytes an author, 8 bytes a reader and 16 bytes a follow in the index (the latter in a mapped temporary file
/// where they exceed a third of `memory`), and 4 bytes an author for every thread that searches.
pub struct SimilaritySearch {
    sets: FollowerSets,
    classes: Classes,
    index: Index,
    settings: SimilaritySettings,
    /// Scratch of threads that are not searching at the moment.
    scratch: Mutex<Vec<Scratch>>,
}

/// Similar authors, best first: number of the author and Jaccard similarity.
type Ranking = Vec<(u32, f64)>;

impl SimilaritySearch {
    /// Indexes the sets. `memory` and `directory` are used as by [`super::Follows::new`].
    ///
    /// # Errors
    /// [`SimilarError::Threshold`] for a threshold outside (0, 1], [`SimilarError::Spill`] where a temporary file
    /// cannot be written or read.
    pub fn new(
        sets: FollowerSets,
        settings: SimilaritySettings,
        memory: usize,
        directory: &Path,
    ) -> Result<Self, SimilarError> {
        settings.check()?;
        let classes = Classes::new(&sets);
        let index = Index::new(&sets, &classes, settings.threshold, memory, directory)?;
        Ok(Self { sets, classes, index, settings, scratch: Mutex::default() })
    }

    /// Ids of the authors with a follower set, ascending.
    pub fn authors(&self) -> &[Id] {
        self.sets.authors()
    }

    /// Calls `each` with every author in `authors` (numbers in [`SimilaritySearch::authors`]), in order, and its
    /// similar authors, best first, ties by id. Searches on all threads of the current rayon pool.
    ///
    /// Holds 16 bytes for every similar author found, so ranges are best kept to some ten thousand authors.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn for_each<E>(
        &self,
        authors: Range<u32>,
        mut each: impl FnMut(Id, &[(Id, f64)]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut wanted: Vec<u32> = authors.clone().filter_map(|author| self.classes.of(author)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let rankings: Vec<Ranking> = wanted.par_iter().with_max_len(64).map(|&class| self.ranking(class)).collect();
        let ids = self.authors();
        let mut list = Vec::new();
        for author in authors {
            list.clear();
            if let Some(place) = self.classes.of(author).and_then(|class| wanted.binary_search(&class).ok()) {
                // Cut first and removed from itself afterwards, as the published solution does.
                let others = rankings[place].iter().filter(|&&(other, _)| other != author);
                list.extend(others.map(|&(other, score)| (ids[other as usize], score)));
            }
            each(ids[author as usize], &list)?;
        }
        Ok(())
    }

    /// The best `top` authors of a class, its own members included.
    fn ranking(&self, class: u32) -> Ranking {
        let idle = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = idle.unwrap_or_else(|| Scratch::new(self.classes.len()));
        let mut best = Best { top: self.settings.top, worst_first: BinaryHeap::new() };
        Probe { search: self, best: &mut best, scratch: &mut scratch, class }.run();
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        best.ranking()
    }
}

/// What a thread keeps from search to search.
struct Scratch {
    /// Number of the last search that looked at each class.
    visited: Vec<u32>,
    search: u32,
    /// Signature of the searching class's readers after each of them, last reader first.
    after: Vec<Signature>,
}

impl Scratch {
    fn new(classes: usize) -> Self {
        Self { visited: vec![0; classes], search: 0, after: Vec::new() }
    }

    fn begin(&mut self) {
        self.search = self.search.checked_add(1).unwrap_or_else(|| {
            self.visited.fill(0);
            1
        });
    }

    /// Marks a class; false if this search has marked it before.
    fn visit(&mut self, class: u32) -> bool {
        std::mem::replace(&mut self.visited[class as usize], self.search) != self.search
    }
}

/// The best authors so far: higher scores first, then lower numbers.
struct Best {
    top: usize,
    /// Bits of the score and number of the author. Scores are positive, so their bits order as they do.
    worst_first: BinaryHeap<(Reverse<u64>, u32)>,
}

impl Best {
    /// Whether an author with this score would enter the list.
    fn admits(&self, score: f64, author: u32) -> bool {
        let full = self.worst_first.len() >= self.top;
        !full || self.worst_first.peek().is_some_and(|&worst| (Reverse(score.to_bits()), author) < worst)
    }

    /// Adds authors of one score, ascending, as far as they enter.
    fn add(&mut self, score: f64, authors: &[u32]) {
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
    fn least(&self) -> f64 {
        let worst = self.worst_first.peek().filter(|_| self.worst_first.len() >= self.top);
        worst.map_or(0.0, |&(Reverse(bits), _)| f64::from_bits(bits))
    }

    fn ranking(self) -> Ranking {
        let sorted = self.worst_first.into_sorted_vec();
        sorted.into_iter().map(|(Reverse(bits), author)| (author, f64::from_bits(bits))).collect()
    }
}

/// Jaccard similarity of two sets, the definition. Rounding is monotonous: more in common never scores less.
fn jaccard(common: u32, size: u32, other: u32) -> f64 {
    f64::from(common) / (f64::from(size) + f64::from(other) - f64::from(common))
}

/// One class's way through the index.
struct Probe<'a> {
    search: &'a SimilaritySearch,
    best: &'a mut Best,
    scratch: &'a mut Scratch,
    class: u32,
}

impl Probe<'_> {
    fn run(&mut self) {
        let SimilaritySearch { sets, classes, index, .. } = self.search;
        self.scratch.begin();
        self.scratch.visit(self.class);
        self.best.add(1.0, classes.members(self.class));
        let author = classes.first(self.class);
        let (readers, size) = (sets.shared(author), sets.size(author));
        // All at once: at each reader anew, the signatures would take time quadratic in the size of the set.
        self.scratch.after.clear();
        let mut signature = Signature::default();
        for &reader in readers.iter().rev() {
            self.scratch.after.push(signature);
            signature.add(reader);
        }
        for (place, &reader) in readers.iter().enumerate() {
            let after = &readers[place + 1..];
            let own = self.scratch.after[after.len()];
            // A set found here for the first time shares this reader and at most all after it.
            if !self.reaches(f64::from(after.len() as u32 + 1) / f64::from(size)) {
                break;
            }
            self.probe(index.of(reader), after, own, size);
        }
    }

    /// Whether a class with a score of at most `bound` could enter the list.
    fn reaches(&self, bound: f64) -> bool {
        bound >= self.search.settings.threshold && self.best.admits(bound, 0)
    }

    /// Looks at the classes that share a reader with this class; `after` are this class's readers after it,
    /// and `own` is their signature.
    fn probe(&mut self, postings: &[Posting], after: &[u32], own: Signature, size: u32) {
        let SimilaritySearch { classes, settings, .. } = self.search;
        let own_rest = after.len() as u32;
        let least = self.least();
        let too_small = |posting: &Posting| {
            let other = classes.size(posting.class);
            other < size && jaccard(other, other, size) < least
        };
        let mut left = &postings[postings.partition_point(too_small)..];
        while let Some(&Posting { class, rest, .. }) = left.first() {
            // A stretch of sets of one size whose overlap has the same bound, ordered by first author.
            let other = classes.size(class);
            if other > size && !self.reaches(jaccard(size, size, other)) {
                break;
            }
            let stretch = gallop(left, |posting| posting.rest == rest && classes.size(posting.class) == other);
            let (stretch, later) = left.split_at(stretch);
            left = later;
            let bound = jaccard(1 + rest.min(own_rest), size, other);
            if bound < settings.threshold {
                continue;
            }
            let mut least = self.least();
            let mut needed = least_overlap(least, size, other);
            for posting in stretch {
                if bound <= least && !self.best.admits(bound, classes.first(posting.class)) {
                    break;
                }
                let most = 1 + own.most_shared(own_rest, posting.signature(), rest);
                if most < needed || !self.best.admits(jaccard(most, size, other), classes.first(posting.class)) {
                    continue;
                }
                self.compare(posting, after, size, other, needed);
                if self.least() > least {
                    least = self.least();
                    needed = least_overlap(least, size, other);
                }
            }
        }
    }

    /// The score that a further class must have at least.
    fn least(&self) -> f64 {
        self.search.settings.threshold.max(self.best.least())
    }

    /// Adds a class's members if it is similar enough.
    ///
    /// The reader at which the two meet is the first they share, or else a bound at an earlier one has shown that the
    /// class cannot enter: then what is found here is too little, and does not enter either.
    fn compare(&mut self, posting: &Posting, after: &[u32], size: u32, other: u32, needed: u32) {
        if !self.scratch.visit(posting.class) {
            return;
        }
        let SimilaritySearch { sets, classes, settings, .. } = self.search;
        let readers = sets.shared(classes.first(posting.class));
        let others = &readers[readers.len() - posting.rest as usize..];
        let Some(common) = overlap(after, others, needed.saturating_sub(1)) else { return };
        let score = jaccard(1 + common, size, other);
        if score >= settings.threshold {
            self.best.add(score, classes.members(posting.class));
        }
    }
}

/// The least number of shared readers that gives two sets a score of at least `least`, which is not above 1.
fn least_overlap(least: f64, size: u32, other: u32) -> u32 {
    let estimate = least * (f64::from(size) + f64::from(other)) / (1.0 + least);
    let mut overlap = (estimate as u32).saturating_sub(1);
    while jaccard(overlap, size, other) < least && overlap < size.min(other) {
        overlap += 1;
    }
    overlap
}

/// Number of readers in both of two ascending lists; `None` as soon as it is clear that there are less than `needed`.
fn overlap(mut a: &[u32], mut b: &[u32], needed: u32) -> Option<u32> {
    let mut common = 0;
    while let (Some((&first, a_rest)), Some((&second, b_rest))) = (a.split_first(), b.split_first()) {
        if ((common + a.len().min(b.len())) as u64) < u64::from(needed) {
            return None;
        }
        if first <= second {
            a = a_rest;
        }
        if second <= first {
            b = b_rest;
        }
        common += usize::from(first == second);
    }
    Some(common as u32)
}

/// Length of the stretch at the start for which `inside` holds, found in logarithmic time.
fn gallop(postings: &[Posting], inside: impl Fn(&Posting) -> bool) -> usize {
    let mut reach = 1;
    while reach < postings.len() && inside(&postings[reach]) {
        reach *= 2;
    }
    let low = reach / 2;
    low + postings[low..reach.min(postings.len())].partition_point(inside)
}
