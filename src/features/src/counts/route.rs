//! From records to visits, routed by place.

use std::sync::{Condvar, Mutex, PoisonError};

use skimlog_formats::columnar::NumberedIds;
use skimlog_formats::{Id, ReactionSet};
use skimlog_runtime::progress::Progress;
use skimlog_runtime::shuffle::{Router, Shuffle};

use super::block::CountedBlock;
use super::days::DayNumbers;
use super::family::Visitor;
use super::filter::IdFilter;
use super::queue::Queue;
use super::split::{Side, Split};
use super::visit::{Address, Stamp, Standing, Visit};
use super::{CountsError, RecordSource};
use crate::key::Key;

/// How the records of a part stand to the counters.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    Training,
    Validation(&'a Split),
    Test,
}

/// A part and where its rows go.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) records: &'a dyn RecordSource,
    pub(super) role: Role<'a>,
    /// First of the part's output blocks.
    pub(super) first_block: usize,
}

/// The partition of a place: places are spread evenly over any number of partitions. `skipped` leading bits of the
/// key are the same for all places at hand.
pub(super) fn partition_of(place: Key, skipped: u32, partitions: usize) -> usize {
    let bits = place.0.checked_shl(skipped).unwrap_or(0);
    ((u128::from(bits) * partitions as u128) >> 64) as usize
}

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
    pub(super) threads: usize,
    pub(super) progress: &'a dyn Progress,
}

impl Routing<'_> {
    /// Routes all records of the validation part and of the other parts. The finetune records' tweets must all be in the
    /// filter before any other record is routed.
    pub(super) fn route(&self, validation: &[Part<'_>], others: &[Part<'_>]) -> Result<(), CountsError> {
        let mut tasks = Vec::new();
        let mut validation_tasks = 0;
        for (place, part) in (1..).zip(validation.iter().chain(others)) {
            let mut first_row = 0;
            for block in 0..part.records.blocks() {
                tasks.push((part, block, first_row));
                first_row += part.records.block_rows(block) as u64;
            }
            if place == validation.len() {
                validation_tasks = tasks.len();
            }
        }
        let validated = Countdown::new(validation_tasks);
        Queue::run(tasks.len(), self.threads, |queue| {
            let (mut router, mut keys) = (Router::new(self.shuffle), Keys::default());
            while let Some(task) = queue.take() {
                let (part, number, first_row) = tasks[task];
                // Tasks are handed out in order, so that whoever waits below waits for somebody at work.
                let _counted = (task < validation_tasks).then(|| validated.count_on_drop());
                let name = || part.records.name().to_owned();
                let block =
                    part.records.read(number).map_err(|source| CountsError::Records { part: name(), source })?;
                if block.reactions.is_none() && !matches!(part.role, Role::Test) {
                    return Err(CountsError::NoReactions { part: name() });
                }
                keys.fill(&block);
                if task >= validation_tasks {
                    validated.wait();
                    keys.ask(&block.tweets, self.tweets);
                }
                self.route_block(part, first_row, &block, &keys, &mut router)?;
                self.progress.advance(block.rows as u64);
            }
            Ok(router.finish()?)
        })
    }

    fn route_block(
        &self,
        part: &Part<'_>,
        first_row: u64,
        block: &CountedBlock,
        keys: &Keys,
        router: &mut Router<'_>,
    ) -> Result<(), CountsError> {
        let partitions = self.shuffle.partitions();
        let mut send = |visit: Visit| router.push(partition_of(visit.major, 0, partitions), bytemuck::bytes_of(&visit));
        for row in 0..block.rows {
            let part_row = first_row + row as u64;
            let address = Address {
                block: part.first_block + (part_row / self.block_rows as u64) as usize,
                row: (part_row % self.block_rows as u64) as usize,
            };
            let (standing, group) = match part.role {
                Role::Training => (Standing::Training, self.days.of(block.event_times[row])?),
                Role::Validation(split) => match split.side(part_row) {
                    Side::Finetune { chunk } => (Standing::Finetune, chunk),
                    Side::HoldOut => (Standing::Onlooker, 0),
                },
                Role::Test => (Standing::Onlooker, 0),
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
                self.tweets.insert(tweet);
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
