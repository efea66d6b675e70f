//! Appends a line's fields to a batch as a record, or names the first error.

use super::error::Fault;
use super::{Field, FieldCount, LIST_SEPARATOR, MAX_RECORD_BYTES, Reason, RecordBatch, RecordOptions, Users, value};
use crate::{Lists, Reaction};

/// A line taken apart, without its newline.
pub(super) struct Line<I> {
    /// The texts between the field separators.
    pub(super) fields: I,
    /// How many there are.
    pub(super) count: usize,
    /// Length in bytes, separators included.
    pub(super) bytes: usize,
    /// Whether it is the input's first line.
    pub(super) first: bool,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> Line<I> {
    /// Adds the record to `batch`, or leaves the batch as it was and says what is wrong with the line.
    ///
    /// The first line with 24 or 20 fields settles `options.fields`.
    pub(super) fn append(self, options: &mut RecordOptions, batch: &mut RecordBatch) -> Result<(), Fault> {
        let expected = self.shape(options)?;
        let row = batch.rows;
        batch.begin(expected);
        let mut record = Record { fields: Field::ALL.into_iter().zip(self.fields), batch };
        match record.append(expected, options.vocabulary) {
            Ok(()) => {
                batch.rows += 1;
                Ok(())
            }
            Err(fault) => {
                batch.roll_back(row);
                Err(fault)
            }
        }
    }

    /// Checks what concerns the line as a whole.
    fn shape(&self, options: &mut RecordOptions) -> Result<FieldCount, Fault> {
        if self.bytes == 0 {
            return Err(Fault::line(Reason::EmptyLine));
        }
        if self.bytes > MAX_RECORD_BYTES {
            return Err(Fault::line(Reason::TooLong));
        }
        let mut fields = self.fields.clone();
        if self.first && fields.next().is_some_and(|field| field.starts_with(b"\xEF\xBB\xBF")) {
            return Err(Fault::line(Reason::ByteOrderMark));
        }
        if self.fields.clone().last().is_some_and(|field| field.ends_with(b"\r")) {
            return Err(Fault::line(Reason::CarriageReturn));
        }
        let seen = FieldCount::from_fields(self.count);
        options.fields = options.fields.or(seen);
        match options.fields {
            Some(expected) if seen == Some(expected) => Ok(expected),
            expected => Err(Fault::line(Reason::FieldCount { found: self.count, expected })),
        }
    }
}

struct Record<'b, F> {
    fields: F,
    batch: &'b mut RecordBatch,
}

impl<'a, F: Iterator<Item = (Field, &'a [u8])>> Record<'_, F> {
    fn append(&mut self, count: FieldCount, vocabulary: u32) -> Result<(), Fault> {
        let (field, tokens) = self.next();
        if tokens.is_empty() {
            return Err(Fault::field(field, Reason::Empty, tokens));
        }
        list(field, tokens, &mut self.batch.tokens, |text| value::token(text, vocabulary))?;
        let (field, text) = self.next();
        list(field, text, &mut self.batch.hashtags, value::id)?;
        let tweet = self.value(value::id)?;
        self.batch.tweet.push(tweet);
        let (field, text) = self.next();
        list(field, text, &mut self.batch.media, value::media)?;
        let (field, text) = self.next();
        list(field, text, &mut self.batch.links, value::id)?;
        let (field, text) = self.next();
        list(field, text, &mut self.batch.domains, value::id)?;
        let tweet_type = self.value(value::tweet_type)?;
        self.batch.tweet_type.push(tweet_type);
        let language = self.value(value::id)?;
        self.batch.language.push(language);
        let tweet_time = self.value(value::number)?;
        self.batch.tweet_time.push(tweet_time);
        self.user(|batch| &mut batch.author)?;
        self.user(|batch| &mut batch.reader)?;
        let follows = self.value(value::flag)?;
        self.batch.author_follows_reader.push(follows);
        if count.has_reactions() {
            for reaction in Reaction::RECORD_ORDER {
                let time = self.value(value::reaction_time)?;
                if let Some(times) = &mut self.batch.reactions {
                    times[reaction].push(time);
                }
            }
        }
        Ok(())
    }

    fn next(&mut self) -> (Field, &'a [u8]) {
        self.fields.next().expect("the number of fields was checked")
    }

    fn value<T>(&mut self, read: impl FnOnce(&[u8]) -> Result<T, Reason>) -> Result<T, Fault> {
        let (field, text) = self.next();
        read(text).map_err(|reason| Fault::field(field, reason, text))
    }

    fn user(&mut self, users: impl Fn(&mut RecordBatch) -> &mut Users) -> Result<(), Fault> {
        let id = self.value(value::id)?;
        let followers = self.value(value::number)?;
        let following = self.value(value::number)?;
        let verified = self.value(value::flag)?;
        let created = self.value(value::number)?;
        let users = users(self.batch);
        users.id.push(id);
        users.followers.push(followers);
        users.following.push(following);
        users.verified.push(verified);
        users.created.push(created);
        Ok(())
    }
}

fn list<T>(
    field: Field,
    text: &[u8],
    lists: &mut Lists<T>,
    read: impl Fn(&[u8]) -> Result<T, Reason>,
) -> Result<(), Fault> {
    if !text.is_empty() {
        for (index, item) in text.split(|&byte| byte == LIST_SEPARATOR).enumerate() {
            if item.is_empty() {
                return Err(Fault::field(field, Reason::EmptyItem { item: index + 1 }, text));
            }
            lists.push_value(read(item).map_err(|reason| Fault::field(field, reason, item))?);
        }
    }
    lists.close();
    Ok(())
}
