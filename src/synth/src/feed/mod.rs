//! The same world as a feed's log: posts, users and impressions with names, text and times of their own.
//!
//! In the data's order: `spool` sorts impressions by time; `language`, `words` and `text` write a post's text, `names`
//! the identifiers; `columns` are rows as Arrow or JSON, `tables` what a feed has of them; `tokenizer` is the
//! vocabulary of the text.

mod columns;
mod language;
mod names;
mod spool;
mod tables;
mod text;
mod tokenizer;
mod words;

use std::fs;
use std::io;
use std::num::NonZeroUsize;

use serde::Serialize;
use skimlog_runtime::ordered::ordered_map;

use crate::engagement::PlantedModel;
use crate::files::{Output, Unfinished, attempt};
use crate::options::{SynthError, SynthOptions};
use crate::people::Profile;
use crate::random::{Purpose, uniform};
use crate::tweet::{Tweet, TweetKey};
use crate::world::{Period, Set, World};
use columns::{Column, Columns, Values};
use spool::{Impression, Spool};
use tables::ParquetFile;
use text::Texts;
use words::Words;

/// Rows made at once.
const BLOCK: usize = 4096;
const NAMES: [&str; 8] = [
    "posts.parquet",
    "users.parquet",
    "impressions.parquet",
    "feed.parquet",
    "feed.ndjson",
    "test.parquet",
    "test.ndjson",
    "tokenizer.json",
];

/// The forms of the joined tables, `feed` and `test`. Both have the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedForms {
    /// Apache Parquet.
    pub parquet: bool,
    /// A JSON object a line.
    pub ndjson: bool,
}

/// What was generated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeedSummary {
    /// Rows of `posts.parquet`.
    pub posts: u64,
    /// Rows of `users.parquet`.
    pub users: u64,
    /// Rows of `impressions.parquet`, and of `feed`.
    pub impressions: u64,
    /// Rows of `test`.
    pub test: u64,
}

/// Generates the log of a feed in `options.out`: the impressions of the sets that [`generate`](crate::generate) makes
/// with the same options, sorted by time. Calls `progress` with the number of impressions drawn and written so far,
/// each counted once for drawing and once for writing.
///
/// * `posts.parquet`: `post_id`, `author_id`, `text`, `lang`, `created_at`, `kind` (post, repost or quote), `media`
///   (image, video or gif; null for none), `hashtags`, `links`, `domains`; times are `timestamp(ms, UTC)`, the last
///   four lists of strings;
/// * `users.parquet`: `user_id`, `followers`, `following`, `verified`, `created_at`;
/// * `impressions.parquet`: `post_id`, `viewer_id`, `shown_at`, `viewer_follows_author`, `liked_at`, `replied_at`,
///   `reposted_at`, `quoted_at` (null for what did not happen): the training and the validation set;
/// * `feed.parquet`, `feed.ndjson`: the join of the three, a row an impression, with `post_`, `author_` or `viewer_`
///   before the names of the columns above; in JSON, times are ISO 8601 in UTC;
/// * `test.parquet`, `test.ndjson`: the test set, the same columns without the reactions;
/// * `tokenizer.json`: a WordPiece vocabulary that fits the text, in the format of the library `tokenizers`.
///
/// Rows are in the order of `shown_at`, which is on the day (UTC) of the post, so that training days come before
/// validation days. An impression is as in the records: `viewer_follows_author` is their field 19, and times cut to
/// seconds are theirs. Memory grows with the impressions of a day, 40 bytes each.
///
/// # Errors
/// [`SynthError`] for an option out of range, for output that is there already, and from the file system.
pub fn generate_feed(
    options: &SynthOptions,
    forms: FeedForms,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<FeedSummary, SynthError> {
    options.check()?;
    let unfinished = Unfinished::begin(&options.out, &NAMES)?;
    let words = Words::new();
    let path = unfinished.path().join("tokenizer.json");
    let json = serde_json::to_string(&tokenizer::tokenizer(&words)).map_err(io::Error::from);
    attempt("write", &path, json.and_then(|json| fs::write(&path, json)))?;

    let world = World::new(options);
    let model = PlantedModel::calibrated(&world);
    let texts = Texts::new(words);
    let threads = NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN);
    let mut feed = Feed { world: &world, texts: &texts, unfinished: &unfinished, threads, forms, progress, done: 0 };
    let mut log = Spool::new(unfinished.path(), "log");
    feed.draw(&model, Set::Train, options.rows, &mut log)?;
    feed.draw(&model, Set::Validation, options.valid_rows, &mut log)?;
    let mut test = Spool::new(unfinished.path(), "test");
    feed.draw(&model, Set::Test, options.test_rows, &mut test)?;
    feed.write("feed", true, log)?;
    feed.write("test", false, test)?;
    let summary = FeedSummary {
        posts: feed.write_posts(options)?,
        users: feed.write_users()?,
        impressions: options.rows + options.valid_rows,
        test: options.test_rows,
    };
    unfinished.complete(&NAMES)?;
    Ok(summary)
}

