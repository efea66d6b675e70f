//! The blocks of parts as one stream, and how their lines are read.

use std::error::Error;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skimlog_formats::record::{
    FieldCount, Parsed, RecordBatch, RecordError, RecordOptions, RecordParser, RecordScanner,
};
use skimlog_runtime::stream::{Block, LineBlocks};

use super::error::ConvertError;
use super::options::{ConvertOptions, Quarantine};
use super::rejected::BadLine;

/// A part whose blocks are under way.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// Its size, where it is known.
    pub(super) bytes: Option<u64>,
    /// How many fields every record has.
    pub(super) fields: FieldCount,
    pub(super) quarantine: Option<Quarantine>,
    vocabulary: u32,
}

/// What a worker takes.
pub(super) enum Item {
    /// Some lines of a part.
    Lines(Arc<Part>, Block),
    /// The part is over.
    End,
}

/// The blocks of one part after the other, each part with its end.
pub(super) struct Source<I> {
    parts: I,
    current: Option<(Arc<Part>, Peekable<LineBlocks>)>,
}

impl<I> Source<I> {
    pub(super) fn new(parts: I) -> Self {
        Self { parts, current: None }
    }
}

impl<I, E> Iterator for Source<I>
where
    I: Iterator<Item = Result<(LineBlocks, ConvertOptions), E>>,
    E: From<ConvertError>,
{
    type Item = Result<Item, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let (part, blocks) = match &mut self.current {
            Some(current) => current,
            none => match self.parts.next()?.and_then(|(blocks, options)| Ok(Part::open(blocks, options)?)) {
                Ok(part) => none.insert(part),
                Err(error) => return Some(Err(error)),
            },
        };
        Some(match blocks.next() {
            Some(Ok(block)) => Ok(Item::Lines(Arc::clone(part), block)),
            Some(Err(error)) => Err(ConvertError::from(error).into()),
            None => {
                self.current = None;
                Ok(Item::End)
            }
        })
    }
}

impl Part {
    fn open(blocks: LineBlocks, options: ConvertOptions) -> Result<(Arc<Self>, Peekable<LineBlocks>), ConvertError> {
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
        Ok((Arc::new(Self { path, bytes, fields, quarantine, vocabulary }), blocks))
    }

    pub(super) fn write_error(&self, source: impl Error + Send + Sync + 'static) -> ConvertError {
        ConvertError::Write { path: self.path.clone(), source: Box::new(source) }
    }

    /// Reads a block's records into `batch`, in the place of what it held, and returns the bad lines.
    pub(super) fn read(&self, block: &Block, batch: &mut RecordBatch) -> Result<Vec<BadLine>, ConvertError> {
        let rejected = self.parse(block, batch);
        // Lines of a part that lost bytes are no bad records.
        block.intact()?;
        rejected
    }

    fn parse(&self, block: &Block, batch: &mut RecordBatch) -> Result<Vec<BadLine>, ConvertError> {
        let options = RecordOptions { fields: Some(self.fields), vocabulary: self.vocabulary };
        batch.clear();
        let mut rejected = Vec::new();
        if block.is_mapped() {
            let mut scanner = RecordScanner::starting_at(block.text(), options, block.line, block.offset);
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
        let mut parser = RecordParser::starting_at(options, block.line, block.offset);
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
            && let Parsed::Bad(error) = parser.finish(batch)
        {
            rejected.push(self.keep(error, || parser.line_text())?);
        }
        Ok(rejected)
    }

    fn keep(&self, error: RecordError, text: impl FnOnce() -> Vec<u8>) -> Result<BadLine, ConvertError> {
        match self.quarantine {
            Some(_) => Ok(BadLine { error, text: text() }),
            None => Err(ConvertError::Record { path: self.path.clone(), error: Box::new(error) }),
        }
    }

    /// Whether a block has more bad lines than a whole part may have: then the rest of it does not matter.
    fn too_many(&self, rejected: &[BadLine]) -> bool {
        self.quarantine.as_ref().is_some_and(|quarantine| rejected.len() as u64 > quarantine.most)
    }
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
