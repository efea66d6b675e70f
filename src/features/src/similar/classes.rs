//! Classes of authors with equal follower sets, which have the same similar authors.

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::FollowerSets;
use super::signature::Signature;

/// The class number of authors without a class.
const NONE: u32 = u32::MAX;

/// The classes of authors with equal follower sets, ascending by (size of the set, first author).
///
/// An author that shares no reader with anybody has no class.
pub(super) struct Classes {
    /// Class of each author, [`NONE`] without one.
    of_author: Vec<u32>,
    /// Members of class `i`: `members[offsets[i]..offsets[i + 1]]`, ascending.
    offsets: Vec<u32>,
    members: Vec<u32>,
    /// First member of each class, by itself because the search asks for little else.
    first: Vec<u32>,
    outlines: Vec<Outline>,
    /// The sizes that there are, ascending, each with the number of classes up to it.
    up_to_size: Vec<(u32, u32)>,
}

/// What the search asks first of a class it has met: side by side.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(super) struct Outline {
    /// Number of readers in the follower set.
    pub(super) size: u32,
    /// How many of them are popular.
    pub(super) popular: u32,
    /// Signature of the popular ones.
    pub(super) signature: Signature,
}

impl Classes {
    pub(super) fn new(sets: &FollowerSets) -> Self {
        let authors = sets.authors().len() as u32;
        let shares = |&author: &u32| !sets.shared(author).is_empty();
        // A set with a reader of its own equals no other; it keeps apart from the others by the author's number.
        let own = |author: u32| {
            let whole = sets.shared(author).len() == sets.size(author) as usize;
            if whole { NONE } else { author }
        };
        // Hashes settle nearly every comparison without a look at the sets.
        let set = |author: u32| (own(author), sets.shared(author));
        let hashed =
            |author: u32| (xxh3_64_with_seed(bytemuck::cast_slice(sets.shared(author)), own(author).into()), author);
        let mut members: Vec<(u64, u32)> = (0..authors).into_par_iter().filter(shares).map(hashed).collect();
        members.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| set(a.1).cmp(&set(b.1))).then(a.1.cmp(&b.1)));
        let equal = |a: &(u64, u32), b: &(u64, u32)| a.0 == b.0 && set(a.1) == set(b.1);
        let mut groups: Vec<&[(u64, u32)]> = members.chunk_by(equal).collect();
        groups.par_sort_unstable_by_key(|group| (sets.size(group[0].1), group[0].1));

        let mut of_author = vec![NONE; authors as usize];
        let mut offsets = Vec::with_capacity(groups.len() + 1);
        offsets.push(0);
        for (class, group) in (0..).zip(&groups) {
            group.iter().for_each(|&(_, author)| of_author[author as usize] = class);
            offsets.push(offsets[class as usize] + group.len() as u32);
        }
        let first: Vec<u32> = groups.iter().map(|group| group[0].1).collect();
        let outline = |&author: &u32| {
            let (_, popular) = sets.rare_and_popular(author);
            Outline { size: sets.size(author), popular: popular.len() as u32, signature: Signature::of(popular) }
        };
        let outlines: Vec<Outline> = first.par_iter().map(outline).collect();
        let mut up_to_size: Vec<(u32, u32)> = Vec::new();
        for (outline, classes) in outlines.iter().zip(1..) {
            match up_to_size.last_mut() {
                Some(last) if last.0 == outline.size => last.1 = classes,
                _ => up_to_size.push((outline.size, classes)),
            }
        }
        let members = groups.par_iter().flat_map_iter(|group| group.iter().map(|&(_, author)| author)).collect();
        Self { of_author, offsets, members, first, outlines, up_to_size }
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(super) fn of(&self, author: u32) -> Option<u32> {
        Some(self.of_author[author as usize]).filter(|&class| class != NONE)
    }

    /// The authors of a class, ascending; at least one.
    pub(super) fn members(&self, class: u32) -> &[u32] {
        &self.members[self.offsets[class as usize] as usize..self.offsets[class as usize + 1] as usize]
    }

    /// The first author of a class.
    #[inline]
    pub(super) fn first(&self, class: u32) -> u32 {
        self.first[class as usize]
    }

    /// Number of readers in the follower set of a class.
    #[inline]
    pub(super) fn size(&self, class: u32) -> u32 {
        self.outlines[class as usize].size
    }

    #[inline]
    pub(super) fn outline(&self, class: u32) -> Outline {
        self.outlines[class as usize]
    }

    /// Number of classes whose sets have at most `size` readers: they come before all others.
    pub(super) fn up_to_size(&self, size: u32) -> u32 {
        let sizes = self.up_to_size.partition_point(|&(other, _)| other <= size);
        sizes.checked_sub(1).map_or(0, |last| self.up_to_size[last].1)
    }
}
