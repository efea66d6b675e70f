//! The classes that one search has found.

use skimlog_runtime::prefetch::prefetch;

/// What a thread keeps from search to search.
pub(super) struct Scratch {
    /// Readers that each class shares with the searching one as far as counted; not 0 for every class met, 0 for all
    /// others.
    pub(super) shared: Vec<u32>,
    pub(super) met: ClassList,
    /// Those of them met twice or more.
    pub(super) met_again: ClassList,
    /// Classes that share a reader, not counted yet.
    pub(super) found: Vec<u32>,
}

impl Scratch {
    pub(super) fn new(classes: usize) -> Self {
        let [met, met_again] = [(); 2].map(|()| ClassList::new(classes));
        Self { shared: vec![0; classes], met, met_again, found: Vec::new() }
    }

    /// Prefetches a class's count, for [`Scratch::meet_found`] to raise it by one.
    #[inline]
    pub(super) fn find(&mut self, class: u32) {
        prefetch(&self.shared, class as usize);
        self.found.push(class);
    }

    /// Counts a shared reader of every class found since the last time.
    pub(super) fn meet_found(&mut self) {
        let found = std::mem::take(&mut self.found);
        found.iter().for_each(|&class| self.meet(class));
        self.found = found;
        self.found.clear();
    }

    /// Counts a shared reader of a class.
    #[inline]
    pub(super) fn meet(&mut self, class: u32) {
        let shared = &mut self.shared[class as usize];
        self.met.push_if(class, *shared == 0);
        self.met_again.push_if(class, *shared == 1);
        *shared += 1;
    }

    /// Forgets all classes.
    pub(super) fn end(&mut self) {
        self.met_again.length = 0;
        self.met.classes().iter().for_each(|&class| self.shared[class as usize] = 0);
        self.met.length = 0;
    }
}

/// Different classes in the order in which they came.
#[derive(Default)]
pub(super) struct ClassList {
    /// Room for all classes and one more. What was never used takes no memory.
    classes: Vec<u32>,
    length: usize,
}

impl ClassList {
    fn new(classes: usize) -> Self {
        Self { classes: vec![0; classes + 1], length: 0 }
    }

    pub(super) fn classes(&self) -> &[u32] {
        &self.classes[..self.length]
    }

    /// Adds a class or does not, without a branch: a wrong guess would wait until memory has answered whether the class
    /// was met before, and so would everything after it.
    #[inline]
    fn push_if(&mut self, class: u32, wanted: bool) {
        self.classes[self.length] = class;
        self.length += usize::from(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_met_once_and_again() {
        let mut scratch = Scratch::new(4);
        for _ in 0..3 {
            [3, 1, 3, 0, 3, 1, 2].into_iter().for_each(|class| scratch.meet(class));
            assert_eq!(scratch.met.classes(), [3, 1, 0, 2]);
            assert_eq!(scratch.met_again.classes(), [3, 1]);
            assert_eq!(scratch.shared, [1, 2, 1, 3]);
            scratch.end();
            assert!(scratch.met.classes().is_empty() && scratch.shared == [0; 4]);
        }
    }
}
