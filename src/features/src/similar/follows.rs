//! From (author, reader) pairs in any order to follower sets.

use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use hashbrown::HashTable;
use rayon::slice::ParallelSliceMut;
use skimlog_formats::Id;
use skimlog_formats::mapped::Lost;
use skimlog_runtime::prefetch::prefetch;
use xxhash_rust::xxh3::xxh3_64;

use super::SimilarError;
use super::runs::SortedRuns;
use super::sort::Leading;
use super::spool::{Spool, Spooled};
use crate::key::Key;

/// Authors up to which a reader counts as rare. Through rare readers, overlaps are counted at a nanosecond or two an
/// author; beyond, passing over most of the authors is cheaper. Decides about time only, never about a result.
const RARE_AUTHORS: u32 = 512;

/// Authors or pairs whose memory is prefetched together.
const TOGETHER: usize = 64;
/// Stands for the number of an author that nobody has asked for.
const UNKNOWN: u32 = u32::MAX;

/// Collects who follows whom.
///
/// Sorting holds `memory` bytes, whatever the number of pairs; the rest lies in nameless temporary files, which vanish
/// with the process. Authors are numbered as they come, which holds up to 42 bytes an author besides.
pub struct Follows {
    pairs: SortedRuns<Followed>,
    /// In the order in which they came.
    authors: Vec<Id>,
    /// Positions in `authors`, by id.
    numbers: HashTable<u32>,
    memory: usize,
    directory: PathBuf,
}

/// A reader in an author's follower set, ordered by reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
struct Followed {
    /// The reader's key, upper half first.
    reader: [u32; 2],
    author: u32,
}

/// A reader, by number, in the set of an author, by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
struct Member {
    author: u32,
    reader: u32,
}

impl Leading for Followed {
    fn leading(&self) -> u64 {
        u64::from(self.reader[0]) << 32 | u64::from(self.reader[1])
    }
}

impl Leading for Member {
    fn leading(&self) -> u64 {
        u64::from(self.author) << 32 | u64::from(self.reader)
    }
}

impl Follows {
    /// Starts with no pairs. `directory` must exist and takes the temporary files.
    pub fn new(memory: usize, directory: &Path) -> Self {
        Self {
            pairs: SortedRuns::new(memory / 3, directory),
            authors: Vec::new(),
            numbers: HashTable::new(),
            memory,
            directory: directory.to_owned(),
        }
    }

    /// Bytes of temporary files at a time, at most, when so many different pairs are sorted with so much memory.
    pub fn temporary_bytes(pairs: u64, memory: usize) -> u64 {
        // The pairs by reader are read while those by author are written.
        let sorted = [size_of::<Followed>(), size_of::<Member>()].map(|bytes| pairs * bytes as u64);
        sorted.into_iter().filter(|&bytes| bytes > memory as u64 / 3).sum()
    }

    /// Adds readers to follower sets, each with the position of the set's author in `authors`, of which only those with
    /// a reader count. The same pair may come any number of times.
    ///
    /// # Errors
    /// [`SimilarError::Spill`] where a temporary file cannot be written, [`SimilarError::TooMany`] beyond 2³² − 1
    /// authors.
    pub fn add(&mut self, authors: &[Id], readers: &[(u32, Key)]) -> Result<(), SimilarError> {
        let mut numbers = vec![UNKNOWN; authors.len()];
        let mut wanted = Vec::new();
        for &(author, _) in readers {
            let known = &mut numbers[author as usize];
            if *known == UNKNOWN {
                *known = 0;
                wanted.push(author);
            }
        }
        for wanted in wanted.chunks(TOGETHER) {
            // The first that may be the author mostly is, and to see that it is waits for memory: for all of them
            // together.
            let mut likely = [None; TOGETHER];
            for (&author, likely) in wanted.iter().zip(&mut likely) {
                *likely = self.numbers.find(hash(authors[author as usize]), |_| true).copied();
                likely.inspect(|&number| prefetch(&self.authors, number as usize));
            }
            for (&author, likely) in wanted.iter().zip(likely) {
                let id = authors[author as usize];
                let number = likely.filter(|&number| self.authors[number as usize] == id);
                numbers[author as usize] = number.map_or_else(|| self.number(id), Ok)?;
            }
        }
        for &(author, Key(reader)) in readers {
            let author = numbers[author as usize];
            self.pairs.push(Followed { reader: [(reader >> 32) as u32, reader as u32], author })?;
        }
        Ok(())
    }

