//! Why a text cannot be cut into tokens.

use std::io;
use std::path::PathBuf;

/// Why a text cannot be cut into tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error("cannot read the tokenizer {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no tokenizer.
    #[error("{} is no tokenizer.json of Hugging Face: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The tokenizer says neither what a text begins and ends with, nor has `[CLS]` and `[SEP]`.
    #[error("{} has no [CLS] and [SEP], with which every text begins and ends: take a BERT tokenizer", path.display())]
    Ends {
        /// The file.
        path: PathBuf,
    },
    /// The tokenizer is of another vocabulary.
    #[error(
        "{} has the token id {token}, which is not below vocabulary_size ({vocabulary}): raise vocabulary_size, or \
         take the tokenizer of the text model",
        path.display()
    )]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// Its largest token id.
        token: u32,
        /// How many token ids there may be.
        vocabulary: u32,
    },
    /// A text cannot be cut.
    #[error("{} cannot cut a text into tokens: {what}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the tokenizer said.
        what: String,
    },
}
