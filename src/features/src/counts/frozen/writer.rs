//! Writing a table: one pass over ascending keys, a bucket in memory at a time.

use std::path::Path;

use super::FrozenError;
use super::bucket::{self, Codes, DICTIONARY, PADDING, Shape};
use super::sections::{self, FileWriter, HEADER, Kind, SectionWriter};
use crate::counts::ReactionCounts;
use crate::key::Key;

/// Writes a [`super::FrozenTable`] from ascending keys. Holds one bucket and two write buffers, whatever the rows.
pub struct FrozenTableWriter {
    file: FileWriter,
    shape: Shape,
    directory: SectionWriter,
    buckets: SectionWriter,
    codes: Codes,
    /// Rows of the open bucket.
    open: Vec<(u64, [u32; 5])>,
    /// Number of the open bucket.
    bucket: usize,
    rows: u64,
    previous: Option<Key>,
    bytes: Vec<u8>,
}

impl FrozenTableWriter {
    /// Starts a file, which gets its name only when it is finished.
    ///
    /// `expected_rows` decides the number of buckets: any number gives a correct table, one within a factor of two
    /// gives a small and fast one. Without `with_unreacted` the records without a reaction are not kept.
    ///
    /// # Errors
    /// [`FrozenError::Io`] where the file cannot be made.
    pub fn create(path: &Path, expected_rows: u64, with_unreacted: bool) -> Result<Self, FrozenError> {
        let file = FileWriter::create(path)?;
        let shape = Shape::for_rows(expected_rows, if with_unreacted { 5 } else { 4 });
        let directory_at = sections::aligned(HEADER + (DICTIONARY * size_of::<[u32; 5]>()) as u64);
        let directory_bytes = (shape.buckets() as u64 + 1) * 8;
        let mut directory = file.section(directory_at)?;
        directory.write(&0u64.to_le_bytes())?;
        let buckets = file.section(sections::aligned(directory_at + directory_bytes))?;
        Ok(Self {
            file,
            shape,
            directory,
            buckets,
            codes: Codes::default(),
            open: Vec::new(),
            bucket: 0,
            rows: 0,
            previous: None,
            bytes: Vec::new(),
        })
    }

    /// Adds a key. Counts of zero take no bytes: they are what unknown keys have.
    ///
    /// # Errors
    /// [`FrozenError::Order`] if the key is not higher than the one before, [`FrozenError::Io`] where the file cannot
    /// be written.
    pub fn push(&mut self, key: Key, counts: &ReactionCounts) -> Result<(), FrozenError> {
        if let Some(previous) = self.previous.filter(|&previous| previous >= key) {
            return Err(FrozenError::Order { path: self.file.path().to_owned(), previous: previous.0, key: key.0 });
        }
        self.previous = Some(key);
        let mut counts = bucket::to_counts(counts);
        counts[self.shape.counts..].fill(0);
        if counts == [0; 5] {
            return Ok(());
        }
        self.close_before(self.shape.bucket(key.0))?;
        self.open.push((self.shape.remainder(key.0), counts));
        self.rows += 1;
        Ok(())
    }

    /// Writes all buckets before this one.
    fn close_before(&mut self, bucket: usize) -> Result<(), FrozenError> {
        while self.bucket < bucket {
            self.bytes.clear();
            bucket::write(&self.open, self.shape, &mut self.codes, &mut self.bytes);
            self.open.clear();
            self.buckets.write(&self.bytes)?;
            self.directory.write(&self.buckets.bytes().to_le_bytes())?;
            self.bucket += 1;
        }
        Ok(())
    }

    /// Completes the file and gives it its name. Returns its number of rows.
    ///
    /// # Errors
    /// [`FrozenError::Io`] where the file cannot be written.
    pub fn finish(mut self) -> Result<u64, FrozenError> {
        self.close_before(self.shape.buckets())?;
        self.buckets.write(&[0; PADDING])?;
        let mut dictionary = self.file.section(HEADER)?;
        dictionary.write(bytemuck::cast_slice(&self.codes.dictionary))?;
        debug_assert!(dictionary.end() <= HEADER + (DICTIONARY * size_of::<[u32; 5]>()) as u64);
        let sections = [dictionary.finish()?, self.directory.finish()?, self.buckets.finish()?];
        let parameters = [self.rows, self.shape.bucket_bits.into(), self.shape.counts as u64, 0];
        self.file.finish(Kind::Table, parameters, &sections)?;
        Ok(self.rows)
    }
}
