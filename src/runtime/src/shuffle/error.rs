//! Why records could not be put aside or read back.

use std::path::PathBuf;

use thiserror::Error;

/// Why records could not be put aside or read back.
#[derive(Debug, Error)]
pub enum ShuffleError {
    /// The scratch directory could not be made or emptied.
    #[error("cannot prepare the scratch directory {path}: {source}; check that it is writable")]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A spill file could not be written.
    #[error("cannot write the spill file {path}: {source}; free some disk space or raise memory_budget")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A spill file could not be read back.
    #[error("cannot read the spill file {path} at byte {offset}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Where the run that could not be read starts.
        offset: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A spill file holds other bytes than were written to it.
    #[error("the spill file {path} is damaged at byte {offset}: its checksum differs; check the disk and start again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged run starts.
        offset: u64,
    },
}
