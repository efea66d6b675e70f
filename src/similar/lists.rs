//! Look-ups of similar authors.

use std::path::Path;

use skimmer_formats::Id;

use super::SimilarError;
use super::file::read_lists;
use crate::key::Key;

/// The similar authors of every author that has any: 24 bytes an author, 16 bytes a similar author.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarAuthors {
    /// Where each author's list stands, ascending by author, so that a look-up is a binary search.
    places: Vec<Place>,
    similar: Vec<Key>,
    scores: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    author: Key,
    start: usize,
    end: usize,
}

impl SimilarAuthors {
    /// Reads a file that [`super::SimilarWriter`] wrote.
    ///
    /// # Errors
    /// [`SimilarError::File`] where the file cannot be read, is of another kind, or is damaged.
    pub fn open(path: &Path) -> Result<Self, SimilarError> {
        let mut all = Self { places: Vec::new(), similar: Vec::new(), scores: Vec::new() };
        read_lists(path, |author, similar, scores| {
            all.add(author, similar.iter().copied().zip(scores.iter().copied()))
        })?;
        all.places.sort_unstable_by_key(|place| place.author);
        Ok(all)
    }

    /// From lists in any order, at most one an author: similar authors and their Jaccard similarities, best first.
    pub fn from_lists(lists: impl IntoIterator<Item = (Id, Vec<(Id, f64)>)>) -> Self {
        let mut all = Self { places: Vec::new(), similar: Vec::new(), scores: Vec::new() };
        lists.into_iter().for_each(|(author, list)| all.add(author, list));
        all.places.sort_unstable_by_key(|place| place.author);
        all
    }

    fn add(&mut self, author: Id, list: impl IntoIterator<Item = (Id, f64)>) {
        let start = self.similar.len();
        for (id, score) in list {
            self.similar.push(Key::of(id));
            self.scores.push(score);
        }
        if self.similar.len() > start {
            self.places.push(Place { author: Key::of(author), start, end: self.similar.len() });
        }
    }

    /// Number of authors that have similar authors.
    pub fn authors(&self) -> usize {
        self.places.len()
    }

    /// Keys of an author's similar authors and their Jaccard similarities, best first; empty for an unknown author.
    #[inline]
    pub fn get(&self, author: Key) -> (&[Key], &[f64]) {
        let place = self.places.binary_search_by_key(&author, |place| place.author);
        place.map_or((&[], &[]), |place| self.list(&self.places[place]))
    }

    /// The authors that have similar authors, ascending by key, with their lists as [`SimilarAuthors::get`] gives them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Key, (&[Key], &[f64]))> + Clone {
        self.places.iter().map(|place| (place.author, self.list(place)))
    }

    fn list(&self, place: &Place) -> (&[Key], &[f64]) {
        (&self.similar[place.start..place.end], &self.scores[place.start..place.end])
    }
}
