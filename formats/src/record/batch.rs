//! Records as columns: the parser fills them, `.skim` files store them, and every stage works on them.

use std::fmt;

use super::FieldCount;
use crate::{Id, Lists, PerReaction, Reaction, ReactionSet};

/// Stands for "no such reaction" among the times of [`RecordBatch::reactions`]. It is no time: the least one is one
/// second later.
pub const NO_REACTION: i64 = i64::MIN;

/// A kind of media in a tweet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Media {
    /// A picture.
    Photo = 0,
    /// A film.
    Video = 1,
    /// An animated picture.
    Gif = 2,
}

impl Media {
    /// All kinds, by discriminant.
    pub const ALL: [Self; 3] = [Self::Photo, Self::Video, Self::Gif];

    /// The name in the raw record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Photo => "Photo",
            Self::Video => "Video",
            Self::Gif => "GIF",
        }
    }
}

/// What kind of tweet a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TweetType {
    /// A tweet of its own.
    TopLevel = 0,
    /// A tweet passed on.
    Retweet = 1,
    /// A tweet passed on with a comment.
    Quote = 2,
    /// An answer to another tweet. The data set's schema names it; no record with it is known.
    Reply = 3,
}

impl TweetType {
    /// All types, by discriminant.
    pub const ALL: [Self; 4] = [Self::TopLevel, Self::Retweet, Self::Quote, Self::Reply];

    /// The name in the raw record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopLevel => "TopLevel",
            Self::Retweet => "Retweet",
            Self::Quote => "Quote",
            Self::Reply => "Reply",
        }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for TweetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One side's users (authors or readers) of a batch of records, a value a record in every column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// User ids.
    pub id: Vec<Id>,
    /// Number of accounts that follow the user.
    pub followers: Vec<i64>,
    /// Number of accounts the user follows.
    pub following: Vec<i64>,
    /// Whether the account is verified.
    pub verified: Vec<bool>,
    /// When the account was created, in unix seconds.
    pub created: Vec<i64>,
}

impl Users {
    fn truncate(&mut self, rows: usize) {
        self.id.truncate(rows);
        self.followers.truncate(rows);
        self.following.truncate(rows);
        self.verified.truncate(rows);
        self.created.truncate(rows);
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            id: take(&self.id, rows),
            followers: take(&self.followers, rows),
            following: take(&self.following, rows),
            verified: take(&self.verified, rows),
            created: take(&self.created, rows),
        }
    }
}

fn take<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| values[row]).collect()
}

/// A batch of records, column by column.
///
/// A batch read with a selection of [`Columns`] leaves the other columns empty. Times are unix seconds. Any number is a
/// time or a follower count, however implausible: the data set holds accounts created before 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordBatch {
    /// Number of records.
    pub rows: usize,
    /// WordPiece token ids of the text, `[CLS]` and `[SEP]` included.
    pub tokens: Lists<u32>,
    /// Hashtag ids, repeats kept.
    pub hashtags: Lists<Id>,
    /// Tweet ids.
    pub tweet: Vec<Id>,
    /// Media, repeats kept.
    pub media: Lists<Media>,
    /// Link ids.
    pub links: Lists<Id>,
    /// Domain ids of the links.
    pub domains: Lists<Id>,
    /// Tweet types.
    pub tweet_type: Vec<TweetType>,
    /// Language ids.
    pub language: Vec<Id>,
    /// When the tweet was written.
    pub tweet_time: Vec<i64>,
    /// Who wrote the tweet.
    pub author: Users,
    /// Who saw the tweet.
    pub reader: Users,
    /// Field 19: whether the author (the engagee) follows the reader (the engager).
    pub author_follows_reader: Vec<bool>,
    /// Times of the reactions, [`NO_REACTION`] where there was none; `None` for records of 20 fields.
    pub reactions: Option<PerReaction<Vec<i64>>>,
}

