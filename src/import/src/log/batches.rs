//! Logs that hold columns already: Parquet and Arrow.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use skimlog_formats::mapped::MappedFile;

use super::LogError;
use super::size::{BLOCK_ROWS, CHUNK};

/// Rows as they come, of the columns asked for.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// A log of columns that was opened.
pub(super) struct ColumnLog {
    path: PathBuf,
    /// The log's schema, all columns.
    pub(super) schema: SchemaRef,
    kind: Kind,
    map: Option<Arc<MappedFile>>,
}

enum Kind {
    Parquet(Box<ParquetRecordBatchReaderBuilder<Bytes>>),
    File(Bytes),
    Stream(Box<StreamReader<BufReader<Box<dyn Read + Send>>>>),
}

/// The bytes of a mapped file, which they keep mapped.
struct Mapped(Arc<MappedFile>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl ColumnLog {
    /// Opens a Parquet file.
    ///
    /// # Errors
    /// [`LogError::Damaged`].
    pub(super) fn parquet(file: File, path: &Path) -> Result<Self, LogError> {
        let (map, bytes) = map(file, path)?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .map_err(|error| damaged(path, "Parquet", &error.to_string()))?;
        let schema = Arc::clone(builder.schema());
        Ok(Self { path: path.to_owned(), schema, kind: Kind::Parquet(Box::new(builder)), map: Some(map) })
    }

    /// Opens an Arrow file.
    ///
    /// # Errors
    /// [`LogError::Damaged`].
    pub(super) fn arrow_file(file: File, path: &Path) -> Result<Self, LogError> {
        let (map, bytes) = map(file, path)?;
        let reader = FileReader::try_new(io::Cursor::new(bytes.clone()), None)
            .map_err(|error| damaged(path, "Arrow", &error.to_string()))?;
        let schema = reader.schema();
        Ok(Self { path: path.to_owned(), schema, kind: Kind::File(bytes), map: Some(map) })
    }

    /// Opens an Arrow stream.
    ///
    /// # Errors
    /// [`LogError::Damaged`].
    pub(super) fn arrow_stream(input: Box<dyn Read + Send>, path: &Path) -> Result<Self, LogError> {
        let reader =
            StreamReader::try_new_buffered(input, None).map_err(|error| damaged(path, "Arrow", &error.to_string()))?;
        let schema = reader.schema();
        Ok(Self { path: path.to_owned(), schema, kind: Kind::Stream(Box::new(reader)), map: None })
    }

    /// Bytes of the file, where it is one.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.map.as_ref().map(|map| map.len() as u64)
    }

    /// The rows of these top-level columns, in blocks.
    ///
    /// # Errors
    /// [`LogError::Damaged`].
    pub(super) fn blocks(self, columns: &[usize]) -> Result<ColumnBlocks, LogError> {
        let Self { path, kind, map, .. } = self;
        let (format, batches): (_, Batches) = match kind {
            Kind::Parquet(builder) => {
                let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
                let reader = builder.with_projection(mask).with_batch_size(CHUNK).build();
                ("Parquet", Box::new(reader.map_err(|error| damaged(&path, "Parquet", &error.to_string()))?))
            }
            Kind::File(bytes) => {
                let reader = FileReader::try_new(io::Cursor::new(bytes), Some(columns.to_vec()));
                ("Arrow", Box::new(reader.map_err(|error| damaged(&path, "Arrow", &error.to_string()))?))
            }
            // A stream has been read as far as its schema: its batches are narrowed one by one.
            Kind::Stream(reader) => {
                let columns = columns.to_vec();
                ("Arrow", Box::new(reader.map(move |batch| batch?.project(&columns))))
            }
        };
        Ok(ColumnBlocks { path, format, batches, rest: None, map, row: 0 })
    }
}

/// Blocks of rows, each but the last of [`BLOCK_ROWS`], as batches of at most [`CHUNK`].
pub(super) struct ColumnBlocks {
    path: PathBuf,
    format: &'static str,
    batches: Batches,
    /// What is left of a batch that did not fit into the last block.
    rest: Option<RecordBatch>,
    map: Option<Arc<MappedFile>>,
    row: u64,
}

impl ColumnBlocks {
    fn block(&mut self) -> Result<Option<Vec<RecordBatch>>, LogError> {
        let (mut block, mut room) = (Vec::new(), BLOCK_ROWS);
        while room > 0 {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => match self.batches.next() {
                    Some(batch) => self.checked(batch)?,
                    None => break,
                },
            };
            let rows = batch.num_rows().min(room).min(CHUNK);
            if rows < batch.num_rows() {
                self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
            }
            if rows > 0 {
                block.push(batch.slice(0, rows));
            }
            room -= rows;
            self.row += rows as u64;
        }
        // Pages that were read count as memory, and a log may be larger than that.
        if let Some(map) = &self.map {
            map.release(0..map.len());
        }
        Ok((!block.is_empty()).then_some(block))
    }

    /// A batch, if it and the file are whole.
    fn checked(&self, batch: Result<RecordBatch, ArrowError>) -> Result<RecordBatch, LogError> {
        let batch =
            batch.map_err(|error| damaged(&self.path, self.format, &format!("{error}, behind row {}", self.row)));
        match &self.map {
            Some(map) => map.checked(batch),
            None => batch,
        }
    }
}

impl Iterator for ColumnBlocks {
    type Item = Result<Vec<RecordBatch>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.block().transpose()
    }
}

fn map(file: File, path: &Path) -> Result<(Arc<MappedFile>, Bytes), LogError> {
    let map = MappedFile::of(file, path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
    let map = Arc::new(map);
    Ok((Arc::clone(&map), Bytes::from_owner(Mapped(map))))
}

fn damaged(path: &Path, format: &str, error: &str) -> LogError {
    let error = ["Parquet error: ", "Arrow: ", "Ipc error: ", "EOF: "]
        .into_iter()
        .fold(error, |error, prefix| error.strip_prefix(prefix).unwrap_or(error));
    let what = format!("is damaged or no {format} file: {error}; write or copy it again");
    LogError::Damaged { path: path.to_owned(), what }
}
