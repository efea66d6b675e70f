//! A long array that is written once and then only read: in memory while it is short, in a mapped unnamed file beyond.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use skimlog_formats::mapped::{Lost, MappedFile};

use super::SimilarError;
use super::runs::spill_error;

/// Takes the array's numbers one after the other.
pub(super) struct Spool {
    head: Vec<u32>,
    /// Numbers kept in memory.
    capacity: usize,
    directory: PathBuf,
    file: Option<BufWriter<File>>,
    len: usize,
}

impl Spool {
    pub(super) fn new(memory: usize, directory: &Path) -> Self {
        Self { head: Vec::new(), capacity: memory / 4, directory: directory.to_owned(), file: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn extend(&mut self, numbers: &[u32]) -> Result<(), SimilarError> {
        self.len += numbers.len();
        if self.file.is_none() && self.len <= self.capacity {
            self.head.extend_from_slice(numbers);
            return Ok(());
        }
        self.write(numbers).map_err(|source| spill_error(&self.directory, source))
    }

    fn write(&mut self, numbers: &[u32]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(&self.directory)?);
                file.write_all(bytemuck::cast_slice(&self.head))?;
                self.head = Vec::new();
                none.insert(file)
            }
        };
        file.write_all(bytemuck::cast_slice(numbers))
    }

    pub(super) fn finish(self) -> Result<Spooled, SimilarError> {
        let Some(file) = self.file else { return Ok(Spooled::Memory(self.head)) };
        let map = || -> std::io::Result<MappedFile> {
            let file = file.into_inner().map_err(|error| error.into_error())?;
            // It has no name, so no other process can cut it; but a disk can fail.
            MappedFile::of(file, &self.directory.join("(temporary file)"))
        };
        map().map(Spooled::Disk).map_err(|source| spill_error(&self.directory, source))
    }
}

/// The finished array.
pub(super) enum Spooled {
    Memory(Vec<u32>),
    Disk(MappedFile),
}

impl Spooled {
    /// Whether all numbers read so far were the file's.
    ///
    /// # Errors
    /// [`Lost`] where the disk failed.
    pub(super) fn intact(&self) -> Result<(), Lost> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(map) => map.intact(),
        }
    }
}

impl Deref for Spooled {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        match self {
            Self::Memory(numbers) => numbers,
            // A map begins at a page, so the cast finds its alignment.
            Self::Disk(map) => bytemuck::cast_slice(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_arrays_read_back_from_disk() {
        let directory = tempfile::tempdir().unwrap();
        for memory in [0, 4 * 10, 4 * 1000] {
            let mut spool = Spool::new(memory, directory.path());
            (0..50u32).for_each(|i| spool.extend(&[2 * i, 2 * i + 1]).unwrap());
            let spooled = spool.finish().unwrap();
            assert_eq!(matches!(spooled, Spooled::Disk(_)), memory < 400);
            assert!(spooled.iter().copied().eq(0..100));
        }
    }
}
