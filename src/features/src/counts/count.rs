//! Counting from records to columns: route, resolve, assemble.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skimlog_runtime::progress::{Progress, Unit};
use skimlog_runtime::shuffle::{Pool, Scratch, Shuffle};

use super::answer::LARGEST_RANGE;
use super::assemble::Assembly;
use super::days::DayNumbers;
use super::error::CountsError;
use super::filter::IdFilter;
use super::resolve::Resolving;
use super::route::Routing;
use super::sink::CountSink;
use super::source::{CountInputs, Part, Role, lay_out};
use super::totals::Ranges;
use super::visit::LARGEST_BLOCK;

/// How to count. Nothing here changes the result, except `block_rows` how it is cut.
#[derive(Clone, Debug)]
pub struct CountOptions {
    /// Bytes to stay within, about; what one block of records takes to read and write, some 30 MB a thread, comes on
    /// top.
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
pub struct CountSummary {
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
struct Sizes {
    /// Bytes all shuffles may hold together.
    pool: u64,
    /// Bytes of visits resolved at a time.
    resolving: u64,
    visit_partitions: usize,
    /// Output blocks of a range of answers.
    answer_range: usize,
    total_ranges: Ranges,
}

impl Sizes {
    fn new(options: &CountOptions, rows: u64, blocks: usize) -> Self {
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
    inputs: &CountInputs<'_>,
    options: &CountOptions,
    sink: &impl CountSink,
    progress: &dyn Progress,
) -> Result<CountSummary, CountsError> {
    assert!((1..=LARGEST_BLOCK).contains(&options.block_rows), "a block has 1 to {LARGEST_BLOCK} rows");
    let (parts, blocks) = lay_out(inputs, options.block_rows)?;
    let sizes = Sizes::new(options, rows(&parts), blocks);
    let scratch = Scratch::prepare(options.scratch.clone())?;
    let counting = Counting {
        inputs,
        threads: NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN),
        block_rows: options.block_rows,
        parts,
        blocks,
        pool: Pool::new(sizes.pool),
        sizes,
        scratch,
        progress,
    };
    let visits = counting.route()?;
    let visited = Shuffled::of(&visits);
    let (answers, totals) = counting.resolve(&visits)?;
    drop(visits);
    let answered = Shuffled::of(&answers);
    let totals = counting.assemble(&answers, &totals, sink)?;
    Ok(CountSummary { records: rows(&counting.parts), visits: visited, answers: answered, totals })
}

fn rows(parts: &[Part<'_>]) -> u64 {
    parts.iter().map(|part| part.records.rows()).sum()
}

/// What the three steps share.
struct Counting<'a> {
    inputs: &'a CountInputs<'a>,
    threads: NonZeroUsize,
    block_rows: usize,
    parts: Vec<Part<'a>>,
    /// Output blocks of all parts.
    blocks: usize,
    sizes: Sizes,
    pool: Pool,
    scratch: Scratch,
    progress: &'a dyn Progress,
}

impl Counting<'_> {
    fn shuffle(&self, name: &str, partitions: usize) -> Shuffle<'_> {
        Shuffle::new(name, partitions, self.threads.get(), &self.pool, &self.scratch)
    }

    /// Shuffles the visits of all records by entity.
    fn route(&self) -> Result<Shuffle<'_>, CountsError> {
        let visits = self.shuffle("visits", self.sizes.visit_partitions);
        let is_validation = |part: &&Part<'_>| matches!(part.role, Role::Validation(_));
        let (validation, others): (Vec<Part<'_>>, Vec<Part<'_>>) = (
            self.parts.iter().filter(is_validation).copied().collect(),
            self.parts.iter().filter(|part| !is_validation(part)).copied().collect(),
        );
        self.progress.begin("reading records", Some(rows(&self.parts)), Unit::Records);
        let routing = Routing {
            shuffle: &visits,
            block_rows: self.block_rows,
            tweets: &IdFilter::new(rows(&validation)),
            days: &DayNumbers::default(),
            threads: self.threads,
            progress: self.progress,
        };
        routing.route(&validation, &others)?;
        self.progress.end();
        Ok(visits)
    }

    /// Counts and answers all visits: gives the answers, shuffled by record range, and the totals, shuffled by key.
    fn resolve(&self, visits: &Shuffle<'_>) -> Result<(Shuffle<'_>, Shuffle<'_>), CountsError> {
        let Sizes { resolving, answer_range, total_ranges, .. } = self.sizes;
        let answers = self.shuffle("answers", self.blocks.div_ceil(answer_range).max(1));
        let totals = self.shuffle("totals", total_ranges.partitions());
        self.progress.begin("counting", Some(visits.partitions() as u64), Unit::Items);
        let resolving = Resolving {
            similar: self.inputs.similar,
            answers: &answers,
            answer_range,
            totals: &totals,
            total_ranges,
            limit: resolving,
            threads: self.threads,
            pool: &self.pool,
            scratch: &self.scratch,
            progress: self.progress,
        };
        resolving.resolve(visits)?;
        self.progress.end();
        Ok((answers, totals))
    }

    /// Gives the sink all blocks and tables; gives the number of rows of all tables.
    fn assemble(&self, answers: &Shuffle<'_>, totals: &Shuffle<'_>, sink: &impl CountSink) -> Result<u64, CountsError> {
        self.progress.begin("writing counts", Some(rows(&self.parts)), Unit::Records);
        let assembly = Assembly {
            parts: &self.parts,
            answers,
            range: self.sizes.answer_range,
            block_rows: self.block_rows,
            blocks: self.blocks,
            totals,
            total_ranges: self.sizes.total_ranges,
            limit: self.sizes.resolving / self.threads.get() as u64,
            sink,
            progress: self.progress,
        };
        let total_rows = assembly.assemble(self.threads)?;
        self.progress.end();
        Ok(total_rows)
    }
}
