//! What can go wrong with a dictionary of ids.

use std::path::PathBuf;

use skimlog_formats::columnar::ColumnarError;
use skimlog_runtime::files::FileError;
use skimlog_runtime::shuffle::ShuffleError;
use thiserror::Error;

use super::LONGEST_TEXT;

/// Characters of a text that a message shows.
const SHOWN: usize = 40;

/// Why a dictionary of ids could not be written or read.
#[derive(Debug, Error)]
pub enum IdsError {
    /// A text that is too long for an id.
    #[error(
        "an id of {bytes} bytes, beginning with {beginning:?}: an id has at most {LONGEST_TEXT} bytes, map another \
             column to this field"
    )]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// Its first characters.
        beginning: String,
    },
    /// Two texts whose ids are the same.
    #[error("the ids {one:?} and {other:?} have the same 128-bit hash and cannot be told apart: change one of them")]
    SameHash {
        /// The beginning of one.
        one: String,
        /// The beginning of the other.
        other: String,
    },
    /// Texts could not be put aside or read back.
    #[error(transparent)]
    Spill(#[from] ShuffleError),
    /// A `.skim` file could not be written or read.
    #[error(transparent)]
    File(#[from] ColumnarError),
    /// The output could not be made, or a folder not be read.
    #[error(transparent)]
    Output(#[from] FileError),
    /// The ids are made in a way that this program does not know.
    #[error("{}: its ids are made with {found:?}, this program knows {expected:?} only: use a newer program or import \
             the log again", .path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// How its ids are made.
        found: String,
        /// How this program makes them.
        expected: &'static str,
    },
    /// A text that cannot stand where it does.
    #[error("{}: text {text} (counted from 0) {what}: the file is damaged, import the log again", .path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// Number of the text in the file, from 0.
        text: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl IdsError {
    pub(super) fn too_long(text: &[u8]) -> Self {
        Self::TooLong { bytes: text.len(), beginning: shown(text) }
    }

    pub(super) fn same_hash(one: &[u8], other: &[u8]) -> Self {
        // In an order of their own, whichever came first.
        let (one, other) = if one <= other { (one, other) } else { (other, one) };
        Self::SameHash { one: shown(one), other: shown(other) }
    }
}

/// The beginning of a text, for a message.
fn shown(text: &[u8]) -> String {
    let beginning = &text[..text.len().min(4 * SHOWN)];
    String::from_utf8_lossy(beginning).chars().take(SHOWN).collect()
}
