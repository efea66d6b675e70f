//! A dictionary of ids as a table of two columns: the id and the own id it stands for.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use skimlog_formats::columnar::Reader;
use skimlog_import::ids::IdDictionary;
use skimlog_runtime::progress::Progress;

use super::ExportError;
use super::cell::write_escaped;

/// The columns' names.
const COLUMNS: [&str; 2] = ["id", "text"];
/// Text is handed to the output in pieces of about this size, in bytes.
const PIECE: usize = 1 << 20;
/// Rows after which progress is reported.
const ADVANCE: u64 = 1 << 16;
/// Rows of a row group, and bytes of texts after which it ends.
const GROUP_ROWS: usize = 1 << 18;
const GROUP_BYTES: usize = 1 << 25;

/// Writes the table as text, separated by TAB, in the order of the ids.
pub(super) fn as_table(reader: Reader, out: &mut dyn Write, progress: &dyn Progress) -> Result<(), ExportError> {
    let mut text = COLUMNS.join("\t").into_bytes();
    text.push(b'\n');
    visit(reader, progress, |id, own| {
        text.extend_from_slice(id);
        text.push(b'\t');
        write_escaped(own, false, &mut text);
        text.push(b'\n');
        if text.len() >= PIECE {
            out.write_all(&text)?;
            text.clear();
        }
        Ok(())
    })?;
    Ok(out.write_all(&text)?)
}

/// Writes the table as Parquet, in the order of the ids.
pub(super) fn as_parquet(
    reader: Reader,
    properties: WriterPropertiesPtr,
    out: &mut (dyn Write + Send),
    progress: &dyn Progress,
) -> Result<(), ExportError> {
    let column = |name| {
        Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
            .with_repetition(Repetition::REQUIRED)
            .build()
            .map(Arc::new)
    };
    let columns = COLUMNS.map(column).into_iter().collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder(&reader.schema().kind).with_fields(columns).build()?;
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), properties)?;
    let (mut group, mut bytes, mut row) = ([Vec::new(), Vec::new()], 0, 0);
    visit(reader, progress, |id, own| {
        if std::str::from_utf8(own).is_err() {
            return Err(ExportError::NotText { column: COLUMNS[1].to_owned(), row });
        }
        row += 1;
        bytes += own.len();
        group[0].push(ByteArray::from(id.to_vec()));
        group[1].push(ByteArray::from(own.to_vec()));
        if group[0].len() == GROUP_ROWS || bytes >= GROUP_BYTES {
            write_group(&mut file, &mut group)?;
            bytes = 0;
        }
        Ok(())
    })?;
    if !group[0].is_empty() {
        write_group(&mut file, &mut group)?;
    }
    file.close()?;
    Ok(())
}

fn write_group(
    file: &mut SerializedFileWriter<&mut (dyn Write + Send)>,
    group: &mut [Vec<ByteArray>; 2],
) -> Result<(), ExportError> {
    let mut writer = file.next_row_group()?;
    for values in group {
        let mut column = writer.next_column()?;
        match column.as_mut().map(|column| column.untyped()) {
            Some(ColumnWriter::ByteArrayColumnWriter(writer)) => writer.write_batch(values, None, None)?,
            _ => return Err(ParquetError::General("a column is not of its schema's type".into()).into()),
        };
        column.map(|column| column.close()).transpose()?;
        values.clear();
    }
    writer.close()?;
    Ok(())
}

/// Calls `each` with the hexadecimal digits of every id and its text.
fn visit(
    reader: Reader,
    progress: &dyn Progress,
    mut each: impl FnMut(&[u8; 32], &[u8]) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut rows = 0;
    IdDictionary::new(reader)?.visit(|id, own| {
        rows += 1;
        if rows % ADVANCE == 0 {
            progress.advance(ADVANCE);
        }
        each(&id.to_hex(), own)
    })?;
    progress.advance(rows % ADVANCE);
    Ok(())
}
