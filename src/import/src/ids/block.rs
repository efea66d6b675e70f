//! A block of a dictionary, decoded.

use skimlog_formats::{Id, Lists};

use super::is_id;
use crate::identity::id_of;

/// Texts that stand together, and their ids, ascending.
#[derive(Debug)]
pub(super) struct TextBlock {
    ids: Vec<Id>,
    texts: Lists<u8>,
}

impl TextBlock {
    /// A block of texts whose ids have to ascend from `first` and stay below `end`, if there is one. Else the number of
    /// a text within the block and what is wrong with it.
    pub(super) fn new(texts: Lists<u8>, first: Id, end: Option<Id>) -> Result<Self, (usize, &'static str)> {
        let ids: Vec<Id> = texts.iter().map(id_of).collect();
        if let Some(place) = texts.iter().position(is_id) {
            return Err((place, "is a 128-bit id itself"));
        }
        if let Some(place) = ids.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err((place + 1, "does not have a higher id than the one before"));
        }
        match (ids.first(), ids.last()) {
            (Some(&least), _) if least != first => Err((0, "has another id than its block says")),
            (_, Some(&last)) if end.is_some_and(|end| last >= end) => {
                Err((ids.len() - 1, "has a higher id than the next block's first"))
            }
            _ => Ok(Self { ids, texts }),
        }
    }

    /// The text of an id.
    pub(super) fn text(&self, id: Id) -> Option<&[u8]> {
        self.ids.binary_search(&id).ok().map(|place| self.texts.get(place))
    }

    /// The texts and their ids, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &[u8])> {
        self.ids.iter().copied().zip(self.texts.iter())
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        let offsets = size_of_val(self.texts.offsets());
        (size_of::<Self>() + size_of_val(&self.ids[..]) + offsets + self.texts.values().len()) as u64
    }
}
