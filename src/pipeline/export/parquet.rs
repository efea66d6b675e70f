//! Export as Parquet, for pandas, polars and DuckDB.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use skimlog_formats::Id;
use skimlog_formats::columnar::{Column, ColumnarError, Field, Reader, ValueType, Values};
use skimlog_import::ids::{self, Dictionaries, OwnIds};
use skimlog_runtime::progress::{Progress, Unit};

use super::{ExportError, Meaning, dictionary, selected};

/// The most rows of a row group, unless one block alone has more. A row group is written a column at a time, so this
/// bounds the memory: one block of one column decoded, and one column of the row group compressed; of a column of ids
/// with dictionaries, the own ids of the row group.
const GROUP_ROWS: u64 = 1 << 20;

/// What times become in Parquet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParquetTimes {
    /// `TIMESTAMP` in milliseconds of UTC, which is what other programs take for a time. 292 million years on either
    /// side of 1970 can be written.
    #[default]
    Timestamps,
    /// Unix seconds, as `INT64`: any time.
    Seconds,
}

/// Writes a file, or selected columns of it, as Parquet: zstd level 3, dictionaries, row groups of about a million
/// rows.
///
/// A whole dictionary of ids becomes a table of the ids and their texts. Of other files, numbers keep their types,
/// lists are LISTs of required elements, ids are strings of 32 hexadecimal digits or, where there are dictionaries, the
/// own ids, media and tweet types strings, times as `times` says, and the time of a reaction that did not happen is
/// null.
///
/// # Errors
/// [`ExportError`].
pub fn export_parquet(
    reader: Reader,
    columns: Option<&[String]>,
    times: ParquetTimes,
    dictionaries: &Dictionaries,
    out: &mut (dyn Write + Send),
    progress: &dyn Progress,
) -> Result<(), ExportError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .set_created_by(concat!("skimmer ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    if reader.schema().kind == ids::KIND && columns.is_none() {
        progress.begin("export", Some(reader.rows()), Unit::Records);
        dictionary::as_parquet(reader, Arc::new(properties), out, progress)?;
        progress.end();
        return Ok(());
    }
    let fields = selected(&reader, columns)?;
    let types =
        fields.iter().map(|&field| column_type(&reader.schema().fields[field], Meaning::of(&reader, field), times));
    let types = types.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder(&reader.schema().kind).with_fields(types).build()?;
    progress.begin("export", Some((reader.blocks() * fields.len()) as u64), Unit::Items);
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for blocks in groups(&reader) {
        let mut group = file.next_row_group()?;
        for &field in &fields {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General("the schema has too few columns".into()).into());
            };
            let mut own = OwnColumn::of(&reader, blocks.clone(), field, dictionaries)?;
            for block in blocks.clone() {
                let (values, meaning) = (reader.read(block, field)?, Meaning::of(&reader, field));
                let (name, first_row) = (&reader.schema().fields[field].name, reader.block_rows(block).start);
                match (column.untyped(), meaning) {
                    (ColumnWriter::Int64ColumnWriter(writer), Meaning::Time { .. }) => {
                        let column = TimeColumn { name, first_row, values: seconds(&values)?, meaning };
                        column.write(times, writer)?;
                    }
                    (ColumnWriter::ByteArrayColumnWriter(writer), _) if let Some(own) = &mut own => {
                        own.write(&values, (name, first_row), writer)?;
                    }
                    (writer, _) => write_column(writer, &values, meaning)?,
                }
                progress.advance(1);
            }
            column.close()?;
        }
        group.close()?;
    }
    file.close()?;
    progress.end();
    Ok(())
}

/// The own ids of a column of a row group, of which the blocks take theirs one after the other.
struct OwnColumn {
    own: OwnIds,
    /// How many were taken.
    taken: usize,
}

impl OwnColumn {
    /// `None` for another column than one of ids, and without dictionaries.
    fn of(
        reader: &Reader,
        blocks: Range<usize>,
        field: usize,
        dictionaries: &Dictionaries,
    ) -> Result<Option<Self>, ExportError> {
        if dictionaries.is_empty() || reader.schema().fields[field].value != ValueType::Id {
            return Ok(None);
        }
        let mut all: Vec<Id> = Vec::new();
        for block in blocks {
            if let Column::Flat(Values::Id(ids)) | Column::List { values: Values::Id(ids), .. } =
                reader.read(block, field)?
            {
                all.extend_from_slice(&ids);
            }
        }
        Ok(Some(Self { own: dictionaries.own_ids(&all)?, taken: 0 }))
    }

