//! Why a line is not a record.

use std::error::Error;
use std::fmt;

use super::{Field, FieldCount, MAX_RECORD_BYTES};
use crate::IdError;

/// A line that is no record: where it stands and what is wrong with it.
///
/// Shown as `line: field: what is wrong (found "…")`, so that a file's name and a colon before it make the usual
/// `file:line: field: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// 1-based number of the line.
    pub line: u64,
    /// Byte at which the line begins.
    pub offset: u64,
    /// Length of the line in bytes, without its newline.
    pub length: usize,
    /// The field at fault; `None` if it is the line as a whole.
    pub field: Option<Field>,
    /// What is wrong.
    pub reason: Reason,
    /// The text at fault, shortened, with all but printable ASCII escaped; empty where there is nothing to show.
    pub found: Box<str>,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.without_line())
    }
}

impl Error for RecordError {}

impl RecordError {
    /// The message without the line's number: `field: what is wrong (found "…")`.
    pub fn without_line(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            if let Some(field) = self.field {
                write!(f, "{field}: ")?;
            }
            write!(f, "{}", self.reason)?;
            if !self.found.is_empty() {
                write!(f, " (found \"{}\")", self.found)?;
            }
            Ok(())
        })
    }
}

/// What is wrong with a line or a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The line has no byte at all.
    #[error("the line is empty: every line must be a record")]
    EmptyLine,
    /// The first line starts with a UTF-8 byte order mark.
    #[error("the file starts with a byte order mark: remove its first three bytes")]
    ByteOrderMark,
    /// The line ends with `\r\n`.
    #[error("the line ends with a carriage return: convert the file's line ends from CRLF to LF")]
    CarriageReturn,
    /// The line is longer than [`MAX_RECORD_BYTES`].
    #[error("the line is longer than {MAX_RECORD_BYTES} bytes: is this a raw part?")]
    TooLong,
    /// Too few or too many fields.
    #[error("found {found} fields, expected {}", expected_fields(*.expected))]
    FieldCount {
        /// Fields in the line.
        found: usize,
        /// Fields of the part's records; `None` as long as no line has said.
        expected: Option<FieldCount>,
    },
    /// A field that may not be empty is.
    #[error("must not be empty")]
    Empty,
    /// A list has an item without text.
    #[error("item {item} of the list is empty: there is a TAB too many")]
    EmptyItem {
        /// 1-based place in the list.
        item: usize,
    },
    /// Not made of decimal digits.
    #[error("is not a decimal number")]
    NotDecimal,
    /// A number written with zeros before it; it could not be written back as it was read.
    #[error("has a leading zero")]
    LeadingZero,
    /// Zero with a sign; it could not be written back as it was read.
    #[error("is zero with a minus sign")]
    MinusZero,
    /// A number outside what the field can hold.
    #[error("is out of range {least} to {}", i64::MAX)]
    OutOfRange {
        /// The smallest number allowed.
        least: i64,
    },
    /// A token id that is not in the vocabulary.
    #[error("is not in the vocabulary of {vocabulary} tokens")]
    BeyondVocabulary {
        /// Size of the vocabulary; its last token is one less.
        vocabulary: u32,
    },
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not one of the few words the field may hold.
    #[error("expected {expected}")]
    Word {
        /// The words, as a phrase.
        expected: &'static str,
    },
}

fn expected_fields(expected: Option<FieldCount>) -> &'static str {
    match expected {
        Some(FieldCount::Labelled) => "24",
        Some(FieldCount::Unlabelled) => "20",
        None => "24 (with reactions) or 20 (without)",
    }
}

/// What is wrong with a line, before it is known where the line stands.
#[derive(Debug)]
pub(super) struct Fault {
    field: Option<Field>,
    reason: Reason,
    found: Box<str>,
}

impl Fault {
    /// A fault of the line as a whole.
    pub(super) fn line(reason: Reason) -> Self {
        Self { field: None, reason, found: Box::default() }
    }

    /// A fault of a field, with the text at fault.
    pub(super) fn field(field: Field, reason: Reason, text: &[u8]) -> Self {
        Self { field: Some(field), reason, found: shortened(text) }
    }

    /// The error for the line that stands there.
    pub(super) fn at(self, line: u64, offset: u64, length: usize) -> RecordError {
        RecordError { line, offset, length, field: self.field, reason: self.reason, found: self.found }
    }
}

/// Longest piece of a record quoted in a message, in bytes.
const QUOTED: usize = 48;

fn shortened(text: &[u8]) -> Box<str> {
    let mut shown = text[..text.len().min(QUOTED)].escape_ascii().to_string();
    if text.len() > QUOTED {
        shown.push('…');
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_file_line_field_what() {
        let fault = Fault::field(Field::TweetTime, Reason::OutOfRange { least: 1 }, b"-\x01");
        let error = fault.at(7, 100, 3);
        assert_eq!(
            format!("part-00000:{error}"),
            r#"part-00000:7: tweet timestamp: is out of range 1 to 9223372036854775807 (found "-\x01")"#
        );
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(shortened(&[b'a'; 49]).chars().filter(|&c| c == 'a').count(), 48);
        assert!(shortened(&[b'a'; 49]).ends_with('…'));
    }
}
