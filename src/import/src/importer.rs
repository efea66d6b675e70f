//! A log through its mapping: opened, read by many threads, as records.

use std::fmt;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch as Rows, new_null_array};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use skimlog_formats::Id;
use skimlog_formats::record::RecordBatch;
use skimlog_runtime::semaphore::Permit;

use crate::ids::{IdCollector, IdsError};
use crate::log::{BlockDecoder, BlockRows, BlockShape, Feed, Log, LogBlock, LogBlocks, LogError, LogFormat, row_text};
use crate::mapping::{LogField, Mapping};
use crate::rows::{IdSink, RowFault, RowReader, RowsError, Unnoted, find, top_level};
use crate::tokens::{TextTokenizer, TokenizerError};

/// A mapping and its tokenizer, for any number of logs.
#[derive(Clone)]
pub struct Importer {
    mapping: Arc<Mapping>,
    tokenizer: Option<Arc<TextTokenizer>>,
    vocabulary: u32,
}

/// Why a log cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Text cannot be cut into tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Ids cannot be noted.
    #[error(transparent)]
    Ids(#[from] IdsError),
    /// A column is of a type from which its field cannot be made.
    #[error("{0}")]
    Column(String),
}

/// A row that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its 1-based number in the log; of lines, empty ones included, the header of CSV not.
    pub row: u64,
    /// What is wrong with it, by field and column, and the remedy.
    pub what: String,
    /// The row as text: its line, or JSON.
    pub text: Vec<u8>,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.row, self.what)
    }
}

impl Importer {
    /// Opens the mapping's tokenizer. Token ids must be below `vocabulary`.
    ///
    /// # Errors
    /// [`TokenizerError`].
    pub fn new(mapping: Mapping, vocabulary: u32) -> Result<Self, TokenizerError> {
        let open = |options| TextTokenizer::open(options, vocabulary).map(Arc::new);
        let tokenizer = mapping.tokenizer.as_ref().map(open).transpose()?;
        Ok(Self { mapping: Arc::new(mapping), tokenizer, vocabulary })
    }

    /// The mapping.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Opens a log and cuts it into blocks. `format`: of the file, whatever its name and first bytes say.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(
        &self,
        path: &Path,
        format: Option<LogFormat>,
        permit: Option<Permit>,
    ) -> Result<(LogBlocks, BlockShape), LogError> {
        self.blocks(Log::open(path, format, Some(&self.mapping), permit)?)
    }

    /// Opens what is read from a pipe, as [`Importer::open`] does.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open_reader(
        &self,
        name: &Path,
        input: impl BufRead + Send + 'static,
        format: Option<LogFormat>,
    ) -> Result<(LogBlocks, BlockShape), LogError> {
        self.blocks(Log::of_reader(name, input, format, Some(&self.mapping), None)?)
    }

    /// Opens what comes through a pipe, in blocks of at most `rows` rows: those that are there do not wait for others.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open_pipe(
        &self,
        name: &Path,
        input: impl Feed + 'static,
        format: Option<LogFormat>,
        rows: usize,
    ) -> Result<(LogBlocks, BlockShape), LogError> {
        self.blocks(Log::of_pipe(name, input, format, &self.mapping, rows)?)
    }

    fn blocks(&self, log: Log) -> Result<(LogBlocks, BlockShape), LogError> {
        let schema = Arc::clone(log.schema());
        let columns = self.mapping.columns().map(|(_, column)| column);
        let columns = columns.chain(self.mapping.keep.iter().map(String::as_str));
        let columns: Vec<&str> = columns.filter_map(|column| top_level(&schema, column)).collect();
        log.blocks(&columns)
    }

    /// One thread's reader.
    pub fn reader(&self) -> LogReader {
        LogReader { mapping: Arc::clone(&self.mapping), rows: self.row_reader() }
    }

    /// One thread's reader of rows.
    pub(crate) fn row_reader(&self) -> RowReader {
        RowReader::new(Arc::clone(&self.mapping), self.tokenizer.as_ref(), self.vocabulary)
    }
}

/// Reads blocks of logs as records: one thread's memory for it.
pub struct LogReader {
    mapping: Arc<Mapping>,
    rows: RowReader,
}

