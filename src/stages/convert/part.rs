//! Files of parts, raw or logs, and their records.

use std::error::Error;
use std::iter::Peekable;
use std::path::PathBuf;
use std::sync::Arc;

use skimlog_formats::record::{FieldCount, RecordBatch};
use skimlog_import::log::LogBlock;
use skimlog_runtime::stream::{Block, LineBlocks};

use super::bad_record::BadRecord;
use super::error::ConvertError;
use super::lines::{Lines, settle_fields};
use super::logs::{LogPart, Reader};
use super::options::{ConvertOptions, Quarantine};
use super::rejected::BadLine;

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

/// Records that have not been read yet.
pub(super) enum Records {
    Lines(Block),
    Rows(LogBlock),
}

impl<'d> Part<'d> {
    pub(super) fn of_lines(
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
