//! A memory map whose bytes can all be read.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};

use memmap2::{Advice, Mmap};

#[cfg(unix)]
use super::faults::Watch;

/// A whole file in memory, never written to.
///
/// The invariant: every byte can be read as long as this value lives. On Unix its addresses are watched from before
/// anybody can read them until after the last one could, and a page that is gone reads as zeros.
#[derive(Debug)]
pub(super) struct WatchedMap {
    // Before the map, and so dropped before it: no other map gets its addresses while they are watched.
    #[cfg(unix)]
    watch: Watch,
    map: Mmap,
}

impl WatchedMap {
    /// Maps a file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        // SAFETY: the bytes can be read as long as the map lives, by the invariant, and are never written through it.
        // That others do not change them is what the documentation of `MappedFile` asks of whoever opens one.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self {
            // SAFETY: the map is only read, and given back after the watch is dropped, which comes first.
            #[cfg(unix)]
            watch: unsafe { Watch::over(&map) },
            map,
        })
    }

    /// Whether a page could not be read so far.
    pub(super) fn had_fault(&self) -> bool {
        #[cfg(unix)]
        return self.watch.had_fault();
        #[cfg(not(unix))]
        return false;
    }

    pub(super) fn advise_sequential(&self) {
        // Advice can be refused, and then costs speed only.
        #[cfg(unix)]
        let _ = self.map.advise(Advice::Sequential);
    }

    pub(super) fn populate(&self, range: Range<usize>) {
        // Advice can be refused (before Linux 5.14), and then costs speed only.
        #[cfg(target_os = "linux")]
        let _ = self.map.advise_range(Advice::PopulateRead, range.start, range.len());
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }

    pub(super) fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        {
            // SAFETY: the map is never written to, so pages that are given back come again with the file's bytes, or
            // with the zeros that stand for lost ones. That holds for the first and the last page, too, which
            // neighbours may still be reading.
            let advised = unsafe {
                self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
            // As above.
            let _ = advised;
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

impl Deref for WatchedMap {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.map
    }
}
