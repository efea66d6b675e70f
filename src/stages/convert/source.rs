//! What parts are read from, block by block: the text of raw parts, or logs.

use std::iter::Peekable;
use std::path::PathBuf;
use std::sync::Arc;

use skimlog_formats::record::FieldCount;
use skimlog_import::importer::ImportError;
use skimlog_import::log::{BlockShape, LogBlocks, LogError, LogFormat};
use skimlog_runtime::stream::LineBlocks;

use super::error::ConvertError;
use super::logs::{Dictionary, LogPart, Logs};
use super::options::ConvertOptions;
use super::part::{Kind, Part, Records};

/// What a part is read from.
pub enum PartInput<'d> {
    /// The text of a raw part.
    Raw(LineBlocks, ConvertOptions),
    /// Logs, one after the other.
    Logs(Logs<'d>),
}

/// What a worker takes.
pub(super) enum Item<'d> {
    /// Some records of a part.
    Records(Arc<Part<'d>>, Records),
    /// The part is over.
    End(Option<Arc<Dictionary<'d>>>),
}

/// The blocks of one part after the other, each part with its end.
pub(super) struct Source<'d, I> {
    parts: I,
    current: Option<Current<'d>>,
}

enum Current<'d> {
    Raw(Arc<Part<'d>>, Peekable<LineBlocks>),
    Logs(Box<OpenLogs<'d>>),
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
            PartInput::Logs(logs) => Ok(Self::Logs(Box::new(OpenLogs::new(logs)))),
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

/// The logs of a part under way.
struct OpenLogs<'d> {
    logs: Logs<'d>,
    dictionary: Option<Arc<Dictionary<'d>>>,
    current: Option<(Arc<Part<'d>>, LogBlocks)>,
    /// The last log that was opened, and whether there was any row yet.
    last: PathBuf,
    rows: bool,
}

impl<'d> OpenLogs<'d> {
    fn new(mut logs: Logs<'d>) -> Self {
        let dictionary = logs.dictionary.take().map(Arc::new);
        Self { logs, dictionary, current: None, last: PathBuf::new(), rows: false }
    }

    fn next(&mut self) -> Result<Item<'d>, ConvertError> {
        loop {
            if let Some((part, blocks)) = &mut self.current {
                if let Some(block) = blocks.next().transpose().map_err(ImportError::from)? {
                    self.rows = true;
                    return Ok(Item::Records(Arc::clone(part), Records::Rows(block)));
                }
                self.current = None;
            }
            match self.logs.opened.next().transpose().map_err(ImportError::from)? {
                Some((path, format, blocks, shape)) => {
                    self.last.clone_from(&path);
                    self.current = Some((Arc::new(self.part(path, format, &blocks, shape)), blocks));
                }
                None if self.rows => return Ok(Item::End(self.dictionary.take())),
                None => return Err(ImportError::from(LogError::Empty { path: self.last.clone() }).into()),
            }
        }
    }

    fn part(&self, path: PathBuf, format: LogFormat, blocks: &LogBlocks, shape: BlockShape) -> Part<'d> {
        let Logs { importer, quarantine, .. } = &self.logs;
        let has_reactions = importer.mapping().has_reactions();
        let fields = if has_reactions { FieldCount::Labelled } else { FieldCount::Unlabelled };
        let mut quarantine = quarantine.clone();
        if let Some(quarantine) = &mut quarantine {
            // Rows of a log of columns are written as JSON.
            quarantine.ending = match format {
                LogFormat::Csv => "csv",
                LogFormat::Tsv => "tsv",
                LogFormat::Parquet | LogFormat::Ndjson | LogFormat::Arrow => "ndjson",
            };
        }
        let dictionary = self.dictionary.clone();
        let kind = Kind::Log(LogPart { importer: importer.clone(), shape, dictionary });
        Part { bytes: blocks.bytes(), path, fields, quarantine, kind }
    }
}
