//! Why parts cannot be listed, opened or read.

use std::io;
use std::path::PathBuf;

use skimlog_formats::mapped::Lost;

use super::PassedOver;

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
    #[error(
        "no part in {}: expected files named part-00000, part-00001.gz and the like, or recsys_data to be one file of \
         any name{}",
        path.display(),
        if passed_over.is_empty() { String::new() } else { format!("; {passed_over}") }
    )]
    NoPart {
        /// The directory.
        path: PathBuf,
        /// What it holds instead.
        passed_over: Box<PassedOver>,
    },
    /// The only part is the validation part.
    #[error("{} holds no part but the validation part: there is nothing to train on", path.display())]
    OnlyValidation {
        /// The directory, or the file.
        path: PathBuf,
    },
    /// There is a directory where a part should be.
    #[error("{} is a folder: name a part in it", path.display())]
    Folder {
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
    /// Two files have the same content.
    #[error(
        "{} and {} hold the same records, which would count twice: move one of them away",
        first.display(), second.display()
    )]
    SameContent {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The training part, a single file, has the name that the validation part has when it is converted.
    #[error("{} would be converted under the name of the validation part: give the file another name", path.display())]
    NameOfValidation {
        /// The file.
        path: PathBuf,
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
    /// What should be raw text is something else.
    #[error("{} is {what}: {remedy}", path.display())]
    NoText {
        /// The file, or the name of what is read.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        remedy: String,
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
