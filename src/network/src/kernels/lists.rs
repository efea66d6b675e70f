//! Inputs that are not zero, in lists whose indices the training kernels need not check.

/// An input that is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// The input (in lists by record) or the record (in lists by input).
    pub(crate) index: u32,
    /// Its value.
    pub(crate) value: f32,
}

/// Entries sorted into lists, one list after the other.
///
/// Every entry's index is below [`bound`](Self::bound). [`fill`](Self::fill) alone sets the entries, and takes the
/// bound from the entries it has stored, so a kernel that has at least `bound` rows may read them without a check.
#[derive(Default)]
pub(crate) struct EntryLists {
    entries: Vec<Entry>,
    /// Offset of each list's first entry, and the number of entries.
    starts: Vec<u32>,
    bound: usize,
}

impl EntryLists {
    /// Sorts entries, each given with the number of its list, into `count` lists. Entries of a list keep their order.
    ///
    /// # Panics
    /// If a list's number is not below `count`.
    pub(crate) fn fill(&mut self, count: usize, listed: impl Iterator<Item = (usize, Entry)> + Clone) {
        // Empty lists are left behind if anything below panics.
        let Self { mut entries, mut starts, bound: _ } = std::mem::take(self);
        starts.clear();
        starts.resize(count + 1, 0);
        listed.clone().for_each(|(list, _)| starts[list] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        entries.resize(sum as usize, Entry::default());
        listed.for_each(|(list, entry)| {
            entries[starts[list] as usize] = entry;
            starts[list] += 1;
        });
        // Each start has moved to its list's end, which is the next list's start.
        starts.copy_within(..count, 1);
        starts[0] = 0;
        let bound = entries.iter().map(|entry| entry.index).max().map_or(0, |largest| largest as usize + 1);
        *self = Self { entries, starts, bound };
    }

    /// One more than the largest index; 0 without entries.
    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    /// All entries, list after list.
    #[inline(always)]
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Offset of each list's first entry among the entries, and the number of entries.
    #[inline(always)]
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_bounded() {
        let entry = |index| Entry { index, value: index as f32 };
        let mut lists = EntryLists::default();
        lists.fill(3, [(2, entry(7)), (0, entry(9)), (2, entry(1))].into_iter());
        assert_eq!((lists.starts(), lists.bound()), (&[0, 1, 1, 3][..], 10));
        assert_eq!(lists.entries(), [9, 7, 1].map(entry));
        // Nothing is left of longer lists with larger indices.
        lists.fill(1, [(0, entry(4))].into_iter());
        assert_eq!((lists.entries(), lists.starts(), lists.bound()), (&[entry(4)][..], &[0, 1][..], 5));
        lists.fill(2, std::iter::empty());
        assert_eq!((lists.entries(), lists.bound()), (&[][..], 0));
    }

    #[test]
    fn entries_that_differ_between_iterations_cannot_exceed_the_bound() {
        let mut lists = EntryLists::default();
        lists.fill(1, std::iter::once((0, Entry { index: 1000, value: 1.0 })));
        let counted = std::cell::Cell::new(false);
        let once = std::iter::from_fn(|| (!counted.replace(true)).then_some((0, Entry { index: 3, value: 1.0 })));
        // The second pass yields nothing: the entry of the lists before stays, and so does its share in the bound.
        lists.fill(1, once);
        assert!(lists.entries().iter().all(|entry| (entry.index as usize) < lists.bound()));
    }
}
