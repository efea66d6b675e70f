//! The distinct texts of a partition, in memory.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use skimlog_formats::Id;

use super::error::IdsError;
use crate::identity::id_of;

/// Bytes that a place takes in the hash table: one of control, and one of eight places is free.
const PLACE_BYTES: usize = size_of::<Place>() * 8 / 7 + 1;

/// Where the text of an id stands.
#[derive(Clone, Copy)]
struct Place {
    id: Id,
    start: u32,
    length: u16,
}

/// Distinct texts, in no order.
#[derive(Default)]
pub(super) struct TextSet {
    texts: Vec<u8>,
    places: HashTable<Place>,
}

impl TextSet {
    /// Adds a text of at most [`LONGEST_TEXT`](super::LONGEST_TEXT) bytes, unless it is there.
    ///
    /// # Errors
    /// [`IdsError::SameHash`] if another text of the same id is there.
    pub(super) fn insert(&mut self, text: &[u8]) -> Result<(), IdsError> {
        self.insert_as(id_of(text), text)
    }

    fn insert_as(&mut self, id: Id, text: &[u8]) -> Result<(), IdsError> {
        match self.places.entry(hash(id), |place| place.id == id, |place| hash(place.id)) {
            Entry::Occupied(place) => {
                let there = text_at(&self.texts, place.get());
                if there == text { Ok(()) } else { Err(IdsError::same_hash(there, text)) }
            }
            Entry::Vacant(free) => {
                let start = self.texts.len().try_into().expect("a set takes less than 4 GiB");
                let length = text.len().try_into().expect("a text has at most 65,535 bytes");
                self.texts.extend_from_slice(text);
                free.insert(Place { id, start, length });
                Ok(())
            }
        }
    }

    /// Number of texts.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of memory that the texts and their places take.
    pub(super) fn bytes(&self) -> usize {
        self.texts.len() + self.len() * PLACE_BYTES
    }

    /// The texts and their ids, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &[u8])> {
        self.places.iter().map(|place| (place.id, text_at(&self.texts, place)))
    }

    /// Removes all texts and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.places.clear();
    }

    /// The same texts in the order of their ids.
    pub(super) fn into_sorted(self) -> SortedTexts {
        let mut places: Vec<Place> = self.places.into_iter().collect();
        places.sort_unstable_by_key(|place| u128::from_be_bytes(place.id.0));
        SortedTexts { texts: self.texts, places }
    }
}

/// Distinct texts in the order of their ids.
pub(super) struct SortedTexts {
    texts: Vec<u8>,
    places: Vec<Place>,
}

impl SortedTexts {
    /// The texts and their ids, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &[u8])> {
        self.places.iter().map(|place| (place.id, text_at(&self.texts, place)))
    }
}

fn text_at<'t>(texts: &'t [u8], place: &Place) -> &'t [u8] {
    &texts[place.start as usize..][..usize::from(place.length)]
}

/// The last bytes of an id, which is a hash: the first ones are alike within a partition.
fn hash(id: Id) -> u64 {
    u64::from_le_bytes(*id.0.last_chunk().expect("an id has 16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_of_one_id_are_an_error() {
        let mut set = TextSet::default();
        let id = Id([3; 16]);
        set.insert_as(id, b"one").unwrap();
        set.insert_as(id, b"one").unwrap();
        set.insert_as(Id([4; 16]), b"two").unwrap();
        let message = set.insert_as(id, b"another").unwrap_err().to_string();
        assert_eq!(
            message,
            "the ids \"another\" and \"one\" have the same 128-bit hash and cannot be told apart: change one of them"
        );
        assert_eq!(set.len(), 2);
    }
}