impl RecordBatch {
    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Keeps the first `rows` records and drops everything after them, a half-added record's values too.
    pub fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        self.tokens.truncate(rows);
        self.hashtags.truncate(rows);
        self.tweet.truncate(rows);
        self.media.truncate(rows);
        self.links.truncate(rows);
        self.domains.truncate(rows);
        self.tweet_type.truncate(rows);
        self.language.truncate(rows);
        self.tweet_time.truncate(rows);
        self.author.truncate(rows);
        self.reader.truncate(rows);
        self.author_follows_reader.truncate(rows);
        if let Some(times) = &mut self.reactions {
            Reaction::ALL.into_iter().for_each(|reaction| times[reaction].truncate(rows));
        }
    }

    /// The records of these rows, which are below [`RecordBatch::rows`], in their order. The batch has every column.
    pub fn select(&self, rows: &[usize]) -> Self {
        let lists = |lists: &Lists<Id>| rows.iter().map(|&row| lists.get(row)).collect::<Lists<_>>();
        Self {
            rows: rows.len(),
            tokens: rows.iter().map(|&row| self.tokens.get(row)).collect(),
            hashtags: lists(&self.hashtags),
            tweet: take(&self.tweet, rows),
            media: rows.iter().map(|&row| self.media.get(row)).collect(),
            links: lists(&self.links),
            domains: lists(&self.domains),
            tweet_type: take(&self.tweet_type, rows),
            language: take(&self.language, rows),
            tweet_time: take(&self.tweet_time, rows),
            author: self.author.select(rows),
            reader: self.reader.select(rows),
            author_follows_reader: take(&self.author_follows_reader, rows),
            reactions: self
                .reactions
                .as_ref()
                .map(|times| PerReaction::from_fn(|reaction| take(&times[reaction], rows))),
        }
    }

    /// Makes the batch ready for another record. An empty batch takes records of either number of fields.
    ///
    /// # Panics
    /// If the batch holds records of the other number of fields.
    pub(super) fn begin(&mut self, fields: FieldCount) {
        if self.reactions.is_some() != fields.has_reactions() {
            assert!(self.rows == 0, "a batch holds either 24-field or 20-field records");
            self.reactions = fields.has_reactions().then(PerReaction::default);
        }
    }

    /// Takes back everything after the first `rows` records, and what [`RecordBatch::begin`] did if none is left.
    pub(super) fn roll_back(&mut self, rows: usize) {
        self.truncate(rows);
        if rows == 0 {
            self.reactions = None;
        }
    }

    /// The reactions record `row` has; none for records of 20 fields.
    pub fn reaction_set(&self, row: usize) -> ReactionSet {
        match &self.reactions {
            Some(times) => Reaction::ALL.into_iter().filter(|&reaction| times[reaction][row] != NO_REACTION).collect(),
            None => ReactionSet::NONE,
        }
    }

    /// Event time of record `row` in unix seconds: its latest reaction, or the tweet's time if it has none.
    pub fn event_time(&self, row: usize) -> i64 {
        let latest = self.reactions.iter().flat_map(PerReaction::iter).map(|(_, times)| times[row]).max();
        latest.filter(|&time| time != NO_REACTION).unwrap_or(self.tweet_time[row])
    }
}

/// A selection of a record's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(u32);

impl Columns {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// [`RecordBatch::tokens`].
    pub const TOKENS: Self = Self(1);
    /// [`RecordBatch::hashtags`].
    pub const HASHTAGS: Self = Self(1 << 1);
    /// [`RecordBatch::tweet`].
    pub const TWEET: Self = Self(1 << 2);
    /// [`RecordBatch::media`].
    pub const MEDIA: Self = Self(1 << 3);
    /// [`RecordBatch::links`].
    pub const LINKS: Self = Self(1 << 4);
    /// [`RecordBatch::domains`].
    pub const DOMAINS: Self = Self(1 << 5);
    /// [`RecordBatch::tweet_type`].
    pub const TWEET_TYPE: Self = Self(1 << 6);
    /// [`RecordBatch::language`].
    pub const LANGUAGE: Self = Self(1 << 7);
    /// [`RecordBatch::tweet_time`].
    pub const TWEET_TIME: Self = Self(1 << 8);
    /// The author's id.
    pub const AUTHOR_ID: Self = Self(1 << 9);
    /// The author's other columns.
    pub const AUTHOR_PROFILE: Self = Self(1 << 10);
    /// The reader's id.
    pub const READER_ID: Self = Self(1 << 11);
    /// The reader's other columns.
    pub const READER_PROFILE: Self = Self(1 << 12);
    /// [`RecordBatch::author_follows_reader`].
    pub const AUTHOR_FOLLOWS_READER: Self = Self(1 << 13);
    /// [`RecordBatch::reactions`].
    pub const REACTIONS: Self = Self(1 << 14);
    /// Everything.
    pub const ALL: Self = Self((1 << 15) - 1);

    /// The columns of either selection.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every column of `other` is selected.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
