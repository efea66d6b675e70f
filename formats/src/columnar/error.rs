//! What can go wrong with a `.skim` file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::mapped::Lost;

/// Why a `.skim` file could not be written or read.
#[derive(Debug, Error)]
pub enum ColumnarError {
    /// The file could not be opened or mapped.
    #[error("{}: cannot {action}: {source}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file lost bytes while it was read.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The output did not take the bytes.
    #[error("cannot write a .skim file: {0}")]
    Write(#[source] io::Error),
    /// Not a `.skim` file at all.
    #[error("{}: byte 0: not a .skim file (it does not start with its eight magic bytes)", .path.display())]
    NotSkim {
        /// The file.
        path: PathBuf,
    },
    /// The file is cut short or has bytes that were not written there.
    #[error(
        "{}: byte {offset}: {what}; the file is damaged or incomplete, make it again from its source",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// Written by another version of the format.
    #[error(
        "{}: byte {offset}: format version {found}, this program reads versions 1 to {}: \
         use a newer program or make the file again",
        .path.display(), super::VERSION
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Where the version stands.
        offset: u64,
        /// The version found.
        found: u32,
    },
    /// A sound file of another kind.
    #[error("{}: a file of kind {found:?} where one of kind {expected:?} is needed", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kind found.
        found: String,
        /// The kind needed.
        expected: String,
    },
    /// The file has no such column.
    #[error("{}: no column {name:?}; it has {present}", .path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        name: String,
        /// The columns there are, separated by commas.
        present: String,
    },
    /// The column holds values of another type.
    #[error("{}: column {name:?} holds {found}, not {expected}", .path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        name: String,
        /// What it holds.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The file has no such block or field.
    #[error(
        "{}: no block {block} or no field {field}: the file has {blocks} blocks of {fields} fields",
        .path.display()
    )]
    NoChunk {
        /// The file.
        path: PathBuf,
        /// The 0-based block asked for.
        block: usize,
        /// The 0-based field asked for.
        field: usize,
        /// Number of blocks.
        blocks: usize,
        /// Number of fields.
        fields: usize,
    },
    /// The columns to be written do not fit the schema or the format's limits.
    #[error("cannot encode a block: {0}")]
    Shape(String),
}

/// What is wrong with a chunk, and at which byte of it; the reader adds the file and the chunk's offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) at: usize,
    pub(super) what: String,
}

impl Damage {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}
