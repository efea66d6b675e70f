//! Count families: the 65 counts of a record, out of core.
//!
//! [`FAMILIES`] defines what is counted and looked up. [`count`] works in three steps, each sequential on disk and
//! bounded by the memory budget:
//!
//! 1. *route*: every record visits the places of its reader, its author and its tweet; visits are shuffled by place;
//! 2. *resolve*: a partition of places at a time, each place counts its visits and answers them, without a training
//!    record's own day and a finetune record's own chunk; answers (only numbers that are not zero) are shuffled by
//!    record range, the counters' totals by key;
//! 3. *assemble*: a range of records at a time, answers are scattered into columns; totals are sorted.
//!
//! Counts are integers and everything real-valued is summed within one visit in a fixed order, so the result does not
//! depend on the budget, the number of threads or the number of partitions.

mod answer;
mod assemble;
mod block;
mod buckets;
mod days;
mod family;
mod filter;
pub mod frozen;
mod numbers;
mod place;
mod queue;
mod resolve;
mod route;
mod similar;
mod split;
mod tally;
mod totals;
mod transpose;
mod visit;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use answer::LARGEST_RANGE;
pub use answer::{CountBlock, CountColumn};
use assemble::{Assembler, Assembly};
pub use block::CountedBlock;
use days::DayNumbers;
pub use family::{
    Answer, COUNTS, Counter, FAMILIES, FIRST_COLUMNS, Family, Minor, Period, REAL_COLUMNS, Visitor, column_names,
};
use filter::IdFilter;
use queue::Queue;
use resolve::Resolving;
use route::{Part, Role, Routing};
pub use similar::{NoSimilar, SimilarLookup};
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_runtime::shuffle::{Pool, Scratch, Shuffle, ShuffleError};
pub use split::{Side, Split, SplitError};
pub use tally::Tally;
use totals::{Ranges, write_table};
pub use totals::{Table, TotalsBlock};
use visit::{LARGEST_BLOCK, MOST_BLOCKS};

/// Whatever went wrong in a source or a sink.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A part's records, readable by block from any thread.
pub trait RecordSource: Sync {
    /// The part's name, for messages.
    fn name(&self) -> &str;
    /// Number of records.
    fn rows(&self) -> u64;
    /// Number of blocks.
    fn blocks(&self) -> usize;
    /// Number of records of a block; all blocks' together are [`RecordSource::rows`].
    fn block_rows(&self, block: usize) -> usize;
    /// Reads a block.
    ///
    /// # Errors
    /// Whatever prevents it; the message should say where in the part.
    fn read(&self, block: usize) -> Result<CountedBlock, BoxError>;
}

/// Takes what [`count`] makes. Parts are numbered as they were given: training, validation, test.
pub trait CountSink: Sync {
    /// A block ready to be written.
    type Encoded: Send;

    /// Prepares a block of a part, whose first record has number `first_row`. Called from any thread, in no order.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn encode(&self, part: usize, first_row: u64, block: &CountBlock) -> Result<Self::Encoded, BoxError>;

    /// Takes the next block: in order within a part and part after part, one at a time. A part without records has none.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn append(&self, part: usize, block: Self::Encoded) -> Result<(), BoxError>;

    /// Takes the next block of a table's totals. A table's come in order, the last of them less than full, perhaps empty; those
    /// of other tables and the blocks of parts may come at the same time.
    ///
    /// # Errors
    /// Whatever prevents it.
    fn totals(&self, table: Table, block: &TotalsBlock) -> Result<(), BoxError>;
}

/// The records to count.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Training parts.
    pub training: &'a [&'a dyn RecordSource],
    /// The validation part and its split, if there is one.
    pub validation: Option<(&'a dyn RecordSource, &'a Split)>,
    /// Parts that are only told the totals.
    pub test: &'a [&'a dyn RecordSource],
    /// Similar authors.
    pub similar: &'a dyn SimilarLookup,
}

/// How to count. Nothing here changes the result, except `block_rows` how it is cut.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes to stay within, about; what one block of records takes to read and write, some 30 MB a thread, comes on top.
    pub memory_budget: u64,
    /// Number of threads.
    pub threads: usize,
    /// Directory for spill files; made, emptied of `*.spill` files, and removed.
    pub scratch: PathBuf,
    /// Records of a block given to the sink (a part's last has fewer), 1 to 65,536.
    pub block_rows: usize,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Records answered.
    pub records: u64,
    /// Bytes of visits, and of them on disk.
    pub visits: Shuffled,
    /// Bytes of answers, and of them on disk.
    pub answers: Shuffled,
    /// Rows of all tables of totals.
    pub totals: u64,
}

