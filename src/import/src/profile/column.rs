//! What a column holds.

use arrow_array::RecordBatch as Rows;
use serde::Serialize;
use skimlog_formats::Reaction;
use skimlog_formats::record::{NO_REACTION, RecordBatch};

use crate::mapping::{Kind, LogField, Mapping};
use crate::rows::{RowFault, each_word, nulls};

/// Distinct words that are listed.
const WORDS: usize = 20;
/// 2000-01-01T00:00:00Z: an earlier time is out of range.
const EARLIEST: i64 = 946_684_800;
const DAY: i64 = 86_400;

/// Something wrong in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadValue {
    /// The row's 1-based number in the log.
    pub row: u64,
    /// What is wrong, and the remedy.
    pub what: String,
}

/// What a column that the mapping takes holds.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnProfile {
    #[serde(skip)]
    pub(super) of: LogField,
    /// The field of a record, as the mapping names it.
    pub field: &'static str,
    /// The column.
    pub column: String,
    /// Rows that could be decoded.
    pub rows: u64,
    /// Rows of these in which it is null or not there.
    pub nulls: u64,
    /// Rows in which its value is bad.
    pub bad: u64,
    /// The first bad value.
    pub first_bad: Option<BadValue>,
    /// The least value in good rows: unix seconds, a count, or the number of a text's tokens.
    pub least: Option<i64>,
    /// The greatest value in good rows.
    pub greatest: Option<i64>,
    /// Good rows whose value is out of range: a time before 2000 or later than a day from now, a negative count.
    pub out_of_range: u64,
    /// The distinct words of a type, of media or of a language, at most 20, in order of their first occurrence.
    pub words: Vec<String>,
    /// Whether there are more words.
    pub has_more_words: bool,
}

impl ColumnProfile {
    pub(super) fn new(of: LogField, column: &str) -> Self {
        Self {
            of,
            field: of.name(),
            column: column.to_owned(),
            rows: 0,
            nulls: 0,
            bad: 0,
            first_bad: None,
            least: None,
            greatest: None,
            out_of_range: 0,
            words: Vec::new(),
            has_more_words: false,
        }
    }

    /// Whether its values are times.
    pub(super) fn is_time(&self) -> bool {
        matches!(self.of.kind(), Kind::Time | Kind::Reaction)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.bad += other.bad;
        self.first_bad = self.first_bad.take().or(other.first_bad);
        self.least = self.least.into_iter().chain(other.least).min();
        self.greatest = self.greatest.into_iter().chain(other.greatest).max();
        self.out_of_range += other.out_of_range;
        other.words.iter().for_each(|word| self.word(word));
        self.has_more_words |= other.has_more_words;
    }

    /// Adds rows, and the records that the good ones among them became.
    pub(super) fn add(&mut self, rows: &Rows, mapping: &Mapping, batch: &RecordBatch, now: i64) {
        self.rows += rows.num_rows() as u64;
        self.nulls += nulls(rows, mapping, self.of) as u64;
        if matches!(self.of, LogField::Type | LogField::Media | LogField::Language) {
            each_word(rows, mapping, self.of, |word| self.word(word));
        }
        let (is_time, is_number) = (self.is_time(), self.of.kind() == Kind::Number);
        for value in values(batch, self.of) {
            self.least = Some(self.least.map_or(value, |least| least.min(value)));
            self.greatest = Some(self.greatest.map_or(value, |greatest| greatest.max(value)));
            let is_out = is_time && !(EARLIEST..=now.saturating_add(DAY)).contains(&value) || is_number && value < 0;
            self.out_of_range += u64::from(is_out);
        }
    }

    /// Adds those of the faults that are its own. The first row has the number `first`.
    pub(super) fn add_faults(&mut self, first: u64, faults: &[RowFault]) {
        let mut last = None;
        for fault in faults.iter().filter(|fault| fault.field == self.of) {
            // A list may have several bad items.
            self.bad += u64::from(last.replace(fault.row) != Some(fault.row));
            let bad = || BadValue { row: first + fault.row as u64, what: fault.what.clone() };
            self.first_bad.get_or_insert_with(bad);
        }
    }

    fn word(&mut self, word: &str) {
        if self.words.iter().any(|known| known == word) {
            return;
        }
        if self.words.len() < WORDS { self.words.push(word.to_owned()) } else { self.has_more_words = true }
    }
}

/// The values of a field that is a time or a number, and the lengths of lists of tokens.
fn values(batch: &RecordBatch, field: LogField) -> Box<dyn Iterator<Item = i64> + '_> {
    let reaction = |reaction: Reaction| -> &[i64] { batch.reactions.as_ref().map_or(&[], |times| &times[reaction]) };
    let values = match field {
        LogField::Text | LogField::Tokens => {
            return Box::new((0..batch.rows).map(|row| batch.tokens.get(row).len() as i64));
        }
        LogField::Time => &*batch.tweet_time,
        LogField::AuthorFollowers => &batch.author.followers,
        LogField::AuthorFollowing => &batch.author.following,
        LogField::AuthorCreated => &batch.author.created,
        LogField::ReaderFollowers => &batch.reader.followers,
        LogField::ReaderFollowing => &batch.reader.following,
        LogField::ReaderCreated => &batch.reader.created,
        LogField::Like => reaction(Reaction::Like),
        LogField::Reply => reaction(Reaction::Reply),
        LogField::Retweet => reaction(Reaction::Retweet),
        LogField::Quote => reaction(Reaction::Quote),
        _ => &[],
    };
    Box::new(values.iter().copied().filter(|&value| value != NO_REACTION))
}
