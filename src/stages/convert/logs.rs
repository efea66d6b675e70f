//! Logs as records, and the dictionary of their ids.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_import::ids::{DictionarySummary, IdDictionaryBuilder};
use skimlog_import::importer::{ImportError, Importer, LogReader};
use skimlog_import::log::{BlockShape, LogBlock, LogBlocks, LogError, LogFormat};

use super::error::ConvertError;
use super::options::Quarantine;
use super::rejected::{BadLine, BadRecord};
use super::source::{Item, Kind, Part, Records, refuse};

/// A log that was opened: its path, its blocks and how they are decoded.
pub type OpenedLog = (PathBuf, LogFormat, LogBlocks, BlockShape);

/// Logs that become one part, one after the other.
pub struct Logs<'d> {
    /// The mapping, which all of them have.
    pub importer: Importer,
    /// The logs, each opened when it is its turn.
    pub opened: Box<dyn Iterator<Item = Result<OpenedLog, LogError>> + Send + 'd>,
    /// Where rows go that are no records; `None`: the first one is the end.
    pub quarantine: Option<Quarantine>,
    /// The dictionary of the log's own ids, if they are kept.
    pub dictionary: Option<Dictionary<'d>>,
}

/// A dictionary under way, and the file that it becomes.
pub struct Dictionary<'d> {
    /// Takes the ids.
    pub builder: IdDictionaryBuilder<'d>,
    /// The file.
    pub path: PathBuf,
}

impl Dictionary<'_> {
    pub(super) fn finish(self) -> Result<DictionarySummary, ConvertError> {
        self.builder.finish(&self.path).map_err(|error| ConvertError::Import(ImportError::Ids(error)))
    }
}

/// One log of a part.
pub(super) struct LogPart<'d> {
    importer: Importer,
    shape: BlockShape,
    dictionary: Option<Arc<Dictionary<'d>>>,
}

/// A thread's reader, for the logs of one mapping.
pub(super) struct Reader(LogReader);

impl LogPart<'_> {
    pub(super) fn read(
        &self,
        path: &Path,
        block: &LogBlock,
        reader: &mut Option<Reader>,
        most: Option<u64>,
        batch: &mut RecordBatch,
    ) -> Result<Vec<BadLine>, ConvertError> {
        // All logs of a conversion have the same mapping.
        let Reader(reader) = reader.get_or_insert_with(|| Reader(self.importer.reader()));
        let mut ids = self.dictionary.as_ref().map(|dictionary| dictionary.builder.collector());
        let read = reader.read(block, &self.shape, ids.as_mut(), most.unwrap_or(0), batch);
        let bad = read?;
        let mut bad = bad.into_iter().map(|row| {
            let text = row.text.clone();
            BadLine { error: BadRecord::Row(Box::new(row)), text }
        });
        match most {
            Some(_) => Ok(bad.collect()),
            None => bad.next().map_or(Ok(Vec::new()), |bad| Err(refuse(path, bad.error))),
        }
    }
}

/// The logs of a part under way.
pub(super) struct OpenLogs<'d> {
    logs: Logs<'d>,
    dictionary: Option<Arc<Dictionary<'d>>>,
    current: Option<(Arc<Part<'d>>, LogBlocks)>,
    /// The last log that was opened, and whether there was any row yet.
    last: PathBuf,
    rows: bool,
}

impl<'d> OpenLogs<'d> {
    pub(super) fn new(mut logs: Logs<'d>) -> Self {
        let dictionary = logs.dictionary.take().map(Arc::new);
        Self { logs, dictionary, current: None, last: PathBuf::new(), rows: false }
    }

    pub(super) fn next(&mut self) -> Result<Item<'d>, ConvertError> {
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