    /// Writes those of the next block; `name` is the column's, for an error.
    fn write(
        &mut self,
        column: &Column,
        (name, first_row): (&str, u64),
        writer: &mut ColumnWriterImpl<'_, ByteArrayType>,
    ) -> Result<(), ExportError> {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for place in 0..column.as_ref().values().len() {
            let own = self.own.get(self.taken + place);
            if std::str::from_utf8(own).is_err() {
                let row = first_row + row_of(column, place) as u64;
                return Err(ExportError::NotText { column: name.to_owned(), row });
            }
            text.extend_from_slice(own);
            ends.push(text.len());
        }
        self.taken += ends.len();
        let (text, mut start) = (ByteArray::from(text), 0);
        let value = |&end: &usize| {
            let first = std::mem::replace(&mut start, end);
            text.slice(first, end - first)
        };
        let values: Vec<ByteArray> = ends.iter().map(value).collect();
        let (definition, repetition) = levels(column).unzip();
        writer.write_batch(&values, definition.as_deref(), repetition.as_deref())?;
        Ok(())
    }
}

/// The row, from 0, of a value of a column.
fn row_of(column: &Column, place: usize) -> usize {
    match column {
        Column::Flat(_) => place,
        Column::List { offsets, .. } => offsets.partition_point(|&start| start as usize <= place) - 1,
    }
}

/// Neighbouring blocks that make a row group each.
fn groups(reader: &Reader) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for block in 0..reader.blocks() {
        let end = reader.block_rows(block).end;
        match groups.last_mut() {
            Some(group) if end - reader.block_rows(group.start).start <= GROUP_ROWS => group.end = block + 1,
            _ => groups.push(block..block + 1),
        }
    }
    groups
}

/// The Parquet type of a column.
fn column_type(field: &Field, meaning: Meaning, times: ParquetTimes) -> Result<Arc<Type>, ParquetError> {
    let unsigned = |bit_width| Some(LogicalType::integer(bit_width, false));
    let (physical, logical) = match field.value {
        _ if matches!(meaning, Meaning::Names(_)) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        _ if matches!(meaning, Meaning::Time { .. }) => (PhysicalType::INT64, times.logical_type()),
        ValueType::Bool => (PhysicalType::BOOLEAN, None),
        ValueType::U8 => (PhysicalType::INT32, unsigned(8)),
        ValueType::U16 => (PhysicalType::INT32, unsigned(16)),
        ValueType::U32 => (PhysicalType::INT32, unsigned(32)),
        ValueType::U64 => (PhysicalType::INT64, unsigned(64)),
        ValueType::I64 => (PhysicalType::INT64, None),
        ValueType::F32 => (PhysicalType::FLOAT, None),
        ValueType::F64 => (PhysicalType::DOUBLE, None),
        ValueType::Id => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let repetition = match meaning {
        Meaning::Time { none: Some(_) } if !field.list => Repetition::OPTIONAL,
        _ => Repetition::REQUIRED,
    };
    let of = |name: &str| {
        Type::primitive_type_builder(name, physical)
            .with_logical_type(logical.clone())
            .with_repetition(repetition)
            .build()
    };
    if !field.list {
        return Ok(Arc::new(of(&field.name)?));
    }
    let items = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(of("element")?)])
        .build()?;
    let list = Type::group_type_builder(&field.name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(items)])
        .build()?;
    Ok(Arc::new(list))
}

/// Definition and repetition levels of rows of required lists of required items.
fn list_levels(offsets: &[u32]) -> (Vec<i16>, Vec<i16>) {
    let (mut definition, mut repetition) = (Vec::new(), Vec::new());
    for pair in offsets.windows(2) {
        let length = (pair[1] - pair[0]) as usize;
        definition.extend(std::iter::repeat_n(i16::from(length > 0), length.max(1)));
        repetition.push(0);
        repetition.extend(std::iter::repeat_n(1, length.saturating_sub(1)));
    }
    (definition, repetition)
}

/// The levels of a column of lists.
fn levels(column: &Column) -> Option<(Vec<i16>, Vec<i16>)> {
    match column {
        Column::Flat(_) => None,
        Column::List { offsets, .. } => Some(list_levels(offsets)),
    }
}

