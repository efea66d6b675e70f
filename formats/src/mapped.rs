//! Files mapped for reading, also when one is cut short meanwhile.
//!
//! A file can become shorter while it is mapped, and a disk can fail. The system then sends SIGBUS to a thread that
//! reads a page that is gone, which ends the process. Here the page reads as zeros instead, and the file is marked.
//! Code that has used the bytes calls [`MappedFile::intact`] before it uses the result.

#[cfg(unix)]
mod faults;

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use memmap2::{Advice, Mmap};

/// A mapped file lost bytes while it was in use.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Somebody cut it.
    #[error(
        "{} became shorter while it was read: {left} of {mapped} bytes are left; let nothing write to it, and start again",
        path.display()
    )]
    Shorter {
        /// The file.
        path: PathBuf,
        /// Its size when it was mapped, in bytes.
        mapped: u64,
        /// Its size now, in bytes.
        left: u64,
    },
    /// Somebody wrote to it.
    #[error("{} was changed while it was read; let nothing write to it, and start again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The system could not bring a page of it into memory.
    #[error("{} cannot be read to its end: the disk or the network failed (input/output error)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
}

/// A file mapped for reading.
///
/// The bytes are the file's, so they change if somebody writes to it. Whoever reads them promises two things:
///
/// * no memory safety hangs on the bytes: what is read twice may differ, and any value may come;
/// * nothing made of the bytes goes on before [`MappedFile::intact`] was asked after the last of them was read.
///
/// The first file that is mapped installs a handler of SIGBUS for the whole process, once. It takes care of addresses
/// within these maps and hands all others on to the handler that was there before.
#[derive(Debug)]
pub struct MappedFile {
    // Before the map, so that no other map has its addresses while they are watched.
    #[cfg(unix)]
    watch: faults::Watch,
    map: Mmap,
    /// The last byte that is not zero, and its place; `None` if there is none near the end.
    last: Option<(usize, u8)>,
    file: File,
    path: PathBuf,
}

/// Bytes at a file's end among which the last one that is not zero is looked for.
const END: usize = 1 << 16;

