//! The best similar authors of a class of authors with equal follower sets.

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use skimlog_formats::Id;

use super::classes::Classes;
use super::index::{Index, Posting};
use super::met::Scratch;
use super::signature::Signature;
use super::top::{ScoredAuthors, TopAuthors};
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

/// Bytes held for an author: 28 by [`FollowerSets`], 32 by the search.
const AUTHOR_BYTES: usize = 60;
/// Bytes held for an author by each thread, at most.
const THREAD_AUTHOR_BYTES: usize = 12;
/// Bytes held for a reader in two sets or more.
const READER_BYTES: usize = 16;

/// Classes searched by a thread one after the other, whose sets and lists are prefetched together.
const TOGETHER: usize = 32;
/// Readers of a class whose lists are prefetched before the search begins, at most.
const PREFETCHED: usize = 64;
/// Classes found in lists until they are counted, about: each of them waits for memory meanwhile.
const FOUND_TOGETHER: usize = 256;

/// Finds the similar authors of every author with a follower set.
///
/// Holds 32 bytes an author, 8 bytes a reader, 4 bytes a follow of a rare reader and 20 bytes a follow of a popular one
/// (the follows in mapped temporary files where they exceed a sixth of `memory` each), and 4 to 12 bytes an author for
/// every thread that searches.
pub struct SimilaritySearch {
    sets: FollowerSets,
    classes: Classes,
    index: Index,
    settings: SimilaritySettings,
    /// Scratch of threads that are not searching at the moment.
    scratch: Mutex<Vec<Scratch>>,
}

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
        // What is held whatever the memory comes out of it, as long as a quarter is left.
        let authors = (AUTHOR_BYTES + THREAD_AUTHOR_BYTES * rayon::current_num_threads()) * sets.authors().len();
        let held = authors + READER_BYTES * sets.shared_readers();
        let memory = memory.saturating_sub(held).max(memory / 4);
        let classes = Classes::new(&sets);
        let index = Index::new(&sets, &classes, settings.threshold, memory, directory)?;
        Ok(Self { sets, classes, index, settings, scratch: Mutex::default() })
    }

    /// Ids of the authors with a follower set, ascending.
    pub fn authors(&self) -> &[Id] {
        self.sets.authors()
    }

    /// Finds the similar authors of `authors` (numbers in [`SimilaritySearch::authors`]) on all threads of the current
    /// rayon pool.
    ///
    /// What is found takes 16 bytes for every similar author, so ranges are best kept to some ten thousand authors.
    ///
    /// # Errors
    /// [`SimilarError::Lost`] where a temporary file could not be read back.
    pub fn search(&self, authors: Range<u32>) -> Result<Found<'_>, SimilarError> {
        let mut classes: Vec<u32> = authors.clone().filter_map(|author| self.classes.of(author)).collect();
        classes.sort_unstable();
        classes.dedup();
        let together = |classes: &[u32]| {
            self.prefetch(classes);
            classes.iter().map(|&class| self.top(class)).collect::<Vec<_>>()
        };
        let lists = classes.par_chunks(TOGETHER).flat_map_iter(together).collect();
        self.sets.intact()?;
        self.index.intact()?;
        Ok(Found { search: self, authors, classes, lists })
    }

    /// Prefetches what the searches of these classes begin with, for all of them at once: their sets, then the ends of
    /// their rare readers' lists.
    fn prefetch(&self, classes: &[u32]) {
        let Self { sets, index, .. } = self;
        let first = || classes.iter().map(|&class| self.classes.first(class));
        let readers = || first().flat_map(|author| sets.rare_and_popular(author).0.iter().take(PREFETCHED));
        first().for_each(|author| sets.prefetch_offset(author));
        first().for_each(|author| sets.prefetch_shared(author));
        readers().for_each(|&reader| index.prefetch_offset(reader));
        readers().for_each(|&reader| index.prefetch_rare(reader));
    }

    /// The best `top` authors of a class, its own members included.
    fn top(&self, class: u32) -> ScoredAuthors {
        let idle = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = idle.unwrap_or_else(|| Scratch::new(self.classes.len()));
        let mut top = TopAuthors::new(self.settings.top);
        Probe { search: self, top: &mut top, scratch: &mut scratch, class }.run();
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        top.into_list()
    }
}

/// The similar authors of a range of authors.
pub struct Found<'a> {
    search: &'a SimilaritySearch,
    authors: Range<u32>,
    /// The authors' classes, ascending, and the best of each.
    classes: Vec<u32>,
    lists: Vec<ScoredAuthors>,
}

