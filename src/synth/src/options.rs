//! Options of the generator, and its errors.

use std::io;
use std::path::PathBuf;
use std::thread;

use thiserror::Error;

/// What to generate.
///
/// Everything but `out`, `parts`, `only_part` and `threads` shapes the records: the same other values give the same
/// records, byte for byte, for any number of parts (their concatenation is the same) and threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// Directory for `train/`, `validation/`, `test/`, `test_labels.tsv` and `truth.json`; made where missing. None of
    /// the five may be there already.
    pub out: PathBuf,
    /// Number of training parts, 1 to 99,999 and at most `rows`.
    pub parts: u32,
    /// Training records over all parts together, at least 1. The first parts hold one more where it does not divide.
    pub rows: u64,
    /// The one training part to write, by its number from 0; `None`: all of them. So a data set larger than the disk
    /// can be made part by part.
    pub only_part: Option<u32>,
    /// Validation records; 0 leaves the validation set out.
    pub valid_rows: u64,
    /// Test records; 0 leaves the test set and its labels out.
    pub test_rows: u64,
    /// Number of users, all of whom read: 16 to 2³¹. One for every 10 training records where not given.
    pub users: Option<u32>,
    /// Number of users who write as well: 8 to `users`. One in 5 users where not given.
    pub authors: Option<u32>,
    /// Number of token ids, special ones included, 512 to 1,000,000. Ordinary tokens start at 104.
    pub vocabulary: u32,
    /// Another seed gives another world of users, tweets and reactions.
    pub seed: u64,
    /// Number of threads that make records, at least 1.
    pub threads: usize,
}

impl Default for SynthOptions {
    /// 100,000 training records in 2 parts, 20,000 validation and 10,000 test records in `./synth`, the vocabulary of
    /// `bert-base-multilingual-cased`, and a thread a core.
    fn default() -> Self {
        Self {
            out: PathBuf::from("synth"),
            parts: 2,
            rows: 100_000,
            only_part: None,
            valid_rows: 20_000,
            test_rows: 10_000,
            users: None,
            authors: None,
            vocabulary: 119_547,
            seed: 1,
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// The largest number of users, so that the stride between authors is prime to every allowed number of users.
const MOST_USERS: u32 = 1 << 31;

impl SynthOptions {
    /// Number of users, given or by the number of training records.
    pub fn user_count(&self) -> u32 {
        self.users.unwrap_or_else(|| (self.rows / 10).clamp(200, u64::from(MOST_USERS)) as u32)
    }

    /// Number of authors, given or by the number of users.
    pub fn author_count(&self) -> u32 {
        self.authors.unwrap_or_else(|| (self.user_count() / 5).max(8))
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// [`SynthError::Option`] for the first value that is out of its range.
    pub fn check(&self) -> Result<(), SynthError> {
        let users = self.user_count();
        let ranges: [(&'static str, u64, u64, u64); 9] = [
            ("rows", self.rows, 1, 1 << 40),
            ("valid_rows", self.valid_rows, 0, 1 << 40),
            ("test_rows", self.test_rows, 0, 1 << 40),
            ("parts", u64::from(self.parts), 1, self.rows.min(99_999)),
            ("only_part", u64::from(self.only_part.unwrap_or(0)), 0, u64::from(self.parts.max(1)) - 1),
            ("users", u64::from(users), 16, u64::from(MOST_USERS)),
            ("authors", u64::from(self.author_count()), 8, u64::from(users)),
            ("vocabulary", u64::from(self.vocabulary), 512, 1_000_000),
            ("threads", self.threads as u64, 1, 1024),
        ];
        match ranges.into_iter().find(|&(_, value, least, most)| value < least || value > most) {
            Some((name, value, least, most)) => Err(SynthError::Option { name, value, least, most }),
            None => Ok(()),
        }
    }
}

/// Why nothing was generated.
#[derive(Debug, Error)]
pub enum SynthError {
    /// A value out of its range.
    #[error("{name} is {value}, but must lie between {least} and {most} here")]
    Option {
        /// The option's name.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The least allowed value.
        least: u64,
        /// The largest allowed value.
        most: u64,
    },
    /// Something to be generated is there already.
    #[error("{}: is there already; remove it or give another output directory", .path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: cannot {action}: {source}", .path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A table could not be written.
    #[error("{}: cannot write Parquet: {source}", .path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_at_every_size() {
        for rows in [2, 1_000, 100_000, 1_000_000_000, 1 << 40] {
            SynthOptions { rows, ..SynthOptions::default() }.check().unwrap();
        }
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let more_authors = SynthOptions { users: Some(100), authors: Some(101), ..SynthOptions::default() };
        let message = more_authors.check().unwrap_err().to_string();
        assert_eq!(message, "authors is 101, but must lie between 8 and 100 here");
        assert!(SynthOptions { parts: 3, rows: 2, ..SynthOptions::default() }.check().is_err());
        assert!(SynthOptions { only_part: Some(2), ..SynthOptions::default() }.check().is_err());
        assert!(SynthOptions { vocabulary: 104, ..SynthOptions::default() }.check().is_err());
    }
}
