//! Snapshots of a long computation of mean vectors, from which it is resumed after it was killed.
//!
//! ```text
//! FILE   := MAGIC HEADER_LENGTH:u64 HEADER TOKENS COUNTS SUMS CHECKSUM:u64
//! HEADER := JSON: identity, progress, number of tokens, width
//! TOKENS := u32 a token, ascending     COUNTS := u64 a token     SUMS := f64 `[tokens, width]`
//! ```
//!
//! Numbers are little-endian; the checksum is the XXH3 of everything before it. A damaged file, or one of another
//! identity, is ignored: the computation begins anew.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skimlog_runtime::files::{FileError, write_file};
use skimlog_runtime::identity::Identity;
use xxhash_rust::xxh3::Xxh3;

use crate::MeanSummary;
use crate::sums::Sums;

const MAGIC: [u8; 8] = *b"SKIMSUM1";

/// A longer header is taken for damage.
const LONGEST_HEADER: u64 = 1 << 24;

/// A larger token id is taken for damage: memory for sums is allocated up to the largest id.
const LARGEST_TOKEN: u32 = (1 << 21) - 1;

/// Where and how often to store a snapshot.
#[derive(Clone, Debug)]
pub struct Snapshots {
    /// The file. It stays when the computation is done, until its caller has stored the results.
    pub path: PathBuf,
    /// Everything that the result depends on, the records and the model's file included. The engine is added.
    pub identity: Identity,
    /// Minimum time between two snapshots.
    pub every: Duration,
}

/// The progress of a computation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    /// Records read when the window was last empty.
    pub(super) start: u64,
    /// The summary of what was computed until then.
    pub(super) summary: MeanSummary,
    /// Batches of the window that are in the sums.
    pub(super) batches: usize,
    /// Records that are in the sums.
    pub(super) records: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    reached: Reached,
    tokens: u64,
    width: u64,
}

impl Snapshots {
    /// Stores a snapshot.
    pub(super) fn store(&self, reached: Reached, sums: &Sums) -> Result<(), FileError> {
        let (tokens, width) = sums.size();
        let (tokens, width) = (tokens as u64, width as u64);
        write_file(&self.path, |out| {
            let mut out = Checked { inner: out, checksum: Xxh3::new() };
            let identity = self.identity.clone();
            let header = serde_json::to_vec(&Header { identity, reached, tokens, width })?;
            out.write_all(&MAGIC)?;
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(&header)?;
            sums.iter().try_for_each(|(token, ..)| out.write_all(&token.to_le_bytes()))?;
            sums.iter().try_for_each(|(_, count, _)| out.write_all(&count.to_le_bytes()))?;
            for (.., sum) in sums.iter() {
                out.write_all(bytemuck::cast_slice(sum))?;
            }
            let checksum = out.checksum.digest();
            out.inner.write_all(&checksum.to_le_bytes())
        })
    }

    /// The snapshot, if it belongs to this computation and is undamaged.
    pub(super) fn load(&self) -> Option<(Reached, Sums)> {
        self.read().ok().flatten()
    }

    fn read(&self) -> io::Result<Option<(Reached, Sums)>> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        // First of all, since memory is allocated by the sizes in the file.
        if !is_intact(&mut file, length)? {
            return Ok(None);
        }
        file.rewind()?;
        let mut input = BufReader::with_capacity(1 << 20, file);
        let header_length = if array(&mut input)? == MAGIC { u64::from_le_bytes(array(&mut input)?) } else { u64::MAX };
        if header_length > LONGEST_HEADER.min(length) {
            return Ok(None);
        }
        let mut header = vec![0; header_length as usize];
        input.read_exact(&mut header)?;
        let Header { identity, reached, tokens, width } = serde_json::from_slice(&header)?;
        let expected = width.checked_mul(8).and_then(|size| size.checked_add(12)?.checked_mul(tokens));
        if identity != self.identity || expected.and_then(|size| size.checked_add(24 + header_length)) != Some(length) {
            return Ok(None);
        }
        let mut ids = vec![0u32; tokens as usize];
        input.read_exact(bytemuck::cast_slice_mut(&mut ids))?;
        let mut counts = vec![0u64; tokens as usize];
        input.read_exact(bytemuck::cast_slice_mut(&mut counts))?;
        if !ids.is_sorted_by(|a, b| a < b) || ids.last().is_some_and(|&last| last > LARGEST_TOKEN) {
            return Ok(None);
        }
        let mut sums = Sums::default();
        for (&token, &count) in ids.iter().zip(&counts) {
            let mut sum = vec![0f64; width as usize];
            input.read_exact(bytemuck::cast_slice_mut(&mut sum))?;
            sums.set(token, count, sum.into());
        }
        Ok(Some((reached, sums)))
    }
}