impl Found<'_> {
    /// Calls `each` with every author of the range, in order, and its similar authors, best first, ties by id.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn for_each<E>(&self, mut each: impl FnMut(Id, &[(Id, f64)]) -> Result<(), E>) -> Result<(), E> {
        let ids = self.search.authors();
        let mut list = Vec::new();
        for author in self.authors.clone() {
            list.clear();
            let class = self.search.classes.of(author);
            if let Some(index) = class.and_then(|class| self.classes.binary_search(&class).ok()) {
                // Cut first and removed from itself afterwards, as the published solution does.
                let others = self.lists[index].iter().filter(|&&(other, _)| other != author);
                list.extend(others.map(|&(other, score)| (ids[other as usize], score)));
            }
            each(ids[author as usize], &list)?;
        }
        Ok(())
    }
}

/// Jaccard similarity of two sets, the definition. Rounding is monotonous: more in common never scores less.
fn jaccard(common: u32, size: u32, other: u32) -> f64 {
    f64::from(common) / (f64::from(size) + f64::from(other) - f64::from(common))
}

/// One class's way through the index.
struct Probe<'a> {
    search: &'a SimilaritySearch,
    top: &'a mut TopAuthors,
    scratch: &'a mut Scratch,
    class: u32,
}

impl Probe<'_> {
    fn run(&mut self) {
        let SimilaritySearch { sets, classes, index, .. } = self.search;
        self.top.add(1.0, classes.members(self.class));
        let (rare, popular) = sets.rare_and_popular(classes.first(self.class));
        let wanted = self.window(classes.size(self.class));
        for &reader in rare {
            // The larger sets come last: those too small for this one need not even be counted.
            let large_enough = index.rare(reader).iter().rev().take_while(|&&class| class >= wanted.start);
            large_enough.for_each(|&class| self.scratch.find(class));
            if self.scratch.found.len() >= FOUND_TOGETHER {
                self.scratch.meet_found();
            }
        }
        self.scratch.meet_found();
        self.take_met(popular);
        if self.scratch.shared[self.class as usize] == 0 {
            self.scratch.meet(self.class);
        }
        self.search_popular(popular);
        self.scratch.end();
    }

    /// The classes of a size that can enter the list if they share at most `most` readers with this one.
    fn window(&self, most: u32) -> Range<u32> {
        let classes = &self.search.classes;
        let (size, least) = (classes.size(self.class), self.least());
        let most = f64::from(most.min(size));
        // Rounded apart by far more than the computation rounds.
        let smallest = f64::from(size) * least * (1.0 - 1e-9);
        let largest = most * (1.0 + 1.0 / least) * (1.0 + 1e-9) - f64::from(size);
        // A conversion to u32 ends at its limits.
        let start = classes.up_to_size((smallest.ceil() as u32).saturating_sub(1));
        start..if largest < 1.0 { 0 } else { classes.up_to_size(largest as u32) }
    }

    /// Adds the classes met through rare readers that are similar enough; `popular` are this class's popular readers.
    fn take_met(&mut self, popular: &[u32]) {
        // Those met more than once first: the better the list, the fewer of the many others are worth a look.
        let again = std::mem::take(&mut self.scratch.met_again);
        self.take(again.classes(), popular, |_| true, u32::MAX);
        self.scratch.met_again = again;
        let met = std::mem::take(&mut self.scratch.met);
        self.take(met.classes(), popular, |shared| shared == 1, 1 + popular.len() as u32);
        self.scratch.met = met;
    }

    /// Adds those of the classes that are similar enough, if `wanted` of what they are known to share; they share at
    /// most `most` readers with this one.
    fn take(&mut self, met: &[u32], popular: &[u32], wanted: impl Fn(u32) -> bool, most: u32) {
        let SimilaritySearch { classes, .. } = self.search;
        let own = classes.outline(self.class);
        let mut cut = Cut::new(self.least());
        let mut window = self.window(most);
        for &class in met {
            if window.is_empty() {
                break;
            }
            let shared = self.scratch.shared[class as usize];
            if !window.contains(&class) || !wanted(shared) || class == self.class {
                continue;
            }
            let other = classes.outline(class);
            let most_shared = shared + own.signature.most_shared(own.popular, other.signature, other.popular);
            if cut.excludes(most_shared, own.size, other.size)
                || !self.top.admits(jaccard(most_shared, own.size, other.size), classes.first(class))
            {
                continue;
            }
            let needed = least_overlap(cut.least, own.size, other.size).saturating_sub(shared);
            if self.compare(class, popular, other.popular, shared, needed) && self.least() > cut.least {
                cut = Cut::new(self.least());
                window = self.window(most);
            }
        }
    }

    /// Looks for classes that share popular readers only.
    fn search_popular(&mut self, popular: &[u32]) {
        let SimilaritySearch { classes, index, .. } = self.search;
        let size = classes.size(self.class);
        // All at once: at each reader anew, the signatures would take time quadratic in the number of readers.
        let mut signatures = Vec::new();
        for (position, &reader) in popular.iter().enumerate() {
            let after = &popular[position + 1..];
            // A set found here for the first time shares this reader and at most all after it.
            if !self.reaches(f64::from(after.len() as u32 + 1) / f64::from(size)) {
                break;
            }
            if signatures.is_empty() {
                signatures = signatures_after(popular);
            }
            self.probe(index.popular(reader), after, signatures[after.len()], size);
        }
    }

    /// Whether a class with a score of at most `bound` could enter the list.
    fn reaches(&self, bound: f64) -> bool {
        bound >= self.search.settings.threshold && self.top.admits(bound, 0)
    }

    /// Looks at the classes that share a popular reader with this class; `after` are this class's readers after it, and
    /// `own` is their signature.
    fn probe(&mut self, postings: &[Posting], after: &[u32], own: Signature, size: u32) {
        let SimilaritySearch { classes, .. } = self.search;
        let own_rest = after.len() as u32;
        let mut cut = Cut::new(self.least());
        let too_small = |posting: &Posting| posting.size < size && cut.excludes(posting.size, size, posting.size);
        let mut left = &postings[postings.partition_point(too_small)..];
        while let Some(&Posting { size: other, rest, .. }) = left.first() {
            if other > size && cut.excludes(size, size, other) {
                break;
            }
            // Of the sets of one size, those with more readers after this one come first: after one that has too few,
            // all have.
            if cut.excludes(1 + rest.min(own_rest), size, other) {
                left = &left[gallop(left, |posting| posting.size == other)..];
                continue;
            }
            // A stretch of sets of one size whose overlap has the same bound, ordered by first author.
            let stretch = gallop(left, |posting| posting.rest == rest && posting.size == other);
            let (stretch, later) = left.split_at(stretch);
            left = later;
            let bound = jaccard(1 + rest.min(own_rest), size, other);
            for posting in stretch {
                if bound <= cut.least && !self.top.admits(bound, classes.first(posting.class)) {
                    break;
                }
                let most = 1 + own.most_shared(own_rest, posting.signature(), rest);
                if cut.excludes(most, size, other)
                    || self.scratch.shared[posting.class as usize] != 0
                    || !self.top.admits(jaccard(most, size, other), classes.first(posting.class))
                {
                    continue;
                }
                // This reader is the first that the two share, or else a bound at an earlier one has shown that the
                // class cannot enter: then what is found here is too little, and does not enter either.
                self.scratch.meet(posting.class);
                let needed = least_overlap(cut.least, size, other).saturating_sub(1);
                if self.compare(posting.class, after, rest, 1, needed) {
                    cut = Cut::new(self.least());
                }
            }
        }
    }

    /// The score that a further class must have at least.
    fn least(&self) -> f64 {
        self.search.settings.threshold.max(self.top.least())
    }

    /// Adds a class's members if it is similar enough, true if so: it shares `shared` readers, and those that are both
    /// in `readers` and the last `rest` of its own, of which there must be at least `needed`.
    fn compare(&mut self, class: u32, readers: &[u32], rest: u32, shared: u32, needed: u32) -> bool {
        let SimilaritySearch { sets, classes, settings, .. } = self.search;
        let mut common = shared;
        if rest > 0 && !readers.is_empty() {
            let others = sets.shared(classes.first(class));
            let Some(more) = overlap(readers, &others[others.len() - rest as usize..], needed) else { return false };
            common += more;
        }
        let score = jaccard(common, classes.size(self.class), classes.size(class));
        let similar = score >= settings.threshold;
        if similar {
            self.top.add(score, classes.members(class));
        }
        similar
    }
}

/// A score that must be reached, ready to exclude sets that share too few readers.
struct Cut {
    least: f64,
    /// The share of both sizes together that two sets must have in common, or a little less.
    share: f64,
}

impl Cut {
    fn new(least: f64) -> Self {
        // Far more than what rounding does: a set at the border is never excluded here.
        Self { least, share: least / (1.0 + least) * (1.0 - 1e-12) }
    }

    /// Whether two sets of these sizes that share at most `most` readers are sure to miss the score.
    #[inline]
    fn excludes(&self, most: u32, size: u32, other: u32) -> bool {
        f64::from(most) < self.share * (f64::from(size) + f64::from(other))
    }
}

/// Signature of the readers after each one, last reader first.
fn signatures_after(readers: &[u32]) -> Vec<Signature> {
    let mut after = Signature::default();
    let next = |&reader: &u32| {
        let signature = after;
        after.add(reader);
        signature
    };
    readers.iter().rev().map(next).collect()
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
