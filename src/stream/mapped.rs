//! A part in the address space, its pages given back as soon as they are read.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::{Advice, Mmap, UncheckedAdvice};

/// Maps a file for reading once from its beginning to its end.
pub(super) fn map(file: &File) -> io::Result<Arc<Mmap>> {
    // SAFETY: the map is only read. Parts are files at rest: should another process cut one short meanwhile, the
    // system ends this process on the first page that is gone; should one rewrite it, the bytes read are as valid
    // as any, since every byte is checked by the parser.
    let map = unsafe { Mmap::map(file)? };
    // Advice can be refused, and then costs speed only.
    let _ = map.advise(Advice::Sequential);
    Ok(Arc::new(map))
}

/// Takes the next bytes of a map into the address space at once, which costs less than page after page.
pub(super) fn populate(map: &Mmap, range: Range<usize>) {
    #[cfg(target_os = "linux")]
    {
        // Advice can be refused (before Linux 5.14), and then costs speed only.
        let _ = map.advise_range(Advice::PopulateRead, range.start, range.len());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (map, range);
}

/// A piece of a mapped part. Dropping it takes its pages out of memory; the kernel's cache may keep them.
#[derive(Debug)]
pub(super) struct MappedText {
    map: Arc<Mmap>,
    range: Range<usize>,
}

impl MappedText {
    pub(super) fn new(map: Arc<Mmap>, range: Range<usize>) -> Self {
        Self { map, range }
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
        // SAFETY: the mapping is shared with the file and never written to, so pages that are given back come again
        // with the same bytes. That holds for the first and the last page, too, which neighbours may still be reading.
        let _ =
            unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, self.range.start, self.range.len()) };
    }
}
