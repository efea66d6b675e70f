//! A raw part as columns: parse and encode block by block on many threads, write in order.
//!
//! A block of 65,536 lines of text becomes a block of the output (of fewer rows if some lines are put into quarantine),
//! so that the output depends on the part alone. This stage knows nothing of the output's format: it takes the
//! format's `encode` and `append`.

mod rejected;

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use skimmer_formats::record::{
    FieldCount, Parsed, RecordBatch, RecordError, RecordOptions, RecordParser, RecordScanner, VOCABULARY,
};

use crate::progress::{Progress, Unit};
use crate::stream::{Block, LineBlocks, Pool, StreamError, ordered_map_with};
use crate::workspace::WorkspaceError;
use rejected::Rejected;

/// How parts are converted.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// Threads that parse and encode.
    pub threads: NonZeroUsize,
    /// Number of tokens in the vocabulary. A token id must be below.
    pub vocabulary: u32,
    /// How many fields every record has; `None`: as many as the first line with 24 or 20 fields.
    pub fields: Option<FieldCount>,
    /// What happens to lines that are no records.
    pub bad_records: BadRecords,
}

impl Default for ConvertOptions {
    /// One thread, the vocabulary of the data set, either number of fields, stop at a bad record.
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, vocabulary: VOCABULARY, fields: None, bad_records: BadRecords::Stop }
    }
}

/// What happens to lines that are no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecords {
    /// The first one is the end, with its place and what is wrong.
    Stop,
    /// They go, whole, to `<name>.tsv` in a directory, and their numbers and reasons to `<name>.reasons.tsv`.
    Quarantine {
        /// The directory, made if there is need.
        directory: PathBuf,
        /// The files' name, which no other part may have: a training and a validation part are often called the same.
        name: String,
        /// Most lines of a part to put there. One more is an error.
        most: u64,
    },
}

/// What a conversion came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ConvertSummary {
    /// Whether the records have reactions.
    #[serde(serialize_with = "field_number")]
    pub fields: FieldCount,
    /// Records converted.
    pub records: u64,
    /// Lines put into quarantine.
    pub rejected: u64,
    /// Bytes of raw text read, after unpacking.
    pub bytes_read: u64,
}

fn field_number<S: Serializer>(fields: &FieldCount, serializer: S) -> Result<S::Ok, S::Error> {
    fields.fields().serialize(serializer)
}

