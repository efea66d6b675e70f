//! Raw parts as columns: parse and encode block by block on many threads, write in order.
//!
//! A block of 65,536 lines of text becomes a block of the output (of fewer rows if some lines are put into quarantine),
//! so that the output depends on the part alone. The blocks of all parts are one stream: no thread waits for the last
//! block of a part before it begins with the next. This stage knows nothing of the output's format but [`Format`].

mod rejected;
mod source;
mod unusual;

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Serialize, Serializer};
use skimlog_formats::record::{FieldCount, RecordBatch, RecordError, VOCABULARY};

use rejected::Rejected;
use skimlog_runtime::files::FileError;
use skimlog_runtime::ordered::ordered_map_with;
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_runtime::stream::{Block, LineBlocks, StreamError};
use source::{Item, Part, Source};
pub use unusual::Unusual;

/// How a part is converted.
#[derive(Clone, Debug)]
pub struct ConvertOptions {
    /// Number of tokens in the vocabulary. A token id must be below.
    pub vocabulary: u32,
    /// How many fields every record has; `None`: as many as the first line with 24 or 20 fields.
    pub fields: Option<FieldCount>,
    /// What happens to lines that are no records.
    pub bad_records: BadRecords,
}

impl Default for ConvertOptions {
    /// The vocabulary of the data set, either number of fields, stop at a bad record.
    fn default() -> Self {
        Self { vocabulary: VOCABULARY, fields: None, bad_records: BadRecords::Stop }
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
    /// What is implausible about the records, which are converted as they are.
    pub unusual: Unusual,
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
    Workspace(#[from] FileError),
    /// A part that is converted already is a test part.
    #[error(
        "{}: its records have 20 fields, without reactions: a part to learn from or to measure on has 24",
        path.display()
    )]
    NoReactions {
        /// The part.
        path: PathBuf,
    },
    /// A part that is converted already was converted with another vocabulary.
    #[error(
        "{}: it holds the token {token}, which is not below vocabulary_size ({vocabulary}): raise vocabulary_size",
        path.display()
    )]
    Token {
        /// The part.
        path: PathBuf,
        /// The token.
        token: u32,
        /// The number of tokens.
        vocabulary: u32,
    },
    /// The columns cannot be encoded or written.
    #[error("cannot write the columns of {}: {source}", path.display())]
    Write {
        /// The part.
        path: PathBuf,
        /// What the writer said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What parts are converted into.
pub trait Format: Sync {
    /// A part's output under way.
    type Output;
    /// What a thread keeps from block to block; what it makes of a block must not depend on it.
    type Encoder: Default;
    /// What is added to the output for a block.
    type Columns: Send;
    /// Why the output cannot be made.
    type Error: Error + Send + Sync + 'static;

    /// Makes the output of a part, which is known by its place among the parts.
    ///
    /// # Errors
    /// What the format says.
    fn open(&self, part: usize, fields: FieldCount) -> Result<Self::Output, Self::Error>;

    /// Turns the records of a block into what [`Format::append`] takes, on many threads at a time.
    ///
    /// # Errors
    /// What the format says.
    fn encode(&self, encoder: &mut Self::Encoder, records: &RecordBatch) -> Result<Self::Columns, Self::Error>;

    /// Adds a block to the output.
    ///
    /// # Errors
    /// What the format says.
    fn append(&self, output: &mut Self::Output, columns: Self::Columns) -> Result<(), Self::Error>;

    /// Notes that the part's last record had no newline.
    fn without_final_newline(&self, output: &mut Self::Output);
}

/// Converts parts one after the other on so many threads, and hands each output, still to be finished, to `finished`
/// with a summary. `parts` is asked for the next part as soon as the last block of the one before is under way.
///
/// Equal text gives equal calls of [`Format::append`] in equal order, whatever the number of threads.
///
/// # Errors
/// Those of `parts` and `finished`, and [`ConvertError`]; the part's output is then incomplete. Of several bad lines the
/// first is named, and all parts before it have been finished.
pub fn convert<F: Format, E: From<ConvertError> + Send>(
    parts: impl Iterator<Item = Result<(LineBlocks, ConvertOptions), E>> + Send,
    threads: NonZeroUsize,
    format: &F,
    mut finished: impl FnMut(F::Output, ConvertSummary) -> Result<(), E>,
    progress: &dyn Progress,
) -> Result<(), E> {
    let mut sink = Sink { format, progress, parts: 0, open: None };
    let now = seconds_now();
    let outcome = ordered_map_with(
        threads,
        Source::new(parts),
        || (RecordBatch::default(), F::Encoder::default()),
        |(batch, encoder), item| match item {
            Item::End => Ok(None),
            Item::Lines(part, block) => {
                let rejected = part.read(&block, batch)?;
                let mut unusual = Unusual::of(batch, now);
                unusual.no_final_newline = !block.text().ends_with(b"\n") && !ends_in(&rejected, &block);
                let bytes = block.text().len();
                // The text goes before its columns are made: the next part may be waiting for room in memory.
                drop(block);
                let columns = match batch.rows {
                    0 => None,
                    _ => Some(format.encode(encoder, batch).map_err(|source| part.write_error(source))?),
                };
                Ok(Some(Converted { part, columns, records: batch.rows, bytes, rejected, unusual }))
            }
        },
        |converted| match converted {
            Some(converted) => Ok(sink.add(converted)?),
            None => {
                let (output, summary) = sink.close()?;
                let output = output.expect("a part that was read to its end has a block, which opened the output");
                finished(output, summary)
            }
        },
    );
    // What was rejected is of use after an error, too.
    if sink.open.is_some() {
        sink.close()?;
    }
    outcome
}

/// A block of the output and what is to be told of it.
struct Converted<B> {
    part: Arc<Part>,
    /// `None` if no line was a record.
    columns: Option<B>,
    records: usize,
    bytes: usize,
    rejected: Vec<BadLine>,
    unusual: Unusual,
}

/// A line that is no record.
struct BadLine {
    error: RecordError,
    text: Vec<u8>,
}

/// Where blocks go, in order.
struct Sink<'a, F: Format> {
    format: &'a F,
    progress: &'a dyn Progress,
    /// How many parts have been opened.
    parts: usize,
    open: Option<OpenPart<F::Output>>,
}

