//! Look-ups of similar authors.

use skimmer_formats::Id;

use crate::key::Key;

/// An author and its similar authors with their Jaccard similarities, best first.
pub type SimilarList = (Id, Vec<(Id, f64)>);

/// The similar authors of every author that has any: 16 bytes an author, 16 bytes a similar author.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarAuthors {
    /// Authors, ascending, so that a look-up is a binary search.
    authors: Vec<Key>,
    /// Where each author's list stands, `authors + 1` of them.
    offsets: Vec<u64>,
    similar: Vec<Key>,
    scores: Vec<f64>,
}

impl SimilarAuthors {
    /// From lists in any order, at most one an author. Empty lists are as good as none.
    pub fn from_lists(lists: impl IntoIterator<Item = SimilarList>) -> Self {
        let mut lists: Vec<(Key, Vec<(Id, f64)>)> =
            lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(id, list)| (Key::of(id), list)).collect();
        lists.sort_unstable_by_key(|&(author, _)| author);
        let mut all = Self { authors: Vec::new(), offsets: vec![0], similar: Vec::new(), scores: Vec::new() };
        for (author, list) in lists {
            all.authors.push(author);
            all.similar.extend(list.iter().map(|&(id, _)| Key::of(id)));
            all.scores.extend(list.iter().map(|&(_, score)| score));
            all.offsets.push(all.similar.len() as u64);
        }
        all
    }

    /// Number of authors that have similar authors.
    pub fn authors(&self) -> usize {
        self.authors.len()
    }

    /// Authors ascending, the places of their lists (one more than authors), and the lists' keys and scores.
    pub(crate) fn parts(&self) -> (&[Key], &[u64], &[Key], &[f64]) {
        (&self.authors, &self.offsets, &self.similar, &self.scores)
    }

    /// Keys of an author's similar authors and their Jaccard similarities, best first; empty for an unknown author.
    #[inline]
    pub fn get(&self, author: Key) -> (&[Key], &[f64]) {
        let Ok(place) = self.authors.binary_search(&author) else { return (&[], &[]) };
        let range = self.offsets[place] as usize..self.offsets[place + 1] as usize;
        (&self.similar[range.clone()], &self.scores[range])
    }
}