/// Whether a file of this length ends with the checksum of everything before.
fn is_intact(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(mut left) = length.checked_sub(8) else { return Ok(false) };
    let (mut checksum, mut buffer) = (Xxh3::new(), vec![0; 1 << 18]);
    while left > 0 {
        let piece = &mut buffer[..left.min(1 << 18) as usize];
        file.read_exact(piece)?;
        checksum.update(piece);
        left -= piece.len() as u64;
    }
    Ok(u64::from_le_bytes(array(file)?) == checksum.digest())
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Passes bytes on and computes their checksum.
struct Checked<T> {
    inner: T,
    checksum: Xxh3,
}

impl<T: Write> Write for Checked<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.checksum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn snapshots(folder: &tempfile::TempDir, value: u32) -> Snapshots {
        let identity = Identity::default().with("value", value);
        Snapshots { path: folder.path().join("snapshot"), identity, every: Duration::ZERO }
    }

    fn sums() -> Sums {
        let mut sums = Sums::default();
        sums.add(7, 3, ndarray::array![1.5, -2.0].view());
        sums.add(119_546, 1 << 40, ndarray::array![1e30, f32::MIN_POSITIVE].view());
        sums
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let reached = Reached { start: 5, batches: 3, records: 9, ..Reached::default() };
        let snapshots = snapshots(&folder, 1);
        assert!(snapshots.load().is_none());
        snapshots.store(reached, &sums()).unwrap();
        let (found, loaded) = snapshots.load().unwrap();
        assert_eq!(found, reached);
        assert_eq!(loaded.into_vectors(), sums().into_vectors());
        snapshots.store(Reached::default(), &Sums::default()).unwrap();
        assert_eq!(snapshots.load().unwrap().0, Reached::default());
    }

    #[test]
    fn a_damaged_snapshot_and_another_identity_s_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let own = snapshots(&folder, 1);
        own.store(Reached::default(), &sums()).unwrap();
        assert!(own.load().is_some() && snapshots(&folder, 2).load().is_none());
        let whole = fs::read(&own.path).unwrap();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1;
            fs::write(&own.path, &spoilt).unwrap();
            assert!(own.load().is_none(), "byte {at}");
            fs::write(&own.path, &whole[..at]).unwrap();
            assert!(own.load().is_none(), "cut at {at}");
        }
        fs::write(&own.path, [&*whole, b"more"].concat()).unwrap();
        assert!(own.load().is_none());
    }

    #[test]
    fn an_implausible_token_is_refused_before_memory_is_allocated() {
        let folder = tempfile::tempdir().unwrap();
        let own = snapshots(&folder, 1);
        let mut sums = Sums::default();
        sums.add(7, 3, ndarray::array![1.5].view());
        own.store(Reached::default(), &sums).unwrap();
        let mut bytes = fs::read(&own.path).unwrap();
        let token = bytes.len() - 8 - 8 - 8 - 4;
        bytes[token..token + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let end = bytes.len() - 8;
        let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&own.path, &bytes).unwrap();
        assert!(own.load().is_none());
    }
}
