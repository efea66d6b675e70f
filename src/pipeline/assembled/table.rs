//! Rows as a Parquet or an Arrow file.

use std::collections::HashMap;
use std::io::{BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use skimlog_features::input::{FLAGS, Flag, Languages, NUMBERS, number_names};
use skimlog_formats::{Id, Reaction};
use skimlog_import::ids::Dictionaries;
use skimlog_runtime::files::AtomicFile;

use super::rows::{LABELS, Rows};
use super::{AssembleError, Content};

/// Bytes of values in a row group, about, and the most rows.
const GROUP_BYTES: usize = 64 << 20;
const GROUP_ROWS: usize = 1 << 17;
/// Ids and what comes with them take about so many bytes a row.
const KEY_BYTES: usize = 128;

/// The columns of the output, with metadata.
fn schema(content: &Content, labelled: bool, languages: &Languages) -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, false);
    let mut fields = vec![field("tweet_id", DataType::Utf8), field("reader_id", DataType::Utf8)];
    if labelled {
        fields.extend(Reaction::NETWORK_ORDER.map(|reaction| field(reaction.name(), DataType::Boolean)));
    }
    if let Content::Features { .. } = content {
        fields.extend(number_names().map(|name| field(&name, DataType::Float64)));
        fields.extend(Flag::ALL.map(|flag| field(flag.name(), DataType::Boolean)));
    }
    fields.extend(["language", "hour", "day"].map(|name| field(name, DataType::Int64)));
    if let Some(width) = content.matrix_width() {
        fields.push(field(content.matrix_name(), DataType::FixedSizeList(item(), width as i32)));
    }
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let metadata = content.metadata(languages).into_iter().map(|(key, value)| (key.to_owned(), text(value)));
    Arc::new(Schema::new_with_metadata(fields, metadata.collect::<HashMap<_, _>>()))
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Float32, false))
}

/// Rows as a batch of the output's schema.
pub(super) fn batch(
    rows: &Rows,
    content: &Content,
    labelled: bool,
    own: &Dictionaries,
    schema: SchemaRef,
) -> Result<RecordBatch, AssembleError> {
    let ids = |ids: &[Id]| -> Result<ArrayRef, AssembleError> {
        let own = own.own_ids(ids)?;
        Ok(Arc::new(StringArray::from_iter_values(own.iter().map(String::from_utf8_lossy))))
    };
    let mut columns = vec![ids(&rows.tweets)?, ids(&rows.readers)?];
    let flags = |values: &mut dyn Iterator<Item = bool>| -> ArrayRef {
        Arc::new(BooleanArray::from(values.collect::<Vec<bool>>()))
    };
    if labelled {
        columns.extend((0..LABELS).map(|column| flags(&mut rows.label(column))));
    }
    if let Content::Features { .. } = content {
        let number = |column| -> ArrayRef { Arc::new(Float64Array::from_iter_values(rows.number(column))) };
        columns.extend((0..NUMBERS).map(number));
        columns.extend((0..FLAGS).map(|column| flags(&mut rows.flag(column))));
    }
    for ids in [&rows.language, &rows.hour, &rows.day] {
        columns.push(Arc::new(Int64Array::from(ids.clone())));
    }
    if let Some(width) = content.matrix_width() {
        let values = Arc::new(Float32Array::from(rows.matrix.clone()));
        columns.push(Arc::new(FixedSizeListArray::try_new(item(), width as i32, values, None)?));
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

type Out = BufWriter<AtomicFile>;

enum Writer {
    Parquet(ArrowWriter<Out>),
    Arrow(FileWriter<Out>),
}

/// A table being written.
pub(super) struct TableFile {
    path: PathBuf,
    schema: SchemaRef,
    writer: Writer,
}

impl TableFile {
    /// A Parquet file: zstd level 3, row groups of about 64 MB of values.
    pub(super) fn parquet(
        path: &Path,
        content: &Content,
        labelled: bool,
        languages: &Languages,
    ) -> Result<Self, AssembleError> {
        let schema = schema(content, labelled, languages);
        let out = BufWriter::new(AtomicFile::create(path)?);
        let row = KEY_BYTES + 8 * NUMBERS + 4 * content.matrix_width().unwrap_or(0);
        let create = || {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                .set_max_row_group_row_count(Some((GROUP_BYTES / row).clamp(1, GROUP_ROWS)))
                .set_created_by(concat!("skimmer ", env!("CARGO_PKG_VERSION")).to_owned())
                .build();
            ArrowWriter::try_new(out, schema.clone(), Some(properties))
        };
        let writer = create().map_err(|source| AssembleError::Parquet { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), schema, writer: Writer::Parquet(writer) })
    }

    /// An Arrow IPC file, not compressed, so that it can be mapped.
    pub(super) fn arrow(
        path: &Path,
        content: &Content,
        labelled: bool,
        languages: &Languages,
    ) -> Result<Self, AssembleError> {
        let schema = schema(content, labelled, languages);
        let out = BufWriter::new(AtomicFile::create(path)?);
        let writer = FileWriter::try_new(out, &schema)?;
        Ok(Self { path: path.to_owned(), schema, writer: Writer::Arrow(writer) })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Appends rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), AssembleError> {
        match &mut self.writer {
            Writer::Parquet(writer) => writer.write(batch).map_err(|source| refused(&self.path, source)),
            Writer::Arrow(writer) => Ok(writer.write(batch)?),
        }
    }

    /// Ends the file and gives it its name.
    pub(super) fn finish(self) -> Result<(), AssembleError> {
        let out = match self.writer {
            Writer::Parquet(writer) => writer.into_inner().map_err(|source| refused(&self.path, source))?,
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?
            }
        };
        let file = out.into_inner().map_err(IntoInnerError::into_error);
        Ok(file.map_err(|source| AssembleError::Write { path: self.path, source })?.commit()?)
    }
}

fn refused(path: &Path, source: ParquetError) -> AssembleError {
    AssembleError::Parquet { path: path.to_owned(), source }
}