/// Why a part cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The part cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A line is no record.
    #[error("{}:{error}", path.display())]
    Record {
        /// The part.
        path: PathBuf,
        /// The line and what is wrong with it.
        error: Box<RecordError>,
    },
    /// More lines are no records than are allowed.
    #[error(
        "{}:{error}; that is one bad record more than max_bad_records ({most}), see all of them in {}",
        path.display(), rejected.display()
    )]
    TooManyBadRecords {
        /// The part.
        path: PathBuf,
        /// The first line too many and what is wrong with it.
        error: Box<RecordError>,
        /// How many were allowed.
        most: u64,
        /// The file with the bad lines.
        rejected: PathBuf,
    },
    /// A bad line cannot be put into quarantine.
    #[error("cannot write the rejected records to {}: {source}", path.display())]
    Quarantine {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of bad lines cannot be made, or not be put in its place.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The columns cannot be encoded or written.
    #[error("cannot write the columns of {}: {source}", path.display())]
    Write {
        /// The part.
        path: PathBuf,
        /// What the writer said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What a thread that converts keeps from block to block and from part to part.
#[derive(Debug, Default)]
pub struct Worker<S> {
    batch: RecordBatch,
    encoder: S,
}

/// Converts a part.
///
/// `open` makes the output as soon as the number of fields is known; `encode` turns a block's records into what `append`
/// adds to the output, on many threads at a time, each with a worker's memory of `workers`. Returns the output, still to be
/// finished, and a summary.
///
/// Equal text gives equal calls of `append` in equal order, whatever the number of threads.
///
/// # Errors
/// [`ConvertError`]; the output is then incomplete. Of several bad lines the first is named.
pub fn convert<W, S: Default + Send, B: Send, E: Error + Send + Sync + 'static>(
    blocks: LineBlocks,
    options: &ConvertOptions,
    workers: &Pool<Worker<S>>,
    open: impl FnOnce(FieldCount) -> Result<W, E>,
    encode: impl Fn(&mut S, &RecordBatch) -> Result<B, E> + Sync,
    append: impl Fn(&mut W, B) -> Result<(), E>,
    progress: &dyn Progress,
) -> Result<(W, ConvertSummary), ConvertError> {
    let path = blocks.path().to_owned();
    let mut rejected = match &options.bad_records {
        BadRecords::Stop => None,
        BadRecords::Quarantine { directory, name, most } => Some(Rejected::new(directory, name, *most)?),
    };
    let write_error = |source: E| ConvertError::Write { path: path.clone(), source: Box::new(source) };
    progress.begin(&format!("convert {}", path.display()), blocks.bytes(), Unit::Bytes);

    let mut blocks = blocks.peekable();
    let fields = match blocks.peek() {
        Some(Ok(first)) => settle_fields(first, &path, options)?,
        // A part that cannot be read fails below; one without any block has failed before.
        _ => options.fields.unwrap_or(FieldCount::Labelled),
    };
    let reading = Reading {
        path: &path,
        records: RecordOptions { fields: Some(fields), vocabulary: options.vocabulary },
        most_rejected: rejected.as_ref().map(Rejected::most),
    };
    let mut output: Option<W> = None;
    let mut open = Some(open);
    let mut summary = ConvertSummary { fields, records: 0, rejected: 0, bytes_read: 0 };
    let outcome = ordered_map_with(
        options.threads,
        blocks.map(|block| block.map_err(ConvertError::from)),
        || workers.take(),
        |worker, block| {
            let Worker { batch, encoder } = &mut **worker;
            let rejected = reading.read(&block, batch)?;
            let columns = if batch.rows > 0 { Some(encode(encoder, batch).map_err(write_error)?) } else { None };
            Ok(Converted { columns, records: batch.rows, bytes: block.text().len(), rejected })
        },
        |converted| {
            for bad in converted.rejected {
                if let Some(rejected) = &mut rejected {
                    rejected.add(&path, bad)?;
                }
            }
            if let Some(open) = open.take() {
                output = Some(open(fields).map_err(write_error)?);
            }
            if let (Some(output), Some(columns)) = (&mut output, converted.columns) {
                append(output, columns).map_err(write_error)?;
            }
            summary.records += converted.records as u64;
            summary.bytes_read += converted.bytes as u64;
            progress.advance(converted.bytes as u64);
            Ok(())
        },
    );
    // What was rejected is of use after an error, too.
    if let Some(rejected) = rejected {
        summary.rejected = rejected.finish()?;
    }
    progress.end();
    outcome?;
    let output = output.expect("a part that was read to its end has a block, and the first one opens the output");
    Ok((output, summary))
}

/// A block of the output and what is to be told of it.
struct Converted<B> {
    /// `None` if no line was a record.
    columns: Option<B>,
    records: usize,
    bytes: usize,
    rejected: Vec<BadLine>,
}

/// A line that is no record.
struct BadLine {
    error: RecordError,
    text: Vec<u8>,
}

/// How many fields the records have, from the first block.
fn settle_fields(first: &Block, path: &Path, options: &ConvertOptions) -> Result<FieldCount, ConvertError> {
    let seen = || first.text().split(|&byte| byte == b'\n').find_map(FieldCount::of_line);
    if let Some(fields) = options.fields.or_else(seen) {
        return Ok(fields);
    }
    let records = RecordOptions { fields: None, vocabulary: options.vocabulary };
    let outcome = RecordScanner::new(first.text(), records).read(&mut RecordBatch::default());
    let error = outcome.and_then(Result::err).expect("a line without 24 or 20 fields is no record");
    Err(ConvertError::Record { path: path.to_owned(), error: Box::new(error) })
}

/// How blocks are parsed.
struct Reading<'a> {
    path: &'a Path,
    records: RecordOptions,
    /// Most lines to put into quarantine; `None`: stop at the first.
    most_rejected: Option<u64>,
}

impl Reading<'_> {
    /// Reads a block's records into `batch`, in the place of what it held, and returns the bad lines.
    fn read(&self, block: &Block, batch: &mut RecordBatch) -> Result<Vec<BadLine>, ConvertError> {
        batch.clear();
        let mut rejected = Vec::new();
        if block.is_mapped() {
            let mut scanner = RecordScanner::starting_at(block.text(), self.records, block.line, block.offset);
            while let Some(outcome) = scanner.read(batch) {
                if let Err(error) = outcome {
                    rejected.push(self.keep(error, || scanner.line_text().to_vec())?);
                    if self.too_many(&rejected) {
                        break;
                    }
                }
            }
            return Ok(rejected);
        }
        let mut parser = RecordParser::starting_at(self.records, block.line, block.offset);
        let mut rest = block.text();
        while !rest.is_empty() && !self.too_many(&rejected) {
            let (taken, parsed) = parser.push(rest, batch);
            let (line, after) = rest.split_at(taken);
            rest = after;
            if let Parsed::Bad(error) = parsed {
                rejected.push(self.keep(error, || line.strip_suffix(b"\n").unwrap_or(line).to_vec())?);
            }
        }
        if rest.is_empty()
            && let Err(error) = parser.finish()
        {
            rejected.push(self.keep(error, || parser.line_text())?);
        }
        Ok(rejected)
    }

    fn keep(&self, error: RecordError, text: impl FnOnce() -> Vec<u8>) -> Result<BadLine, ConvertError> {
        match self.most_rejected {
            Some(_) => Ok(BadLine { error, text: text() }),
            None => Err(ConvertError::Record { path: self.path.to_owned(), error: Box::new(error) }),
        }
    }

    /// Whether a block has more bad lines than a whole part may have: then the rest of it does not matter.
    fn too_many(&self, rejected: &[BadLine]) -> bool {
        self.most_rejected.is_some_and(|most| rejected.len() as u64 > most)
    }
}

impl fmt::Display for ConvertSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {} fields from {} bytes", self.records, self.fields.fields(), self.bytes_read)?;
        if self.rejected > 0 {
            write!(f, ", {} lines rejected", self.rejected)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
