//! What is wrong with what should be a record.

use std::path::Path;

use skimlog_formats::record::RecordError;
use skimlog_import::importer::BadRow;

/// What is wrong with what should be a record.
#[derive(Debug)]
pub enum BadRecord {
    /// A line of a raw part.
    Line(Box<RecordError>),
    /// A row of a log.
    Row(Box<BadRow>),
}

impl BadRecord {
    /// What is wrong, with the file and the number of the line or row.
    pub(super) fn of(&self, path: &Path) -> String {
        match self {
            Self::Line(error) => format!("{}:{error}", path.display()),
            Self::Row(error) => format!("{}: {error}", path.display()),
        }
    }

    /// The 1-based number of the line or row.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Line(error) => error.line,
            Self::Row(error) => error.row,
        }
    }

    /// What is wrong, without the number.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Line(error) => error.without_line().to_string(),
            Self::Row(error) => error.what.clone(),
        }
    }
}