/// Bytes that went through a shuffle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shuffled {
    /// All of them.
    pub bytes: u64,
    /// Those that were on disk for a time.
    pub spilled: u64,
}

impl Shuffled {
    fn of(shuffle: &Shuffle<'_>) -> Self {
        let bytes = (0..shuffle.partitions()).map(|partition| shuffle.bytes(partition)).sum();
        Self { bytes, spilled: shuffle.spilled() }
    }
}

/// Why counting stopped.
#[derive(Debug, Error)]
pub enum CountsError {
    /// A part could not be read.
    #[error("cannot read the records of {part}")]
    Records {
        /// The part.
        part: String,
        /// Why.
        source: BoxError,
    },
    /// A training or validation part without the reaction columns.
    #[error("{part} has records of 20 fields: training and validation parts need the four reaction times as well")]
    NoReactions {
        /// The part.
        part: String,
    },
    /// The split was made for another validation part.
    #[error("the validation split is for {split} records, but {part} has {rows}")]
    SplitLength {
        /// The validation part.
        part: String,
        /// Its records.
        rows: u64,
        /// The split's.
        split: u64,
    },
    /// More records than can be told apart.
    #[error("{blocks} blocks of records are too many: at most {MOST_BLOCKS} can be counted together; use fewer parts")]
    TooMany {
        /// Output blocks.
        blocks: usize,
    },
    /// More days than can be told apart.
    #[error(
        "the training records lie on more than {} different days outside 1970 to 2059: their times are no unix seconds",
        days::MOST_UNUSUAL
    )]
    TooManyDays,
    /// Spilling failed.
    #[error(transparent)]
    Shuffle(#[from] ShuffleError),
    /// The sink refused a part's counts.
    #[error("cannot write the counts of {part}")]
    Output {
        /// The part.
        part: String,
        /// Why.
        source: BoxError,
    },
    /// The sink refused a table.
    #[error("cannot write the totals {table}")]
    Totals {
        /// The table.
        table: String,
        /// Why.
        source: BoxError,
    },
}

/// Bytes of visits a record makes, about: reader, author, and a few hashtags or a tweet.
const VISITS_A_RECORD: u64 = 80;
/// Bytes of a record's answers, about.
const ANSWERS_A_RECORD: u64 = 56;
/// Bytes of totals a record leaves, about.
const TOTALS_A_RECORD: u64 = 24;
/// Visits that are sorted and counted fastest together: what a core's cache holds.
const CACHED: u64 = 2 << 20;
/// Partitions of a shuffle, at most: each has its own open run in every thread.
const MOST_PARTITIONS: u64 = 4096;

/// Bytes and numbers of everything, from the budget.
struct Plan {
    /// Bytes all shuffles may hold together.
    pool: u64,
    /// Bytes of visits resolved at a time.
    resolving: u64,
    visit_partitions: usize,
    /// Output blocks of a range of answers.
    answer_range: usize,
    total_ranges: Ranges,
}

impl Plan {
    fn new(options: &Options, rows: u64, blocks: usize) -> Self {
        let threads = options.threads.max(1) as u64;
        let (pool, resolving) = (options.memory_budget / 2, options.memory_budget / 4);
        // A partition should be about a quarter of a thread's share, so that a large one need not be split.
        let partition = (resolving / threads / 4).max(1);
        let pieces = |bytes: u64, largest: u64| bytes.div_ceil(largest.max(1)).clamp(1, MOST_PARTITIONS);
        let visits = rows * VISITS_A_RECORD;
        let cached = if visits <= pool { partition.min(CACHED) } else { partition };
        let ranges = pieces(rows * ANSWERS_A_RECORD, partition).max(pieces(blocks as u64, 1).min(256));
        Self {
            pool,
            resolving,
            visit_partitions: pieces(visits, cached).next_power_of_two() as usize,
            answer_range: blocks.div_ceil(ranges as usize).clamp(1, LARGEST_RANGE),
            total_ranges: Ranges(pieces(rows * TOTALS_A_RECORD, partition).next_power_of_two().min(256) as usize),
        }
    }
}