impl LogReader {
    /// Reads a block's rows into `batch` in place of what it held, and returns those that are no records. There are no
    /// more of them than `most` and one; what follows is then not read. `ids` takes the texts of ids, if they are kept.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn read(
        &mut self,
        block: &LogBlock,
        shape: &BlockShape,
        ids: Option<&mut IdCollector<'_>>,
        most: u64,
        batch: &mut RecordBatch,
    ) -> Result<Vec<BadRow>, ImportError> {
        match ids {
            Some(ids) => self.read_with(block, shape, &mut Noted(ids), most, batch),
            None => self.read_with(block, shape, &mut Unnoted, most, batch),
        }
    }

    fn read_with<I: IdSink>(
        &mut self,
        block: &LogBlock,
        shape: &BlockShape,
        ids: &mut I,
        most: u64,
        batch: &mut RecordBatch,
    ) -> Result<Vec<BadRow>, ImportError>
    where
        ImportError: From<I::Error>,
    {
        batch.clear();
        let mut bad = Vec::new();
        let mut decoder = BlockDecoder::new(shape);
        decoder.decode(block, |rows| {
            if bad.len() as u64 > most {
                return Ok(());
            }
            match rows {
                BlockRows::Rows(first, rows) => {
                    let faults = self.rows.add(&rows, ids, batch).map_err(|error| import_error(error, &shape.path))?;
                    let room = (most as usize).saturating_add(1) - bad.len();
                    bad.extend(faults.iter().take(room).map(|fault| BadRow {
                        row: first + fault.row as u64,
                        what: self.what(fault),
                        text: row_text(&rows, fault.row),
                    }));
                }
                BlockRows::Bad(row, text, what) => bad.push(BadRow { row, what, text: text.to_vec() }),
            }
            Ok::<_, ImportError>(())
        })?;
        Ok(bad)
    }

    /// Shows a block's rows as records, at most `most` at once, beside the columns that name them.
    ///
    /// # Errors
    /// [`ImportError`], and what `each` returns.
    pub fn read_named<E: From<ImportError>>(
        &mut self,
        block: &LogBlock,
        shape: &BlockShape,
        most: usize,
        mut each: impl FnMut(NamedRecords) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut decoder = BlockDecoder::new(shape);
        let outcome = decoder.decode(block, |rows| match rows {
            BlockRows::Bad(row, text, what) => {
                let bad = vec![BadRow { row, what, text: text.to_vec() }];
                each(NamedRecords { first_row: row, records: RecordBatch::default(), names: None, bad })
                    .map_err(Stopped::Other)
            }
            BlockRows::Rows(first, rows) => (0..rows.num_rows()).step_by(most.max(1)).try_for_each(|start| {
                let slice = rows.slice(start, most.min(rows.num_rows() - start));
                let named = self.named(first + start as u64, &slice, &shape.path).map_err(Stopped::Import)?;
                each(named).map_err(Stopped::Other)
            }),
        });
        outcome.map_err(|stopped| match stopped {
            Stopped::Import(error) => error.into(),
            Stopped::Other(error) => error,
        })
    }

    fn named(&mut self, first: u64, rows: &Rows, log: &Path) -> Result<NamedRecords, ImportError> {
        let mut records = RecordBatch::default();
        let added = self.rows.add(rows, &mut Unnoted, &mut records);
        let faults = added.map_err(|error| import_error(error, log))?;
        let bad = faults.iter().map(|fault| BadRow {
            row: first + fault.row as u64,
            what: self.what(fault),
            text: row_text(rows, fault.row),
        });
        let bad: Vec<BadRow> = bad.collect();
        let mut good = vec![true; rows.num_rows()];
        faults.iter().for_each(|fault| good[fault.row] = false);
        let names = names(&self.mapping, &without(rows, &good));
        Ok(NamedRecords { first_row: first, records, names: Some(names), bad })
    }

    fn what(&self, fault: &RowFault) -> String {
        let RowFault { field, what, .. } = fault;
        match self.mapping.column(*field) {
            Some(column) => format!("column `{column}` ({}): {what}", field.name()),
            None => format!("{}: {what}", field.name()),
        }
    }
}

/// Rows that name records.
pub type NameRows = Rows;

/// Records with what their log calls them.
pub struct NamedRecords {
    /// 1-based number of the first row.
    pub first_row: u64,
    /// The records.
    pub records: RecordBatch,
    /// A row for each: the ids of post and reader under the names of their columns, then the columns that are kept.
    pub names: Option<Rows>,
    /// Rows that are no records.
    pub bad: Vec<BadRow>,
}

/// Why the rows of a block are not read to the end.
enum Stopped<E> {
    Import(ImportError),
    Other(E),
}

impl<E> From<LogError> for Stopped<E> {
    fn from(error: LogError) -> Self {
        Self::Import(error.into())
    }
}

/// The rows that are good.
fn without(rows: &Rows, good: &[bool]) -> Rows {
    if good.iter().all(|&good| good) {
        return rows.clone();
    }
    filter_record_batch(rows, &BooleanArray::from(good.to_vec())).expect("a mask as long as the batch")
}

/// The columns that name rows: of the post, of the reader, and those that are kept. A name that is there twice, or a
/// column that is not, is left out.
fn names(mapping: &Mapping, rows: &Rows) -> Rows {
    let ids = [(LogField::Tweet, "tweet_id"), (LogField::Reader, "reader_id")]
        .map(|(field, name)| mapping.column(field).unwrap_or(name));
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for name in ids.into_iter().chain(mapping.keep.iter().map(String::as_str)) {
        if columns.iter().all(|(known, _)| *known != name) {
            let null = || new_null_array(&DataType::Utf8, rows.num_rows());
            columns.push((name, find(rows, name).unwrap_or_else(null)));
        }
    }
    Rows::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("columns of one batch are of one length")
}

pub(crate) fn import_error<E>(error: RowsError<E>, log: &Path) -> ImportError
where
    ImportError: From<E>,
{
    match error {
        RowsError::Tokenizer(error) => error.into(),
        RowsError::Ids(error) => error.into(),
        RowsError::Column { field, column, what } => {
            ImportError::Column(format!("{}: column `{column}` ({}) {what}", log.display(), field.name()))
        }
    }
}

/// Notes the texts of ids in a dictionary.
struct Noted<'c, 'b>(&'c mut IdCollector<'b>);

impl IdSink for Noted<'_, '_> {
    type Error = IdsError;

    fn id(&mut self, text: &str) -> Result<Id, IdsError> {
        self.0.add(text.as_bytes())
    }
}

impl From<std::convert::Infallible> for ImportError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
