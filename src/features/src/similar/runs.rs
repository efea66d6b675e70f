//! Sorting without duplicates, in memory up to the budget and in sorted runs on disk beyond it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::{mem, vec};

use bytemuck::Pod;

use super::SimilarError;
use super::sort::{Leading, sort};

/// Bytes read at once from each run while merging.
const READ_BYTES: usize = 1 << 18;

/// Collects items and gives them back ascending, each once. Holds `memory` bytes of items, twice as much for the moment
/// in which they are sorted; the rest lies on disk.
pub(super) struct SortedRuns<T> {
    buffer: Vec<T>,
    /// Items held in memory.
    capacity: usize,
    directory: PathBuf,
    runs: Vec<Run>,
}

/// A sorted run in a nameless file.
struct Run {
    file: File,
    items: u64,
}

impl<T: Pod + Ord + Leading + Send> SortedRuns<T> {
    pub(super) fn new(memory: usize, directory: &Path) -> Self {
        let capacity = (memory / mem::size_of::<T>()).max(16);
        Self { buffer: Vec::new(), capacity, directory: directory.to_owned(), runs: Vec::new() }
    }

    pub(super) fn push(&mut self, item: T) -> Result<(), SimilarError> {
        if self.buffer.len() == self.capacity {
            self.sort_buffer();
            // Many duplicates: there is room again and the disk can wait.
            if self.buffer.len() > self.capacity / 2 {
                self.spill()?;
            }
        }
        self.buffer.push(item);
        Ok(())
    }

    /// All items, ascending, each once.
    pub(super) fn finish(mut self) -> Result<Merged<T>, SimilarError> {
        self.sort_buffer();
        if self.runs.is_empty() {
            return Ok(Merged::Memory(self.buffer.into_iter()));
        }
        self.spill()?;
        self.buffer = Vec::new();
        let mut cursors = Vec::with_capacity(self.runs.len());
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for mut run in self.runs {
            run.file.rewind().map_err(|source| spill_error(&self.directory, source))?;
            let mut cursor = RunCursor { run, items: Vec::new().into_iter() };
            if let Some(item) = cursor.next().map_err(|source| spill_error(&self.directory, source))? {
                heads.push(Reverse((item, cursors.len())));
            }
            cursors.push(cursor);
        }
        Ok(Merged::Disk { cursors, heads, last: None, directory: self.directory })
    }

    fn sort_buffer(&mut self) {
        sort(&mut self.buffer);
        self.buffer.dedup();
    }

    fn spill(&mut self) -> Result<(), SimilarError> {
        let write = || -> io::Result<File> {
            let mut file = tempfile::tempfile_in(&self.directory)?;
            file.write_all(bytemuck::cast_slice(&self.buffer))?;
            Ok(file)
        };
        let file = write().map_err(|source| spill_error(&self.directory, source))?;
        self.runs.push(Run { file, items: self.buffer.len() as u64 });
        self.buffer.clear();
        Ok(())
    }
}

pub(super) fn spill_error(directory: &Path, source: io::Error) -> SimilarError {
    SimilarError::Spill { directory: directory.to_owned(), source }
}

/// Reads a run back, a stretch at a time.
pub(super) struct RunCursor<T> {
    run: Run,
    items: vec::IntoIter<T>,
}

impl<T: Pod> RunCursor<T> {
    fn next(&mut self) -> io::Result<Option<T>> {
        if let Some(item) = self.items.next() {
            return Ok(Some(item));
        }
        let count = self.run.items.min((READ_BYTES / mem::size_of::<T>()) as u64);
        let mut items = vec![T::zeroed(); count as usize];
        self.run.file.read_exact(bytemuck::cast_slice_mut(&mut items))?;
        self.run.items -= count;
        self.items = items.into_iter();
        Ok(self.items.next())
    }
}

/// The items of a [`SortedRuns`], ascending, each once.
pub(super) enum Merged<T> {
    Memory(vec::IntoIter<T>),
    Disk {
        cursors: Vec<RunCursor<T>>,
        /// The next item of each run and the run's number.
        heads: BinaryHeap<Reverse<(T, usize)>>,
        last: Option<T>,
        directory: PathBuf,
    },
}

impl<T: Pod + Ord> Iterator for Merged<T> {
    type Item = Result<T, SimilarError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Memory(items) => items.next().map(Ok),
            Self::Disk { cursors, heads, last, directory } => loop {
                let Reverse((item, run)) = heads.pop()?;
                match cursors[run].next() {
                    Ok(Some(next)) => heads.push(Reverse((next, run))),
                    Ok(None) => {}
                    Err(source) => return Some(Err(spill_error(directory, source))),
                }
                if last.replace(item) != Some(item) {
                    return Some(Ok(item));
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_runs_give_the_same_as_memory() {
        let directory = tempfile::tempdir().unwrap();
        let items: Vec<u64> = (0..10_000u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51).collect();
        let mut expected = items.clone();
        expected.sort_unstable();
        expected.dedup();
        for memory in [0, 8 * 1000, 8 * 20_000] {
            let mut runs = SortedRuns::new(memory, directory.path());
            items.iter().for_each(|&item| runs.push(item).unwrap());
            assert_eq!(runs.runs.is_empty(), memory > 8 * 10_000);
            assert_eq!(runs.finish().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), expected);
        }
    }
}
