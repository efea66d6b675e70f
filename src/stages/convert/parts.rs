//! Raw parts, and logs, as columns: parse and encode block by block on many threads, write in order.
//!
//! A block of 65,536 lines of text becomes a block of the output (of fewer rows if some lines are put into quarantine),
//! so that the output depends on the part alone. The blocks of all parts are one stream: no thread waits for the last
//! block of a part before it begins with the next. This stage knows nothing of the output's format but [`Format`].

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_runtime::ordered::Ordered;
use skimlog_runtime::progress::{Progress, Unit};

use super::error::ConvertError;
use super::logs::Dictionary;
use super::part::Part;
use super::rejected::{BadLine, Rejected};
use super::source::{Item, PartInput, Source};
use super::unusual::{Unusual, seconds_now};

/// What a conversion came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvertSummary {
    /// Whether the records have reactions.
    #[serde(serialize_with = "field_number", deserialize_with = "field_count")]
    pub fields: FieldCount,
    /// Records converted.
    pub records: u64,
    /// Lines put into quarantine.
    pub rejected: u64,
    /// Bytes of raw text read, after unpacking.
    pub bytes_read: u64,
    /// What is implausible about the records, which are converted as they are.
    pub unusual: Unusual,
    /// Own ids of a log that its dictionary holds, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<u64>,
}

fn field_number<S: Serializer>(fields: &FieldCount, serializer: S) -> Result<S::Ok, S::Error> {
    fields.fields().serialize(serializer)
}

fn field_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldCount, D::Error> {
    let fields = usize::deserialize(deserializer)?;
    let count = FieldCount::from_fields(fields);
    count.ok_or_else(|| serde::de::Error::custom(format!("no record has {fields} fields")))
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
/// Those of `parts` and `finished`, and [`ConvertError`]; the part's output is then incomplete. Of several bad lines
/// the first is named, and all parts before it have been finished.
pub fn convert<'d, F: Format, E: From<ConvertError> + Send>(
    parts: impl Iterator<Item = Result<PartInput<'d>, E>> + Send,
    threads: NonZeroUsize,
    format: &F,
    mut finished: impl FnMut(F::Output, ConvertSummary) -> Result<(), E>,
    progress: &dyn Progress,
) -> Result<(), E> {
    let mut sink = Sink { format, progress, parts: 0, open: None };
    let now = seconds_now();
    // One block more than there are workers keeps them busy: each takes some memory.
    let engine = Ordered::new(threads).in_flight(threads.get() + 1);
    let outcome = engine.map_with(
        Source::new(parts),
        || (RecordBatch::default(), F::Encoder::default(), None),
        |(batch, encoder, reader), item| match item {
            Item::End(dictionary) => Ok(Made::End(dictionary)),
            Item::Records(part, text) => {
                let rejected = part.read(&text, reader, batch)?;
                let mut unusual = Unusual::of(batch, now);
                unusual.no_final_newline = text.lack_final_newline(&rejected);
                let bytes = text.bytes();
                // The text goes before its columns are made: the next part may be waiting for room in memory.
                drop(text);
                let columns = match batch.rows {
                    0 => None,
                    _ => Some(format.encode(encoder, batch).map_err(|source| part.write_error(source))?),
                };
                Ok(Made::Block(Converted { part, columns, records: batch.rows, bytes, rejected, unusual }))
            }
        },
        |converted| match converted {
            Made::Block(converted) => Ok(sink.add(converted)?),
            Made::End(dictionary) => {
                let (output, mut summary) = sink.close()?;
                // Nobody else has it: the part's blocks are over.
                if let Some(dictionary) = dictionary.and_then(Arc::into_inner) {
                    summary.ids = Some(dictionary.finish()?.distinct);
                }
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

/// What a worker made of an item.
enum Made<'d, B> {
    Block(Converted<'d, B>),
    End(Option<Arc<Dictionary<'d>>>),
}

/// A block of the output and what its summary adds.
struct Converted<'d, B> {
    part: Arc<Part<'d>>,
    /// `None` if no line was a record.
    columns: Option<B>,
    records: usize,
    bytes: u64,
    rejected: Vec<BadLine>,
    unusual: Unusual,
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
    fn add(&mut self, converted: Converted<'_, F::Columns>) -> Result<(), ConvertError> {
        let Converted { part, columns, records, bytes, rejected, unusual } = converted;
        let number = self.parts;
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                self.parts += 1;
                self.progress.begin(&format!("{} {}", part.verb(), part.path.display()), part.bytes, Unit::Bytes);
                let (fields, unusual) = (part.fields, Unusual::default());
                let summary = ConvertSummary { fields, records: 0, rejected: 0, bytes_read: 0, unusual, ids: None };
                let (name, rejected) = (part.path.clone(), Rejected::of(part.quarantine.as_ref())?);
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
        open.summary.bytes_read += bytes;
        self.progress.advance(bytes);
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

impl fmt::Display for ConvertSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {} fields from {} bytes", self.records, self.fields.fields(), self.bytes_read)?;
        if self.rejected > 0 {
            write!(f, ", {} lines rejected", self.rejected)?;
        }
        Ok(())
    }
}
