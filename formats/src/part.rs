//! A part as a `.skim` file: a record's columns, written and read.
//!
//! Lossless: what [`PartReader`] reads is what [`encode`] was given. The fields are listed in `COLUMNAR.md`.
//!
//! ```
//! use skimlog_formats::part::{self, PartReader, PartWriter};
//! use skimlog_formats::record::{Columns, RecordBatch, RecordOptions, RecordScanner};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("part-00000.skim");
//! # let text: &[u8] = include_bytes!("../fixtures/labelled");
//!
//! // A batch of records, of `text` in this case.
//! let (mut batch, mut scanner) = (RecordBatch::default(), RecordScanner::new(text, RecordOptions::default()));
//! while let Some(outcome) = scanner.read(&mut batch) {
//!     outcome?;
//! }
//! let mut writer = PartWriter::new(std::fs::File::create(&path)?, batch.reactions.is_some())?;
//! writer.append(part::encode(&batch)?)?;
//! writer.finish()?;
//!
//! let part = PartReader::open(&path)?;
//! assert_eq!(part.rows(), batch.rows as u64);
//! // Of the columns that are not asked for, nothing is read.
//! let read = part.read(0, Columns::LANGUAGE.union(Columns::TWEET_TIME))?;
//! assert_eq!((read.language, read.tweet_time), (batch.language, batch.tweet_time));
//! assert!(read.tokens.is_empty());
//! # Ok(())
//! # }
//! ```

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use crate::columnar::{
    Advice, BlockEncoder, ColumnRef, ColumnarError, Element, EncodedBlock, Field, NumberedIds, Reader, Schema,
    ValueType, Writer,
};
use crate::record::{Columns, Media, NO_REACTION, RecordBatch, TweetType, Users};
use crate::{Lists, PerReaction, Reaction};

/// The kind of file.
pub const KIND: &str = "part";
/// Version of the container since which times and follower counts are i64; before it they are u32, and a reaction's
/// time is 0 where there is none.
const WIDE_SINCE: u32 = 3;
/// Metadata of a part whose last record had no newline: this key with the value `no`.
const FINAL_NEWLINE: &str = "final_newline";
/// Records in every block of a part but the last.
pub const BLOCK_ROWS: usize = 65_536;

/// Column names of the two sides' users: id, followers, following, verified, created.
const AUTHOR: [&str; 5] = ["author", "author_followers", "author_following", "author_verified", "author_created"];
const READER: [&str; 5] = ["reader", "reader_followers", "reader_following", "reader_verified", "reader_created"];

/// Column name of a reaction's time.
const fn time_column(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Like => "like_time",
        Reaction::Reply => "reply_time",
        Reaction::Retweet => "retweet_time",
        Reaction::Quote => "quote_time",
    }
}

/// The schema of a part whose records have reactions (24 fields) or not (20).
pub fn schema(has_reactions: bool) -> Schema {
    let mut fields = vec![
        Field::list("tokens", ValueType::U32),
        Field::list("hashtags", ValueType::Id),
        Field::flat("tweet", ValueType::Id),
        Field::list("media", ValueType::U8),
        Field::list("links", ValueType::Id),
        Field::list("domains", ValueType::Id),
        Field::flat("tweet_type", ValueType::U8),
        Field::flat("language", ValueType::Id),
        Field::flat("tweet_time", ValueType::I64),
    ];
    let types = [ValueType::Id, ValueType::I64, ValueType::I64, ValueType::Bool, ValueType::I64];
    for names in [AUTHOR, READER] {
        fields.extend(names.into_iter().zip(types).map(|(name, value)| Field::flat(name, value)));
    }
    fields.push(Field::flat("author_follows_reader", ValueType::Bool));
    if has_reactions {
        fields.extend(Reaction::RECORD_ORDER.map(|reaction| Field::flat(time_column(reaction), ValueType::I64)));
    }
    Schema::new(KIND, fields)
}

