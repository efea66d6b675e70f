//! Blocks of a raw part's text as records.

use std::path::Path;

use skimlog_formats::record::{
    FieldCount, Parsed, RecordBatch, RecordError, RecordOptions, RecordParser, RecordScanner,
};
use skimlog_runtime::stream::Block;

use super::bad_record::BadRecord;
use super::error::ConvertError;
use super::options::ConvertOptions;
use super::rejected::BadLine;

/// How the lines of a raw part are read.
pub(super) struct Lines {
    pub(super) fields: FieldCount,
    pub(super) vocabulary: u32,
    /// Most bad lines that a part may have; `None`: the first one ends it.
    pub(super) most: Option<u64>,
}

impl Lines {
    /// Reads a block's records into `batch`, in the place of what it held, and returns the bad lines.
    pub(super) fn read(
        &self,
        path: &Path,
        block: &Block,
        batch: &mut RecordBatch,
    ) -> Result<Vec<BadLine>, ConvertError> {
        let rejected = self.parse(path, block, batch);
        // Lines of a part that lost bytes are no bad records.
        block.intact()?;
        rejected
    }

    fn parse(&self, path: &Path, block: &Block, batch: &mut RecordBatch) -> Result<Vec<BadLine>, ConvertError> {
        let options = RecordOptions { fields: Some(self.fields), vocabulary: self.vocabulary };
        batch.clear();
        let mut rejected = Vec::new();
        if block.is_mapped() {
            let mut scanner = RecordScanner::starting_at(block.text(), options, block.line, block.offset);
            while let Some(outcome) = scanner.read(batch) {
                if let Err(error) = outcome {
                    rejected.push(self.keep(path, error, || scanner.line_text().to_vec())?);
                    if self.too_many(&rejected) {
                        break;
                    }
                }
            }
            return Ok(rejected);
        }
        let mut parser = RecordParser::starting_at(options, block.line, block.offset);
        let mut rest = block.text();
        while !rest.is_empty() && !self.too_many(&rejected) {
            let (taken, parsed) = parser.push(rest, batch);
            let (line, after) = rest.split_at(taken);
            rest = after;
            if let Parsed::Bad(error) = parsed {
                rejected.push(self.keep(path, error, || line.strip_suffix(b"\n").unwrap_or(line).to_vec())?);
            }
        }
        if rest.is_empty()
            && let Parsed::Bad(error) = parser.finish(batch)
        {
            rejected.push(self.keep(path, error, || parser.line_text())?);
        }
        Ok(rejected)
    }

    fn keep(&self, path: &Path, error: RecordError, text: impl FnOnce() -> Vec<u8>) -> Result<BadLine, ConvertError> {
        let error = BadRecord::Line(Box::new(error));
        match self.most {
            Some(_) => Ok(BadLine { error, text: text() }),
            None => Err(ConvertError::Record { path: path.to_owned(), error }),
        }
    }

    /// Whether a block has more bad lines than a whole part may have: then the rest of it does not matter.
    fn too_many(&self, rejected: &[BadLine]) -> bool {
        self.most.is_some_and(|most| rejected.len() as u64 > most)
    }
}

/// How many fields the records have, from the first block.
pub(super) fn settle_fields(first: &Block, path: &Path, options: &ConvertOptions) -> Result<FieldCount, ConvertError> {
    let seen = || first.text().split(|&byte| byte == b'\n').find_map(FieldCount::of_line);
    if let Some(fields) = options.fields.or_else(seen) {
        return Ok(fields);
    }
    let records = RecordOptions { fields: None, vocabulary: options.vocabulary };
    let outcome = RecordScanner::new(first.text(), records).read(&mut RecordBatch::default());
    let error = outcome.and_then(Result::err).expect("a line without 24 or 20 fields is no record");
    Err(ConvertError::Record { path: path.to_owned(), error: BadRecord::Line(Box::new(error)) })
}
