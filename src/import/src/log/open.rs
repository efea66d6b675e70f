//! Opening a log: what is it, and how is it packed?

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use skimlog_formats::mapped::MappedFile;
use skimlog_runtime::semaphore::Permit;
use skimlog_runtime::stream::{Content, LineBlocks, head, unpack};

use super::batches::ColumnLog;
use super::csv::{CsvBlocks, Dialect};
use super::format::{ARROW_FILE, BYTE_ORDER_MARK};
use super::{BLOCK_SIZE, Log, LogError, LogFormat, Source, csv, json};
use crate::mapping::Mapping;
use crate::rows::check_schema;

/// Bytes of a file that are read at once.
const READ_AHEAD: usize = 1 << 17;
/// Bytes of the first lines of NDJSON from which its shape is seen.
const SAMPLE_BYTES: u64 = 4 << 20;

impl Log {
    /// Opens a file: packed with zstd, gzip or lzop or not, and in this format, or in the one that its name or its
    /// first bytes say. Its columns are compared with those that the mapping takes; without one, all are read.
    ///
    /// # Errors
    /// [`LogError`]: unreadable, empty, of an unknown format, damaged, or without a column that the mapping names.
    pub fn open(
        path: &Path,
        format: Option<LogFormat>,
        mapping: Option<&Mapping>,
        permit: Option<Permit>,
    ) -> Result<Self, LogError> {
        let failed = |source| LogError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let is_file = file.metadata().map_err(failed)?.is_file();
        let format = format.or_else(|| LogFormat::of_name(path));
        if is_file {
            let first = head(&mut file).map_err(failed)?;
            file.rewind().map_err(failed)?;
            if !matches!(Content::of(&first), Content::Packed(_)) {
                let format = settle(path, format, &first)?;
                return Self::of_file(file, &first, path, format, mapping, permit);
            }
        }
        Self::of_reader(path, BufReader::with_capacity(READ_AHEAD, file), format, mapping, permit)
    }