/// What is known of the columns: a tweet's lists depend on the tweet, a profile on the user, and a reaction follows its
/// tweet.
fn advice(schema: &Schema) -> Vec<Advice> {
    let field = |name: &str| schema.fields.iter().position(|field| field.name == name).unwrap_or_default();
    let (tweet, author, reader, tweet_time) = (field("tweet"), field("author"), field("reader"), field("tweet_time"));
    let of = |name: &str| match name {
        "tokens" | "hashtags" | "links" | "domains" => Advice::KeyedBy(tweet),
        name if AUTHOR[1..].contains(&name) => Advice::KeyedBy(author),
        name if READER[1..].contains(&name) => Advice::KeyedBy(reader),
        "reply_time" | "retweet_time" | "quote_time" | "like_time" => Advice::RelativeTo(tweet_time),
        _ => Advice::Auto,
    };
    schema.fields.iter().map(|field| of(&field.name)).collect()
}

/// Encodes a batch of at most [`BLOCK_ROWS`] records with all their columns. Pure.
///
/// # Errors
/// As [`PartEncoder::encode`].
pub fn encode(batch: &RecordBatch) -> Result<EncodedBlock, ColumnarError> {
    PartEncoder::default().encode(batch)
}

/// Encodes batch after batch in the same memory.
#[derive(Default)]
pub struct PartEncoder(BlockEncoder);

impl PartEncoder {
    /// Encodes a batch of at most [`BLOCK_ROWS`] records with all their columns. The same batch gives the same bytes.
    ///
    /// # Errors
    /// [`ColumnarError::Shape`] for a batch that is too large or whose columns differ in length.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<EncodedBlock, ColumnarError> {
        if batch.rows > BLOCK_ROWS {
            let what = format!("{} records, a block of a part holds at most {BLOCK_ROWS}", batch.rows);
            return Err(ColumnarError::Shape(what));
        }
        let schema = schema(batch.reactions.is_some());
        let media_codes: Vec<u8> = batch.media.values().iter().map(|&media| media as u8).collect();
        let type_codes: Vec<u8> = batch.tweet_type.iter().map(|&tweet_type| tweet_type as u8).collect();
        let mut columns = vec![
            ColumnRef::lists(&batch.tokens),
            ColumnRef::lists(&batch.hashtags),
            ColumnRef::flat(&batch.tweet),
            ColumnRef::List { offsets: batch.media.offsets(), values: u8::borrow(&media_codes) },
            ColumnRef::lists(&batch.links),
            ColumnRef::lists(&batch.domains),
            ColumnRef::flat(&type_codes),
            ColumnRef::flat(&batch.language),
            ColumnRef::flat(&batch.tweet_time),
        ];
        for Users { id, followers, following, verified, created } in [&batch.author, &batch.reader] {
            let numbers = [followers, following].map(|values| ColumnRef::flat(values.as_slice()));
            columns.push(ColumnRef::flat(id));
            columns.extend(numbers);
            columns.extend([ColumnRef::flat(verified), ColumnRef::flat(created)]);
        }
        columns.push(ColumnRef::flat(&batch.author_follows_reader));
        if let Some(times) = &batch.reactions {
            columns.extend(Reaction::RECORD_ORDER.map(|reaction| ColumnRef::flat(&times[reaction])));
        }
        if columns.iter().any(|column| column.rows() != batch.rows) {
            return Err(ColumnarError::Shape(format!("a batch of {} records lacks columns or rows", batch.rows)));
        }
        self.0.encode(&schema, &columns, &advice(&schema))
    }
}

/// Writes a part.
#[derive(Debug)]
pub struct PartWriter<W: Write>(Writer<W>);

impl<W: Write> PartWriter<W> {
    /// Starts a part whose records have reactions or not.
    ///
    /// # Errors
    /// [`ColumnarError::Write`].
    pub fn new(out: W, has_reactions: bool) -> Result<Self, ColumnarError> {
        Writer::new(out, &schema(has_reactions)).map(Self)
    }

    /// Adds the next records, as [`encode`] made them.
    ///
    /// # Errors
    /// [`ColumnarError::Shape`] for records with reactions where there are none, or the other way round;
    /// [`ColumnarError::Write`].
    pub fn append(&mut self, block: EncodedBlock) -> Result<(), ColumnarError> {
        self.0.append(block)
    }

