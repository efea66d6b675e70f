//! From records to visits, routed by place.

use skimmer_formats::record::{Columns, RecordBatch};

use super::family::Visitor;
use super::filter::KeyFilter;
use super::queue::Queue;
use super::split::{Side, Split};
use super::visit::{Address, Stamp, Standing, Visit};
use super::{CountsError, RecordSource};
use crate::key::Key;
use crate::progress::Progress;
use crate::shuffle::{Router, Shuffle};

/// Columns that [`RecordSource::read`] must give.
pub const COUNTED_COLUMNS: Columns = Columns::HASHTAGS
    .and(Columns::TWEET)
    .and(Columns::LANGUAGE)
    .and(Columns::TWEET_TIME)
    .and(Columns::AUTHOR_ID)
    .and(Columns::READER_ID)
    .and(Columns::REACTIONS);

const DAY: u32 = 86_400;

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

/// The keys of a block's records. Reused block after block.
#[derive(Default)]
struct Keys {
    readers: Vec<Key>,
    authors: Vec<Key>,
    languages: Vec<Key>,
    tweets: Vec<Key>,
    /// Of all records one after the other.
    hashtags: Vec<Key>,
}

impl Keys {
    fn fill(&mut self, batch: &RecordBatch) {
        Key::of_all(&batch.reader.id, &mut self.readers);
        Key::of_all(&batch.author.id, &mut self.authors);
        Key::of_all(&batch.language, &mut self.languages);
        Key::of_all(&batch.tweet, &mut self.tweets);
        Key::of_all(batch.hashtags.values(), &mut self.hashtags);
    }
}

/// Routes the visits of whole parts.
pub(super) struct Routing<'a> {
    pub(super) shuffle: &'a Shuffle<'a>,
    /// Rows of a full output block.
    pub(super) block_rows: usize,
    /// Tweets of the finetune records: only these are worth a visit.
    pub(super) tweets: &'a KeyFilter,
    pub(super) threads: usize,
    pub(super) progress: &'a dyn Progress,
}

impl Routing<'_> {
    /// Routes all records of `parts`. The finetune records' tweets must all be in the filter before any other part is
    /// routed, so validation goes first, alone.
    pub(super) fn route(&self, parts: &[Part<'_>]) -> Result<(), CountsError> {
        let mut tasks = Vec::new();
        for part in parts {
            let mut first_row = 0;
            for block in 0..part.records.blocks() {
                tasks.push((part, block, first_row));
                first_row += part.records.block_rows(block) as u64;
            }
        }
        Queue::run(tasks.len(), self.threads, |queue| {
            let (mut router, mut keys) = (Router::new(self.shuffle), Keys::default());
            while let Some(task) = queue.take() {
                let (part, block, first_row) = tasks[task];
                let name = || part.records.name().to_owned();
                let batch = part.records.read(block).map_err(|source| CountsError::Records { part: name(), source })?;
                if batch.reactions.is_none() && !matches!(part.role, Role::Test) {
                    return Err(CountsError::NoReactions { part: name() });
                }
                keys.fill(&batch);
                self.route_batch(part, first_row, &batch, &keys, &mut router)?;
                self.progress.advance(batch.rows as u64);
            }
            Ok(router.finish()?)
        })
    }

    fn route_batch(
        &self,
        part: &Part<'_>,
        first_row: u64,
        batch: &RecordBatch,
        keys: &Keys,
        router: &mut Router<'_>,
    ) -> Result<(), CountsError> {
        let partitions = self.shuffle.partitions();
        let mut send = |visit: Visit| router.push(partition_of(visit.major, 0, partitions), bytemuck::bytes_of(&visit));
        for row in 0..batch.rows {
            let part_row = first_row + row as u64;
            let address = Address {
                block: part.first_block + (part_row / self.block_rows as u64) as usize,
                row: (part_row % self.block_rows as u64) as usize,
            };
            let (standing, group) = match part.role {
                // 2^32 seconds are fewer than 2^16 days.
                Role::Training => (Standing::Training, (batch.event_time(row) / DAY) as u16),
                Role::Validation(split) => match split.side(part_row) {
                    Side::Finetune { chunk } => (Standing::Finetune, chunk),
                    Side::HoldOut => (Standing::Onlooker, 0),
                },
                Role::Test => (Standing::Onlooker, 0),
            };
            let stamp = Stamp::new(address, group, batch.reaction_set(row), standing);
            let (reader, author) = (keys.readers[row], keys.authors[row]);
            let at =
                |visitor, major, minor| Visit { major, minor, language: Key(0), stamp: stamp.visiting_as(visitor) };
            send(Visit { language: keys.languages[row], ..at(Visitor::Reader, reader, author) })?;
            send(at(Visitor::Author, author, reader))?;
            for &hashtag in &keys.hashtags[batch.hashtags.range(row)] {
                send(at(Visitor::Hashtag, reader, hashtag))?;
            }
            let tweet = keys.tweets[row];
            match standing {
                Standing::Finetune => self.tweets.insert(tweet),
                Standing::Onlooker if matches!(part.role, Role::Validation(_)) => {}
                _ if !self.tweets.may_contain(tweet) => continue,
                _ => {}
            }
            send(at(Visitor::Tweet, tweet, Key(0)))?;
        }
        Ok(())
    }
}
