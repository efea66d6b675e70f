//! The columns of records, field by field.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::DataType;
use skimlog_formats::record::{Media, NO_REACTION, TweetType, Users};
use skimlog_formats::{Id, Lists, PerReaction, Reaction};

use super::number::{Reacted, Scalar, Scalars};
use super::text::{TextLists, Texts, item_type, to_lists};
use super::{IdSink, NULL_TIME, Pass, RowsError, UNDETERMINED, UserFields};
use crate::mapping::{LogField, OUT_OF_RANGE, TimeFormat};

/// Token ids of an empty text without a tokenizer: BERT's `[CLS]` and `[SEP]`.
const NO_TEXT: [u32; 2] = [101, 102];

type Outcome<E> = Result<(), RowsError<E>>;

impl<'a, I: IdSink> Pass<'a, I> {
    pub(super) fn id(&mut self, field: LogField, to: &mut Vec<Id>) -> Outcome<I::Error> {
        let rows = self.rows.num_rows();
        let default = if field == LogField::Language { Some(UNDETERMINED) } else { None };
        let Some(column) = self.column(field)? else {
            let id = self.ids.id(default.unwrap_or_default()).map_err(RowsError::Ids)?;
            to.extend(std::iter::repeat_n(id, rows));
            return Ok(());
        };
        let texts = Texts::new(&column).map_err(|what| self.wrong_column(field, what))?;
        for row in 0..rows {
            let text = texts.get(row).unwrap_or_else(|what| {
                self.faults.add(row, field, what);
                None
            });
            let text = match (text.unwrap_or_default(), default) {
                ("", None) => {
                    self.faults.add(row, field, missing(&column, row));
                    ""
                }
                ("", Some(default)) => default,
                (text, _) => text,
            };
            to.push(self.ids.id(text).map_err(RowsError::Ids)?);
        }
        Ok(())
    }

    pub(super) fn ids(&mut self, field: LogField, to: &mut Lists<Id>) -> Outcome<I::Error> {
        let Some(lists) = self.lists(field)? else {
            (0..self.rows.num_rows()).for_each(|_| to.close());
            return Ok(());
        };
        for row in 0..self.rows.num_rows() {
            let (ids, faults) = (&mut *self.ids, &mut self.faults);
            lists.each(row, |item| {
                match item {
                    Ok(Some(text)) => to.push_value(ids.id(text).map_err(RowsError::Ids)?),
                    Ok(None) => faults.add(row, field, "an item of the list is null: leave it out".into()),
                    Err(what) => faults.add(row, field, what),
                }
                Ok::<_, RowsError<I::Error>>(())
            })?;
            to.close();
        }
        Ok(())
    }

