//! Rows written in the formats that logs are read in.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, RecordBatch as Rows};
use arrow_csv::WriterBuilder;
use arrow_ipc::writer::StreamWriter;
use arrow_json::LineDelimitedWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::log::LogFormat;

/// Rows of a Parquet row group.
const GROUP_ROWS: usize = 1 << 17;

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The output takes no more.
    #[error("cannot write the output: {0}")]
    Write(#[from] io::Error),
    /// The format does not hold a column.
    #[error(
        "{format} does not hold column `{column}`, which is of the type {data_type}: write ndjson, parquet or arrow"
    )]
    Column {
        /// The format.
        format: &'static str,
        /// The column.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// The writer of the format refuses.
    #[error("cannot write rows as {format}: {what}")]
    Format {
        /// The format.
        format: &'static str,
        /// What it says.
        what: String,
    },
}

/// Writes batches of rows, all of one schema, in a format. Text is written at once, so that who reads it need not wait.
pub struct RowWriter<W: Write + Send> {
    format: LogFormat,
    header: bool,
    out: Option<W>,
    /// Made with the first batch, whose schema it needs.
    columns: Option<Columnar<W>>,
}

enum Columnar<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Arrow(Box<StreamWriter<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    /// Writes to `out`; CSV and TSV with a line of names if `header`.
    pub fn new(format: LogFormat, header: bool, out: W) -> Self {
        Self { format, header, out: Some(out), columns: None }
    }

    /// Writes the next rows.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write(&mut self, rows: &Rows) -> Result<(), OutputError> {
        match self.format {
            LogFormat::Csv => self.separated(rows, b','),
            LogFormat::Tsv => self.separated(rows, b'\t'),
            LogFormat::Ndjson => {
                let mut text = Vec::new();
                let mut writer = LineDelimitedWriter::new(&mut text);
                writer.write(rows).and_then(|()| writer.finish()).map_err(|error| self.refused(&error))?;
                drop(writer);
                self.text(&text)
            }
            LogFormat::Parquet | LogFormat::Arrow => self.columns(rows),
        }
    }

    fn separated(&mut self, rows: &Rows, delimiter: u8) -> Result<(), OutputError> {
        let schema = rows.schema();
        if let Some(field) = schema.fields().iter().find(|field| field.data_type().is_nested()) {
            let (column, data_type) = (field.name().clone(), field.data_type().clone());
            return Err(OutputError::Column { format: self.format.name(), column, data_type });
        }
        let header = std::mem::take(&mut self.header);
        let mut text = Vec::new();
        let mut writer = WriterBuilder::new().with_header(header).with_delimiter(delimiter).build(&mut text);
        writer.write(rows).map_err(|error| self.refused(&error))?;
        drop(writer);
        self.text(&text)
    }

    fn text(&mut self, text: &[u8]) -> Result<(), OutputError> {
        if let Some(out) = self.out.as_mut().filter(|_| !text.is_empty()) {
            out.write_all(text)?;
            out.flush()?;
        }
        Ok(())
    }

    fn columns(&mut self, rows: &Rows) -> Result<(), OutputError> {
        if let Some(out) = self.out.take() {
            self.columns = Some(self.begin(out, &rows.schema())?);
        }
        let written = match &mut self.columns {
            Some(Columnar::Parquet(writer)) => writer.write(rows).map_err(|error| error.to_string()),
            Some(Columnar::Arrow(writer)) => writer.write(rows).map_err(|error| error.to_string()),
            None => Ok(()),
        };
        written.map_err(|what| OutputError::Format { format: self.format.name(), what })
    }

    fn begin(&self, out: W, schema: &Arc<Schema>) -> Result<Columnar<W>, OutputError> {
        if self.format == LogFormat::Arrow {
            let writer = StreamWriter::try_new(out, schema).map_err(|error| self.refused(&error))?;
            return Ok(Columnar::Arrow(Box::new(writer)));
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties));
        let writer = writer.map_err(|error| self.refused(&ArrowError::ParquetError(error.to_string())))?;
        Ok(Columnar::Parquet(Box::new(writer)))
    }

    fn refused(&self, error: &ArrowError) -> OutputError {
        OutputError::Format { format: self.format.name(), what: error.to_string() }
    }

    /// Ends the output.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn finish(mut self) -> Result<(), OutputError> {
        let format = self.format.name();
        let failed = |what: String| OutputError::Format { format, what };
        match self.columns.take() {
            Some(Columnar::Parquet(writer)) => writer.close().map(drop).map_err(|error| failed(error.to_string())),
            Some(Columnar::Arrow(mut writer)) => writer.finish().map_err(|error| failed(error.to_string())),
            None => Ok(self.out.as_mut().map_or(Ok(()), Write::flush)?),
        }
    }
}

/// Rows with further columns of numbers behind them, each as long as the rows.
///
/// # Panics
/// If a column is of another length.
pub fn with_numbers(rows: &Rows, columns: impl IntoIterator<Item = (String, Vec<f32>)>) -> Rows {
    let schema = rows.schema();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mut arrays: Vec<ArrayRef> = rows.columns().to_vec();
    for (name, numbers) in columns {
        fields.push(Arc::new(Field::new(name, DataType::Float32, false)));
        arrays.push(Arc::new(Float32Array::from(numbers)));
    }
    Rows::try_new(Arc::new(Schema::new(fields)), arrays).expect("all columns are of one length")
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;

    use super::*;

    fn written(format: LogFormat, header: bool) -> Vec<u8> {
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a,1", "b"]));
        let rows = Rows::try_from_iter([("id", ids)]).unwrap();
        let rows = with_numbers(&rows, [("like".to_owned(), vec![0.25, 1e-7])]);
        let mut out = Vec::new();
        let mut writer = RowWriter::new(format, header, &mut out);
        writer.write(&rows).unwrap();
        writer.write(&rows.slice(0, 1)).unwrap();
        writer.finish().unwrap();
        out
    }

    #[test]
    fn the_same_rows_in_every_format() {
        let text = |format, header| String::from_utf8(written(format, header)).unwrap();
        assert_eq!(text(LogFormat::Csv, true), "id,like\n\"a,1\",0.25\nb,1e-7\n\"a,1\",0.25\n");
        assert_eq!(text(LogFormat::Tsv, false), "a,1\t0.25\nb\t1e-7\na,1\t0.25\n");
        assert!(text(LogFormat::Ndjson, true).starts_with("{\"id\":\"a,1\",\"like\":0.25}\n{\"id\":\"b\""));
        assert!(written(LogFormat::Parquet, false).starts_with(b"PAR1"));
        assert_eq!(LogFormat::of_head(&written(LogFormat::Arrow, false)), Some(LogFormat::Arrow));
    }
}