/// Counts everything and gives the sink the 65 counts of every record and the totals of every table.
///
/// # Errors
/// [`CountsError`]; the sink may have got some blocks by then.
///
/// # Panics
/// If `options.block_rows` is not within 1 to 65,536.
pub fn count(
    inputs: &Inputs<'_>,
    options: &Options,
    sink: &impl CountSink,
    progress: &dyn Progress,
) -> Result<Summary, CountsError> {
    assert!((1..=LARGEST_BLOCK).contains(&options.block_rows), "a block has 1 to {LARGEST_BLOCK} rows");
    let (parts, blocks) = lay_out(inputs, options.block_rows)?;
    let rows = |parts: &[Part<'_>]| parts.iter().map(|part| part.records.rows()).sum::<u64>();
    let threads = options.threads.max(1);
    let plan = Plan::new(options, rows(&parts), blocks);
    let scratch = Scratch::prepare(options.scratch.clone())?;
    let pool = Pool::new(plan.pool);
    let shuffle = |name, partitions| Shuffle::new(name, partitions, threads, &pool, &scratch);

    let visits = shuffle("visits", plan.visit_partitions);
    let is_validation = |part: &&Part<'_>| matches!(part.role, Role::Validation(_));
    let (first, then): (Vec<Part<'_>>, Vec<Part<'_>>) = (
        parts.iter().filter(is_validation).copied().collect(),
        parts.iter().filter(|part| !is_validation(part)).copied().collect(),
    );
    progress.begin("reading records", Some(rows(&parts)), Unit::Records);
    let tweets = IdFilter::new(rows(&first));
    let days = DayNumbers::default();
    let block_rows = options.block_rows;
    let routing = Routing { shuffle: &visits, block_rows, tweets: &tweets, days: &days, threads, progress };
    routing.route(&first, &then)?;
    progress.end();
    drop(tweets);
    let mut summary = Summary { records: rows(&parts), visits: Shuffled::of(&visits), ..Summary::default() };

    let answers = shuffle("answers", blocks.div_ceil(plan.answer_range).max(1));
    let totals = shuffle("totals", plan.total_ranges.partitions());
    progress.begin("counting", Some(visits.partitions() as u64), Unit::Items);
    let resolving = Resolving {
        similar: inputs.similar,
        answers: &answers,
        answer_range: plan.answer_range,
        totals: &totals,
        total_ranges: plan.total_ranges,
        limit: plan.resolving,
        threads,
        pool: &pool,
        scratch: &scratch,
        progress,
    };
    resolving.resolve(&visits)?;
    progress.end();
    drop(visits);
    summary.answers = Shuffled::of(&answers);

    progress.begin("writing counts", Some(summary.records), Unit::Records);
    let (range, block_rows) = (plan.answer_range, options.block_rows);
    let assembly = Assembly { parts: &parts, answers: &answers, range, block_rows, blocks, sink, progress };
    let (total_rows, limit) = (AtomicU64::new(0), plan.resolving / threads as u64);
    Queue::run(Table::ALL.len() + answers.partitions(), threads, |queue| {
        let mut assembler = Assembler::new(&assembly);
        while let Some(task) = queue.take() {
            match task.checked_sub(Table::ALL.len()) {
                None => {
                    let written = write_table(Table::ALL[task], &totals, plan.total_ranges, limit, sink)?;
                    total_rows.fetch_add(written, Ordering::Relaxed);
                }
                Some(range) => assembler.assemble(range, queue)?,
            }
        }
        assembler.finish(queue)
    })?;
    progress.end();
    summary.totals = total_rows.into_inner();
    Ok(summary)
}

/// All parts in order, each with its first output block, and the number of blocks.
fn lay_out<'a>(inputs: &Inputs<'a>, block_rows: usize) -> Result<(Vec<Part<'a>>, usize), CountsError> {
    let training = inputs.training.iter().map(|&records| (records, Role::Training));
    let validation = inputs.validation.iter().map(|&(records, split)| (records, Role::Validation(split)));
    let test = inputs.test.iter().map(|&records| (records, Role::Test));
    let (mut parts, mut blocks) = (Vec::new(), 0);
    for (records, role) in training.chain(validation).chain(test) {
        if let Role::Validation(split) = role
            && split.rows() != records.rows()
        {
            let part = records.name().to_owned();
            return Err(CountsError::SplitLength { part, rows: records.rows(), split: split.rows() });
        }
        parts.push(Part { records, role, first_block: blocks });
        blocks += records.rows().div_ceil(block_rows as u64) as usize;
    }
    match blocks <= MOST_BLOCKS {
        true => Ok((parts, blocks)),
        false => Err(CountsError::TooMany { blocks }),
    }
}