struct Feed<'a> {
    world: &'a World,
    texts: &'a Texts,
    unfinished: &'a Unfinished,
    threads: NonZeroUsize,
    forms: FeedForms,
    progress: &'a (dyn Fn(u64) + Sync),
    done: u64,
}

/// A block of joined rows.
struct Joined {
    impressions: Option<Columns>,
    rows: Columns,
    lines: Vec<u8>,
}

impl Feed<'_> {
    fn advance(&mut self, rows: usize) {
        self.done += rows as u64;
        (self.progress)(self.done);
    }

    /// Draws the impressions of a set: those of its records.
    fn draw(&mut self, model: &PlantedModel, set: Set, rows: u64, spool: &mut Spool) -> Result<(), SynthError> {
        let world = self.world;
        let block = BLOCK as u64;
        let draw = |number: u64| {
            let mut random = world.seed.random(Purpose::Block, set as u64, number);
            let rows = block.min(rows - number * block);
            Ok((0..rows).map(|_| impression(world, model, set, &mut random)).collect::<Vec<_>>())
        };
        ordered_map(self.threads, (0..rows.div_ceil(block)).map(Ok), draw, |impressions: Vec<Impression>| {
            impressions.iter().try_for_each(|impression| spool.add(impression))?;
            self.advance(impressions.len());
            Ok(())
        })
    }

    /// Writes the joined tables, and with `reactions` the table of impressions.
    fn write(&mut self, name: &str, reactions: bool, spool: Spool) -> Result<(), SynthError> {
        let Self { world, texts, unfinished, threads, forms, .. } = *self;
        let path = |name: String| unfinished.path().join(name);
        let mut log = reactions.then(|| ParquetFile::new(path("impressions.parquet".into())));
        let mut table = forms.parquet.then(|| ParquetFile::new(path(format!("{name}.parquet"))));
        let mut lines = forms.ndjson.then(|| Output::create(path(format!("{name}.ndjson")))).transpose()?;
        let blocks = spool.into_days().flat_map(|day| match day {
            Ok(day) => day.chunks(BLOCK).map(|block| Ok(block.to_vec())).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        });
        let join = |block: Vec<Impression>| joined(world, texts, &block, reactions, forms);
        ordered_map(threads, blocks, join, |block: Joined| {
            if let (Some(log), Some(impressions)) = (&mut log, &block.impressions) {
                log.write(impressions)?;
            }
            if let Some(table) = &mut table {
                table.write(&block.rows)?;
            }
            if let Some(lines) = &mut lines {
                lines.write(&block.lines)?;
            }
            self.advance(block.rows.rows());
            Ok(())
        })?;
        log.map_or(Ok(()), ParquetFile::finish)?;
        table.map_or(Ok(()), ParquetFile::finish)?;
        lines.map_or(Ok(()), Output::finish)
    }

    /// Writes the posts of all authors, author after author; gives their number.
    fn write_posts(&self, options: &SynthOptions) -> Result<u64, SynthError> {
        let Self { world, texts, .. } = *self;
        let periods = [(Period::Training, true), (Period::WeekAfter, options.valid_rows + options.test_rows > 0)];
        let keys = (0..world.authors).flat_map(move |author| {
            periods.into_iter().filter(|(_, any)| *any).flat_map(move |(period, _)| {
                (0..world.tweets(author, period)).map(move |number| TweetKey { author, period, number })
            })
        });
        let make = |keys: Vec<TweetKey>| {
            let posts: Vec<(Tweet, String)> = keys.iter().map(|&key| post(world, key)).collect();
            let mut columns = tables::posts(world, texts, "", &posts);
            let authors = posts.into_iter().map(|(_, author)| author).collect();
            columns.insert(1, Column { name: "author_id".into(), values: Values::Text(authors) });
            Ok(Columns::new(columns))
        };
        self.write_table("posts.parquet", Blocks(keys), make)
    }

    /// Writes all users; gives their number.
    fn write_users(&self) -> Result<u64, SynthError> {
        let world = self.world;
        let make = |users: Vec<u32>| {
            let users: Vec<Profile> = users.into_iter().map(|user| world.profile(user)).collect();
            Ok(Columns::new(tables::users("user", "", &users)))
        };
        self.write_table("users.parquet", Blocks(0..world.users), make)
    }

    fn write_table<T: Send>(
        &self,
        name: &str,
        blocks: impl Iterator<Item = Vec<T>> + Send,
        make: impl Fn(Vec<T>) -> Result<Columns, SynthError> + Sync,
    ) -> Result<u64, SynthError> {
        let (mut file, mut rows) = (ParquetFile::new(self.unfinished.path().join(name)), 0);
        ordered_map(self.threads, blocks.map(Ok), make, |columns: Columns| {
            rows += columns.rows() as u64;
            file.write(&columns)
        })?;
        file.finish()?;
        Ok(rows)
    }
}

