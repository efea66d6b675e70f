//! Columns of a block of rows, which become an Arrow batch or lines of JSON.

use std::fmt::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use chrono::{DateTime, Datelike, Timelike};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The values of a column.
pub(crate) enum Values {
    /// Text.
    Text(Vec<String>),
    /// Lists of texts, or null.
    Lists(Vec<Option<Vec<String>>>),
    /// Whole numbers.
    Whole(Vec<i64>),
    /// True or false.
    Flags(Vec<bool>),
    /// Times in milliseconds of UTC.
    Times(Vec<i64>),
    /// Times in milliseconds of UTC, or null.
    OptionalTimes(Vec<Option<i64>>),
}

/// A named column.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// The columns of a block of rows, of one length.
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    /// Columns that belong to one table.
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self(columns.into_iter().collect())
    }

    pub(crate) fn rows(&self) -> usize {
        self.0.first().map_or(0, |column| column.values.len())
    }

    /// The columns as an Arrow batch.
    pub(crate) fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for Column { name, values } in &self.0 {
            let array = values.array();
            let nullable = matches!(values, Values::Lists(_) | Values::OptionalTimes(_));
            fields.push(Field::new(name, array.data_type().clone(), nullable));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// Appends a JSON object a row, each in a line of its own.
    pub(crate) fn write_lines(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        for row in 0..self.rows() {
            serde_json::to_writer(&mut *text, &Row { columns: &self.0, row })?;
            text.push(b'\n');
        }
        Ok(())
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Lists(values) => values.len(),
            Self::Whole(values) | Self::Times(values) => values.len(),
            Self::Flags(values) => values.len(),
            Self::OptionalTimes(values) => values.len(),
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(StringArray::from_iter_values(values)),
            Self::Lists(values) => {
                let item = Field::new("element", DataType::Utf8, false);
                let mut lists = ListBuilder::new(StringBuilder::new()).with_field(item);
                for list in values {
                    list.iter().flatten().for_each(|item| lists.values().append_value(item));
                    lists.append(list.is_some());
                }
                Arc::new(lists.finish())
            }
            Self::Whole(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Flags(values) => Arc::new(BooleanArray::from(values.clone())),
            Self::Times(values) => Arc::new(TimestampMillisecondArray::from(values.clone()).with_timezone("UTC")),
            Self::OptionalTimes(values) => {
                Arc::new(TimestampMillisecondArray::from(values.clone()).with_timezone("UTC"))
            }
        }
    }
}

/// A row as a JSON object.
struct Row<'a> {
    columns: &'a [Column],
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for Column { name, values } in self.columns {
            match values {
                Values::Text(values) => map.serialize_entry(name, &values[self.row])?,
                Values::Lists(values) => map.serialize_entry(name, &values[self.row])?,
                Values::Whole(values) => map.serialize_entry(name, &values[self.row])?,
                Values::Flags(values) => map.serialize_entry(name, &values[self.row])?,
                Values::Times(values) => map.serialize_entry(name, &Moment(values[self.row]))?,
                Values::OptionalTimes(values) => map.serialize_entry(name, &values[self.row].map(Moment))?,
            }
        }
        map.end()
    }
}

/// Milliseconds of UTC, as ISO 8601 has them: `2021-02-04T20:06:11.123Z`.
struct Moment(i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).ok_or(fmt::Error)?;
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let milliseconds = self.0.rem_euclid(1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}")?;
        f.write_char('Z')
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