    /// The position of an author among all, the last if it is new.
    fn number(&mut self, author: Id) -> Result<u32, SimilarError> {
        let Self { authors, numbers, .. } = self;
        let is_author = |&number: &u32| authors[number as usize] == author;
        if let Some(&number) = numbers.find(hash(author), is_author) {
            return Ok(number);
        }
        let number = number(authors.len(), "authors")?;
        authors.push(author);
        numbers.insert_unique(hash(author), number, |&number| hash(authors[number as usize]));
        Ok(number)
    }

    /// Sorts the pairs into sets.
    ///
    /// # Errors
    /// [`SimilarError::Spill`] where a temporary file cannot be written or read, [`SimilarError::TooMany`] beyond
    /// 2³² − 1 authors or readers.
    pub fn finish(self) -> Result<FollowerSets, SimilarError> {
        self.finish_with(RARE_AUTHORS)
    }

    /// The same with readers of up to `rare_authors` authors rare.
    pub(super) fn finish_with(self, rare_authors: u32) -> Result<FollowerSets, SimilarError> {
        let Self { pairs, authors, numbers, memory, directory } = self;
        drop(numbers);
        let (authors, ranks) = by_id(authors);
        let Members { by_author, mut sizes, degrees } = members(pairs, ranks, memory, &directory)?;

        let mut rarest_first: Vec<u32> = (0..degrees.len() as u32).collect();
        rarest_first.par_sort_unstable_by_key(|&reader| (degrees[reader as usize], reader));
        let first_popular = rarest_first.partition_point(|&reader| degrees[reader as usize] <= rare_authors) as u32;
        let mut ranks = vec![0; degrees.len()];
        rarest_first.iter().zip(0..).for_each(|(&reader, rank)| ranks[reader as usize] = rank);

        let mut readers = Spool::new(memory / 3, &directory);
        let mut offsets = Vec::with_capacity(authors.len() + 1);
        offsets.push(0);
        let mut set: Vec<u32> = Vec::new();
        for member in by_author.finish()?.map(Some).chain([None]) {
            let member = member.transpose()?;
            // Authors are numbered from 0, and the open set belongs to author `offsets.len() - 1`.
            let author = member.map_or(authors.len(), |member| member.author as usize);
            while offsets.len() - 1 < author {
                set.sort_unstable();
                sizes[offsets.len() - 1] += set.len() as u32;
                readers.extend(&set)?;
                set.clear();
                offsets.push(readers.len());
            }
            set.extend(member.map(|member| ranks[member.reader as usize]));
        }
        let readers = readers.finish()?;
        Ok(FollowerSets { authors, sizes, offsets, readers, shared_readers: degrees.len(), first_popular })
    }
}

/// The authors ascending by id, and the rank of each in that order, by its number in the old one.
fn by_id(unordered: Vec<Id>) -> (Vec<Id>, Vec<u32>) {
    let mut order: Vec<u32> = (0..unordered.len() as u32).collect();
    order.par_sort_unstable_by_key(|&author| unordered[author as usize]);
    let mut ranks = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(&author, rank)| ranks[author as usize] = rank);
    (order.iter().map(|&author| unordered[author as usize]).collect(), ranks)
}

/// Readers in the sets of authors.
struct Members {
    /// The readers that are in several sets, numbered as they come.
    by_author: SortedRuns<Member>,
    /// The number of each author's readers that are in no other set.
    sizes: Vec<u32>,
    /// In how many sets each of the numbered readers is.
    degrees: Vec<u32>,
}

