//! What a log holds, seen through its mapping and before anything is written: some records as they will be read, and
//! column by column what is null, bad or out of range.

mod column;
mod record;
mod show;

use std::num::NonZeroUsize;

use arrow_array::RecordBatch as Rows;
use serde::Serialize;
use skimlog_formats::Reaction;
use skimlog_formats::record::{NO_REACTION, RecordBatch};
use skimlog_runtime::ordered::ordered_map_with;

pub use column::{BadValue, ColumnProfile};
pub use record::SampleRecord;

use crate::importer::{ImportError, Importer, import_error};
use crate::log::{BlockDecoder, BlockRows, BlockShape, LogBlock, LogBlocks};
use crate::mapping::Mapping;
use crate::rows::{RowReader, Unnoted};
use record::OwnTexts;

/// Records that are shown.
const SHOWN: usize = 10;
/// First rows of a batch among which the records are that are shown.
const FIRST_ROWS: usize = 100;

/// How a log is looked at.
#[derive(Clone, Copy, Debug)]
pub struct ProfileOptions {
    /// Rows up to this 1-based number are looked at; `None`: all.
    pub rows: Option<u64>,
    /// Threads that read.
    pub threads: NonZeroUsize,
    /// The present time in unix seconds: later than a day from it a time is out of range.
    pub now: i64,
}

/// What a log holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// The log.
    pub log: String,
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows with something wrong, lines that hold no row included.
    pub bad_rows: u64,
    /// Lines that hold no row.
    pub bad_lines: u64,
    /// The first of these.
    pub first_bad_line: Option<BadValue>,
    /// The first good records, at most ten.
    pub records: Vec<SampleRecord>,
    /// The columns that the mapping takes, in the order of a record.
    pub columns: Vec<ColumnProfile>,
    /// The reactions by the mapping's names for them.
    pub reactions: Vec<ReactionShare>,
}

/// How often there is a reaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReactionShare {
    /// The mapping's name of the reaction.
    pub name: String,
    /// Good rows with it.
    pub rows: u64,
}

impl Profile {
    /// Reads a log, and writes nothing. Holds a few blocks a thread, whatever the log's size. The result does not
    /// depend on the number of threads.
    ///
    /// # Errors
    /// [`ImportError`] for a log that cannot be read; bad rows are counted.
    pub fn of(
        importer: &Importer,
        blocks: LogBlocks,
        shape: &BlockShape,
        options: ProfileOptions,
    ) -> Result<Self, ImportError> {
        let last = options.rows.unwrap_or(u64::MAX);
        let blocks = blocks.map(|block| block.map_err(ImportError::from));
        let blocks = blocks.take_while(move |block| block.as_ref().map_or(true, |block| block.first_row <= last));
        let mut all = Self::empty(importer.mapping(), shape);
        ordered_map_with(
            options.threads,
            blocks,
            || importer.row_reader(),
            |reader, block| {
                let profile = Self::empty(importer.mapping(), shape);
                let mut pass = Pass { mapping: importer.mapping(), reader, shape, last, now: options.now, profile };
                pass.block(&block)?;
                Ok::<_, ImportError>(pass.profile)
            },
            |profile| {
                all.merge(profile);
                Ok(())
            },
        )?;
        Ok(all)
    }

    fn empty(mapping: &Mapping, shape: &BlockShape) -> Self {
        let columns = mapping.columns().map(|(field, column)| ColumnProfile::new(field, column)).collect();
        let mapped = |reaction: &Reaction| mapping.field(crate::mapping::LogField::of_reaction(*reaction)).is_some();
        let share = |reaction| ReactionShare { name: mapping.reaction_names[reaction].clone(), rows: 0 };
        let reactions = Reaction::ALL.into_iter().filter(mapped).map(share).collect();
        Self { log: shape.path.display().to_string(), columns, reactions, ..Self::default() }
    }

    /// Adds what a later block holds.
    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.bad_rows += other.bad_rows;
        self.bad_lines += other.bad_lines;
        self.first_bad_line = self.first_bad_line.take().or(other.first_bad_line);
        let room = SHOWN - self.records.len();
        self.records.extend(other.records.into_iter().take(room));
        self.columns.iter_mut().zip(other.columns).for_each(|(column, other)| column.merge(other));
        self.reactions.iter_mut().zip(other.reactions).for_each(|(share, other)| share.rows += other.rows);
    }
}

/// One block on its way.
struct Pass<'a> {
    mapping: &'a Mapping,
    reader: &'a mut RowReader,
    shape: &'a BlockShape,
    last: u64,
    now: i64,
    profile: Profile,
}

impl Pass<'_> {
    fn block(&mut self, block: &LogBlock) -> Result<(), ImportError> {
        BlockDecoder::new(self.shape).decode(block, |rows| match rows {
            BlockRows::Bad(row, ..) if row > self.last => Ok(()),
            BlockRows::Rows(first, _) if first > self.last => Ok(()),
            BlockRows::Bad(row, _, what) => {
                self.profile.rows += 1;
                self.profile.bad_rows += 1;
                self.profile.bad_lines += 1;
                self.profile.first_bad_line.get_or_insert(BadValue { row, what });
                Ok(())
            }
            BlockRows::Rows(first, rows) => {
                let wanted = (self.last - first).saturating_add(1).min(rows.num_rows() as u64) as usize;
                self.rows(first, &rows.slice(0, wanted))
            }
        })
    }

    fn rows(&mut self, first: u64, rows: &Rows) -> Result<(), ImportError> {
        if self.profile.records.len() < SHOWN {
            self.sample(rows)?;
        }
        let (mut batch, profile) = (RecordBatch::default(), &mut self.profile);
        let faults = self.reader.add_good(rows, &mut Unnoted, &mut batch);
        let faults = faults.map_err(|error| import_error(error, &self.shape.path))?;
        profile.rows += rows.num_rows() as u64;
        profile.bad_rows += (rows.num_rows() - batch.rows) as u64;
        for column in &mut profile.columns {
            column.add(rows, self.mapping, &batch, self.now);
            column.add_faults(first, &faults);
        }
        let mapped =
            |reaction: &Reaction| self.mapping.field(crate::mapping::LogField::of_reaction(*reaction)).is_some();
        if let Some(times) = &batch.reactions {
            for (share, reaction) in profile.reactions.iter_mut().zip(Reaction::ALL.into_iter().filter(mapped)) {
                share.rows += times[reaction].iter().filter(|&&time| time != NO_REACTION).count() as u64;
            }
        }
        Ok(())
    }

    /// Reads the first rows once more, with the texts of their ids.
    fn sample(&mut self, rows: &Rows) -> Result<(), ImportError> {
        let (mut batch, mut texts) = (RecordBatch::default(), OwnTexts::default());
        let rows = rows.slice(0, rows.num_rows().min(FIRST_ROWS));
        self.reader.add_good(&rows, &mut texts, &mut batch).map_err(|error| import_error(error, &self.shape.path))?;
        let room = SHOWN - self.profile.records.len();
        let records = (0..batch.rows.min(room)).map(|row| SampleRecord::of(&batch, row, &texts, self.mapping));
        self.profile.records.extend(records);
        Ok(())
    }
}