/// A part under way.
struct OpenPart<W> {
    name: PathBuf,
    output: Option<W>,
    rejected: Option<Rejected>,
    summary: ConvertSummary,
}

impl<F: Format> Sink<'_, F> {
    fn add(&mut self, converted: Converted<F::Columns>) -> Result<(), ConvertError> {
        let Converted { part, columns, records, bytes, rejected, unusual } = converted;
        let number = self.parts;
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                self.parts += 1;
                self.progress.begin(&format!("convert {}", part.path.display()), part.bytes, Unit::Bytes);
                let (fields, unusual) = (part.fields, Unusual::default());
                let summary = ConvertSummary { fields, records: 0, rejected: 0, bytes_read: 0, unusual };
                let (name, rejected) = (part.path.clone(), Rejected::of(&part.bad_records)?);
                let open = none.insert(OpenPart { name, output: None, rejected, summary });
                open.output = Some(self.format.open(number, part.fields).map_err(|source| part.write_error(source))?);
                open
            }
        };
        for bad in rejected {
            if let Some(rejected) = &mut open.rejected {
                rejected.add(&part.path, bad)?;
            }
        }
        if let (Some(output), Some(columns)) = (&mut open.output, columns) {
            self.format.append(output, columns).map_err(|source| part.write_error(source))?;
            if unusual.no_final_newline {
                self.format.without_final_newline(output);
            }
        }
        open.summary.unusual.add(&unusual);
        open.summary.records += records as u64;
        open.summary.bytes_read += bytes as u64;
        self.progress.advance(bytes as u64);
        Ok(())
    }

    /// Closes the part under way; there must be one.
    fn close(&mut self) -> Result<(Option<F::Output>, ConvertSummary), ConvertError> {
        let OpenPart { name, output, rejected, mut summary } =
            self.open.take().expect("a part has a block before its end");
        self.progress.end();
        summary.unusual.tell(&name, self.progress);
        if let Some(rejected) = rejected {
            summary.rejected = rejected.finish()?;
        }
        Ok((output, summary))
    }
}

/// Whether the last line of a block is a bad one.
fn ends_in(rejected: &[BadLine], block: &Block) -> bool {
    let end = block.offset + block.text().len() as u64;
    rejected.last().is_some_and(|bad| bad.error.offset + bad.error.length as u64 == end)
}

/// The time, in unix seconds.
pub(super) fn seconds_now() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64)
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
