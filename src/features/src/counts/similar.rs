//! What counting needs to know about similar authors.

use crate::key::Key;
use crate::similar::SimilarAuthors;

/// The similar authors of every author.
pub trait SimilarLookup: Sync {
    /// The author's similar authors and their scores, in the order in which they are summed up; both empty for an
    /// author without any.
    fn get(&self, author: Key) -> (&[Key], &[f64]);

    /// Adds the lists of many authors to `lists`, each as [`SimilarLookup::get`] gives it.
    fn get_all<'a>(&'a self, authors: &[Key], lists: &mut Vec<(&'a [Key], &'a [f64])>) {
        lists.extend(authors.iter().map(|&author| self.get(author)));
    }
}

/// Nobody resembles anybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSimilar;

impl SimilarLookup for NoSimilar {
    fn get(&self, _author: Key) -> (&[Key], &[f64]) {
        (&[], &[])
    }
}

impl SimilarLookup for SimilarAuthors {
    fn get(&self, author: Key) -> (&[Key], &[f64]) {
        self.get(author)
    }

    fn get_all<'a>(&'a self, authors: &[Key], lists: &mut Vec<(&'a [Key], &'a [f64])>) {
        self.get_all(authors, lists);
    }
}
