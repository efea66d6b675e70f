//! What counting needs to know of similar authors.

use crate::key::Key;
use crate::similar::SimilarAuthors;

/// The similar authors of every author.
pub trait SimilarLookup: Sync {
    /// The author's similar authors and their scores, in the order in which they are summed up; both empty for an author without any.
    fn get(&self, author: Key) -> (&[Key], &[f64]);
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
}
