//! Why parts cannot be listed, opened or read.

use std::io;
use std::path::PathBuf;

use skimmer_formats::mapped::Lost;

/// Why parts cannot be listed, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The directory is missing or unreadable.
    #[error("cannot read the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory holds no part.
    #[error("no part in {}: expected files whose names start with \"part-\"", path.display())]
    NoPart {
        /// The directory.
        path: PathBuf,
    },
    /// Two files are the same part.
    #[error("{} and {} are the same part: move one of them away", first.display(), second.display())]
    SamePart {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A part cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The part.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A part has no byte.
    #[error("{} is empty: a part has at least one record", path.display())]
    Empty {
        /// The part.
        path: PathBuf,
    },
    /// A part is compressed in a way that is not read here.
    #[error(
        "{path} is packed with lzop: unpack it first, or pipe it with `lzop -dc {path} | skimmer convert -`",
        path = path.display()
    )]
    Lzop {
        /// The part.
        path: PathBuf,
    },
    /// A part cannot be read to its end.
    #[error("cannot read {} on from byte {offset}: {source}", path.display())]
    Read {
        /// The part.
        path: PathBuf,
        /// Bytes read before, after unpacking.
        offset: u64,
        /// What the system or the decoder said.
        source: io::Error,
    },
    /// A part lost bytes while it was read.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// There is no newline where there must be one.
    #[error(
        "{}:{line}: no newline in {limit} bytes from byte {offset} on: is this a raw part?", path.display()
    )]
    LineTooLong {
        /// The part.
        path: PathBuf,
        /// 1-based number of the line.
        line: u64,
        /// Where the line begins.
        offset: u64,
        /// Largest size of a block in bytes.
        limit: usize,
    },
}
