//! How parts are converted.

use std::path::PathBuf;

use skimlog_formats::record::{FieldCount, VOCABULARY};

/// How a part is converted.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// Number of tokens in the vocabulary. A token id must be below.
    pub vocabulary: u32,
    /// How many fields every record has; `None`: as many as the first line with 24 or 20 fields.
    pub fields: Option<FieldCount>,
    /// Where lines go that are no records; `None`: the first one is the end, with its place and what is wrong.
    pub quarantine: Option<Quarantine>,
}

impl Default for ConvertOptions {
    /// The vocabulary of the data set, either number of fields, stop at a bad record.
    fn default() -> Self {
        Self { vocabulary: VOCABULARY, fields: None, quarantine: None }
    }
}

/// Where lines go that are no records: whole to `<name>.<ending>` in a directory, and their numbers and reasons to
/// `<name>.reasons.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The directory, made if there is need.
    pub directory: PathBuf,
    /// The files' name, which no other part may have: a training and a validation part are often called the same.
    pub name: String,
    /// What the name of the file of bad lines ends with: `tsv`, or the format of a log.
    pub ending: &'static str,
    /// Most lines of a part to put there. One more is an error.
    pub most: u64,
}
