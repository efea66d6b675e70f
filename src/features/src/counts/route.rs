//! From records to visits, routed by entity.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use skimlog_formats::columnar::NumberedIds;
use skimlog_formats::{Id, ReactionSet};
use skimlog_runtime::ordered::{Ordered, Worker};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::shuffle::{Router, Shuffle};

use super::block::CountedBlock;
use super::days::DayNumbers;
use super::error::CountsError;
use super::family::Visitor;
use super::filter::IdFilter;
use super::partition::partition_of;
use super::source::{Part, Role};
use super::split::Side;
use super::visit::{Address, Stamp, Standing, Visit};
use crate::key::Key;

/// The keys of a block's ids. Reused block after block.
#[derive(Default)]
struct Keys {
    readers: Vec<Key>,
    authors: Vec<Key>,
    languages: Vec<Key>,
    /// Of all records one after the other.
    hashtags: Vec<Key>,
    /// For every record whether its tweet may be that of a finetune record; empty if the filter was not asked.
    wanted: Vec<bool>,
}

impl Keys {
    fn fill(&mut self, block: &CountedBlock) {
        Key::of_all(&block.readers.ids, &mut self.readers);
        Key::of_all(&block.authors.ids, &mut self.authors);
        Key::of_all(&block.languages.ids, &mut self.languages);
        Key::of_all(block.hashtags.values(), &mut self.hashtags);
        self.wanted.clear();
    }

    /// Asks for all tweets at once, so that they wait for memory together.
    fn ask(&mut self, tweets: &[Id], filter: &IdFilter) {
        self.wanted.extend(tweets.iter().map(|&tweet| filter.may_contain(tweet)));
    }
}

/// Routes the visits of whole parts.
pub(super) struct Routing<'a> {
    pub(super) shuffle: &'a Shuffle<'a>,
    /// Rows of a full output block.
    pub(super) block_rows: usize,
    /// Tweets of the finetune records: only these are worth a visit.
    pub(super) tweets: &'a IdFilter,
    pub(super) days: &'a DayNumbers,
    pub(super) threads: NonZeroUsize,
    pub(super) progress: &'a dyn Progress,
}

/// A block to read and route.
#[derive(Clone, Copy)]
struct Task<'a> {
    part: &'a Part<'a>,
    block: usize,
    /// The block's first row within the part.
    first_row: u64,
    is_validation: bool,
}

impl Routing<'_> {
    /// Routes all records of the validation part and of the other parts. The finetune records' tweets must all be in
    /// the filter before any other record is routed.
    pub(super) fn route(&self, validation: &[Part<'_>], others: &[Part<'_>]) -> Result<(), CountsError> {
        let tasks = tasks(validation, true).chain(tasks(others, false));
        let validated = Countdown::new(validation.iter().map(|part| part.records.blocks()).sum());
        let worker = || {
            let (router, keys) = (Router::new(self.shuffle), Keys::default());
            Ok(BlockRouter { routing: self, validated: &validated, router, keys })
        };
        // There is nothing to hold back: a routed block leaves nothing for the sink.
        Ordered::new(self.threads).in_flight(usize::MAX).run(tasks.map(Ok), worker, |()| Ok(()))
    }
}

/// The blocks of parts, in order.
fn tasks<'a>(parts: &'a [Part<'a>], is_validation: bool) -> impl Iterator<Item = Task<'a>> {
    parts.iter().flat_map(move |part| {
        let rows = (0..part.records.blocks()).scan(0, |first_row, block| {
            let first = *first_row;
            *first_row += part.records.block_rows(block) as u64;
            Some((block, first))
        });
        rows.map(move |(block, first_row)| Task { part, block, first_row, is_validation })
    })
}

/// One thread's part in it.
struct BlockRouter<'a> {
    routing: &'a Routing<'a>,
    /// Validation blocks that are left.
    validated: &'a Countdown,
    router: Router<'a>,
    keys: Keys,
}