    /// Records appended so far.
    pub fn rows(&self) -> u64 {
        self.0.rows()
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// Notes that the raw part's last record had no newline.
    pub fn mark_missing_final_newline(&mut self) {
        self.0.set_metadata(FINAL_NEWLINE, "no");
    }

    /// Completes the file and gives the output back.
    ///
    /// # Errors
    /// [`ColumnarError::Write`].
    pub fn finish(self) -> Result<W, ColumnarError> {
        self.0.finish()
    }
}

/// Reads a part. Shared freely between threads.
#[derive(Debug)]
pub struct PartReader {
    reader: Reader,
    has_reactions: bool,
}

impl PartReader {
    /// Maps a part.
    ///
    /// # Errors
    /// As [`Reader::open`]; [`ColumnarError::Kind`], [`ColumnarError::MissingColumn`] or [`ColumnarError::ColumnType`]
    /// for a file that is no part.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ColumnarError> {
        Self::new(Reader::open(path)?)
    }

    /// Reads a file that has been opened already.
    ///
    /// # Errors
    /// As [`PartReader::open`].
    pub fn new(reader: Reader) -> Result<Self, ColumnarError> {
        reader.expect_kind(KIND)?;
        let is_reaction = |name: &str| Reaction::ALL.iter().any(|&reaction| time_column(reaction) == name);
        let has_reactions = reader.schema().fields.iter().any(|field| is_reaction(&field.name));
        for field in &schema(has_reactions).fields {
            let value = match field.value {
                ValueType::I64 if reader.version() < WIDE_SINCE => ValueType::U32,
                value => value,
            };
            reader.expect_type(reader.field(&field.name)?, value, field.list)?;
        }
        Ok(Self { reader, has_reactions })
    }

    /// The file behind the part.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Number of records.
    pub fn rows(&self) -> u64 {
        self.reader.rows()
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.reader.blocks()
    }

    /// The records of a block.
    pub fn block_rows(&self, block: usize) -> Range<u64> {
        self.reader.block_rows(block)
    }

    /// Whether the records have reactions (24 fields) or not (20, a test part).
    pub fn has_reactions(&self) -> bool {
        self.has_reactions
    }

    /// Whether the raw part's last record had a newline, as nearly all have.
    pub fn has_final_newline(&self) -> bool {
        self.reader.schema().metadata.get(FINAL_NEWLINE).is_none_or(|value| value != "no")
    }

    /// Decodes the selected columns of a block; the others stay empty. Reactions stay `None` where they are not
    /// selected or the part has none.
    ///
    /// # Errors
    /// [`ColumnarError::Damaged`], [`ColumnarError::NoChunk`].
    pub fn read(&self, block: usize, columns: Columns) -> Result<RecordBatch, ColumnarError> {
        let rows = self.reader.block_rows(block);
        let mut batch = RecordBatch { rows: (rows.end - rows.start) as usize, ..RecordBatch::default() };
        if columns.contains(Columns::TOKENS) {
            batch.tokens = self.lists(block, "tokens")?;
        }
        if columns.contains(Columns::HASHTAGS) {
            batch.hashtags = self.lists(block, "hashtags")?;
        }
        if columns.contains(Columns::TWEET) {
            batch.tweet = self.flat(block, "tweet")?;
        }
        if columns.contains(Columns::MEDIA) {
            let codes: Lists<u8> = self.lists(block, "media")?;
            let media = self.coded(block, "media", codes.values(), &Media::ALL)?;
            batch.media = Lists::from_parts(codes.offsets().to_vec(), media).unwrap_or_default();
        }
        if columns.contains(Columns::LINKS) {
            batch.links = self.lists(block, "links")?;
        }
        if columns.contains(Columns::DOMAINS) {
            batch.domains = self.lists(block, "domains")?;
        }
        if columns.contains(Columns::TWEET_TYPE) {
            let codes: Vec<u8> = self.flat(block, "tweet_type")?;
            batch.tweet_type = self.coded(block, "tweet_type", &codes, &TweetType::ALL)?;
        }
        if columns.contains(Columns::LANGUAGE) {
            batch.language = self.flat(block, "language")?;
        }
        if columns.contains(Columns::TWEET_TIME) {
            batch.tweet_time = self.numbers(block, "tweet_time")?;
        }
        let author = [Columns::AUTHOR_ID, Columns::AUTHOR_PROFILE].map(|selection| columns.contains(selection));
        batch.author = self.users(block, AUTHOR, author)?;
        let reader = [Columns::READER_ID, Columns::READER_PROFILE].map(|selection| columns.contains(selection));
        batch.reader = self.users(block, READER, reader)?;
        if columns.contains(Columns::AUTHOR_FOLLOWS_READER) {
            batch.author_follows_reader = self.flat(block, "author_follows_reader")?;
        }
        if self.has_reactions && columns.contains(Columns::REACTIONS) {
            let mut times = PerReaction::<Vec<i64>>::default();
            for reaction in Reaction::ALL {
                times[reaction] = self.reaction_times(block, time_column(reaction))?;
            }
            batch.reactions = Some(times);
        }
        Ok(batch)
    }

