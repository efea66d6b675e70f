//! Rows of a log, as Arrow batches, become records.

mod column;
mod faults;
mod number;
mod observe;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch as Rows, new_null_array};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use skimlog_formats::Id;
use skimlog_formats::record::{NO_REACTION, RecordBatch};

pub(crate) use column::{find, paths, top_level, type_at};
pub use faults::RowFault;
pub(crate) use observe::{each_word, nulls};
pub(crate) use schema::{check_schema, takes as could_take};

use crate::identity::id_of;
use crate::mapping::{LogField, Mapping, Source};
use crate::tokens::{TextTokenizer, TextTokens, TokenizerError};
use faults::Faults;

/// Takes the texts of ids and gives the ids.
pub trait IdSink {
    /// Why an id cannot be noted.
    type Error;

    /// The id of a text, as [`id_of`] has it, which is noted if ids are kept.
    ///
    /// # Errors
    /// Whatever prevents the note.
    fn id(&mut self, text: &str) -> Result<Id, Self::Error>;
}

/// Gives ids and notes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unnoted;

impl IdSink for Unnoted {
    type Error = std::convert::Infallible;

    fn id(&mut self, text: &str) -> Result<Id, Self::Error> {
        Ok(id_of(text.as_bytes()))
    }
}

/// Why rows cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum RowsError<E> {
    /// A column that the mapping names is of a type from which its field cannot be made.
    #[error("column `{column}` ({}) {what}", field.name())]
    Column {
        /// The field of the record.
        field: LogField,
        /// The column.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// A text cannot be cut into tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// An id cannot be noted.
    #[error("{0}")]
    Ids(E),
}

/// Reads rows as records: one thread's memory for it.
pub struct RowReader {
    mapping: Arc<Mapping>,
    vocabulary: u32,
    text: Option<TextTokens>,
}

impl RowReader {
    /// A reader of rows by `mapping`. `tokenizer` is the mapping's; token ids are below `vocabulary`.
    pub fn new(mapping: Arc<Mapping>, tokenizer: Option<&Arc<TextTokenizer>>, vocabulary: u32) -> Self {
        Self { mapping, vocabulary, text: tokenizer.map(TextTokenizer::texts) }
    }

    /// Adds the rows to `to` as records, but for those that are none, which are returned with the first thing that is
    /// wrong with each, in order.
    ///
    /// # Errors
    /// [`RowsError`]; `to` is then as it was.
    pub fn add<I: IdSink>(
        &mut self,
        rows: &Rows,
        ids: &mut I,
        to: &mut RecordBatch,
    ) -> Result<Vec<RowFault>, RowsError<I::Error>> {
        let mut faults = self.add_good(rows, ids, to)?;
        faults.dedup_by_key(|fault| fault.row);
        Ok(faults)
    }

    /// As [`RowReader::add`], with everything that is wrong with each row.
    ///
    /// # Errors
    /// As [`RowReader::add`].
    pub(crate) fn add_good<I: IdSink>(
        &mut self,
        rows: &Rows,
        ids: &mut I,
        to: &mut RecordBatch,
    ) -> Result<Vec<RowFault>, RowsError<I::Error>> {
        let before = to.rows;
        let faults = self.add_all(rows, ids, to).inspect_err(|_| to.truncate(before))?;
        if faults.is_empty() {
            return Ok(faults);
        }
        to.truncate(before);
        let mut good = vec![true; rows.num_rows()];
        faults.iter().for_each(|fault| good[fault.row] = false);
        let failed = |error: arrow_schema::ArrowError| error.to_string();
        let rest = filter_record_batch(rows, &BooleanArray::from(good)).map_err(failed);
        let rest = rest.expect("a mask as long as the batch");
        let others = self.add_all(&rest, ids, to).inspect_err(|_| to.truncate(before))?;
        debug_assert!(others.is_empty(), "rows are read one by one");
        Ok(faults)
    }

