//! What a parser expects of its records.

use super::FieldCount;

/// Size of the vocabulary of `bert-base-multilingual-cased`, which tokenized the data set.
pub const VOCABULARY: u32 = 119_547;

/// Longest line accepted, in bytes without its newline. The data set's longest are a few thousand bytes; the limit
/// bounds the memory a parser needs for input that is something else.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// What a parser expects of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOptions {
    /// How many fields every record has; `None`: as many as the first line with 24 or 20 fields.
    pub fields: Option<FieldCount>,
    /// Number of tokens in the vocabulary. A token id must be below.
    pub vocabulary: u32,
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self { fields: None, vocabulary: VOCABULARY }
    }
}