fn write_column(writer: &mut ColumnWriter<'_>, column: &Column, meaning: Meaning) -> Result<(), ExportError> {
    let (Column::Flat(values) | Column::List { values, .. }) = column;
    let (definition, repetition) = levels(column).unzip();
    let (definition, repetition) = (definition.as_deref(), repetition.as_deref());
    match (writer, values) {
        (ColumnWriter::BoolColumnWriter(writer), Values::Bool(values)) => {
            writer.write_batch(values, definition, repetition)?;
        }
        (ColumnWriter::ByteArrayColumnWriter(writer), Values::Id(ids)) => {
            writer.write_batch(&hexadecimal(ids), definition, repetition)?;
        }
        (ColumnWriter::ByteArrayColumnWriter(writer), Values::U8(codes)) => {
            writer.write_batch(&named(codes, meaning)?, definition, repetition)?;
        }
        (ColumnWriter::Int32ColumnWriter(writer), Values::U8(values)) => {
            let values: Vec<i32> = values.iter().map(|&value| value.into()).collect();
            writer.write_batch(&values, definition, repetition)?;
        }
        (ColumnWriter::Int32ColumnWriter(writer), Values::U16(values)) => {
            let values: Vec<i32> = values.iter().map(|&value| value.into()).collect();
            writer.write_batch(&values, definition, repetition)?;
        }
        (ColumnWriter::Int32ColumnWriter(writer), Values::U32(values)) => {
            writer.write_batch(bytemuck::cast_slice(values), definition, repetition)?;
        }
        (ColumnWriter::Int64ColumnWriter(writer), Values::U64(values)) => {
            writer.write_batch(bytemuck::cast_slice(values), definition, repetition)?;
        }
        (ColumnWriter::Int64ColumnWriter(writer), Values::I64(values)) => {
            writer.write_batch(values, definition, repetition)?;
        }
        (ColumnWriter::FloatColumnWriter(writer), Values::F32(values)) => {
            writer.write_batch(values, definition, repetition)?;
        }
        (ColumnWriter::DoubleColumnWriter(writer), Values::F64(values)) => {
            writer.write_batch(values, definition, repetition)?;
        }
        _ => return Err(ParquetError::General("a column is not of its schema's type".into()).into()),
    }
    Ok(())
}

/// The values of a flat column of times in unix seconds.
fn seconds(column: &Column) -> Result<Vec<i64>, ParquetError> {
    match column {
        Column::Flat(Values::I64(times)) => Ok(times.clone()),
        Column::Flat(Values::U32(times)) => Ok(times.iter().map(|&time| time.into()).collect()),
        _ => Err(ParquetError::General("a column of times is not of its type".into())),
    }
}

/// A block of a column of times.
struct TimeColumn<'a> {
    name: &'a str,
    first_row: u64,
    values: Vec<i64>,
    meaning: Meaning,
}

impl TimeColumn<'_> {
    fn write(&self, times: ParquetTimes, writer: &mut ColumnWriterImpl<'_, Int64Type>) -> Result<(), ExportError> {
        let there = |&time: &i64| !self.meaning.is_none(time);
        let definition: Vec<i16> = self.values.iter().map(|time| i16::from(there(time))).collect();
        let values = (self.first_row..).zip(&self.values).filter(|(_, time)| there(time));
        let values = values.map(|(row, &time)| self.value(times, row, time)).collect::<Result<Vec<_>, _>>()?;
        let is_optional = self.meaning != Meaning::Time { none: None };
        writer.write_batch(&values, is_optional.then_some(&definition[..]), None)?;
        Ok(())
    }

    fn value(&self, times: ParquetTimes, row: u64, time: i64) -> Result<i64, ExportError> {
        match times {
            ParquetTimes::Seconds => Ok(time),
            ParquetTimes::Timestamps => time.checked_mul(1_000).ok_or_else(|| ExportError::Time {
                column: self.name.to_owned(),
                row,
                seconds: time,
            }),
        }
    }
}

impl ParquetTimes {
    fn logical_type(self) -> Option<LogicalType> {
        match self {
            Self::Timestamps => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            Self::Seconds => None,
        }
    }
}

/// Ids as strings that share one allocation.
fn hexadecimal(ids: &[Id]) -> Vec<ByteArray> {
    let text: Vec<u8> = ids.iter().flat_map(|id| id.to_hex()).collect();
    let text = ByteArray::from(text);
    (0..ids.len()).map(|index| text.slice(index * 32, 32)).collect()
}

/// The names that codes stand for.
fn named(codes: &[u8], meaning: Meaning) -> Result<Vec<ByteArray>, ExportError> {
    let Meaning::Names(names) = meaning else { return Ok(Vec::new()) };
    let names: Vec<ByteArray> = names.iter().map(|&name| ByteArray::from(name)).collect();
    let name = |&code: &u8| {
        let unknown = || ColumnarError::Shape(format!("code {code} has no name"));
        names.get(usize::from(code)).cloned().ok_or_else(unknown)
    };
    Ok(codes.iter().map(name).collect::<Result<_, _>>()?)
}