    /// Adds the rows if all are good; otherwise `to` is left with columns of different lengths.
    fn add_all<I: IdSink>(
        &mut self,
        rows: &Rows,
        ids: &mut I,
        to: &mut RecordBatch,
    ) -> Result<Vec<RowFault>, RowsError<I::Error>> {
        let has_reactions = self.mapping.has_reactions();
        if to.reactions.is_some() != has_reactions {
            to.reactions = has_reactions.then(Default::default);
        }
        let Self { mapping, vocabulary, text } = self;
        let faults = Faults::default();
        let mut pass = Pass { mapping, vocabulary: *vocabulary, text: text.as_mut(), rows, ids, faults };
        pass.read(to)?;
        let faults = pass.faults.finish();
        if faults.is_empty() {
            to.rows += rows.num_rows();
        }
        Ok(faults)
    }
}

/// One batch on its way.
struct Pass<'a, I> {
    mapping: &'a Mapping,
    vocabulary: u32,
    text: Option<&'a mut TextTokens>,
    rows: &'a Rows,
    ids: &'a mut I,
    faults: Faults,
}

impl<I: IdSink> Pass<'_, I> {
    fn read(&mut self, to: &mut RecordBatch) -> Result<(), RowsError<I::Error>> {
        self.tokens(&mut to.tokens)?;
        self.ids(LogField::Hashtags, &mut to.hashtags)?;
        self.id(LogField::Tweet, &mut to.tweet)?;
        self.media(&mut to.media)?;
        self.ids(LogField::Links, &mut to.links)?;
        self.ids(LogField::Domains, &mut to.domains)?;
        self.types(&mut to.tweet_type)?;
        self.id(LogField::Language, &mut to.language)?;
        let first = to.tweet_time.len();
        self.times(LogField::Time, &mut to.tweet_time)?;
        let RecordBatch { author, reader, tweet_time, .. } = to;
        let written = &tweet_time[first..];
        self.user(AUTHOR, written, author)?;
        self.user(READER, written, reader)?;
        self.flags(LogField::Follows, &mut to.author_follows_reader)?;
        if let Some(reactions) = &mut to.reactions {
            self.reactions(&to.tweet_time[first..], reactions)?;
        }
        Ok(())
    }

    /// The column of a field: the log's, or one value again and again; `None` where the field is not mapped.
    fn column(&self, field: LogField) -> Result<Option<ArrayRef>, RowsError<I::Error>> {
        let Some(mapping) = self.mapping.field(field) else { return Ok(None) };
        match &mapping.from {
            Source::Value(value) => {
                let texts = arrow_array::StringArray::from(vec![value.as_str(); self.rows.num_rows()]);
                Ok(Some(Arc::new(texts)))
            }
            Source::Column(path) => match find(self.rows, path) {
                Some(column) => Ok(Some(column)),
                // A log whose rows name their columns leaves out what is null.
                None => Ok(Some(new_null_array(&DataType::Null, self.rows.num_rows()))),
            },
        }
    }

    fn wrong_column(&self, field: LogField, what: String) -> RowsError<I::Error> {
        let column = self.mapping.column(field).unwrap_or_default().to_owned();
        RowsError::Column { field, column, what }
    }
}

/// The fields of a side's users: id, followers, following, verified, created.
type UserFields = [LogField; 5];

const AUTHOR: UserFields = [
    LogField::Author,
    LogField::AuthorFollowers,
    LogField::AuthorFollowing,
    LogField::AuthorVerified,
    LogField::AuthorCreated,
];
const READER: UserFields = [
    LogField::Reader,
    LogField::ReaderFollowers,
    LogField::ReaderFollowing,
    LogField::ReaderVerified,
    LogField::ReaderCreated,
];
/// Stands for null among times.
const NULL_TIME: i64 = NO_REACTION;
/// The language of a post that has none: undetermined, of ISO 639-2.
const UNDETERMINED: &str = "und";
