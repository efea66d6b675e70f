//! Records with their counts, a few at a time.

use std::ops::Range;
use std::sync::Arc;

use skimlog_features::counts::COUNTS;
use skimlog_features::counts::frozen::{FrozenCounts, LookupScratch};
use skimlog_features::input::Example;
use skimlog_formats::columnar::ColumnarError;
use skimlog_formats::part::PartReader;
use skimlog_formats::record::Columns;
use skimlog_runtime::progress::Progress;

use super::AssembleError;
use crate::pipeline::examples::{CountedRecords, Portion, StoredPart};

/// The columns that are read: what an example is made of, and whose it is.
const COLUMNS: Columns = Example::COLUMNS.union(Columns::TWEET).union(Columns::AUTHOR_ID).union(Columns::READER_ID);

/// Where records and counts come from.
pub struct Source {
    blocks: Blocks,
    records: u64,
    labelled: bool,
}

type Blocks = Box<dyn Iterator<Item = Result<CountedRecords, AssembleError>> + Send>;

/// Some of the chosen rows of a block.
pub(super) struct Chunk {
    pub(super) block: Arc<CountedRecords>,
    /// Which of them.
    pub(super) range: Range<usize>,
}

impl Source {
    /// The records of a portion with their counts in the working directory, as training and evaluation see them.
    ///
    /// # Errors
    /// [`AssembleError`] if a part cannot be read.
    pub fn stored(parts: Vec<StoredPart>, portion: Portion) -> Result<Self, AssembleError> {
        let records = parts.iter().map(|stored| Ok(PartReader::open(&stored.part)?.rows()));
        let records = records.sum::<Result<u64, ColumnarError>>()?;
        let blocks = parts.into_iter().flat_map(move |stored| -> Blocks {
            match stored.counted(portion, COLUMNS.union(Columns::REACTIONS)) {
                Ok(blocks) => Box::new(blocks.map(|block| block.map_err(AssembleError::from))),
                Err(error) => Box::new(std::iter::once(Err(error.into()))),
            }
        });
        Ok(Self { blocks: Box::new(blocks), records, labelled: true })
    }

    /// The records of a part with the counts of a model, as prediction sees them.
    pub fn part(part: PartReader, counts: FrozenCounts) -> Self {
        let (records, blocks, labelled) = (part.rows(), 0..part.blocks(), part.has_reactions());
        let columns = if labelled { COLUMNS.union(Columns::REACTIONS) } else { COLUMNS };
        let mut scratch = LookupScratch::default();
        let read = move |block| {
            let records = part.read(block, columns)?;
            let mut numbers = vec![[0.0; COUNTS]; records.rows];
            counts.numbers(&records, &mut scratch, &mut numbers)?;
            Ok(CountedRecords { rows: (0..records.rows).collect(), records, counts: numbers })
        };
        Self { blocks: Box::new(blocks.map(read)), records, labelled }
    }

    /// Whether the records have reactions.
    pub(super) fn has_labels(&self) -> bool {
        self.labelled
    }

    /// Number of records that are looked at.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The chosen rows, at most `rows` in a chunk. Tells `progress` how many records were looked at.
    pub(super) fn chunks(
        self,
        rows: usize,
        progress: &dyn Progress,
    ) -> impl Iterator<Item = Result<Chunk, AssembleError>> + Send {
        self.blocks.flat_map(move |block| {
            let (block, error) = match block {
                Ok(block) => (block, None),
                Err(error) => (CountedRecords::default(), Some(Err(error))),
            };
            progress.advance(block.records.rows as u64);
            let block = Arc::new(block);
            let chosen = block.rows.len();
            let chunk = move |begin| {
                let block = Arc::clone(&block);
                Ok(Chunk { range: begin..chosen.min(begin + rows), block })
            };
            error.into_iter().chain((0..chosen).step_by(rows).map(chunk))
        })
    }
}
