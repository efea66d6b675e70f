//! Many short lists in one allocation.

use std::ops::Range;

/// A column of lists: list `i` is `values[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists<T> {
    offsets: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { offsets: vec![0], values: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// Lists from their offsets (`lists + 1` of them, the first 0, ascending, the last `values.len()`) and values;
    /// `None` where the offsets do not describe the values.
    pub fn from_parts(offsets: Vec<u32>, values: Vec<T>) -> Option<Self> {
        let sound = offsets.first() == Some(&0)
            && offsets.last().map(|&end| end as usize) == Some(values.len())
            && offsets.is_sorted();
        sound.then_some(Self { offsets, values })
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no list at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of list `index`.
    #[inline]
    pub fn get(&self, index: usize) -> &[T] {
        &self.values[self.range(index)]
    }

    /// Where the values of list `index` stand in [`Lists::values`].
    #[inline]
    pub fn range(&self, index: usize) -> Range<usize> {
        self.offsets[index] as usize..self.offsets[index + 1] as usize
    }

    /// All lists' values, one list after the other.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The `len() + 1` offsets of the lists in [`Lists::values`].
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// Iterates over the lists.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.offsets.windows(2).map(|pair| &self.values[pair[0] as usize..pair[1] as usize])
    }

    /// Adds a value to the list that is open at the end; [`Lists::close`] ends that list.
    #[inline]
    pub fn push_value(&mut self, value: T) {
        self.values.push(value);
    }

    /// Ends the open list (empty if no value was pushed since the last one ended).
    #[inline]
    pub fn close(&mut self) {
        self.offsets.push(self.values.len() as u32);
    }

    /// Keeps the first `lists` lists and drops everything after them, an open list's values too.
    pub fn truncate(&mut self, lists: usize) {
        self.offsets.truncate(lists + 1);
        let end = self.offsets[self.offsets.len() - 1] as usize;
        self.values.truncate(end);
    }

    /// Removes all lists and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

impl<T: Copy> Lists<T> {
    /// Adds a list.
    pub fn push(&mut self, list: &[T]) {
        self.values.extend_from_slice(list);
        self.close();
    }
}

impl<'a, T: Copy + 'a> FromIterator<&'a [T]> for Lists<T> {
    fn from_iter<I: IntoIterator<Item = &'a [T]>>(lists: I) -> Self {
        let mut all = Self::default();
        lists.into_iter().for_each(|list| all.push(list));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncating_drops_the_open_list() {
        let mut lists: Lists<u8> = [&[1, 2][..], &[], &[3]].into_iter().collect();
        lists.push_value(9);
        lists.truncate(2);
        assert_eq!(lists.iter().collect::<Vec<_>>(), [&[1, 2][..], &[]]);
    }

    #[test]
    fn unsound_offsets_are_refused() {
        assert!(Lists::from_parts(vec![0, 2, 1], vec![1, 2]).is_none());
        assert!(Lists::from_parts(vec![0, 3], vec![1, 2]).is_none());
        assert!(Lists::from_parts(Vec::new(), Vec::<u8>::new()).is_none());
        assert!(Lists::from_parts(vec![0, 0, 2], vec![1, 2]).is_some());
    }
}