/// What an iterator gives, [`BLOCK`] items at a time.
struct Blocks<I>(I);

impl<I: Iterator> Iterator for Blocks<I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let block: Vec<I::Item> = self.0.by_ref().take(BLOCK).collect();
        (!block.is_empty()).then_some(block)
    }
}

/// Draws the next record of a set as an impression. The post was shown on its day, and before any reaction.
fn impression(world: &World, model: &PlantedModel, set: Set, random: &mut crate::random::Random) -> Impression {
    let encounter = world.encounter(set, random);
    let times = model.outcome(world, &encounter).times;
    let (user, key) = (encounter.reader.user, encounter.key);
    let created = tables::created(&encounter.tweet);
    let midnight = (i64::from(encounter.tweet.time) / 86_400 + 1) * 86_400_000;
    let reacted = times.iter().map(|(_, &time)| time).filter(|&time| time != 0).min();
    let latest = reacted.map_or(midnight, |time| midnight.min(i64::from(time) * 1_000));
    let share = uniform(&mut world.seed.random(Purpose::FeedTime, user.into(), key.packed()));
    // Most posts are shown soon.
    let shown = created + ((latest - created) as f64 * share * share) as i64;
    Impression {
        shown: shown.min(midnight - 1),
        user,
        author: key.author,
        number: key.number,
        follows: encounter.follows.into(),
        times: *times.as_count_order(),
    }
}

/// A post, and its author's name.
fn post(world: &World, key: TweetKey) -> (Tweet, String) {
    (world.tweet(key), names::account(world.profile(world.user_of(key.author)).id))
}

/// The rows of a block of impressions.
fn joined(
    world: &World,
    texts: &Texts,
    block: &[Impression],
    reactions: bool,
    forms: FeedForms,
) -> Result<Joined, SynthError> {
    let second_period = i64::from(Period::WeekAfter.start()) * 1_000;
    let posts: Vec<(Tweet, String)> = block
        .iter()
        .map(|&Impression { shown, author, number, .. }| {
            let period = if shown < second_period { Period::Training } else { Period::WeekAfter };
            post(world, TweetKey { author, period, number })
        })
        .collect();
    let profiles = |user: &dyn Fn(&Impression) -> u32| -> Vec<Profile> {
        block.iter().map(|impression| world.profile(user(impression))).collect()
    };
    let authors = profiles(&|impression| world.user_of(impression.author));
    let viewers = profiles(&|impression| impression.user);
    let showings = || {
        let follows = block.iter().map(|impression| impression.follows != 0).collect();
        tables::showings(block.iter().map(|impression| impression.shown).collect(), follows)
    };
    let times: Vec<_> = if reactions { block.iter().map(Impression::reactions).collect() } else { Vec::new() };
    let reacted = || if reactions { tables::reactions(&times) } else { Vec::new() };
    let impressions = reactions.then(|| {
        let name = |(tweet, author): &(Tweet, String)| names::post(author, tweet.id);
        let post_ids = Values::Text(posts.iter().map(name).collect());
        let viewer_ids = Values::Text(viewers.iter().map(|viewer| names::account(viewer.id)).collect());
        let ids = [("post_id", post_ids), ("viewer_id", viewer_ids)];
        let ids = ids.map(|(name, values)| Column { name: name.into(), values });
        Columns::new(ids.into_iter().chain(showings()).chain(reacted()))
    });
    let rows = tables::posts(world, texts, "post_", &posts)
        .into_iter()
        .chain(tables::users("author", "author_", &authors))
        .chain(tables::users("viewer", "viewer_", &viewers))
        .chain(showings())
        .chain(reacted());
    let (rows, mut lines) = (Columns::new(rows), Vec::new());
    if forms.ndjson {
        rows.write_lines(&mut lines).map_err(|error| SynthError::Io {
            action: "write a row as JSON",
            path: "feed.ndjson".into(),
            source: error.into(),
        })?;
    }
    Ok(Joined { impressions, rows, lines })
}