    /// Decodes the authors' ids of a block, each of them once where the file has them so.
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn authors(&self, block: usize) -> Result<NumberedIds, ColumnarError> {
        self.reader.numbered_ids(block, self.reader.field(AUTHOR[0])?)
    }

    /// The same of the readers.
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn readers(&self, block: usize) -> Result<NumberedIds, ColumnarError> {
        self.reader.numbered_ids(block, self.reader.field(READER[0])?)
    }

    /// The same of the languages.
    ///
    /// # Errors
    /// As [`PartReader::read`].
    pub fn languages(&self, block: usize) -> Result<NumberedIds, ColumnarError> {
        self.reader.numbered_ids(block, self.reader.field("language")?)
    }

    fn flat<T: Element>(&self, block: usize, name: &str) -> Result<Vec<T>, ColumnarError> {
        self.reader.flat(block, self.reader.field(name)?)
    }

    /// A column of numbers that are 32 bits wide before version 3.
    fn numbers(&self, block: usize, name: &str) -> Result<Vec<i64>, ColumnarError> {
        if !self.is_narrow() {
            return self.flat(block, name);
        }
        Ok(self.flat::<u32>(block, name)?.into_iter().map(i64::from).collect())
    }

    /// The same of the times of a reaction, where 0 says before version 3 that there was none.
    fn reaction_times(&self, block: usize, name: &str) -> Result<Vec<i64>, ColumnarError> {
        let mut times = self.numbers(block, name)?;
        if self.is_narrow() {
            times.iter_mut().filter(|time| **time == 0).for_each(|time| *time = NO_REACTION);
        }
        Ok(times)
    }

    /// Whether times and counts are u32 in this file.
    fn is_narrow(&self) -> bool {
        self.reader.version() < WIDE_SINCE
    }

    fn lists<T: Element>(&self, block: usize, name: &str) -> Result<Lists<T>, ColumnarError> {
        self.reader.lists(block, self.reader.field(name)?)
    }

    fn users(&self, block: usize, names: [&str; 5], [id, profile]: [bool; 2]) -> Result<Users, ColumnarError> {
        let mut users = Users::default();
        if id {
            users.id = self.flat(block, names[0])?;
        }
        if profile {
            users.followers = self.numbers(block, names[1])?;
            users.following = self.numbers(block, names[2])?;
            users.verified = self.flat(block, names[3])?;
            users.created = self.numbers(block, names[4])?;
        }
        Ok(users)
    }

    /// What the codes of a column stand for.
    fn coded<T: Copy>(&self, block: usize, name: &str, codes: &[u8], all: &[T]) -> Result<Vec<T>, ColumnarError> {
        let unknown = |code| self.reader.damaged_chunk(block, name, format!("column {name:?} has the code {code}"));
        codes.iter().map(|&code| all.get(usize::from(code)).copied().ok_or_else(|| unknown(code))).collect()
    }
}
