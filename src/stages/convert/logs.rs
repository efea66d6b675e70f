//! Logs as records, and the dictionary of their ids.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skimlog_formats::record::RecordBatch;
use skimlog_import::ids::{DictionarySummary, IdDictionaryBuilder};
use skimlog_import::importer::{ImportError, Importer, LogReader};
use skimlog_import::log::{BlockShape, LogBlock, LogBlocks, LogError, LogFormat};

use super::bad_record::BadRecord;
use super::error::ConvertError;
use super::options::Quarantine;
use super::rejected::BadLine;

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
    pub(super) importer: Importer,
    pub(super) shape: BlockShape,
    pub(super) dictionary: Option<Arc<Dictionary<'d>>>,
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
            None => bad
                .next()
                .map_or(Ok(Vec::new()), |bad| Err(ConvertError::Record { path: path.to_owned(), error: bad.error })),
        }
    }
}
