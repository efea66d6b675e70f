//! The inverted index: for each reader the classes that can be found through it.

use std::cmp::Reverse;
use std::path::Path;

use bytemuck::{Pod, Zeroable};
use skimlog_formats::mapped::Lost;
use skimlog_runtime::prefetch::prefetch;

use super::classes::Classes;
use super::runs::SortedRuns;
use super::signature::Signature;
use super::sort::Leading;
use super::spool::{Spool, Spooled};
use super::{FollowerSets, SimilarError};

/// Numbers of 32 bits that a posting takes.
const POSTING_WORDS: usize = size_of::<Posting>() / 4;

/// A class in the list of a popular reader.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Posting {
    pub(super) class: u32,
    /// Size of the class's follower set, here so that passing over postings touches nothing else.
    pub(super) size: u32,
    /// How many of the class's readers come after this one, that is, are more popular.
    pub(super) rest: u32,
    /// Signature of these readers, upper half first.
    after: [u32; 2],
}

impl Posting {
    /// Signature of the class's readers after this one.
    #[inline]
    pub(super) fn signature(&self) -> Signature {
        Signature::from_halves(self.after)
    }
}

/// For each reader the classes whose sets hold it.
///
/// A rare reader has all of them, ascending, 4 bytes a class. A popular one has those whose prefix holds it, ordered by
/// (size of the set, most readers after it first, first author), 20 bytes a class. The prefix of a set is its rarest
/// readers, as many as it takes: two sets with a Jaccard similarity of at least the threshold share a reader of both
/// prefixes. 8 bytes a reader.
pub(super) struct Index {
    rare_offsets: Vec<usize>,
    rare: Spooled,
    popular_offsets: Vec<usize>,
    popular: Spooled,
    first_popular: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    reader: u32,
    class: u32,
    rest: u32,
    after: [u32; 2],
}

impl Leading for Entry {
    fn leading(&self) -> u64 {
        u64::from(self.reader) << 32 | u64::from(self.class)
    }
}

impl Index {
    pub(super) fn new(
        sets: &FollowerSets,
        classes: &Classes,
        threshold: f64,
        memory: usize,
        directory: &Path,
    ) -> Result<Self, SimilarError> {
        let (rare_offsets, rare) = rare_lists(sets, classes, memory, directory)?;
        let (popular_offsets, popular) = popular_lists(sets, classes, threshold, memory, directory)?;
        Ok(Self { rare_offsets, rare, popular_offsets, popular, first_popular: sets.first_popular() })
    }

    /// The classes of a rare reader.
    #[inline]
    pub(super) fn rare(&self, reader: u32) -> &[u32] {
        &self.rare[self.rare_offsets[reader as usize]..self.rare_offsets[reader as usize + 1]]
    }

    /// Whether all lists asked for so far were as they were written.
    pub(super) fn intact(&self) -> Result<(), Lost> {
        self.rare.intact()?;
        self.popular.intact()
    }

    /// Prefetches where a rare reader's list stands.
    #[inline]
    pub(super) fn prefetch_offset(&self, reader: u32) {
        prefetch(&self.rare_offsets, reader as usize + 1);
    }

    /// Prefetches the end of a rare reader's list, from which it is read.
    #[inline]
    pub(super) fn prefetch_rare(&self, reader: u32) {
        prefetch(&self.rare, self.rare_offsets[reader as usize + 1].wrapping_sub(1));
    }

    /// The classes of a popular reader.
    pub(super) fn popular(&self, reader: u32) -> &[Posting] {
        let index = (reader - self.first_popular) as usize;
        let range = self.popular_offsets[index]..self.popular_offsets[index + 1];
        &bytemuck::cast_slice::<[u32; POSTING_WORDS], Posting>(self.popular.as_chunks().0)[range]
    }
}

/// Prefetches the sets of classes that come soon after this one.
#[inline]
fn prefetch_ahead(sets: &FollowerSets, classes: &Classes, class: u32) {
    let first =
        |ahead| Some(class + ahead).filter(|&class| (class as usize) < classes.len()).map(|class| classes.first(class));
    first(32).into_iter().for_each(|author| sets.prefetch_offset(author));
    first(16).into_iter().for_each(|author| sets.prefetch_shared(author));
}

/// The lists of the rare readers, and where each begins.
fn rare_lists(
    sets: &FollowerSets,
    classes: &Classes,
    memory: usize,
    directory: &Path,
) -> Result<(Vec<usize>, Spooled), SimilarError> {
    let mut entries = SortedRuns::new(memory / 4, directory);
    for class in 0..classes.len() as u32 {
        prefetch_ahead(sets, classes, class);
        let (rare, _) = sets.rare_and_popular(classes.first(class));
        rare.iter().try_for_each(|&reader| entries.push(u64::from(reader) << 32 | u64::from(class)))?;
    }
    let mut lists = Spool::new(memory / 6, directory);
    let mut offsets = Vec::with_capacity(sets.first_popular() as usize + 1);
    for entry in entries.finish()? {
        let entry = entry?;
        offsets.resize(offsets.len().max((entry >> 32) as usize + 1), lists.len());
        lists.extend(&[entry as u32])?;
    }
    offsets.resize(sets.first_popular() as usize + 1, lists.len());
    Ok((offsets, lists.finish()?))
}

/// The lists of the popular readers, and the posting at which each begins.
fn popular_lists(
    sets: &FollowerSets,
    classes: &Classes,
    threshold: f64,
    memory: usize,
    directory: &Path,
) -> Result<(Vec<usize>, Spooled), SimilarError> {
    let mut entries = SortedRuns::new(memory / 4, directory);
    for class in 0..classes.len() as u32 {
        prefetch_ahead(sets, classes, class);
        let (_, popular) = sets.rare_and_popular(classes.first(class));
        let size = f64::from(classes.size(class));
        let mut signature = Signature::default();
        for (&reader, rest) in popular.iter().rev().zip(0..) {
            // A set whose first common reader is this one shares at most `1 + rest` readers with this set.
            if f64::from(1 + rest) / size >= threshold {
                entries.push(Entry { reader, class, rest, after: signature.halves() })?;
            }
            signature.add(reader);
        }
    }

    let readers = sets.shared_readers() - sets.first_popular() as usize;
    let mut postings = Spool::new(memory / 6, directory);
    let mut offsets = Vec::with_capacity(readers + 1);
    offsets.push(0);
    let mut list: Vec<Posting> = Vec::new();
    for entry in entries.finish()?.map(Some).chain([None]) {
        let entry = entry.transpose()?;
        let reader = entry.map_or(readers, |entry| (entry.reader - sets.first_popular()) as usize);
        while offsets.len() - 1 < reader {
            list.sort_unstable_by_key(|posting| (posting.size, Reverse(posting.rest), posting.class));
            postings.extend(bytemuck::cast_slice(&list))?;
            list.clear();
            offsets.push(postings.len() / POSTING_WORDS);
        }
        list.extend(entry.map(|Entry { class, rest, after, .. }| {
            let size = classes.size(class);
            Posting { class, size, rest, after }
        }));
    }
    Ok((offsets, postings.finish()?))
}
