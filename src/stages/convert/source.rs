//! What parts are read from, block by block: the text of raw parts, or logs.

use std::error::Error;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_runtime::stream::{Block, LineBlocks};

use super::error::ConvertError;
use super::lines::{Lines, settle_fields};
use super::logs::{Dictionary, LogPart, Logs, OpenLogs, Reader};
use super::options::{ConvertOptions, Quarantine};
use super::rejected::{BadLine, BadRecord};
use skimlog_import::log::LogBlock;

/// What a part is read from.
pub enum PartInput<'d> {
    /// The text of a raw part.
    Raw(LineBlocks, ConvertOptions),
    /// Logs, one after the other.
    Logs(Logs<'d>),
}

/// A file of a part whose blocks are under way.
pub(super) struct Part<'d> {
    pub(super) path: PathBuf,
    /// Its size, where it is known.
    pub(super) bytes: Option<u64>,
    /// How many fields every record has.
    pub(super) fields: FieldCount,
    pub(super) quarantine: Option<Quarantine>,
    pub(super) kind: Kind<'d>,
}

/// What a file holds.
pub(super) enum Kind<'d> {
    Lines(Lines),
    Log(LogPart<'d>),
}

/// What a worker takes.
pub(super) enum Item<'d> {
    /// Some records of a part.
    Records(Arc<Part<'d>>, Records),
    /// The part is over.
    End(Option<Arc<Dictionary<'d>>>),
}

/// Records that have not been read yet.
pub(super) enum Records {
    Lines(Block),
    Rows(LogBlock),
}

/// The blocks of one part after the other, each part with its end.
pub(super) struct Source<'d, I> {
    parts: I,
    current: Option<Current<'d>>,
}

enum Current<'d> {
    Raw(Arc<Part<'d>>, Peekable<LineBlocks>),
    Logs(OpenLogs<'d>),
}

impl<I> Source<'_, I> {
    pub(super) fn new(parts: I) -> Self {
        Self { parts, current: None }
    }
}

impl<'d, I, E> Iterator for Source<'d, I>
where
    I: Iterator<Item = Result<PartInput<'d>, E>>,
    E: From<ConvertError>,
{
    type Item = Result<Item<'d>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let current = match &mut self.current {
            Some(current) => current,
            none => match self.parts.next()?.and_then(|input| Ok(Current::open(input)?)) {
                Ok(current) => none.insert(current),
                Err(error) => return Some(Err(error)),
            },
        };
        match current.next() {
            Ok(Item::End(dictionary)) => {
                self.current = None;
                Some(Ok(Item::End(dictionary)))
            }
            outcome => Some(outcome.map_err(E::from)),
        }
    }
}

impl<'d> Current<'d> {
    fn open(input: PartInput<'d>) -> Result<Self, ConvertError> {
        match input {
            PartInput::Raw(blocks, options) => {
                let (part, blocks) = Part::of_lines(blocks, options)?;
                Ok(Self::Raw(part, blocks))
            }
            PartInput::Logs(logs) => Ok(Self::Logs(OpenLogs::new(logs))),
        }
    }

    fn next(&mut self) -> Result<Item<'d>, ConvertError> {
        match self {
            Self::Raw(part, blocks) => match blocks.next().transpose()? {
                Some(block) => Ok(Item::Records(Arc::clone(part), Records::Lines(block))),
                None => Ok(Item::End(None)),
            },
            Self::Logs(logs) => logs.next(),
        }
    }
}

impl<'d> Part<'d> {
    fn of_lines(
        blocks: LineBlocks,
        options: ConvertOptions,
    ) -> Result<(Arc<Self>, Peekable<LineBlocks>), ConvertError> {
        let (path, bytes) = (blocks.path().to_owned(), blocks.bytes());
        let mut blocks = blocks.peekable();
        let fields = match blocks.peek() {
            Some(Ok(first)) => {
                let fields = settle_fields(first, &path, &options);
                first.intact()?;
                fields?
            }
            // A part that cannot be read fails next; one without any block has failed before.
            _ => options.fields.unwrap_or(FieldCount::Labelled),
        };
        let ConvertOptions { vocabulary, quarantine, .. } = options;
        let most = quarantine.as_ref().map(|quarantine| quarantine.most);
        let kind = Kind::Lines(Lines { fields, vocabulary, most });
        Ok((Arc::new(Self { path, bytes, fields, quarantine, kind }), blocks))
    }

    pub(super) fn write_error(&self, source: impl Error + Send + Sync + 'static) -> ConvertError {
        ConvertError::Write { path: self.path.clone(), source: Box::new(source) }
    }

    /// Reads records into `batch`, in place of what it held, and returns the bad ones.
    pub(super) fn read(
        &self,
        records: &Records,
        reader: &mut Option<Reader>,
        batch: &mut RecordBatch,
    ) -> Result<Vec<BadLine>, ConvertError> {
        match (&self.kind, records) {
            (Kind::Lines(lines), Records::Lines(block)) => lines.read(&self.path, block, batch),
            (Kind::Log(log), Records::Rows(block)) => {
                let most = self.quarantine.as_ref().map(|quarantine| quarantine.most);
                log.read(&self.path, block, reader, most, batch)
            }
            _ => unreachable!("the records are of this part"),
        }
    }

    /// What is done with it, for people.
    pub(super) fn verb(&self) -> &'static str {
        match self.kind {
            Kind::Lines(_) => "convert",
            Kind::Log(_) => "import",
        }
    }
}

impl Records {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Lines(block) => block.text().len() as u64,
            Self::Rows(block) => block.bytes(),
        }
    }

    /// Whether these are lines of which the last has no newline and is not one of the bad ones.
    pub(super) fn lack_final_newline(&self, rejected: &[BadLine]) -> bool {
        let Self::Lines(block) = self else { return false };
        let end = block.offset + block.text().len() as u64;
        let is_last = |bad: &BadLine| match &bad.error {
            BadRecord::Line(error) => error.offset + error.length as u64 == end,
            BadRecord::Row(_) => false,
        };
        !block.text().ends_with(b"\n") && !rejected.last().is_some_and(is_last)
    }
}

/// A record that is none, of the file at `path`.
pub(super) fn refuse(path: &Path, error: BadRecord) -> ConvertError {
    ConvertError::Record { path: path.to_owned(), error }
}