    fn lists(&self, field: LogField) -> Result<Option<TextLists<'a>>, RowsError<I::Error>> {
        let Some(column) = self.column(field)? else { return Ok(None) };
        let split = self.mapping.field(field).and_then(|mapping| mapping.split.as_deref());
        TextLists::new(&column, split).map(Some).map_err(|what| self.wrong_column(field, what))
    }

    pub(super) fn media(&mut self, to: &mut Lists<Media>) -> Outcome<I::Error> {
        let words = &self.mapping.media;
        let Some(lists) = self.lists(LogField::Media)? else {
            (0..self.rows.num_rows()).for_each(|_| to.close());
            return Ok(());
        };
        for row in 0..self.rows.num_rows() {
            let read = lists.each(row, |word| {
                let Some(word) = word?.filter(|word| !word.is_empty()) else { return Ok(()) };
                match words.get(word) {
                    Some(media) => media.into_iter().for_each(|media| to.push_value(media)),
                    None => return Err(words.unknown(word)),
                }
                Ok(())
            });
            if let Err(what) = read {
                self.faults.add(row, LogField::Media, what);
            }
            to.close();
        }
        Ok(())
    }

    pub(super) fn types(&mut self, to: &mut Vec<TweetType>) -> Outcome<I::Error> {
        let Some(column) = self.column(LogField::Type)? else {
            to.extend(std::iter::repeat_n(TweetType::TopLevel, self.rows.num_rows()));
            return Ok(());
        };
        let (types, texts) = (&self.mapping.types, Texts::new(&column));
        let texts = texts.map_err(|what| self.wrong_column(LogField::Type, what))?;
        for row in 0..self.rows.num_rows() {
            let known = texts.get(row).and_then(|word| match word.filter(|word| !word.is_empty()) {
                Some(word) => types.get(word).ok_or_else(|| types.unknown(word)),
                None => Ok(None),
            });
            let known = known.unwrap_or_else(|what| {
                self.faults.add(row, LogField::Type, what);
                None
            });
            to.push(known.unwrap_or(TweetType::TopLevel));
        }
        Ok(())
    }

    /// Times; [`NULL_TIME`] where a field that is not required is null.
    pub(super) fn times(&mut self, field: LogField, to: &mut Vec<i64>) -> Outcome<I::Error> {
        let format = self.time_format(field);
        self.scalars(field, to, NULL_TIME, |scalar| match scalar.time(&format)? {
            Some(NULL_TIME) => Err(OUT_OF_RANGE.into()),
            time => Ok(time),
        })
    }

    pub(super) fn flags(&mut self, field: LogField, to: &mut Vec<bool>) -> Outcome<I::Error> {
        self.scalars(field, to, false, |scalar| scalar.flag())
    }

    /// Values of a field, `default` where it is not mapped or null.
    fn scalars<T: Copy>(
        &mut self,
        field: LogField,
        to: &mut Vec<T>,
        default: T,
        read: impl Fn(Scalar<'_>) -> Result<Option<T>, String>,
    ) -> Outcome<I::Error> {
        let Some(column) = self.column(field)? else {
            to.extend(std::iter::repeat_n(default, self.rows.num_rows()));
            return Ok(());
        };
        let scalars = Scalars::new(&column).map_err(|what| self.wrong_column(field, what))?;
        for row in 0..self.rows.num_rows() {
            let value = match scalars.get(row).and_then(&read) {
                Ok(None) if field.is_required() => {
                    self.faults.add(row, field, missing(&column, row));
                    default
                }
                Ok(value) => value.unwrap_or(default),
                Err(what) => {
                    self.faults.add(row, field, what);
                    default
                }
            };
            to.push(value);
        }
        Ok(())
    }

    pub(super) fn user(&mut self, fields: UserFields, written: &[i64], to: &mut Users) -> Outcome<I::Error> {
        let [id, followers, following, verified, created] = fields;
        self.id(id, &mut to.id)?;
        self.scalars(followers, &mut to.followers, 0, |scalar| scalar.number())?;
        self.scalars(following, &mut to.following, 0, |scalar| scalar.number())?;
        self.flags(verified, &mut to.verified)?;
        let first = to.created.len();
        self.times(created, &mut to.created)?;
        // An account of unknown age is as old as the post.
        for (created, &written) in to.created[first..].iter_mut().zip(written) {
            if *created == NULL_TIME {
                *created = written;
            }
        }
        Ok(())
    }

    pub(super) fn reactions(&mut self, written: &[i64], to: &mut PerReaction<Vec<i64>>) -> Outcome<I::Error> {
        let mut shown = Vec::new();
        self.times(LogField::Shown, &mut shown)?;
        for reaction in Reaction::ALL {
            let field = LogField::of_reaction(reaction);
            let format = self.time_format(field);
            let times = &mut to[reaction];
            let first = times.len();
            self.scalars(field, times, NO_REACTION, |scalar| match scalar.reaction(&format)? {
                Reacted::Not => Ok(None),
                Reacted::Sometime => Ok(Some(SOMETIME)),
                Reacted::At(NO_REACTION | SOMETIME) => Err(OUT_OF_RANGE.into()),
                Reacted::At(time) => Ok(Some(time)),
            })?;
            // A reaction without a time is one at once.
            for ((time, &shown), &written) in times[first..].iter_mut().zip(&shown).zip(written) {
                if *time == SOMETIME {
                    *time = if shown == NULL_TIME { written } else { shown };
                }
            }
        }
        Ok(())
    }

    fn time_format(&self, field: LogField) -> TimeFormat {
        self.mapping.field(field).map(|mapping| mapping.time.clone()).unwrap_or_default()
    }

    pub(super) fn tokens(&mut self, to: &mut Lists<u32>) -> Outcome<I::Error> {
        let rows = self.rows.num_rows();
        if let Some(column) = self.column(LogField::Tokens)? {
            return self.given_tokens(&column, to);
        }
        let (column, mut tokens) = (self.column(LogField::Text)?, Vec::new());
        let (Some(column), Some(cutter)) = (column, self.text.as_deref_mut()) else {
            match self.text.as_deref_mut() {
                Some(cutter) => cutter.add("", &mut tokens)?,
                None => tokens.extend(NO_TEXT),
            }
            (0..rows).for_each(|_| to.push(&tokens));
            return Ok(());
        };
        let texts = match Texts::new(&column) {
            Ok(texts) => texts,
            Err(what) => return Err(self.wrong_column(LogField::Text, what)),
        };
        for row in 0..rows {
            tokens.clear();
            let text = texts.get(row).unwrap_or_else(|what| {
                self.faults.add(row, LogField::Text, what);
                None
            });
            cutter.add(text.unwrap_or_default(), &mut tokens)?;
            to.push(&tokens);
        }
        Ok(())
    }

    fn given_tokens(&mut self, column: &ArrayRef, to: &mut Lists<u32>) -> Outcome<I::Error> {
        let field = LogField::Tokens;
        let vocabulary = self.vocabulary;
        let check = |token: i64| match u32::try_from(token) {
            Ok(known) if known < vocabulary => Ok(known),
            _ => Err(format!(
                "the token {token} is not below vocabulary_size ({vocabulary}): raise vocabulary_size, or take the \
                 tokens of the text model"
            )),
        };
        let none = || "there is no token: a text has at least [CLS] and [SEP]".to_owned();
        if item_type(column.data_type()).is_some_and(DataType::is_integer) {
            let lists = to_lists(column).map_err(|what| self.wrong_column(field, what))?;
            let items =
                cast(lists.values(), &DataType::Int64).map_err(|error| self.wrong_column(field, error.to_string()))?;
            let items = items.as_primitive::<Int64Type>();
            for row in 0..lists.len() {
                let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
                let range = if lists.is_null(row) { 0..0 } else { range };
                let read = if range.is_empty() { Err(none()) } else { Ok(()) };
                let read = read.and_then(|()| {
                    range.into_iter().try_for_each(|index| {
                        let token = items.is_valid(index).then(|| items.value(index));
                        to.push_value(check(token.ok_or(NULL_TOKEN)?)?);
                        Ok::<_, String>(())
                    })
                });
                to.close();
                if let Err(what) = read {
                    self.faults.add(row, field, what);
                }
            }
            return Ok(());
        }
        if let Some(lists) = self.lists(field)? {
            for row in 0..column.len() {
                let mut empty = true;
                let read = lists.each(row, |item| {
                    empty = false;
                    let text = item?.ok_or(NULL_TOKEN)?;
                    let token = text.parse().map_err(|_| format!("`{text}` is no token id: a whole number is"))?;
                    to.push_value(check(token)?);
                    Ok::<_, String>(())
                });
                to.close();
                if let Err(what) = read.and(if empty { Err(none()) } else { Ok(()) }) {
                    self.faults.add(row, field, what);
                }
            }
        }
        Ok(())
    }
}

const NULL_TOKEN: &str = "a token is null: leave it out";
/// Stands for a reaction whose time is not in the log.
const SOMETIME: i64 = i64::MIN + 1;

fn missing(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Null => "is null or not there, and a record needs it: fill it or leave the row out".into(),
        _ if column.is_null(row) => "is null, and a record needs it: fill it or leave the row out".into(),
        _ => "is empty, and a record needs it: fill it or leave the row out".into(),
    }
}
