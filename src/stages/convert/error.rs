//! Why parts cannot be converted.

use std::error::Error;
use std::path::PathBuf;

use skimlog_import::importer::ImportError;
use skimlog_import::mapping::MappingError;
use skimlog_runtime::files::FileError;
use skimlog_runtime::shuffle::ShuffleError;
use skimlog_runtime::stream::StreamError;

use super::bad_record::BadRecord;
use crate::pipeline::StageError;

/// Why a part cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The part cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A line is no record.
    #[error("{}", error.of(path))]
    Record {
        /// The part or log.
        path: PathBuf,
        /// The line or row and what is wrong with it.
        error: BadRecord,
    },
    /// Ids cannot be put aside on disk.
    #[error(transparent)]
    Spill(#[from] ShuffleError),
    /// All records are on one side of the time that divides them.
    #[error("no record is {side}: both parts need some; `skimmer import --dry-run` shows the times of a log")]
    OneSided {
        /// The side without records.
        side: &'static str,
    },
    /// The mapping cannot be used.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The mapping of logs to learn from has no reactions.
    #[error(
        "{}: maps no reaction: a log to learn from says what readers did (reactions: {{like: COLUMN}})",
        path.display()
    )]
    NoReactionsMapped {
        /// The mapping.
        path: PathBuf,
    },
    /// A log cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// More lines are no records than are allowed.
    #[error(
        "{}; that is one bad record more than max_bad_records ({most}), see all of them in {}",
        error.of(path), rejected.display()
    )]
    TooManyBadRecords {
        /// The part.
        path: PathBuf,
        /// The first line or row too many and what is wrong with it.
        error: BadRecord,
        /// How many were allowed.
        most: u64,
        /// The file with the bad lines.
        rejected: PathBuf,
    },
    /// A bad line cannot be put into quarantine.
    #[error("cannot write the rejected records to {}: {source}", path.display())]
    Quarantine {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of bad lines cannot be made, or not be put in its place.
    #[error(transparent)]
    Workspace(#[from] FileError),
    /// A part that is converted already is a test part.
    #[error(
        "{}: its records have 20 fields, without reactions: a part to learn from or to measure on has 24",
        path.display()
    )]
    NoReactions {
        /// The part.
        path: PathBuf,
    },
    /// A part that is converted already was converted with another vocabulary.
    #[error(
        "{}: it holds the token {token}, which is not below vocabulary_size ({vocabulary}): raise vocabulary_size",
        path.display()
    )]
    Token {
        /// The part.
        path: PathBuf,
        /// The token.
        token: u32,
        /// The number of tokens.
        vocabulary: u32,
    },
    /// The columns cannot be encoded or written.
    #[error("cannot write the columns of {}: {source}", path.display())]
    Write {
        /// The part.
        path: PathBuf,
        /// What the writer said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StageError for ConvertError {}
