//! Mapped files and the errors of those that lose bytes.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use super::map::WatchedMap;

/// A mapped file lost bytes while it was in use.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Somebody cut it.
    #[error(
        "{} became shorter while it was read: {left} of {mapped} bytes are left; \
         let nothing write to it, and start again",
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

/// A file mapped for reading. It owns the map; nothing else in this crate makes one.
///
/// # What whoever opens a file promises
///
/// That nobody writes to the file as long as it is mapped. A map shows the file itself: Rust takes bytes behind a
/// `&[u8]` for unchanging, and no program can keep another one from writing. Because that promise can be broken by
/// others, who reads the bytes also
///
/// * lets no memory safety hang on them: what is read twice may differ, any byte may come, and every index made of them
///   is checked;
/// * lets nothing that was made of them go on before [`MappedFile::intact`] was asked, after the last of them was read.
///
/// # What this type guarantees
///
/// | what happens to the file | what is read | [`MappedFile::intact`] |
/// |---|---|---|
/// | nothing, or bytes are appended | its bytes | `Ok` |
/// | it is cut short | zeros for what is gone, on Unix | [`Lost::Shorter`], unless only zeros were cut off |
/// | a page cannot be brought into memory | zeros, on Unix | [`Lost::Unreadable`] |
/// | it is written over | old or new bytes | [`Lost::Changed`] if its last byte that is not zero changed, else `Ok` |
///
/// On other systems than Unix a mapped file cannot be cut short, and a page that cannot be read ends the process.
///
/// On Unix the first file that is mapped installs a handler of SIGBUS for the whole process, once. It takes care of
/// addresses within these maps and hands all others on to the handler that was there before.
#[derive(Debug)]
pub struct MappedFile {
    map: WatchedMap,
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
        let map = WatchedMap::of(&file)?;
        let end = map.len().saturating_sub(END);
        let last = map[end..].iter().rposition(|&byte| byte != 0).map(|place| (end + place, map[end + place]));
        Ok(Self { map, last, file, path: path.to_owned() })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all bytes read so far were the file's. Takes a look at one byte.
    ///
    /// # Errors
    /// [`Lost`] if the file is shorter than when it was mapped, or a page of it could not be read. Zeros that are taken
    /// off its end change nothing that is read, and may pass unseen.
    pub fn intact(&self) -> Result<(), Lost> {
        // In this order: to look at the end may be what finds it gone.
        if self.has_its_end() && !self.map.had_fault() {
            return Ok(());
        }
        let (path, mapped) = (self.path.clone(), self.map.len() as u64);
        Err(match self.file.metadata() {
            Ok(metadata) if metadata.len() < mapped => Lost::Shorter { path, mapped, left: metadata.len() },
            Ok(_) if !self.map.had_fault() => Lost::Changed { path },
            _ => Lost::Unreadable { path },
        })
    }

    /// Whether the file's end is there still. Wherever a file is cut, its end goes: it lies in a page that is lost, or
    /// in the last one that is left, where zeros take the place of what was cut off.
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

    /// Advises the system that the file is going to be read from its beginning to its end.
    pub fn advise_sequential(&self) {
        self.map.advise_sequential();
    }

    /// Takes some of the bytes into the address space at once, which costs less than page after page.
    pub fn populate(&self, range: Range<usize>) {
        self.map.populate(range);
    }

    /// Takes the pages of some of the bytes out of memory; the kernel's cache may keep them.
    pub fn release(&self, range: Range<usize>) {
        self.map.release(range);
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
        map.advise_sequential();
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
