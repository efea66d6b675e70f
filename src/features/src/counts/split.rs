//! Which validation records are held out, and the chunk of each other record.

use std::fs::File;
use std::hash::Hasher;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher24;
use thiserror::Error;

use crate::key;

/// Bytes of a wrong line that are shown.
const LONGEST_SHOWN: u64 = 40;

/// Where a validation record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is learnt from and counted; its own chunk is left out of its counts.
    Finetune {
        /// The chunk.
        chunk: u16,
    },
    /// It is only measured on.
    HoldOut,
}

/// The hold-out split of a validation part: one bit a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    rows: u64,
    chunks: u16,
    /// Bit `row % 64` of word `row / 64`: whether the record is held out.
    held_out: Vec<u64>,
    /// Held-out records before each word.
    before: Vec<u64>,
}

/// Why a split file was refused.
#[derive(Debug, Error)]
pub enum SplitError {
    /// The file could not be read.
    #[error("cannot read the validation split {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line that is neither `0` nor `1`.
    #[error("{path}:{line}: a validation split has one 0 (finetune) or 1 (hold-out) a line, found {found:?}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What stands there.
        found: String,
    },
    /// More or fewer lines than records.
    #[error("{path}: a validation split has one line a record: expected {expected} lines, found {found}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Number of validation records.
        expected: u64,
        /// Number of lines.
        found: u64,
    },
}

impl Split {
    /// Holds each of `rows` records out with probability `percentage` (0 to 1), decided by a hash of `seed` and the
    /// record's number; the others are dealt to `chunks` chunks.
    ///
    /// # Panics
    /// If `chunks` is 0.
    pub fn seeded(rows: u64, percentage: f64, seed: u64, chunks: u16) -> Self {
        let draw = |row: u64| {
            let mut hasher = SipHasher24::new_with_keys(seed, 0);
            hasher.write(&row.to_le_bytes());
            // The leading 53 bits are an exact f64 in [0, 1).
            (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
        };
        Self::from_bits((0..rows).map(|row| draw(row) < percentage), chunks)
    }

    /// The split a file gives: a line a record, `1` for hold-out, `0` for finetune.
    ///
    /// # Errors
    /// [`SplitError`] if it cannot be read, a line is anything else, or there are not `rows` lines.
    ///
    /// # Panics
    /// If `chunks` is 0.
    pub fn from_file(path: &Path, rows: u64, chunks: u16) -> Result<Self, SplitError> {
        let failed = |source| SplitError::Read { path: path.to_owned(), source };
        let mut input = BufReader::new(File::open(path).map_err(failed)?);
        let (mut bits, mut found, mut line) = (Vec::new(), 0, Vec::new());
        // A line is read as far as it is shown: a file that is something else may have no other line.
        while input.by_ref().take(LONGEST_SHOWN).read_until(b'\n', &mut line).map_err(failed)? > 0 {
            found += 1;
            match line.strip_suffix(b"\n").unwrap_or(&line) {
                bit @ (b"0" | b"1") if found <= rows => bits.push(bit == b"1"),
                b"0" | b"1" => {}
                other => {
                    let other = String::from_utf8_lossy(other).into_owned();
                    return Err(SplitError::Line { path: path.to_owned(), line: found, found: other });
                }
            }
            line.clear();
        }
        if found != rows {
            return Err(SplitError::Length { path: path.to_owned(), expected: rows, found });
        }
        Ok(Self::from_bits(bits, chunks))
    }

    /// The split with these bits, true for hold-out.
    ///
    /// # Panics
    /// If `chunks` is 0.
    pub fn from_bits(held_out: impl IntoIterator<Item = bool>, chunks: u16) -> Self {
        assert!(chunks > 0, "there is at least one validation chunk");
        let mut split = Self { rows: 0, chunks, held_out: Vec::new(), before: Vec::new() };
        let mut count = 0;
        for bit in held_out {
            if split.rows.is_multiple_of(64) {
                split.held_out.push(0);
                split.before.push(count);
            }
            let word = (split.rows / 64) as usize;
            split.held_out[word] |= u64::from(bit) << (split.rows % 64);
            count += u64::from(bit);
            split.rows += 1;
        }
        split
    }

    /// Number of validation records.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of records held out.
    pub fn held_out(&self) -> u64 {
        self.held_out.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Where record `row` goes.
    #[inline]
    pub fn side(&self, row: u64) -> Side {
        let (word, bit) = ((row / 64) as usize, row % 64);
        if self.held_out[word] >> bit & 1 == 1 {
            return Side::HoldOut;
        }
        let earlier = self.held_out[word] & ((1 << bit) - 1);
        let finetune_number = row - self.before[word] - u64::from(earlier.count_ones());
        // A chunk is smaller than the number of chunks, a u16.
        Side::Finetune { chunk: key::chunk(finetune_number, u32::from(self.chunks)) as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_the_finetune_records_without_gaps() {
        let bits: Vec<bool> = (0..1000u64).map(|row| row % 7 == 3 || row / 64 == 2).collect();
        let split = Split::from_bits(bits.iter().copied(), 10);
        let mut number = 0;
        for (row, &bit) in bits.iter().enumerate() {
            let expected = match bit {
                true => Side::HoldOut,
                false => Side::Finetune { chunk: key::chunk(number, 10) as u16 },
            };
            assert_eq!(split.side(row as u64), expected, "row {row}");
            number += u64::from(!bit);
        }
        assert_eq!(split.held_out(), 1000 - number);
    }

    #[test]
    fn a_seed_decides_and_the_share_is_kept() {
        let split = Split::seeded(100_000, 0.1, 7, 10);
        assert_eq!(split, Split::seeded(100_000, 0.1, 7, 10));
        assert_ne!(split, Split::seeded(100_000, 0.1, 8, 10));
        assert!((9_700..10_300).contains(&split.held_out()), "{}", split.held_out());
        assert_eq!(Split::seeded(500, 0.0, 1, 1).held_out(), 0);
        assert_eq!(Split::seeded(500, 1.0, 1, 1).held_out(), 500);
    }

    #[test]
    fn a_split_file_is_checked() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("split.txt");
        let read = |text: &str, rows| {
            std::fs::write(&path, text).expect("written");
            Split::from_file(&path, rows, 3)
        };
        assert_eq!(read("0\n1\n0\n", 3).expect("sound"), Split::from_bits([false, true, false], 3));
        assert_eq!(read("0\n1", 2).expect("sound").rows(), 2);
        assert_eq!(read("", 0).expect("sound").rows(), 0);
        let error = read("0\n2\n", 2).expect_err("a two").to_string();
        assert!(error.contains("split.txt:2:") && error.contains("\"2\""), "{error}");
        let error = read("0\n1\n", 3).expect_err("too short").to_string();
        assert!(error.contains("expected 3 lines, found 2"), "{error}");
        assert!(read("0\n\n1\n", 3).is_err() && read("0\r\n", 1).is_err());
        assert!(matches!(Split::from_file(Path::new("/nowhere"), 1, 1), Err(SplitError::Read { .. })));
    }
}
