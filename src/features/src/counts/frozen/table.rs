//! Look-ups in a table.

use std::path::Path;

use skimlog_runtime::prefetch::prefetch;

use super::FrozenError;
use super::bucket::{self, DICTIONARY, PADDING, Shape};
use super::sections::{Kind, MappedFile};
use crate::counts::ReactionCounts;
use crate::key::Key;

const DICTIONARY_SECTION: usize = 0;
const DIRECTORY_SECTION: usize = 1;
const BUCKETS_SECTION: usize = 2;

/// Keys whose memory is prefetched together.
const TOGETHER: usize = 32;
/// Bytes that come from memory at once.
const CACHE_LINE: usize = 64;

/// A read-only table from keys to counts, mapped from a file that [`super::FrozenTableWriter`] wrote.
///
/// Exact: all 64 bits of a key are compared. A key takes 5 to 8 bytes by the number of keys, and 1.7 bytes more.
pub struct FrozenTable {
    file: MappedFile,
    shape: Shape,
    rows: u64,
    dictionary: Box<[ReactionCounts; DICTIONARY]>,
}

impl FrozenTable {
    /// Maps a table and checks its header and sizes, but not its contents: takes microseconds whatever its size.
    ///
    /// # Errors
    /// [`FrozenError`] where the file cannot be mapped, is no table, is of another version or of another length than it
    /// was written with.
    pub fn open(path: &Path) -> Result<Self, FrozenError> {
        let table = Self::of(MappedFile::open(path, Kind::Table)?)?;
        table.intact()?;
        Ok(table)
    }

    fn of(file: MappedFile) -> Result<Self, FrozenError> {
        let [rows, bucket_bits, counts, _] = file.parameters;
        if !(1..=40).contains(&bucket_bits) || !(4..=5).contains(&counts) {
            return Err(file.damaged(16, format!("a table with {bucket_bits} bits a bucket and {counts} counts")));
        }
        let shape = Shape { bucket_bits: bucket_bits as u32, counts: counts as usize };
        let directory = file.section(DIRECTORY_SECTION);
        if directory.len() != (shape.buckets() + 1) * 8 {
            let what = format!("a directory of {} bytes for {} buckets", directory.len(), shape.buckets());
            return Err(file.damaged(file.range(DIRECTORY_SECTION).start, what));
        }
        let buckets = file.section(BUCKETS_SECTION);
        let end = directory.last_chunk().map(|&end| u64::from_le_bytes(end));
        if end.and_then(|end| end.checked_add(PADDING as u64)) != Some(buckets.len() as u64) {
            let what = "the directory's end is not that of the buckets";
            return Err(file.damaged(file.range(DIRECTORY_SECTION).end - 8, what));
        }
        let counts = file.section(DICTIONARY_SECTION);
        let entries = counts.chunks_exact(size_of::<[u32; 5]>());
        if entries.len() > DICTIONARY || !entries.remainder().is_empty() {
            let what = format!("a dictionary of {} bytes", counts.len());
            return Err(file.damaged(file.range(DICTIONARY_SECTION).start, what));
        }
        let mut dictionary = Box::new([ReactionCounts::default(); DICTIONARY]);
        for (counts, bytes) in dictionary.iter_mut().zip(entries) {
            *counts = bucket::from_counts(bytemuck::pod_read_unaligned(bytes));
        }
        Ok(Self { file, shape, rows, dictionary })
    }

    /// Whether all that was read so far was the file's: to be asked before anything made of it goes on.
    ///
    /// # Errors
    /// [`FrozenError::Lost`] if the file became shorter meanwhile.
    pub fn intact(&self) -> Result<(), FrozenError> {
        self.file.intact()
    }

    /// Number of keys with counts.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Reads the whole file and compares its checksums.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] where they differ.
    pub fn verify(&self) -> Result<(), FrozenError> {
        self.file.verify()
    }

    /// The counts of a key; empty for an unknown one. [`FrozenTable::intact`] says whether it was the file's.
    ///
    /// # Errors
    /// [`FrozenError::Damaged`] where the key's bucket makes no sense.
    pub fn get(&self, key: Key) -> Result<ReactionCounts, FrozenError> {
        self.find(key, self.bucket_range(key))
    }

    /// The counts of many keys, `counts[i]` that of `keys[i]`, empty for unknown ones. Memory is prefetched, so
    /// that a batch of thousands takes a fraction of as many single look-ups.
    ///
    /// # Errors
    /// As [`FrozenTable::get`].
    ///
    /// # Panics
    /// If the two slices differ in length.
    pub fn get_batch(&self, keys: &[Key], counts: &mut [ReactionCounts]) -> Result<(), FrozenError> {
        assert_eq!(keys.len(), counts.len(), "counts for each key");
        let (directory, buckets) = (self.file.section(DIRECTORY_SECTION), self.file.section(BUCKETS_SECTION));
        let prefetch_directory = |keys: &[Key]| {
            keys.iter().for_each(|key| prefetch(directory, self.shape.bucket(key.0) * 8));
        };
        prefetch_directory(&keys[..keys.len().min(TOGETHER)]);
        let mut ranges = [(0, 0); TOGETHER];
        let mut left = keys;
        for counts in counts.chunks_mut(TOGETHER) {
            let (now, later) = left.split_at(counts.len());
            for (range, &key) in ranges.iter_mut().zip(now) {
                *range = self.bucket_range(key);
                for line in (range.0..range.1).step_by(CACHE_LINE).take(3) {
                    prefetch(buckets, line as usize);
                }
            }
            prefetch_directory(&later[..later.len().min(TOGETHER)]);
            for ((counts, &key), &range) in counts.iter_mut().zip(now).zip(&ranges) {
                *counts = self.find(key, range)?;
            }
            left = later;
        }
        Ok(())
    }

    /// Where the key's bucket stands among the buckets.
    #[inline]
    fn bucket_range(&self, key: Key) -> (u64, u64) {
        let at = self.shape.bucket(key.0) * 8;
        // `open` found the directory as long as the buckets' number asks for.
        let bytes = &self.file.section(DIRECTORY_SECTION)[at..at + 16];
        let bounds: [u64; 2] = bytemuck::pod_read_unaligned(bytes);
        bounds.into()
    }

    #[inline]
    fn find(&self, key: Key, range: (u64, u64)) -> Result<ReactionCounts, FrozenError> {
        let buckets = self.file.section(BUCKETS_SECTION);
        bucket::find(buckets, range, self.shape.remainder(key.0), self.shape, &self.dictionary).ok_or_else(|| {
            let offset = self.file.range(BUCKETS_SECTION).start.saturating_add(range.0);
            self.file.damaged(offset, format!("the bucket of key {:016X} makes no sense", key.0))
        })
    }
}
