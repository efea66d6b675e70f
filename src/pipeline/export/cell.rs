//! What a column's values mean to a person, and their text.

use std::io::Write;

use skimlog_formats::columnar::{Column, ColumnarError, Reader, ValueType, Values};
use skimlog_formats::part;
use skimlog_formats::record::{Media, NO_REACTION, TweetType};
use skimlog_import::ids::{Dictionaries, IdsError, OwnIds};

/// What the numbers of a column stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Themselves.
    Value,
    /// Names by their place.
    Names(&'static [&'static str]),
    /// Times in unix seconds, one of which may stand for none.
    Time {
        /// That one.
        none: Option<i64>,
    },
}

const MEDIA: [&str; 3] = [Media::ALL[0].name(), Media::ALL[1].name(), Media::ALL[2].name()];
const TWEET_TYPES: [&str; 4] =
    [TweetType::ALL[0].name(), TweetType::ALL[1].name(), TweetType::ALL[2].name(), TweetType::ALL[3].name()];

impl Meaning {
    /// The meaning of a column of this file.
    pub(crate) fn of(reader: &Reader, field: usize) -> Self {
        let schema = reader.schema();
        match (schema.kind.as_str(), schema.fields[field].name.as_str()) {
            (part::KIND, "media") => Self::Names(&MEDIA),
            (part::KIND, "tweet_type") => Self::Names(&TWEET_TYPES),
            (part::KIND, "tweet_time" | "author_created" | "reader_created") => Self::Time { none: None },
            (part::KIND, "reply_time" | "retweet_time" | "quote_time" | "like_time") => {
                // As before version 3 of the format, where times are u32.
                let none = if schema.fields[field].value == ValueType::I64 { NO_REACTION } else { 0 };
                Self::Time { none: Some(none) }
            }
            _ => Self::Value,
        }
    }

    /// Whether a number stands for none.
    pub(crate) fn is_none(self, number: i64) -> bool {
        self == Self::Time { none: Some(number) }
    }
}

/// A column of a block, for writing its cells as text.
pub(crate) struct Cells {
    column: Column,
    meaning: Meaning,
    /// The own ids in place of the column's ids, and their form.
    own: Option<(OwnIds, OwnForm)>,
}

/// How own ids, which may have any characters, become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnForm {
    /// As they are.
    Plain,
    /// For tables: backslash, tab, line feed and carriage return are `\\`, `\t`, `\n` and `\r`, and in lists a comma is
    /// `\,`.
    Escaped,
}

impl Cells {
    /// Reads a column of a block.
    pub(crate) fn read(reader: &Reader, block: usize, field: usize) -> Result<Self, ColumnarError> {
        Ok(Self { column: reader.read(block, field)?, meaning: Meaning::of(reader, field), own: None })
    }

    /// Shows own ids in place of ids in the first rows, which are then the only ones that can be written. Changes
    /// nothing without dictionaries.
    pub(crate) fn with_own_ids(
        mut self,
        dictionaries: &Dictionaries,
        rows: usize,
        form: OwnForm,
    ) -> Result<Self, IdsError> {
        let ids = match &self.column {
            Column::Flat(Values::Id(ids)) => &ids[..rows.min(ids.len())],
            Column::List { offsets, values: Values::Id(ids) } => &ids[..offsets[rows.min(offsets.len() - 1)] as usize],
            _ => return Ok(self),
        };
        if !dictionaries.is_empty() {
            self.own = Some((dictionaries.own_ids(ids)?, form));
        }
        Ok(self)
    }

    /// Appends the text of a row: a list's items are separated by commas, ids are 32 hexadecimal digits or own ids,
    /// floats the shortest decimals that read back as the same value.
    pub(crate) fn write(&self, row: usize, text: &mut Vec<u8>) {
        match &self.column {
            Column::Flat(values) => self.write_value(values, row, text),
            Column::List { offsets, values } => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                for index in start..end {
                    if index > start {
                        text.push(b',');
                    }
                    self.write_value(values, index, text);
                }
            }
        }
    }

    fn write_value(&self, values: &Values, index: usize, text: &mut Vec<u8>) {
        match values {
            Values::Bool(values) => text.extend_from_slice(if values[index] { b"true" } else { b"false" }),
            Values::U8(values) => self.write_code(values[index], text),
            Values::U16(values) => write_number(values[index], text),
            Values::U32(values) if self.meaning.is_none(values[index].into()) => {}
            Values::U32(values) => write_number(values[index], text),
            Values::U64(values) => write_number(values[index], text),
            Values::I64(values) if self.meaning.is_none(values[index]) => {}
            Values::I64(values) => write_number(values[index], text),
            Values::F32(values) => write!(text, "{}", values[index]).expect("a vector takes all bytes"),
            Values::F64(values) => write!(text, "{}", values[index]).expect("a vector takes all bytes"),
            Values::Id(ids) => match &self.own {
                None => text.extend_from_slice(&ids[index].to_hex()),
                Some((own, OwnForm::Plain)) => text.extend_from_slice(own.get(index)),
                Some((own, OwnForm::Escaped)) => {
                    let in_list = matches!(self.column, Column::List { .. });
                    write_escaped(own.get(index), in_list, text);
                }
            },
        }
    }

    fn write_code(&self, code: u8, text: &mut Vec<u8>) {
        match self.meaning {
            Meaning::Names(names) if usize::from(code) < names.len() => {
                text.extend_from_slice(names[usize::from(code)].as_bytes());
            }
            _ => write_number(code, text),
        }
    }
}

/// Appends an own id with escapes for what separates the cells of a table.
pub(super) fn write_escaped(own: &[u8], in_list: bool, text: &mut Vec<u8>) {
    for &byte in own {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'\t' => text.extend_from_slice(b"\\t"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b',' if in_list => text.extend_from_slice(b"\\,"),
            byte => text.push(byte),
        }
    }
}

fn write_number(number: impl itoa::Integer, text: &mut Vec<u8>) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
