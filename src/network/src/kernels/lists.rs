//! Inputs that are not zero, in lists whose indices the training kernels need not check.

/// Inputs whose weights are gathered together: two tiles of them are 32 KB.
pub(crate) const INPUT_BLOCK: usize = 128;

/// An input that is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// The input (in lists by record) or the record (in lists by input).
    pub(crate) index: u32,
    /// Its value.
    pub(crate) value: f32,
}

/// The inputs of a batch's records that are not zero, record after record.
#[derive(Default)]
pub(crate) struct SparseRecords {
    entries: Vec<Entry>,
    ends: Vec<usize>,
}

impl SparseRecords {
    /// Removes all records.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.ends.clear();
    }

    /// Adds an input to the record that is being added.
    #[inline(always)]
    pub(crate) fn push(&mut self, input: Entry) {
        self.entries.push(input);
    }

    /// Adds inputs to the record that is being added.
    pub(crate) fn extend(&mut self, inputs: impl IntoIterator<Item = Entry>) {
        self.entries.extend(inputs);
    }

    /// Ends the record that is being added.
    pub(crate) fn end_record(&mut self) {
        self.ends.push(self.entries.len());
    }

    /// Calls `visit` with every input and the number of its record.
    #[inline(always)]
    fn visit(&self, mut visit: impl FnMut(usize, Entry)) {
        let mut first = 0;
        for (record, &end) in self.ends.iter().enumerate() {
            for &entry in &self.entries[first..end] {
                visit(record, entry);
            }
            first = end;
        }
    }
}

/// Entries sorted into lists, one list after the other.
///
/// Every entry's index is below [`bound`](Self::bound), so a kernel that has at least `bound` rows may read them
/// without a check. Nothing changes the entries but [`fill_by_block`](Self::fill_by_block) and
/// [`fill_by_input`](Self::fill_by_input), which replace all of them.
#[derive(Default)]
pub(crate) struct EntryLists {
    entries: Vec<Entry>,
    /// Offset of each list's first entry, and the number of entries.
    starts: Vec<u32>,
    bound: usize,
}

impl EntryLists {
    /// A list for each record in each block of [`INPUT_BLOCK`] inputs, block after block; indices are inputs.
    ///
    /// # Panics
    /// If an input is not below `inputs`.
    pub(crate) fn fill_by_block(&mut self, inputs: usize, records: &SparseRecords) {
        let count = records.ends.len();
        let list = |record, entry: Entry| (entry.index as usize / INPUT_BLOCK * count + record, entry.index);
        self.fill(inputs.div_ceil(INPUT_BLOCK) * count, records, list);
        assert!(self.bound <= inputs, "input {} of {inputs}", self.bound - 1);
    }

    /// A list for each input; indices are records.
    ///
    /// # Panics
    /// If an input is not below `inputs`.
    pub(crate) fn fill_by_input(&mut self, inputs: usize, records: &SparseRecords) {
        self.fill(inputs, records, |record, entry| (entry.index as usize, record as u32));
    }

    /// A counting sort into `count` lists. `list` gives an entry's list and its index there, and for the same entry
    /// always the same. Entries of a list keep their order.
    #[inline(always)]
    fn fill(&mut self, count: usize, records: &SparseRecords, list: impl Fn(usize, Entry) -> (usize, u32)) {
        // Empty lists are left behind if anything below panics.
        let Self { mut entries, mut starts, bound: _ } = std::mem::take(self);
        assert!(u32::try_from(records.entries.len()).is_ok(), "{} inputs in one batch", records.entries.len());
        starts.clear();
        starts.resize(count + 1, 0);
        let (counts, mut bound) = (&mut starts[..count], 0);
        records.visit(|record, entry| {
            let (list, index) = list(record, entry);
            counts[list] += 1;
            bound = bound.max(index as usize + 1);
        });
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        // What earlier lists left is overwritten: the second pass visits the same entries as the first, which counted
        // them.
        entries.resize(sum as usize, Entry::default());
        records.visit(|record, entry| {
            let (list, index) = list(record, entry);
            entries[starts[list] as usize] = Entry { index, value: entry.value };
            starts[list] += 1;
        });
        // Each start has moved to its list's end, which is the next list's start.
        starts.copy_within(..count, 1);
        starts[0] = 0;
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

    fn entry(index: u32) -> Entry {
        Entry { index, value: index as f32 }
    }

    #[test]
    fn bounds_are_those_of_the_last_entries() {
        let mut records = SparseRecords::default();
        for inputs in [&[7, 200][..], &[1, 7]] {
            records.extend(inputs.iter().copied().map(entry));
            records.end_record();
        }
        let (mut by_block, mut by_input) = (EntryLists::default(), EntryLists::default());
        by_block.fill_by_block(201, &records);
        assert_eq!((by_block.starts(), by_block.bound()), (&[0, 1, 3, 4, 4][..], 201));
        assert_eq!(by_block.entries(), [7, 1, 7, 200].map(entry));
        by_input.fill_by_input(201, &records);
        assert_eq!((by_input.entries().len(), by_input.bound()), (4, 2));
        // Nothing is left of longer lists with larger indices.
        records.clear();
        records.extend([entry(4)]);
        records.end_record();
        by_block.fill_by_block(5, &records);
        assert_eq!((by_block.entries(), by_block.starts(), by_block.bound()), (&[entry(4)][..], &[0, 1][..], 5));
        records.clear();
        by_block.fill_by_block(5, &records);
        assert_eq!((by_block.entries(), by_block.bound()), (&[][..], 0));
    }

    fn one_input(input: u32) -> SparseRecords {
        let mut records = SparseRecords::default();
        records.extend([entry(input)]);
        records.end_record();
        records
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn lists_by_input_refuse_an_input_beyond_the_last() {
        EntryLists::default().fill_by_input(300, &one_input(300));
    }

    #[test]
    #[should_panic(expected = "input 300 of 300")]
    fn lists_by_block_refuse_an_input_beyond_the_last() {
        EntryLists::default().fill_by_block(300, &one_input(300));
    }
}