    /// Opens what can be read from a pipe, as [`Log::open`] does. `name` stands for it in messages. What cannot be read
    /// from a pipe (Parquet, an Arrow file) is put into an unnamed file first.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn of_reader(
        name: &Path,
        mut input: impl BufRead + Send + 'static,
        format: Option<LogFormat>,
        mapping: Option<&Mapping>,
        permit: Option<Permit>,
    ) -> Result<Self, LogError> {
        let failed = |source| LogError::Read { path: name.to_owned(), source };
        let first = head(&mut input).map_err(failed)?;
        let mut input: Box<dyn Read + Send> = match Content::of(&first) {
            Content::Packed(packing) => unpack(packing, Cursor::new(first).chain(input)).map_err(failed)?,
            _ => Box::new(Cursor::new(first).chain(input)),
        };
        let first = head(&mut input).map_err(failed)?;
        let format = settle(name, format, &first)?;
        let mut input = Cursor::new(first.clone()).chain(input);
        if format.is_text() || format == LogFormat::Arrow && !first.starts_with(ARROW_FILE) {
            return Self::of_stream(Box::new(input), name, format, mapping, permit);
        }
        let mut file = tempfile::tempfile().map_err(failed)?;
        io::copy(&mut input, &mut file).and_then(|_| file.rewind()).map_err(failed)?;
        Self::of_file(file, &first, name, format, mapping, permit)
    }

    fn of_file(
        file: File,
        first: &[u8],
        path: &Path,
        format: LogFormat,
        mapping: Option<&Mapping>,
        permit: Option<Permit>,
    ) -> Result<Self, LogError> {
        let columns = match format {
            LogFormat::Parquet => ColumnLog::parquet(file, path)?,
            LogFormat::Arrow if first.starts_with(ARROW_FILE) => ColumnLog::arrow_file(file, path)?,
            LogFormat::Ndjson => return Self::of_lines(file, path, mapping, permit),
            _ => {
                let input = BufReader::with_capacity(READ_AHEAD, file);
                return Self::of_stream(Box::new(input), path, format, mapping, permit);
            }
        };
        let schema = Arc::clone(&columns.schema);
        Self::checked(path, format, schema, Source::Columns(columns), mapping, permit)
    }

    fn of_stream(
        mut input: Box<dyn Read + Send>,
        path: &Path,
        format: LogFormat,
        mapping: Option<&Mapping>,
        permit: Option<Permit>,
    ) -> Result<Self, LogError> {
        let failed = |source| LogError::Read { path: path.to_owned(), source };
        match format {
            LogFormat::Csv | LogFormat::Tsv => {
                let options = mapping.map(|mapping| mapping.csv).unwrap_or_default();
                let usual = if format == LogFormat::Tsv { b'\t' } else { b',' };
                let dialect = Dialect { delimiter: options.delimiter.unwrap_or(usual), unquoted: options.unquoted };
                let (blocks, names) = CsvBlocks::open(path, input, dialect)?;
                let source = Source::Csv(blocks, dialect);
                Self::checked(path, format, csv::schema_of(&names), source, mapping, permit)
            }
            LogFormat::Ndjson => {
                let mut sample = Vec::new();
                input.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample).map_err(failed)?;
                let schema = sampled(&sample, path, mapping)?;
                let skipped = mark(&sample);
                let input = Cursor::new(sample.split_off(skipped)).chain(input);
                let blocks = LineBlocks::of_lines(path, input, BLOCK_SIZE, None);
                let lines = Box::new(blocks.map(|block| Ok(block?)));
                Self::checked(path, format, schema, Source::Lines(lines, None), mapping, permit)
            }
            _ => {
                let columns = ColumnLog::arrow_stream(input, path)?;
                let schema = Arc::clone(&columns.schema);
                Self::checked(path, format, schema, Source::Columns(columns), mapping, permit)
            }
        }
    }

    /// A plain file of lines, mapped.
    fn of_lines(file: File, path: &Path, mapping: Option<&Mapping>, permit: Option<Permit>) -> Result<Self, LogError> {
        let map = MappedFile::of(file, path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
        let sample = &map[..map.len().min(SAMPLE_BYTES as usize)];
        if mark(sample) > 0 {
            // The mark is cut off where the file is read.
            let file = File::open(path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
            return Self::of_stream(Box::new(file), path, LogFormat::Ndjson, mapping, permit);
        }
        let schema = map.checked(sampled(sample, path, mapping))?;
        let bytes = map.len() as u64;
        let blocks = LineBlocks::of_map(map, BLOCK_SIZE, None);
        let lines = Box::new(blocks.map(|block| Ok(block?)));
        Self::checked(path, LogFormat::Ndjson, schema, Source::Lines(lines, Some(bytes)), mapping, permit)
    }

    fn checked(
        path: &Path,
        format: LogFormat,
        schema: arrow_schema::SchemaRef,
        source: Source,
        mapping: Option<&Mapping>,
        permit: Option<Permit>,
    ) -> Result<Self, LogError> {
        if let Some(problems) = mapping.and_then(|mapping| check_schema(&schema, mapping, path)) {
            return Err(LogError::Schema(problems));
        }
        Ok(Self { path: path.to_owned(), format, schema, source, permit: permit.map(Arc::new) })
    }
}

/// The format that was given or that the name says, or else what the first bytes say.
fn settle(path: &Path, format: Option<LogFormat>, first: &[u8]) -> Result<LogFormat, LogError> {
    if first.is_empty() {
        return Err(LogError::Empty { path: path.to_owned() });
    }
    let seen = LogFormat::of_head(first);
    let Some(format) = format.or(seen) else {
        return Err(LogError::Format { path: path.to_owned(), names: LogFormat::ALL.map(LogFormat::name).join(", ") });
    };
    let other = match seen {
        Some(seen @ (LogFormat::Parquet | LogFormat::Arrow)) if seen != format => seen.name(),
        // Arrow streams of early versions begin with a small number.
        _ if !format.is_text() && first.iter().take(8).all(|&byte| is_printable(byte)) && seen != Some(format) => {
            "text"
        }
        _ => return Ok(format),
    };
    let what = format!("is {other}, and not {}: name it by its format, or give that (--format)", format.name());
    Err(LogError::Damaged { path: path.to_owned(), what })
}

const fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// Bytes of a byte order mark.
fn mark(text: &[u8]) -> usize {
    if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

/// The columns of NDJSON, from its first whole lines.
fn sampled(sample: &[u8], path: &Path, mapping: Option<&Mapping>) -> Result<arrow_schema::SchemaRef, LogError> {
    let sample = &sample[mark(sample)..];
    let whole = memchr::memrchr(b'\n', sample).map_or(sample.len(), |end| end + 1);
    let schema = json::schema_of(&sample[..whole], mapping);
    schema.map_err(|what| LogError::Damaged { path: path.to_owned(), what })
}
