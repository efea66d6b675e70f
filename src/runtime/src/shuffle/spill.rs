//! A partition's file: `RUN*`, `RUN := length (u64) checksum (u64) bytes`, numbers little-endian.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::error::ShuffleError;

const HEADER: usize = 16;

/// Opened only while it is written or read, so that any number of partitions needs few file handles.
pub(super) struct SpillFile {
    path: PathBuf,
    runs: u64,
    bytes: u64,
}

impl SpillFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, runs: 0, bytes: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of records in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn append(&mut self, run: &[u8]) -> Result<(), ShuffleError> {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&(run.len() as u64).to_le_bytes());
        header[8..].copy_from_slice(&xxh3_64(run).to_le_bytes());
        let write = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(&header)?;
            file.write_all(run)
        };
        write().map_err(|source| ShuffleError::Write { path: self.path.clone(), source })?;
        self.runs += 1;
        self.bytes += run.len() as u64;
        Ok(())
    }

    /// Shows `each` every run that was appended, in order.
    pub(super) fn read<E: From<ShuffleError>>(&self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.runs == 0 {
            return Ok(());
        }
        let failed = |offset| move |source| ShuffleError::Read { path: self.path.clone(), offset, source };
        let mut file = File::open(&self.path).map_err(failed(0))?;
        let (mut offset, mut left, mut run) = (0, self.bytes, Vec::new());
        for _ in 0..self.runs {
            let damaged = || ShuffleError::Damaged { path: self.path.clone(), offset };
            let mut length = [0; 8];
            let mut checksum = [0; 8];
            file.read_exact(&mut length).and_then(|()| file.read_exact(&mut checksum)).map_err(failed(offset))?;
            let length = u64::from_le_bytes(length);
            // A damaged length must not make us ask for memory without bound.
            left = left.checked_sub(length).ok_or_else(damaged)?;
            run.resize(length as usize, 0);
            file.read_exact(&mut run).map_err(failed(offset))?;
            if xxh3_64(&run) != u64::from_le_bytes(checksum) {
                return Err(damaged().into());
            }
            each(&run)?;
            offset += HEADER as u64 + length;
        }
        Ok(())
    }

    pub(super) fn remove(self) {
        if self.runs > 0 {
            // What cannot be removed now goes with the scratch directory.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
