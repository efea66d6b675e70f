//! The inverted index: for each reader the classes that can be found through it.

use std::path::Path;

use bytemuck::{Pod, Zeroable};

use super::classes::Classes;
use super::runs::SortedRuns;
use super::spool::{Spool, Spooled};
use super::{FollowerSets, SimilarError};

/// Numbers of 32 bits that a posting takes.
const POSTING_WORDS: usize = size_of::<Posting>() / 4;

/// A class in the list of a reader.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Posting {
    pub(super) class: u32,
    /// How many of the class's readers come after this one, that is, are more popular.
    pub(super) rest: u32,
    /// Signature of these readers, upper half first.
    after: [u32; 2],
}

impl Posting {
    /// Signature of the class's readers after this one.
    #[inline]
    pub(super) fn signature(&self) -> Signature {
        Signature(u64::from(self.after[0]) << 32 | u64::from(self.after[1]))
    }
}

/// A set of readers as 64 bits, one for each of 64 groups of readers: tells cheaply that two sets share few.
#[derive(Clone, Copy, Default)]
pub(super) struct Signature(u64);

impl Signature {
    pub(super) fn add(&mut self, reader: u32) {
        self.0 |= 1 << (reader.wrapping_mul(0x9E37_79B1) >> 26);
    }

    /// The most readers that two sets of these sizes with these signatures can share.
    #[inline]
    pub(super) fn most_shared(self, size: u32, other: Self, other_size: u32) -> u32 {
        let groups = (self.0 & other.0).count_ones();
        // A group that both have is one shared reader, and as many more as the group has further readers in both.
        groups + (size - self.0.count_ones()).min(other_size - other.0.count_ones())
    }
}

/// For each reader the classes whose prefix holds it, ordered by (size of the set, rest, first author).
///
/// The prefix of a set is its rarest readers, as many as it takes: two sets with a Jaccard similarity of at least
/// the threshold share a reader of both prefixes. 16 bytes a posting, 8 bytes a reader.
pub(super) struct Index {
    offsets: Vec<usize>,
    postings: Spooled,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    reader: u32,
    class: u32,
    rest: u32,
    after: [u32; 2],
}

impl Index {
    pub(super) fn new(
        sets: &FollowerSets,
        classes: &Classes,
        threshold: f64,
        memory: usize,
        directory: &Path,
    ) -> Result<Self, SimilarError> {
        let mut entries = SortedRuns::new(memory / 3, directory);
        for class in 0..classes.len() as u32 {
            let author = classes.first(class);
            let (readers, size) = (sets.shared(author), f64::from(sets.size(author)));
            let mut signature = Signature::default();
            for (&reader, rest) in readers.iter().rev().zip(0..) {
                // A set whose first common reader is this one shares at most `1 + rest` readers with this set.
                if f64::from(1 + rest) / size >= threshold {
                    let after = [(signature.0 >> 32) as u32, signature.0 as u32];
                    entries.push(Entry { reader, class, rest, after })?;
                }
                signature.add(reader);
            }
        }

        let mut postings = Spool::new(memory / 3, directory);
        let mut offsets = Vec::with_capacity(sets.shared_readers() + 1);
        offsets.push(0);
        let mut list: Vec<Posting> = Vec::new();
        for entry in entries.finish()?.map(Some).chain([None]) {
            let entry = entry.transpose()?;
            let reader = entry.map_or(sets.shared_readers(), |entry| entry.reader as usize);
            while offsets.len() - 1 < reader {
                list.sort_unstable_by_key(|entry| (classes.size(entry.class), entry.rest, entry.class));
                postings.extend(bytemuck::cast_slice(&list))?;
                list.clear();
                offsets.push(postings.len() / POSTING_WORDS);
            }
            list.extend(entry.map(|entry| Posting { class: entry.class, rest: entry.rest, after: entry.after }));
        }
        Ok(Self { offsets, postings: postings.finish()? })
    }

    /// The classes of a reader.
    pub(super) fn of(&self, reader: u32) -> &[Posting] {
        let range = self.offsets[reader as usize]..self.offsets[reader as usize + 1];
        &bytemuck::cast_slice::<[u32; POSTING_WORDS], Posting>(self.postings.as_chunks().0)[range]
    }
}
