//! Export as Parquet, for pandas, polars and DuckDB.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use skimmer_formats::Id;
use skimmer_formats::columnar::{Column, ColumnarError, Field, Reader, ValueType, Values};

use super::cell::Meaning;
use super::{ExportError, selected};
use crate::progress::{Progress, Unit};

/// The most rows of a row group, unless one block alone has more. A row group is written a column at a time, so this
/// bounds the memory: one block of one column decoded, and one column of the row group compressed.
const GROUP_ROWS: u64 = 1 << 20;

/// Writes a file, or selected columns of it, as Parquet: zstd level 3, dictionaries, row groups of about a million rows.
///
/// Numbers keep their types (unsigned), lists are LISTs of required elements, ids are strings of 32 hexadecimal
/// digits, media and tweet types strings, and a reaction that did not happen is null.
///
/// # Errors
/// [`ExportError`].
pub fn export_parquet(
    reader: Reader,
    columns: Option<&[String]>,
    out: &mut (dyn Write + Send),
    progress: &dyn Progress,
) -> Result<(), ExportError> {
    let fields = selected(&reader, columns)?;
    let types = fields.iter().map(|&field| column_type(&reader.schema().fields[field], Meaning::of(&reader, field)));
    let types = types.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder(&reader.schema().kind).with_fields(types).build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .set_created_by(concat!("skimmer ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    progress.begin("export", Some((reader.blocks() * fields.len()) as u64), Unit::Items);
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for blocks in groups(&reader) {
        let mut group = file.next_row_group()?;
        for &field in &fields {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General("the schema has too few columns".into()).into());
            };
            for block in blocks.clone() {
                write_column(column.untyped(), &reader.read(block, field)?, Meaning::of(&reader, field))?;
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
fn column_type(field: &Field, meaning: Meaning) -> Result<Arc<Type>, ParquetError> {
    let unsigned = |bit_width| Some(LogicalType::integer(bit_width, false));
    let (physical, logical) = match field.value {
        _ if matches!(meaning, Meaning::Names(_)) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        ValueType::Bool => (PhysicalType::BOOLEAN, None),
        ValueType::U8 => (PhysicalType::INT32, unsigned(8)),
        ValueType::U16 => (PhysicalType::INT32, unsigned(16)),
        ValueType::U32 => (PhysicalType::INT32, unsigned(32)),
        ValueType::U64 => (PhysicalType::INT64, unsigned(64)),
        ValueType::F32 => (PhysicalType::FLOAT, None),
        ValueType::F64 => (PhysicalType::DOUBLE, None),
        ValueType::Id => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let repetition = match meaning {
        Meaning::ZeroIsNone if !field.list => Repetition::OPTIONAL,
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

fn write_column(writer: &mut ColumnWriter<'_>, column: &Column, meaning: Meaning) -> Result<(), ExportError> {
    let (levels, values) = match column {
        Column::Flat(values) => (None, values),
        Column::List { offsets, values } => (Some(list_levels(offsets)), values),
    };
    let (definition, repetition) = match &levels {
        Some((definition, repetition)) => (Some(definition.as_slice()), Some(repetition.as_slice())),
        None => (None, None),
    };
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
        (ColumnWriter::Int32ColumnWriter(writer), Values::U32(values)) if meaning == Meaning::ZeroIsNone => {
            let definition: Vec<i16> = values.iter().map(|&value| i16::from(value != 0)).collect();
            let values: Vec<i32> = values.iter().filter(|&&value| value != 0).map(|&value| value as i32).collect();
            writer.write_batch(&values, Some(&definition), None)?;
        }
        (ColumnWriter::Int32ColumnWriter(writer), Values::U32(values)) => {
            writer.write_batch(bytemuck::cast_slice(values), definition, repetition)?;
        }
        (ColumnWriter::Int64ColumnWriter(writer), Values::U64(values)) => {
            writer.write_batch(bytemuck::cast_slice(values), definition, repetition)?;
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