/// Goes through the pairs reader by reader; `ranks` are the authors' final numbers.
fn members(
    pairs: SortedRuns<Followed>,
    ranks: Vec<u32>,
    memory: usize,
    directory: &Path,
) -> Result<Members, SimilarError> {
    let by_author = SortedRuns::new(memory / 3, directory);
    let mut members = Members { by_author, sizes: vec![0; ranks.len()], degrees: Vec::new() };
    let (mut reader, mut followed) = (None, Vec::new());
    let mut pairs = pairs.finish()?;
    let mut together = Vec::with_capacity(TOGETHER);
    loop {
        for pair in pairs.by_ref().take(TOGETHER) {
            let pair = pair?;
            prefetch(&ranks, pair.author as usize);
            together.push(pair);
        }
        if together.is_empty() {
            break;
        }
        for pair in together.drain(..) {
            if reader.replace(pair.reader) != Some(pair.reader) {
                members.end_reader(&mut followed)?;
            }
            followed.push(ranks[pair.author as usize]);
        }
    }
    members.end_reader(&mut followed)?;
    Ok(members)
}

impl Members {
    /// Adds a reader with all authors it follows, and empties these.
    fn end_reader(&mut self, followed: &mut Vec<u32>) -> Result<(), SimilarError> {
        // A reader in one set only is common to no two of them: it counts in the set's size and nowhere else.
        if let &mut [author] = followed.as_mut_slice() {
            self.sizes[author as usize] += 1;
        } else if !followed.is_empty() {
            let reader = number(self.degrees.len(), "readers")?;
            self.degrees.push(followed.len() as u32);
            followed.iter().try_for_each(|&author| self.by_author.push(Member { author, reader }))?;
        }
        followed.clear();
        Ok(())
    }
}

fn hash(author: Id) -> u64 {
    xxh3_64(&author.0)
}

fn number(index: usize, what: &'static str) -> Result<u32, SimilarError> {
    // The highest number stays free: it marks what has none.
    u32::try_from(index).ok().filter(|&number| number != u32::MAX).ok_or(SimilarError::TooMany { what })
}

/// The follower sets of all authors that have one, authors ascending by id.
///
/// Holds 28 bytes an author and 4 bytes a follow whose reader is in two sets or more; the latter lie in a mapped
/// temporary file where they exceed a third of the memory given to [`Follows::new`].
pub struct FollowerSets {
    authors: Vec<Id>,
    sizes: Vec<u32>,
    offsets: Vec<usize>,
    /// Per author the readers that are in other sets too, numbered rarest first, ascending.
    readers: Spooled,
    shared_readers: usize,
    first_popular: u32,
}

impl FollowerSets {
    /// Ids of the authors with a follower set, ascending.
    pub fn authors(&self) -> &[Id] {
        &self.authors
    }

    /// Number of readers in the set of the author at `author` in [`FollowerSets::authors`].
    pub fn size(&self, author: u32) -> u32 {
        self.sizes[author as usize]
    }

    /// The readers of an author's set that are in other sets too, numbered rarest first, ascending.
    pub(super) fn shared(&self, author: u32) -> &[u32] {
        &self.readers[self.offsets[author as usize]..self.offsets[author as usize + 1]]
    }

    /// Whether all readers asked for so far were as they were written.
    pub(super) fn intact(&self) -> Result<(), Lost> {
        self.readers.intact()
    }

    /// Prefetches where an author's set stands.
    #[inline]
    pub(super) fn prefetch_offset(&self, author: u32) {
        prefetch(&self.offsets, author as usize);
    }

    /// Prefetches an author's set.
    #[inline]
    pub(super) fn prefetch_shared(&self, author: u32) {
        prefetch(&self.readers, self.offsets[author as usize]);
    }

    /// Number of readers that are in two sets or more.
    pub(super) fn shared_readers(&self) -> usize {
        self.shared_readers
    }

    /// The same in two: rare readers and popular ones.
    pub(super) fn rare_and_popular(&self, author: u32) -> (&[u32], &[u32]) {
        let readers = self.shared(author);
        readers.split_at(readers.partition_point(|&reader| reader < self.first_popular))
    }

    /// The first popular reader: those before it are rare.
    pub(super) fn first_popular(&self) -> u32 {
        self.first_popular
    }
}