impl Worker<Task<'_>> for BlockRouter<'_> {
    type Output = ();
    type Error = CountsError;

    fn work(&mut self, task: Task<'_>) -> Result<(), CountsError> {
        let Task { part, block: number, first_row, is_validation } = task;
        // Tasks are taken in order, so that whoever waits below waits for somebody at work.
        let _counted = is_validation.then(|| self.validated.count_on_drop());
        let name = || part.records.name().to_owned();
        let block = part.records.read(number).map_err(|source| CountsError::Records { part: name(), source })?;
        if block.reactions.is_none() && !matches!(part.role, Role::Test) {
            return Err(CountsError::NoReactions { part: name() });
        }
        self.keys.fill(&block);
        if !is_validation {
            self.validated.wait();
            self.keys.ask(&block.tweets, self.routing.tweets);
        }
        self.route_block(part, first_row, &block)?;
        self.routing.progress.advance(block.rows as u64);
        Ok(())
    }

    fn finish(self) -> Result<(), CountsError> {
        Ok(self.router.finish()?)
    }
}

impl BlockRouter<'_> {
    fn route_block(&mut self, part: &Part<'_>, first_row: u64, block: &CountedBlock) -> Result<(), CountsError> {
        let Self { routing, keys, router, .. } = self;
        let partitions = routing.shuffle.partitions();
        let mut send = |visit: Visit| router.push(partition_of(visit.major, 0, partitions), bytemuck::bytes_of(&visit));
        for row in 0..block.rows {
            let part_row = first_row + row as u64;
            let address = Address {
                block: part.first_block + (part_row / routing.block_rows as u64) as usize,
                row: (part_row % routing.block_rows as u64) as usize,
            };
            let (standing, group) = match part.role {
                Role::Training => (Standing::Training, routing.days.of(block.event_times[row])?),
                Role::Validation(split) => match split.side(part_row) {
                    Side::Finetune { chunk } => (Standing::Finetune, chunk),
                    Side::HoldOut => (Standing::Uncounted, 0),
                },
                Role::Test => (Standing::Uncounted, 0),
            };
            let reactions = block.reactions.as_ref().map_or(ReactionSet::NONE, |reactions| reactions[row]);
            let stamp = Stamp::new(address, group, reactions, standing);
            let key = |keys: &[Key], ids: &NumberedIds| keys[ids.numbers[row] as usize];
            let (reader, author) = (key(&keys.readers, &block.readers), key(&keys.authors, &block.authors));
            let language = key(&keys.languages, &block.languages);
            let at =
                |visitor, major, minor| Visit { major, minor, language: Key(0), stamp: stamp.visiting_as(visitor) };
            send(Visit { language, ..at(Visitor::Reader, reader, author) })?;
            send(at(Visitor::Author, author, reader))?;
            for &hashtag in &keys.hashtags[block.hashtags.range(row)] {
                send(at(Visitor::Hashtag, reader, hashtag))?;
            }
            let tweet = block.tweets[row];
            if standing == Standing::Finetune {
                routing.tweets.insert(tweet);
            } else if keys.wanted.get(row) == Some(&false) {
                continue;
            }
            send(at(Visitor::Tweet, Key::of(tweet), Key(0)))?;
        }
        Ok(())
    }
}

/// Counts finished tasks; others wait for the last.
struct Countdown {
    left: Mutex<usize>,
    last: Condvar,
}

impl Countdown {
    fn new(tasks: usize) -> Self {
        Self { left: Mutex::new(tasks), last: Condvar::new() }
    }

    /// One task is finished, or has failed, when what this gives is dropped.
    fn count_on_drop(&self) -> impl Drop {
        struct Count<'a>(&'a Countdown);
        impl Drop for Count<'_> {
            fn drop(&mut self) {
                *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
                self.0.last.notify_all();
            }
        }
        Count(self)
    }

    /// Waits until no task is left.
    fn wait(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.last.wait_while(left, |left| *left > 0));
    }
}
