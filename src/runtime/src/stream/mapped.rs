//! A piece of a mapped part, whose pages are released as soon as it is read.

use std::ops::{Deref, Range};
use std::sync::Arc;

use skimlog_formats::mapped::{Lost, MappedFile};

/// A piece of a mapped part. Dropping it takes its pages out of memory.
#[derive(Debug)]
pub(super) struct MappedText {
    map: Arc<MappedFile>,
    range: Range<usize>,
}

impl MappedText {
    pub(super) fn new(map: Arc<MappedFile>, range: Range<usize>) -> Self {
        Self { map, range }
    }

    pub(super) fn intact(&self) -> Result<(), Lost> {
        self.map.intact()
    }
}

impl Deref for MappedText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[self.range.clone()]
    }
}

impl Drop for MappedText {
    fn drop(&mut self) {
        self.map.release(self.range.clone());
    }
}