impl MappedFile {
    /// Maps the whole file.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidInput`] for a pipe, a device or a folder, which cannot be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::of(File::open(path)?, path)
    }

    /// Maps an open file. `path` is its name in messages.
    ///
    /// # Errors
    /// As [`MappedFile::open`].
    pub fn of(file: File, path: &Path) -> io::Result<Self> {
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // SAFETY: the map is only read. Its bytes may change under us, as this type's documentation says; a page that
        // is gone reads as zeros, for its addresses are watched before anybody can read them.
        let map = unsafe { Mmap::map(&file)? };
        #[cfg(unix)]
        let watch = faults::Watch::over(&map);
        let end = map.len().saturating_sub(END);
        let last = map[end..].iter().rposition(|&byte| byte != 0).map(|place| (end + place, map[end + place]));
        Ok(Self {
            #[cfg(unix)]
            watch,
            map,
            last,
            file,
            path: path.to_owned(),
        })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all bytes read so far were the file's. Takes a look at one byte.
    ///
    /// # Errors
    /// [`Lost`] if the file is shorter than when it was mapped, or a page of it could not be read. Zeros that are taken off
    /// its end change nothing that is read, and may pass unseen.
    pub fn intact(&self) -> Result<(), Lost> {
        // In this order: to look at the end may be what finds it gone.
        if self.has_its_end() && !self.had_fault() {
            return Ok(());
        }
        let (path, mapped) = (self.path.clone(), self.map.len() as u64);
        Err(match self.file.metadata() {
            Ok(metadata) if metadata.len() < mapped => Lost::Shorter { path, mapped, left: metadata.len() },
            Ok(_) if !self.had_fault() => Lost::Changed { path },
            _ => Lost::Unreadable { path },
        })
    }

    /// Whether the file's end is there still. Wherever a file is cut, its end goes: it lies in a page that is lost, or in
    /// the last one that is left, where zeros take the place of what was cut off.
    fn has_its_end(&self) -> bool {
        match self.last {
            // SAFETY: the byte lies in the map. It is to be read from memory again each time, for it may have changed.
            Some((place, byte)) => unsafe { (&raw const self.map[place]).read_volatile() == byte },
            None => self.file.metadata().is_ok_and(|metadata| metadata.len() >= self.map.len() as u64),
        }
    }

    /// `outcome`, unless the file lost bytes: that is then the error, whatever zeros were taken for.
    ///
    /// # Errors
    /// As [`MappedFile::intact`], and the outcome's own.
    pub fn checked<T, E: From<Lost>>(&self, outcome: Result<T, E>) -> Result<T, E> {
        self.intact()?;
        outcome
    }

    /// Tells the system that the file is read from its beginning to its end.
    pub fn read_in_order(&self) {
        // Advice can be refused, and then costs speed only.
        #[cfg(unix)]
        let _ = self.map.advise(Advice::Sequential);
    }

    /// Takes some of the bytes into the address space at once, which costs less than page after page.
    pub fn populate(&self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        {
            // Advice can be refused (before Linux 5.14), and then costs speed only.
            let _ = self.map.advise_range(Advice::PopulateRead, range.start, range.len());
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }

    /// Takes the pages of some of the bytes out of memory; the kernel's cache may keep them.
    pub fn release(&self, range: Range<usize>) {
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

    #[cfg(unix)]
    fn had_fault(&self) -> bool {
        self.watch.had_fault()
    }

    #[cfg(not(unix))]
    fn had_fault(&self) -> bool {
        false
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn file_of(bytes: usize) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![7; bytes]).unwrap();
        file
    }

    fn cut(file: &tempfile::NamedTempFile, bytes: u64) {
        fs::OpenOptions::new().write(true).open(file.path()).unwrap().set_len(bytes).unwrap();
    }

    #[test]
    fn an_untouched_file_is_intact() {
        let file = file_of(100_000);
        let map = MappedFile::open(file.path()).unwrap();
        map.read_in_order();
        map.populate(0..50_000);
        assert!(map.iter().all(|&byte| byte == 7));
        map.release(0..map.len());
        assert!(map.iter().all(|&byte| byte == 7));
        map.intact().unwrap();
        assert_eq!((map.len(), map.path()), (100_000, file.path()));
    }

    #[test]
    fn a_file_that_grows_is_intact() {
        let mut file = file_of(5000);
        let map = MappedFile::open(file.path()).unwrap();
        file.write_all(b"more").unwrap();
        assert_eq!(map.len(), 5000);
        map.intact().unwrap();
    }

    #[test]
    fn what_is_cut_off_reads_as_zeros_and_is_told() {
        for left in [0, 1, 4096, 100_000, 299_999] {
            let (file, whole) = (file_of(300_000), file_of(300_000));
            let (map, other) = (MappedFile::open(file.path()).unwrap(), MappedFile::open(whole.path()).unwrap());
            cut(&file, left);
            let kept = map.iter().take_while(|&&byte| byte == 7).count() as u64;
            assert!(kept == left && map[left as usize..].iter().all(|&byte| byte == 0), "{left}: {kept}");
            let lost = map.intact().unwrap_err().to_string();
            assert!(lost.contains(file.path().to_str().unwrap()), "{lost}");
            assert!(lost.contains(&format!("became shorter while it was read: {left} of 300000 bytes")), "{lost}");
            assert!(other.iter().all(|&byte| byte == 7));
            other.intact().unwrap();
        }
    }

    #[test]
    fn threads_fault_side_by_side_and_maps_come_and_go() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for round in 0..50 {
                        let file = file_of(40_000);
                        let maps: Vec<_> = (0..30).map(|_| MappedFile::open(file.path()).unwrap()).collect();
                        let cut_short = (thread + round) % 2 == 0;
                        if cut_short {
                            cut(&file, 5000);
                        }
                        for map in &maps {
                            let sum: u64 = map.iter().map(|&byte| u64::from(byte)).sum();
                            assert_eq!(sum, if cut_short { 7 * 5000 } else { 7 * 40_000 });
                            assert_eq!(map.intact().is_err(), cut_short);
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn zeros_at_the_end_are_no_sign_of_it() {
        let zeros = tempfile::NamedTempFile::new().unwrap();
        zeros.as_file().set_len(200_000).unwrap();
        let map = MappedFile::open(zeros.path()).unwrap();
        map.intact().unwrap();
        cut(&zeros, 199_999);
        assert!(matches!(map.intact(), Err(Lost::Shorter { left: 199_999, .. })));

        let mut file = file_of(10_000);
        file.write_all(&[0; 100]).unwrap();
        let map = MappedFile::open(file.path()).unwrap();
        cut(&file, 9_999);
        assert!(matches!(map.intact(), Err(Lost::Shorter { left: 9_999, .. })));
    }

    #[test]
    fn an_end_that_was_written_over_is_told() {
        let file = file_of(10_000);
        let map = MappedFile::open(file.path()).unwrap();
        fs::write(file.path(), vec![8; 10_000]).unwrap();
        assert!(matches!(map.intact(), Err(Lost::Changed { .. })));
    }

    #[test]
    fn a_page_that_was_lost_and_came_back_is_told() {
        let file = file_of(100_000);
        let map = MappedFile::open(file.path()).unwrap();
        cut(&file, 10);
        assert_eq!(map[50_000], 0);
        cut(&file, 100_000);
        assert!(matches!(map.intact(), Err(Lost::Unreadable { .. })));
    }

    #[test]
    fn only_regular_files_are_mapped() {
        let error = MappedFile::open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(MappedFile::open(Path::new("/")).is_err());
        assert_eq!(MappedFile::open(file_of(0).path()).unwrap().len(), 0);
    }
}
